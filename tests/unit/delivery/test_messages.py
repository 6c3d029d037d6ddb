"""Spellings of a message, its key, and templates."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsmobile import InvalidRequestError
from smsmobile.delivery import OutgoingSMS
from smsmobile.delivery._messages import Template, filled, key_of, read_message

TO = "+33612345678"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ((TO, "hi"), OutgoingSMS(TO, "hi")),
        ([TO, "hi"], OutgoingSMS(TO, "hi")),
        ({"to": TO, "text": "hi"}, OutgoingSMS(TO, "hi")),
        ({"to": TO, "message": "hi", "key": "a"}, OutgoingSMS(TO, "hi", "a")),
        ({"to": TO, "text": "hi", "sim": 2, "encrypt": True}, OutgoingSMS(TO, "hi", sim=2, encrypt=True)),
        (OutgoingSMS(TO, "hi", "a", whatsapp=True), OutgoingSMS(TO, "hi", "a", whatsapp=True)),
    ],
)
def test_a_message_comes_in_several_spellings(given: object, expected: OutgoingSMS) -> None:
    assert read_message(given) == expected


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ("+33612345678", r"is a str; expected \(to, text\)"),
        ((TO,), "tuple of 1"),
        ((TO, "hi", "key"), "tuple of 3"),
        (None, "NoneType"),
        ({"to": TO}, "no 'text'"),
        ({}, "no 'to' and no 'text'"),
        ({"to": TO, "text": "a", "message": "b"}, "'text' and 'message'"),
        ({"to": TO, "text": "a", "device_id": "b"}, "'device_id', which is no option"),
        ({"to": TO, "text": "a", 7: "b"}, "'7', which is no option"),
    ],
)
def test_what_is_no_message_is_told_what_one_is(given: object, complaint: str) -> None:
    with pytest.raises(InvalidRequestError, match=complaint):
        read_message(given)


def test_a_message_does_not_print_its_text_or_its_whole_number() -> None:
    printed = repr(OutgoingSMS(TO, "The code is 4711", "a"))
    assert printed == "OutgoingSMS(to='+33•••••••78', key='a')"


def test_the_key_is_the_callers_or_that_of_number_and_text() -> None:
    def key(*message: Any) -> str:
        return key_of(OutgoingSMS(*message), "33612345678")

    assert key(TO, "hi", "a") == "a"
    assert key(TO, "hi", 17) == "17"
    assert key(TO, "hi") == key("0033 612345678", "hi") != key(TO, "hi!")
    assert key_of(OutgoingSMS(TO, "hi"), "33698765432") != key(TO, "hi")


@pytest.mark.parametrize("key", ["", "  ", "a\nb", 1.5, True, b"a"])
def test_a_key_is_one_line_of_text_or_a_whole_number(key: Any) -> None:
    with pytest.raises(InvalidRequestError, match="key"):
        key_of(OutgoingSMS(TO, "hi", key), "33612345678")


# --- templates --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("template", "row", "text"),
    [
        ("Hi {name}", {"name": "Ann"}, "Hi Ann"),
        ("{a}{b}{a}", {"a": 1, "b": "two"}, "1two1"),
        ("no fields", {}, "no fields"),
        ("{{name}} {name}", {"name": "{name}"}, "{name} {name}"),
        ("{first name} é", {"first name": "Zoë"}, "Zoë é"),
        ("'{name}'", {"name": ""}, "''"),
    ],
)
def test_a_template_is_filled_with_the_rows_values(template: str, row: dict[str, Any], text: str) -> None:
    assert Template(template).fill({"to": TO, **row}) == OutgoingSMS(TO, text)


def test_a_row_may_have_a_key_and_anything_else() -> None:
    row = {"to": TO, "name": "Ann", "key": "a", "device": "iPhone", "text": "not this"}
    assert Template("Hi {name}").fill(row) == OutgoingSMS(TO, "Hi Ann", "a")


@pytest.mark.parametrize(
    "template",
    [
        *("{name.__class__}", "{name[0]}", "{name!r}", "{name:>9999999}", "{}", "{0.x}", "{ }", "{name:{width}}"),
        *("Hi {name", "Hi name}", "{", "", "   ", None, 7),
    ],
)
def test_a_template_has_plain_names_and_nothing_that_reaches_into_the_program(template: object) -> None:
    with pytest.raises(InvalidRequestError, match="template"):
        Template(template)


@given(st.text(), st.text())
def test_a_value_is_never_read_as_a_template(value: str, literal: str) -> None:
    doubled = literal.replace("{", "{{").replace("}", "}}")
    assert Template(f"x{doubled}{{name}}").fill({"to": TO, "name": value}).text == f"x{literal}{value}"


def test_rows_are_filled_in_their_order_once_all_are_known_to_be_whole() -> None:
    taken = []

    def rows() -> Iterator[dict[str, Any]]:
        for number in range(3):
            taken.append(number)
            yield {"to": f"+3361234567{number}", "n": number, "key": number}

    with filled(Template("no. {n}"), rows()) as (count, messages):
        assert (count, taken) == (3, [0, 1, 2])
        assert list(messages) == [OutgoingSMS(f"+3361234567{n}", f"no. {n}", n) for n in range(3)]


def test_texts_of_all_kinds_survive_the_waiting() -> None:
    texts = ["two\nlines", "\u2028", "é😀", "\ud83d", '"\\']
    with filled(Template("{x}"), [{"to": TO, "x": text} for text in texts]) as (_, messages):
        assert [message.text for message in messages] == texts


def test_missing_fields_are_reported_with_their_rows_and_without_their_values() -> None:
    rows = [{"to": TO, "name": "Ann"}, {"to": TO}, {"name": "Bob", "to": None}, *({"name": "x"} for _ in range(9))]
    with (
        pytest.raises(InvalidRequestError, match=r"^11 of 12 rows .*row 2 lacks 'name'; row 3 lacks 'to'.*; …") as told,
        filled(Template("Hi {name}"), rows),
    ):
        pytest.fail("it was filled")
    assert "612345678" not in str(told.value)
    assert "row 7" not in str(told.value)


@pytest.mark.parametrize("row", [(TO, "Ann"), SimpleNamespace(to=TO, name="Ann"), None])
def test_a_row_for_a_template_is_a_dict(row: object) -> None:
    with pytest.raises(InvalidRequestError, match="expected a dict"), filled(Template("Hi {name}"), [row]):
        pytest.fail("it was filled")
