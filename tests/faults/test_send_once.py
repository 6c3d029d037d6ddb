"""Promise 1 after the server has read the message and something goes wrong.

The server gets exactly one message, and the caller gets a SendOutcomeUnknown that names it.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from time import monotonic
from typing import Any

import pytest
import requests

from smsmobile import APIError, DeviceOffline, SendOutcomeUnknown, SentSMS

from .flaky_server import FlakyServer
from .raw_server import (
    API_KEY,
    GUID,
    PATIENT,
    QUICK,
    SUCCESS,
    TEXT,
    TO,
    RawServer,
    Script,
    accepted,
    answer,
    close,
    drip,
    echo,
    flood,
    head,
    on_alternate_wires,
    reset,
    say_goodbye,
    stall,
    trickle,
)

BODY = json.dumps(accepted()).encode()
JSON = "Content-Type: application/json"
LENGTH = f"Content-Length: {len(BODY)}"
CHUNKED = "Transfer-Encoding: chunked"
TOO_LARGE = 33 * 1024 * 1024
PIECE = b" " * 65536


def bomb() -> bytes:
    """A gzip stream of about 1 GiB of spaces in about 1 MiB. Its end is missing: nobody should read that far."""
    stream = zlib.compressobj(9, zlib.DEFLATED, 31)
    start = stream.compress(PIECE * 256) + stream.flush(zlib.Z_FULL_FLUSH)
    return start + (stream.compress(PIECE * 256) + stream.flush(zlib.Z_FULL_FLUSH)) * 63


def nested_bomb() -> bytes:
    return gzip.compress(bomb())


ENDS: dict[str, Script] = {
    "reset after the request": (reset,),
    "closed without an answer": (close,),
    "closed politely without an answer": (say_goodbye,),
    "reset within the status line": (b"HTTP/1.1 20", reset),
    "closed within the status line": (b"HTTP/1.1 20", close),
    "reset within the headers": (b"HTTP/1.1 200 OK\r\nContent-Type: appl", reset),
    "closed within the headers": (b"HTTP/1.1 200 OK\r\nContent-Type: appl", close),
    "reset between headers and body": (head("200 OK", JSON, LENGTH), reset),
    "closed between headers and body": (head("200 OK", JSON, LENGTH), close),
    "reset within the body": (SUCCESS[:-20], reset),
    "closed within the body": (SUCCESS[:-20], close),
    "closed politely within the body": (SUCCESS[:-20], say_goodbye),
    "closed one byte before the end": (SUCCESS[:-1], close),
    "closed one byte before the end, without a length": (head("200 OK", JSON) + BODY[:-1], say_goodbye),
    "closed within an inner object, without a length": (head("200 OK", JSON) + BODY[: BODY.find(b"}") + 1], close),
    "closed within a chunk": (head("200 OK", JSON, CHUNKED), b"fff\r\n" + BODY, close),
    "closed between chunks": (head("200 OK", JSON, CHUNKED), b"5\r\n" + BODY[:5] + b"\r\n", close),
    "reset between chunks": (head("200 OK", JSON, CHUNKED), b"5\r\n" + BODY[:5] + b"\r\n", reset),
}
NO_ANSWER: dict[str, Script] = {
    # an answer that says nothing about the message
    "200 with HTML": (answer(b"<!doctype html><title>Welcome</title>"),),
    "200 with an empty body": (answer(b""),),
    "200 with blanks": (answer(b" \r\n "),),
    "200 with JSON that was cut": (answer(BODY[:-30]),),
    "200 with JSON that lacks its last brace": (answer(BODY[:-1]),),
    "200 with a PHP warning and JSON that lacks its last brace": (answer(b"<b>Warning</b>: " + BODY[:-1]),),
    "200 with JSON and something behind it": (answer(BODY + b"<b>Fatal error</b>"),),
    "200 with two answers": (answer(b'{"success": false, "error": "odd"}' + BODY),),
    "200 with JSON of something else": (answer({"hello": "world", "id": GUID}),),
    "200 with result null": (answer({"result": None}),),
    "200 with result a word": (answer({"result": "ok"}),),
    "200 with an empty result": (answer({"result": {}}),),
    "200 with an empty list": (answer([]),),
    "200 with a list": (answer([accepted()]),),
    "200 with null": (answer(b"null"),),
    "200 with a string": (answer(b'"sent"'),),
    "200 with a number": (answer(b"1"),),
    "200 with deep JSON": (answer(b'{"result":' * 5000),),
    "200 with text that is no UTF-8": (answer(b'{"result": {"error": 0, "sent": "1", "id": "\xff\xfe"}}'),),
    "200 that says neither yes nor no": (answer({"result": {"error": 0, "sent": "200"}}),),
    "200 with gzip that is none": (answer(BODY, "200 OK", "Content-Encoding: gzip"),),
    "200 with gzip that was cut": (answer(gzip.compress(BODY)[:-12], "200 OK", "Content-Encoding: gzip"),),
    "200 with an unknown encoding": (answer(zlib.compress(BODY), "200 OK", "Content-Encoding: rot13"),),
    "204": (head("204 No Content"), close),
    "103 and nothing more": (head("103 Early Hints"), close),
    "101": (head("101 Switching Protocols", "Upgrade: tea"), close),
    "302 to nowhere": (answer(b"", "302 Found"),),
    "304": (head("304 Not Modified"), close),
    # a failure of the server
    "500": (answer({"success": False, "error": "server_error", "detail": "SELECT * FROM keys"}, "500 Oops"),),
    "500 with HTML": (answer(b"<h1>Internal Server Error</h1>", "500 Oops"),),
    "500 that says it was accepted": (answer(accepted(), "500 Oops"),),
    "500 that says it was refused": (answer({"success": False, "error": "invalid_apikey"}, "500 Oops"),),
    "502": (answer(b"<h1>Bad Gateway</h1>", "502 Bad Gateway"),),
    "503 with Retry-After": (answer(b"", "503 Busy", "Retry-After: 1"),),
    "503 with Retry-After, cut": (head("503 Busy", "Retry-After: 1", "Content-Length: 99"), close),
    "504": (answer(b"", "504 Gateway Timeout"),),
    "599": (answer(b"", "599 Odd"),),
    "413 with Retry-After that says it was accepted": (answer(accepted(), "413 Large", "Retry-After: 1"),),
    "400 that says it was accepted": (answer(accepted(), "400 Bad Request"),),
    "409 that says it was accepted": (answer({"success": True}, "409 Conflict"),),
    # not HTTP
    "not HTTP": (b"SSH-2.0-OpenSSH_9.6\r\n", close),
    "only a line break": (b"\r\n", close),
    "binary": (bytes(range(256)) * 16, close),
    "HTTP/0.9": (BODY, close),
    "the request itself": (echo, close),
    "another HTTP": (SUCCESS.replace(b"HTTP/1.1", b"HTTP/7.3"), close),
    "a status that is no number": (SUCCESS.replace(b"200", b"2OO"), close),
    "a status with four digits": (SUCCESS.replace(b"200", b"2000"), close),
    "a status line without end": (b"HTTP/1.1 200 " + b"O" * 70_000, close),
    "a header line without end": (b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 70_000, close),
    "a header line too long": (answer(BODY, "200 OK", "X-Long: " + "x" * 70_000),),
    "100 headers too many": (answer(BODY, "200 OK", *(f"X-{number}: 1" for number in range(200))),),
    "two lengths": (answer(BODY, "200 OK", "Content-Length: 5"),),
    "two lengths in one header": (head("200 OK", "Content-Length: 5, 7") + BODY, close),
    "a chunk of negative length": (head("200 OK", JSON, CHUNKED), b"-5\r\n" + BODY, close),
    "a chunk without length": (head("200 OK", JSON, CHUNKED), b"what?\r\n" + BODY, close),
    "a chunk length without end": (head("200 OK", JSON, CHUNKED), b"1" * 70_000, close),
}
SLOWLY: dict[str, Script] = {
    "stalls after the request": (stall,),
    "stalls within the headers": (b"HTTP/1.1 200 OK\r\nContent-Type: appl", stall),
    "stalls between headers and body": (head("200 OK", JSON, LENGTH), stall),
    "stalls within the body": (SUCCESS[:-20], stall),
    "stalls before the end of the chunks": (head("200 OK", JSON, CHUNKED), b"5\r\n" + BODY[:5] + b"\r\n", stall),
    "stalls instead of closing": (head("200 OK", JSON) + BODY, stall),
    "drips the headers": (drip(SUCCESS),),
    "drips the body": (head("200 OK", JSON, LENGTH), drip(BODY)),
    "drips chunks": (head("200 OK", JSON, CHUNKED), drip(b"1\r\n{\r\n" * 40)),
    "drips a gzip stream": (head("200 OK", "Content-Encoding: gzip", "Content-Length: 5000"), drip(bomb()[:100])),
    "never stops to say continue": (flood(head("100 Continue") * 100),),
    "stalls in a 500": (head("500 Oops", LENGTH), stall),
    "stalls in a 503 with Retry-After": (head("503 Busy", LENGTH, "Retry-After: 1"), stall),
}
ENORMOUS: dict[str, Script] = {
    "declared": (head("200 OK", JSON, f"Content-Length: {TOO_LARGE}"), flood(PIECE)),
    "declared beyond any memory": (head("200 OK", JSON, f"Content-Length: {10**30}"), flood(PIECE)),
    "undeclared": (head("200 OK", JSON), flood(PIECE)),
    "chunked": (head("200 OK", JSON, CHUNKED), flood(b"10000\r\n" + PIECE + b"\r\n")),
    "chunked in one chunk": (head("200 OK", JSON, CHUNKED), b"ffffffffffffffff\r\n", flood(PIECE)),
    "chunked in a negative chunk": (head("200 OK", JSON, CHUNKED), b"-1\r\n", flood(PIECE)),
    "a gzip bomb": (head("200 OK", JSON, "Content-Encoding: gzip"), bomb(), close),
    "a gzip bomb in a gzip bomb": (head("200 OK", JSON, "Content-Encoding: gzip, gzip"), nested_bomb(), close),
    "in a 500": (head("500 Oops"), flood(PIECE)),
}


@pytest.mark.parametrize("script", ENDS.values(), ids=ENDS)
def test_a_message_taken_before_the_connection_ends_is_sent_once_and_unknown(
    raw_server: Callable[..., RawServer], outcome_of: Callable[..., Any], pauses: list[float], script: Script
) -> None:
    _check_doubt(raw_server, outcome_of, script, PATIENT)
    assert pauses == []


@pytest.mark.parametrize(("raw_server", "script"), on_alternate_wires(NO_ANSWER), indirect=["raw_server"])
def test_a_message_taken_and_not_acknowledged_is_sent_once_and_unknown(
    raw_server: Callable[..., RawServer], outcome_of: Callable[..., Any], pauses: list[float], script: Script
) -> None:
    _check_doubt(raw_server, outcome_of, script, PATIENT)
    assert pauses == []


def test_a_chunk_of_negative_length_leaves_a_send_in_doubt_over_a_session_of_the_users_as_well(
    raw_server: Callable[..., RawServer], outcome_of: Callable[..., Any]
) -> None:
    with requests.Session() as session, raw_server(NO_ANSWER["a chunk of negative length"]) as server:
        doubt = outcome_of(server.client(session=session).sms.send, TO, TEXT)
    assert isinstance(doubt, SendOutcomeUnknown), repr(doubt)
    assert server.messages == 1


@pytest.mark.parametrize(("raw_server", "script"), on_alternate_wires(SLOWLY), indirect=["raw_server"])
def test_a_message_taken_and_not_acknowledged_in_time_is_sent_once_and_unknown(
    raw_server: Callable[..., RawServer], outcome_of: Callable[..., Any], pauses: list[float], script: Script
) -> None:
    started = monotonic()
    doubt = _check_doubt(raw_server, outcome_of, script, QUICK)
    assert monotonic() - started < PATIENT / 2
    assert "timeout" in doubt.reason
    assert pauses == []


@pytest.mark.parametrize(("raw_server", "script"), on_alternate_wires(ENORMOUS), indirect=["raw_server"])
def test_a_message_taken_and_answered_without_end_is_sent_once_and_unknown(
    raw_server: Callable[..., RawServer], outcome_of: Callable[..., Any], pauses: list[float], script: Script
) -> None:
    _check_doubt(raw_server, outcome_of, script, PATIENT)
    assert pauses == []


def _check_doubt(
    raw_server: Callable[..., RawServer], outcome_of: Callable[..., Any], script: Script, timeout: float
) -> SendOutcomeUnknown:
    """Check that send and resend report the same doubt when the server follows this script."""
    before = datetime.now(timezone.utc)
    with raw_server(script) as server:
        doubt = outcome_of(server.client(timeout, max_retries=3).sms.send, TO, TEXT)
    assert isinstance(doubt, SendOutcomeUnknown), repr(doubt)
    assert server.messages == 1
    assert (doubt.to, doubt.message, doubt.guid) == (TO, TEXT, None)
    assert doubt.attempted_at is not None
    assert before - timedelta(seconds=1) <= doubt.attempted_at <= datetime.now(timezone.utc)

    with raw_server(script) as server:
        resent = outcome_of(server.client(timeout, max_retries=3).sms.resend, GUID)
    assert server.messages == 1
    assert isinstance(resent, SendOutcomeUnknown), repr(resent)
    assert (resent.to, resent.message, resent.guid) == (None, None, GUID)
    return doubt


WARNING = b'<br />\n<b>Warning</b>:  Undefined array key "port" in <b>/var/www/send.php</b> on line <b>42</b><br />\n'


@pytest.mark.parametrize("prefix", [WARNING, b"\xef\xbb\xbf", b"\r\n\r\n", b'Notice: {"x" is no variable}\n'])
def test_a_php_warning_before_a_good_answer_is_no_failure(
    raw_server: Callable[..., RawServer], outcome_of: Callable[..., Any], prefix: bytes
) -> None:
    with raw_server((answer(prefix + BODY),)) as server:
        sent = outcome_of(server.client().sms.send, TO, TEXT)
    assert isinstance(sent, SentSMS), repr(sent)
    assert sent.guid == GUID
    assert server.messages == 1


def test_a_php_warning_before_a_refusal_hides_nothing(flaky: FlakyServer, outcome_of: Callable[..., Any]) -> None:
    flaky.faults.add("php_warning")
    flaky.faults.add("phone_offline")
    refusal = outcome_of(flaky.client.sms.send, TO, TEXT)
    assert isinstance(refusal, DeviceOffline), repr(refusal)
    assert len(flaky.requests) == 1
    assert "Warning" in flaky.requests[0].answer


def test_an_acceptance_that_repeats_the_key_does_not_hand_it_on(
    raw_server: Callable[..., RawServer], outcome_of: Callable[..., Any]
) -> None:
    with raw_server(
        (answer({"result": {**accepted()["result"], "note": f"by {API_KEY}", "apikey": API_KEY}}),)
    ) as server:
        sent = outcome_of(server.client().sms.send, TO, TEXT)
    assert isinstance(sent, SentSMS), repr(sent)
    assert sent.guid == GUID
    assert API_KEY not in sent.model_dump_json()


@pytest.mark.parametrize("sent", ["0", "no", "api_error"])
def test_a_refusal_beside_error_0_is_a_refusal(
    raw_server: Callable[..., RawServer], outcome_of: Callable[..., Any], sent: str
) -> None:
    with raw_server((answer({"result": {"error": 0, "sent": sent, "id": GUID}}),)) as server:
        refusal = outcome_of(server.client().sms.send, TO, TEXT)
    assert isinstance(refusal, APIError), repr(refusal)
    assert server.messages == 1


@pytest.mark.parametrize("timeout", [1.0, PATIENT])
def test_an_answer_in_many_pieces_within_the_timeout_is_an_answer(
    raw_server: Callable[..., RawServer], outcome_of: Callable[..., Any], timeout: float
) -> None:
    with raw_server((trickle(SUCCESS, pieces=100),)) as server:
        sent = outcome_of(server.client(timeout).sms.send, TO, TEXT)
    assert isinstance(sent, SentSMS), repr(sent)
    assert server.messages == 1


@pytest.mark.parametrize(
    "reply",
    [
        head("200 OK", CHUNKED) + b"%x\r\n%b\r\n%x\r\n%b\r\n0\r\n\r\n" % (9, BODY[:9], len(BODY) - 9, BODY[9:]),
        answer(gzip.compress(BODY), "200 OK", "Content-Encoding: gzip"),
        answer(zlib.compress(BODY), "200 OK", "Content-Encoding: deflate"),
        head("100 Continue") + SUCCESS,
        SUCCESS.replace(b"HTTP/1.1", b"HTTP/1.0"),
        SUCCESS.replace(b"\r\n", b"\n", 3),
        answer(BODY, "201 Created"),
        answer(BODY, "200 OK", "Retry-After: 5"),
    ],
    ids=["chunked", "gzip", "deflate", "100 first", "HTTP/1.0", "bare line feeds", "201", "Retry-After in a 200"],
)
def test_an_unusual_answer_is_an_answer(
    raw_server: Callable[..., RawServer], outcome_of: Callable[..., Any], pauses: list[float], reply: bytes
) -> None:
    with raw_server((reply, close)) as server:
        sent = outcome_of(server.client().sms.send, TO, TEXT)
    assert isinstance(sent, SentSMS), repr(sent)
    assert server.messages == 1
    assert pauses == []
