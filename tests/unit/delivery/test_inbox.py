"""`Inbox`: which messages are handed over, when one counts as handled, what is asked for, and how a poll ends."""

from __future__ import annotations

import logging
import os
import signal
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, suppress
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
import responses

from smsmobile import (
    AuthenticationError,
    ConnectionFailed,
    DeviceOffline,
    InvalidRequestError,
    RateLimited,
    ReceivedSMS,
    ResponseTimeout,
    ServerError,
    SMSMobileClient,
    SMSMobileError,
    StorageError,
    SubscriptionExpired,
    UnexpectedResponse,
)
from smsmobile._http import backoff
from smsmobile.delivery import Inbox, InboxProgress, InboxState, SQLiteInboxState, _inbox_reading, inbox
from smsmobile.webhooks import SMSReceived, parse_v1

NOON = datetime(2026, 3, 20, 12, 0, tzinfo=timezone.utc)
SENDER = "+33639985432"
REAL_WAIT = Inbox._wait


def row(
    guid: str | None, at: datetime | None = NOON, text: str = "hello", sender: str | None = SENDER, **more: Any
) -> ReceivedSMS:
    moment = {} if at is None else {"timestamp_unix": int(at.timestamp() * 1000)}
    return ReceivedSMS.from_wire({"guid": guid, "number": sender, "message": text, **moment, **more})


class Service:
    """A client whose inbox is a list, newest first, and what was asked of it."""

    def __init__(self) -> None:
        self.sms = self._without_retries = self
        self.rows: list[ReceivedSMS] = []
        self.asked: list[tuple[datetime, str | None]] = []
        self.logs = 0
        self.refuses: Exception | None = None
        self.failures: list[Exception | None] = []
        self.pauses: list[float] = []
        self.meanwhile: Callable[[], object] = lambda: None
        self.shows_everything = False
        self.most: int | None = None
        """How many rows an answer has at most: the newest, or the oldest if it is negative."""
        self.offset: float | None = None
        """Seconds that the service's clock is ahead, if its answers say so."""

    def has(self, *rows: ReceivedSMS) -> None:
        for new in rows:
            self.rows.insert(0, new)

    def received(self, *, after: datetime, device: str | None) -> list[ReceivedSMS]:
        assert len(self.asked) < 200, "this would go on for ever"
        self.asked.append((after, device))
        if self.failures and (failure := self.failures.pop(0)) is not None:
            raise failure
        rows = [
            each for each in self.rows if each.received_at is None or each.received_at > after or self.shows_everything
        ]
        return rows if self.most is None else rows[: self.most] if self.most > 0 else rows[self.most :]

    def _clock_offset(self) -> float | None:
        return self.offset

    def log(self) -> list[Any]:
        self.logs += 1
        if self.refuses is not None:
            raise self.refuses
        return []


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
def time_now(monkeypatch: pytest.MonkeyPatch) -> list[datetime]:
    """What the clock of this machine says."""
    moment = [NOON]
    for module in (inbox, _inbox_reading):
        monkeypatch.setattr(module, "now", lambda: moment[0])
    return moment


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch, service: Service, time_now: list[datetime]) -> None:
    def wait(self: Inbox, seconds: float) -> None:
        service.pauses.append(seconds)
        service.meanwhile()

    monkeypatch.setattr(Inbox, "_wait", wait)
    monkeypatch.setattr(backoff.random, "uniform", lambda low, high: high)


def made(service: Service, state: Any = "inbox.sqlite", **options: Any) -> Inbox:
    return Inbox(service, state, **options)  # type: ignore[arg-type]


def looks(inbox: Inbox, service: Service, count: int = 1, **options: Any) -> list[str]:
    """The texts that so many looks bring, all of them handled."""
    left = [count]

    def stop_at_last() -> None:
        left[0] -= 1
        if left[0] == 0:
            inbox.stop()

    service.meanwhile = stop_at_last
    return [event.data.message for event in inbox.poll(**options)]


def first(inbox: Inbox) -> str:
    """The text of the next message; it is not handled."""
    polling = inbox.poll()
    try:
        return next(polling).data.message
    finally:
        polling.close()


# --- each once, in order ----------------------------------------------------------------------------------


def test_each_message_is_handed_over_once(service: Service) -> None:
    inbox = made(service)
    service.has(row("a", text="one"), row("b", text="two"))

    assert looks(inbox, service, 3) == ["one", "two"]

    service.has(row("c", text="three"))
    assert looks(inbox, service, 3) == ["three"]
    assert looks(made(service), service, 3) == []


def test_messages_come_oldest_first(service: Service) -> None:
    inbox = made(service)
    service.has(*(row(f"g{n}", NOON + timedelta(seconds=n), text=str(n)) for n in (5, 1, 4, 2, 3)))
    assert looks(inbox, service) == list("12345")


@pytest.mark.parametrize("newest_first", [True, False])
def test_messages_of_one_second_come_as_the_service_counted_them(service: Service, newest_first: bool) -> None:
    inbox = made(service)
    service.has(*(row(f"g{n}", text=str(n), id=n) for n in range(8, 13)))
    if not newest_first:
        service.rows.reverse()
    assert looks(inbox, service) == ["8", "9", "10", "11", "12"]


@pytest.mark.parametrize("newest_first", [True, False])
def test_messages_of_one_second_without_a_count_keep_the_order_of_the_answer(
    service: Service, newest_first: bool
) -> None:
    inbox = made(service)
    service.has(row("x", text="x"), *(row(n, NOON + timedelta(seconds=1), text=n) for n in "abc"))
    if not newest_first:
        service.rows.reverse()
    assert looks(inbox, service) == ["x", "a", "b", "c"]


def test_a_message_that_comes_late_is_not_missed(service: Service) -> None:
    inbox = made(service)
    service.has(row("new", NOON + timedelta(hours=20), text="new"))
    assert looks(inbox, service) == ["new"]
    service.has(row("late", NOON + timedelta(minutes=1), text="late"))
    assert looks(inbox, service) == ["late"]


def test_a_message_of_the_same_second_is_not_missed(service: Service) -> None:
    inbox = made(service, overlap=timedelta(0))
    service.has(row("a", NOON, text="one"))
    assert looks(inbox, service) == ["one"]
    service.has(row("b", NOON, text="two"))
    assert looks(inbox, service) == ["two"]


def test_a_guid_that_stands_there_twice_is_one_message(service: Service) -> None:
    inbox = made(service)
    service.has(row("a", text="one"), row("a", text="one"))
    assert looks(inbox, service, 2) == ["one"]


def test_messages_without_a_guid_are_told_apart_by_sender_text_and_time(service: Service) -> None:
    inbox = made(service, since=NOON)
    service.has(
        row(None, text="one"),
        row(None, text="two"),
        row(None, text="one", sender="MPESA"),
        row(None, NOON + timedelta(seconds=1), text="one"),
        row(None, None, text="one"),
    )
    assert sorted(looks(inbox, service, 3)) == ["one", "one", "one", "one", "two"]
    service.has(row(None, text="three"))
    assert looks(made(service), service, 3) == ["three"]


def test_a_message_without_a_guid_is_the_same_one_when_its_time_is_told_more_precisely(service: Service) -> None:
    inbox = made(service)
    service.has(row(None, NOON + timedelta(seconds=1), text="one"))
    assert looks(inbox, service) == ["one"]
    service.rows = [row(None, NOON + timedelta(milliseconds=1120), text="one")]
    assert looks(inbox, service, 2) == []


@pytest.mark.parametrize("other", [{"text": "two"}, {"sender": "MPESA"}, {"at": NOON + timedelta(milliseconds=1)}])
def test_messages_without_a_guid_that_differ_in_one_thing_are_not_mixed_up(
    service: Service, other: dict[str, Any]
) -> None:
    inbox = made(service)
    service.has(row(None, text="one", new="first"))
    looks(inbox, service)
    service.rows.append(row(None, **{"text": "one", "new": "second", **other}))  # wherever it stands in the answer
    (event,) = [event for event in inbox.poll() if inbox.stop() is None]
    assert (event.data.model_extra or {})["new"] == "second"


def test_the_same_words_twice_in_one_second_are_two_messages(service: Service) -> None:
    inbox = made(service)
    service.has(row(None, text="one"))
    assert looks(inbox, service) == ["one"]
    service.has(row(None, text="one"))
    assert looks(inbox, service, 3) == ["one"]


def test_half_an_emoji_is_no_reason_to_stop(service: Service) -> None:
    inbox = made(service)
    service.has(row(None, text="\ud83d"))
    assert len(looks(inbox, service, 2)) == 1


def test_messages_without_a_time_are_handed_over_once(service: Service) -> None:
    inbox = made(service)
    looks(inbox, service)
    service.has(row("a", None, text="one"))
    service.has(*(row(f"g{n}", NOON + timedelta(days=n), text=str(n)) for n in range(1, 9)))
    assert sorted(looks(inbox, service, 3)) == [*"12345678", "one"]
    assert looks(made(service), service, 5) == []


# --- the events -------------------------------------------------------------------------------------------


def test_the_event_is_the_one_of_webhooks(service: Service) -> None:
    inbox = made(service)
    service.has(
        row("g", text="Hi", alias="Taylor", sIdentifiantPhone="SID", date="2026-03-20", hour="12:00:05", id=7, new="x")
    )
    (event,) = [event for event in inbox.poll() if inbox.stop() is None]
    pushed = parse_v1(
        b'{"guid": "g", "number": "+33639985432", "message": "Hi", "alias": "Taylor", "sIdentifiantPhone": "SID", '
        b'"date": "2026-03-20", "hour": "12:00:05", "timestamp_unix": 1774008000000, "id": 7, "new": "x"}'
    )
    assert isinstance(event, SMSReceived)
    assert (event.id, event.signed, event.api_version) == ("g", False, None)
    assert event.data.model_extra == {"id": 7, "new": "x"}
    assert event.model_dump() == pushed.model_dump()


def test_spellings_of_one_thing_do_not_contradict_each_other(service: Service) -> None:
    inbox = made(service)
    more = {"from": "another", "Number": "another", "time_received": "2001-01-01 00:00:00", "device_id": "SID"}
    service.has(row("g", **more))
    (event,) = [event for event in inbox.poll() if inbox.stop() is None]
    assert (event.data.sender, event.data.received_at, event.data.device) == (SENDER, NOON, "SID")
    assert event.data.model_extra == {}


@pytest.mark.parametrize("sender", [None, "", "  "])
def test_a_message_from_nobody_is_handed_over_all_the_same(service: Service, sender: str | None) -> None:
    inbox = made(service)
    service.has(row("g", sender=sender))
    (event,) = [event for event in inbox.poll() if inbox.stop() is None]
    assert event.data.sender == "unknown"


def test_what_a_row_does_not_say_is_told_apart_from_what_it_does(service: Service) -> None:
    inbox = made(service)
    looks(inbox, service)
    service.has(row(None, None, text="", sender=""))
    (event,) = [event for event in inbox.poll() if inbox.stop() is None]
    assert event.id.startswith("sha256:")
    assert (event.data.guid, event.data.sender, event.data.message) == (None, "unknown", "")
    assert (event.data.received_at, event.occurred_at) == (None, NOON)


# --- when a message counts as handled ---------------------------------------------------------------------


def test_a_message_is_handled_when_the_next_one_is_asked_for(service: Service) -> None:
    inbox = made(service)
    service.has(row("a", text="one"), row("b", text="two"))
    polling = inbox.poll()
    next(polling)
    next(polling)
    polling.close()
    assert looks(made(service), service) == ["two"]


def test_a_message_whose_handling_failed_comes_again_before_newer_ones(service: Service) -> None:
    inbox = made(service)
    service.has(row("a", text="one"), row("b", text="two"), row("c", text="three"))

    def handle() -> None:
        for event in inbox.poll():
            if event.data.message == "two":
                raise KeyError

    with pytest.raises(KeyError):
        handle()
    service.has(row("d", NOON + timedelta(hours=1), text="four"))

    assert looks(inbox, service) == ["two", "three", "four"]


def test_a_loop_that_is_left_has_not_handled_its_message(service: Service) -> None:
    inbox = made(service)
    service.has(row("a", text="one"))
    for _ in inbox.poll():
        break
    assert looks(inbox, service) == ["one"]


@pytest.mark.parametrize("kind", [KeyError, KeyboardInterrupt, SystemExit, GeneratorExit])
def test_what_is_thrown_in_leaves_the_message_unhandled(service: Service, kind: type[BaseException]) -> None:
    inbox = made(service)
    service.has(row("a", text="one"))
    polling: Any = inbox.poll()
    next(polling)
    with pytest.raises(kind):
        polling.throw(kind)
    assert looks(inbox, service) == ["one"]


def test_a_stop_in_the_loop_handles_the_message_at_hand_and_no_other(service: Service) -> None:
    inbox = made(service)
    service.has(row("a", text="one"), row("b", text="two"))
    seen = []
    for event in inbox.poll():
        seen.append(event.data.message)
        inbox.stop()
    assert seen == ["one"]
    assert looks(inbox, service) == ["two"]


def test_a_stop_before_the_poll_ends_it_at_once_and_only_it(service: Service) -> None:
    inbox = made(service)
    service.has(row("a", text="one"))
    inbox.stop()
    assert list(inbox.poll()) == []
    assert service.asked == []
    assert looks(inbox, service) == ["one"]


def test_a_second_poll_of_an_inbox_is_refused_and_leaves_the_first_one_alone(service: Service) -> None:
    inbox = made(service, Memory())
    service.has(*(row(guid, text=guid) for guid in "abc"))
    seen = []
    for event in inbox.poll():
        seen.append(event.data.message)
        inbox.stop()
        with pytest.raises(StorageError, match=r"another poll\(\) of it has not ended.*close\(\)"):
            next(inbox.poll())
    assert seen == ["a"]
    assert looks(inbox, service) == ["b", "c"]


# --- one look ---------------------------------------------------------------------------------------------


def once(inbox: Inbox) -> list[str]:
    """The texts that one look brings, all of them handled."""
    return [event.data.message for event in inbox.poll_once()]


def test_one_look_hands_over_what_is_new_oldest_first_and_ends(service: Service) -> None:
    inbox = made(service)
    service.has(row("b", NOON + timedelta(seconds=1), text="two"), row("a", text="one"))

    assert once(inbox) == ["one", "two"]
    assert len(service.asked) == 1
    assert service.pauses == []

    service.has(row("c", NOON + timedelta(seconds=2), text="three"))
    assert once(inbox) == ["three"]
    assert once(made(service)) == []


def test_one_look_takes_turns_with_a_poll(service: Service) -> None:
    inbox = made(service)
    service.has(row("a", text="one"))
    assert looks(inbox, service) == ["one"]
    service.has(row("b", text="two"))
    assert once(inbox) == ["two"]
    service.has(row("c", text="three"))
    assert looks(inbox, service, 2) == ["three"]


def test_in_one_look_a_message_is_handled_when_the_next_one_is_asked_for(service: Service) -> None:
    service.has(*(row(guid, text=guid) for guid in "abc"))
    looking = made(service).poll_once()
    assert [next(looking).data.message, next(looking).data.message] == ["a", "b"]
    looking.close()
    assert once(made(service)) == ["b", "c"]


def test_in_one_look_a_message_whose_handling_failed_comes_again(service: Service) -> None:
    inbox = made(service)
    service.has(row("a", text="one"), row("b", text="two"))

    def handle() -> None:
        for _ in inbox.poll_once():
            raise KeyError

    with pytest.raises(KeyError):
        handle()
    assert once(inbox) == ["one", "two"]


def test_what_arrives_before_the_first_look_of_all_is_handed_over_by_the_next_run(
    service: Service, time_now: list[datetime]
) -> None:
    assert once(made(service)) == []
    service.has(row("a", NOON + timedelta(minutes=1), text="meanwhile"))
    time_now[0] = NOON + timedelta(minutes=5)
    assert once(made(service)) == ["meanwhile"]


@pytest.mark.parametrize("failure", [ConnectionFailed("no"), ServerError("no"), AuthenticationError("no")])
def test_one_look_raises_every_failure_at_once_and_the_next_one_loses_nothing(
    service: Service, failure: SMSMobileError, caplog: pytest.LogCaptureFixture
) -> None:
    inbox = made(service)
    service.has(row("a", text="one"))
    service.failures.append(failure)

    with pytest.raises(type(failure)):
        once(inbox)
    assert len(service.asked) == 1
    assert service.pauses == []
    assert caplog.messages == []
    assert once(made(service)) == ["one"]


def test_one_look_that_finds_nothing_makes_sure_of_the_key(service: Service) -> None:
    inbox = made(service)
    service.refuses = AuthenticationError("no")
    with pytest.raises(AuthenticationError):
        once(inbox)
    service.has(row("a", text="one"))
    assert once(inbox) == ["one"]  # messages vouch for the key


@pytest.mark.parametrize("fails", [False, True])
def test_after_one_look_the_state_is_closed(service: Service, monkeypatch: pytest.MonkeyPatch, fails: bool) -> None:
    closed = []
    close = SQLiteInboxState.close
    monkeypatch.setattr(SQLiteInboxState, "close", lambda state: (closed.append(state), close(state)))
    if fails:
        service.failures.append(ConnectionFailed("no"))
    with suppress(ConnectionFailed):
        once(made(service))
    assert len(closed) == 1


def test_one_look_beside_a_poll_or_another_look_is_refused(service: Service) -> None:
    inbox = made(service, Memory())
    service.has(row("a", text="one"))
    for running in (inbox.poll, inbox.poll_once):
        with closing(running()) as first_one:
            next(first_one)
            for second in (inbox.poll, inbox.poll_once):
                with pytest.raises(StorageError, match="in use"):
                    next(second())
    assert once(inbox) == ["one"]


def test_a_stop_ends_one_look_after_the_message_at_hand(service: Service) -> None:
    inbox = made(service)
    service.has(row("a", text="one"), row("b", text="two"))
    assert [event.data.message for event in inbox.poll_once() if inbox.stop() is None] == ["one"]
    inbox.stop()
    assert once(inbox) == []
    assert len(service.asked) == 1
    assert once(inbox) == ["two"]


def test_one_look_tells_that_messages_may_be_missing(service: Service, caplog: pytest.LogCaptureFixture) -> None:
    service.most = 50
    inbox = made(service)
    service.has(*(row(f"g{n}", NOON + timedelta(minutes=1, seconds=n), text=str(n)) for n in range(60)))
    assert len(once(inbox)) == 50
    assert "newest 50 messages only" in caplog.text


# --- from when on -----------------------------------------------------------------------------------------


def test_what_was_there_before_is_not_handed_over(service: Service) -> None:
    service.has(row("old", NOON - timedelta(seconds=1), text="old"), row("undated", None, text="old"))
    inbox = made(service)
    service.has(row("new", NOON, text="new"))
    assert looks(inbox, service, 3) == ["new"]
    assert looks(made(service), service, 3) == []


def test_what_comes_between_making_the_inbox_and_the_first_look_is_handed_over(
    service: Service, time_now: list[datetime]
) -> None:
    time_now[0] = NOON + timedelta(milliseconds=900)
    inbox = made(service)
    time_now[0] = NOON + timedelta(hours=9)
    service.has(row("a", NOON, text="in this very second"), row("b", NOON + timedelta(hours=8), text="later"))
    assert looks(inbox, service) == ["in this very second", "later"]


def test_a_first_look_that_failed_and_a_restart_do_not_move_the_beginning(
    service: Service, time_now: list[datetime]
) -> None:
    service.failures.append(AuthenticationError("no"))
    with pytest.raises(AuthenticationError):
        looks(made(service), service)
    service.has(row("a", NOON + timedelta(minutes=1), text="meanwhile"))
    time_now[0] = NOON + timedelta(hours=1)
    assert looks(made(service), service) == ["meanwhile"]


def test_what_was_sent_before_and_arrives_after_the_beginning_is_handed_over(service: Service) -> None:
    inbox = made(service)
    assert looks(inbox, service) == []
    service.has(row("late", NOON - timedelta(hours=5), text="late"))
    assert looks(made(service), service, 3) == ["late"]


def test_a_beginning_can_be_chosen(service: Service) -> None:
    service.has(*(row(f"g{n}", NOON - timedelta(hours=n), text=str(n)) for n in range(48)))
    service.has(row("undated", None, text="undated"))
    inbox = made(service, since=(NOON - timedelta(hours=2)).astimezone(timezone(timedelta(hours=5))))
    assert looks(inbox, service, 3) == ["undated", "2", "1", "0"]
    assert looks(made(service), service, 3) == []


def test_a_beginning_before_all_times_brings_everything(service: Service) -> None:
    service.has(row("a", datetime(2001, 1, 1, tzinfo=timezone.utc), text="old"))
    inbox = made(service, since=datetime.min.replace(tzinfo=timezone.utc), overlap=timedelta(days=366))
    assert looks(inbox, service, 2) == ["old"]


def test_a_state_that_has_begun_goes_on_where_it_was(service: Service) -> None:
    looks(made(service), service)
    service.has(row("a", NOON - timedelta(days=3), text="old"), row("b", NOON + timedelta(days=1), text="new"))
    assert looks(made(service, since=NOON - timedelta(days=9)), service) == ["new"]


def test_a_beginning_in_the_future_is_kept(service: Service, time_now: list[datetime]) -> None:
    inbox = made(service, since=NOON + timedelta(days=9))
    service.has(row("a", NOON, text="one"))
    assert looks(inbox, service) == []
    time_now[0] = NOON + timedelta(days=10)
    service.has(row("b", NOON + timedelta(days=8), text="two"), row("c", NOON + timedelta(days=9), text="three"))
    assert looks(made(service), service) == ["three"]


def test_a_beginning_is_kept_where_this_machines_clock_is_behind(service: Service, time_now: list[datetime]) -> None:
    time_now[0] = NOON - timedelta(days=400)
    service.has(row("a", NOON - timedelta(seconds=1), text="one"), row("b", NOON, text="two"))
    assert looks(made(service, since=NOON), service, 2) == ["two"]


def test_what_is_dated_before_a_chosen_beginning_and_comes_late_is_not_handed_over(service: Service) -> None:
    inbox = made(service, since=NOON)
    assert looks(inbox, service) == []
    service.has(row("late", NOON - timedelta(minutes=1), text="late"), row("new", NOON, text="new"))
    assert looks(made(service), service) == ["new"]


@pytest.mark.parametrize("answers", ["by time", "everything"])
def test_a_longer_overlap_brings_back_nothing(service: Service, time_now: list[datetime], answers: str) -> None:
    service.shows_everything = answers == "everything"
    service.has(row("old", NOON - timedelta(days=3), text="old"))
    inbox = made(service, overlap=timedelta(hours=1))
    for n in range(1, 30):
        time_now[0] = NOON + timedelta(hours=n)
        service.has(row(f"g{n}", time_now[0], text=str(n)))
        assert looks(inbox, service, 2) == [str(n)]
    assert looks(made(service, overlap=timedelta(days=10)), service, 2) == []
    service.has(row("new", time_now[0] - timedelta(minutes=59), text="new"))
    assert looks(made(service, overlap=timedelta(days=10)), service, 2) == ["new"]


def test_a_longer_overlap_of_an_inbox_that_has_seen_nothing_brings_nothing_from_before_it(service: Service) -> None:
    service.has(row("old", NOON - timedelta(days=3), text="old"))
    assert looks(made(service), service) == []
    assert looks(made(service, overlap=timedelta(days=10)), service, 2) == []


def test_after_a_clock_that_was_days_ahead_for_one_look_later_messages_are_handed_over(
    service: Service, time_now: list[datetime]
) -> None:
    inbox = made(service)
    service.has(row("a", text="one"))
    assert looks(inbox, service) == ["one"]
    time_now[0] = NOON + timedelta(days=5)
    service.has(row("ahead", NOON + timedelta(days=5), text="ahead"))  # and so was the clock of a phone
    assert looks(inbox, service) == ["ahead"]
    time_now[0] = NOON + timedelta(hours=1)
    service.has(row("b", NOON + timedelta(hours=1), text="two"))
    assert looks(inbox, service, 2) == ["two"]
    assert looks(made(service), service, 2) == []


def test_where_the_clock_was_days_ahead_when_the_inbox_began_later_messages_are_handed_over(
    service: Service, time_now: list[datetime]
) -> None:
    time_now[0] = NOON + timedelta(days=5)
    inbox = made(service)
    assert looks(inbox, service) == []
    time_now[0] = NOON + timedelta(minutes=1)
    service.has(row("b", NOON + timedelta(minutes=1), text="two"))
    assert looks(inbox, service, 3) == ["two"]


def test_the_services_clock_counts_where_it_is_known(service: Service, time_now: list[datetime]) -> None:
    time_now[0] = NOON + timedelta(days=5)
    service.offset = -5 * 86_400.0
    inbox = made(service)
    service.has(row("old", NOON - timedelta(hours=1), text="old"))
    service.has(row("a", NOON, text="one"))
    assert looks(inbox, service, 2) == ["one"]
    service.has(row("ahead", NOON + timedelta(days=5), text="ahead"))
    assert looks(inbox, service, 2) == ["ahead"]
    service.has(row("b", NOON + timedelta(hours=1), text="two"))
    assert looks(inbox, service, 2) == ["two"]


# --- an answer that does not have everything ----------------------------------------------------------------


def numbers(start: int, stop: int) -> list[str]:
    return [str(n) for n in range(start, stop)]


def test_a_service_that_answers_with_its_oldest_messages_only_is_read_to_the_end(service: Service) -> None:
    inbox = made(service)
    service.most = -100
    for wave in range(3):
        first = wave * 250
        service.has(
            *(row(f"g{n}", NOON + timedelta(seconds=n // 7), text=str(n), id=n) for n in range(first, first + 250))
        )
        assert looks(inbox, service) == numbers(first, first + 250)
    assert looks(made(service), service, 2) == []


def test_messages_without_a_guid_are_counted_where_an_answer_was_cut(service: Service) -> None:
    inbox = made(service)
    service.most = -50
    service.has(*(row(None, NOON + timedelta(seconds=n // 20), text="same") for n in range(120)))
    assert len(looks(inbox, service, 2)) == 120


def test_an_answer_that_was_cut_within_one_second_does_not_stop_the_inbox(service: Service) -> None:
    inbox = made(service)
    service.most = -50
    service.has(*(row(f"g{n}", text=str(n)) for n in range(60)), row("last", NOON + timedelta(seconds=9), text="last"))
    assert "last" in looks(inbox, service, 2)


def test_a_service_that_answers_with_its_newest_messages_only_is_told(
    service: Service, caplog: pytest.LogCaptureFixture, time_now: list[datetime]
) -> None:
    inbox = made(service)
    time_now[0] = NOON + timedelta(hours=1)
    service.most = 100
    service.has(*(row(f"g{n}", NOON + timedelta(seconds=n), text=str(n)) for n in range(1, 101)))
    assert looks(inbox, service) == numbers(1, 101)
    caplog.clear()
    service.has(*(row(f"g{n}", NOON + timedelta(seconds=n), text=str(n)) for n in range(101, 151)))
    assert looks(inbox, service) == numbers(101, 151)
    assert caplog.text == ""
    service.has(*(row(f"g{n}", NOON + timedelta(seconds=n), text=str(n)) for n in range(151, 301)))
    assert looks(inbox, service, 2) == numbers(201, 301)
    assert caplog.text.count("newest 100 messages only") == 1


def test_a_long_answer_that_is_whole_takes_one_request(service: Service, caplog: pytest.LogCaptureFixture) -> None:
    inbox = made(service)
    service.has(*(row(f"g{n}", NOON + timedelta(seconds=n), text=str(n)) for n in range(1, 334)))
    assert len(looks(inbox, service)) == 333
    assert len(service.asked) == 1
    assert caplog.text == ""


# --- which messages are one and the same ---------------------------------------------------------------------


def test_a_guid_with_another_text_is_another_message(service: Service) -> None:
    inbox = made(service)
    service.has(row("a", text="one"))
    assert looks(inbox, service) == ["one"]
    service.has(row("a", text="two"))
    assert looks(inbox, service, 2) == ["two"]
    service.rows = [row("a", text=" one\n"), row("a", text="two")]  # white space may change
    assert looks(made(service), service, 2) == []


def test_a_message_that_gets_its_guid_later_is_handed_over_once(service: Service) -> None:
    inbox = made(service)
    service.has(row(None, text="one"), row(None, text="one"))
    assert looks(inbox, service) == ["one", "one"]
    service.rows = [row("a", text="one"), row(None, text="one")]
    assert looks(inbox, service, 2) == []
    service.rows = [row("a", text="one"), row("b", text="one")]
    assert looks(made(service), service, 2) == []
    service.has(row("c", text="one"))
    assert looks(inbox, service, 2) == ["one"]


def test_a_message_with_a_guid_beside_one_without_is_handed_over(service: Service) -> None:
    inbox = made(service)
    service.has(row(None, text="one"))
    assert looks(inbox, service) == ["one"]
    service.has(row("a", text="one"))
    assert looks(inbox, service, 2) == ["one"]


def test_rows_with_neither_guid_nor_time_are_told_apart_by_the_services_number(service: Service) -> None:
    inbox = made(service)
    looks(inbox, service)
    service.has(row(None, None, text="yes", id=7))
    assert looks(inbox, service, 2) == ["yes"]
    service.rows = [row(None, None, text="yes", id=8)]
    assert looks(inbox, service, 2) == ["yes"]


def test_rows_with_neither_guid_time_nor_number_are_as_many_as_are_shown(service: Service) -> None:
    inbox = made(service)
    looks(inbox, service)
    service.has(row(None, None, text="yes"))
    assert looks(inbox, service, 2) == ["yes"]
    service.has(row(None, None, text="yes"))
    assert looks(inbox, service, 2) == ["yes"]


# --- what is asked for, and what is remembered ------------------------------------------------------------


def test_each_look_reads_again_what_lies_within_the_overlap(service: Service) -> None:
    inbox = made(service, overlap=timedelta(hours=1), device="SID")
    service.has(row("a", NOON))
    looks(inbox, service, 2)
    assert service.asked[1] == (NOON - timedelta(hours=1) - timedelta(seconds=1), "SID")


@pytest.mark.parametrize(("overlap", "behind"), [(timedelta(0), 24), (timedelta(hours=1), 24), (timedelta(days=2), 48)])
def test_as_long_as_there_was_no_message_a_day_is_read_again_at_least(
    service: Service, overlap: timedelta, behind: int
) -> None:
    looks(made(service, overlap=overlap), service, 2)
    assert [after for after, _ in service.asked] == [NOON - timedelta(hours=behind, seconds=1)] * 2


def test_a_clock_some_hours_ahead_of_the_services_hides_nothing_that_comes_in(
    service: Service, time_now: list[datetime]
) -> None:
    time_now[0] = NOON + timedelta(hours=20)
    inbox = made(service, overlap=timedelta(hours=1))
    assert looks(inbox, service) == []
    for n in range(5):
        service.has(row(f"g{n}", NOON + timedelta(minutes=10 * n), text=str(n)))
        assert looks(made(service, overlap=timedelta(hours=1)), service, 2) == [str(n)]


def test_the_beginning_follows_the_newest_message_that_was_handled(service: Service, time_now: list[datetime]) -> None:
    time_now[0] = NOON + timedelta(days=30)
    inbox = made(service, since=NOON, overlap=timedelta(hours=1))
    service.has(row("a", NOON + timedelta(days=1)), row("b", NOON))
    looks(inbox, service, 2)
    looks(made(service, overlap=timedelta(hours=1)), service)
    assert [after for after, _ in service.asked[1:]] == [NOON + timedelta(hours=23) - timedelta(seconds=1)] * 2


def test_a_quiet_time_of_any_length_loses_nothing(service: Service, time_now: list[datetime]) -> None:
    inbox = made(service)
    service.has(row("a", NOON, text="one"))
    looks(inbox, service)
    time_now[0] = NOON + timedelta(days=365)
    looks(made(service), service, 9)
    service.has(row("b", NOON + timedelta(days=1), text="was on its way for a year"))
    assert looks(made(service), service) == ["was on its way for a year"]


def test_a_phone_with_a_clock_years_ahead_hides_no_other_message(service: Service, time_now: list[datetime]) -> None:
    inbox = made(service)
    service.has(row("a", datetime(2099, 1, 1, tzinfo=timezone.utc), text="future"))
    assert looks(inbox, service, 3) == ["future"]
    service.has(row("b", NOON, text="now"))
    assert looks(inbox, service, 3) == ["now"]


def test_a_clock_that_was_ahead_when_the_state_was_made_hides_nothing(
    service: Service, time_now: list[datetime]
) -> None:
    time_now[0] = NOON + timedelta(days=3650)
    looks(made(service), service)
    time_now[0] = NOON
    service.has(row("a", NOON, text="one"))
    assert looks(made(service), service, 3) == ["one"]
    assert looks(made(service), service, 3) == []


def test_a_clock_that_falls_back_brings_nothing_again(service: Service, time_now: list[datetime]) -> None:
    inbox = made(service, overlap=timedelta(hours=1))
    for n in range(30):
        time_now[0] = NOON + timedelta(days=n)
        service.has(row(f"g{n}", time_now[0], text=str(n)))
        assert looks(inbox, service, 2) == [str(n)]
    time_now[0] = NOON - timedelta(days=999)
    inbox = made(service, overlap=timedelta(hours=1))
    assert looks(inbox, service, 3) == []
    service.has(row("new", NOON + timedelta(days=30), text="new"))
    assert looks(inbox, service, 3) == ["new"]
    assert looks(inbox, service, 3) == []


def remembered(path: str = "inbox.sqlite") -> set[str]:
    with closing(sqlite3.connect(path)) as connection:
        return {key for (key,) in connection.execute("SELECT key FROM handled")}


def test_there_is_a_pause_between_two_looks_even_if_none_is_asked_for(service: Service) -> None:
    looks(made(service), service, 2, interval=0)
    assert service.pauses == [0.1, 0.1]


def test_what_lies_before_the_overlap_is_forgotten(service: Service, time_now: list[datetime]) -> None:
    inbox = made(service, overlap=timedelta(days=2))
    for n in range(20):
        time_now[0] = NOON + timedelta(days=n, hours=1)
        service.has(row(f"g{n}", NOON + timedelta(days=n), text=str(n)))
        assert looks(inbox, service, 2) == [str(n)]
    assert {key.split()[0] for key in remembered()} == {"g17", "g18", "g19"}


def test_a_late_message_does_not_bring_back_what_was_forgotten(service: Service, time_now: list[datetime]) -> None:
    inbox = made(service, overlap=timedelta(days=2))
    for n in range(20):
        time_now[0] = NOON + timedelta(days=n, hours=1)
        service.has(row(f"g{n}", NOON + timedelta(days=n), text=str(n)))
        looks(inbox, service, 2)
    service.has(row("late", NOON + timedelta(days=17), text="late"))
    assert looks(inbox, service, 3) == ["late"]
    assert looks(made(service, overlap=timedelta(days=2)), service, 3) == []


def test_a_service_that_always_tells_everything_is_remembered_in_full(
    service: Service, monkeypatch: pytest.MonkeyPatch, time_now: list[datetime]
) -> None:
    inbox = made(service, overlap=timedelta(days=2))
    monkeypatch.setattr(service, "received", lambda after, device: list(service.rows))
    for n in range(40):
        time_now[0] = NOON + timedelta(days=n)
        service.has(row(f"g{n}", NOON + timedelta(days=n), text=str(n)))
        assert looks(inbox, service, 2) == [str(n)]
    assert len(remembered()) == 40

    service.rows = service.rows[:10]
    for n in range(40, 45):
        time_now[0] = NOON + timedelta(days=n)
        service.has(row(f"g{n}", NOON + timedelta(days=n), text=str(n)))
        looks(inbox, service, 2)
    assert len(remembered()) == 15


@pytest.mark.parametrize("late", [timedelta(0), timedelta(hours=47)])
def test_a_service_that_goes_by_when_messages_arrived_there_brings_nothing_again(
    service: Service, monkeypatch: pytest.MonkeyPatch, time_now: list[datetime], late: timedelta
) -> None:
    arrived: dict[str | None, datetime] = {}
    monkeypatch.setattr(
        service, "received", lambda after, device: [row for row in service.rows if arrived[row.guid] > after]
    )
    inbox = made(service, overlap=timedelta(days=2))
    looks(inbox, service)
    for n in range(20):
        time_now[0] = arrived[f"g{n}"] = NOON + timedelta(days=n)
        service.has(row(f"g{n}", time_now[0] - late * (n % 2), text=str(n)))
        assert looks(inbox, service, 2) == [str(n)]
    assert len(remembered()) <= 6


def test_an_old_message_that_was_there_before_stays_unseen_where_the_service_always_tells_everything(
    service: Service, monkeypatch: pytest.MonkeyPatch, time_now: list[datetime]
) -> None:
    service.has(row("old", NOON - timedelta(days=400), text="old"))
    monkeypatch.setattr(service, "received", lambda after, device: list(service.rows))
    inbox = made(service)
    time_now[0] = NOON + timedelta(days=90)
    for n in range(1, 10):
        service.has(row(f"g{n}", NOON + timedelta(days=n), text=str(n)))
        assert looks(inbox, service, 2) == [str(n)]


def test_an_empty_answer_in_between_brings_nothing_again(service: Service, time_now: list[datetime]) -> None:
    time_now[0] = NOON + timedelta(days=30)
    inbox = made(service, since=NOON)
    service.has(*(row(f"g{n}", NOON + timedelta(hours=n)) for n in range(20)))
    assert len(looks(inbox, service, 2)) == 20
    rows, service.rows = service.rows, []
    looks(made(service), service, 3)
    service.rows = rows
    assert looks(made(service), service, 3) == []


def test_an_empty_answer_of_a_service_that_always_tells_everything_brings_nothing_again(
    service: Service, monkeypatch: pytest.MonkeyPatch, time_now: list[datetime]
) -> None:
    monkeypatch.setattr(service, "received", lambda after, device: list(service.rows))
    time_now[0] = NOON + timedelta(days=30)
    inbox = made(service, since=NOON)
    service.has(row("a", NOON, text="one"), row("b", NOON + timedelta(days=9), text="two"))
    assert looks(inbox, service) == ["one", "two"]
    rows, service.rows = service.rows, []
    looks(inbox, service)
    service.rows = rows
    assert looks(inbox, service, 3) == []


def test_the_state_holds_no_number_and_no_text(service: Service) -> None:
    inbox = made(service)
    service.has(row("a", text="a secret text"), row(None, text="a secret text"))
    looks(inbox, service)
    content = Path("inbox.sqlite").read_bytes()
    assert b"secret" not in content
    assert SENDER.encode() not in content


# --- a wrong key, which may look like an empty inbox ---------------------------------------------------------


def test_a_wrong_key_at_the_first_look_is_an_error_and_brings_nothing_old_later(service: Service) -> None:
    before, service.refuses = row("old", NOON - timedelta(hours=1), text="old"), AuthenticationError("no")
    with pytest.raises(AuthenticationError):
        looks(made(service), service)
    service.refuses = None
    service.has(before)
    assert looks(made(service), service, 2) == []


def test_an_empty_answer_is_not_believed_while_nothing_vouches_for_it(service: Service) -> None:
    before, service.refuses = row("old", NOON - timedelta(hours=1), text="old"), ServerError("x")
    looks(made(service), service, 3)
    service.refuses = None
    service.has(before)
    assert looks(made(service), service, 2) == []


def test_the_key_is_asked_about_once_where_answers_stay_empty(service: Service) -> None:
    looks(made(service), service, 5)
    assert service.logs == 1
    service.has(row("a"))
    looks(made(service), service, 5)
    assert service.logs == 1


def test_a_key_that_ends_while_messages_come_is_noticed(service: Service) -> None:
    inbox = made(service)
    service.has(row("a"))
    service.meanwhile = lambda: (service.rows.clear(), setattr(service, "refuses", AuthenticationError("no")))
    with pytest.raises(AuthenticationError):
        list(inbox.poll())


# --- what goes wrong --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "failure",
    [
        *(ConnectionFailed("why"), ResponseTimeout("why"), RateLimited("why"), ServerError("why")),
        *(DeviceOffline("why"), UnexpectedResponse("why")),
    ],
    ids=lambda failure: type(failure).__name__,
)
def test_failures_that_pass_are_waited_out_and_logged_without_personal_data(
    service: Service, caplog: pytest.LogCaptureFixture, failure: SMSMobileError
) -> None:
    inbox = made(service)
    service.failures = [failure, failure]
    service.has(row("a", text="one"))

    with caplog.at_level(logging.DEBUG, "smsmobile"):
        assert looks(inbox, service, 3, interval=4) == ["one"]

    assert service.pauses == [4, 6, 4]
    assert [(record.levelname, record.name) for record in caplog.records] == [("WARNING", "smsmobile")] * 2
    assert f"{type(failure).__name__}" in caplog.text
    assert "Next look in 6 s" in caplog.text
    assert SENDER not in caplog.text


def test_the_log_has_the_text_of_a_failure_and_not_the_words_of_the_service(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    service.failures = [ServerError("The service failed.", code=SENDER, status=500, note=SENDER)]
    looks(made(service), service, 2)
    assert "ServerError: The service failed. Next" in caplog.text
    assert SENDER not in caplog.text


def test_the_pauses_of_failures_grow_up_to_a_minute_and_begin_anew_after_a_success(service: Service) -> None:
    inbox = made(service)
    service.failures = [*[ServerError("x")] * 20, None, ServerError("x")]
    looks(inbox, service, 22, interval=4)
    assert service.pauses[:3] == [4, 6, 9]
    assert service.pauses[18:] == [60, 60, 4, 4]


def test_one_failure_is_not_a_whole_interval_without_messages(service: Service) -> None:
    inbox = made(service)
    service.failures = [ServerError("x")] * 20
    looks(inbox, service, 21, interval=3600)
    assert service.pauses[:3] == [5, 7.5, 11.25]
    assert service.pauses[18:] == [3600, 3600, 3600]


def test_a_look_repeats_nothing_so_that_a_stop_is_not_kept_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Inbox, "_wait", lambda self, seconds: self.stop())
    with responses.RequestsMock() as wire, SMSMobileClient(api_key="0123456789abcdef" * 3) as client:
        wire.get("https://api.smsmobileapi.com/getsms/", status=429, headers={"Retry-After": "50"})
        assert list(Inbox(client).poll()) == []
        assert len(wire.calls) == 1


def test_a_service_that_asks_to_wait_is_not_asked_sooner(service: Service) -> None:
    inbox = made(service)
    service.failures = [RateLimited("x", retry_after=900), RateLimited("x", retry_after=1e30)]
    looks(inbox, service, 2)
    assert service.pauses == [900, 3600]


@pytest.mark.parametrize(
    "failure",
    [
        *(AuthenticationError("x"), SubscriptionExpired("x"), InvalidRequestError("x")),
        UnexpectedResponse("x", code="redirect"),
    ],
)
def test_failures_that_do_not_pass_are_raised(service: Service, failure: SMSMobileError) -> None:
    inbox = made(service)
    service.failures = [failure]
    service.has(row("a", text="one"))
    with pytest.raises(type(failure)):
        looks(inbox, service)
    assert looks(inbox, service) == ["one"]


def test_a_second_inbox_with_the_same_file_is_refused(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("smsmobile._storage.PATIENCE", 0.01)
    inbox = made(service)
    service.has(row("a", text="one"))
    polling = inbox.poll()
    next(polling)
    with pytest.raises(StorageError, match="in use"):
        next(made(service).poll())
    polling.close()
    assert looks(made(service), service) == ["one"]


def test_a_file_that_is_not_an_inbox_is_refused_and_nothing_is_asked(service: Service) -> None:
    Path("inbox.sqlite").write_text("Dear diary")
    with pytest.raises(StorageError, match="is not the state of an inbox"):
        next(made(service).poll())
    assert service.asked == []
    assert Path("inbox.sqlite").read_text() == "Dear diary"


def test_a_state_whose_log_is_lost_does_not_begin_anew(service: Service, time_now: list[datetime]) -> None:
    """A copy of the file alone, made while the inbox runs."""
    polling = made(service).poll()
    service.has(row("a", text="one"), row("b", text="two"))
    next(polling)
    copied = Path("copy.sqlite")
    copied.write_bytes(Path("inbox.sqlite").read_bytes())
    polling.close()
    time_now[0] = NOON + timedelta(days=4)
    service.has(row("c", NOON + timedelta(days=3), text="three"))
    assert looks(made(service, "copy.sqlite"), service) == ["one", "two", "three"]


@pytest.mark.parametrize("content", ["empty", "no progress"])
def test_a_state_that_exists_without_progress_warns(
    service: Service, caplog: pytest.LogCaptureFixture, content: str
) -> None:
    if content == "empty":
        Path("inbox.sqlite").touch()
    else:
        SQLiteInboxState("inbox.sqlite").close()
    looks(made(service), service)
    assert "inbox.sqlite exists, but has no progress" in caplog.text
    assert "inbox.sqlite-wal" in caplog.text
    caplog.clear()
    looks(made(service), service)
    looks(made(service, "another.sqlite"), service)
    assert caplog.text == ""


class Memory:
    """A state of a user's own, which needs no base class."""

    def __init__(self) -> None:
        self.progress: InboxProgress | None = None
        self.keys: dict[str, datetime] = {}
        self.saves = 0
        self.forgets = 0
        self.fails_at: int | None = None

    def load(self) -> InboxProgress | None:
        return self.progress

    def save(self, progress: InboxProgress, handled: Mapping[str, datetime]) -> None:
        self.saves += 1
        if self.saves == self.fails_at:
            raise StorageError("no room")
        self.progress = progress
        self.keys.update(handled)

    def handled(self, keys: Any) -> Mapping[str, datetime]:
        return {key: self.keys[key] for key in keys if key in self.keys}

    def forget(self, before: datetime) -> None:
        self.forgets += 1
        self.keys = {key: at for key, at in self.keys.items() if at >= before}


def test_another_store_can_stand_in(service: Service) -> None:
    state = Memory()
    assert isinstance(state, InboxState)
    inbox = made(service, state)
    service.has(row("a", text="one"))
    assert looks(inbox, service, 2) == ["one"]
    assert looks(made(service, state), service, 2) == []
    assert state.progress == InboxProgress(NOON, True, NOON, NOON - timedelta(days=1, seconds=1))
    assert [key.split()[0] for key in state.keys] == ["a"]


def test_a_state_that_cannot_be_written_is_noticed_before_a_message_is_handed_over(service: Service) -> None:
    state = Memory()
    looks(made(service, state), service)
    service.has(row("a", text="one"))
    state.fails_at = state.saves + 1
    with pytest.raises(StorageError, match="no room"):
        next(made(service, state).poll())
    assert looks(made(service, state), service, 2) == ["one"]


def test_a_message_that_cannot_be_marked_is_the_last_one_and_comes_again(service: Service) -> None:
    state = Memory()
    looks(made(service, state), service)
    service.has(row("a", text="one"), row("b", text="two"))
    state.fails_at = state.saves + 2
    polling = made(service, state).poll()
    next(polling)
    with pytest.raises(StorageError, match="no room"):
        next(polling)
    assert looks(made(service, state), service, 2) == ["one", "two"]


def test_a_quiet_look_writes_nothing(service: Service) -> None:
    state = Memory()
    service.has(row("a", text="one"))
    inbox = made(service, state)
    looks(inbox, service)
    saves, forgets = state.saves, state.forgets
    looks(inbox, service, 5)
    assert (state.saves, state.forgets) == (saves, forgets)


@pytest.mark.parametrize(
    "progress", [InboxProgress(NOON), InboxProgress(NOON, True, NOON + timedelta(microseconds=7), NOON, True)]
)
def test_the_file_gives_back_what_was_saved(progress: InboxProgress) -> None:
    keys = {f"key-{n}": NOON + timedelta(microseconds=n) for n in range(33_000)}
    with SQLiteInboxState("state.sqlite") as state:
        assert isinstance(state, InboxState)
        assert state.load() is None
        state.save(progress, keys)
    with SQLiteInboxState("state.sqlite") as state:
        assert state.load() == progress
        assert state.handled([*keys, "another"]) == keys
        state.forget(NOON + timedelta(microseconds=32_999))
        assert state.handled(keys) == {"key-32999": keys["key-32999"]}


@pytest.mark.parametrize(
    "change", ["progress SET since = 'x'", "progress SET read_until = 1e300", "handled SET at = 'x'"]
)
def test_a_time_in_the_file_that_is_none_is_damage(service: Service, change: str) -> None:
    service.has(row("a"))
    looks(made(service), service)
    with closing(sqlite3.connect("inbox.sqlite", isolation_level=None)) as connection:
        connection.execute(f"UPDATE {change}")
    with pytest.raises(StorageError, match=r"inbox\.sqlite is damaged \(a time cannot be read"):
        looks(made(service), service)


# --- what is refused --------------------------------------------------------------------------------------


class PathOfBytes:
    def __fspath__(self) -> bytes:
        return b"inbox.sqlite"


def test_a_bad_argument_is_refused(subtests: pytest.Subtests, service: Service) -> None:
    for options, reason in [
        ({"client": None}, "client is of type NoneType; expected an SMSMobileClient"),
        ({"client": SMSMobileClient}, "client is of type type; expected an SMSMobileClient"),
        ({"state": 7}, "state is of type int; expected a file, or an InboxState"),
        ({"state": SQLiteInboxState}, "state is of type type; expected a file, or an InboxState"),
        ({"state": PathOfBytes()}, "state is of type PathOfBytes; expected a file, or an InboxState"),
        ({"device": ""}, "The device is empty"),
        ({"since": datetime(2026, 1, 1)}, "since is a naive datetime"),  # noqa: DTZ001 - on purpose
        ({"since": 1774008000}, "since is of type int; expected an aware datetime"),
        ({"overlap": 60}, "overlap is 60; expected a timedelta"),
        ({"overlap": timedelta(-1)}, "expected a timedelta from 0 to 366 days"),
        ({"overlap": timedelta.max}, "expected a timedelta from 0 to 366 days"),
    ]:
        with subtests.test(options=options), pytest.raises(InvalidRequestError, match=reason):
            made(options.pop("client", service), **options)


@pytest.mark.parametrize("signals", ["yes", 1, None])
def test_signals_are_wanted_or_not(service: Service, signals: Any) -> None:
    with pytest.raises(InvalidRequestError, match="signals"):
        made(service).poll(signals=signals)


@pytest.mark.parametrize("interval", [-1, float("nan"), float("inf"), "5", None, True])
def test_a_bad_interval_is_refused_at_once(service: Service, interval: Any) -> None:
    with pytest.raises(InvalidRequestError, match=r"interval is .*expected a number of seconds"):
        made(service).poll(interval)
    assert list(Path().iterdir()) == []


def test_an_inbox_says_which_it_is() -> None:
    assert repr(made(Service(), device="SID")) == "<Inbox inbox.sqlite, device SID>"


# --- signals, threads, waiting ----------------------------------------------------------------------------


@pytest.fixture
def handlers() -> Iterator[list[int]]:
    """Signals that reached the handlers of this test."""
    caught: list[int] = []
    before = {
        number: signal.signal(number, lambda number, _: caught.append(number))
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    yield caught
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_poll_after_the_message_at_hand(
    service: Service, handlers: list[int], number: signal.Signals
) -> None:
    inbox = made(service)
    service.has(row("a", text="one"), row("b", text="two"))
    seen = []
    for event in inbox.poll(signals=True):
        seen.append(event.data.message)
        os.kill(os.getpid(), number)
    assert seen == ["one"]
    assert handlers == []
    assert looks(inbox, service) == ["two"]


def test_a_second_signal_does_what_it_did_before(service: Service, handlers: list[int]) -> None:
    inbox = made(service)
    service.has(row("a", text="one"))
    for _ in inbox.poll(signals=True):
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGINT)
    assert handlers == [signal.SIGTERM, signal.SIGINT]


@pytest.mark.parametrize("ending", ["stop", "break", "error"])
def test_signals_do_what_they_did_before_once_the_poll_is_over(
    service: Service, handlers: list[int], ending: str
) -> None:
    inbox = made(service)
    service.has(row("a", text="one"))

    def handle() -> None:
        for _ in inbox.poll(signals=True):
            if ending == "break":
                break
            if ending == "error":
                raise KeyError
            inbox.stop()

    with suppress(KeyError):
        handle()
    os.kill(os.getpid(), signal.SIGINT)
    assert handlers == [signal.SIGINT]


def test_without_being_asked_to_signals_are_left_alone(service: Service, handlers: list[int]) -> None:
    inbox = made(service)
    service.has(row("a", text="one"), row("b", text="two"))
    service.meanwhile = inbox.stop
    for _ in inbox.poll():
        os.kill(os.getpid(), signal.SIGINT)
    assert handlers == [signal.SIGINT] * 2


def in_a_thread(work: Callable[[], object]) -> BaseException | None:
    raised: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - it is handed over
            raised.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(10)
    assert not thread.is_alive()
    return raised[0] if raised else None


def test_signals_belong_to_the_main_thread(service: Service) -> None:
    raised = in_a_thread(lambda: next(made(service).poll(signals=True)))
    assert isinstance(raised, InvalidRequestError)
    assert "main thread" in str(raised)


def test_a_poll_works_in_any_thread(service: Service) -> None:
    inbox = made(service)
    service.has(row("a", text="one"))
    seen: list[str] = []
    assert in_a_thread(lambda: seen.extend(looks(inbox, service))) is None
    assert seen == ["one"]


@pytest.mark.parametrize("stopped_by", ["thread", "signal"])
def test_a_stop_ends_a_pause_at_once(
    service: Service, monkeypatch: pytest.MonkeyPatch, handlers: list[int], stopped_by: str
) -> None:
    monkeypatch.setattr(Inbox, "_wait", REAL_WAIT)
    inbox = made(service, "real.sqlite")
    stop = inbox.stop if stopped_by == "thread" else lambda: os.kill(os.getpid(), signal.SIGTERM)
    timer = threading.Timer(0.02, stop)

    def received(*, after: datetime, device: str | None) -> list[ReceivedSMS]:
        timer.start()  # a second look would start it again, which is an error
        return []

    service.received = received  # type: ignore[assignment]
    try:
        assert list(inbox.poll(interval=1e30, signals=stopped_by == "signal")) == []
    finally:
        timer.cancel()  # or the signal would come while another test runs
        timer.join()


def test_the_pause_between_looks_is_the_interval(service: Service) -> None:
    looks(made(service), service, 3, interval=7)
    assert service.pauses == [7, 7, 7]
