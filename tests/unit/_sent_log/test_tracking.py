"""`client.sms.track` and `track_all`: what is asked of the log, how often, and what is handed out."""

from __future__ import annotations

import json
import pickle
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any
from urllib.parse import parse_qs, urlsplit
from zlib import crc32

import pytest
import requests
import responses
from hypothesis import given
from hypothesis import strategies as st

from smsmobile import (
    AuthenticationError,
    ConnectionFailed,
    DeliveryPending,
    InvalidRequestError,
    LoggedSMS,
    RateLimited,
    ResentSMS,
    SentSMS,
    ServerError,
    SMSMobileClient,
    SMSStatus,
    SubscriptionExpired,
    UnexpectedResponse,
)
from smsmobile._http import backoff as pauses
from smsmobile._sent_log import tracking

from ..cases import each_once

URL = "https://api.smsmobileapi.com/log/sent/sms/"
NOON = datetime(2026, 3, 20, 12, 0, tzinfo=timezone.utc)
NUMBER = "+33639985678"


class Clock:
    """Time passes in sleep() alone, and something may happen meanwhile."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []
        self.meanwhile: Callable[[int], None] = lambda round_: None

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        assert seconds >= 0
        assert len(self.slept) < 1000, "this would go on for ever"
        self.slept.append(seconds)
        self.now += seconds
        self.meanwhile(len(self.slept))


@dataclass
class Log:
    """The service's sent log, newest first, and what was asked of it."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    page: int = 100
    asked: list[dict[str, str]] = field(default_factory=list)
    failures: list[Callable[[], tuple[int, dict[str, str], str]] | None] = field(default_factory=list)
    """What the next calls come to; None where it is a right answer."""
    precedes: Callable[[int, int], bool] = lambda row, before: row > before
    """Whether the row at the first place is older than the one at the second place."""

    def has(self, *guids: str, at: datetime | None = NOON, **state: str) -> None:
        """More rows, each newer than what is there."""
        for guid in guids:
            moment = {} if at is None else {"datetime": at.isoformat()}
            self.rows.insert(0, {"guid": guid, "number": NUMBER, "message": "secret", **moment, **state})

    def change(self, guid: str, **state: str) -> None:
        next(row for row in self.rows if row["guid"] == guid).update(state)

    def answer(self, request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        query = {key: values[0] for key, values in parse_qs(urlsplit(request.url or "").query).items()}
        query.pop("apikey")
        self.asked.append(query)
        if self.failures and (failure := self.failures.pop(0)) is not None:
            return failure()
        rows = self.rows
        if (guid := query.get("guid_message")) is not None:
            rows = [row for row in rows if row["guid"] == guid]
        if (before := query.get("before")) is not None:
            place = [row["guid"] for row in rows].index(before)
            rows = [row for index, row in enumerate(rows) if self.precedes(index, place)]
        if not rows:
            return 200, {}, json.dumps({"result": {"error": "no_message", "sms": []}})
        return 200, {}, json.dumps({"result": {"error": 0, "sms": rows[: self.page]}})

    def fails(self, status: int, body: dict[str, Any], times: int = 1, **headers: str) -> None:
        self.failures += [lambda: (status, headers, json.dumps(body))] * times

    def breaks(self, times: int = 1) -> None:
        def refuse() -> tuple[int, dict[str, str], str]:
            raise requests.ConnectionError("refused")

        self.failures += [refuse] * times


SENT = {"send_from_mobile": "1"}
FAILED = {"send_from_mobile_erreur": "RESULT_ERROR_NO_SERVICE"}


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(tracking, "_clock", clock)
    monkeypatch.setattr(pauses.random, "uniform", lambda low, high: high)
    return clock


@pytest.fixture
def log(service: responses.RequestsMock) -> Log:
    log = Log()
    service.add_callback("GET", URL, callback=log.answer)
    return log


@pytest.fixture
def client() -> Iterator[SMSMobileClient]:
    with SMSMobileClient(api_key="0123456789abcdef" * 3, max_retries=0) as client:
        yield client


# --- one message ------------------------------------------------------------------------------------------


class Order:
    """Something of the application's own."""

    guid = "g"


@pytest.mark.parametrize(
    "message",
    ["g", SentSMS(guid="g"), ResentSMS(guid="g"), LoggedSMS(guid="g"), Order()],
    ids=lambda m: type(m).__name__,
)
def test_a_message_that_is_sent_is_returned_at_once(
    client: SMSMobileClient, log: Log, clock: Clock, message: Any
) -> None:
    log.has("g", **SENT)

    row = client.sms.track(message)

    assert (row.guid, row.status) == ("g", SMSStatus.SENT)
    assert log.asked == [{"guid_message": "g"}]
    assert clock.slept == []


def test_a_message_is_waited_for_until_the_phone_has_sent_it(client: SMSMobileClient, log: Log, clock: Clock) -> None:
    log.has("g")
    clock.meanwhile = lambda round_: log.change("g", **SENT) if round_ == 3 else None

    assert client.sms.track("g").status is SMSStatus.SENT

    assert len(log.asked) == 4


def test_a_message_that_failed_is_returned_with_the_reason(client: SMSMobileClient, log: Log) -> None:
    log.has("g", **FAILED)
    row = client.sms.track("g")
    assert (row.status, row.error) == (SMSStatus.FAILED, "RESULT_ERROR_NO_SERVICE")
    assert "had no network" in (row.advice or "")


def test_a_row_that_is_not_in_the_log_yet_is_waited_for(client: SMSMobileClient, log: Log, clock: Clock) -> None:
    clock.meanwhile = lambda round_: log.has("g", **SENT) if round_ == 2 else None
    assert client.sms.track("g").guid == "g"


def test_rows_of_other_messages_are_not_taken_for_it(client: SMSMobileClient, service: responses.RequestsMock) -> None:
    rows = [{"guid": "other", **FAILED}, {"guid": "g", **SENT}, {**SENT}]
    service.get(URL, json={"result": {"error": 0, "sms": rows}})  # whatever the GUID that was asked for

    assert client.sms.track("g").guid == "g"
    with pytest.raises(DeliveryPending):
        client.sms.track("h", timeout=0)


def test_the_pauses_grow_up_to_a_quarter_of_a_minute(client: SMSMobileClient, log: Log, clock: Clock) -> None:
    log.has("g")
    with pytest.raises(DeliveryPending):
        client.sms.track("g", timeout=120, poll=1)
    assert clock.slept[:6] == [1, 1.5, 2.25, 3.375, 5.0625, 7.59375]
    assert max(clock.slept) == 15
    assert len(log.asked) < 20


@pytest.mark.parametrize(("poll", "second"), [(0, 0.15), (0.01, 0.15), (20, 20)])
def test_the_first_pause_is_the_callers_and_the_next_ones_are_sane(
    client: SMSMobileClient, log: Log, clock: Clock, poll: float, second: float
) -> None:
    with pytest.raises(DeliveryPending):
        client.sms.track("g", poll=poll)
    assert clock.slept[:2] == pytest.approx([poll, second])


def test_no_two_programs_keep_the_same_step(
    client: SMSMobileClient, log: Log, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pauses.random, "uniform", lambda low, high: low)
    with pytest.raises(DeliveryPending):
        client.sms.track("g", poll=4)
    assert clock.slept[:2] == [3, 4.5]


def test_the_last_look_comes_when_all_of_the_time_has_passed(client: SMSMobileClient, log: Log, clock: Clock) -> None:
    log.has("g")
    clock.meanwhile = lambda round_: log.change("g", **SENT) if clock.now >= 1060 else None
    assert client.sms.track("g", timeout=60).status is SMSStatus.SENT
    assert sum(clock.slept) == pytest.approx(60)


def test_without_time_to_wait_it_is_looked_at_once(client: SMSMobileClient, log: Log, clock: Clock) -> None:
    log.has("g")
    with pytest.raises(DeliveryPending):
        client.sms.track("g", timeout=0)
    assert len(log.asked) == 1
    assert clock.slept == []


def test_a_message_that_stays_queued_says_so_with_advice_and_its_row(client: SMSMobileClient, log: Log) -> None:
    log.has("g")

    with pytest.raises(DeliveryPending, match="After 30 s") as caught:
        client.sms.track("g", timeout=30)

    assert (caught.value.guid, caught.value.guids) == ("g", ("g",))
    assert caught.value.last["g"].status is SMSStatus.QUEUED
    assert "SmsMobileApi > Battery" in str(caught.value)
    assert "message g" in str(caught.value)
    assert "do not send again" in str(caught.value)
    assert "does not have it" not in str(caught.value)
    assert NUMBER not in str(caught.value)
    assert "secret" not in str(caught.value)
    assert pickle.loads(pickle.dumps(caught.value)).last == caught.value.last


def test_a_message_that_never_came_into_the_log_says_so(client: SMSMobileClient, log: Log) -> None:
    with pytest.raises(DeliveryPending, match="does not have it yet") as caught:
        client.sms.track("g")
    assert caught.value.last == {}
    assert "queued" not in str(caught.value)


# --- what is refused --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (SentSMS(guid=None), "The GUID is None.*Find the message in the log"),
        (None, "The GUID is None"),
        ("", "The GUID is empty"),
        (["g"], r"of type list; expected its GUID or what send\(\) returned.*track_all\(\) a list of them"),
        (b"g", "of type bytes"),
        (7, "of type int"),
    ],
)
def test_what_has_no_guid_is_refused_and_nothing_is_asked(
    client: SMSMobileClient, log: Log, message: Any, reason: str
) -> None:
    with pytest.raises(InvalidRequestError, match=reason):
        client.sms.track(message)
    with pytest.raises(InvalidRequestError, match=reason):
        client.sms.track_all(["ok", message])
    assert log.asked == []


@pytest.mark.parametrize("messages", ["guid", b"guid", None, 7, SentSMS(guid="g"), Order()])
def test_one_message_is_not_taken_for_many(client: SMSMobileClient, log: Log, messages: Any) -> None:
    with pytest.raises(InvalidRequestError, match=r"To follow a single message, use track\(\)"):
        client.sms.track_all(messages)


@pytest.mark.parametrize(
    ("seconds", "name"),
    each_once([-1, float("nan"), float("inf"), True, "5", None, -(10**400)], ["timeout", "poll"]),
)
def test_times_that_cannot_be_are_refused_before_the_first_row_is_asked_for(
    client: SMSMobileClient, log: Log, name: str, seconds: Any
) -> None:
    options: dict[str, Any] = {name: seconds}
    with pytest.raises(InvalidRequestError, match=f"{name} is .*expected a number of seconds"):
        client.sms.track_all(["g"], **options)
    assert log.asked == []


@pytest.mark.parametrize("seconds", [10**300, 1e300], ids=["whole", "float"])
def test_a_time_that_no_clock_can_count_is_for_ever(
    client: SMSMobileClient, log: Log, clock: Clock, seconds: float
) -> None:
    clock.meanwhile = lambda round_: log.has("g", **SENT)
    assert client.sms.track("g", timeout=seconds, poll=seconds).guid == "g"
    assert 1e9 <= clock.slept[0] < threading.TIMEOUT_MAX


# --- failures ---------------------------------------------------------------------------------------------

BUSY = {"success": False, "error": "rate_limited"}
BROKEN = {"success": False, "error": "server_error"}


def test_failures_that_pass_are_waited_out(client: SMSMobileClient, log: Log, clock: Clock) -> None:
    log.has("g", **SENT)
    log.breaks()
    log.fails(500, BROKEN)
    log.fails(200, {"result": {"error": 2}})  # the phone is offline
    log.fails(200, {"strange": "answer"})
    assert client.sms.track("g").guid == "g"
    assert len(clock.slept) == 4


def test_a_service_that_asks_to_wait_is_not_asked_sooner(client: SMSMobileClient, log: Log, clock: Clock) -> None:
    log.has("g", **SENT)
    log.fails(429, BUSY, **{"Retry-After": "25"})
    assert client.sms.track("g").guid == "g"
    assert clock.slept == [25]


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (403, {"success": False, "error": "invalid_apikey"}, AuthenticationError),
        (403, {"success": False, "error": "api_expired"}, SubscriptionExpired),
    ],
)
def test_failures_that_do_not_pass_are_raised_at_once(
    client: SMSMobileClient, log: Log, clock: Clock, status: int, body: dict[str, Any], kind: type[Exception]
) -> None:
    log.fails(status, body)
    with pytest.raises(kind):
        client.sms.track("g")
    assert clock.slept == []


def test_a_redirect_is_raised_at_once(client: SMSMobileClient, log: Log, clock: Clock) -> None:
    log.fails(301, {}, Location="https://elsewhere.example/")
    with pytest.raises(UnexpectedResponse):
        client.sms.track("g")
    assert clock.slept == []


def test_a_look_repeats_nothing_so_that_the_time_is_kept(log: Log, clock: Clock) -> None:
    log.has("g", **SENT)
    log.fails(429, BUSY, times=9, **{"Retry-After": "10"})
    with SMSMobileClient(api_key="0123456789abcdef" * 3) as client, pytest.raises(RateLimited):
        client.sms.track("g", timeout=2)
    assert (clock.now, len(log.asked)) == (1002, 2)


def test_after_a_look_that_took_longer_than_the_time_there_is_no_other(
    client: SMSMobileClient, log: Log, clock: Clock
) -> None:
    def take_a_minute() -> tuple[int, dict[str, str], str]:
        clock.now += 60
        return 500, {}, json.dumps(BROKEN)

    log.failures.append(take_a_minute)
    with pytest.raises(ServerError):
        client.sms.track("g", timeout=2)
    assert len(log.asked) == 1


def test_a_failure_that_lasts_is_raised_in_the_end(client: SMSMobileClient, log: Log, clock: Clock) -> None:
    log.fails(500, BROKEN, times=100)
    with pytest.raises(ServerError):
        client.sms.track("g", timeout=10)
    assert sum(clock.slept) == pytest.approx(10)


def test_rows_that_came_before_a_failure_are_given_first(client: SMSMobileClient, log: Log) -> None:
    log.page = 2
    log.has(*"abcd", **SENT)
    log.failures.append(None)
    log.breaks(times=100)

    tracked = client.sms.track_all(list("abcd"), timeout=10)

    assert [next(tracked).guid, next(tracked).guid] == ["d", "c"]
    with pytest.raises(ConnectionFailed):
        next(tracked)


# --- many -------------------------------------------------------------------------------------------------


def guids(count: int, start: int = 0) -> list[str]:
    return [f"guid-{number:06}" for number in range(start, start + count)]


@pytest.mark.parametrize(("count", "calls"), [(0, 0), (1, 1), (2, 1), (100, 1), (101, 2), (1000, 10)])
def test_messages_that_were_just_sent_take_a_call_for_each_page_of_the_log(
    client: SMSMobileClient, log: Log, count: int, calls: int
) -> None:
    log.has(*guids(500, start=5000), **SENT)  # older ones, of others
    log.has(*guids(count), **SENT)

    tracked = list(client.sms.track_all(guids(count)))

    assert sorted(str(row.guid) for row in tracked) == guids(count)
    assert len(log.asked) == calls


def test_each_message_comes_as_soon_as_it_is_decided(client: SMSMobileClient, log: Log, clock: Clock) -> None:
    log.has(*"abc")
    log.change("b", **SENT)
    clock.meanwhile = lambda round_: log.change("c", **FAILED) if round_ == 1 else None

    tracked = client.sms.track_all(list("abc"))

    assert [(next(tracked).guid, len(clock.slept)) for _ in range(2)] == [("b", 0), ("c", 1)]
    with pytest.raises(DeliveryPending) as caught:
        next(tracked)
    assert list(caught.value.last) == ["a"]


def test_what_stays_queued_is_told_after_all_others(client: SMSMobileClient, log: Log) -> None:
    log.has("a", **SENT)
    log.has("b")
    log.has("c", **FAILED)
    tracked = client.sms.track_all(["d", "c", "b", "a"])

    assert {next(tracked).guid, next(tracked).guid} == {"a", "c"}
    with pytest.raises(DeliveryPending, match=r"2 of 4 messages.*does not have 1 of them yet") as caught:
        next(tracked)
    assert caught.value.guids == ("d", "b")
    assert list(caught.value.last) == ["b"]


def test_a_message_that_is_named_twice_comes_once(client: SMSMobileClient, log: Log) -> None:
    log.has("a", "b", **SENT)
    assert [row.guid for row in client.sms.track_all(["b", SentSMS(guid="b"), "a", "b"])] == ["b", "a"]


def test_a_guid_with_two_rows_is_what_the_newer_says(client: SMSMobileClient, log: Log) -> None:
    log.has("a", "b", "a", **FAILED)
    log.rows[0].update(send_from_mobile_erreur="", **SENT)
    assert [(row.guid, row.status.value) for row in client.sms.track_all(["a", "b"])] == [
        ("a", "sent"),
        ("b", "failed"),
    ]


def test_the_messages_may_come_from_a_generator(client: SMSMobileClient, log: Log) -> None:
    log.has("a", "b", **SENT)
    assert len(list(client.sms.track_all(SentSMS(guid=guid) for guid in "ab"))) == 2


@pytest.mark.parametrize(
    ("order", "has_times"), [("oldest first", True), ("oldest first", False), ("without before", False)]
)
def test_messages_are_found_in_whatever_order_the_log_is(
    client: SMSMobileClient, log: Log, order: str, has_times: bool
) -> None:
    log.has(*guids(120), at=NOON - timedelta(days=1), **SENT)
    log.has(*"abc", **SENT)
    log.rows.reverse()
    log.precedes = (lambda row, before: row < before) if order == "oldest first" else lambda row, before: True
    sent = [SentSMS(guid=guid, created_at=NOON if has_times else None) for guid in "abc"]

    assert sorted(str(row.guid) for row in client.sms.track_all(sent, timeout=0)) == ["a", "b", "c"]


def test_what_only_its_guid_shows_is_found_at_the_latest_when_the_time_is_over(
    client: SMSMobileClient, log: Log
) -> None:
    """The one that is asked for first is not in the log yet, so that the others seem not to be there either."""
    log.has(*guids(120), at=NOON - timedelta(days=1), **SENT)
    log.has("b", "c", "d", **SENT)
    log.rows.reverse()
    log.precedes = lambda row, before: True
    tracked = client.sms.track_all(list("abcd"), timeout=0)
    assert sorted(str(next(tracked).guid) for _ in "bcd") == ["b", "c", "d"]
    with pytest.raises(DeliveryPending) as caught:
        next(tracked)
    assert caught.value.guids == ("a",)


def test_what_is_not_in_the_log_yet_is_not_looked_for_among_what_is_older(
    client: SMSMobileClient, log: Log, clock: Clock
) -> None:
    log.has(*guids(1000), at=NOON - timedelta(days=1), **SENT)
    sent = [SentSMS(guid=guid, created_at=NOON) for guid in guids(50, start=5000)]
    clock.meanwhile = lambda round_: log.has(*guids(50, start=5000), **SENT) if round_ == 2 else None

    assert len(list(client.sms.track_all(sent))) == 50

    assert log.asked == [{}, {"guid_message": "guid-005000"}, {}, {"guid_message": "guid-005001"}, {}]


def test_a_page_that_is_only_partly_older_does_not_end_the_search(client: SMSMobileClient, log: Log) -> None:
    log.page = 2
    log.has("b", at=NOON, **SENT)
    log.has("x", at=NOON - timedelta(days=1))  # out of order
    log.has("a", at=NOON, **SENT)
    log.has("y", at=None)
    log.has("z", at=NOON - timedelta(days=1))
    sent = [SentSMS(guid=guid, created_at=NOON) for guid in "ab"]
    assert len(list(client.sms.track_all(sent, timeout=0))) == 2


def test_a_row_may_be_dated_some_minutes_before_the_answer_to_the_send(client: SMSMobileClient, log: Log) -> None:
    log.page = 1
    log.has("b", "a", at=NOON - timedelta(minutes=9), **SENT)
    log.has("x", at=NOON - timedelta(minutes=9))
    sent = [SentSMS(guid=guid, created_at=NOON) for guid in "ab"]
    assert len(list(client.sms.track_all(sent, timeout=0))) == 2


def test_guids_alone_that_the_log_did_not_have_are_looked_for_among_its_newest_rows(
    client: SMSMobileClient, log: Log, clock: Clock
) -> None:
    for days in range(10):
        log.has(*guids(100, start=5000 + 100 * days), at=NOON - timedelta(days=10 - days), **SENT)
    with pytest.raises(DeliveryPending):
        list(client.sms.track_all(guids(50), timeout=0.5))
    assert log.asked[11:14] == [{"guid_message": "guid-000000"}, {}, {"before": "guid-005900"}]
    # And each of them once when the time is over.
    assert sorted(query["guid_message"] for query in log.asked[14:]) == guids(50)


def test_guids_alone_are_looked_for_in_a_long_log_once(client: SMSMobileClient, log: Log, clock: Clock) -> None:
    log.has(*guids(10_000, start=5000), at=NOON - timedelta(days=1), **SENT)
    log.has(*guids(30, start=200_000), at=NOON, **SENT)
    with pytest.raises(DeliveryPending):
        list(client.sms.track_all(guids(20), timeout=0.5))
    assert len(log.asked) == (20 + 20) + (3 + 19)  # the second look is the last one
    assert log.asked[40:43] == [{}, {"before": "guid-014930"}, {"guid_message": "guid-000000"}]


def test_guids_alone_that_the_log_has_are_found_again_however_old_they_are(
    client: SMSMobileClient, log: Log, clock: Clock
) -> None:
    log.has(*guids(9), at=NOON - timedelta(days=30))
    log.has(*guids(100, start=5000), at=NOON - timedelta(days=10), **SENT)
    log.has(*guids(400, start=6000), at=NOON, **SENT)
    clock.meanwhile = lambda round_: [log.change(guid, **SENT) for guid in guids(9)]

    assert len(list(client.sms.track_all(guids(9)))) == 9

    assert len(log.asked) == 6 + 6
    assert not any("guid_message" in query for query in log.asked)


def test_rows_without_a_date_are_found_again(client: SMSMobileClient, log: Log, clock: Clock) -> None:
    log.has(*guids(9), at=None)
    log.has(*guids(100, start=5000), at=NOON - timedelta(days=10), **SENT)
    log.has(*guids(400, start=6000), at=NOON, **SENT)
    clock.meanwhile = lambda round_: [log.change(guid, **SENT) for guid in guids(9)]

    assert len(list(client.sms.track_all(guids(9)))) == 9


@pytest.mark.parametrize("page", [10, 100])
def test_a_log_that_dates_its_rows_in_another_timezone_hides_nothing(
    client: SMSMobileClient, log: Log, page: int
) -> None:
    log.page = page
    log.has(*guids(50), at=NOON - timedelta(hours=5), **SENT)
    log.has(*guids(100, start=5000), at=NOON - timedelta(hours=5))
    sent = [SentSMS(guid=guid, created_at=NOON) for guid in guids(50)]
    assert len(list(client.sms.track_all(sent, timeout=0))) == 50
    assert len(log.asked) < 30


def test_in_a_log_of_another_timezone_a_message_that_never_came_into_it_hides_no_other(
    client: SMSMobileClient, log: Log
) -> None:
    log.has(*guids(200), at=NOON - timedelta(hours=8), **SENT)
    sent = [SentSMS(guid=guid, created_at=NOON) for guid in ("gone", *guids(200))]
    tracked = client.sms.track_all(sent, timeout=0)
    assert sorted(str(next(tracked).guid) for _ in range(200)) == guids(200)
    with pytest.raises(DeliveryPending, match="does not have 1 of them yet"):
        next(tracked)


def test_each_look_asks_for_another_message_that_the_log_did_not_show(
    client: SMSMobileClient, log: Log, clock: Clock
) -> None:
    log.has(*guids(20), at=NOON - timedelta(hours=8), **SENT)
    log.has(*guids(100, start=5000), at=NOON - timedelta(hours=8))  # of others, and newer
    sent = [SentSMS(guid=guid, created_at=NOON) for guid in ("gone", "lost", *guids(20))]
    tracked = client.sms.track_all(sent)
    assert {(next(tracked).guid, len(clock.slept)) for _ in range(20)} == {(guid, 2) for guid in guids(20)}
    with pytest.raises(DeliveryPending) as caught:
        next(tracked)
    assert caught.value.guids == ("gone", "lost")


@pytest.mark.parametrize("created_at", ["yesterday", datetime(2026, 3, 20, 12, 0), None])  # noqa: DTZ001 - on purpose
def test_dates_that_cannot_be_compared_are_left_aside(client: SMSMobileClient, log: Log, created_at: Any) -> None:
    log.has(*guids(150), **SENT)
    orders = [Order() for _ in range(150)]
    for order, guid in zip(orders, guids(150), strict=True):
        vars(order).update(guid=guid, created_at=created_at)
    assert len(list(client.sms.track_all(orders))) == 150


def test_guids_alone_are_found_however_old_they_are(client: SMSMobileClient, log: Log) -> None:
    log.has(*guids(200), at=NOON - timedelta(days=30), **SENT)
    log.has(*guids(1000, start=5000), at=NOON, **SENT)
    assert len(list(client.sms.track_all(guids(200)))) == 200
    assert len(log.asked) == 12


def test_few_messages_that_are_far_back_are_asked_for_by_themselves(
    client: SMSMobileClient, log: Log, clock: Clock
) -> None:
    log.has("a", "b", at=NOON - timedelta(days=30))
    log.has(*guids(10_000), at=NOON)
    clock.meanwhile = lambda round_: (log.change("a", **SENT), log.change("b", **SENT))

    assert len(list(client.sms.track_all(["a", "b"]))) == 2

    assert log.asked[2:] == [{"guid_message": "a"}, {"guid_message": "b"}] * 2


def test_the_last_ones_of_many_are_asked_for_by_themselves(client: SMSMobileClient, log: Log, clock: Clock) -> None:
    log.has(*guids(1000), **SENT)
    for guid in guids(3):
        log.change(guid, send_from_mobile="0")
    clock.meanwhile = lambda round_: [log.change(guid, **SENT) for guid in guids(3)]

    assert len(list(client.sms.track_all(guids(1000)))) == 1000

    assert log.asked[10:] == [{"guid_message": guid} for guid in guids(3)]


def test_slow_handling_takes_no_message_its_last_look(client: SMSMobileClient, log: Log, clock: Clock) -> None:
    log.has("a", **SENT)
    log.has("b")
    tracked = client.sms.track_all(["a", "b"], timeout=60)
    next(tracked)
    clock.now += 3600
    log.change("b", **SENT)
    assert next(tracked).guid == "b"


@given(data=st.data())
def test_every_message_comes_once_or_is_told_to_be_pending(data: st.DataObject) -> None:
    """Whatever the order, the dates and the moments at which rows appear and are decided."""
    count = data.draw(st.integers(1, 30), label="messages")
    page = data.draw(st.integers(1, 10), label="rows a page")
    appear = data.draw(st.lists(st.integers(0, 9), min_size=count, max_size=count), label="round of appearing")
    decide = data.draw(st.lists(st.integers(0, 9), min_size=count, max_size=count), label="round of the decision")
    strangers = data.draw(st.lists(st.integers(0, 9), max_size=30), label="others' rows")
    dated = data.draw(st.lists(st.booleans(), min_size=count, max_size=count), label="the caller knows the date")
    rounds = data.draw(st.integers(0, 8), label="rounds")

    names = guids(count)
    accepted = [NOON + timedelta(hours=at) for at in appear]
    wanted = {name: accepted[i] if dated[i] else None for i, name in enumerate(names)}
    now = 0
    calls: list[int] = []

    def rows() -> list[LoggedSMS]:
        shown = [
            LoggedSMS(guid=name, created_at=accepted[i], status="sent" if decide[i] <= now else "queued")
            for i, name in enumerate(names)
            if appear[i] <= now
        ]
        for i, at in enumerate(strangers):
            shown += [LoggedSMS(guid=f"x{i}", created_at=NOON + timedelta(hours=at))] if at <= now else []
        shown.sort(key=lambda row: crc32(f"{row.guid} {page}".encode()))  # whatever comes in one hour, in any order
        return sorted(shown, key=lambda row: row.created_at or NOON, reverse=True)

    def by_guid(guid: str) -> list[LoggedSMS]:
        calls[now] += 1
        return [row for row in rows() if row.guid == guid]

    def pages() -> Iterator[list[LoggedSMS]]:
        shown = rows()
        for start in range(0, len(shown) + page, page):
            calls[now] += 1
            yield shown[start : start + page]

    watch = tracking._Watch(wanted, by_guid, pages)
    given_out: list[str] = []
    for now in range(rounds + 1):
        left = len(watch.pending)
        calls.append(0)
        assert watch.look() is None
        given_out += [str(row.guid) for row in watch.decided]
        watch.decided.clear()
        assert calls[now] <= 2 * left

    decided = {name for i, name in enumerate(names) if max(appear[i], decide[i]) <= rounds}
    assert len(given_out) == len(set(given_out))
    assert set(given_out) == decided
    assert set(watch.pending) == set(names) - decided
