"""The endpoint answers each delivery by what became of its event, and hands each event to its handlers once."""

from __future__ import annotations

import copy
import functools
import json
import logging
import pickle
import threading
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import SecretStr

from smsmobile import ConfigurationError, StorageError
from smsmobile.webhooks import (
    CallMissed,
    Claim,
    MemoryEventStore,
    SMSReceived,
    SMSSent,
    UnknownEvent,
    WebhookAnswer,
    WebhookEndpoint,
    WebhookEvent,
    WebhookReceiver,
    new_url_token,
)
from smsmobile.webhooks.v1 import read_v1

Make = Callable[..., dict[str, Any]]
MakeHeaders = Callable[..., dict[str, str]]
TOKEN = "the-token-of-the-tests-0123456789"
V1 = {"message": "Hello", "number": "+12025550123", "guid": "SMS-GUID-1001", "time_received": "2026-09-23 12:00:00"}
SENT = {"type": "sms.sent", "data": {"guid": "SMS-GUID-7"}}
MISSED = {"type": "call.missed", "data": {"guid": "CALL-1", "number": "+12025550123"}}


@pytest.fixture
def receiver(clock: SimpleNamespace, secret: str) -> WebhookReceiver:
    return WebhookReceiver([secret])


@pytest.fixture
def lax_receiver(clock: SimpleNamespace, secret: str) -> WebhookReceiver:
    with pytest.warns(UserWarning, match="anybody"):
        return WebhookReceiver([secret], allow_unsigned=True)


@pytest.fixture
def handled() -> list[Any]:
    """The events that a handler got."""
    return []


@pytest.fixture
def endpoint(receiver: WebhookReceiver, handled: list[Any]) -> WebhookEndpoint:
    """An endpoint for both versions."""
    return WebhookEndpoint(receiver, MemoryEventStore(), handled.append, url_token=TOKEN)


@pytest.fixture
def deliver(envelope: Make, headers_for: MakeHeaders) -> Callable[..., WebhookAnswer]:
    """Deliver an event, correctly signed; keywords change its envelope."""

    def deliver(endpoint: WebhookEndpoint, **keys: Any) -> WebhookAnswer:
        body = json.dumps(envelope(**keys)).encode()
        return endpoint.answer("POST", body, headers_for(body))

    return deliver


def deliver_v1(endpoint: WebhookEndpoint, given: str | None = TOKEN, **keys: Any) -> WebhookAnswer:
    return endpoint.answer("POST", json.dumps({**V1, **keys}).encode(), {}, url_token=given)


class Broken:
    """A store of which one method fails."""

    def __init__(self, method: str, error: BaseException) -> None:
        self._store = MemoryEventStore()
        self._method, self._error = method, error

    def _do(self, method: str, event_id: str) -> Any:
        if method == self._method:
            raise self._error
        return getattr(self._store, method)(event_id)

    def claim(self, event_id: str) -> Claim:
        return self._do("claim", event_id)  # type: ignore[no-any-return]

    def done(self, event_id: str) -> None:
        self._do("done", event_id)

    def release(self, event_id: str) -> None:
        self._do("release", event_id)


# --- what is answered -------------------------------------------------------------------------------------


def test_a_new_event_is_handled_and_a_later_delivery_is_a_duplicate(
    endpoint: WebhookEndpoint, deliver: Callable[..., WebhookAnswer], handled: list[Any]
) -> None:
    assert [deliver(endpoint).status for _ in range(3)] == [202, 200, 200]
    assert [(type(event), event.signed, event.data.message) for event in handled] == [
        (SMSReceived, True, "Can you call me back?")
    ]


def test_an_answer_unpacks_and_has_the_headers_that_belong_to_it(
    endpoint: WebhookEndpoint, deliver: Callable[..., WebhookAnswer]
) -> None:
    status, text = answer = deliver(endpoint)
    assert (status, text) == (202, "handled") == (answer.status, answer.text)
    assert answer.headers == {"Content-Type": "text/plain; charset=utf-8"}


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH", "post", ""])
def test_other_methods_are_refused(
    endpoint: WebhookEndpoint, envelope: Make, headers_for: MakeHeaders, handled: list[Any], method: str
) -> None:
    body = json.dumps(envelope()).encode()
    answer = endpoint.answer(method, body, headers_for(body))
    assert (answer.status, answer.headers["Allow"], handled) == (405, "POST", [])


def test_a_body_of_a_mebibyte_is_read_and_a_larger_one_is_not(
    endpoint: WebhookEndpoint, envelope: Make, headers_for: MakeHeaders
) -> None:
    body = json.dumps(envelope()).encode()
    body += b" " * (1024 * 1024 - len(body))
    assert endpoint.answer("POST", body, headers_for(body)).status == 202
    assert endpoint.answer("POST", body + b" ", headers_for(body + b" ")).status == 413


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"{}", b'{"type": "sms.received"}', b"\xff"])
def test_what_is_no_event_is_a_bad_request(
    endpoint: WebhookEndpoint, headers_for: MakeHeaders, handled: list[Any], body: bytes
) -> None:
    assert endpoint.answer("POST", body, headers_for(body)).status == 400
    assert endpoint.answer("POST", body, {}, url_token=TOKEN).status == 400
    assert handled == []


def test_a_wrong_signature_and_an_old_one_are_unauthorized(
    endpoint: WebhookEndpoint, envelope: Make, headers_for: MakeHeaders, now: int, handled: list[Any]
) -> None:
    body = json.dumps(envelope()).encode()
    for headers in (
        headers_for(body + b" "),
        headers_for(body, "another secret"),
        headers_for(body, timestamp=now - 301),
    ):
        assert endpoint.answer("POST", body, headers, url_token=TOKEN).status == 401  # also with the token
    assert handled == []


def test_a_handler_that_fails_is_a_500_and_the_next_delivery_is_handled(
    receiver: WebhookReceiver, deliver: Callable[..., WebhookAnswer]
) -> None:
    problems: list[Exception] = [ValueError("no"), StorageError("a full disk of the handler")]

    def handle(event: WebhookEvent) -> None:
        if problems:
            raise problems.pop()

    endpoint = WebhookEndpoint(receiver, MemoryEventStore(), handle)
    assert [deliver(endpoint).status for _ in range(4)] == [500, 500, 202, 200]


def test_while_an_event_is_handled_another_delivery_of_it_is_told_to_come_again(
    receiver: WebhookReceiver, deliver: Callable[..., WebhookAnswer]
) -> None:
    meanwhile: list[WebhookAnswer] = []
    calls: list[WebhookEvent] = []

    def handle(event: WebhookEvent) -> None:
        calls.append(event)
        if len(calls) == 1:
            with ThreadPoolExecutor(1) as pool:
                meanwhile.append(pool.submit(deliver, endpoint).result())
            raise ValueError("and then it fails")

    endpoint = WebhookEndpoint(receiver, MemoryEventStore(), handle)
    assert deliver(endpoint).status == 500
    assert [(answer.status, answer.headers["Retry-After"]) for answer in meanwhile] == [(503, "10")]
    assert deliver(endpoint).status == 202


def test_deliveries_in_parallel_are_handled_once(
    receiver: WebhookReceiver, deliver: Callable[..., WebhookAnswer], handled: list[Any]
) -> None:
    endpoint = WebhookEndpoint(receiver, MemoryEventStore(), handled.append)
    barrier = threading.Barrier(8)

    def ask(_number: int) -> list[int]:
        barrier.wait()
        return [deliver(endpoint, id=f"event-{n}", **SENT).status for n in range(20)]

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, range(8)))
    assert sorted(event.id for event in handled) == sorted(f"event-{n}" for n in range(20))
    assert [column.count(202) for column in zip(*answers, strict=True)] == [1] * 20
    assert {status for answer in answers for status in answer} <= {200, 202, 503}


@pytest.mark.parametrize("stop", [SystemExit, KeyboardInterrupt, GeneratorExit])
def test_a_worker_that_is_stopped_in_its_handler_releases_the_event(
    receiver: WebhookReceiver, deliver: Callable[..., WebhookAnswer], stop: type[BaseException]
) -> None:
    stops = [stop]

    def handle(event: WebhookEvent) -> None:
        if stops:
            raise stops.pop()

    endpoint = WebhookEndpoint(receiver, MemoryEventStore(), handle)
    with pytest.raises(stop):
        deliver(endpoint)
    assert deliver(endpoint).status == 202


@pytest.mark.parametrize("error", [StorageError("disk full"), OSError("no connection"), ValueError("a mistake")])
def test_a_store_that_cannot_be_asked_is_a_503(
    receiver: WebhookReceiver, deliver: Callable[..., WebhookAnswer], handled: list[Any], error: Exception
) -> None:
    answer = deliver(WebhookEndpoint(receiver, Broken("claim", error), handled.append))
    assert (answer.status, answer.headers["Retry-After"], handled) == (503, "10", [])


@pytest.mark.parametrize("said", [True, None, "seen"])
def test_a_store_that_answers_something_else_is_a_503(
    receiver: WebhookReceiver, deliver: Callable[..., WebhookAnswer], handled: list[Any], said: Any
) -> None:
    store = SimpleNamespace(claim=lambda event_id: said, done=lambda event_id: None, release=lambda event_id: None)
    assert deliver(WebhookEndpoint(receiver, store, handled.append)).status == 503
    assert handled == []


def test_an_event_whose_handling_cannot_be_stored_is_handled_again(
    receiver: WebhookReceiver,
    deliver: Callable[..., WebhookAnswer],
    handled: list[Any],
    caplog: pytest.LogCaptureFixture,
) -> None:
    endpoint = WebhookEndpoint(receiver, Broken("done", StorageError("disk full")), handled.append)
    assert [deliver(endpoint).status for _ in range(2)] == [500, 500]
    assert len(handled) == 2
    assert "SMSReceived was handled, which could not be stored" in caplog.text
    assert "disk full" in caplog.text


@pytest.mark.parametrize("failure", [ValueError("the handler"), SystemExit("the handler")])
def test_a_release_that_fails_does_not_hide_why(
    receiver: WebhookReceiver,
    deliver: Callable[..., WebhookAnswer],
    caplog: pytest.LogCaptureFixture,
    failure: BaseException,
) -> None:
    def handle(event: WebhookEvent) -> None:
        raise failure

    endpoint = WebhookEndpoint(receiver, Broken("release", StorageError("disk full")), handle)
    if isinstance(failure, Exception):
        assert deliver(endpoint).status == 500
    else:
        with pytest.raises(SystemExit, match="the handler"):
            deliver(endpoint)
    assert "could not be released" in caplog.text


# --- events that come in another way ----------------------------------------------------------------------


def test_an_event_that_is_handed_over_is_handled_once_and_is_the_signed_one_with_its_guid(
    endpoint: WebhookEndpoint, deliver: Callable[..., WebhookAnswer], handled: list[Any]
) -> None:
    polled = read_v1(json.dumps(V1).encode(), ZoneInfo("UTC"))
    assert [endpoint.handle(polled).status for _ in range(2)] == [202, 200]
    assert handled == [polled]
    assert deliver(endpoint, data={"guid": V1["guid"], "from": "+12025550123", "message": "Hello"}).status == 200


def test_an_event_that_is_handed_over_can_be_handed_over_again_after_a_failure(receiver: WebhookReceiver) -> None:
    failures = [ValueError("not now")]

    def handle(event: Any) -> None:
        if failures:
            raise failures.pop()

    endpoint = WebhookEndpoint(receiver, MemoryEventStore(), handle)
    polled = read_v1(json.dumps(V1).encode(), ZoneInfo("UTC"))
    assert [endpoint.handle(polled).status for _ in range(3)] == [500, 202, 200]


def test_only_an_event_can_be_handed_over(endpoint: WebhookEndpoint) -> None:
    with pytest.raises(TypeError, match="not of type dict"):
        endpoint.handle(V1)  # type: ignore[arg-type]


# --- what is one event ------------------------------------------------------------------------------------


def test_an_sms_under_another_event_id_is_a_duplicate(
    endpoint: WebhookEndpoint, deliver: Callable[..., WebhookAnswer]
) -> None:
    assert [deliver(endpoint, id=each).status for each in ("one", "two")] == [202, 200]


def test_another_event_about_one_message_is_no_duplicate(
    endpoint: WebhookEndpoint, deliver: Callable[..., WebhookAnswer]
) -> None:
    data = {"guid": "SMS-GUID-7"}
    statuses = [
        deliver(endpoint, id=kind, type=kind, data=data).status
        for kind in ("sms.api.submitted", "sms.sent", "sms.failed", "something.new")
    ]
    assert statuses == [202] * 4
    assert deliver(endpoint, id="another", type="sms.sent", data=data).status == 202


def test_sms_without_a_guid_are_told_apart_by_the_id(
    endpoint: WebhookEndpoint, deliver: Callable[..., WebhookAnswer]
) -> None:
    data = {"from": "+12025550123", "message": "yes"}
    assert [deliver(endpoint, id=each, data=data).status for each in ("one", "two", "one")] == [202, 202, 200]


def test_an_id_of_any_characters_is_handled_once(
    endpoint: WebhookEndpoint, deliver: Callable[..., WebhookAnswer]
) -> None:
    for odd in ("\ud800", "a\x00b", "é"):
        assert [deliver(endpoint, id=odd, **SENT).status for _ in range(2)] == [202, 200]


def test_an_unsigned_event_never_makes_a_signed_one_a_duplicate(
    endpoint: WebhookEndpoint, deliver: Callable[..., WebhookAnswer], handled: list[Any]
) -> None:
    for forged in ("SMS-GUID-1001", "sms.received:SMS-GUID-1001", "8e9a1207-e3a4-4550-a4af-3dad6cff5108"):
        assert deliver_v1(endpoint, guid=forged).status == 202
    assert deliver(endpoint).status == 202
    assert deliver(endpoint, **SENT).status == 202
    assert [event.signed for event in handled] == [False] * 3 + [True] * 2


def test_a_signed_event_does_not_hide_the_unsigned_one(
    endpoint: WebhookEndpoint, deliver: Callable[..., WebhookAnswer]
) -> None:
    assert (deliver(endpoint).status, deliver_v1(endpoint).status) == (202, 202)


# --- version 1 --------------------------------------------------------------------------------------------


def test_version_1_is_handled_once_with_the_token_in_the_url(endpoint: WebhookEndpoint, handled: list[Any]) -> None:
    assert [deliver_v1(endpoint).status for _ in range(2)] == [202, 200]
    assert [(event.signed, event.data.sender) for event in handled] == [(False, "+12025550123")]


@pytest.mark.parametrize("given", [None, "", "wrong", TOKEN[:-1], TOKEN + "x", TOKEN.upper(), "é", "\ud800"])
def test_version_1_without_the_token_is_unauthorized(
    endpoint: WebhookEndpoint, handled: list[Any], given: str | None
) -> None:
    assert deliver_v1(endpoint, given).status == 401
    assert handled == []


def test_version_1_needs_the_token_even_where_the_receiver_allows_unsigned_events(
    lax_receiver: WebhookReceiver, deliver: Callable[..., WebhookAnswer], handled: list[Any]
) -> None:
    endpoint = WebhookEndpoint(lax_receiver, MemoryEventStore(), handled.append, url_token=TOKEN)
    assert [deliver_v1(endpoint, given).status for given in (None, "wrong", TOKEN)] == [401, 401, 202]
    assert deliver(endpoint).status == 202


def test_a_signed_event_needs_no_token(endpoint: WebhookEndpoint, envelope: Make, headers_for: MakeHeaders) -> None:
    body = json.dumps(envelope()).encode()
    assert endpoint.answer("POST", body, headers_for(body), url_token="wrong").status == 202


def test_without_a_receiver_only_version_1_is_read(deliver: Callable[..., WebhookAnswer], handled: list[Any]) -> None:
    endpoint = WebhookEndpoint(None, MemoryEventStore(), handled.append, url_token=SecretStr(TOKEN))
    assert (deliver_v1(endpoint).status, deliver_v1(endpoint, None).status, deliver(endpoint).status) == (202, 401, 401)


def test_without_a_receiver_a_signature_is_not_passed_over(
    envelope: Make, headers_for: MakeHeaders, caplog: pytest.LogCaptureFixture
) -> None:
    endpoint = WebhookEndpoint(None, MemoryEventStore(), url_token=TOKEN)
    body = json.dumps(V1).encode()
    assert endpoint.answer("POST", body, headers_for(body), url_token=TOKEN).status == 401
    assert "This endpoint has no receiver" in caplog.text


def test_a_timestamp_alone_is_no_signature(endpoint: WebhookEndpoint, now: int) -> None:
    headers = {"X-SMSMobileAPI-Timestamp": str(now)}
    assert endpoint.answer("POST", json.dumps(V1).encode(), headers, url_token=TOKEN).status == 202
    assert endpoint.answer("POST", json.dumps(V1).encode(), headers).status == 401


def test_without_a_token_there_is_no_version_1(receiver: WebhookReceiver, handled: list[Any]) -> None:
    endpoint = WebhookEndpoint(receiver, MemoryEventStore(), handled.append)
    assert [deliver_v1(endpoint, given).status for given in (None, "", TOKEN)] == [401] * 3


def test_times_of_version_1_are_read_in_the_given_zone(handled: list[Any]) -> None:
    paris = ZoneInfo("Europe/Paris")
    endpoint = WebhookEndpoint(None, MemoryEventStore(), handled.append, url_token=TOKEN, timezone=paris)
    deliver_v1(endpoint)
    assert handled[0].data.received_at.isoformat() == "2026-09-23T10:00:00+00:00"


def test_for_development_unsigned_events_of_both_versions_are_handled_once(
    lax_receiver: WebhookReceiver, envelope: Make, handled: list[Any], deliver: Callable[..., WebhookAnswer]
) -> None:
    endpoint = WebhookEndpoint(lax_receiver, MemoryEventStore(), handled.append)
    unsigned = json.dumps(envelope(**SENT)).encode()
    assert [endpoint.answer("POST", unsigned, {}).status for _ in range(2)] == [202, 200]
    assert [deliver_v1(endpoint, None).status for _ in range(2)] == [202, 200]
    assert [deliver(endpoint, **SENT).status, deliver(endpoint).status] == [202, 202]
    assert [event.signed for event in handled] == [False, False, True, True]


def test_a_new_token_is_accepted_and_no_other_has_it(handled: list[Any]) -> None:
    token, other = new_url_token(), new_url_token()
    assert token != other
    assert len(token) == 43
    endpoint = WebhookEndpoint(None, MemoryEventStore(), handled.append, url_token=token)
    assert [deliver_v1(endpoint, given).status for given in (other, token)] == [401, 202]


@pytest.mark.parametrize(
    "token", ["", "short", "a" * 19, "a" * 19 + " ", "with/a/slash/0123456789", "é" * 30, 5, b"a" * 30]
)
def test_a_token_that_can_be_guessed_or_has_to_be_escaped_is_refused(token: Any) -> None:
    for spelling in (token, SecretStr(token)) if isinstance(token, str) else (token,):
        with pytest.raises(ConfigurationError, match=r"url_token .*new_url_token\(\)") as raised:
            WebhookEndpoint(None, MemoryEventStore(), url_token=spelling)
        assert not isinstance(token, str) or not token or token not in str(raised.value)


# --- handlers ---------------------------------------------------------------------------------------------


def test_handlers_get_the_types_they_name_in_the_order_of_their_registration(
    receiver: WebhookReceiver, deliver: Callable[..., WebhookAnswer]
) -> None:
    calls: list[str] = []
    endpoint = WebhookEndpoint(receiver, MemoryEventStore(), lambda event: calls.append("all"))

    @endpoint.on(SMSReceived)
    def first(event: SMSReceived) -> None:
        calls.append("first")

    @endpoint.on(SMSReceived, CallMissed)
    def second(event: SMSReceived | CallMissed) -> None:
        calls.append("second")

    @endpoint.on(WebhookEvent)
    def every(event: WebhookEvent) -> None:
        calls.append("every")

    @endpoint.on(UnknownEvent)
    def unknown(event: UnknownEvent) -> None:
        calls.append("unknown")

    @endpoint.on(SMSSent)  # type: ignore[arg-type]
    @endpoint.on(SMSReceived)
    def twice(event: WebhookEvent) -> None:
        calls.append("twice")

    expected = {
        "sms.received": ["all", "first", "second", "every", "twice"],
        "call.missed": ["all", "second", "every"],
        "something.new": ["all", "every", "unknown"],
        "sms.sent": ["all", "every", "twice"],
    }
    for kind, names in expected.items():
        calls.clear()
        data = {"guid": "a", "from": "MPESA", "message": "hi"}
        assert deliver(endpoint, id=kind, type=kind, data=data).status == 202
        assert calls == names


def test_a_registered_function_stays_what_it_is(endpoint: WebhookEndpoint) -> None:
    def handle(event: SMSReceived) -> None: ...

    assert endpoint.on(SMSReceived)(handle) is handle


def test_an_event_without_a_handler_is_acknowledged(
    receiver: WebhookReceiver, deliver: Callable[..., WebhookAnswer], handled: list[Any]
) -> None:
    endpoint = WebhookEndpoint(receiver, MemoryEventStore())
    endpoint.on(CallMissed)(handled.append)
    assert [deliver(endpoint).status, deliver(endpoint).status, handled] == [202, 200, []]


def test_where_one_of_several_handlers_fails_all_are_called_again(
    receiver: WebhookReceiver, deliver: Callable[..., WebhookAnswer]
) -> None:
    calls: list[str] = []
    endpoint = WebhookEndpoint(receiver, MemoryEventStore(), lambda event: calls.append("first"))

    @endpoint.on(SMSReceived)
    def second(event: SMSReceived) -> None:
        calls.append("second")
        if calls.count("second") == 1:
            raise ValueError("no")

    endpoint.on(SMSReceived)(lambda event: calls.append("third"))
    assert [deliver(endpoint).status for _ in range(2)] == [500, 202]
    assert calls == ["first", "second", "first", "second", "third"]


async def handle_async(event: WebhookEvent) -> None: ...


class AsyncCall:
    async def __call__(self, event: WebhookEvent) -> None: ...


def handle_as_generator(event: WebhookEvent) -> Iterator[None]:
    yield


LATER = [handle_async, functools.partial(handle_async), AsyncCall(), handle_as_generator]


@pytest.mark.parametrize("handler", LATER, ids=["async", "partial", "async call", "generator"])
def test_a_handler_that_would_not_run_at_once_is_refused(receiver: WebhookReceiver, handler: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"async or a generator.*; expected a plain function"):
        WebhookEndpoint(receiver, MemoryEventStore(), handler)
    with pytest.raises(ConfigurationError, match=r"async or a generator.*; expected a plain function"):
        WebhookEndpoint(receiver, MemoryEventStore()).on(SMSReceived)(handler)


def test_who_has_a_coroutine_is_told_which_endpoint_awaits_it(receiver: WebhookReceiver) -> None:
    with pytest.raises(
        ConfigurationError, match=r"use the WebhookEndpoint of smsmobile\.contrib\.starlette, which awaits"
    ):
        WebhookEndpoint(receiver, MemoryEventStore()).on(SMSReceived)(handle_async)


def test_a_decorator_without_its_classes_says_what_it_was_given(receiver: WebhookReceiver) -> None:
    without_classes: Any = WebhookEndpoint(receiver, MemoryEventStore()).on
    with pytest.raises(ConfigurationError, match=r"An argument of @endpoint\.on is of type function; expected classes"):
        without_classes(handle_async)


def test_a_handler_that_returns_something_to_await_has_failed(
    receiver: WebhookReceiver, deliver: Callable[..., WebhookAnswer], caplog: pytest.LogCaptureFixture
) -> None:
    endpoint = WebhookEndpoint(receiver, MemoryEventStore(), lambda event: handle_async(event))  # noqa: PLW0108
    assert deliver(endpoint).status == 500
    assert "expected a plain function" in caplog.text


def test_what_is_no_class_of_events_is_refused(endpoint: WebhookEndpoint, subtests: pytest.Subtests) -> None:
    cases = {
        "function": (lambda event: None,),
        "class": (SMSReceived, str),
        "word": ("sms.received",),
        "union": (SMSReceived | CallMissed,),
        "nothing": (),
    }
    for name, types in cases.items():
        with subtests.test(name), pytest.raises(ConfigurationError, match=r"@endpoint\.on\(SMSReceived"):
            endpoint.on(*types)  # type: ignore[call-overload]


def test_arguments_that_cannot_be_used_are_refused(receiver: WebhookReceiver, subtests: pytest.Subtests) -> None:
    store = MemoryEventStore()
    old = SimpleNamespace(add=lambda event_id: True, discard=lambda event_id: None)
    cases: dict[str, tuple[Callable[[], object], str]] = {
        "no receiver and no token": (lambda: WebhookEndpoint(None, store), r"needs a WebhookReceiver.*url_token="),
        "a secret": (lambda: WebhookEndpoint("whsec", store), r"receiver is of type str; expected a WebhookReceiver"),  # type: ignore[arg-type]
        "an old store": (
            lambda: WebhookEndpoint(receiver, old),  # type: ignore[arg-type]
            r"store is of type SimpleNamespace; expected an EventStore, with the methods claim, done and release",
        ),
        "a class": (lambda: WebhookEndpoint(receiver, MemoryEventStore), r"store is the class MemoryEventStore"),  # type: ignore[arg-type]
        "handler": (lambda: WebhookEndpoint(receiver, store, "handle"), r"A handler is of type str; expected a"),  # type: ignore[arg-type]
        "timezone": (lambda: WebhookEndpoint(receiver, store, timezone="Europe/Paris"), r"timezone is of type str;"),  # type: ignore[arg-type]
    }
    for name, (make, complaint) in cases.items():
        with subtests.test(name), pytest.raises(ConfigurationError, match=complaint):
            make()


def test_arguments_of_the_wrong_type_are_the_fault_of_the_view(
    endpoint: WebhookEndpoint, subtests: pytest.Subtests
) -> None:
    calls: dict[str, Callable[[], object]] = {
        "the method of the request": lambda: endpoint.answer(b"POST", b"{}", {}),  # type: ignore[arg-type]
        "the raw bytes": lambda: endpoint.answer("POST", "{}", {}),  # type: ignore[arg-type]
        "headers must be": lambda: endpoint.answer("POST", b"{}", None),  # type: ignore[arg-type]
        "url_token is text": lambda: endpoint.answer("POST", b"{}", {}, url_token=5),  # type: ignore[arg-type]
    }
    for complaint, call in calls.items():
        with subtests.test(complaint), pytest.raises(TypeError, match=complaint):
            call()


@pytest.mark.parametrize("as_type", [bytearray, memoryview])
def test_a_body_is_any_kind_of_bytes(
    endpoint: WebhookEndpoint, envelope: Make, headers_for: MakeHeaders, as_type: Callable[[bytes], Any]
) -> None:
    body = json.dumps(envelope()).encode()
    assert endpoint.answer("POST", as_type(body), headers_for(body)).status == 202


# --- what is said -----------------------------------------------------------------------------------------


def test_no_answer_and_no_log_record_holds_anything_of_the_request(
    receiver: WebhookReceiver, envelope: Make, headers_for: MakeHeaders, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    outcomes = iter([ValueError("no"), None])

    def handle(event: WebhookEvent) -> None:
        if problem := next(outcomes):
            raise problem

    endpoint = WebhookEndpoint(receiver, MemoryEventStore(), handle, url_token=TOKEN)
    body = json.dumps(envelope()).encode()
    broken = json.dumps(envelope(id=..., type="Can you call me back?")).encode()
    signed, forged = headers_for(body), headers_for(body, "another")
    answers = [
        *(endpoint.answer("POST", body, signed) for _ in range(3)),
        endpoint.answer("POST", body, forged),
        endpoint.answer("POST", broken, headers_for(broken)),
        endpoint.answer("POST", body, {}, url_token="wrong-" + TOKEN),
        endpoint.answer("GET", body, signed),
        WebhookEndpoint(receiver, Broken("claim", StorageError("full"))).answer("POST", body, signed),
    ]
    assert [answer.status for answer in answers] == [500, 202, 200, 401, 400, 401, 405, 503]
    said = caplog.text + "".join(f"{answer.text} {answer.headers}" for answer in answers)
    secrets = ["+12025550167", "call me back", "SMS-GUID", "8e9a1207", TOKEN, signed["X-SMSMobileAPI-Signature"]]
    assert [each for each in secrets if each in said] == []
    assert all(len(answer.text) < 80 for answer in answers)


def test_what_failed_is_logged_for_the_operator(
    receiver: WebhookReceiver, deliver: Callable[..., WebhookAnswer], caplog: pytest.LogCaptureFixture
) -> None:
    def handle(event: WebhookEvent) -> None:
        raise ValueError("why it failed")

    endpoint = WebhookEndpoint(receiver, MemoryEventStore(), handle)
    deliver(endpoint)
    (record,) = caplog.records
    assert (record.name, record.levelname) == ("smsmobile", "ERROR")
    assert record.getMessage().startswith("A handler of SMSReceived failed.")
    assert record.exc_info is not None
    assert "why it failed" in str(record.exc_info[1])

    caplog.clear()
    endpoint.answer("POST", b"{}", {})
    (record,) = caplog.records
    assert (record.name, record.levelname) == ("smsmobile", "WARNING")
    assert "answered 401. The header X-SMSMobileAPI-Signature is missing" in record.getMessage()


def test_the_token_is_in_no_repr_and_no_frame(
    receiver: WebhookReceiver, envelope: Make, headers_for: MakeHeaders
) -> None:
    def handle(event: WebhookEvent) -> None:
        raise SystemExit

    endpoint = WebhookEndpoint(receiver, MemoryEventStore(), handle, url_token=TOKEN)
    body = json.dumps(envelope()).encode()
    environ = {"PATH_INFO": f"/webhooks/{TOKEN}", **headers_for(body)}
    frames: list[Any] = []
    for call in (
        lambda: endpoint.answer("POST", body, environ, url_token=TOKEN),
        lambda: endpoint.answer(b"POST", body, {}, url_token=TOKEN),  # type: ignore[arg-type]
        lambda: WebhookEndpoint(None, object(), url_token=TOKEN),  # type: ignore[arg-type]
        lambda: WebhookEndpoint(None, MemoryEventStore(), url_token=TOKEN + "/"),
    ):
        with pytest.raises((SystemExit, TypeError, ConfigurationError)) as raised:
            call()
        seen = traceback.TracebackException.from_exception(raised.value, capture_locals=True)
        frames += [frame for frame in seen.stack if "smsmobile" in frame.filename and "test_" not in frame.filename]
    assert frames
    assert [frame.name for frame in frames if TOKEN in str(frame.locals)] == []
    assert TOKEN not in repr(endpoint) + repr(endpoint._url_token)
    assert repr(endpoint) == "<WebhookEndpoint: MemoryEventStore, 1 handler(s), with a token in the URL>"


@pytest.mark.parametrize("leave", [pickle.dumps, copy.copy, copy.deepcopy])
def test_an_endpoint_refuses_to_be_pickled_or_copied(
    endpoint: WebhookEndpoint, leave: Callable[[object], object]
) -> None:
    with pytest.raises(TypeError, match="cannot be pickled or copied; share it among threads"):
        leave(endpoint)
