"""Rows with column names of their own, as in a CSV file: which column is which field of a message."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from .._input.arguments import shown
from .._redaction import mask_numbers
from ..errors import InvalidRequestError
from ._messages import FIELDS, OPTIONS, OutgoingSMS, mark_in


def check_columns(columns: object, *, with_template: bool) -> dict[str, str]:
    """The argument `columns` of a send. Raises InvalidRequestError if it is wrong, or lacks a field that is needed."""
    if not isinstance(columns, Mapping):
        raise InvalidRequestError(
            f"columns is of type {type(columns).__name__}; expected a dict, such as {{'to': 'Mobile'}}."
        )
    for field, column in columns.items():
        if field not in FIELDS:
            raise InvalidRequestError(
                f"columns has {shown(str(field))!r}, which is no field of a message; expected some of "
                f"{', '.join(FIELDS)}. The fields come first, as in {{'to': 'Mobile'}}."
            )
        if not isinstance(column, str):
            raise InvalidRequestError(
                f"columns has a {field!r} of type {type(column).__name__}; expected the name of a column (str)."
            )
    if with_template and "text" in columns:
        raise InvalidRequestError("columns has 'text', but the text is that of the template; expected one of them.")
    needed = ["to"] if with_template else ["to", "text"]
    if missing := [name for name in needed if name not in columns]:
        raise InvalidRequestError(
            f"columns has no {' and no '.join(map(repr, missing))}; expected the columns of {' and '.join(needed)}."
        )
    return dict(columns)


def row_problem(row: object, columns: Collection[str]) -> str:
    """Why a row cannot be read: it is no dict, or has a byte order mark, or lacks one of these columns; else empty."""
    if not isinstance(row, Mapping):
        return f"is of type {type(row).__name__}; expected a dict with the columns as keys"
    if marked := mark_in(row):
        return marked
    if missing := [column for column in columns if column not in row]:
        return f"has no column {shown(missing[0])!r}; {_present(row)}"
    return ""


def _present(row: Mapping[Any, Any]) -> str:
    """The columns that there are. In a file without a header they are a message: then none is shown."""
    names = [name for name in row if isinstance(name, str)]
    if any(mask_numbers(name) != name for name in names):
        return "a number is the name of a column: does the file begin with the names of its columns"
    return f"it has {', '.join(repr(shown(name)) for name in names) or 'no columns'}"


def read_row(row: Any, columns: Mapping[str, str]) -> OutgoingSMS:
    """The message of a row. Raises InvalidRequestError if the row cannot be read."""
    if problem := row_problem(row, columns.values()):
        raise InvalidRequestError(f"The row {problem}.")
    return OutgoingSMS(row[columns["to"]], row[columns["text"]], key_in(row, columns), **options_in(row, columns))


def key_in(row: Mapping[str, Any], columns: Mapping[str, str]) -> Any:
    """The key of a row; None without one."""
    return row.get(columns["key"]) if "key" in columns else None


def options_in(row: Mapping[str, Any], columns: Mapping[str, str]) -> dict[str, Any]:
    """The options of a row's message. An empty cell is none."""
    given = {name: row.get(column) for name, column in columns.items() if name in OPTIONS}
    return {name: value for name, value in given.items() if value is not None and value != ""}
