"""Finds the rows of an answer, whatever they are called: in which envelope, under which name, as a list or by key.

The names of the rows of several endpoints are published nowhere, so a list of objects under any name can be the rows.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Any, TypeAlias

from .values import DEVICE_KEYS, GUID_KEYS, RECIPIENT_KEYS, read_bool, read_int, read_optional_bool

_ROW_KEYS = ("sms", "data", "rows", "items", "conversations")
_HOLDERS = ("result", *_ROW_KEYS)
LIST_HOLDERS = (*_HOLDERS, "mobiles", "mobile")  # an integrator reads phones under these two (O)
NOTE_KEYS = ("note", "message", "messages", "error_description")
_BESIDE_ROWS = {
    *LIST_HOLDERS,
    *NOTE_KEYS,
    *("success", "error", "code", "status", "detail"),
    *("count", "total", "limit", "offset", "page", "filters"),
    *("connected_now", "connected_limit", "connected_available"),
}
"""Keys about a call or a list. An object with no other keys is no row."""
_ABOUT_THE_ACCOUNT = {"encrypted", "trial_account", "filters", "error"}
"""Keys whose objects and lists are no rows."""
_NO_NAMES = (_BESIDE_ROWS - {"mobile", "mobiles"}) | {"sent"} | _ABOUT_THE_ACCOUNT
"""Keys that name no person: an object that has one of them is no list of rows by name."""
_ROW_MARKS = {*GUID_KEYS, *DEVICE_KEYS, *RECIPIENT_KEYS, "numero", "phone_number", "from"}
"""Keys that tell what a row is about. An object with one of them is a row, even if it holds a list."""
_ONLY_OF_ROWS = _ROW_MARKS - {"id", "from"}

Rows: TypeAlias = "list[Any] | dict[str, Any]"
"""Rows, or rows by key."""


def open_envelopes(layer: dict[str, Any], about_one: bool) -> tuple[list[dict[str, Any]], list[Rows]]:
    """The layers of nested envelopes, outermost first, and the lists of rows in them."""
    own = dict(layer)
    layers, rows = [own], list[Rows]()
    holders = _HOLDERS if about_one else LIST_HOLDERS
    held = {key: layer[key] for key in holders if isinstance(layer.get(key), (dict, list)) and layer[key]}
    for key, content in held.items():
        listed, beside = _split(content, about_one)
        # An object without rows in it may be the only row itself, without a list around it.
        if not (listed or about_one or key == "result" or len(held) > 1 or not _is_row(beside)):
            listed, beside = [beside], {}
        if listed:
            rows.append(listed)
        else:
            del own[key]
        if beside:
            inner_layers, inner_rows = open_envelopes(beside, about_one)
            layers += inner_layers
            rows += inner_rows
    return layers, rows


def _split(content: dict[str, Any] | list[Any], about_one: bool) -> tuple[Rows, dict[str, Any]]:
    """The rows under a key, and what is beside them. A single row that is about the call itself counts as beside."""
    listed: Rows
    listed, beside = (content, {}) if isinstance(content, list) else _rows_by_key(content, about_one)
    only = next(iter(listed.values() if isinstance(listed, dict) else listed)) if len(listed) == 1 else None
    if isinstance(only, dict) and (about_one or _is_refusal(only)):
        return [], {**beside, **only}
    return listed, beside


def _rows_by_key(content: dict[str, Any], about_one: bool) -> tuple[dict[str, Any], dict[str, Any]]:
    """The rows of an object. PHP writes a list with gaps as `{"0": {…}, "2": {…}}`.

    In a list of rows the keys may also be phone numbers, and names.
    """
    held = {key: row for key, row in content.items() if isinstance(row, (dict, list))}
    if not held:
        return {}, content
    are_named = (
        not about_one
        and len(held) == len(content)
        and not held.keys() & _NO_NAMES
        and all(isinstance(row, dict) and not _holds_only_containers(row) for row in held.values())
    )
    rows = {key: row for key, row in held.items() if are_named or _is_number(key)}
    return rows, {key: content[key] for key in content if key not in rows} if rows else content


def without_empty(lists: Iterable[Rows]) -> list[Rows]:
    """The lists without their rows of nothing, and without those that have no other."""
    kept: list[Rows] = []
    for rows in lists:
        if isinstance(rows, dict):
            kept.append({key: row for key, row in rows.items() if row != {}})
        else:
            kept.append([row for row in rows if row != {}] if {} in rows else rows)
    return [rows for rows in kept if rows]


def rows_elsewhere(layers: list[dict[str, Any]]) -> list[Rows]:
    """The rows under a name that is not known (A), if only one list can be them."""
    named = [layer for layer in layers if not layer.keys().isdisjoint(LIST_HOLDERS)]
    if named and any(read_int(layer.get("count")) == 0 for layer in layers):
        return []  # an empty list under a known name, and a count that agrees
    found = lists_of_rows(layers)
    return found if len(found) == 1 else []


def lists_of_rows(layers: Iterable[dict[str, Any]]) -> list[Rows]:
    """All lists of objects, and objects of objects by number or id, whatever they are called and however deep."""
    found: list[Rows] = []
    unopened = list(layers)
    while unopened:
        for content in _of_unknown_name(unopened.pop()):
            rows = content if isinstance(content, list) else _rows_by_id(content)
            if isinstance(content, dict) and not rows:
                unopened.append(content)
            elif _are_rows(rows.values() if isinstance(rows, dict) else rows):
                found.append(rows)
    return found


def _rows_by_id(content: dict[str, Any]) -> dict[str, Any]:
    """The objects in an object whose keys are numbers or ids."""
    return {key: row for key, row in content.items() if isinstance(row, dict) and (_is_number(key) or _is_id(key))}


def _are_rows(rows: Collection[Any]) -> bool:
    """Whether all are objects, and one of them says more than how the call went."""
    return all(isinstance(row, dict) for row in rows) and not all(row.keys() <= _BESIDE_ROWS for row in rows)


def _of_unknown_name(fields: dict[str, Any]) -> Iterator[dict[str, Any] | list[Any]]:
    """The objects and lists in an object that can be rows."""
    for name, content in fields.items():
        if isinstance(content, (dict, list)) and content and name not in _ABOUT_THE_ACCOUNT:
            yield content


def _holds_something(content: dict[str, Any] | list[Any]) -> bool:
    """Whether a list, or an object, must be rows of some kind.

    An object with values of its own can be a new key, unless it has a number or a GUID as a row has.
    """
    return isinstance(content, list) or _holds_only_containers(content) or not _ONLY_OF_ROWS.isdisjoint(content)


def _holds_only_containers(content: dict[str, Any]) -> bool:
    return all(isinstance(value, (dict, list)) for value in content.values())


def _is_number(key: str) -> bool:
    """Whether a key is a position, an id or a phone number."""
    return key.removeprefix("+").isdigit()


def _is_id(key: str) -> bool:
    """Whether a key is more like a GUID or a SID than like a name of the service's own."""
    return len(key) >= 8 and any(map(str.isdigit, key))


def is_index(key: str) -> bool:
    """Whether a key is a position in a list with gaps rather than a phone number: the shortest have three digits."""
    return key.isdigit() and len(key) < 3


def _is_row(content: dict[str, Any]) -> bool:
    """Whether an object is a row, and not about the call or the list."""
    if _is_about_the_call(content):
        return False
    return not content.keys().isdisjoint(_ROW_MARKS) or not (
        _holds_only_containers(content) or lists_of_rows([content])
    )


def _is_about_the_call(content: dict[str, Any]) -> bool:
    """Whether an object is not a row, but about the call or the list."""
    holds = any(isinstance(content.get(key), (dict, list)) for key in LIST_HOLDERS)
    says_no = read_optional_bool(content.get("success")) is False
    return holds or content.keys() <= _BESIDE_ROWS or "connected_now" in content or says_no


def _is_refusal(row: dict[str, Any]) -> bool:
    """Whether a row says only how the call went. One that has other keys beside its `error` is a real row."""
    return row.keys() <= _BESIDE_ROWS and ("error" in row or "success" in row)


def why_not_none(fields: dict[str, Any]) -> str:
    """What says that there are rows, although none were found; empty if the answer means that there are none."""
    for value in map(fields.get, (*_ROW_KEYS, "mobiles")):
        if not isinstance(value, (list, dict)) and read_bool(value) is not False:  # a text, or a count
            return f"they are of type {type(value).__name__}"
    if count := read_int(fields.get("count")):
        return f"it counts {count}, and has none under any name"
    if count is None and len(lists_of_rows([fields])) > 1:
        return "it has several lists, under names that are not known"
    is_message = not (fields.keys().isdisjoint(GUID_KEYS) or fields.keys().isdisjoint(RECIPIENT_KEYS))
    is_unnamed = fields.keys().isdisjoint(LIST_HOLDERS)
    if is_message or (is_unnamed and any(map(_holds_something, _of_unknown_name(fields)))):
        return "what it has is not a list of objects"
    return "it has a total, and no list" if is_unnamed and read_int(fields.get("total")) else ""
