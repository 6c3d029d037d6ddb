"""Bytes to an `Answer`: the three envelopes of the service, its error codes, and what PHP prints in front of them.

Which endpoint was asked, and what to do about a failure, is the transport's business.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from itertools import islice
from typing import Any, NamedTuple

from .errors import (
    PHONE_ADVICE,
    APIError,
    AuthenticationError,
    DeviceOffline,
    NotFound,
    RateLimited,
    ServerError,
    SubscriptionExpired,
)
from .redaction import mask_secrets
from .wire import Model, is_empty, read_flag, read_json

# "access_token" stands for the answer of RFC 6749, the only one without an envelope.
_MARKS = ("result", "success", "error", "access_token")
_ROW_KEYS = ("sms", "data", "rows", "items", "conversations")
_NOTE_KEYS = ("note", "message", "messages", "error_description")
_OBJECT_START = re.compile(rb'\{\s*"')
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
    """The envelope's content, `result` or not, in one mapping."""
    code: str | None
    """The error code or word; "" for a refusal without one; None where all is well."""
    accepted: bool
    """Whether it says in so many words that all went well; beside a `code` that is a contradiction."""
    in_result: bool = False
    """Whether it came in the `result` envelope."""

    @property
    def note(self) -> str | None:
        """The service's explanation."""
        for key in _NOTE_KEYS:
            if isinstance(text := self.fields.get(key), str) and text:
                return text
        return None

    @property
    def may_mean_empty(self) -> bool:
        """Whether it can be the sent log's way to say "nothing found": a word of its own in `result`, and no rows."""
        return self.in_result and self.code not in _BY_CODE and not any(self.fields.get(key) for key in _ROW_KEYS)

    def rows(self, model: type[Model]) -> list[Model]:
        """The rows as models. Raises ValueError where they are not rows at all."""
        rows: Any = next((self.fields[key] for key in _ROW_KEYS if not is_empty(self.fields.get(key))), [])
        if isinstance(rows, dict):  # PHP writes a list with gaps as an object: {"0": {…}, "2": {…}}
            rows = list(rows.values())
        if not isinstance(rows, list):
            raise ValueError(f"they are of type {type(rows).__name__}")  # noqa: TRY004 - the wire's value, not an argument
        return model.all_from_wire(rows)


def read_answer(body: bytes) -> Answer:
    """Read any of the envelopes. Raises Unreadable for anything else."""
    payload = _read_json(body)
    if not isinstance(payload, dict) or not any(mark in payload for mark in _MARKS):
        raise Unreadable
    fields = dict(payload)
    if "result" in payload:
        result = fields.pop("result")
        if isinstance(result, dict):
            fields.update(result)
        elif isinstance(result, list):
            fields["sms"] = result
        else:
            raise Unreadable
    elif isinstance(payload.get("data"), dict) and not _looks_like_rows(payload["data"]):
        fields.update(payload["data"])

    code = _code_of(fields.get("error"))
    if code is None:  # "result" may say that all is well beside an envelope that does not
        code = _code_of(payload.get("error"))
    success = None if is_empty(payload.get("success")) else read_flag(payload["success"])
    if success is None and not is_empty(payload.get("success")):
        raise Unreadable  # neither yes nor no
    if success is False:
        code = code or ""
    accepted = success is True or read_flag(fields.get("sent")) is True
    return Answer(fields, code, accepted, in_result="result" in payload)


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
    text = str(error).strip()
    return None if text.lower() in ("", "0", "no", "false") else text


def _looks_like_rows(data: dict[str, Any]) -> bool:
    return not any(key in data for key in _ROW_KEYS) and all(isinstance(row, dict) for row in data.values())
