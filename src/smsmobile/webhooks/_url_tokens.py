"""The secret in the URL of a version 1 webhook, which is all that protects one: these are never signed."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets

from pydantic import SecretStr

from .._confidential import Unpicklable, safe_repr
from ..errors import ConfigurationError

__all__ = ["URLToken", "new_url_token"]


def __dir__() -> list[str]:
    return __all__


_SHORTEST = 20
"""Characters. Nobody can try out that many."""
_UNCHANGED_IN_A_URL = re.compile(r"[A-Za-z0-9._~-]+")


def new_url_token() -> str:
    """A new secret for the URL of a version 1 webhook: 43 letters, digits, `-` and `_`. Keep it as you keep a password.

    See `WebhookEndpoint`.
    """
    return secrets.token_urlsafe(32)


class URLToken(Unpicklable):
    """One token. Only its hash is kept, so that nothing can show it."""

    __slots__ = ("_hash",)

    def __init__(self, token: object) -> None:
        """Raises ConfigurationError for a token that is unusable or too short. No error shows it."""
        if isinstance(token, SecretStr):
            token = token.get_secret_value()
        if not isinstance(token, str):
            raise ConfigurationError(
                f"url_token is of type {type(token).__name__}; expected text. Make one with new_url_token(), and read "
                "it from your settings."
            )
        if len(token) < _SHORTEST or not _UNCHANGED_IN_A_URL.fullmatch(token):
            raise ConfigurationError(
                f"url_token has {len(token)} characters; expected at least {_SHORTEST}, and only letters, digits and "
                "-._~ as they need no escapes in a URL. Make one with new_url_token()."
            )
        self._hash = _hash(token)

    def equals(self, given: str | None) -> bool:
        """Whether this is the token. The comparison takes constant time."""
        return given is not None and hmac.compare_digest(_hash(given), self._hash)

    @safe_repr
    def __repr__(self) -> str:
        return "<URLToken: ***>"


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()
