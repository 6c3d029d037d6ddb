"""Who may call: the API key, the OAuth2 client, and the tokens issued to it.

Where in a request they stand is read in app.py.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from . import answers
from .ledger import Ledger
from .parameters import Parameters
from .refusals import invalid_token, token_request


class Credentials:
    """One account's credentials. All of them are new and random for each sandbox."""

    def __init__(self, ledger: Ledger) -> None:
        self.api_key = secrets.token_hex(24)
        self.client_id = secrets.token_hex(16)
        self.client_secret = secrets.token_hex(32)
        self.token_lifetime: float | None = 3600
        self.tokens_issued = 0
        self._ledger = ledger
        self._expiry_of: dict[str, datetime | None] = {}

    def issue(self, given: Parameters) -> answers.Answer:
        """The answer of `/oauth2/token`; raises the errors of RFC 6749 section 5.2."""
        grant = given.get("grant_type", "")
        if not grant:
            raise token_request(400, "invalid_request", "grant_type is missing.")
        if grant != "client_credentials":
            raise token_request(400, "unsupported_grant_type", "Only client_credentials is supported.")
        if (given.get("client_id"), given.get("client_secret")) != (self.client_id, self.client_secret):
            raise token_request(401, "invalid_client", "Unknown client, or wrong secret.")
        token = secrets.token_urlsafe(32)
        with self._ledger.lock:
            lifetime = self.token_lifetime
            expiry = None if lifetime is None else self._ledger.now() + timedelta(seconds=lifetime)
            self._expiry_of[token] = expiry
            self.tokens_issued += 1
        return answers.token(token, None if lifetime is None else int(lifetime))

    def check_token(self, token: str) -> None:
        """Raise the 401 for a token that is unknown, expired or revoked."""
        with self._ledger.lock:
            if token not in self._expiry_of:
                raise invalid_token()
            expiry = self._expiry_of[token]
            if expiry is not None and self._ledger.now() >= expiry:
                raise invalid_token()

    def revoke_tokens(self) -> None:
        """Forget all tokens."""
        with self._ledger.lock:
            self._expiry_of.clear()
