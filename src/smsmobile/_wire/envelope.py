"""Reads the bytes of an answer into an `Answer`. The service has three envelopes, which can also be nested.

In a list, each row stays a row. In an answer about one thing (a send, a switch …) the only row is merged with the rest.
Which of its lists are the rows is found in rows.py; what an answer means is decided in outcome.py.
"""

from __future__ import annotations

import re
from codecs import BOM_UTF8
from collections.abc import Iterable
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from .._redaction import drop_keys, may_have_keys
from ..errors import UnexpectedResponse
from .refusals import CODES
from .rows import (
    LIST_HOLDERS,
    NOTE_KEYS,
    is_index,
    lists_of_rows,
    open_envelopes,
    rows_elsewhere,
    why_not_none,
    without_empty,
)
from .values import GUID_KEYS, RECIPIENT_KEYS, is_empty, read_bool, read_guid, read_json

if TYPE_CHECKING:
    from .model import Model

# Two answers have no envelope: a token (RFC 6749), and whether a number is on WhatsApp (O).
_MARKS = frozenset({"result", "success", "error", "access_token", "contact_found_on_whatsapp"})
_LIST_MARKS = _MARKS.union(LIST_HOLDERS, {"count"})
MOST_ROWS = 50_000
"""Rows of one answer. The service's pages have some hundred; as models, so many take about 100 MB."""
_MOST_VALUES = 1_000_000
"""Values of one answer, before it is parsed: 32 MiB of `{},` would take gigabytes. So many take at most some 500 MB."""
_OBJECT_START = re.compile(rb'\{\s*"')


class Unreadable(Exception):
    """The bytes are not an answer of the service. Never leaves the library."""


class Answer(NamedTuple):
    """What the service said, whatever envelope it came in."""

    fields: dict[str, Any]
    """The content of all envelopes in one mapping. In an answer about one thing, also that of its only row."""
    found: list[Any]
    """The rows as they came. In an answer about one thing, which has its only row in `fields`: all others."""
    keys: list[str]
    """The keys of the rows if they came in an object, else empty."""
    code: str | None
    """The error code or word; "" for an error without one; None for no error."""
    sent: frozenset[bool | None]
    """The values of all `sent` keys: True, False, None for a word. Empty if there is no such key."""
    success: frozenset[bool]
    """The values of all `success` keys. Empty if there is no such key."""
    note: str | None
    """The service's explanation."""
    in_result: bool
    """Whether it came in a `result` envelope."""

    def rows(self, model: type[Model]) -> list[Model]:
        """The rows as models. Raises UnexpectedResponse for what is no row, and if announced rows are missing."""
        rows = self._rows_with_keys(model)
        problem = "" if rows else why_not_none(self.fields)
        if len(rows) > MOST_ROWS:
            problem = f"there are {len(rows)}, more than {MOST_ROWS}; ask for less at once, such as a shorter time"
        if not problem:
            try:
                return model.all_from_wire(rows)
            except ValueError as error:
                problem = str(error)
        raise UnexpectedResponse(f"The service's rows cannot be read: {problem}.", status=200)

    def _rows_with_keys(self, model: type[Model]) -> list[Any]:
        """The rows. Where a model is named by its key, as a conversation by its number, a row gets it as a value."""
        field = model._row_key
        if not (field and self.keys):
            return self.found
        spellings = model._spellings[field]
        return [
            {**row, field: key}
            if isinstance(row, dict) and all(is_empty(row.get(name)) for name in spellings) and not is_index(key)
            else row
            for key, row in zip(self.keys, self.found, strict=True)
        ]


def read_answer(body: bytes, *, about_one: bool = False) -> Answer:
    """Read any of the envelopes. Raises Unreadable for anything else.

    A list may come bare, or without a mark of success. An answer `about_one` thing must say how that went.
    """
    payload = _read_payload(body, about_one)
    layers, rows = open_envelopes(payload, about_one)
    if not about_one:
        rows = without_empty(rows) or without_empty(rows_elsewhere(layers))
    found = rows[0] if rows else []
    success = frozenset(_marks(layers, "success"))
    if None in success:
        raise Unreadable  # neither yes nor no
    return Answer(
        fields=_merged(layers, about_one),
        found=list(found.values()) if isinstance(found, dict) else found,
        keys=list(found) if isinstance(found, dict) else [],
        code=_code_in(layers),
        sent=frozenset(_marks(layers, "sent")),
        success=success,  # type: ignore[arg-type]  # None was excluded
        note=_note_in(layers),
        in_result="result" in payload,
    )


def has_guid(fields: dict[str, Any]) -> bool:
    """Whether the fields name a message's GUID."""
    return any(read_guid(fields.get(key)) for key in GUID_KEYS)


def with_guid(fields: dict[str, Any], guid: str) -> dict[str, Any]:
    """The fields, with this GUID where the answer does not repeat it."""
    return fields if has_guid(fields) else {**fields, "guid": guid}


# --- from bytes to an object ------------------------------------------------------------------------------


def _read_payload(body: bytes, about_one: bool) -> dict[str, Any]:
    payload = _read_json(body)
    if isinstance(payload, list) and not about_one and not any(map(_is_whole_answer, payload)):
        payload = {"data": payload}
    if not isinstance(payload, dict):
        raise Unreadable
    is_marked = not (_MARKS if about_one else _LIST_MARKS).isdisjoint(payload)
    if not is_marked and (about_one or len(lists_of_rows([payload])) != 1):
        raise Unreadable
    result = payload.get("result", {})
    if not isinstance(result, (dict, list)) and (read_bool(result) is not False or (about_one and len(payload) == 1)):
        raise Unreadable
    return payload


def _read_json(body: bytes) -> Any:
    payload = _read_any_json(body)
    return drop_keys(payload) if may_have_keys(body) else payload  # notifications echo the API key (D)


def _read_any_json(body: bytes) -> Any:
    if has_too_many_values(body):
        raise Unreadable
    body = body.removeprefix(BOM_UTF8).strip()  # PHP files saved with a byte order mark print it
    with suppress(ValueError):
        return read_json(body)
    if body.startswith(b"{"):  # cut short: an object inside of it is not the answer
        raise Unreadable
    # A PHP warning in front. Only what reads as one envelope up to the very end counts.
    for start in islice(_OBJECT_START.finditer(body), 8):
        try:
            return read_json(body[start.start() :])
        except ValueError as error:
            if str(error).startswith("EOF"):  # cut short, as above
                break
    raise Unreadable


def has_too_many_values(body: bytes) -> bool:
    """Whether the body may hold more values than are worth their memory. Counted by the characters between them."""
    return len(body) > _MOST_VALUES and sum(map(body.count, (b",", b"{", b"["))) > _MOST_VALUES


def _is_whole_answer(row: object) -> bool:
    return isinstance(row, dict) and ("result" in row or "success" in row)


# --- from layers to what they say -------------------------------------------------------------------------


def _merged(layers: list[dict[str, Any]], about_one: bool) -> dict[str, Any]:
    """One mapping. An inner value replaces an outer one, unless it is empty. `about_one`: the first GUID stays."""
    fields = dict(layers[0])
    for layer in layers[1:]:
        if not fields:  # an envelope with nothing beside its content
            fields = dict(layer)
            continue
        kept = [key for key in GUID_KEYS if read_guid(fields.get(key))] if about_one else []
        fields.update(
            (key, value) for key, value in layer.items() if key not in kept and not (is_empty(value) and key in fields)
        )
    return fields


def _marks(layers: list[dict[str, Any]], key: str) -> Iterable[bool | None]:
    return [read_bool(layer[key]) for layer in layers if not is_empty(layer.get(key))]


def _code_in(layers: list[dict[str, Any]]) -> str | None:
    """The innermost error; a known code before any other, and any word before none."""
    codes = [code for layer in reversed(layers) if (code := _code_of(layer.get("error"))) is not None]
    return max(codes, key=lambda code: (code in CODES, code != ""), default=None)


def _code_of(error: object) -> str | None:
    """None for no error: 0, "0", "", null, false, and what PHP makes of an empty array."""
    if not error:
        return None
    if isinstance(error, dict):
        return _code_of(error.get("code")) or _code_of(error.get("message")) or ""
    if error is True:  # not the code 1, which says that the key is wrong
        return ""
    if isinstance(error, float) and error.is_integer():
        error = int(error)
    text = str(error).strip()
    return None if text.lower() in ("", "0", "0.0", "no", "false") else text


def _note_in(layers: list[dict[str, Any]]) -> str | None:
    """The innermost explanation. The `message` of a row that has a recipient is an SMS, and explains nothing."""
    for layer in reversed(layers):
        keys = NOTE_KEYS[:1] if layer is not layers[0] and any(map(layer.get, RECIPIENT_KEYS)) else NOTE_KEYS
        for key in keys:
            if isinstance(text := layer.get(key), str) and text:
                return text
    return None
