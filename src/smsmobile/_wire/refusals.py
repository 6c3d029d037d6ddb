"""Which exception an error of the service becomes: by its code, else by the HTTP status."""

from __future__ import annotations

from typing import Any, NamedTuple

from .._redaction import mask_secrets
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
_MEANINGS: dict[type[APIError], str] = {
    AuthenticationError: "The service refused the credentials; check the key or the client id and secret.",
    SubscriptionExpired: "The account's subscription is over; renew it on the service's dashboard.",
    DeviceOffline: f"The phone is offline. {PHONE_ADVICE}",
    RateLimited: "Too many requests; wait before the next one.",
    NotFound: "The service knows nothing under this GUID or address.",
    ServerError: "The service failed.",
    APIError: "The service refused the request.",
}
_LONGEST_TEXT = 500


class Reply(NamedTuple):
    """What came back for a request, apart from its body."""

    status: int
    retry_after: float | None = None
    """Seconds, from `Retry-After`."""
    secrets: tuple[str, ...] = ()
    """Masked wherever the service repeats them."""
    personal: tuple[str | int, ...] = ()
    """The request's own values. Masked in the exception's text."""


def refusal_for(reply: Reply, code: str | None, note: str | None) -> APIError:
    """The exception for a refusal. An answer that cannot be read is one too, if its status is an error."""
    code = mask_secrets(code or "", reply.secrets)[:_LONGEST_TEXT] or None
    note = mask_secrets(note or "", reply.secrets)[:_LONGEST_TEXT] or None
    status = reply.status
    kind = CODES.get(code or "") or _BY_STATUS.get(status) or (ServerError if status >= 500 else APIError)
    said = ", ".join(filter(None, (f"HTTP {status}", code and f"error {code}", note))).rstrip(".")
    details: dict[str, Any] = {"code": code, "status": status, "note": note}
    if kind is RateLimited:
        details["retry_after"] = reply.retry_after
    return kind(
        f"{_MEANINGS[kind]} It said: {mask_secrets(said, [str(value).removeprefix('+') for value in reply.personal])}.",
        **details,
    )
