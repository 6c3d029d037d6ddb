"""Bytes to an `Answer`: the three envelopes of the service, its error codes, and what PHP prints in front of them.

The envelopes also stand in one another. They are opened here and nowhere else, in one of two ways: an answer that
lists rows keeps each row to itself, and in one about a single thing (a send, a switch …) the only row is part of what
the service says. Which of both was asked for, and what to do about a failure, is the transport's business.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from itertools import islice
from typing import Any, NamedTuple

from .._redaction import drop_keys, mask_secrets
from ..errors import (
    PHONE_ADVICE,
    APIError,
    AuthenticationError,
    DeviceOffline,
    NotFound,
    RateLimited,
    ServerError,
    SubscriptionExpired,
)
from .model import Model
from .values import GUID_KEYS, is_empty, read_bool, read_guid, read_json, read_optional_bool

# "access_token" stands for the answer of RFC 6749, the only one without an envelope.
_MARKS = ("result", "success", "error", "access_token")
_ROW_KEYS = ("sms", "data", "rows", "items", "conversations")
_HOLDERS = ("result", *_ROW_KEYS)
_LIST_MARKS = (*_MARKS, *_ROW_KEYS, "count")
_NOTE_KEYS = ("note", "message", "messages", "error_description")
_RECIPIENT_KEYS = ("number", "recipients", "phone")
_BESIDE_ROWS = {
    *_HOLDERS,
    *_NOTE_KEYS,
    *("success", "error", "code", "status", "detail"),
    *("count", "total", "limit", "offset", "page", "filters"),
    *("connected_now", "connected_limit", "connected_available"),
}
"""What says something about a call or about a list. An object of nothing else is no row."""
_NO_NAMES = _BESIDE_ROWS | {"sent", "encrypted", "trial_account"}
"""Keys that name no person: what holds them is no list of rows by name."""
_OBJECT_START = re.compile(rb'\{\s*"')
_KEY_NAMES = (re.compile(rb"pi[_-]?[kK]ey"), re.compile(rb"PI[_-]?KEY"))
"""apikey, apiKey, api_key, APIKEY … Each begins with two plain letters: anything else takes long in a long body."""
_LONGEST_TEXT = 500

_BY_CODE: dict[str, type[APIError]] = {
    "1": AuthenticationError,
    "2": DeviceOffline,
    "subscription_expire": SubscriptionExpired,
    "api_expired": SubscriptionExpired,
    "server_error": ServerError,
    "not_found": NotFound,
    "missing_apikey": AuthenticationError,
    "invalid_apikey": AuthenticationError,
    "invalid_token": AuthenticationError,
    "invalid_client": AuthenticationError,
    "invalid_grant": AuthenticationError,
    "unauthorized_client": AuthenticationError,
    "unsupported_grant_type": AuthenticationError,
}
_BY_STATUS: dict[int, type[APIError]] = {
    401: AuthenticationError,
    403: AuthenticationError,
    404: NotFound,
    429: RateLimited,
}
_MEANINGS: dict[type[APIError], str] = {
    AuthenticationError: "The service refused the credentials; check the key or the client id and secret.",
    SubscriptionExpired: "The account's subscription is over; renew it on the service's dashboard.",
    DeviceOffline: f"The phone is offline. {PHONE_ADVICE}",
    RateLimited: "Too many requests; wait before the next one.",
    NotFound: "The service knows nothing under this GUID or address.",
    ServerError: "The service failed.",
    APIError: "The service refused the request.",
}


class Unreadable(Exception):
    """The bytes are not an answer of the service. Never leaves the library."""


class Answer(NamedTuple):
    """What the service said, whatever envelope it came in."""

    fields: dict[str, Any]
    """The content of the envelopes in one mapping; of an answer about one thing, with that of its only row."""
    found: list[Any]
    """The rows as they came. In an answer about one thing: what cannot be its only row."""
    code: str | None
    """The error code or word; "" for a refusal without one; None where all is well."""
    accepted: bool
    """Whether it says in so many words that all went well; beside a `code` that is a contradiction."""
    note: str | None = None
    """The service's explanation."""
    may_mean_empty: bool = False
    """Whether it can be the sent log's way to say "nothing found": a word of its own in `result`, and no rows."""

    def rows(self, model: type[Model]) -> list[Model]:
        """The rows as models. Raises ValueError where they are not rows at all."""
        if not self.found:
            for value in map(self.fields.get, _ROW_KEYS):
                if not isinstance(value, (list, dict)) and read_bool(value) is not False:  # text, or how many there are
                    raise ValueError(f"they are of type {type(value).__name__}")
        return model.all_from_wire(self.found)


def read_answer(body: bytes, *, about_one: bool = False) -> Answer:
    """Read any of the envelopes. Raises Unreadable for anything else.

    A list may also come bare, or without a mark of success; what is `about_one` thing must say how that went.
    """
    payload = _read_json(body)
    if isinstance(payload, list) and not about_one and not any(map(_is_whole_answer, payload)):
        payload = {"data": payload}
    if not isinstance(payload, dict) or not any(mark in payload for mark in (_MARKS if about_one else _LIST_MARKS)):
        raise Unreadable
    result = payload.get("result", {})
    if not isinstance(result, (dict, list)) and (read_bool(result) is not False or (about_one and len(payload) == 1)):
        raise Unreadable

    rows: list[list[Any]] = []
    layers = _open(payload, about_one, rows)
    fields: dict[str, Any] = {}
    for layer in layers:  # the inner one knows better, but an empty value says nothing, and the first handle is the one
        known = [key for key in GUID_KEYS if read_guid(fields.get(key))] if about_one else []
        fields.update(
            (key, value) for key, value in layer.items() if key not in known and not (is_empty(value) and key in fields)
        )

    success = [read_bool(layer["success"]) for layer in layers if not is_empty(layer.get("success"))]
    if None in success:
        raise Unreadable  # neither yes nor no
    sent = [read_bool(layer["sent"]) for layer in layers if not is_empty(layer.get("sent"))]
    codes = [code for layer in reversed(layers) if (code := _code_of(layer.get("error"))) is not None]
    code = max(codes, key=lambda code: (code in _BY_CODE, code != ""), default=None)
    may_mean_empty = "result" in payload and code is not None and code not in _BY_CODE and not rows
    if code is None and (False in success or (about_one and len(set(sent)) > 1)):
        code = ""
    return Answer(
        fields,
        rows[0] if rows else [],
        code,
        accepted=True in success or True in sent,
        note=_note_in(layers),
        may_mean_empty=may_mean_empty and False not in success,
    )


def error_for(
    status: int,
    answer: Answer | None,
    *,
    retry_after: float | None = None,
    secrets: Sequence[str] = (),
    personal: Sequence[str] = (),
) -> APIError:
    """The exception for an answer that says no, or that could not be read but has a status that does.

    What the service echoes of the `secrets` is masked everywhere; what it echoes of the request's `personal`
    values, in the exception's text.
    """
    code = mask_secrets((answer and answer.code) or "", secrets)[:_LONGEST_TEXT] or None
    note = mask_secrets((answer and answer.note) or "", secrets)[:_LONGEST_TEXT] or None
    kind = _BY_CODE.get(code or "") or _BY_STATUS.get(status) or (ServerError if status >= 500 else APIError)
    said = ", ".join(filter(None, [f"HTTP {status}", code and f"error {code}", note])).rstrip(".")
    text = f"{_MEANINGS[kind]} It said: {mask_secrets(said, personal)}."
    if kind is RateLimited:
        return RateLimited(text, code=code, status=status, note=note, retry_after=retry_after)
    return kind(text, code=code, status=status, note=note)


def _read_json(body: bytes) -> Any:
    payload = _read_any_json(body)
    # Notifications echo the API key (D). Most bodies have no such key, and long ones take long to walk through.
    return drop_keys(payload) if any(name.search(body) for name in _KEY_NAMES) else payload


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


def _code_of(error: object) -> str | None:
    """None where all is well: 0, "0", "", null, false, and what PHP makes of an empty array."""
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


def _open(layer: dict[str, Any], about_one: bool, rows: list[list[Any]]) -> list[dict[str, Any]]:
    """The envelope without those that stand in it, and then those, outermost first. The rows go into `rows`."""
    own, inner = dict(layer), list[dict[str, Any]]()
    held = {key: layer[key] for key in _HOLDERS if isinstance(layer.get(key), (dict, list)) and layer[key]}
    for key, content in held.items():
        listed, beside = (content, {}) if isinstance(content, list) else _rows_by_key(content, about_one)
        only = listed[0] if len(listed) == 1 else None
        if isinstance(only, dict) and (about_one or _is_refusal(only)):
            listed, beside = [], {**beside, **only}
        elif not (listed or about_one or key == "result" or len(held) > 1 or _is_about_the_call(beside)):
            listed, beside = [beside], {}  # one row, without a list around it
        if listed:
            rows.append(listed)
        else:
            del own[key]
        if beside:
            inner += _open(beside, about_one, rows)
    return [own, *inner]


def _rows_by_key(content: dict[str, Any], about_one: bool) -> tuple[list[Any], dict[str, Any]]:
    """The rows of an object, and what stands beside them. PHP writes a list with gaps as `{"0": {…}, "2": {…}}`.

    In a list the keys may also be phone numbers, and names.
    """
    held = {key: row for key, row in content.items() if isinstance(row, (dict, list))}
    are_named = not about_one and len(held) == len(content) and not held.keys() & _NO_NAMES
    rows = {key: row for key, row in held.items() if are_named or key.removeprefix("+").isdigit()}
    return list(rows.values()), {key: content[key] for key in content if key not in rows}


def _holds(content: dict[str, Any]) -> bool:
    return any(isinstance(content.get(key), (dict, list)) for key in _HOLDERS)


def _is_about_the_call(content: dict[str, Any]) -> bool:
    """Whether an object is no row, but says something about the call or about the list."""
    says_no = read_optional_bool(content.get("success")) is False
    return _holds(content) or content.keys() <= _BESIDE_ROWS or "connected_now" in content or says_no


def _is_refusal(row: dict[str, Any]) -> bool:
    """Whether a row says how the call went and nothing else. One that has an `error` among others is a row."""
    return row.keys() <= _BESIDE_ROWS and ("error" in row or "success" in row)


def _is_whole_answer(row: object) -> bool:
    return isinstance(row, dict) and ("result" in row or "success" in row)


def _note_in(layers: list[dict[str, Any]]) -> str | None:
    """The innermost explanation. What a row that has a recipient calls its message is no explanation, but an SMS."""
    for layer in reversed(layers):
        keys = _NOTE_KEYS[:1] if layer is not layers[0] and any(map(layer.get, _RECIPIENT_KEYS)) else _NOTE_KEYS
        for key in keys:
            if isinstance(text := layer.get(key), str) and text:
                return text
    return None
