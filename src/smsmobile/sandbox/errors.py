"""The contract's error rows: how the service says no, each with its status and body.

When it says no is decided in parameters.py, credentials.py and service/.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class Refusal(Exception):
    """An answer that is an error."""

    def __init__(self, status: int, body: dict[str, Any], headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status, body)
        self.status = status
        self.body = body
        self.headers = dict(headers or {})


def in_words(message: str) -> Refusal:
    """A 400 that has no code."""
    return Refusal(400, {"success": False, "message": message})


def missing_param(name: str) -> Refusal:
    """A required parameter is absent or empty."""
    return in_words(f"Missing required param: {name}.")


def invalid_param(name: str) -> Refusal:
    """A parameter cannot be understood. The contract shows no text for most: it has the shape of a missing one."""
    return in_words(f"Invalid param: {name}.")


def missing_apikey() -> Refusal:
    """Neither a key nor a token."""
    return Refusal(400, {"success": False, "error": "missing_apikey"})


def invalid_apikey() -> Refusal:
    """A key that no account has."""
    return Refusal(403, {"success": False, "error": "invalid_apikey"})


def invalid_token() -> Refusal:
    """A token that was never issued, has expired, or was revoked (RFC 6750 section 3.1)."""
    text = "The access token is unknown, expired or revoked."
    body = {"error": "invalid_token", "error_description": text, "message": text}
    return Refusal(401, body, {"WWW-Authenticate": 'Bearer error="invalid_token"'})


def invalid_apikeybox() -> Refusal:
    """A key that no mailbox of the account has."""
    return Refusal(403, {"success": False, "error": "invalid_apikeybox"})


def retrieval_off() -> Refusal:
    """Received WhatsApp messages are only kept once their retrieval was switched on."""
    text = "Retrieval of WhatsApp messages is off: switch it on with /getwa/active/?statut=1."
    return _about_window("retrieval_inactive", text)


def no_window() -> Refusal:
    """Nobody has asked for a synchronisation window yet, or not since retrieval was switched on."""
    text = "No synchronisation window was asked for: call /getwa/synchronisation/ first."
    return _about_window("synchronisation_required", text)


def window_ended(expire_at: str) -> Refusal:
    """The synchronisation window is over."""
    text = f"The synchronisation window ended at {expire_at} GMT: call /getwa/synchronisation/ for a new one."
    return _about_window("synchronisation_expired", text)


def token_request(status: int, error: str, description: str) -> Refusal:
    """An error of the token endpoint (RFC 6749 section 5.2)."""
    return Refusal(status, {"error": error, "error_description": description}, {"Cache-Control": "no-store"})


def api_expired() -> Refusal:
    """The subscription is over; for everything but a send."""
    return Refusal(403, {"success": False, "error": "api_expired"})


def subscription_expire() -> Refusal:
    """The subscription is over; for a send."""
    return _in_result("subscription_expire", "the subscription has expired")


def phone_offline() -> Refusal:
    """The phone is not connected: nothing was queued."""
    return _in_result(2, "the mobile is not connected")


def not_in_error() -> Refusal:
    """Only a failed message can be sent again."""
    return _in_result("not_in_error", "this message is not in an error state")


def refused_recipient(error: str) -> Refusal:
    """The API does not send to this number."""
    return Refusal(200, {"result": {"error": error, "sent": "api_error", "note": "the API refused this recipient"}})


def not_found() -> Refusal:
    """No message has this GUID."""
    return Refusal(404, {"success": False, "error": "not_found", "message": "No message has this guid."})


def _about_window(error: str, text: str) -> Refusal:
    return Refusal(200, {"error": error, "messages": text})


def _in_result(error: int | str, note: str) -> Refusal:
    return Refusal(200, {"result": {"error": error, "sent": "no", "note": note}})
