"""A receiver verifies, checks the age and parses, for every container of headers."""

from __future__ import annotations

import copy
import email.message
import json
import pickle
import time
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr
from werkzeug.datastructures import EnvironHeaders
from werkzeug.datastructures import Headers as WerkzeugHeaders

from smsmobile import (
    ConfigurationError,
    MalformedPayload,
    SignatureMismatch,
    TimestampOutOfTolerance,
    WebhookError,
)
from smsmobile.webhooks import SMSReceived, WebhookReceiver, sign

from ..cases import each_once

SIGNATURE = "X-SMSMobileAPI-Signature"
NEXT = "X-SMSMobileAPI-Signature-Next"
TIMESTAMP = "X-SMSMobileAPI-Timestamp"

Make = Callable[..., dict[str, Any]]
MakeHeaders = Callable[..., dict[str, str]]


@pytest.fixture
def body(envelope: Make) -> bytes:
    return json.dumps(envelope()).encode()


def unsigned_receiver(secrets: object = ()) -> WebhookReceiver:
    with pytest.warns(UserWarning, match="anybody"):
        return WebhookReceiver(secrets, allow_unsigned=True)  # type: ignore[arg-type]


# --- signatures -------------------------------------------------------------------------------------------


def test_a_signed_event_arrives_typed_and_marked_as_signed(receive: Callable[[object], Any], body: bytes) -> None:
    event = receive(body)
    assert isinstance(event, SMSReceived)
    assert event.signed is True
    assert event.data.message == "Can you call me back?"


def test_one_secret_may_be_given_without_a_list(
    clock: SimpleNamespace, body: bytes, secret: str, headers_for: MakeHeaders
) -> None:
    hidden = SecretStr(secret)  # as Settings has it
    for one in (secret, secret.encode(), hidden, (secret,), [hidden], {secret}, iter([secret])):
        assert WebhookReceiver(one).receive(body, headers_for(body)).signed


def test_each_of_several_secrets_is_accepted_and_no_other(
    clock: SimpleNamespace, body: bytes, headers_for: MakeHeaders
) -> None:
    receiver = WebhookReceiver(secrets=["the old one", b"the new one"])
    assert receiver.receive(body, headers_for(body, "the old one")).signed
    assert receiver.receive(body, headers_for(body, "the new one")).signed
    with pytest.raises(SignatureMismatch, match="none of the secrets \\(2 configured\\)"):
        receiver.receive(body, headers_for(body, "another one"))


def test_during_a_rotation_either_side_may_be_first(
    clock: SimpleNamespace, body: bytes, now: int, headers_for: MakeHeaders
) -> None:
    rotating = {**headers_for(body, "old"), NEXT: sign(body, "new", now)}
    for secrets in (["old"], ["new"], ["old", "new"]):
        assert WebhookReceiver(secrets).receive(body, rotating).signed
    with pytest.raises(SignatureMismatch):
        WebhookReceiver(["neither"]).receive(body, rotating)


def test_the_next_signature_suffices_on_its_own(
    clock: SimpleNamespace, body: bytes, now: int, headers_for: MakeHeaders
) -> None:
    headers = {TIMESTAMP: str(now), NEXT: sign(body, "new", now)}
    assert WebhookReceiver(["new"]).receive(body, headers).signed


@pytest.mark.parametrize(
    "signature",
    ["v1=", "v1=0", "nonsense", "v1=é", "\ud800", "v1=" + "0" * 64, "v2=" + "0" * 64],
)
def test_a_wrong_signature_is_a_mismatch_whatever_it_is_made_of(
    clock: SimpleNamespace, body: bytes, secret: str, now: int, signature: str
) -> None:
    with pytest.raises(SignatureMismatch):
        WebhookReceiver([secret]).receive(body, {SIGNATURE: signature, TIMESTAMP: str(now)})


def test_the_right_digest_needs_its_prefix_and_its_lowercase(
    clock: SimpleNamespace, body: bytes, secret: str, headers_for: MakeHeaders
) -> None:
    headers = headers_for(body)
    for spelling in (headers[SIGNATURE].removeprefix("v1="), headers[SIGNATURE].upper()):
        with pytest.raises(SignatureMismatch):
            WebhookReceiver([secret]).receive(body, {**headers, SIGNATURE: spelling})


@given(data=st.data())
def test_no_byte_of_the_body_can_be_changed(
    data: st.DataObject, envelope: Make, secret: str, headers_for: MakeHeaders
) -> None:
    body = json.dumps(envelope()).encode()
    headers = headers_for(body, timestamp=int(time.time()))
    place = data.draw(st.integers(0, len(body) - 1))
    flip = data.draw(st.integers(1, 255))
    tampered = body[:place] + bytes([body[place] ^ flip]) + body[place + 1 :]
    receiver = WebhookReceiver([secret])
    assert receiver.receive(body, headers).signed
    with pytest.raises(SignatureMismatch):
        receiver.receive(tampered, headers)


def test_equal_json_in_other_bytes_is_not_what_was_signed(
    clock: SimpleNamespace, body: bytes, secret: str, headers_for: MakeHeaders
) -> None:
    reformatted = json.dumps(json.loads(body), indent=1).encode()
    with pytest.raises(SignatureMismatch, match="reformats the body"):
        WebhookReceiver([secret]).receive(reformatted, headers_for(body))


def test_the_timestamp_cannot_be_moved_without_the_secret(
    clock: SimpleNamespace, body: bytes, secret: str, now: int, headers_for: MakeHeaders
) -> None:
    with pytest.raises(SignatureMismatch):
        WebhookReceiver([secret]).receive(body, {**headers_for(body), TIMESTAMP: str(now + 1)})


def test_a_missing_or_empty_header_is_named(
    clock: SimpleNamespace, body: bytes, secret: str, headers_for: MakeHeaders
) -> None:
    receiver = WebhookReceiver([secret])
    whole = headers_for(body)
    for name in (SIGNATURE, TIMESTAMP):
        for value in ("", "  ", None, ...):
            headers = {k: v for k, v in {**whole, name: value}.items() if v is not ...}
            with pytest.raises(SignatureMismatch, match=f"The header {name} is missing"):
                receiver.receive(body, headers)
    with pytest.raises(SignatureMismatch, match=SIGNATURE):
        receiver.receive(body, {})


# --- the order of the checks ------------------------------------------------------------------------------


@pytest.mark.parametrize("body", ['{"id": "1"}', {"id": "1"}, None, ["{}"]])
def test_a_body_that_is_not_bytes_is_a_type_error_that_says_where_the_bytes_are(secret: str, body: object) -> None:
    with pytest.raises(TypeError, match=r"exact bytes.*request\.body \(Django\), request\.get_data\(\) \(Flask\)"):
        WebhookReceiver([secret]).receive(body, {})  # type: ignore[arg-type]


def test_an_empty_body_says_so_and_not_that_its_signature_is_wrong(
    secret: str, headers_for: Callable[..., dict[str, str]]
) -> None:
    with pytest.raises(MalformedPayload, match="is empty"):
        WebhookReceiver(secrets=[secret]).receive(b"", headers_for(b"{}"))


def test_a_byte_order_mark_changes_no_unsigned_request(envelope: Make) -> None:
    receiver = unsigned_receiver()
    for body in (json.dumps(envelope()).encode(), b'{"number": "+12025550123", "message": "hi", "guid": "g"}'):
        assert receiver.receive(b"\xef\xbb\xbf" + body, {}).data == receiver.receive(body, {}).data


@pytest.mark.parametrize("kind", [bytearray, memoryview])
def test_other_kinds_of_bytes_are_welcome(
    clock: SimpleNamespace, kind: type, body: bytes, secret: str, headers_for: MakeHeaders
) -> None:
    assert WebhookReceiver([secret]).receive(kind(body), headers_for(body)).signed


def test_a_body_of_one_mebibyte_is_read_and_one_byte_more_is_not(
    clock: SimpleNamespace, envelope: Make, secret: str, headers_for: MakeHeaders
) -> None:
    receiver = WebhookReceiver([secret])
    room = 1024 * 1024 - len(json.dumps(envelope(padding="")).encode())
    fits = json.dumps(envelope(padding="x" * room)).encode()
    assert len(fits) == 1024 * 1024
    assert receiver.receive(fits, headers_for(fits)).signed
    too_large = fits + b" "
    with pytest.raises(MalformedPayload, match="larger than 1048576 bytes"):
        receiver.receive(too_large, headers_for(too_large))
    with pytest.raises(MalformedPayload, match="larger"):  # before anything is computed over it
        receiver.receive(too_large, {})


def test_a_forged_body_is_refused_before_it_is_parsed(
    clock: SimpleNamespace, secret: str, headers_for: MakeHeaders
) -> None:
    with pytest.raises(SignatureMismatch):
        WebhookReceiver([secret]).receive(b"not JSON", headers_for(b"something else"))


def test_a_stale_body_is_refused_before_it_is_parsed(
    clock: SimpleNamespace, secret: str, now: int, headers_for: MakeHeaders
) -> None:
    with pytest.raises(TimestampOutOfTolerance):
        WebhookReceiver([secret]).receive(b"not JSON", headers_for(b"not JSON", timestamp=now - 301))


# --- age --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tolerance", [300, 5, 0.5])
def test_the_tolerance_is_inclusive_in_both_directions(
    clock: SimpleNamespace, body: bytes, secret: str, now: int, headers_for: MakeHeaders, tolerance: float
) -> None:
    receiver = WebhookReceiver([secret], tolerance=tolerance)
    headers = headers_for(body)
    for clock.now in (now - tolerance, float(now), now + tolerance):
        assert receiver.receive(body, headers).signed
    for clock.now, words in ((now - tolerance - 0.01, "in the future"), (now + tolerance + 0.01, "ago")):
        with pytest.raises(TimestampOutOfTolerance, match=f"{words}, and at most {tolerance} s"):
            receiver.receive(body, headers)


def test_three_hundred_seconds_is_the_default(
    clock: SimpleNamespace, body: bytes, secret: str, now: int, headers_for: MakeHeaders
) -> None:
    receiver = WebhookReceiver([secret])
    assert receiver.receive(body, headers_for(body, timestamp=now - 300)).signed
    with pytest.raises(TimestampOutOfTolerance):
        receiver.receive(body, headers_for(body, timestamp=now - 301))


@pytest.mark.parametrize("timestamp", ["soon", "1790164801.5", "2026-09-23T12:00:01Z", "nan", "9" * 400, "9" * 5000])
def test_a_signed_timestamp_that_is_no_count_of_seconds_is_out_of_tolerance(
    clock: SimpleNamespace, body: bytes, secret: str, headers_for: MakeHeaders, timestamp: str
) -> None:
    with pytest.raises(TimestampOutOfTolerance, match="not a count of Unix seconds"):
        WebhookReceiver([secret]).receive(body, headers_for(body, timestamp=timestamp))


# --- where headers come from ------------------------------------------------------------------------------


class CaseInsensitive(Mapping[str, str]):
    """As the headers of Django and requests: found in any case, listed as they came."""

    def __init__(self, headers: dict[str, str]) -> None:
        self._headers = {name.lower(): (name, value) for name, value in headers.items()}

    def __getitem__(self, name: str) -> str:
        return self._headers[name.lower()][1]

    def __iter__(self) -> Iterator[str]:
        return iter(name for name, _ in self._headers.values())

    def __len__(self) -> int:
        return len(self._headers)


def as_environ(headers: dict[str, str]) -> dict[str, Any]:
    named = {"HTTP_" + name.upper().replace("-", "_"): value for name, value in headers.items()}
    return {"REQUEST_METHOD": "POST", "wsgi.input": object(), "wsgi.version": (1, 0), **named}


def as_message(headers: dict[str, str]) -> email.message.Message:
    message = email.message.Message()
    for name, value in headers.items():
        message[name] = value
    return message


CONTAINERS: dict[str, Callable[[dict[str, str]], Any]] = {
    "dict": dict,
    "lower case": lambda h: {k.lower(): v for k, v in h.items()},
    "upper case": lambda h: {k.upper(): v for k, v in h.items()},
    "any mapping": CaseInsensitive,
    "WSGI environ, Django META": as_environ,
    "werkzeug": lambda h: WerkzeugHeaders(list(h.items())),
    "werkzeug of an environ": lambda h: EnvironHeaders(as_environ(h)),
    "http.server": as_message,
    "pairs": lambda h: list(h.items()),
    "pairs, once": lambda h: iter(h.items()),
    "ASGI": lambda h: [(k.lower().encode(), v.encode()) for k, v in h.items()],
    "byte values": lambda h: {k: v.encode() for k, v in h.items()},
    "padded": lambda h: {k: f" {v} " for k, v in h.items()},
    "with odd neighbours": lambda h: {"X-\xe9": "\xff", b"raw": b"\xff", 3: None, **h},
}


@pytest.mark.parametrize(("container", "name"), each_once(CONTAINERS, [SIGNATURE, NEXT, NEXT]))
def test_headers_are_found_in_every_container(
    clock: SimpleNamespace,
    body: bytes,
    secret: str,
    headers_for: MakeHeaders,
    container: str,
    name: str,
) -> None:
    contained = CONTAINERS[container]
    headers = headers_for(body)
    headers[name] = headers.pop(SIGNATURE)
    receiver = WebhookReceiver([secret])
    assert receiver.receive(body, contained(headers)).signed
    with pytest.raises(SignatureMismatch, match="none of the secrets"):
        receiver.receive(body + b" ", contained(headers))
    del headers[name]
    with pytest.raises(SignatureMismatch, match="is missing"):
        receiver.receive(body, contained(headers))


@pytest.mark.parametrize("headers", [None, 5, "X-SMSMobileAPI-Signature: v1=", ["X-SMSMobileAPI-Signature"], object()])
def test_what_is_no_collection_of_headers_is_a_type_error(secret: str, headers: Any) -> None:
    with pytest.raises(TypeError, match=r"headers must be a mapping.*pass request\.headers") as caught:
        WebhookReceiver([secret]).receive(b"{}", headers)
    assert caught.value.__context__ is None


# --- configuration ----------------------------------------------------------------------------------------


def test_an_unusable_secret_is_refused_with_what_to_do(subtests: pytest.Subtests) -> None:
    for secrets, words in [
        ([], "needs the webhook's secret"),
        (None, "needs the webhook's secret"),
        ([None], "not NoneType.*SMSMOBILEAPI_WEBHOOK_SECRET"),
        (5, "not int"),
        ([5], "not int"),
        ("", "empty"),
        (["good", "  "], "empty"),
        ([b"\t"], "empty"),
        (["hunter2hunter2\n"], "line break"),
        ([b"hunter2\rhunter2"], "line break"),
        ('"hunter2"', "in quotes; remove them"),
        (SecretStr(" "), "empty"),
    ]:
        with subtests.test(secrets=secrets):
            with pytest.raises(ConfigurationError, match=words) as caught:
                WebhookReceiver(secrets=secrets)
            assert "hunter2" not in str(caught.value)


def test_a_tolerance_that_is_no_number_of_seconds_is_refused(subtests: pytest.Subtests, secret: str) -> None:
    for tolerance in [0, -1, 10**400, float("nan"), float("inf"), "300", None, True]:
        complaint = r"tolerance is .*; expected a number of seconds, above 0"
        with subtests.test(tolerance=tolerance), pytest.raises(ConfigurationError, match=complaint):
            WebhookReceiver([secret], tolerance=tolerance)


def test_a_second_secret_in_the_wrong_place_is_not_printed(secret: str) -> None:
    with pytest.raises(ConfigurationError, match="of type str") as caught:
        WebhookReceiver(secret, "another-secret-0123")  # type: ignore[arg-type]
    assert "another" not in str(caught.value)


def test_a_receiver_shows_how_many_secrets_it_has_and_none_of_them(secret: str) -> None:
    receiver = WebhookReceiver([secret, "another-secret-0123"], tolerance=60)
    assert repr(receiver) == "<WebhookReceiver: 2 secret(s), tolerance=60 s>"
    assert "allow_unsigned=True" in repr(unsigned_receiver())
    for text in (repr(vars(receiver)), str(receiver)):
        assert secret not in text
        assert "another-secret" not in text


@pytest.mark.parametrize("leave", [pickle.dumps, copy.copy, copy.deepcopy])
def test_a_receiver_refuses_to_be_pickled_or_copied(secret: str, leave: Callable[[object], object]) -> None:
    with pytest.raises(TypeError, match="holds secrets and cannot be pickled or copied"):
        leave(WebhookReceiver([secret]))


# --- unsigned requests ------------------------------------------------------------------------------------


def test_allowing_unsigned_requests_warns_at_the_line_that_does_it() -> None:
    with pytest.warns(UserWarning, match=r"allow_unsigned=True.*event\.signed") as caught:
        WebhookReceiver(allow_unsigned=True)
    assert caught[0].filename == __file__


def test_a_receiver_with_secrets_alone_warns_of_nothing(secret: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        WebhookReceiver([secret])


def test_unsigned_requests_of_both_versions_become_unsigned_events(body: bytes) -> None:
    receiver = unsigned_receiver()
    second = receiver.receive(body, {})
    first = receiver.receive(b'{"number": "+1555", "message": "hi", "guid": "g"}', {})
    assert (type(second), second.id, second.signed) == (SMSReceived, "8e9a1207-e3a4-4550-a4af-3dad6cff5108", False)
    assert (type(first), first.id, first.signed) == (SMSReceived, "g", False)


def test_it_is_the_type_that_tells_the_versions_apart(envelope: Make) -> None:
    receiver = unsigned_receiver()
    assert receiver.receive(b'{"id": 7, "number": "+1555", "message": "hi"}', {}).api_version is None
    with pytest.raises(MalformedPayload, match="The envelope lacks id"):
        receiver.receive(json.dumps(envelope(id=...)).encode(), {})


def test_an_unsigned_request_is_refused_where_nobody_allowed_it(body: bytes, secret: str) -> None:
    with pytest.raises(SignatureMismatch, match=r"parse_v1"):
        WebhookReceiver([secret]).receive(body, {})


@pytest.mark.parametrize("name", [SIGNATURE, NEXT])
@pytest.mark.parametrize("secrets", [(), ["right"]])
def test_a_wrong_signature_is_refused_even_where_none_is_needed(
    clock: SimpleNamespace, body: bytes, now: int, secrets: Any, name: str
) -> None:
    receiver = unsigned_receiver(secrets)
    with pytest.raises(SignatureMismatch):
        receiver.receive(body, {name: sign(body, "wrong", now), TIMESTAMP: str(now)})


def test_a_signature_still_counts_and_expires_where_none_is_needed(
    clock: SimpleNamespace, body: bytes, secret: str, now: int, headers_for: MakeHeaders
) -> None:
    receiver = unsigned_receiver([secret])
    assert receiver.receive(body, headers_for(body)).signed is True
    with pytest.raises(TimestampOutOfTolerance):
        receiver.receive(body, headers_for(body, timestamp=now - 301))


@pytest.mark.parametrize(
    ("claim", "kind"),
    each_once([True, 1, "true", {"by": "me"}, None], ["sms.received", "sms.sent", "sms.invented"]),
)
def test_no_payload_can_call_itself_signed(
    receive: Callable[[object], Any], envelope: Make, claim: object, kind: str
) -> None:
    payload = envelope(type=kind, signed=claim)
    event = unsigned_receiver().receive(json.dumps(payload).encode(), {})
    assert event.signed is False
    assert event.model_dump()["signed"] is False
    payload["data"]["alias"] = {"odd": "value"}  # the slow way
    assert unsigned_receiver().receive(json.dumps(payload).encode(), {}).signed is False
    assert receive(payload).signed is True


def test_no_version_1_payload_can_call_itself_signed() -> None:
    event = unsigned_receiver().receive(b'{"number": "+1555", "message": "hi", "signed": true}', {})
    assert event.signed is False


@pytest.mark.parametrize("body", [b"", b"[]", b"nothing", b"\xff"])
def test_an_unsigned_body_that_is_no_object_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedPayload):
        unsigned_receiver().receive(body, {})


# --- what is said -----------------------------------------------------------------------------------------


def test_no_failure_says_a_secret_a_signature_a_number_or_a_message(
    clock: SimpleNamespace, envelope: Make, secret: str, now: int, headers_for: MakeHeaders
) -> None:
    number, message = "+12025550199", "a private message"
    data = {"from": number, "message": message}
    payloads: list[bytes] = [
        json.dumps(payload).encode()
        for payload in (
            envelope(data={"number": number}),
            envelope(data={"message": message}),
            envelope(data={"from": {"n": number}, "message": message}),
            envelope(data=[number, message]),
            envelope(data=data, created_at=number),
            envelope(data=data, id=[message]),
            envelope(data=data, id=...),
            envelope(data=data, type=[number]),
            [number, message],
            message,
        )
    ]
    payloads.append(json.dumps(data).encode()[:-3])
    payloads.append(b"\xff" + message.encode())
    deliveries = [(body, headers_for(body)) for body in payloads]
    good = json.dumps(envelope(data=data)).encode()
    right = headers_for(good)
    deliveries += [
        (good, headers_for(good, "not the secret")),
        (good, headers_for(good, timestamp=now - 1000)),
        (good, headers_for(good, timestamp="soon")),
        (good, {**right, TIMESTAMP: ""}),
        (good, {}),
        (good + b" " * 2**20, right),
    ]
    receiver = WebhookReceiver([secret])
    for body, headers in deliveries:
        with pytest.raises(WebhookError) as caught:
            receiver.receive(body, headers)
        error = caught.value
        assert error.__cause__ is None
        assert error.__context__ is None
        everything = "".join(traceback.format_exception(error)) + repr(error) + repr(pickle.dumps(error))
        # What crash reporters add: the local variables of our frames.
        frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__) if frame.f_code.co_filename != __file__]
        assert frames
        assert secret not in repr([frame.f_locals for frame in frames])
        signature = headers.get(SIGNATURE, "nothing").removeprefix("v1=")
        for private in (secret, signature, number, message):
            assert private not in everything
