"""A template: a text with fields, which are filled from a row."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from string import Formatter
from typing import Any

from .._input.arguments import check_text
from .._input.texts import exact
from ..errors import InvalidRequestError
from ._columns import key_in, options_in, row_problem
from ._messages import OPTIONS, OutgoingSMS, check_key


class Template:
    """A text with fields: `Hi {name}`. `{{` and `}}` stand for braces.

    A field is replaced by the row's value as text. Names with dots or brackets, conversions and format specifications
    are refused: a template could read other parts of the program with them.

    The number, the key and the options are in the row's columns that `columns` names. Without it, they are under their
    own names, and a field of the template is no option.

    Raises InvalidRequestError for a text that is not a template.
    """

    def __init__(self, template: object, columns: Mapping[str, str] | None = None) -> None:
        text = check_text("template", template)
        try:
            self._pieces = list(Formatter().parse(text))
        except ValueError as error:
            raise InvalidRequestError(
                f"The template cannot be read ({error}). Write fields in braces, as in 'Hi {{name}}', and a brace of "
                "the text twice."
            ) from None
        self.fields: list[str] = []
        """The names of its fields, each once."""
        for _, name, specification, conversion in self._pieces:
            if name is None:
                continue
            if specification or conversion or not name.strip() or any(char in name for char in ".[]"):
                raise InvalidRequestError(
                    f"The template has {{{name}{'!' + conversion if conversion else ''}"
                    f"{':' + specification if specification else ''}}}; expected a plain name, as in {{name}}. Format "
                    "the value in the row, and write a brace of the text twice."
                )
            if name not in self.fields:
                self.fields.append(name)
        options = [name for name in OPTIONS if name not in self.fields]
        self._columns = columns or {name: name for name in ("to", "key", *options)}
        self._needed = columns.values() if columns else ()

    def read(self, row: Any) -> OutgoingSMS:
        """The message of a row. Raises InvalidRequestError for a missing field, or a wrong number, key or option."""
        if problem := self._problem(row):
            raise InvalidRequestError(f"The row {problem}.")
        text = "".join(literal + ("" if name is None else _text_of(row[name])) for literal, name, _, _ in self._pieces)
        columns = self._columns
        return OutgoingSMS(row[columns["to"]], text, key_in(row, columns), **options_in(row, columns))

    def _problem(self, row: Any) -> str:
        """What is wrong with a row; empty if nothing is. The channel checks the number, when the message is sent."""
        if problem := row_problem(row, self._needed):
            return problem
        to = self._columns["to"]
        if missing := [name for name in dict.fromkeys([to, *self.fields]) if _is_none(row.get(name))]:
            return f"lacks {', '.join(map(repr, missing))}"
        if not isinstance(row[to], str):
            return f"has a {to!r} of type {type(row[to]).__name__}; expected text (str)"
        try:
            if (key := key_in(row, self._columns)) is not None:
                check_key(key)
            for name, value in options_in(row, self._columns).items():
                OPTIONS[name](name, value)
        except InvalidRequestError as error:
            return f"cannot be used: {str(error).rstrip('.')}"
        return ""


def _is_none(value: object) -> bool:
    """Whether it stands for an empty cell: None, NaN, or NaT and NA of pandas. Their names are no text to send."""
    try:
        return value is None or bool(value != value)  # noqa: PLR0124 - what only they are
    except (TypeError, ValueError):  # NA has no truth value
        return True


def _text_of(value: object) -> str:
    """A value of a row as it stands in the message."""
    if isinstance(value, str):
        return exact(value)
    # str() of a member of `class N(int, Enum)` is its name.
    return str(value.value if isinstance(value, Enum) and isinstance(value, (int, float)) else value)
