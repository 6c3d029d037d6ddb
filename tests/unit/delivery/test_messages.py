"""Spellings of a message, and its key."""

from __future__ import annotations

from enum import Enum
from typing import Any

import pytest

from smsmobile import InvalidRequestError
from smsmobile.delivery import OutgoingSMS
from smsmobile.delivery._messages import key_of, read_message

TO = "+33639985678"


class Held(str, Enum):
    """Whose str() is `Held.HI`."""

    HI = "there"


class Count(int, Enum):
    ONE = 1


def test_a_message_comes_in_several_spellings(subtests: pytest.Subtests) -> None:
    for message, expected in [
        ((TO, "hi"), OutgoingSMS(TO, "hi")),
        ([TO, "hi"], OutgoingSMS(TO, "hi")),
        ({"to": TO, "text": "hi"}, OutgoingSMS(TO, "hi")),
        ({"to": TO, "message": "hi", "key": "a"}, OutgoingSMS(TO, "hi", "a")),
        ({"to": TO, "text": "hi", "sim": 2, "encrypt": True}, OutgoingSMS(TO, "hi", sim=2, encrypt=True)),
        (OutgoingSMS(TO, "hi", "a", whatsapp=True), OutgoingSMS(TO, "hi", "a", whatsapp=True)),
    ]:
        with subtests.test(message=message):
            assert read_message(message) == expected


def test_what_is_no_message_is_told_what_one_is(subtests: pytest.Subtests) -> None:
    for message, complaint in [
        ("+33639985678", r"is of type str; expected \(to, text\)"),
        ((TO,), "of type tuple and length 1"),
        ((TO, "hi", "key"), "of type tuple and length 3"),
        (None, "of type NoneType"),
        ({"to": TO}, "no 'text'"),
        ({}, "no 'to' and no 'text'"),
        ({"to": TO, "text": "a", "message": "b"}, "'text' and 'message'"),
        ({"to": TO, "text": "a", "device_id": "b"}, "'device_id', which is no option"),
        ({"to": TO, "text": "a", 7: "b"}, "'7', which is no option"),
        ({"to": TO, "text": "a", "+33639980011": "b"}, "•11', which is no option"),
    ]:
        with subtests.test(message=message), pytest.raises(InvalidRequestError, match=complaint):
            read_message(message)


def test_a_message_does_not_print_its_text_or_its_whole_number() -> None:
    printed = repr(OutgoingSMS(TO, "The code is 4711", "a"))
    assert printed == "OutgoingSMS(to='+33•••••••78', key='a')"


def test_the_key_is_the_callers_or_that_of_number_and_text() -> None:
    def key(*message: Any) -> str:
        return key_of(OutgoingSMS(*message), "33639985678")

    assert key(TO, "hi", "a") == "a"
    assert key(TO, "hi", 17) == "17"
    assert key(TO, "hi") == key("0033 639985678", "hi") != key(TO, "hi!")
    assert key_of(OutgoingSMS(TO, "hi"), "33639985432") != key(TO, "hi")
    assert (key(TO, Held.HI), key(TO, "hi", Held.HI), key(TO, "hi", Count.ONE)) == (key(TO, "there"), "there", "1")


def test_a_key_is_one_line_of_text_or_a_whole_number(subtests: pytest.Subtests) -> None:
    for key in ["", "  ", "a\nb", 1.5, True, b"a"]:
        with subtests.test(key=key), pytest.raises(InvalidRequestError, match="key"):
            key_of(OutgoingSMS(TO, "hi", key), "33639985678")
