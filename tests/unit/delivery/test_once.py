"""`send_once`: what becomes of a key that is asked for again, from elsewhere, or after its sender died."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
import responses

from smsmobile import (
    ConfigurationError,
    DeviceOffline,
    InvalidRequestError,
    RateLimited,
    SendInFlight,
    SendOutcomeUnknown,
    ServerError,
    SMSMobileClient,
    SMSMobileError,
    StorageError,
)
from smsmobile.delivery import (
    BulkSender,
    MemoryJournal,
    MemorySuppression,
    OutgoingSMS,
    SendOutcome,
    SendStatus,
    SendWindow,
    _outcomes,
    send_once,
)
from smsmobile.delivery import _lookup as lookup

from .scripted_service import ScriptedService

SENT, REFUSED, UNKNOWN, DUPLICATE, *_ = SendStatus
TO = "+33639985678"


@pytest.fixture(autouse=True)
def _short_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    def intervals(first: float, longest: float) -> Iterator[float]:
        while True:
            yield 0.001

    monkeypatch.setattr(lookup, "backoff_intervals", intervals)


@pytest.fixture
def journal() -> MemoryJournal:
    return MemoryJournal()


Once = Callable[..., SendOutcome]


@pytest.fixture
def once(journal: MemoryJournal) -> Once:
    def send(service: ScriptedService, key: str | int = "order-4711", text: str = "hi", **options: Any) -> SendOutcome:
        return send_once(service.client, journal, **{"key": key, "to": TO, "text": text, "patience": 0, **options})

    return send


def test_a_message_is_sent(once: Once) -> None:
    service = ScriptedService()
    outcome = once(service)
    assert outcome == SendOutcome(OutgoingSMS(TO, "hi", "order-4711"), "order-4711", SENT, "guid-1")
    assert service.phone == [(TO, "hi")]


def test_a_key_that_has_an_outcome_is_a_duplicate_with_that_outcome(once: Once) -> None:
    service = ScriptedService("accept", "refuse")
    once(service, key=1)
    refused = once(service, key=2)
    assert refused.status is REFUSED

    again = [once(service, key=key) for key in (1, 2)]

    assert [(one.status, one.recorded, one.guid) for one in again] == [
        (DUPLICATE, SENT, "guid-1"),
        (DUPLICATE, REFUSED, None),
    ]
    assert again[1].reason == refused.reason
    assert len(service.attempts) == 2


def test_a_key_of_another_message_is_told(once: Once) -> None:
    service = ScriptedService()
    once(service)
    outcome = once(service, text="something else")
    assert (outcome.status, outcome.reason) == (DUPLICATE, _outcomes.KEY_REUSED)
    assert service.phone == [(TO, "hi")]


@pytest.mark.parametrize("trouble", ["unreachable", "no token", "too fast", "offline", "over", "wrong key", "no store"])
def test_what_was_not_sent_is_raised_and_may_be_sent_again(once: Once, journal: MemoryJournal, trouble: str) -> None:
    service = ScriptedService(trouble)
    with pytest.raises(SMSMobileError):
        once(service)
    assert not journal.forget("order-4711")
    assert once(service).status is SENT


def test_an_error_that_concerns_all_messages_is_the_clients_own(once: Once) -> None:
    with pytest.raises(DeviceOffline):
        once(ScriptedService("offline"))


def test_a_message_that_cannot_be_is_refused_before_anything_happens(once: Once, subtests: pytest.Subtests) -> None:
    service = ScriptedService()
    for wrong in ({"to": "06 39 98 56 78"}, {"text": ""}, {"key": ""}, {"key": None}, {"sim": 3}, {"patience": -1}):
        with subtests.test(**wrong), pytest.raises(InvalidRequestError):
            once(service, **wrong)
    assert service.attempts == []


@pytest.mark.parametrize(("trouble", "status"), [("doubt after", SENT), ("doubt before", UNKNOWN)])
def test_a_lost_answer_is_looked_up(once: Once, trouble: str, status: SendStatus) -> None:
    service = ScriptedService(trouble)
    assert once(service).status is status
    assert len(service.attempts) == 1


def test_what_is_unknown_is_never_sent_again_until_it_is_forgotten(once: Once, journal: MemoryJournal) -> None:
    service = ScriptedService("doubt before")
    once(service)
    again = once(service)
    assert (again.status, again.recorded) == (UNKNOWN, UNKNOWN)
    assert len(service.attempts) == 1

    assert journal.forget("order-4711")
    assert once(service).status is SENT


def test_what_is_unknown_is_looked_up_once_more(once: Once) -> None:
    service = ScriptedService("doubt after")
    service.rows_are_late_by = 2
    assert once(service).status is UNKNOWN
    once(service)
    found = once(service)
    assert (found.status, found.recorded, found.guid) == (DUPLICATE, SENT, "guid-1")


def test_what_is_unknown_since_yesterday_is_not_looked_up(once: Once, monkeypatch: pytest.MonkeyPatch) -> None:
    service = ScriptedService("doubt before")
    now = time.time
    with monkeypatch.context() as yesterday:
        yesterday.setattr("time.time", lambda: now() - 25 * 3600)
        once(service)
    looks = service.looks
    assert once(service).status is UNKNOWN
    assert service.looks == looks


@pytest.fixture
def busy(once: Once) -> Iterator[tuple[ScriptedService, threading.Event]]:
    """A service in which a message to the same number is on its way until the event is set."""
    service = ScriptedService()
    reached, go_on = threading.Event(), threading.Event()

    def behave(number: str, text: str) -> None:
        if not reached.is_set():
            reached.set()
            go_on.wait(30)

    service.behave = behave
    other = threading.Thread(target=once, args=[service])
    other.start()
    assert reached.wait(30)
    yield service, go_on
    go_on.set()
    other.join(30)


def test_a_key_that_is_in_flight_elsewhere_is_not_sent(
    once: Once, busy: tuple[ScriptedService, threading.Event]
) -> None:
    service, _ = busy
    with pytest.raises(SendInFlight, match="The message is in flight") as caught:
        once(service)
    assert 0 < caught.value.retry_after <= 60
    assert len(service.attempts) == 1


def test_nor_is_another_one_that_looks_the_same_in_the_log(
    once: Once, busy: tuple[ScriptedService, threading.Event]
) -> None:
    service, go_on = busy
    with pytest.raises(SendInFlight, match="Another message with the same number and text"):
        once(service, key="order-4712")
    assert once(service, key="order-4713", text="something else").status is SENT
    go_on.set()


def test_one_that_was_in_flight_is_a_duplicate_when_it_is_done(
    once: Once, busy: tuple[ScriptedService, threading.Event]
) -> None:
    service, go_on = busy
    go_on.set()
    while True:
        try:
            outcome = once(service)
            break
        except SendInFlight:
            time.sleep(0.001)
    assert (outcome.status, outcome.recorded) == (DUPLICATE, SENT)
    assert service.phone == [(TO, "hi")]


class Killed(BaseException):
    """Ends a sender without any clean-up."""


class KilledAt(MemoryJournal):
    """A journal whose user dies at one step: nothing that this user does afterwards has an effect."""

    def __init__(self, step: str) -> None:
        super().__init__(lease=60.0, clock=lambda: self.now)
        self.now = 1000.0
        self._step = step

    def _die(self, step: str) -> None:
        if self._step in {step, "dead"}:
            self._step = "dead"
            raise Killed

    def start(self, entry: Any, at: float) -> bool:
        self._die("before start")
        is_mine = super().start(entry, at)
        self._die("after start")
        return is_mine

    def settle(self, entry: Any, outcome: SendStatus, **details: Any) -> bool:
        self._die("before settle")
        return super().settle(entry, outcome, **details)

    def release(self, entries: Any) -> None:
        self._die("release")
        super().release(entries)

    def live_again(self) -> None:
        self._step = ""


@pytest.mark.parametrize(
    ("step", "in_flight_meanwhile", "then"),
    [
        ("before start", True, (SENT, None)),
        ("after start", True, (UNKNOWN, UNKNOWN)),
        ("before settle", True, (DUPLICATE, SENT)),
    ],
)
def test_a_message_whose_sender_died_is_looked_up_when_its_lease_is_over(
    step: str, in_flight_meanwhile: bool, then: tuple[SendStatus, SendStatus | None]
) -> None:
    service, journal = ScriptedService(), KilledAt(step)

    def once() -> SendOutcome:
        return send_once(service.client, journal, key="k", to=TO, text="hi", patience=0)

    with pytest.raises(Killed):
        once()
    journal.live_again()
    attempts = len(service.attempts)
    with pytest.raises(SendInFlight):
        once()

    journal.now += 61

    outcome = once()
    assert (outcome.status, outcome.recorded) == then
    assert len(service.attempts) == (1 if step == "before start" else attempts)


def test_a_message_whose_sender_lost_its_claim_does_not_leave() -> None:
    service = ScriptedService()

    class Slow(MemoryJournal):
        """The first sender is delayed past its lease before its request leaves."""

        def __init__(self) -> None:
            super().__init__(clock=lambda: self.now)
            self.now = 1000.0
            self.others: list[SendOutcome] = []

        def start(self, entry: Any, at: float) -> bool:
            if not self.others:
                self.now += 61
                self.others.append(SendOutcome(None, None, UNKNOWN))  # so that the other one is not delayed
                self.others[0] = send_once(service.client, self, key="k", to=TO, text="hi", patience=0)
            return super().start(entry, at)

    journal = Slow()
    outcome = send_once(service.client, journal, key="k", to=TO, text="hi", patience=0)
    assert (journal.others[0].status, outcome.status, outcome.recorded) == (SENT, DUPLICATE, SENT)
    assert service.phone == [(TO, "hi")]


def test_where_the_log_cannot_be_read_a_dead_senders_message_stays_in_flight() -> None:
    service, journal = ScriptedService(), KilledAt("before settle")
    with pytest.raises(Killed):
        send_once(service.client, journal, key="k", to=TO, text="hi", patience=0)
    journal.live_again()
    journal.now += 61
    service.log_failures.extend([ServerError("x", status=500)] * 5)
    with pytest.raises(SendInFlight):
        send_once(service.client, journal, key="k", to=TO, text="hi", patience=0)
    assert send_once(service.client, journal, key="k", to=TO, text="hi", patience=0).recorded is SENT


def test_an_interruption_is_raised_and_the_next_call_looks_the_message_up(once: Once) -> None:
    service = ScriptedService()
    rows = service.add

    def behave(number: str, text: str) -> None:
        rows(number, text)
        raise SendOutcomeUnknown("Interrupted.") from KeyboardInterrupt()

    service.behave = behave
    with pytest.raises(SendOutcomeUnknown):
        once(service)
    service.behave = lambda number, text: None
    outcome = once(service)
    assert (outcome.status, outcome.recorded) == (DUPLICATE, SENT)
    assert service.phone == [(TO, "hi")]


def test_threads_that_ask_for_one_key_send_one_message(once: Once) -> None:
    service = ScriptedService()
    outcomes: Counter[object] = Counter()

    def ask() -> None:
        try:
            outcomes[once(service).status] += 1
        except SendInFlight:
            outcomes["in flight"] += 1

    threads = [threading.Thread(target=ask) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert service.phone == [(TO, "hi")]
    assert outcomes[SENT] == 1
    assert outcomes.total() == 16


def test_a_campaign_and_a_single_message_share_a_journal(once: Once, journal: MemoryJournal) -> None:
    service = ScriptedService()
    once(service, key="a")
    bulk = BulkSender(service.client, journal, workers=1, patience=0)
    outcomes = list(bulk.send([OutgoingSMS(TO, "hi", "a"), OutgoingSMS(TO, "hi", "b")]))
    assert [one.status for one in outcomes] == [DUPLICATE, SENT]
    assert once(service, key="b").recorded is SENT


def test_a_journal_that_cannot_record_keeps_the_message_from_leaving(monkeypatch: pytest.MonkeyPatch) -> None:
    service, journal = ScriptedService(), MemoryJournal()

    def full(*_: Any) -> bool:
        raise StorageError("database or disk is full")

    monkeypatch.setattr(journal, "start", full)
    with pytest.raises(StorageError, match="full"):
        send_once(service.client, journal, key="k", to=TO, text="hi")
    assert service.attempts == []


def test_the_journal_may_be_the_name_of_a_file(tmp_path: Path) -> None:
    service = ScriptedService()
    for status in (SENT, DUPLICATE):
        outcome = send_once(service.client, tmp_path / "sent.sqlite", key=7, to=TO, text="hi")
        assert outcome.status is status


@pytest.mark.parametrize("journal", [None, 7, MemoryJournal])
def test_a_journal_is_a_file_or_a_journal(journal: Any) -> None:
    with pytest.raises(ConfigurationError, match="expected the name of a file, or a Journal"):
        send_once(ScriptedService().client, journal, key="k", to=TO, text="hi")


def test_a_client_is_a_client() -> None:
    with pytest.raises(ConfigurationError, match="expected an SMSMobileClient"):
        send_once("the key", MemoryJournal(), key="k", to=TO, text="hi")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "tries"),
    [
        ({}, 2),
        ({"expires_at": datetime.now(timezone.utc) + timedelta(hours=1)}, 1),
        ({"suppression": MemorySuppression()}, 1),
        ({"window": SendWindow("00:00", "24:00", "UTC")}, 1),
    ],
)
def test_a_message_that_may_not_leave_later_is_tried_once(
    journal: MemoryJournal, pauses: list[float], options: dict[str, Any], tries: int
) -> None:
    """Rules are asked once: another attempt of the client would leave without asking them again."""
    with (
        responses.RequestsMock(assert_all_requests_are_fired=False) as service,
        SMSMobileClient(api_key="0123456789abcdef" * 3, max_retries=1) as client,
    ):
        service.post("https://api.smsmobileapi.com/sendsms/", status=429, headers={"Retry-After": "60"})
        with pytest.raises(RateLimited):
            send_once(client, journal, key="a", to=TO, text="hi", **options)
        assert len(service.calls) == tries
