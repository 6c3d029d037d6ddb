"""What the rules do in the outbox: opt-outs, the end of a message's time, the send window and the SIMs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, time, timedelta, timezone
from io import StringIO
from typing import Any, Literal

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone as django_timezone

from smsmobile import InvalidRequestError, SendPostponed
from smsmobile.contrib._offline import RecordedSMS
from smsmobile.contrib.django import queue_sms, send_sms, worker
from smsmobile.contrib.django.journal import DjangoJournal
from smsmobile.contrib.django.models import JournalMessage, OutgoingSMS, State
from smsmobile.contrib.django.suppression import DjangoSuppression
from smsmobile.delivery import OutgoingSMS as Message
from smsmobile.delivery import SendStatus, SendWindow, Sim, SimPool
from smsmobile.delivery.sims import Slot
from smsmobile.testing import activate

from .databases import Database

NUMBER, OTHER_NUMBER, TEXT = "+33639980001", "+447700900123", "Your order is here."
OVER = datetime(2026, 1, 1, tzinfo=timezone.utc)
OPENING, LATER = datetime(2099, 1, 1, 8, tzinfo=timezone.utc), datetime(2099, 1, 1, 9, tzinfo=timezone.utc)
Sent = list[RecordedSMS]


class ClosedWindow(SendWindow):
    """It opens at OPENING."""

    def __init__(self, outside: Literal["wait", "schedule", "expire"] = "wait") -> None:
        super().__init__(time(8), time(20), "Europe/Paris", outside=outside)

    def opens_at(self, moment: float) -> float:
        return max(moment, OPENING.timestamp())


class BusyPool(SimPool):
    """Its one SIM may send at OPENING."""

    def __init__(self) -> None:
        super().__init__([Sim("a-phone")])

    def _book(
        self,
        key: str,
        number: str,
        message: Message,
        now: float,
        window: SendWindow | None,
        *,
        again: bool = False,
    ) -> Slot:
        return Slot(Sim("a-phone"), OPENING.timestamp())


class IdlePool(SimPool):
    """It lets one SIM send everything now."""

    def __init__(self) -> None:
        super().__init__([Sim("a-phone", slot=2)])


window = ClosedWindow()
"""For a dotted path."""


def run_worker() -> str:
    out = StringIO()
    call_command("sms_worker", once=True, stdout=out)
    return out.getvalue()


def after_the_worker(row: OutgoingSMS) -> OutgoingSMS:
    run_worker()
    row.refresh_from_db()
    return row


def make_due() -> None:
    OutgoingSMS.objects.update(due_at=django_timezone.now())


# --- the end of its time --------------------------------------------------------------------------------------------


def test_a_message_whose_time_was_over_while_no_worker_ran_is_expired(database: Database, sent: Sent) -> None:
    rows = [queue_sms(NUMBER, TEXT, expires_at=LATER), queue_sms(OTHER_NUMBER, TEXT, expires_at=LATER)]
    OutgoingSMS.objects.filter(pk=rows[0].pk).update(expires_at=OVER)  # the time that has passed
    row = after_the_worker(rows[0])
    assert (row.state, row.guid, row.claimed_until) == (State.EXPIRED, "", None)
    assert "time was over" in row.reason
    assert row.finished_at is not None
    assert [message.recipient for message in sent] == [OTHER_NUMBER]
    assert "0 message(s)" in run_worker()


@pytest.mark.django_db
def test_the_end_of_its_time_is_kept_without_time_zones_in_the_database(settings: Any, sent: Sent) -> None:
    settings.USE_TZ = False
    rows = [queue_sms(NUMBER, str(at), expires_at=at) for at in (OVER, LATER)]
    run_worker()
    assert [message.message for message in sent] == [str(LATER)]
    assert OutgoingSMS.objects.get(pk=rows[0].pk).state == State.EXPIRED


@pytest.mark.django_db
def test_a_message_that_would_be_scheduled_after_the_end_of_its_time_is_not_queued() -> None:
    with pytest.raises(InvalidRequestError, match="not before expires_at"):
        queue_sms(NUMBER, TEXT, schedule_at=LATER, expires_at=OPENING)
    with pytest.raises(InvalidRequestError, match="naive"):
        queue_sms(NUMBER, TEXT, expires_at=datetime(2099, 1, 1))  # noqa: DTZ001 - this is the point
    assert not OutgoingSMS.objects.exists()


@pytest.mark.django_db
def test_what_waits_for_a_phone_that_is_offline_is_due_when_its_time_is_over(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.SMSMOBILE = {}
    for pause in ("FIRST_PAUSE", "LONGEST_PAUSE"):
        monkeypatch.setattr(worker, pause, 7200.0)
    soon = django_timezone.now() + timedelta(hours=1)  # before the next attempt
    with activate() as box:
        box.phone.switch_off()
        rows = [queue_sms(f"+3363998000{number}", TEXT, expires_at=soon) for number in range(3)]
        rows.append(queue_sms(NUMBER, TEXT))
        with pytest.raises(CommandError, match="stay queued"):
            run_worker()
        due = [row.due_at for row in OutgoingSMS.objects.order_by("pk")]
        assert due[:3] == [soon] * 3
        assert due[3] > soon
        OutgoingSMS.objects.filter(expires_at=soon).update(expires_at=OVER, due_at=OVER)  # the time that has passed
        assert "3 message(s)" in run_worker()
        assert list(OutgoingSMS.objects.order_by("pk").values_list("state", flat=True)) == [State.EXPIRED] * 3 + [
            State.QUEUED
        ]


@pytest.mark.django_db
def test_of_a_phone_that_is_offline_what_is_over_is_expired_and_not_postponed(settings: Any) -> None:
    settings.SMSMOBILE = {}
    with activate() as box:
        box.phone.switch_off()
        queue_sms(NUMBER, TEXT)
        row = queue_sms(OTHER_NUMBER, TEXT, expires_at=OVER)
        with pytest.raises(CommandError, match="stay queued"):
            run_worker()
        row.refresh_from_db()
        assert row.state == State.EXPIRED


@pytest.mark.django_db
def test_what_is_over_but_cannot_be_decided_yet_does_not_keep_the_worker_busy(sent: Sent) -> None:
    row = queue_sms(NUMBER, TEXT, key="order-1", expires_at=OVER)
    send_sms(NUMBER, TEXT, key="order-1")
    JournalMessage.objects.update(state="planned")  # somebody else is sending it
    worker.send_one(row.pk)
    row.refresh_from_db()
    assert row.state == State.QUEUED
    assert row.due_at > django_timezone.now()


@pytest.mark.django_db
def test_what_was_sent_before_its_time_was_over_is_not_called_expired(sent: Sent) -> None:
    row = queue_sms(NUMBER, TEXT, key="order-1", expires_at=LATER)
    send_sms(NUMBER, TEXT, key="order-1")  # as a worker that was killed before it recorded that
    OutgoingSMS.objects.update(expires_at=OVER)
    assert (after_the_worker(row).state, row.guid) == (State.ACCEPTED, sent[0].guid)


# --- opt-outs -------------------------------------------------------------------------------------------------------


def test_whoever_opts_out_between_queue_sms_and_the_worker_gets_nothing(database: Database, sent: Sent) -> None:
    row, other = queue_sms(NUMBER, TEXT), queue_sms(OTHER_NUMBER, TEXT)
    DjangoSuppression().add(NUMBER)
    assert after_the_worker(row).state == State.SUPPRESSED
    assert "no more messages" in row.reason
    assert (row.guid, row.claimed_until) == ("", None)
    assert row.finished_at is not None
    other.refresh_from_db()
    assert other.state == State.ACCEPTED
    assert [message.recipient for message in sent] == [OTHER_NUMBER]


@pytest.mark.django_db
def test_urgent_messages_are_suppressed_as_well(sent: Sent) -> None:
    DjangoSuppression().add(NUMBER)
    assert after_the_worker(queue_sms(NUMBER, TEXT, urgent=True)).state == State.SUPPRESSED
    assert sent == []


@pytest.mark.django_db
def test_under_a_key_nothing_is_sent_to_those_who_opted_out(sent: Sent) -> None:
    DjangoSuppression().add(NUMBER)
    assert send_sms(NUMBER, TEXT, key="order-1").status is SendStatus.SUPPRESSED
    assert sent == []
    DjangoSuppression().remove(NUMBER)
    assert send_sms(NUMBER, TEXT, key="order-1").status is SendStatus.SENT


def test_without_a_key_no_rule_is_asked(settings: Any, sent: Sent) -> None:  # nor the database, which is not there
    settings.SMSMOBILE = {"WINDOW": ClosedWindow(), "SIMS": BusyPool()}
    assert send_sms(NUMBER, TEXT).guid == sent[0].guid


# --- the window and the SIMs ----------------------------------------------------------------------------------------


def test_outside_of_the_window_messages_wait_and_urgent_ones_do_not(
    database: Database, settings: Any, sent: Sent
) -> None:
    settings.SMSMOBILE = {"WINDOW": ClosedWindow()}
    rows = [queue_sms(NUMBER, TEXT), queue_sms(OTHER_NUMBER, TEXT, urgent=True)]
    row = after_the_worker(rows[0])
    assert (row.state, row.attempts, row.claimed_until, row.finished_at) == (State.QUEUED, 0, None, None)
    assert abs(row.due_at - OPENING) < timedelta(seconds=1)
    assert "The send window opens at 2099-01-01 08:00" in row.reason
    assert [message.recipient for message in sent] == [OTHER_NUMBER]
    assert "0 message(s)" in run_worker()

    settings.SMSMOBILE = {}  # it opens
    make_due()
    assert (after_the_worker(row).state, row.attempts, row.reason) == (State.ACCEPTED, 1, "")
    assert not list(DjangoJournal().unknown())


@pytest.mark.django_db
@pytest.mark.parametrize("rule", [{"WINDOW": ClosedWindow()}, {"SIMS": BusyPool()}], ids=["window", "SIMs"])
def test_what_is_over_before_a_rule_lets_it_leave_is_expired_at_once(
    settings: Any, sent: Sent, rule: dict[str, Any]
) -> None:
    settings.SMSMOBILE = rule
    assert after_the_worker(queue_sms(NUMBER, TEXT, expires_at=OPENING)).state == State.EXPIRED
    assert after_the_worker(queue_sms(OTHER_NUMBER, TEXT, expires_at=LATER)).state == State.QUEUED
    assert sent == []


@pytest.mark.django_db
def test_a_window_that_lets_messages_expire_does(settings: Any, sent: Sent) -> None:
    settings.SMSMOBILE = {"WINDOW": ClosedWindow("expire")}
    row = after_the_worker(queue_sms(NUMBER, TEXT))
    assert (row.state, row.reason) == (State.EXPIRED, "The send window was closed.")


@pytest.mark.django_db
def test_a_window_that_schedules_messages_hands_them_to_the_service(settings: Any, sent: Sent) -> None:
    settings.SMSMOBILE = {"WINDOW": ClosedWindow("schedule")}
    row = after_the_worker(queue_sms(NUMBER, TEXT))
    assert (row.state, row.attempts, row.guid, row.reason) == (State.ACCEPTED, 1, sent[0].guid, "")
    assert sent[0].schedule_at == OPENING


@pytest.mark.django_db
def test_the_limits_of_the_sims_let_messages_wait(settings: Any, sent: Sent) -> None:
    settings.SMSMOBILE = {"SIMS": BusyPool()}
    row = after_the_worker(queue_sms(NUMBER, TEXT))
    assert (row.state, row.attempts) == (State.QUEUED, 0)
    assert abs(row.due_at - OPENING) < timedelta(seconds=1)
    assert "2099-01-01 08:00" in row.reason


@pytest.mark.django_db
def test_a_sim_of_the_pool_sends(settings: Any, sent: Sent) -> None:
    settings.SMSMOBILE = {"SIMS": IdlePool()}
    queue_sms(NUMBER, TEXT)
    run_worker()
    assert [(message.device, message.sim) for message in sent] == [("a-phone", 2)]


@pytest.mark.django_db
def test_under_a_key_a_direct_send_is_postponed_unless_it_is_urgent(settings: Any, sent: Sent) -> None:
    settings.SMSMOBILE = {"WINDOW": f"{__name__}.window"}
    with pytest.raises(SendPostponed) as caught:
        send_sms(NUMBER, TEXT, key="order-1")
    assert caught.value.retry_after > timedelta(days=365).total_seconds()
    assert sent == []
    assert send_sms(NUMBER, TEXT, key="order-1", urgent=True).status is SendStatus.SENT
    assert send_sms(NUMBER, TEXT, key="order-2", urgent=True, expires_at=OVER).status is SendStatus.EXPIRED


@pytest.mark.django_db
def test_rules_that_cannot_be_used_let_all_messages_wait(settings: Any, sent: Sent) -> None:
    settings.SMSMOBILE = {"WINDOW": "shop.windows.missing"}
    row = queue_sms(NUMBER, TEXT)
    with pytest.raises(CommandError, match=r"SMSMOBILE\['WINDOW'\]"):
        run_worker()
    row.refresh_from_db()
    assert row.state == State.QUEUED
    assert sent == []


@pytest.mark.django_db
def test_a_task_leaves_a_message_that_has_to_wait_to_the_worker(settings: Any, sent: Sent) -> None:
    settings.SMSMOBILE = {"WINDOW": ClosedWindow()}
    row = queue_sms(NUMBER, TEXT)
    worker.send_one(row.pk)
    row.refresh_from_db()
    assert row.state == State.QUEUED
    assert row.due_at > LATER - timedelta(days=1)


@pytest.mark.parametrize("option", [{"expires_at": LATER}, {"urgent": True}], ids=str)
def test_without_a_key_an_option_that_needs_one_is_refused(sent: Sent, option: Any) -> None:
    send: Callable[..., Any] = send_sms
    with pytest.raises(InvalidRequestError, match="expected a key"):
        send(NUMBER, TEXT, **option)
    assert sent == []
    assert send(NUMBER, TEXT, expires_at=None, urgent=False).guid
