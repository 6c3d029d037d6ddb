"""Which exception an error of the service becomes: by its code, else by the HTTP status."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from .._redaction import mask_numbers, mask_secrets
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

CODES: dict[str, type[APIError]] = {
    "1": AuthenticationError,
    "2": DeviceOffline,
    "subscription_expire": SubscriptionExpired,
    "api_expired": SubscriptionExpired,
    "server_error": ServerError,
    "not_found": NotFound,
    "missing_apikey": AuthenticationError,
    "invalid_apikey": AuthenticationError,
    "missing_apikeybox": AuthenticationError,
    "invalid_apikeybox": AuthenticationError,
    "invalid_token": AuthenticationError,
    "invalid_client": AuthenticationError,
    "invalid_grant": AuthenticationError,
    "unauthorized_client": AuthenticationError,
    "unsupported_grant_type": AuthenticationError,
}
"""The known error codes; docs/service-facts.md has their sources."""
_BY_STATUS: dict[int, type[APIError]] = {
    401: AuthenticationError,
    403: AuthenticationError,
    404: NotFound,
    429: RateLimited,
}
MEANINGS: dict[type[APIError], str] = {
    AuthenticationError: "The service refused the credentials; check the API key, or the client id and secret.",
    SubscriptionExpired: "The account's subscription is over; renew it on the service's dashboard.",
    DeviceOffline: f"The phone is offline. {PHONE_ADVICE}",
    RateLimited: "Too many requests; wait before the next one.",
    NotFound: "The service knows nothing under this GUID or address.",
    ServerError: "The service failed.",
    APIError: "The service refused the request.",
}
"""What each kind says, in our own words."""
_NO_KEY = (
    "The service says that the API key is missing. It documents some operations, such as calls and notifications, with "
    "an API key only: if this client uses OAuth2, use one with api_key= for them."
)
_REFUSED_KEY = "The service refused the API key; check it. E-mail also needs the mailbox's own key."
_CLIENT = "The service refused the token, or the client id and secret; check these."
_MAILBOX_KEY = "The service refused the mailbox's key; check mailbox_key= or SMSMOBILEAPI_MAILBOX_KEY."
_BY_CODE = {
    "1": _REFUSED_KEY,
    "invalid_apikey": _REFUSED_KEY,
    "missing_apikey": _NO_KEY,
    **dict.fromkeys(("missing_apikeybox", "invalid_apikeybox"), _MAILBOX_KEY),
    **dict.fromkeys(("invalid_token", "invalid_client", "invalid_grant", "unauthorized_client"), _CLIENT),
}
_LONGEST_TEXT = 500
# No code is longer, and none has more digits: anything else may be a number or a message that the service repeats.
_CODE = re.compile(r"(?=[A-Za-z0-9_.-]{1,50}\Z)(?:[A-Za-z_.-]*[0-9]){0,4}[A-Za-z_.-]*")
_API_KEY = re.compile(r"\bapi[ _-]?key\b")


class Reply(NamedTuple):
    """What came back for a request, apart from its body."""

    status: int
    retry_after: float | None = None
    """Seconds, from `Retry-After`."""
    secrets: tuple[str, ...] = ()
    """Masked wherever the service repeats them."""


def known_kind(code: str | None, note: str | None) -> type[APIError] | None:
    """The exception for a known code, or for words that say that the key is missing; else None."""
    return CODES.get(code or "") or (AuthenticationError if _says_no_key(code, note) else None)


def refusal_for(reply: Reply, code: str | None, note: str | None, meaning: str = "") -> APIError:
    """The exception for a refusal. An answer that cannot be read is one too, if its status is an error.

    Its text has our own words, the status and the code. The service's words are in `note` alone: they may repeat the
    number and the message. With a `meaning` the kind does not depend on code and status.
    """
    status = reply.status
    kind = APIError if meaning else _kind(status, code, note)
    if not meaning:
        meaning = MEANINGS[kind]
        if kind is AuthenticationError:
            meaning = _about_the_key(code, note)
    code, note = _masked(code, reply.secrets), _masked(note, reply.secrets)
    if code and not _CODE.fullmatch(code):
        code, shown = mask_numbers(code), " and an error that is not a code"
    else:
        shown = f", error {code}" if code else ""
    explained = " Its explanation is in this error's `note`." if note else ""
    details: dict[str, Any] = {"code": code, "status": status, "note": note and mask_numbers(note)}
    if kind is RateLimited:
        details["retry_after"] = reply.retry_after
    return kind(f"{meaning} It answered HTTP {status}{shown}.{explained}", **details)


def _kind(status: int, code: str | None, note: str | None) -> type[APIError]:
    by_status = _BY_STATUS.get(status) or (ServerError if status >= 500 else None)
    if code in CODES or by_status is None:
        return known_kind(code, note) or APIError
    return by_status


def _about_the_key(code: str | None, note: str | None) -> str:
    if text := _BY_CODE.get(code or ""):
        return text
    if "apikeybox" in f"{code} {note}".lower():
        return _MAILBOX_KEY
    return _NO_KEY if _says_no_key(code, note) else MEANINGS[AuthenticationError]


def _says_no_key(code: str | None, note: str | None) -> bool:
    """Whether words say that the API key is missing: `Missing required param: apikey.` (D)."""
    said = f"{(code or '')[:_LONGEST_TEXT]} {(note or '')[:_LONGEST_TEXT]}".lower()
    return "missing" in said and _API_KEY.search(said) is not None


def _masked(text: str | None, secrets: tuple[str, ...]) -> str | None:
    return mask_secrets(text or "", secrets)[:_LONGEST_TEXT] or None
