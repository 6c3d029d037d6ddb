"""Bulk sending: the outcome of each message, what stops a run, and how the next run continues."""

from __future__ import annotations

import errno
import io
import itertools
import os
import threading
import time
import tracemalloc
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from smsmobile import (
    APIError,
    AuthenticationError,
    BulkPaused,
    ConfigurationError,
    ConnectionFailed,
    DeviceOffline,
    InvalidRequestError,
    RateLimited,
    SendOutcomeUnknown,
    ServerError,
    SMSMobileClient,
    SMSMobileError,
    StorageError,
    SubscriptionExpired,
    UnexpectedResponse,
)
from smsmobile import _storage as sqlite_files
from smsmobile._http import backoff
from smsmobile.delivery import (
    BulkCheck,
    BulkSender,
    ClaimState,
    Forecast,
    JournalEntry,
    MemoryJournal,
    MessageClaim,
    OutgoingSMS,
    SendOutcome,
    SendStatus,
    SQLiteJournal,
    _campaign,
    _outcomes,
    _pace,
)
from smsmobile.delivery import _lookup as lookup
from smsmobile.delivery import _workers as workers_module
from smsmobile.delivery._outcomes import job_of
from smsmobile.delivery._rate_limit import RateLimiter
from smsmobile.delivery._sender import Sender as OneSender

from .scripted_service import ScriptedService, numbered

SENT, REFUSED, UNKNOWN, DUPLICATE, *_ = SendStatus
TO = "+33639985678"
OTHER = "+33639985432"

with_one_and_four_workers = pytest.mark.parametrize("workers", [1, 4])


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses between tries are counted in `holds`, those between looks into the log are short."""
    monkeypatch.setattr(sqlite_files, "PATIENCE", 0.01)
    monkeypatch.setattr(lookup, "backoff_intervals", lambda first, longest: itertools.repeat(0.001))
    monkeypatch.setattr(RateLimiter, "pause", lambda self, seconds: None)


@pytest.fixture
def holds(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    holds: list[float] = []
    monkeypatch.setattr(RateLimiter, "pause", lambda self, seconds: holds.append(seconds))
    return holds


@pytest.fixture(autouse=True)
def _no_thread_is_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    assert [thread.name for thread in set(threading.enumerate()) - before if "bulk" in thread.name] == []


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "campaign.sqlite"


@pytest.fixture
def sender(path: Path) -> Callable[..., BulkSender]:
    def build(service: ScriptedService, **options: Any) -> BulkSender:
        return BulkSender(service.client, str(path), **{"workers": 1, "patience": 0, **options})

    return build


Sender = Callable[..., BulkSender]


def statuses(outcomes: Any) -> list[SendStatus]:
    return [outcome.status for outcome in outcomes]


# --- what becomes of each ---------------------------------------------------------------------------------


@with_one_and_four_workers
def test_each_message_is_sent_once_and_has_one_outcome(sender: Sender, workers: int) -> None:
    service = ScriptedService()
    messages = numbered(300)

    outcomes = list(sender(service, workers=workers).send(messages))

    assert Counter(service.phone) == Counter(messages)
    assert Counter((one.message.to, one.message.text) for one in outcomes if one.message) == Counter(messages)
    assert {one.status for one in outcomes} == {SENT}
    assert {one.guid for one in outcomes} == {row["guid"] for row in service.rows}


def test_an_outcome_says_which_message_it_is_about(sender: Sender) -> None:
    (outcome,) = sender(ScriptedService()).send([OutgoingSMS(TO, "hi", "reminder 7")])
    assert outcome == SendOutcome(OutgoingSMS(TO, "hi", "reminder 7"), "reminder 7", SENT, "guid-1")


def test_messages_come_in_any_spelling_and_any_mixture(sender: Sender) -> None:
    service = ScriptedService()
    messages = [(TO, "a"), [TO, "b"], {"to": TO, "message": "c"}, {"to": TO, "text": "d"}, OutgoingSMS(TO, "e")]
    assert statuses(sender(service).send(message for message in messages)) == [SENT] * 5
    assert service.phone == [(TO, text) for text in "abcde"]


def test_the_options_of_a_message_are_sent_with_it(sender: Sender, monkeypatch: pytest.MonkeyPatch) -> None:
    service = ScriptedService()
    asked: list[Any] = []
    call = service.call
    monkeypatch.setattr(service, "call", lambda name, params, **how: asked.append(params) or call(name, params, **how))
    at = datetime.now(timezone.utc) + timedelta(hours=1)

    options: dict[str, Any] = {"sim": 2, "device": "SID", "schedule_at": at, "encrypt": True, "whatsapp": True}
    assert statuses(sender(service).send([{"to": TO, "text": "hi", "shorten_urls": True, **options}])) == [SENT]

    wire = {"recipients": TO, "message": "hi", "port": 2, "sIdentifiant": "SID", "encrypt_message": "yes"}
    assert asked[0] == wire | {"schedule_timestamp": int(at.timestamp()), "shorturl": 1, "sendwa": 1}


def test_what_cannot_be_sent_is_refused_and_the_others_are_sent(sender: Sender) -> None:
    service = ScriptedService()
    messages: list[Any] = [("0639985678", "national"), (TO, "  "), "text", {"to": TO}, (TO, "good"), (None, "hi")]

    outcomes = list(sender(service).send(messages))

    assert statuses(outcomes) == [REFUSED, REFUSED, REFUSED, REFUSED, SENT, REFUSED]
    assert service.attempts == [(TO, "good")]
    assert "country code" in (outcomes[0].reason or "")
    assert [one.key for one in outcomes if one.status is REFUSED] == [None] * 5
    assert outcomes[2].message is None


def test_a_message_that_could_not_be_sent_is_sent_once_it_is_put_right(sender: Sender) -> None:
    service = ScriptedService()
    bulk = sender(service)
    assert statuses(bulk.send([OutgoingSMS("0639985678", "hi", "a")])) == [REFUSED]
    assert statuses(bulk.send([OutgoingSMS(TO, "hi", "a")])) == [SENT]


@with_one_and_four_workers
def test_what_the_service_refuses_is_refused_and_is_not_sent_again(sender: Sender, workers: int) -> None:
    service = ScriptedService("refuse")
    bulk = sender(service, workers=workers)

    (refused,) = bulk.send([(TO, "hi")])
    (again,) = bulk.send([(TO, "hi")])

    assert (refused.status, refused.guid) == (REFUSED, None)
    assert "bad_number" in (refused.reason or "")
    assert (again.status, again.recorded, again.reason) == (DUPLICATE, REFUSED, refused.reason)
    assert len(service.attempts) == 1


def test_of_two_with_one_key_the_second_is_a_duplicate(sender: Sender) -> None:
    service = ScriptedService()
    outcomes = list(sender(service).send([OutgoingSMS(TO, "one", "a"), OutgoingSMS(OTHER, "two", "a")]))

    assert statuses(outcomes) == [SENT, DUPLICATE]
    assert (outcomes[1].recorded, outcomes[1].guid, outcomes[1].key) == (SENT, "guid-1", "a")
    assert service.phone == [(TO, "one")]


@with_one_and_four_workers
def test_the_same_text_to_the_same_number_is_sent_once_unless_keys_tell_them_apart(
    sender: Sender, workers: int
) -> None:
    service = ScriptedService()
    spellings = [(TO, "hi"), ("0033 6 39 98 56 78", "hi"), (TO, "hi"), (TO, "hi!")]
    keyed = [OutgoingSMS(TO, "ho", "morning"), OutgoingSMS(TO, "ho", "evening")]

    outcomes = Counter(statuses(sender(service, workers=workers).send([*spellings, *keyed])))

    assert outcomes == {SENT: 4, DUPLICATE: 2}
    assert Counter(service.phone) == {(TO, "hi"): 1, (TO, "hi!"): 1, (TO, "ho"): 2}


def test_an_outcome_is_handed_out_before_the_next_message_is_sent(sender: Sender) -> None:
    service = ScriptedService()
    outcomes = sender(service).send(iter(numbered(5)))
    for sent_so_far in range(1, 6):
        next(outcomes)
        assert len(service.phone) == sent_so_far
    assert list(outcomes) == []


@with_one_and_four_workers
def test_a_message_is_sent_while_the_next_one_is_awaited(sender: Sender, workers: int) -> None:
    service = ScriptedService()

    def slowly() -> Iterator[tuple[str, str]]:
        for number, message in enumerate(numbered(3)):
            deadline = threading.Event()
            for _ in range(500):
                if len(service.phone) == number:
                    break
                deadline.wait(0.01)
            assert len(service.phone) == number, "the messages before this one were not sent"
            yield message

    assert statuses(sender(service, workers=workers).send(slowly())) == [SENT] * 3


def test_messages_are_read_a_little_ahead_and_no_more(sender: Sender) -> None:
    service = ScriptedService()
    taken = itertools.count(1)
    read = 0

    def source() -> Iterator[tuple[str, str]]:
        nonlocal read
        for message in numbered(2000):
            read = next(taken)
            yield message

    for done, _ in enumerate(sender(service, workers=4).send(source()), start=1):
        assert read - done <= workers_module.QUEUE_SIZE + 4


def test_messages_are_sent_while_the_next_ones_are_slow_to_come(
    sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    service = ScriptedService()
    left: list[int] = []

    def source() -> Iterator[tuple[str, str]]:
        nonlocal now
        for number, message in enumerate(numbered(600)):
            if number >= 500:
                now += 0.03
                left.append(number - len(service.phone))
            yield message

    assert len(list(sender(service).send(source()))) == 600
    assert max(left[10:]) <= 10


def test_no_thread_reads_the_messages_but_the_callers(sender: Sender) -> None:
    readers = set()

    def source() -> Iterator[tuple[str, str]]:
        for message in numbered(20):
            readers.add(threading.current_thread())
            yield message

    list(sender(ScriptedService(), workers=4).send(source()))
    assert readers == {threading.current_thread()}


def test_progress_is_told_before_each_outcome(sender: Sender) -> None:
    told: list[tuple[int, int | None, SendOutcome]] = []

    def on_progress(*progress: Any) -> None:
        told.append(progress)

    outcomes = list(sender(ScriptedService()).send(list(numbered(3)), on_progress=on_progress))
    assert told == [(number, 3, outcome) for number, outcome in enumerate(outcomes, start=1)]

    told.clear()
    rows = ({"to": to, "n": text} for to, text in numbered(2))
    list(sender(ScriptedService()).send(rows, template="{n}?", on_progress=on_progress))
    assert [total for _, total, _ in told] == [2, 2]

    told.clear()
    list(sender(ScriptedService()).send(iter(numbered(2)), on_progress=on_progress))
    assert [total for _, total, _ in told] == [None, None]


# --- doubts -----------------------------------------------------------------------------------------------


@with_one_and_four_workers
def test_a_message_in_doubt_that_is_in_the_log_was_sent(sender: Sender, workers: int) -> None:
    service = ScriptedService("doubt after")
    (outcome,) = sender(service, workers=workers).send([(TO, "hi")])
    assert (outcome.status, outcome.guid) == (SENT, "guid-1")
    assert len(service.attempts) == 1


@with_one_and_four_workers
def test_a_message_in_doubt_that_is_not_in_the_log_is_unknown_and_is_not_sent_again(
    sender: Sender, workers: int
) -> None:
    service = ScriptedService("doubt before")
    bulk = sender(service, workers=workers)

    (outcome,) = bulk.send([OutgoingSMS(TO, "hi", "a")])
    (again,) = bulk.send([OutgoingSMS(TO, "hi", "a")])

    assert (outcome.status, outcome.key) == (again.status, again.key) == (UNKNOWN, "a")
    assert "The connection broke. The sent log does not show" in (outcome.reason or "")
    assert again.reason == outcome.reason
    assert len(service.attempts) == 1
    assert [(one.key, one.number, one.outcome) for one in bulk.unknown()] == [("a", "33639985678", UNKNOWN)]


def test_a_row_that_is_late_is_waited_for(sender: Sender, monkeypatch: pytest.MonkeyPatch) -> None:
    service = ScriptedService("doubt after")
    service.rows_are_late_by = 5
    (outcome,) = sender(service, patience=30).send([(TO, "hi")])
    assert outcome.status is SENT
    assert service.asked[-1] == "39985678"


@pytest.fixture
def waited(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds between looks into the log, as long as they really are; the clock goes on and nothing waits."""
    now = 1_774_040_864.0
    waited: list[float] = []

    class Clockwork(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            nonlocal now
            waited.append(timeout or 0.0)
            now += timeout or 0.0
            return False

    monkeypatch.setattr(lookup, "backoff_intervals", backoff.backoff_intervals)
    monkeypatch.setattr("time.monotonic", lambda: now)
    monkeypatch.setattr(workers_module, "Event", Clockwork)
    return waited


def test_the_log_is_looked_at_no_longer_than_patience_lasts(sender: Sender, waited: list[float]) -> None:
    service = ScriptedService("doubt before")
    service.add(OTHER, "hi")
    (outcome,) = sender(service, patience=30).send([(TO, "hi")])
    assert outcome.status is UNKNOWN
    assert sum(waited) == pytest.approx(30)
    assert service.asked.count("39985678") == len(waited) + 1 <= 10


@pytest.mark.parametrize("asked", [RateLimited("x", retry_after=86_400.0), RateLimited("x", retry_after=1e30)])
def test_a_log_that_asks_to_wait_for_long_is_looked_at_again_after_a_minute(
    sender: Sender, waited: list[float], asked: SMSMobileError
) -> None:
    service = ScriptedService("doubt after")
    service.log_failures.append(asked)
    assert statuses(sender(service, patience=3600).send([(TO, "hi")])) == [SENT]
    assert waited == [60.0]


def test_a_log_that_asks_to_wait_for_a_while_is_left_alone_so_long(sender: Sender, waited: list[float]) -> None:
    service = ScriptedService("doubt after")
    service.log_failures.append(RateLimited("x", retry_after=45.0))
    assert statuses(sender(service, patience=3600).send([(TO, "hi")])) == [SENT]
    assert waited == [45.0]


@pytest.mark.parametrize(
    "failure",
    [ConnectionFailed("x"), ServerError("x", status=500), UnexpectedResponse("x"), RateLimited("x", retry_after=0.0)],
)
def test_a_log_that_cannot_be_read_for_a_moment_is_asked_again(sender: Sender, failure: SMSMobileError) -> None:
    service = ScriptedService("doubt after")
    service.log_failures.append(failure)
    assert statuses(sender(service, patience=30).send([(TO, "hi")])) == [SENT]


def test_a_look_that_fails_when_the_time_is_over_is_tried_again(sender: Sender) -> None:
    service = ScriptedService("doubt after")
    service.log_failures.extend([ServerError("x", status=500)] * 4)
    assert statuses(sender(service).send([(TO, "hi")])) == [SENT]


def test_a_log_that_cannot_be_read_at_all_leaves_the_message_unknown_and_the_others_sent(sender: Sender) -> None:
    service = ScriptedService("doubt after")
    service.log_failures.extend([ServerError("x", status=500)] * 5)
    bulk = sender(service)
    outcomes = list(bulk.send([(TO, "hi"), (OTHER, "hi")]))
    assert statuses(outcomes) == [UNKNOWN, SENT]
    assert "The sent log could not be read" in (outcomes[0].reason or "")

    # The next run looks once more.
    (again, _) = bulk.send([(TO, "hi"), (OTHER, "hi")])
    assert (again.status, again.recorded, again.guid) == (DUPLICATE, SENT, "guid-1")


def test_what_the_log_says_was_refused_by_the_service_is_refused(sender: Sender) -> None:
    (outcome,) = sender(ScriptedService("refuse, in doubt")).send([(TO, "hi")])
    assert (outcome.status, outcome.guid) == (REFUSED, "guid-1")
    assert outcome.reason == "The service refused the message: bad_number."


def test_a_row_of_another_message_is_not_taken_for_this_one(sender: Sender) -> None:
    service = ScriptedService("accept", "doubt before")
    alike = [OutgoingSMS(TO, "hi", "one"), OutgoingSMS(TO, "hi", "two")]
    assert statuses(sender(service).send(alike)) == [SENT, UNKNOWN]


@with_one_and_four_workers
def test_as_many_are_sent_as_there_are_rows_however_alike_they_are(sender: Sender, workers: int) -> None:
    service = ScriptedService(*["doubt after", "doubt before", "accept", "accept without a guid"] * 5)
    alike = [OutgoingSMS(TO, "hi", f"{number}") for number in range(20)]

    outcomes = Counter(statuses(sender(service, workers=workers).send(alike)))

    assert outcomes[SENT] + outcomes[UNKNOWN] == 20
    assert outcomes[SENT] <= len(service.phone) == 15
    assert outcomes[UNKNOWN] >= 5


def test_a_row_may_be_that_of_one_that_was_sent_without_a_guid(sender: Sender) -> None:
    alike = [OutgoingSMS(TO, "hi", "one"), OutgoingSMS(TO, "hi", "two")]
    assert statuses(sender(ScriptedService("accept without a guid", "doubt before")).send(alike)) == [SENT, UNKNOWN]


LINKS = [OutgoingSMS(TO, f"see https://a.example/{key}", key, shorten_urls=True) for key in "ab"]


@pytest.mark.parametrize(
    ("first", "second"),
    [LINKS, (OutgoingSMS(TO, "plain", "a"), OutgoingSMS(TO, "hidden", "b", encrypt=True))],
    ids=["links", "encrypted"],
)
def test_a_late_row_that_may_be_an_unknown_messages_is_not_taken_for_another_one(
    sender: Sender, first: OutgoingSMS, second: OutgoingSMS
) -> None:
    service = ScriptedService("doubt after", "doubt before")
    service.rows_are_late_by = 1  # the first message's row is there when the second one is looked for
    assert statuses(sender(service).send([first, second])) == [UNKNOWN, UNKNOWN]


def test_nor_that_of_one_that_could_not_be_looked_up_yet(sender: Sender, path: Path) -> None:
    killed_in_flight(path, OutgoingSMS(TO, "plain", "a"))
    service = ScriptedService("doubt before")
    service.add(TO, "plain")
    service.log_failures.extend([ServerError("x", status=500)] * 10)
    messages = [OutgoingSMS(TO, "plain", "a"), OutgoingSMS(TO, "hidden", "b", encrypt=True)]
    assert statuses(sender(service).send(messages)) == [UNKNOWN, UNKNOWN]
    assert [(one.status, one.recorded) for one in sender(service).send(messages)] == [
        (DUPLICATE, SENT),
        (UNKNOWN, UNKNOWN),
    ]


def test_a_message_of_another_time_is_no_rival(sender: Sender, monkeypatch: pytest.MonkeyPatch) -> None:
    service = ScriptedService("accept without a guid", "doubt before", "doubt after")
    bulk = sender(service)
    alike = [OutgoingSMS(TO, "hi", "this morning"), OutgoingSMS(TO, "hi", "now")]
    with monkeypatch.context() as this_morning:
        now = time.time
        this_morning.setattr("time.time", lambda: now() - 6 * 3600)
        assert statuses(bulk.send(alike[:1])) == [SENT]
        assert statuses(bulk.send([(OTHER, "never seen")])) == [UNKNOWN]  # is looked for again, for a day
    service.rows.clear()
    assert statuses(bulk.send(alike)) == [DUPLICATE, SENT]


def test_a_row_goes_to_the_message_with_its_very_text_before_one_that_nobody_can_read(sender: Sender) -> None:
    service = ScriptedService("doubt after", "doubt before")
    service.rows_are_late_by = 2
    messages = [OutgoingSMS(TO, "plain", "a"), OutgoingSMS(TO, "hidden", "b", encrypt=True)]
    bulk = sender(service)
    assert statuses(bulk.send(messages)) == [UNKNOWN, UNKNOWN]
    assert [(one.status, one.recorded) for one in bulk.send(messages)] == [(DUPLICATE, SENT), (UNKNOWN, UNKNOWN)]


def test_a_row_is_one_messages_alone_even_where_the_clock_was_set_meanwhile(
    sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = ScriptedService("accept", "doubt before")
    bulk = sender(service)
    alike = [OutgoingSMS(TO, "hi", "one"), OutgoingSMS(TO, "hi", "two")]
    with monkeypatch.context() as an_hour_behind:
        now = time.time
        an_hour_behind.setattr("time.time", lambda: now() - 3600)
        assert statuses(bulk.send(alike[:1])) == [SENT]
    assert statuses(bulk.send(alike)) == [DUPLICATE, UNKNOWN]


def test_another_text_to_the_same_number_is_no_rival(sender: Sender) -> None:
    service = ScriptedService("accept without a guid", "doubt after")
    assert statuses(sender(service).send([(TO, "one"), (TO, "two")])) == [SENT, SENT]


def test_messages_that_look_alike_in_the_log_are_not_on_their_way_at_one_time(sender: Sender) -> None:
    service = ScriptedService()
    on_their_way: Counter[str] = Counter()
    most: Counter[str] = Counter()
    lock = threading.Lock()

    def behave(number: str, text: str) -> None:
        with lock:
            on_their_way[number] += 1
            most[number] = max(most[number], on_their_way[number])
        threading.Event().wait(0.002)
        with lock:
            on_their_way[number] -= 1

    service.behave = behave
    alike = [OutgoingSMS(TO, "see  https://a.example/x", "a"), OutgoingSMS(TO, "see https://b.example/y", "b")]
    secret = [OutgoingSMS(OTHER, f"text {number}", encrypt=number != 3) for number in range(6)]
    different = [("+33639981111", f"text {number}") for number in range(8)]

    list(sender(service, workers=4).send([*alike, *secret, *different]))

    assert most[TO] == most[OTHER] == 1
    assert most["+33639981111"] > 1


def test_a_row_that_the_service_spells_otherwise_is_found(sender: Sender) -> None:
    service = ScriptedService("doubt before", "doubt before", "doubt before")
    service.add("0033639985678", "a &amp; b\r\n c")
    service.add("33639985432", "see https://s.example/1")
    service.add("+33639981111", "c2VjcmV0")
    messages: list[Any] = [
        (TO, "a & b c"),
        {"to": OTHER, "text": "see https://example.com/long", "shorten_urls": True},
        {"to": "+33639981111", "text": "secret", "encrypt": True},
    ]
    assert statuses(sender(service).send(messages)) == [SENT] * 3


@pytest.mark.parametrize(
    "row",
    [
        {"number": OTHER},
        {"message": "ho"},
        {"at": datetime.now(timezone.utc) - timedelta(minutes=30)},
        {"at": datetime.now(timezone.utc) + timedelta(minutes=30)},
        {"guid": ""},
    ],
)
def test_a_row_with_another_number_text_or_time_or_without_a_guid_proves_nothing(
    sender: Sender, row: dict[str, Any]
) -> None:
    service = ScriptedService("doubt before")
    service.add(**{"number": TO, "text": row.pop("message", "hi"), **row})
    assert statuses(sender(service).send([(TO, "hi")])) == [UNKNOWN]


def test_the_log_may_date_a_scheduled_message_by_its_time(sender: Sender) -> None:
    service = ScriptedService("doubt before")
    at = datetime.now(timezone.utc) + timedelta(days=2)
    service.add(TO, "hi", at=at)
    assert statuses(sender(service).send([OutgoingSMS(TO, "hi", schedule_at=at)])) == [SENT]


def test_even_a_message_for_the_end_of_time_can_be_looked_up(sender: Sender) -> None:
    at = datetime(9999, 12, 31, 23, 59, tzinfo=timezone.utc)
    assert statuses(sender(ScriptedService("doubt after")).send([OutgoingSMS(TO, "hi", schedule_at=at)])) == [SENT]


@pytest.mark.parametrize(("is_older", "status"), [(False, SENT), (True, UNKNOWN)])
def test_a_row_without_a_date_counts_unless_the_service_calls_it_older(
    sender: Sender, is_older: bool, status: SendStatus
) -> None:
    service = ScriptedService("doubt before")
    service.add(TO, "hi", datetime=None, made=0 if is_older else 1e12)
    assert statuses(sender(service).send([(TO, "hi")])) == [status]


def test_rows_without_a_date_are_older_however_many_pages_the_service_has_of_them(sender: Sender) -> None:
    service = ScriptedService("doubt before")
    service.page_size = 4
    for _ in range(9):
        service.add(TO, "hi", datetime=None, made=0)
    assert statuses(sender(service).send([(TO, "hi")])) == [UNKNOWN]


def test_a_message_is_found_behind_many_newer_ones(sender: Sender) -> None:
    service = ScriptedService("doubt after")
    service.page_size = 7
    service.behave = lambda number, text: [service.add(OTHER, f"{n}") for n in range(40)] and None  # type: ignore[func-returns-value]
    assert statuses(sender(service).send([(TO, "hi")])) == [SENT]


def many_rows(service: ScriptedService, count: int, **fields: Any) -> None:
    for number in range(count):
        service.add(OTHER, f"{number}", **fields)


def test_a_number_is_asked_for_and_not_the_whole_log(sender: Sender) -> None:
    service = ScriptedService("doubt before", "doubt before", "doubt after")
    service.page_size = 10
    many_rows(service, 500)
    outcomes = sender(service).send([(TO, "hi"), (TO, "ho"), ("+33639981111", "hi")])
    assert statuses(outcomes) == [UNKNOWN, UNKNOWN, SENT]
    # Whether numbers are found is tried once, with the newest row.
    assert service.asked == ["39985678", None, "39985432", "39985678", "39981111"]


def test_messages_in_doubt_do_not_keep_the_workers_from_sending(sender: Sender) -> None:
    service = ScriptedService(*["doubt after"] * 9)
    service.rows_are_late_by = 10**9
    outcomes = sender(service, workers=2, patience=30).send(numbered(60))
    assert statuses(itertools.islice(outcomes, 51)) == [SENT] * 51
    for row in service.rows:
        row["visible from"] = 0
    assert statuses(outcomes) == [SENT] * 9
    assert len(service.attempts) == 60


def test_messages_in_doubt_that_were_not_in_a_row_do_not_stop_a_run_that_ends_with_them(sender: Sender) -> None:
    service = ScriptedService(*["doubt before", "accept"] * 12)
    outcomes = list(sender(service, workers=2, patience=0.2).send(numbered(24)))
    assert Counter(statuses(outcomes)) == {SENT: 12, UNKNOWN: 12}


def test_where_the_log_does_not_find_numbers_it_is_read_as_a_whole(sender: Sender) -> None:
    service = ScriptedService("doubt after", "doubt after")
    service.page_size = 10
    service.finds_by_number = False
    many_rows(service, 5)
    assert statuses(sender(service).send([(TO, "hi"), ("+33639981111", "hi")])) == [SENT, SENT]
    assert service.asked == ["39985678", None, "39985678", None, None]


def test_the_search_ends_where_the_log_is_older_than_the_attempt(sender: Sender) -> None:
    service = ScriptedService("doubt before")
    service.page_size = 10
    service.finds_by_number = False
    many_rows(service, 500, at=datetime.now(timezone.utc) - timedelta(hours=1))
    assert statuses(sender(service).send([(TO, "hi")])) == [UNKNOWN]
    assert service.asked == ["39985678", None, "39985432", None]


def test_a_page_that_breaks_off_is_read_again_and_does_not_spoil_the_look(sender: Sender) -> None:
    service = ScriptedService("doubt after")
    service.page_size = 5
    service.finds_by_number = False
    service.behave = lambda number, text: many_rows(service, 40)
    log = service.client.sms._call
    calls = itertools.count(1)

    def break_off(name: str, params: Any, **_: Any) -> Any:
        if name == "sms.log" and next(calls) % 3:
            raise ConnectionFailed("The connection broke.")
        return log(name, params)

    service.client.sms._without_retries._call = break_off
    assert statuses(sender(service).send([(TO, "hi")])) == [SENT]


def test_a_number_that_cannot_be_asked_for_does_not_hide_the_others(sender: Sender, path: Path) -> None:
    killed_in_flight(path, OutgoingSMS(TO, "hi"), OutgoingSMS(OTHER, "hi"))
    service = ScriptedService()
    service.add(TO, "hi")
    service.add(OTHER, "hi")
    service.log_failures.extend([ServerError("x", status=500)])
    (one, other) = sender(service, patience=30).send([(TO, "hi"), (OTHER, "hi")])
    assert (one.recorded, other.recorded) == (SENT, SENT)
    first, second, *rest = service.asked
    assert {first, second} == {"39985678", "39985432"}
    assert rest == [first]


@pytest.mark.parametrize("seconds", [-7200, 7200])
def test_a_row_is_found_by_the_clock_of_the_service(sender: Sender, seconds: int) -> None:
    service = ScriptedService("doubt before")
    service.add(TO, "hi", at=datetime.now(timezone.utc) + timedelta(seconds=seconds))
    service.clock_is_ahead_by = seconds + 2.0
    assert statuses(sender(service).send([(TO, "hi")])) == [SENT]


def test_a_row_from_before_the_services_clock_was_set_is_found(sender: Sender) -> None:
    service = ScriptedService("doubt after")
    service.clock_is_ahead_by = -7200.0
    assert statuses(sender(service).send([(TO, "hi")])) == [SENT]


# --- what stops a run, and what does not --------------------------------------------------------------------


@with_one_and_four_workers
@pytest.mark.parametrize("trouble", ["unreachable", "no token", "too fast"])
def test_what_did_not_leave_is_tried_again_after_a_pause(
    sender: Sender, workers: int, trouble: str, holds: list[float]
) -> None:
    service = ScriptedService(*[trouble] * 3)
    assert statuses(sender(service, workers=workers).send([(TO, "hi")])) == [SENT]
    assert service.phone == [(TO, "hi")]
    assert len(holds) == 3
    assert all(pause >= 7 for pause in holds) if trouble == "too fast" else 0 < holds[0] < 3 > holds[2]


@with_one_and_four_workers
@pytest.mark.parametrize(
    ("trouble", "cause"),
    [
        ("offline", DeviceOffline),
        ("over", SubscriptionExpired),
        ("wrong key", AuthenticationError),
        ("redirect", UnexpectedResponse),
        ("far too fast", RateLimited),
        ("no store", StorageError),
        ("no signature", SMSMobileError),
    ],
)
def test_what_concerns_all_messages_stops_the_run_and_a_later_one_sends_the_rest(
    sender: Sender, workers: int, trouble: str, cause: type[SMSMobileError]
) -> None:
    service = ScriptedService()
    service.behave = lambda number, text: trouble if len(service.phone) >= 10 else None
    bulk = sender(service, workers=workers)
    messages = list(numbered(50))
    seen: list[SendOutcome] = []

    with pytest.raises(BulkPaused, match="same messages and the same journal") as paused:
        seen.extend(bulk.send(messages))  # and keeps what was handed out before it raised

    assert isinstance(paused.value.__cause__, cause)
    assert {outcome.status for outcome in seen} == {SENT}
    assert paused.value.done == len(seen) == len(service.phone)
    assert paused.value.left == 50 - len(seen)
    assert f"{paused.value.left} messages are left" in str(paused.value)
    assert str(paused.value.__cause__) in str(paused.value)

    service.behave = lambda number, text: None
    assert Counter(statuses(bulk.send(messages))) == {DUPLICATE: len(seen), SENT: 50 - len(seen)}
    assert Counter(service.phone) == Counter(messages)


@with_one_and_four_workers
def test_where_one_after_the_other_is_unknown_the_run_stops_and_a_later_one_sends_the_rest(
    sender: Sender, workers: int
) -> None:
    service = ScriptedService()
    service.behave = lambda number, text: "doubt before"
    messages = list(numbered(50))
    said: list[SendOutcome] = []
    with pytest.raises(BulkPaused, match=r"The last 10 messages are unknown\..* the same journal") as paused:
        said.extend(sender(service, workers=workers).send(messages))
    assert isinstance(paused.value.__cause__, SendOutcomeUnknown)
    assert set(statuses(said)) == {UNKNOWN}
    # Ten, and those that were looked up at the same time.
    assert 10 <= len(said) == paused.value.done < 10 + (workers + 10 if workers > 1 else 1)

    service.behave = lambda number, text: None
    outcomes = Counter(statuses(sender(service, workers=workers).send(messages)))
    assert outcomes == {UNKNOWN: len(said), SENT: 50 - len(said)}


def test_unknown_ones_among_others_do_not_stop_a_run(sender: Sender) -> None:
    service = ScriptedService(
        *["doubt before"] * 9, "accept", *["doubt before"] * 9, "doubt after", *["doubt before"] * 9
    )
    outcomes = Counter(statuses(sender(service).send(numbered(40))))
    assert outcomes == {UNKNOWN: 27, SENT: 13}


def test_a_pause_of_a_day_is_not_waited_for(sender: Sender, holds: list[float]) -> None:
    with pytest.raises(BulkPaused):
        list(sender(ScriptedService("far too fast")).send(numbered(3)))
    assert holds == []


def test_whatever_the_log_refuses_when_a_run_begins_pauses_it(sender: Sender, path: Path) -> None:
    killed_in_flight(path, OutgoingSMS(TO, "hi"))
    service = ScriptedService()
    service.log_failures.append(APIError("Missing required param: x.", status=400))
    with pytest.raises(BulkPaused, match="Missing required param"):
        next(sender(service).send([(TO, "hi")]))


def test_no_length_is_asked_of_what_may_have_to_work_it_out(sender: Sender) -> None:
    class Query:
        def __iter__(self) -> Iterator[tuple[str, str]]:
            return iter([(TO, "hi")])

        def __len__(self) -> int:
            raise AssertionError("all of it was read")

    assert statuses(sender(ScriptedService()).send(Query())) == [SENT]


def test_of_a_generator_nobody_knows_how_many_are_left(sender: Sender) -> None:
    with pytest.raises(BulkPaused, match="The rest was not sent") as paused:
        list(sender(ScriptedService("accept", "offline")).send(iter(numbered(3))))
    assert (paused.value.done, paused.value.left) == (1, None)


def test_a_service_that_stays_away_stops_the_run(sender: Sender, holds: list[float]) -> None:
    service = ScriptedService(*["unreachable"] * 100)
    with pytest.raises(BulkPaused) as paused:
        list(sender(service).send([(TO, "hi")]))
    assert isinstance(paused.value.__cause__, ConnectionFailed)
    assert len(service.attempts) == _pace.MAX_ATTEMPTS
    assert max(holds) <= _pace.LONGEST_INTERVAL
    assert sum(holds) > 300


def test_the_service_says_how_long_to_wait_and_only_where_nothing_gets_through_it_is_longer(
    sender: Sender, holds: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_pace, "backoff_intervals", lambda first, longest: iter([1.0, 20.0, 300.0]))
    service = ScriptedService("too fast", "accept", "too fast", "too fast", "accept", "too fast", "refuse", "too fast")
    list(sender(service).send(numbered(5)))
    assert holds == [7, 7, 20, 7, 7]


def test_what_several_workers_meet_at_a_time_is_one_setback(sender: Sender, holds: list[float]) -> None:
    together = threading.Barrier(8, timeout=10)
    rounds = 5

    def behave(number: str, text: str) -> str | None:
        if len(service.attempts) > 8 * rounds:
            return None
        together.wait()
        return "unreachable"

    service = ScriptedService()
    service.behave = behave
    assert 8 * rounds > _pace.MAX_ATTEMPTS
    assert set(statuses(sender(service, workers=8).send(numbered(50)))) == {SENT}
    assert max(holds) <= 1.5 ** (rounds - 1)


def test_a_subscription_that_ends_while_the_log_is_read_stops_the_run(sender: Sender) -> None:
    service = ScriptedService("doubt after")
    service.log_failures.append(SubscriptionExpired("over"))
    bulk = sender(service)
    with pytest.raises(BulkPaused):
        list(bulk.send([(TO, "hi")]))
    (outcome,) = bulk.send([(TO, "hi")])
    assert (outcome.status, outcome.recorded) == (DUPLICATE, SENT)


def test_before_anything_is_sent_the_log_must_be_readable_with_these_credentials(sender: Sender) -> None:
    service = ScriptedService("doubt before")
    bulk = sender(service)
    list(bulk.send([(TO, "hi")]))
    service.log_failures.append(AuthenticationError("wrong"))
    with pytest.raises(BulkPaused) as paused:
        list(bulk.send(list(numbered(2))))
    assert (paused.value.done, paused.value.left) == (0, 2)
    assert len(service.attempts) == 1


@with_one_and_four_workers
def test_an_error_that_nobody_foresaw_ends_the_run_and_leaves_its_message_in_doubt(
    sender: Sender, workers: int
) -> None:
    service = ScriptedService()

    def behave(number: str, text: str) -> None:
        raise ZeroDivisionError("a bug in a hook")

    service.behave = behave
    bulk = sender(service, workers=workers)
    with pytest.raises(ZeroDivisionError):
        list(bulk.send([(TO, "hi")]))

    service.behave = lambda number, text: None
    assert statuses(bulk.send([(TO, "hi"), (OTHER, "hi")])) == [UNKNOWN, SENT]
    assert service.phone == [(OTHER, "hi")]


@with_one_and_four_workers
def test_an_interruption_in_a_send_ends_the_run_and_the_next_one_looks_the_message_up(
    sender: Sender, workers: int
) -> None:
    class TimeLimit(Exception):
        """What a task queue or a signal handler raises in the middle of a send."""

    def behave(number: str, text: str) -> None:
        service.add(number, text)
        raise SendOutcomeUnknown("TimeLimit was raised before the answer was there.") from TimeLimit()

    service = ScriptedService()
    service.behave = behave
    bulk = sender(service, workers=workers)
    with pytest.raises(TimeLimit):
        list(bulk.send([(TO, "one")]))

    assert statuses(bulk.send([(TO, "one")])) == [DUPLICATE]


@with_one_and_four_workers
def test_an_error_of_the_source_ends_the_run_and_the_next_one_goes_on(sender: Sender, workers: int) -> None:
    service = ScriptedService()
    bulk = sender(service, workers=workers)

    def broken() -> Iterator[tuple[str, str]]:
        yield from itertools.islice(numbered(10), 5)
        raise LookupError("row 6 cannot be read")

    with pytest.raises(LookupError):
        list(bulk.send(broken()))
    list(bulk.send(numbered(10)))
    assert Counter(service.phone) == Counter(numbered(10))


@with_one_and_four_workers
def test_who_stops_listening_ends_the_run_and_loses_nothing(sender: Sender, workers: int) -> None:
    service = ScriptedService()
    bulk = sender(service, workers=workers)
    outcomes = bulk.send(numbered(100))
    for _ in range(3):
        next(outcomes)
    outcomes.close()
    sent = list(service.phone)
    assert 3 <= len(sent) < 100

    assert Counter(statuses(bulk.send(numbered(100)))) == {DUPLICATE: len(sent), SENT: 100 - len(sent)}
    assert Counter(service.phone) == Counter(numbered(100))


@with_one_and_four_workers
def test_who_never_listens_sends_nothing(sender: Sender, workers: int, path: Path) -> None:
    service = ScriptedService()
    sender(service, workers=workers).send(numbered(10))
    assert service.attempts == []
    assert not path.exists()


def test_who_waits_for_the_log_can_be_stopped_and_the_message_stays_in_flight(sender: Sender) -> None:
    service = ScriptedService()
    service.behave = lambda number, text: "doubt before" if number == TO else None
    bulk = sender(service, workers=2, patience=3600)
    outcomes = bulk.send([(TO, "hi"), *numbered(5)])
    for _ in range(5):
        assert next(outcomes).status is SENT
    outcomes.close()

    assert bulk.unknown() == []
    (outcome, *_) = sender(service).send([(TO, "hi")])
    assert outcome.status is UNKNOWN


# --- after a kill ------------------------------------------------------------------------------------------


def killed_in_flight(path: Path, *messages: OutgoingSMS, at: float | None = None) -> None:
    """What a journal holds after a kill while these were on their way."""
    channel = ScriptedService().client.sms
    with closing(SQLiteJournal(path)) as journal:
        killed = OneSender(channel, journal, patience=0)
        for job, claim in killed.claim([job_of(channel, message) for message in messages]):
            assert claim.state is ClaimState.NEW
            assert journal.start(job.entry, time.time() if at is None else at)
            journal.release([job.entry])


def test_what_was_in_flight_and_is_in_the_log_is_not_sent_again(sender: Sender, path: Path) -> None:
    killed_in_flight(path, OutgoingSMS(TO, "hi"))
    service = ScriptedService()
    service.add(TO, "hi")

    outcomes = list(sender(service).send([(TO, "hi"), (OTHER, "hi")]))

    assert [(one.status, one.recorded, one.guid) for one in outcomes] == [
        (DUPLICATE, SENT, "guid-1"),
        (SENT, None, "guid-2"),
    ]
    assert service.attempts == [(OTHER, "hi")]


def test_what_was_in_flight_and_is_not_in_the_log_is_unknown(sender: Sender, path: Path) -> None:
    killed_in_flight(path, OutgoingSMS(TO, "hi"))
    service = ScriptedService()
    (outcome,) = sender(service).send([(TO, "hi")])
    assert (outcome.status, service.attempts) == (UNKNOWN, [])
    assert outcome.reason == _outcomes.INTERRUPTED


def test_the_log_is_read_once_for_all_that_were_in_flight(sender: Sender, path: Path) -> None:
    messages = [OutgoingSMS(to, text) for to, text in numbered(6)]
    killed_in_flight(path, *messages)
    service = ScriptedService()
    service.add(messages[0].to, messages[0].text)
    list(sender(service).send([]))
    assert service.looks <= 4  # two pages, twice


def test_after_a_long_time_nobody_waits_for_a_row(sender: Sender, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    killed_in_flight(path, OutgoingSMS(TO, "hi"), at=1_700_000_000.0)
    monkeypatch.setattr(threading.Event, "wait", lambda self, timeout=None: pytest.fail("it waited"))
    service = ScriptedService()
    assert statuses(sender(service, patience=3600).send([(TO, "hi")])) == [UNKNOWN]


def test_soon_after_a_kill_a_row_is_waited_for(sender: Sender, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    killed_in_flight(path, OutgoingSMS(TO, "hi"))
    service = ScriptedService()
    service.rows_are_late_by = 5
    service.add(TO, "hi")
    (outcome,) = sender(service, patience=3600).send([(TO, "hi")])
    assert (outcome.status, outcome.recorded) == (DUPLICATE, SENT)


def test_where_the_log_cannot_be_read_what_was_in_flight_stays_so_and_the_rest_is_sent(
    sender: Sender, path: Path
) -> None:
    killed_in_flight(path, OutgoingSMS(TO, "hi"))
    service = ScriptedService()
    service.log_failures.extend([ServerError("x", status=500)] * 10)
    outcomes = list(sender(service).send([(TO, "hi"), (OTHER, "hi")]))
    assert statuses(outcomes) == [UNKNOWN, SENT]
    assert service.attempts == [(OTHER, "hi")]
    (outcome, _) = outcomes
    assert outcome.reason == _outcomes.NOT_LOOKED_UP
    assert sender(service).unknown() == []  # but in flight, and asked for by every run until the log tells


def test_an_unknown_message_is_looked_for_by_the_runs_of_a_day(
    sender: Sender, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = ScriptedService("doubt after")
    service.rows_are_late_by = 5
    bulk = sender(service)
    assert statuses(bulk.send([(TO, "hi")])) == [UNKNOWN]
    service.rows_are_late_by = 0
    looks = service.looks
    monkeypatch.setattr(_campaign, "UNKNOWN_RETRY_PERIOD", -1.0)
    assert statuses(bulk.send([(TO, "hi")])) == [UNKNOWN]
    assert service.looks == looks
    monkeypatch.undo()
    for row in service.rows:
        row["visible from"] = 0
    (found,) = bulk.send([(TO, "hi")])
    assert (found.status, found.recorded, found.guid) == (DUPLICATE, SENT, "guid-1")
    assert bulk.unknown() == []


def test_a_forgotten_message_is_sent_when_it_comes_again(sender: Sender) -> None:
    service = ScriptedService("doubt before", "refuse")
    bulk = sender(service)
    messages = [OutgoingSMS(TO, "hi", "a"), OutgoingSMS(OTHER, "hi", "b")]
    assert statuses(bulk.send(messages)) == [UNKNOWN, REFUSED]
    assert [bulk.forget(key) for key in (" a ", "b", "never seen")] == [True, True, False]
    assert statuses(bulk.send(messages)) == [SENT, SENT]


def test_what_can_be_no_key_cannot_be_forgotten(subtests: pytest.Subtests, sender: Sender) -> None:
    for key in [["a"], None, "", "a\nb", "\ud800", True, 1.5]:
        with subtests.test(key=key), pytest.raises(InvalidRequestError, match="key"):
            sender(ScriptedService()).forget(key)


def test_a_key_that_another_message_had_is_told(sender: Sender) -> None:
    service = ScriptedService()
    bulk = sender(service)
    assert statuses(bulk.send([OutgoingSMS(TO, "first campaign", 17)])) == [SENT]
    others = [OutgoingSMS(OTHER, "first campaign", 17), OutgoingSMS(TO, "second campaign", "17")]
    outcomes = [outcome for other in others for outcome in bulk.send([other])]
    assert [(one.status, one.reason) for one in outcomes] == [(DUPLICATE, _outcomes.KEY_REUSED)] * 2
    (same,) = bulk.send([OutgoingSMS("0033 639985678", "first campaign", 17)])
    assert (same.status, same.reason) == (DUPLICATE, None)


# --- the journal --------------------------------------------------------------------------------------------


class Notes(SQLiteJournal):
    """A journal that calls `before` with the name of each step."""

    def __init__(self, path: Path, before: Callable[[str], None]) -> None:
        super().__init__(path)
        self._before = before

    def claim(self, entries: Sequence[JournalEntry]) -> list[MessageClaim]:
        self._before("claim")
        return super().claim(entries)

    def start(self, entry: JournalEntry, at: float) -> bool:
        self._before("start")
        return super().start(entry, at)

    def settle(
        self, entry: JournalEntry, outcome: SendStatus, *, guid: str | None = None, reason: str | None = None
    ) -> bool:
        self._before("settle")
        return super().settle(entry, outcome, guid=guid, reason=reason)


def test_the_intent_is_noted_before_the_request_leaves_and_the_outcome_after(path: Path) -> None:
    steps: list[str] = []
    service = ScriptedService()
    service.behave = lambda number, text: steps.append("send")  # type: ignore[func-returns-value]
    list(BulkSender(service.client, Notes(path, steps.append), workers=1).send([(TO, "a"), (TO, "b")]))
    assert steps == ["claim", "start", "send", "settle"] * 2


@with_one_and_four_workers
@pytest.mark.parametrize("step", ["claim", "start", "settle"])
def test_nothing_is_sent_whose_intent_is_not_on_the_disk(path: Path, workers: int, step: str) -> None:
    service = ScriptedService()

    def full(reached: str) -> None:
        if reached == step and len(service.phone) >= 20:
            raise StorageError("database or disk is full")

    bulk = BulkSender(service.client, Notes(path, full), workers=workers, patience=0)
    with pytest.raises(StorageError, match="full"):
        list(bulk.send(numbered(500)))
    sent = len(service.attempts)
    # What was claimed before the disk was full may leave; of what was not, nothing does.
    assert 20 <= sent < (20 + workers_module.QUEUE_SIZE + workers if step == "claim" else 20 + 2 * workers)

    outcomes = Counter(statuses(BulkSender(service.client, path, workers=1, patience=0).send(numbered(500))))
    assert outcomes == {DUPLICATE: sent, SENT: 500 - sent}
    assert Counter(service.phone) == Counter(numbered(500))


@pytest.mark.parametrize("content", [b"Dear diary", b"SQLite format 3\0" + b"\0" * 5000])
def test_with_a_journal_that_is_none_nothing_is_sent(sender: Sender, path: Path, content: bytes) -> None:
    path.write_bytes(content)
    service = ScriptedService()
    with pytest.raises(StorageError, match=r"not the journal|damaged"):
        list(sender(service).send([(TO, "hi")]))
    assert service.attempts == []
    assert path.read_bytes() == content


def test_two_runs_at_one_time_share_the_messages_and_each_is_sent_once(path: Path) -> None:
    service = ScriptedService()
    messages = numbered(300)
    outcomes: list[list[SendOutcome]] = [[], []]

    def run(part: list[SendOutcome]) -> None:
        part.extend(BulkSender(service.client, path, workers=4, patience=0).send(messages))

    threads = [threading.Thread(target=run, args=[part]) for part in outcomes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert Counter(service.phone) == Counter(messages)
    assert [len(part) for part in outcomes] == [300, 300]
    assert Counter(one.status for part in outcomes for one in part) == {SENT: 300, DUPLICATE: 300}


def test_what_another_sender_has_in_flight_is_waited_for(sender: Sender) -> None:
    service = ScriptedService()
    reached, go_on = threading.Event(), threading.Event()

    def behave(number: str, text: str) -> None:
        if text == "slow":
            reached.set()
            assert go_on.wait(30)

    service.behave = behave
    slow = threading.Thread(target=lambda: list(sender(service).send([(TO, "slow")])))
    slow.start()
    assert reached.wait(30)
    outcomes = sender(service).send([OutgoingSMS(TO, "slow"), OutgoingSMS(TO, "slow", "twin"), (OTHER, "hi")])
    assert next(outcomes).message == OutgoingSMS(OTHER, "hi")
    assert service.phone == [(OTHER, "hi")]
    go_on.set()
    assert Counter(statuses(outcomes)) == {DUPLICATE: 1, SENT: 1}
    slow.join(30)
    assert Counter(service.phone) == {(OTHER, "hi"): 1, (TO, "slow"): 2}


def test_twins_are_sent_although_another_sender_takes_the_claim_of_the_first(sender: Sender) -> None:
    class Stolen(MemoryJournal):
        """Somebody else claims and sends the first message when it is about to be sent, and takes a while."""

        thief: OneSender
        steals = True

        def start(self, entry: JournalEntry, at: float) -> bool:
            if self.steals:
                self.steals = False
                self.release([entry])
                ((job, claim),) = self.thief.claim([first])
                assert claim.state is ClaimState.NEW
                started = self.thief.start(job)
                assert started is not None
                threading.Timer(0.1, self.thief.send, [started]).start()
            return super().start(entry, at)

    service, journal = ScriptedService(), Stolen()
    journal.thief = OneSender(service.client.sms, journal, patience=0)
    alike = [OutgoingSMS(TO, "hi", "one"), OutgoingSMS(TO, "hi", "two")]
    first = job_of(service.client.sms, alike[0])
    outcomes = list(BulkSender(service.client, journal, workers=4, patience=0).send(alike))
    assert sorted(statuses(outcomes)) == [DUPLICATE, SENT]
    assert len(service.phone) == 2


def test_threads_that_share_a_sender_claim_with_different_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    channel, journal = ScriptedService().client.sms, MemoryJournal()
    monkeypatch.setattr(journal, "claim", lambda entries: tokens.extend(entry.token for entry in entries) or entries)
    shared = OneSender(channel, journal, patience=0)
    jobs = [job_of(channel, OutgoingSMS(TO, "hi"))] * 20_000
    tokens: list[str] = []
    failures: list[BaseException] = []

    def claim() -> None:
        try:
            shared.claim(jobs)
        except BaseException as failure:  # noqa: BLE001 - shown by the test
            failures.append(failure)

    threads = [threading.Thread(target=claim) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []
    assert len(tokens) == len(set(tokens)) == 4 * len(jobs)


def test_texts_are_not_in_the_journal(sender: Sender, path: Path) -> None:
    outcomes = sender(ScriptedService("accept", "doubt before", "refuse")).send((TO, f"secret {n}") for n in range(5))
    for _ in range(4):
        next(outcomes)
    on_disk = b"".join(file.read_bytes() for file in path.parent.iterdir())
    outcomes.close()
    assert b"33639985678" in on_disk
    assert b"secret" not in on_disk + path.read_bytes()


def test_another_journal_can_stand_in(tmp_path: Path) -> None:
    service = ScriptedService("accept", "doubt before", "doubt after")
    bulk = BulkSender(service.client, MemoryJournal(), patience=0, workers=1)
    assert statuses(bulk.send(numbered(4))) == [SENT, UNKNOWN, SENT, SENT]
    assert statuses(bulk.send(numbered(4))) == [DUPLICATE, UNKNOWN, DUPLICATE, DUPLICATE]
    assert len(bulk.unknown()) == 1
    assert list(tmp_path.iterdir()) == []


# --- threads and processes -----------------------------------------------------------------------------------


def test_several_workers_are_threads_and_send_at_one_time(sender: Sender) -> None:
    together = threading.Barrier(4, timeout=10)
    service = ScriptedService()
    service.behave = lambda number, text: together.wait() * 0 or None  # type: ignore[return-value]
    assert statuses(sender(service, workers=4).send(numbered(8))) == [SENT] * 8


def test_a_run_that_a_worker_itself_ends_waits_for_nobody(sender: Sender) -> None:
    left, ended = threading.Event(), threading.Event()
    outcomes: list[Any] = []

    def behave(number: str, text: str) -> None:
        if len(service.attempts) == 1:
            return
        assert left.wait(10)
        with suppress(IndexError):
            outcomes.pop().close()  # as the garbage collector does, on whatever thread it runs
            ended.set()

    service = ScriptedService()
    service.behave = behave
    bulk = sender(service, workers=2)
    outcomes.append(bulk.send(numbered(9)))
    next(outcomes[0])
    left.set()
    assert ended.wait(10)
    for thread in threading.enumerate():
        if "smsmobile-bulk" in thread.name:
            thread.join(10)

    service.behave = lambda number, text: None
    assert set(statuses(bulk.send(numbered(9)))) <= {SENT, DUPLICATE}
    assert Counter(service.phone) == Counter(numbered(9))


def test_where_no_more_threads_can_be_had_the_ones_there_are_end(
    sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = threading.Thread.start

    def refuse(thread: threading.Thread) -> None:
        if thread.name.endswith("-2"):
            raise RuntimeError("can't start new thread")
        start(thread)

    outcomes = sender(ScriptedService(), workers=4).send(numbered(9))
    with monkeypatch.context() as few:
        few.setattr(threading.Thread, "start", refuse)
        with pytest.raises(RuntimeError, match="new thread"):
            next(outcomes)
    assert statuses(sender(ScriptedService(), workers=4).send(numbered(2))) == [SENT, SENT]


def test_a_forked_process_does_not_go_on_with_the_run_of_its_parent(sender: Sender, tmp_path: Path) -> None:
    service = ScriptedService()
    outcomes = sender(service).send(numbered(3))
    next(outcomes)
    told = tmp_path / "told"
    child = os.fork()
    if child == 0:
        try:
            next(outcomes)
        except ConfigurationError as error:
            told.write_text(str(error))
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    assert "before the process was forked" in told.read_text()
    assert statuses(outcomes) == [SENT, SENT]


# --- templates and the dry run ---------------------------------------------------------------------------------


def test_a_template_is_filled_for_each_row(sender: Sender) -> None:
    service = ScriptedService()
    rows = ({"to": to, "name": name} for to, name in ((TO, "Ann"), (OTHER, "Bob")))
    assert statuses(sender(service).send(rows, template="Hi {name}")) == [SENT, SENT]
    assert service.phone == [(TO, "Hi Ann"), (OTHER, "Hi Bob")]


@pytest.mark.parametrize("as_source", [list, iter])
def test_a_missing_field_is_reported_before_the_first_message_is_sent(
    sender: Sender, as_source: Callable[..., Any], path: Path
) -> None:
    service = ScriptedService()
    rows = [{"to": to, "name": "Ann"} for to, _ in numbered(20)]
    del rows[-1]["name"]
    with pytest.raises(InvalidRequestError, match="row 20 lacks 'name'"):
        list(sender(service).send(as_source(rows), template="Hi {name}"))
    assert service.attempts == []
    assert not path.exists()


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        ({"to": TO, "key": object()}, "row 2 cannot be used: The key is of type object"),
        ({"to": TO, "key": True}, "row 2 cannot be used: The key is of type bool"),
        ({"to": 33639985678}, "row 2 has a 'to' of type int; expected text"),
        ((TO, "hi"), "row 2 is of type tuple; expected a dict"),
    ],
)
def test_a_row_that_can_be_no_message_is_reported_before_the_first_one_is_sent(
    sender: Sender, row: Any, complaint: str
) -> None:
    service = ScriptedService()
    with pytest.raises(InvalidRequestError, match=complaint):
        list(sender(service).send([{"to": TO}, row], template="hi"))
    assert service.attempts == []
    assert sender(service).check([{"to": TO}, row], template="hi").invalid == 1


def test_where_there_is_no_room_for_the_messages_of_a_template_nothing_is_sent(
    sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full(io.StringIO):
        def seek(self, *_: Any) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

        def close(self) -> None:
            if not self.closed:
                super().close()
                self.seek()

    monkeypatch.setattr("tempfile.TemporaryFile", lambda *_, **__: Full())
    service = ScriptedService()
    with pytest.raises(StorageError, match=r"temporary file \(No space left on device\).* Make room"):
        list(sender(service).send([{"to": TO}], template="hi"))
    assert service.attempts == []


def test_a_template_that_is_none_is_refused_at_once(sender: Sender) -> None:
    with pytest.raises(InvalidRequestError, match="template"):
        sender(ScriptedService()).send([], template="Hi {name.secret}")
    with pytest.raises(InvalidRequestError, match="template"):
        sender(ScriptedService()).check([], template="Hi {name.secret}")


def unusable() -> list[Any]:
    """Three that can be sent, and six that cannot."""
    when = datetime(2030, 1, 1)  # noqa: DTZ001 - it is to have no timezone
    return [
        (TO, "hi"),
        ("0639985678", "The code is 4711"),
        (TO, ""),
        {"to": TO, "txt": "hi"},
        (OTHER, "hi"),
        {"to": TO, "text": "hi", "key": ""},
        {"to": TO, "text": "hi", "schedule_at": when},
        7,
        (OTHER, "ho"),
    ]


@pytest.mark.parametrize("as_source", [list, iter])
@with_one_and_four_workers
def test_a_strict_sender_sends_nothing_if_a_message_is_unusable(
    sender: Sender, as_source: Callable[..., Any], path: Path, workers: int
) -> None:
    service = ScriptedService()
    with pytest.raises(InvalidRequestError) as told:
        list(sender(service, strict=True, workers=workers).send(as_source(unusable())))
    told_text = str(told.value)
    assert told_text.startswith("6 of 9 rows cannot be used; nothing was sent. row 2: ")
    assert [f"row {n}:" in told_text for n in range(1, 10)] == [n in {2, 3, 4, 6, 7} for n in range(1, 10)]
    assert "row 3: The message is empty; expected some text; row 4: " in told_text
    assert told_text.endswith("; ….")
    assert not any(word in told_text for word in ("4711", "639985"))
    assert (service.attempts, service.looks, path.exists()) == ([], 0, False)


@pytest.mark.parametrize("as_source", [list, iter])
def test_a_strict_sender_sends_messages_that_are_all_usable(sender: Sender, as_source: Callable[..., Any]) -> None:
    service = ScriptedService()
    totals = []
    when = datetime(2030, 1, 1, 12, tzinfo=timezone(timedelta(hours=1)))
    messages = [
        OutgoingSMS(TO, "hi", 7, sim=2, device="SID", schedule_at=when, shorten_urls=True, encrypt=True, whatsapp=True),
        OutgoingSMS(OTHER, "two\nlines 😀"),
    ]
    outcomes = list(
        sender(service, strict=True).send(
            as_source([messages[0], (OTHER, "two\nlines 😀")]), on_progress=lambda _, total, __: totals.append(total)
        )
    )
    assert [outcome.message for outcome in outcomes] == messages
    assert statuses(outcomes) == [SENT, SENT]
    assert totals == [2, 2]


def test_a_strict_sender_reads_nothing_before_an_outcome_is_asked_for_and_then_all(sender: Sender) -> None:
    service, read = ScriptedService(), []

    def messages() -> Iterator[tuple[str, str]]:
        for message in numbered(5):
            read.append((message, len(service.attempts)))
            yield message

    outcomes = sender(service, strict=True).send(messages())
    assert read == []
    assert statuses(outcomes) == [SENT] * 5
    assert [attempts for _, attempts in read] == [0] * 5


def test_a_strict_sender_also_checks_the_numbers_of_a_templates_rows(sender: Sender) -> None:
    service = ScriptedService()
    rows = [{"to": TO, "name": "Ann"}, {"to": "0639985678", "name": "Bob"}]
    with pytest.raises(InvalidRequestError, match=r"^1 of 2 rows cannot be used; nothing was sent. row 2: .*country"):
        list(sender(service, strict=True).send(rows, template="Hi {name}"))
    assert service.attempts == []
    assert statuses(sender(service).send(rows, template="Hi {name}")) == [SENT, REFUSED]


def test_a_strict_run_that_was_interrupted_continues_with_the_same_call(sender: Sender) -> None:
    service = ScriptedService("accept", "offline")
    with pytest.raises(BulkPaused) as pause:
        list(sender(service, strict=True).send(iter(numbered(3))))
    assert (pause.value.done, pause.value.left) == (1, 2)
    assert statuses(sender(service, strict=True).send(iter(numbered(3)))) == [DUPLICATE, SENT, SENT]


def test_a_dry_run_counts_and_sends_nothing(sender: Sender, path: Path) -> None:
    service = ScriptedService()
    messages: list[Any] = [(TO, "x" * 161), (TO, "ж"), ("0639985678", "hi"), (TO, ""), {"to": TO, "txt": ""}]

    found = sender(service).check(iter(messages))

    assert (found.messages, found.invalid, found.segments, found.unicode) == (5, 3, 3, 1)
    assert [place for place, _ in found.problems] == [3, 4, 5]
    assert "country code" in found.problems[0][1]
    assert (service.attempts, service.looks, path.exists()) == ([], 0, False)


def test_a_dry_run_of_nothing_finds_nothing(sender: Sender) -> None:
    at = datetime(2026, 12, 1, 8, 0, tzinfo=timezone.utc)
    nothing = Forecast(at, at, 0, 0, 0, "none", ())
    assert sender(ScriptedService()).check([], starts_at=at) == BulkCheck(0, 0, 0, 0, (), nothing)


def test_a_dry_run_fills_templates_and_reports_every_row_that_lacks_something(sender: Sender) -> None:
    rows: list[Any] = [{"to": TO, "name": "x" * 160}, {"to": TO}, {"name": "x"}, "row"]
    found = sender(ScriptedService()).check(rows, template="{name}!")
    assert (found.messages, found.invalid, found.segments) == (4, 3, 2)
    assert [reason for _, reason in found.problems[:2]] == ["The row lacks 'name'.", "The row lacks 'to'."]


def test_a_dry_run_keeps_only_the_first_problems(sender: Sender) -> None:
    found = sender(ScriptedService()).check(("0639985678" if n % 2 else TO, f"message {n}") for n in range(300))
    assert (found.messages, found.invalid, len(found.problems)) == (300, 150, 100)


@pytest.mark.long
def test_a_long_dry_run_needs_no_more_memory_than_a_short_one(sender: Sender) -> None:
    bulk = sender(ScriptedService())

    def peak(count: int) -> int:
        tracemalloc.start()
        bulk.check(("0639985678" if n % 2 else TO, f"message {n}") for n in range(count))
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return peak

    peak(5_000)  # Python keeps up to 2,000 tuples of each length for later
    assert peak(10_000) < peak(300) * 1.1


@pytest.mark.long
@with_one_and_four_workers
def test_a_run_holds_no_more_in_memory_when_it_is_longer(sender: Sender, workers: int) -> None:
    class Forgetful(ScriptedService):
        def add(self, *_: Any, **__: Any) -> None:
            self.attempts.clear()

    def peak(first: int, count: int) -> int:
        tracemalloc.start()
        for _ in bulk.send((f"+336{n:08d}", "hi") for n in range(first, first + count)):
            pass
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return peak

    bulk = sender(Forgetful(), workers=workers)
    peak(0, 1000)
    short = peak(1000, 1000)
    assert peak(2000, 8000) < short * 2  # of 7,000 more messages each has a few hundred bytes


# --- arguments --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("messages", ["text", b"text", None, 7, OutgoingSMS(TO, "hi")])
def test_messages_that_are_no_iterable_are_refused_at_once(sender: Sender, messages: Any) -> None:
    for method in (sender(ScriptedService()).send, sender(ScriptedService()).check):
        with pytest.raises(InvalidRequestError, match="expected an iterable"):
            method(messages)


def test_arguments_that_cannot_be_are_refused(subtests: pytest.Subtests, sender: Sender) -> None:
    for options, complaint in [
        ({"workers": 0}, "workers is 0"),
        ({"workers": True}, "workers is True"),
        ({"workers": 101}, "workers is 101"),
        ({"workers": "4"}, "workers is of type str"),
        ({"strict": "yes"}, "strict is of type str"),
        ({"patience": -1}, "patience is -1"),
        ({"patience": "30"}, "patience is of type str"),
        ({"rate": "fast"}, "rate is 'fast'"),
        ({"rate": "1/day", "rate_storage": "nowhere://"}, "rate_storage"),
    ]:
        kinds = (InvalidRequestError, ConfigurationError)
        with subtests.test(options=options), pytest.raises(kinds, match=complaint):
            sender(ScriptedService(), **options)


@pytest.mark.parametrize("client", [None, "the key", SMSMobileClient])
def test_a_client_is_a_client(path: Path, client: Any) -> None:
    with pytest.raises(ConfigurationError, match="expected an SMSMobileClient"):
        BulkSender(client, path)


def test_a_claim_is_kept_while_its_message_waits_for_the_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    service, journal = ScriptedService(), MemoryJournal()
    renewed: list[str] = []

    def acquire(self: RateLimiter, *args: Any, meanwhile: Callable[[], None], **options: Any) -> bool:
        meanwhile()
        return True

    monkeypatch.setattr(RateLimiter, "acquire", acquire)
    monkeypatch.setattr(journal, "renew", lambda entries: renewed.extend(entry.key for entry in entries))
    list(BulkSender(service.client, journal, workers=1).send([OutgoingSMS(TO, "hi", "a")]))
    assert renewed == ["a"]


def test_what_is_told_of_progress_is_a_function_or_nothing_is_sent(sender: Sender) -> None:
    progress: Any = 5
    service = ScriptedService()
    with pytest.raises(InvalidRequestError, match="on_progress is of type int"):
        sender(service).send([(TO, "hi")], on_progress=progress)
    assert service.attempts == []


def test_a_key_beyond_all_measure_is_refused_and_the_others_are_sent(sender: Sender) -> None:
    outcomes = list(
        sender(ScriptedService()).send([OutgoingSMS(TO, "hi", 10**5000), OutgoingSMS(TO, "hi", -(2**63) + 1)])
    )
    assert statuses(outcomes) == [REFUSED, SENT]
    assert "key is out of range" in (outcomes[0].reason or "")


@pytest.mark.parametrize("spell", [str, Path])
def test_a_journal_may_be_the_name_of_a_file(path: Path, spell: Callable[[Path], Any]) -> None:
    service = ScriptedService()
    for expected in (SENT, DUPLICATE):
        assert statuses(BulkSender(service.client, spell(path)).send([(TO, "hi")])) == [expected]
    assert path.stat().st_size > 0


@pytest.mark.parametrize("journal", [None, 7, object(), SQLiteJournal])
def test_a_journal_is_a_file_or_has_what_a_journal_has(journal: Any) -> None:
    with pytest.raises(ConfigurationError, match="expected the name of a file"):
        BulkSender(ScriptedService().client, journal)


def test_a_rate_is_kept_by_all_workers_together(sender: Sender, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    wait = RateLimiter.acquire

    def counted(self: RateLimiter, *args: Any, **options: Any) -> bool:
        asked.append(1)
        return wait(self, *args, **options)

    monkeypatch.setattr(RateLimiter, "acquire", counted)
    list(sender(ScriptedService("too fast"), workers=4, rate="100000/second").send(numbered(20)))
    assert len(asked) == 21
