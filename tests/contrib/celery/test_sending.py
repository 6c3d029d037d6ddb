"""`send_sms` and `settle_sms`: a message is sent once, tried again where nothing was sent, and looked up in doubt."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from celery import Celery
from celery.exceptions import SoftTimeLimitExceeded
from celery.result import AsyncResult
from requests.adapters import HTTPAdapter

from smsmobile import (
    AuthenticationError,
    ConnectionFailed,
    DeviceOffline,
    InvalidRequestError,
    SendInFlight,
    StorageError,
)
from smsmobile.channels.sms import SMSChannel
from smsmobile.contrib.celery import _setup, send_sms, settle_sms
from smsmobile.contrib.celery._retrying import pause_after
from smsmobile.delivery import JournalEntry, MemoryJournal, SendStatus
from smsmobile.delivery._lookup import Lookup
from smsmobile.sandbox import Sandbox

from .conftest import KEY, NUMBER, TEXT

PATIENCE = 20.0


def texts(box: Sandbox) -> list[str]:
    return [message.message for message in box.phone.outbox]


def settled(journal: MemoryJournal, expected: SendStatus) -> JournalEntry:
    """What the journal has of the message, once it has this outcome, or when time is over."""
    deadline = time.monotonic() + PATIENCE
    while (entry := journal.get(KEY)) and entry.outcome is not expected and time.monotonic() < deadline:
        time.sleep(0.02)
    assert entry is not None
    return entry


def test_a_message_is_sent_once_however_often_its_task_runs(eager: Celery, box: Sandbox) -> None:
    first = send_sms.delay(NUMBER, TEXT, key=KEY).get()
    again = send_sms.delay(NUMBER, TEXT, key=KEY).get()
    guid = box.phone.outbox[0].guid
    assert first == {"key": KEY, "status": "sent", "recorded": None, "guid": guid}
    assert again == {"key": KEY, "status": "duplicate", "recorded": "sent", "guid": guid}
    assert texts(box) == [TEXT]


def test_without_a_key_a_task_that_is_delivered_twice_sends_once(eager: Celery, box: Sandbox) -> None:
    for _ in range(2):
        result = send_sms.apply_async((NUMBER, TEXT), task_id="4ac7")
    assert result.get()["key"] == "4ac7"
    send_sms.delay(NUMBER, TEXT)
    assert texts(box) == [TEXT, TEXT]


@pytest.mark.parametrize("spelled", [lambda at: at, datetime.isoformat, lambda at: f"{at:%Y-%m-%dT%H:%M:%SZ}"])
def test_a_time_is_a_datetime_or_its_iso_text(worker: Celery, box: Sandbox, spelled: Callable[[datetime], Any]) -> None:
    at = datetime.now(timezone.utc).replace(microsecond=0) + timedelta(hours=3)
    options = {"schedule_at": spelled(at), "expires_at": spelled(at + timedelta(hours=1))}
    result = send_sms.apply_async((NUMBER, TEXT, KEY), options)
    assert result.get(timeout=PATIENCE, interval=0.02)["status"] == "sent"
    assert [request.parameters["schedule_timestamp"] for request in box.requests] == [str(int(at.timestamp()))]


def test_an_expired_message_is_not_sent(eager: Celery, box: Sandbox) -> None:
    past = datetime.now(timezone.utc) - timedelta(minutes=1)
    assert send_sms.delay(NUMBER, TEXT, KEY, expires_at=past.isoformat()).get()["status"] == "expired"
    assert texts(box) == []


@pytest.mark.parametrize(
    ("arguments", "options", "said"),
    [
        (["12", TEXT, KEY], {}, "recipient"),
        ([NUMBER, TEXT, KEY], {"schedule_at": "tomorrow"}, "schedule_at is 'tomorrow'; expected an aware datetime"),
        ([NUMBER, TEXT, KEY], {"schedule_at": "2027-01-04T09:00:00"}, "schedule_at"),
        ([NUMBER, TEXT, KEY], {"priority": 9}, "There is no option 'priority'"),
    ],
)
def test_a_wrong_argument_fails_the_task(
    eager: Celery, box: Sandbox, arguments: list[Any], options: dict[str, Any], said: str
) -> None:
    with pytest.raises(InvalidRequestError, match=said):
        send_sms.delay(*arguments, **options)
    assert box.phone.outbox == []


def test_wrong_credentials_fail_the_task_at_once(
    configured: Callable[..., Celery], worker: Celery, box: Sandbox
) -> None:
    configured(API_KEY="0" * 48)
    with pytest.raises(AuthenticationError):
        send_sms.delay(NUMBER, TEXT, KEY).get(timeout=PATIENCE, interval=0.02)
    assert len(box.requests) == 1


@pytest.mark.parametrize("fault", ["phone_offline", "rate_limited", "latency"])
def test_what_was_not_sent_is_tried_again(worker: Celery, box: Sandbox, fault: str) -> None:
    if fault == "latency":
        box.faults.add("latency", path="/sendsms/", seconds=0.01)
    else:
        box.faults.add(fault, path="/sendsms/", times=2)
    assert send_sms.delay(NUMBER, TEXT, KEY).get(timeout=PATIENCE, interval=0.02)["status"] == "sent"
    assert texts(box) == [TEXT]


def test_in_eager_mode_nobody_waits(eager: Celery, configured: Callable[..., Celery], box: Sandbox) -> None:
    box.faults.add("phone_offline")
    with pytest.raises(DeviceOffline):
        send_sms.delay(NUMBER, TEXT, KEY)
    configured(BASE_URL="http://127.0.0.1:9")
    with pytest.raises(ConnectionFailed):
        send_sms.delay(NUMBER, TEXT, KEY)


def test_an_unknown_message_is_looked_up_until_it_appears(
    worker: Celery, box: Sandbox, journal: MemoryJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("smsmobile.contrib.celery._setup.PATIENCE", 0.0)
    monkeypatch.setattr("smsmobile.delivery.settling.PATIENCE", 0.0)
    monkeypatch.setattr("smsmobile.contrib.celery._sending.FIRST_LOOK", 0.1)
    box.log_delay = 1.0
    box.faults.add("reset_after", path="/sendsms/", times=1)
    result = send_sms.delay(NUMBER, TEXT, KEY).get(timeout=PATIENCE, interval=0.02)
    assert result == {"key": KEY, "status": "unknown", "recorded": None, "guid": None}
    entry = settled(journal, SendStatus.SENT)
    assert (entry.outcome, entry.guid) == (SendStatus.SENT, box.phone.outbox[0].guid)
    assert texts(box) == [TEXT]


def test_settling_tells_what_the_journal_knows(eager: Celery, box: Sandbox, journal: MemoryJournal) -> None:
    send_sms.delay(NUMBER, TEXT, KEY)
    assert settle_sms.delay(KEY).get()["status"] == "sent"
    assert settle_sms.delay(4711).get()["key"] == "4711"
    assert settle_sms.delay("another").get() == {"key": "another", "status": None, "recorded": None, "guid": None}


@pytest.mark.parametrize("failure", [SoftTimeLimitExceeded(), StorageError("The database is away.")])
@pytest.mark.parametrize("first", [send_sms, settle_sms])
def test_a_task_that_is_interrupted_before_it_can_begin_is_tried_again(
    worker: Celery, box: Sandbox, monkeypatch: pytest.MonkeyPatch, first: Any, failure: Exception
) -> None:
    monkeypatch.setattr("smsmobile.contrib.celery._sending.FIRST_LOOK", 0.1)
    made = _setup._made
    failed: list[Celery] = []

    def fail_once(app: Celery) -> Any:
        if not failed:
            failed.append(app)
            raise failure
        return made(app)

    monkeypatch.setattr(_setup, "_made", fail_once)
    arguments = (NUMBER, TEXT, KEY) if first is send_sms else (KEY,)
    result = first.delay(*arguments).get(timeout=PATIENCE, interval=0.02)
    assert (result["status"], len(failed)) == ("sent" if first is send_sms else None, 1)


def test_a_time_limit_during_a_look_does_not_end_the_looking(
    worker: Celery, box: Sandbox, journal: MemoryJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("smsmobile.contrib.celery._setup.PATIENCE", 0.0)
    monkeypatch.setattr("smsmobile.contrib.celery._sending.FIRST_LOOK", 0.1)
    box.log_delay = 0.5
    box.faults.add("reset_after", path="/sendsms/", times=1)
    Interruption(monkeypatch, Lookup, "look", after=False)
    assert send_sms.delay(NUMBER, TEXT, KEY).get(timeout=PATIENCE, interval=0.02)["status"] == "unknown"
    assert settled(journal, SendStatus.SENT).outcome is SendStatus.SENT


def test_a_message_that_never_appears_stays_unknown_after_a_day(
    worker: Celery, box: Sandbox, journal: MemoryJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("smsmobile.contrib.celery._setup.PATIENCE", 0.0)
    monkeypatch.setattr("smsmobile.delivery.settling.PATIENCE", 0.0)
    monkeypatch.setattr("smsmobile.contrib.celery._sending.FIRST_LOOK", 0.1)
    monkeypatch.setattr("smsmobile.contrib.celery._sending.UNKNOWN_RETRY_PERIOD", 1.0)
    box.faults.add("reset_before", path="/sendsms/", times=1)
    assert send_sms.delay(NUMBER, TEXT, KEY).get(timeout=PATIENCE, interval=0.02)["status"] == "unknown"
    assert settle_sms.delay(KEY).get(timeout=PATIENCE, interval=0.02)["status"] == "unknown"
    assert texts(box) == []


class Interruption:
    """A soft time limit that strikes the first request, before or after it went out."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, owner: type, name: str, *, after: bool) -> None:
        self._function, self._after, self._is_over = getattr(owner, name), after, False
        monkeypatch.setattr(owner, name, lambda *a, **k: self._call(*a, **k))  # noqa: PLW0108 - it gets the instance

    def _call(self, *arguments: Any, **options: Any) -> Any:
        if self._is_over:
            return self._function(*arguments, **options)
        self._is_over = True
        if self._after:
            self._function(*arguments, **options)
        raise SoftTimeLimitExceeded


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize(("owner", "name"), [(SMSChannel, "_send"), (HTTPAdapter, "send")])
def test_a_time_limit_during_a_send_leaves_it_in_doubt_and_never_sends_it_twice(
    worker: Celery,
    box: Sandbox,
    journal: MemoryJournal,
    monkeypatch: pytest.MonkeyPatch,
    owner: type,
    name: str,
    after: bool,
) -> None:
    monkeypatch.setattr("smsmobile.contrib.celery._setup.PATIENCE", 0.0)
    monkeypatch.setattr("smsmobile.delivery.settling.PATIENCE", 0.0)
    Interruption(monkeypatch, owner, name, after=after)
    result = send_sms.delay(NUMBER, TEXT, KEY).get(timeout=PATIENCE, interval=0.02)
    expected = SendStatus.SENT if after else SendStatus.UNKNOWN
    assert settled(journal, expected).outcome is expected
    assert result["status"] in {"unknown", "duplicate"}
    assert texts(box) == [TEXT] * after


@pytest.mark.long
def test_the_rate_makes_a_message_wait_for_its_turn(
    configured: Callable[..., Celery], worker: Celery, box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("smsmobile.contrib.celery._sending.RATE_PATIENCE", 0.0)
    configured(RATE="1/second", RATE_STORAGE="memory://")
    results: list[AsyncResult[Any]] = [send_sms.delay(NUMBER, f"{TEXT} {number}") for number in range(3)]
    assert [result.get(timeout=PATIENCE, interval=0.02)["status"] for result in results] == ["sent"] * 3
    sent_at = [request.at for request in box.requests]
    assert sent_at[2] - sent_at[0] >= timedelta(seconds=1.5)


def test_a_message_that_was_sent_does_not_count_for_the_rate(
    configured: Callable[..., Celery], eager: Celery, box: Sandbox
) -> None:
    configured(RATE="2/hour", RATE_STORAGE="memory://")
    results = [send_sms.delay(NUMBER, TEXT, key).get()["status"] for key in (1, 1, 1, 2)]
    assert results == ["sent", "duplicate", "duplicate", "sent"]


def test_a_message_that_is_in_flight_elsewhere_is_tried_again_soon() -> None:
    """The error says when the other sender counts as gone; most messages have left long before."""
    busy = SendInFlight("It is in flight.", retry_after=60.0)
    with Celery("shop", broker="memory://", set_as_current=False) as app:
        assert pause_after(app, 0, busy) <= 1.0
        assert 30.0 < pause_after(app, 20, busy) <= 60.0
