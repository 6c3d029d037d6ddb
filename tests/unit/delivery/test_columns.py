"""Rows with column names of their own: what is read from them, and what is said where a column is missing."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from smsmobile import InvalidRequestError
from smsmobile.delivery import BulkSender, MemoryJournal, OutgoingSMS, SendStatus

from .scripted_service import ScriptedService

TO = "+33639985678"
OTHER = "+33639985432"
COLUMNS = {"to": "Mobile", "text": "Message", "key": "Id"}
TABLE = f"Id,Name,Mobile,Message,key,to\n7,Ann,{TO},Hi Ann,not this,nor this\n8,Bob,{OTHER},Hi Bob,x,y\n"


def bulk(service: ScriptedService, **options: Any) -> BulkSender:
    return BulkSender(service.client, MemoryJournal(), workers=1, patience=0, **options)


def rows(table: str = TABLE) -> csv.DictReader[str]:
    return csv.DictReader(io.StringIO(table))


@pytest.mark.parametrize("strict", [False, True])
def test_fields_are_read_from_their_columns_and_other_columns_are_ignored(strict: bool) -> None:
    service = ScriptedService()
    outcomes = list(bulk(service, strict=strict).send(rows(), columns=COLUMNS))
    assert [outcome.message for outcome in outcomes] == [
        OutgoingSMS(TO, "Hi Ann", "7"),
        OutgoingSMS(OTHER, "Hi Bob", "8"),
    ]
    assert service.phone == [(TO, "Hi Ann"), (OTHER, "Hi Bob")]


@pytest.mark.parametrize("strict", [False, True])
def test_a_template_has_its_fields_and_the_number_from_columns(strict: bool) -> None:
    service = ScriptedService()
    columns = {"to": "Mobile", "key": "Id"}
    outcomes = list(bulk(service, strict=strict).send(rows(), template="Hello {Name}", columns=columns))
    assert [outcome.key for outcome in outcomes] == ["7", "8"]
    assert service.phone == [(TO, "Hello Ann"), (OTHER, "Hello Bob")]


def test_a_dry_run_reads_columns() -> None:
    sender = bulk(ScriptedService())
    found = sender.check(rows(TABLE + "9,Eve,none,Hi,,\n"), columns=COLUMNS)
    assert (found.messages, found.invalid, found.segments) == (3, 1, 2)
    assert sender.check(rows(), columns={"to": "Mobile"}, template="Hello {Name}").invalid == 0


def test_an_option_has_a_column_and_an_empty_cell_is_none() -> None:
    table = [{"m": TO, "t": "a", "phone": "SID", "sim": 2}, {"m": TO, "t": "b", "phone": "", "sim": None}]
    columns = {"to": "m", "text": "t", "device": "phone", "sim": "sim"}
    outcomes = bulk(ScriptedService()).send(table, columns=columns)
    assert [outcome.message for outcome in outcomes] == [
        OutgoingSMS(TO, "a", device="SID", sim=2),
        OutgoingSMS(TO, "b"),
    ]


def test_a_row_without_a_column_is_refused_with_the_columns_that_there_are_and_the_others_are_sent() -> None:
    service = ScriptedService()
    table = [{"Mobil": TO, "Message": "hi", "Id": 7}, {"Mobile": TO, "Message": "hi", "Id": 7}]
    refused, sent = bulk(service).send(table, columns=COLUMNS)
    assert refused.reason == "The row has no column 'Mobile'; it has 'Mobil', 'Message', 'Id'."
    assert (refused.status, sent.status) == (SendStatus.REFUSED, SendStatus.SENT)


@pytest.mark.parametrize("template", ["Hi {Name}", None])
def test_a_missing_column_is_reported_before_anything_is_sent_with_a_template_and_with_strict(
    template: str | None,
) -> None:
    service = ScriptedService()
    columns = {"to": "Mobile", "key": "Number", **({} if template else {"text": "Message"})}
    complaint = "2 of 2 rows cannot be used; nothing was sent. row 1 has no column 'Number'; it has 'Id', 'Name', 'Mob"
    with pytest.raises(InvalidRequestError, match=complaint):
        list(bulk(service, strict=template is None).send(rows(), columns=columns, template=template))
    assert service.attempts == []


def test_of_a_file_without_a_header_no_number_and_no_text_is_told() -> None:
    sender = bulk(ScriptedService())
    ((_, problem),) = sender.check(rows(f"{TO},The code is 4711\n{OTHER},hi\n"), columns=COLUMNS).problems
    assert "does the file begin with the names of its columns" in problem
    assert not any(word in problem for word in ("4711", "code", TO, "63998"))


def test_a_row_with_columns_is_a_dict_without_a_byte_order_mark(subtests: pytest.Subtests) -> None:
    for row, complaint in [
        ((TO, "hi"), "The row is of type tuple; expected a dict"),
        (OutgoingSMS(TO, "hi"), "The row is of type OutgoingSMS; expected a dict"),
        ({"\ufeffId": 7, "Mobile": TO, "Message": "hi"}, "The row begins with a byte order mark"),
        ({}, "The row has no column 'Mobile'; it has no columns."),
    ]:
        with subtests.test(row=row):
            ((_, problem),) = bulk(ScriptedService()).check([row], columns=COLUMNS).problems
            assert complaint in problem


def test_columns_that_cannot_be_are_refused_at_once(subtests: pytest.Subtests) -> None:
    sender = bulk(ScriptedService())
    for columns, template, complaint in [
        (["Mobile"], None, "columns is of type list; expected a dict"),
        ({"Mobile": "to", "Message": "text"}, None, "columns has 'Mobile', which is no field .* to, text, key, sim"),
        ({"to": 1, "text": "Message"}, None, "columns has a 'to' of type int"),
        ({"to": "Mobile"}, None, "columns has no 'text'"),
        ({}, None, "columns has no 'to' and no 'text'"),
        ({"key": "Id"}, "hi", "columns has no 'to'"),
        (COLUMNS, "hi", "columns has 'text', but the text is that of the template"),
    ]:
        for method in (sender.send, sender.check):
            with (
                subtests.test(columns=columns, method=method.__name__),
                pytest.raises(InvalidRequestError, match=complaint),
            ):
                method([], columns=columns, template=template)  # type: ignore[operator]
