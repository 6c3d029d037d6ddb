"""Templates: what they are, and what is wrong with their rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from datetime import datetime, timedelta, timezone
from enum import Enum
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsmobile import InvalidRequestError
from smsmobile.delivery import OutgoingSMS
from smsmobile.delivery._checked_rows import checked_rows
from smsmobile.delivery._messages import read_message
from smsmobile.delivery._template import Template

TO = "+33639985678"


def filled(template: Template, rows: Iterable[object]) -> AbstractContextManager[tuple[int, Iterator[OutgoingSMS]]]:
    return checked_rows(rows, template.read)


class Held(str, Enum):
    """Whose str() is `Held.HI`."""

    HI = "there"


class Count(int, Enum):
    ONE = 1


def test_a_template_is_filled_with_the_rows_values(subtests: pytest.Subtests) -> None:
    for template, row, text in [
        ("Hi {name}", {"name": "Ann"}, "Hi Ann"),
        ("{a}{b}{a}", {"a": 1, "b": "two"}, "1two1"),
        ("no fields", {}, "no fields"),
        ("{{name}} {name}", {"name": "{name}"}, "{name} {name}"),
        ("{first name} é", {"first name": "Zoë"}, "Zoë é"),
        ("'{name}'", {"name": ""}, "''"),
        ("Hi {name}, {count}", {"name": Held.HI, "count": Count.ONE}, "Hi there, 1"),
    ]:
        with subtests.test(template=template):
            assert Template(template).read({"to": TO, **row}) == OutgoingSMS(TO, text)


class NotAvailable:
    """As pandas.NA: it compares as itself, and has no truth value."""

    def __ne__(self, other: object) -> Any:
        return self

    def __bool__(self) -> bool:
        raise TypeError("boolean value of NA is ambiguous")


@pytest.mark.parametrize("cell", [float("nan"), NotAvailable()], ids=["NaN", "NA"])
def test_an_empty_cell_of_a_table_is_a_missing_field_and_no_text(cell: object) -> None:
    with pytest.raises(InvalidRequestError, match="The row lacks 'name'"):
        Template("Hi {name}").read({"to": TO, "name": cell})


def test_a_row_may_have_a_key_and_anything_else() -> None:
    row = {"to": TO, "name": "Ann", "key": "a", "model": "iPhone", "text": "not this"}
    assert Template("Hi {name}").read(row) == OutgoingSMS(TO, "Hi Ann", "a")


OPTIONS: dict[str, Any] = {
    "sim": 2,
    "device": "SID",
    "schedule_at": datetime(2026, 3, 20, 12, 0, tzinfo=timezone(timedelta(hours=1))),
    "shorten_urls": True,
    "encrypt": True,
    "whatsapp": True,
}


def test_a_row_may_have_the_options_of_a_message() -> None:
    with filled(Template("Hi {name}"), [{"to": TO, "name": "Ann", **OPTIONS}]) as (_, messages):
        assert list(messages) == [OutgoingSMS(TO, "Hi Ann", **OPTIONS)]


def test_empty_cells_and_fields_of_the_template_are_no_options() -> None:
    row = {"to": TO, "device": "iPhone", "sim": "", "schedule_at": None, "encrypt": ""}
    assert Template("Your {device} is here").read(row) == OutgoingSMS(TO, "Your iPhone is here")


@pytest.mark.parametrize(
    ("option", "complaint"),
    [
        ({"sim": "2"}, "sim is of type str; expected slot 1 or 2"),
        ({"sim": 3}, "sim is 3"),
        ({"device": " "}, "The device is empty"),
        ({"schedule_at": "2026-03-20"}, "schedule_at is of type str; expected an aware datetime"),
        ({"encrypt": "yes"}, "encrypt is of type str; expected True or False"),
    ],
)
def test_a_row_with_a_wrong_option_is_reported_before_anything_is_sent(option: dict[str, Any], complaint: str) -> None:
    rows = [{"to": TO}, {"to": TO, **option}]
    with pytest.raises(InvalidRequestError, match=f"row 2 cannot be used: {complaint}"), filled(Template("hi"), rows):
        pytest.fail("it was filled")


@pytest.mark.parametrize("mark", ["\ufeff", "ï»¿"])
@pytest.mark.parametrize("first", ["to", "key", "name"])
def test_a_byte_order_mark_in_front_of_the_first_name_is_told_whatever_that_is(mark: str, first: str) -> None:
    row = {f"{mark}{first}": "x", "to": TO, "text": "hi"}
    complaint = "begins with a byte order mark; open its file with encoding='utf-8-sig'"
    with pytest.raises(InvalidRequestError, match=f"The message {complaint}"):
        read_message(row)
    with pytest.raises(InvalidRequestError, match=f"The row {complaint}"):
        Template("hi").read(row)


def test_a_template_can_read_the_number_key_and_options_from_columns_of_other_names() -> None:
    columns = {"to": "Mobile", "key": "Id", "device": "Phone"}
    row = {"Mobile": TO, "Id": 7, "Phone": "SID", "device": "iPhone", "to": "x", "key": "y", "sim": "z"}
    assert Template("Your {device}", columns).read(row) == OutgoingSMS(TO, "Your iPhone", 7, device="SID")
    assert Template("For {Mobile}", columns).read({**row, "Phone": ""}) == OutgoingSMS(TO, f"For {TO}", 7)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"Mobile": None}, "The row lacks 'Mobile'"),
        ({"Mobile": 33639985678}, "The row has a 'Mobile' of type int"),
        ({"Id": ""}, "The row cannot be used: The key is empty"),
        ({"Phone": 7}, "The row cannot be used: The device is of type int"),
    ],
)
def test_a_wrong_cell_of_a_row_with_columns_is_told(change: dict[str, Any], complaint: str) -> None:
    row = {"Mobile": TO, "Id": 7, "Phone": "SID", **change}
    with pytest.raises(InvalidRequestError, match=complaint):
        Template("hi", {"to": "Mobile", "key": "Id", "device": "Phone"}).read(row)


def test_a_template_has_plain_names_and_nothing_that_reaches_into_the_program(subtests: pytest.Subtests) -> None:
    for template in [
        *("{name.__class__}", "{name[0]}", "{name!r}", "{name:>9999999}", "{}", "{0.x}", "{ }", "{name:{width}}"),
        *("Hi {name", "Hi name}", "{", "", "   ", None, 7),
    ]:
        with subtests.test(template=template), pytest.raises(InvalidRequestError, match="template"):
            Template(template)


@given(st.text(), st.text())
def test_a_value_is_never_read_as_a_template(value: str, literal: str) -> None:
    doubled = literal.replace("{", "{{").replace("}", "}}")
    assert Template(f"x{doubled}{{name}}").read({"to": TO, "name": value}).text == f"x{literal}{value}"


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
    assert "639985678" not in str(told.value)
    assert "row 7" not in str(told.value)


@pytest.mark.parametrize("row", [(TO, "Ann"), SimpleNamespace(to=TO, name="Ann"), None])
def test_a_row_for_a_template_is_a_dict(row: object) -> None:
    with pytest.raises(InvalidRequestError, match="expected a dict"), filled(Template("Hi {name}"), [row]):
        pytest.fail("it was filled")
