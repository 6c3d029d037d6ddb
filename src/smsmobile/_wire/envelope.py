"""Reads the bytes of an answer into an `Answer`. The service has three envelopes, which can also be nested.

In a list, each row stays a row. In an answer about one thing (a send, a switch …) the only row is merged with the rest.
What an answer means is decided in outcome.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from .._redaction import drop_keys, may_have_keys
from ..errors import UnexpectedResponse
from .refusals import CODES
from .values import GUID_KEYS, is_empty, read_bool, read_guid, read_json, read_optional_bool

if TYPE_CHECKING:
    from .model import Model

# "access_token" stands for the answer of RFC 6749, the only one without an envelope.
_MARKS = frozenset({"result", "success", "error", "access_token"})
_ROW_KEYS = ("sms", "data", "rows", "items", "conversations")
_HOLDERS = ("result", *_ROW_KEYS)
_LIST_MARKS = _MARKS.union(_ROW_KEYS, {"count"})
_NOTE_KEYS = ("note", "message", "messages", "error_description")
_RECIPIENT_KEYS = ("number", "recipients", "phone")
_BESIDE_ROWS = {
    *_HOLDERS,
    *_NOTE_KEYS,
    *("success", "error", "code", "status", "detail"),
    *("count", "total", "limit", "offset", "page", "filters"),
    *("connected_now", "connected_limit", "connected_available"),
}
"""Keys about a call or a list. An object with no other keys is no row."""
_NO_NAMES = _BESIDE_ROWS | {"sent", "encrypted", "trial_account"}
"""Keys that name no person: an object that has one of them is no list of rows by name."""
_OBJECT_START = re.compile(rb'\{\s*"')


class Unreadable(Exception):
    """The bytes are not an answer of the service. Never leaves the library."""


class Answer(NamedTuple):
    """What the service said, whatever envelope it came in."""

    fields: dict[str, Any]
    """The content of all envelopes in one mapping. In an answer about one thing, also that of its only row."""
    found: list[Any]
    """The rows as they came. In an answer about one thing, which has its only row in `fields`: all others."""
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
        """The rows as models. Raises UnexpectedResponse where they are not rows."""
        problem = "" if self.found else self._strange_rows()
        if not problem:
            try:
                return model.all_from_wire(self.found)
            except ValueError as error:
                problem = str(error)
        raise UnexpectedResponse(f"The service's rows cannot be read: {problem}.", status=200)

    def _strange_rows(self) -> str:
        """What is wrong with the value in place of the rows; empty if it means that there are none."""
        for value in map(self.fields.get, _ROW_KEYS):
            if not isinstance(value, (list, dict)) and read_bool(value) is not False:  # a text, or a count
                return f"they are of type {type(value).__name__}"
        return ""


def read_answer(body: bytes, *, about_one: bool = False) -> Answer:
    """Read any of the envelopes. Raises Unreadable for anything else.

    A list may come bare, or without a mark of success. An answer `about_one` thing must say how that went.
    """
    payload = _read_payload(body, about_one)
    layers, rows = _open(payload, about_one)
    success = frozenset(_marks(layers, "success"))
    if None in success:
        raise Unreadable  # neither yes nor no
    return Answer(
        fields=_merged(layers, about_one),
        found=rows[0] if rows else [],
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
    if not isinstance(payload, dict) or (_MARKS if about_one else _LIST_MARKS).isdisjoint(payload):
        raise Unreadable
    result = payload.get("result", {})
    if not isinstance(result, (dict, list)) and (read_bool(result) is not False or (about_one and len(payload) == 1)):
        raise Unreadable
    return payload


def _read_json(body: bytes) -> Any:
    payload = _read_any_json(body)
    return drop_keys(payload) if may_have_keys(body) else payload  # notifications echo the API key (D)


def _read_any_json(body: bytes) -> Any:
    body = body.removeprefix(b"\xef\xbb\xbf").strip()  # PHP files saved with a byte order mark print it
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


def _is_whole_answer(row: object) -> bool:
    return isinstance(row, dict) and ("result" in row or "success" in row)


# --- from an object to layers and rows --------------------------------------------------------------------


def _open(layer: dict[str, Any], about_one: bool) -> tuple[list[dict[str, Any]], list[list[Any]]]:
    """The layers of nested envelopes, outermost first, and the lists of rows in them."""
    own = dict(layer)
    layers, rows = [own], list[list[Any]]()
    held = {key: layer[key] for key in _HOLDERS if isinstance(layer.get(key), (dict, list)) and layer[key]}
    for key, content in held.items():
        listed, beside = _split(content, about_one)
        # An object without rows in it may be the only row itself, without a list around it.
        if not (listed or about_one or key == "result" or len(held) > 1 or _is_about_the_call(beside)):
            listed, beside = [beside], {}
        if listed:
            rows.append(listed)
        else:
            del own[key]
        if beside:
            inner_layers, inner_rows = _open(beside, about_one)
            layers += inner_layers
            rows += inner_rows
    return layers, rows


def _split(content: dict[str, Any] | list[Any], about_one: bool) -> tuple[list[Any], dict[str, Any]]:
    """The rows under a key, and what is beside them. A single row that is about the call itself counts as beside."""
    listed, beside = (content, {}) if isinstance(content, list) else _rows_by_key(content, about_one)
    only = listed[0] if len(listed) == 1 else None
    if isinstance(only, dict) and (about_one or _is_refusal(only)):
        return [], {**beside, **only}
    return listed, beside


def _rows_by_key(content: dict[str, Any], about_one: bool) -> tuple[list[Any], dict[str, Any]]:
    """The rows of an object. PHP writes a list with gaps as `{"0": {…}, "2": {…}}`.

    In a list of rows the keys may also be phone numbers, and names.
    """
    held = {key: row for key, row in content.items() if isinstance(row, (dict, list))}
    if not held:
        return [], content
    are_named = not about_one and len(held) == len(content) and not held.keys() & _NO_NAMES
    rows = {key: row for key, row in held.items() if are_named or key.removeprefix("+").isdigit()}
    return list(rows.values()), {key: content[key] for key in content if key not in rows} if rows else content


def _is_about_the_call(content: dict[str, Any]) -> bool:
    """Whether an object is not a row, but about the call or the list."""
    holds = any(isinstance(content.get(key), (dict, list)) for key in _HOLDERS)
    says_no = read_optional_bool(content.get("success")) is False
    return holds or content.keys() <= _BESIDE_ROWS or "connected_now" in content or says_no


def _is_refusal(row: dict[str, Any]) -> bool:
    """Whether a row says only how the call went. One that has other keys beside its `error` is a real row."""
    return row.keys() <= _BESIDE_ROWS and ("error" in row or "success" in row)


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
        keys = _NOTE_KEYS[:1] if layer is not layers[0] and any(map(layer.get, _RECIPIENT_KEYS)) else _NOTE_KEYS
        for key in keys:
            if isinstance(text := layer.get(key), str) and text:
                return text
    return None
