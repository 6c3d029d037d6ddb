"""What others wrote is read in time that grows with its size, and no faster.

Each case is read at one size and at four times that size, by processor time, in one of three tries: linear work takes
four times as long, quadratic work sixteen times. What is done in no time at all is not compared.
"""

from __future__ import annotations

import gc
import json
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

import pytest

from smsmobile import (
    Call,
    Conversation,
    ConversationSMS,
    Device,
    HandSentSMS,
    ListedNotification,
    LoggedSMS,
    ReceivedEmail,
    ReceivedSMS,
    ReceivedWhatsApp,
    SentSMS,
    SMSMobileError,
)
from smsmobile._input.phone_numbers import digits_of
from smsmobile._redaction import mask_numbers
from smsmobile._sent_log.comparison import comparable
from smsmobile._wire.endpoints import Kind
from smsmobile._wire.outcome import judge
from smsmobile._wire.refusals import Reply
from smsmobile.webhooks import EventData, parse_v1
from smsmobile.webhooks.events import EVENT_TYPES, read_event

from .cases import each_once, known_spellings

SIZE = 10_000
IN_NO_TIME = 0.1
"""Seconds of processor time."""

TEXTS: dict[str, str] = {
    "spaces": " ",
    "line breaks": "\r\n",
    "digits": "9",
    "zeros": "0",
    "a sign": "+",
    "marks": "\N{COMBINING ACUTE ACCENT}\N{COMBINING GRAVE ACCENT BELOW}",
    "one ligature": "\N{ARABIC LIGATURE SALLALLAHOU ALAYHE WASALLAM}",
    "hosts": "a.",
    "dots": ".",
    "links": "www.a.bc/",
    "references": "&#9",
    "entities": "&am",
    "times": "2026-03-20 UTC ",
    "quotes": '"\\',
    "emails": "a@b,<",
    "parentheses": "(a ",
    "numbers": "1  ",
}


def text(unit: str, size: int) -> str:
    return "x" + unit * (size // len(unit)) + "x"


def judged(kind: Kind, body: bytes, model: Any) -> Any:
    with suppress(SMSMobileError):
        answer = judge(kind, Reply(200), body)
        return answer.rows(model) if not kind.sends else model.from_wire(answer.fields)


def in_a_row(model: Any, written: str) -> Any:
    keys = {*model.model_fields, *known_spellings(model), "date", "hour", "time", "status", "error", "sent"}
    return judged(Kind.LOG, json.dumps({"data": [dict.fromkeys(keys - {"accepted"}, written)]}).encode(), model)


def in_an_event(kind: str, written: str) -> Any:
    keys = {*known_spellings(EVENT_TYPES[kind].model_fields["data"].annotation or EventData), "message", "number", "x"}
    envelope = {"id": "e", "type": kind, "api_version": "1", "created_at": "2026-09-23T12:00:01Z"}
    data = {**dict.fromkeys(keys, written), "call_at": written, "received_at": written, written: written}
    body = json.dumps({**envelope, "occurred_at": envelope["created_at"], "data": data, "extra": written}).encode()
    with suppress(SMSMobileError):
        return read_event(body, signed=True)


def in_version_1(written: str) -> Any:
    for key in ("time_received", "timestamp_unix", "date", "hour", "guid", "alias", "message", "number", written):
        body = json.dumps({"message": "hi", "number": "1", "date": "2026-03-20", key: written}, ensure_ascii=False)
        with suppress(SMSMobileError):
            parse_v1(body)


def in_an_error(written: str) -> Any:
    return judged(Kind.SEND, json.dumps({"error": written, "message": written, "sent": written}).encode(), SentSMS)


MODELS = [
    *(LoggedSMS, ReceivedSMS, HandSentSMS, ReceivedWhatsApp, Device, Call),
    *(ListedNotification, ReceivedEmail, Conversation, ConversationSMS),
]
READERS: dict[str, Callable[[str], Any]] = {
    "version 1": in_version_1,
    "an error": in_an_error,
    "a text to compare": lambda written: comparable(written, without_links=True),
    "a text to mask": mask_numbers,
    "a number to compare": digits_of,
    **{f"{model.__name__}": lambda written, model=model: in_a_row(model, written) for model in MODELS},  # type: ignore[misc]
    **{
        kind: lambda written, kind=kind: in_an_event(kind, written)  # type: ignore[misc]
        for kind in ("sms.received", "call.missed", "whatsapp.received", "whatsapp.voice.transcribed", "sms.sent")
    },
}


def effort(read: Callable[[Any], Any], written: Any) -> float:
    """Seconds of processor time, without the garbage of other tests."""
    gc.disable()
    try:
        start = time.process_time()
        read(written)
        return time.process_time() - start
    finally:
        gc.enable()


def assert_linear(read: Callable[[Any], Any], small: Any, large: Any) -> None:
    for _ in range(3):
        took = effort(read, large)
        if took <= IN_NO_TIME or took <= 10 * effort(read, small):
            return
    pytest.fail("what is four times as long takes more than ten times as long")


@pytest.mark.long
def test_no_text_takes_more_than_linear_time_wherever_it_stands(subtests: pytest.Subtests) -> None:
    for reader, read in READERS.items():
        with subtests.test(reader=reader):
            for unit in TEXTS.values():
                assert_linear(read, text(unit, SIZE), text(unit, 4 * SIZE))


JSON: dict[str, Callable[[int], str]] = {
    "lists": lambda size: "[" * size,
    "objects": lambda size: '{"a":' * size,
    "many objects": lambda size: '{"data": [' + "{}," * size + "{}]}",
    "many rows": lambda size: '{"data": [' + '{"id": 1},' * size + "{}]}",
    "rows by number": lambda size: '{"data": {' + ",".join(f'"{n}": {{"name": 1}}' for n in range(size)) + "}}",
    "many keys": lambda size: '{"success": true, ' + ",".join(f'"k{n}": [{{"x": 1}}]' for n in range(size)) + "}",
    "one key": lambda size: '{"error": 0, ' + ",".join('"id": "g"' for n in range(size)) + "}",
    "a warning": lambda size: '<br>{"' * size + '{"error": 0}',
    "brackets and spaces": lambda size: "<br>" + "{ " * size,
    "half emojis": lambda size: '{"error": 0, "data": [{"message": "' + "\\ud83d" * size + '"}]}',
    "a long number": lambda size: '{"error": ' + "9" * size + "}",
    "no numbers": lambda size: (
        '{"error": 0, "count": NaN, "data": [' + '{"id": -Infinity, "datetime": NaN},' * size + "{}]}"
    ),
    "a long fraction": lambda size: '{"error": 0.' + "9" * size + "}",
    "echoed keys": lambda size: '{"error": 0, "x": [' + '{"apikey": 1},' * size + "1]}",
}


def in_an_answer(kind: Kind, body: bytes) -> None:
    judged(kind, body, SentSMS)


def test_no_answer_takes_more_than_linear_time(subtests: pytest.Subtests) -> None:
    for shape, kind in each_once(JSON, [Kind.SEND, Kind.ROWS, Kind.LOG, Kind.ACTION]):
        with subtests.test(shape=shape):
            bodies = [JSON[shape](size).encode() for size in (SIZE // 2, 2 * SIZE)]
            assert_linear(partial(in_an_answer, kind), *bodies)


def in_a_webhook(body: bytes) -> None:
    with suppress(SMSMobileError):
        read_event(body, signed=True)
    with suppress(SMSMobileError):
        parse_v1(body)


def test_no_webhook_takes_more_than_linear_time(subtests: pytest.Subtests) -> None:
    for shape, written in JSON.items():
        with subtests.test(shape=shape):
            assert_linear(in_a_webhook, *(written(size).encode() for size in (SIZE // 2, 2 * SIZE)))
