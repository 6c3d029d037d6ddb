"""What becomes of a message while the send window is closed."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import closing
from datetime import datetime, timedelta, timezone
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from smsmobile import SendPostponed
from smsmobile.delivery import (
    BulkSender,
    OutgoingSMS,
    SendOutcome,
    SendStatus,
    SendWindow,
    SQLiteJournal,
    _workers,
    send_once,
)

from .scripted_service import ScriptedService

EVENING = datetime(2026, 12, 1, 21, 0, tzinfo=timezone.utc)
OPENING = datetime(2026, 12, 2, 8, 0, tzinfo=timezone.utc)
ONE, OTHER, THIRD = "+33639980011", "+33639980012", "+33639980013"


class Clock(Event):
    """An event that is never set, and at which waiting moves the time of everything forward."""

    def __init__(self, at: datetime) -> None:
        super().__init__()
        self.now = at.timestamp()
        self.passed = 0.0
        self.is_set_by = 0.0
        """Somebody sets the clock by so many seconds at the next waiting."""

    def wait(self, timeout: float | None = None) -> bool:
        self.passed += timeout or 0.0
        self.now += (timeout or 0.0) + self.is_set_by
        self.is_set_by = 0.0
        return self.is_set()


class Service(ScriptedService):
    """It notes when each request came, and what it scheduled the message for."""

    def __init__(self, *script: str) -> None:
        super().__init__(*script)
        self.received: list[tuple[str, datetime, datetime | None]] = []

    def call(self, name: str, params: Mapping[str, str | int], **_: Any) -> Any:
        if name == "sms.send":
            scheduled = params.get("schedule_timestamp")
            self.received.append((str(params["recipients"]), at(time.time()), scheduled and at(float(scheduled))))
        return super().call(name, params)


def at(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, timezone.utc)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock(EVENING)
    monkeypatch.setattr(time, "time", lambda: clock.now)
    monkeypatch.setattr(time, "monotonic", lambda: clock.passed)
    monkeypatch.setattr(_workers, "Event", lambda: clock)
    return clock


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "campaign.sqlite"


Send = Callable[..., list[SendOutcome]]


@pytest.fixture
def send(path: Path, clock: Clock) -> Send:
    def run(service: Service, messages: Any, outside: str = "wait", **options: Any) -> list[SendOutcome]:
        clock.clear()
        return list(BulkSender(service.client, str(path), workers=1, window=window(outside), **options).send(messages))

    return run


def window(outside: str = "wait") -> SendWindow:
    return SendWindow("08:00", "20:00", "UTC", outside=outside)  # type: ignore[arg-type]


def statuses(outcomes: Any) -> list[tuple[str, SendStatus]]:
    return [(outcome.message.to, outcome.status) for outcome in outcomes]


def test_in_an_open_window_messages_leave_at_once(clock: Clock, send: Send) -> None:
    clock.now = OPENING.timestamp()
    service = Service()
    send(service, [(ONE, "hi"), (OTHER, "hi")])
    assert service.received == [(ONE, OPENING, None), (OTHER, OPENING, None)]


def test_messages_wait_for_the_opening_and_leave_in_their_order(send: Send) -> None:
    service = Service()
    outcomes = send(service, [(ONE, "hi"), (OTHER, "hi")])
    assert statuses(outcomes) == [(ONE, SendStatus.SENT), (OTHER, SendStatus.SENT)]
    assert [(to, scheduled) for to, _, scheduled in service.received] == [(ONE, None), (OTHER, None)]
    assert all(OPENING <= when < OPENING + timedelta(minutes=1) for _, when, _ in service.received)


def test_an_urgent_message_does_not_wait(send: Send) -> None:
    service = Service()
    outcomes = send(service, [(ONE, "hi"), OutgoingSMS(OTHER, "code 1234", urgent=True)])
    assert service.received[0] == (OTHER, EVENING, None)
    assert statuses(outcomes) == [(OTHER, SendStatus.SENT), (ONE, SendStatus.SENT)]


@pytest.mark.parametrize("seconds", [-7200, 7200], ids=["back", "forward"])
def test_messages_leave_by_the_clock_even_if_it_is_set_meanwhile(clock: Clock, send: Send, seconds: int) -> None:
    clock.is_set_by = seconds
    service = Service()
    send(service, [(ONE, "hi")])
    ((_, when, _),) = service.received
    assert timedelta(0) <= when - OPENING < timedelta(seconds=61)
    assert clock.passed == pytest.approx(11 * 3600 - seconds, abs=61)


@pytest.mark.parametrize("count", [300, 2000])
def test_a_run_holds_back_few_messages_of_many_and_sends_them_all(send: Send, count: int) -> None:
    read: list[int] = []

    def messages() -> Any:
        for number in range(count):
            read.append(number)
            yield f"+3363998{number:04d}", "hi"

    service = Service()
    outcomes = send(service, messages())
    assert {outcome.status for outcome in outcomes} == {SendStatus.SENT}
    assert len({to for to, _ in service.phone}) == count
    assert min(when for _, when, _ in service.received) >= OPENING


def test_several_workers_wait_too(path: Path) -> None:
    opens_at = time.time() + 0.5

    class Soon(SendWindow):
        def opens_at(self, moment: float) -> float:
            return max(moment, opens_at)

    service = Service()
    messages = [(ONE, "hi"), OutgoingSMS(OTHER, "hi", urgent=True), (THIRD, "hi")]
    bulk = BulkSender(service.client, path, workers=4, window=Soon("08:00", "20:00", "UTC"))
    assert {status for _, status in statuses(bulk.send(messages))} == {SendStatus.SENT}
    assert service.received[0][0] == OTHER
    assert all(when.timestamp() >= opens_at for to, when, _ in service.received if to != OTHER)


def test_who_stops_listening_while_messages_wait_loses_none(path: Path, clock: Clock, send: Send) -> None:
    service = Service()
    bulk = BulkSender(service.client, path, workers=1, window=window())
    with closing(bulk.send([(ONE, "hi"), OutgoingSMS(OTHER, "hi", urgent=True)])) as outcomes:
        assert next(outcomes).status is SendStatus.SENT
    with closing(SQLiteJournal(path)) as journal:
        assert [entry.number for entry in journal.entries()] == [OTHER[1:]]
    assert statuses(send(service, [(ONE, "hi")])) == [(ONE, SendStatus.SENT)]


# --- scheduled with the service ----------------------------------------------------------------------------


def test_messages_can_be_scheduled_for_the_opening(path: Path, send: Send) -> None:
    service = Service()
    outcomes = send(service, [(ONE, "hi")], "schedule")
    assert statuses(outcomes) == [(ONE, SendStatus.SENT)]
    assert service.received == [(ONE, EVENING, OPENING)]
    with closing(SQLiteJournal(path)) as journal:
        (entry,) = journal.entries()
    assert at(entry.until) == OPENING


def test_in_an_open_window_nothing_is_scheduled(clock: Clock, send: Send) -> None:
    clock.now = OPENING.timestamp()
    service = Service()
    send(service, [(ONE, "hi")], "schedule")
    assert service.received == [(ONE, OPENING, None)]


@pytest.mark.parametrize("outside", ["wait", "schedule"])
def test_a_message_that_is_scheduled_outside_is_scheduled_for_the_opening(send: Send, outside: str) -> None:
    service = Service()
    send(service, [OutgoingSMS(ONE, "hi", schedule_at=EVENING + timedelta(hours=2))], outside)
    assert service.received == [(ONE, EVENING, OPENING)]


@pytest.mark.parametrize("outside", ["wait", "schedule", "expire"])
def test_a_message_that_is_scheduled_for_an_open_hour_goes_to_the_service_at_once(send: Send, outside: str) -> None:
    service = Service()
    noon = OPENING + timedelta(hours=4)
    outcomes = send(service, [OutgoingSMS(ONE, "hi", schedule_at=noon)], outside)
    assert statuses(outcomes) == [(ONE, SendStatus.SENT)]
    assert service.received == [(ONE, EVENING, noon)]


@pytest.mark.parametrize("outside", ["wait", "schedule", "expire"])
def test_an_urgent_message_keeps_its_own_time(send: Send, outside: str) -> None:
    service = Service()
    later = EVENING + timedelta(hours=2)
    send(service, [OutgoingSMS(ONE, "hi", schedule_at=later, urgent=True)], outside)
    assert service.received == [(ONE, EVENING, later)]


# --- kept back ---------------------------------------------------------------------------------------------


def test_messages_can_expire_while_it_is_closed(send: Send) -> None:
    service = Service()
    outcomes = send(service, [(ONE, "hi"), OutgoingSMS(OTHER, "hi", urgent=True)], "expire")
    assert statuses(outcomes) == [(ONE, SendStatus.EXPIRED), (OTHER, SendStatus.SENT)]
    assert outcomes[0].reason == "The send window was closed."


def test_what_expired_leaves_if_it_comes_again_while_the_window_is_open(clock: Clock, send: Send) -> None:
    service = Service()
    send(service, [(ONE, "hi")], "expire")
    clock.now = OPENING.timestamp()
    assert statuses(send(service, [(ONE, "hi")], "expire")) == [(ONE, SendStatus.SENT)]


def test_a_message_that_is_scheduled_for_a_closed_hour_expires(send: Send) -> None:
    service = Service()
    message = OutgoingSMS(ONE, "hi", schedule_at=EVENING + timedelta(hours=2))
    assert statuses(send(service, [message], "expire")) == [(ONE, SendStatus.EXPIRED)]


@pytest.mark.parametrize("outside", ["wait", "schedule"])
def test_what_is_of_no_use_at_the_opening_expires_at_once(clock: Clock, send: Send, outside: str) -> None:
    service = Service()
    outcomes = send(service, [OutgoingSMS(ONE, "hi", expires_at=OPENING)], outside)
    assert statuses(outcomes) == [(ONE, SendStatus.EXPIRED)]
    assert outcomes[0].reason == "Its time is over before the send window opens."
    assert service.received == []
    assert at(clock.now) == EVENING


@pytest.mark.parametrize("outside", ["wait", "schedule"])
def test_what_is_of_use_for_a_minute_after_the_opening_is_sent(send: Send, outside: str) -> None:
    service = Service()
    outcomes = send(service, [OutgoingSMS(ONE, "hi", expires_at=OPENING + timedelta(minutes=1))], outside)
    assert statuses(outcomes) == [(ONE, SendStatus.SENT)]


# --- one message -------------------------------------------------------------------------------------------


def once(service: Service, path: Path, outside: str = "wait", **options: Any) -> SendOutcome:
    return send_once(service.client, path, key=1, to=ONE, text="hi", window=window(outside), **options)


def test_one_message_is_postponed_and_the_error_says_for_how_long(path: Path, clock: Clock) -> None:
    service = Service()
    with pytest.raises(SendPostponed, match="opens at 2026-12-02 08:00:00") as caught:
        once(service, path)
    assert caught.value.retry_after == 11 * 3600
    clock.now += caught.value.retry_after
    assert once(service, path).status is SendStatus.SENT
    assert service.received == [(ONE, OPENING, None)]


def test_one_message_can_be_scheduled(path: Path, clock: Clock) -> None:
    service = Service()
    assert once(service, path, "schedule").status is SendStatus.SENT
    assert service.received == [(ONE, EVENING, OPENING)]
    assert once(service, path, "schedule").status is SendStatus.DUPLICATE


def test_one_message_can_expire(path: Path, clock: Clock) -> None:
    assert once(Service(), path, "expire").status is SendStatus.EXPIRED


def test_one_urgent_message_is_sent(path: Path, clock: Clock) -> None:
    service = Service()
    assert once(service, path, urgent=True).status is SendStatus.SENT
