"""What the rules keep back, in `send_once` and in a bulk run: the same for both.

What waits for a window or a SIM is in test_rules_window.py and test_sims_in_senders.py.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from datetime import time as wall_time
from typing import Any

import pytest

from smsmobile import ConfigurationError, StorageError
from smsmobile.delivery import (
    BulkSender,
    MemoryJournal,
    MemorySuppression,
    OutgoingSMS,
    SendOutcome,
    SendStatus,
    SendWindow,
    send_once,
)
from smsmobile.delivery._rate_limit import RateLimiter

from .scripted_service import ScriptedService, numbered

TO, OTHER = "+33639985678", "+33639985432"
SENT, SUPPRESSED, EXPIRED = SendStatus.SENT, SendStatus.SUPPRESSED, SendStatus.EXPIRED

Send = Callable[..., SendOutcome]
with_one_and_four_workers = pytest.mark.parametrize("workers", [1, 4])


class Opening(SendWindow):
    """A window that a test opens."""

    def __init__(self, opens_in: float) -> None:
        super().__init__(wall_time(8), wall_time(20), "Europe/Paris")
        self.opens_in = opens_in

    def opens_at(self, moment: float) -> float:
        return moment + self.opens_in


class Damaged(MemorySuppression):
    def __contains__(self, number: object) -> bool:
        raise StorageError("The list cannot be read.")


@pytest.fixture
def journal() -> MemoryJournal:
    return MemoryJournal()


@pytest.fixture(params=["send_once", "one worker", "four workers"])
def send(request: pytest.FixtureRequest, journal: MemoryJournal) -> Send:
    """Send one message by each of the senders."""

    def once(service: ScriptedService, message: OutgoingSMS, **rules: Any) -> SendOutcome:
        options = {name: getattr(message, name) for name in ("schedule_at", "expires_at", "urgent")}
        key = message.key or "order-4711"
        return send_once(service.client, journal, key=key, to=message.to, text=message.text, **options, **rules)

    def in_bulk(service: ScriptedService, message: OutgoingSMS, **rules: Any) -> SendOutcome:
        workers = 1 if request.param == "one worker" else 4
        (outcome,) = BulkSender(service.client, journal, workers=workers, **rules).send([message])
        return outcome

    return once if request.param == "send_once" else in_bulk


def in_seconds(seconds: float) -> datetime:
    return datetime.now(timezone.utc) + timedelta(seconds=seconds)


# --- what is kept back ------------------------------------------------------------------------------------


def test_who_asked_for_no_more_messages_gets_none(send: Send, journal: MemoryJournal) -> None:
    service, suppression = ScriptedService(), MemorySuppression()
    suppression.add(TO)

    outcome = send(service, OutgoingSMS(TO, "hi", "a"), suppression=suppression)

    assert (outcome.status, outcome.key, outcome.guid) == (SUPPRESSED, "a", None)
    assert "no more messages" in (outcome.reason or "")
    assert service.attempts == []
    entry = journal.get("a")
    assert entry is not None
    assert (entry.outcome, entry.reason) == (SUPPRESSED, outcome.reason)


def test_others_get_theirs(send: Send) -> None:
    service, suppression = ScriptedService(), MemorySuppression()
    suppression.add(OTHER)
    assert send(service, OutgoingSMS(TO, "hi", "a"), suppression=suppression).status is SENT


def test_a_message_is_not_sent_from_its_expiry_on(send: Send, journal: MemoryJournal) -> None:
    service = ScriptedService()
    outcome = send(service, OutgoingSMS(TO, "Your code is 1234.", "a", expires_at=in_seconds(-1)))
    assert (outcome.status, outcome.key) == (EXPIRED, "a")
    assert service.attempts == []
    assert [entry.outcome for entry in journal.entries()] == [EXPIRED]


def test_a_message_is_sent_before_its_expiry(send: Send) -> None:
    assert send(ScriptedService(), OutgoingSMS(TO, "hi", "a", expires_at=in_seconds(60))).status is SENT


def test_what_was_kept_back_is_checked_anew(send: Send, journal: MemoryJournal) -> None:
    service, suppression = ScriptedService(), MemorySuppression()
    suppression.add(TO)
    send(service, OutgoingSMS(TO, "hi", "a"), suppression=suppression)
    assert send(service, OutgoingSMS(TO, "hi", "a"), suppression=suppression).status is SUPPRESSED

    suppression.remove(TO)

    assert send(service, OutgoingSMS(TO, "hi", "a"), suppression=suppression).status is SENT
    assert send(service, OutgoingSMS(TO, "hi", "a"), suppression=suppression).status is SendStatus.DUPLICATE
    assert len(service.attempts) == 1


def test_what_was_sent_stays_sent_when_its_recipient_opts_out_later(send: Send) -> None:
    service, suppression = ScriptedService(), MemorySuppression()
    send(service, OutgoingSMS(TO, "hi", "a"), suppression=suppression)
    suppression.add(TO)
    again = send(service, OutgoingSMS(TO, "hi", "a"), suppression=suppression)
    assert (again.status, again.recorded) == (SendStatus.DUPLICATE, SENT)


def test_a_list_that_cannot_be_read_lets_nothing_leave(send: Send, journal: MemoryJournal) -> None:
    service = ScriptedService()
    with pytest.raises(StorageError, match="list cannot be read"):
        send(service, OutgoingSMS(TO, "hi", "a"), suppression=Damaged())
    assert service.attempts == []
    assert journal.get("a") is None
    assert send(service, OutgoingSMS(TO, "hi", "a"), suppression=MemorySuppression()).status is SENT


@pytest.mark.parametrize("rule", ["suppression", "window", "sims"])
def test_a_rule_that_is_none_is_told(rule: str, journal: MemoryJournal, subtests: pytest.Subtests) -> None:
    for wrong in ("+33639985678", {"08:00"}, MemorySuppression, SendWindow):
        with subtests.test(repr(wrong)), pytest.raises(ConfigurationError, match=f"{rule} is of type"):
            BulkSender(ScriptedService().client, journal, **{rule: wrong})


# --- what waits -------------------------------------------------------------------------------------------


@with_one_and_four_workers
def test_leaving_the_loop_ends_a_run_that_waits(journal: MemoryJournal, workers: int) -> None:
    service = ScriptedService()
    bulk = BulkSender(service.client, journal, workers=workers, window=Opening(3600))
    outcomes = bulk.send([*numbered(20), OutgoingSMS(TO, "Fire!", urgent=True)])
    assert next(outcomes).status is SENT
    outcomes.close()
    assert len(service.phone) == 1
    assert [entry.outcome for entry in journal.entries()] == [SENT]


@with_one_and_four_workers
def test_a_message_that_expires_while_it_waits_for_the_rate_is_not_sent(
    journal: MemoryJournal, workers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = itertools.count(time.time(), 50.0)
    monkeypatch.setattr("smsmobile.delivery._workers.time.monotonic", lambda: next(clock))
    monkeypatch.setattr("smsmobile.delivery._sender.time.time", lambda: next(clock))
    monkeypatch.setattr(RateLimiter, "acquire", lambda *_, **__: True)
    service = ScriptedService()
    message = OutgoingSMS(TO, "hi", expires_at=in_seconds(120))
    (outcome,) = BulkSender(service.client, journal, workers=workers).send([message])
    assert outcome.status is EXPIRED
    assert service.attempts == []
