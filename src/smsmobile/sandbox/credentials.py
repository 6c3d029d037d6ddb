"""Who may call: the API key, the OAuth2 client, and the tokens issued to it.

Where in a request they stand is read in app.py.
"""

from __future__ import annotations

import secrets
from datetime import timedelta

from .errors import invalid_token, token_request
from .parameters import Parameters
from .routes import Answer
from .rows import Account, Token
from .store import Store


def new_account(api_key: str | None = None, client_id: str | None = None, client_secret: str | None = None) -> Account:
    """An account; credentials that are not given are random."""
    return Account(
        api_key=api_key or secrets.token_hex(24),
        client_id=client_id or secrets.token_hex(16),
        client_secret=client_secret or secrets.token_hex(32),
    )


class Credentials:
    """Checks credentials, and issues tokens."""

    def __init__(self, store: Store) -> None:
        self.tokens_issued = 0
        self._store = store

    def is_key(self, key: str) -> bool:
        """Whether this is the account's API key."""
        return secrets.compare_digest(key.encode(), self._store.account.api_key.encode())

    def issue(self, given: Parameters) -> Answer:
        """The answer of `/oauth2/token` (RFC 6749 section 5.1); raises the errors of its section 5.2."""
        account = self._store.account
        grant = given.get("grant_type", "")
        if not grant:
            raise token_request(400, "invalid_request", "grant_type is missing.")
        if grant != "client_credentials":
            raise token_request(400, "unsupported_grant_type", "Only client_credentials is supported.")
        if (given.get("client_id"), given.get("client_secret")) != (account.client_id, account.client_secret):
            raise token_request(401, "invalid_client", "Unknown client, or wrong secret.")
        lifetime = account.token_lifetime
        expiry = None if lifetime is None else self._store.now() + timedelta(seconds=lifetime)
        for old in list(self._store.tokens):
            if old.expires_at is not None and old.expires_at <= self._store.now():
                self._store.tokens.remove(old.key)
        token = self._store.tokens.put(Token(secrets.token_urlsafe(32), expiry))
        self.tokens_issued += 1
        answer: Answer = {"access_token": token.value, "token_type": "Bearer"}
        if lifetime is not None:
            answer["expires_in"] = int(lifetime)
        return answer

    def check_token(self, value: str) -> None:
        """Raise the 401 for a token that is unknown, expired or revoked."""
        token = self._store.tokens.get(value)
        if token is None or (token.expires_at is not None and self._store.now() >= token.expires_at):
            raise invalid_token()

    def revoke_tokens(self) -> None:
        """Forget all tokens."""
        self._store.tokens.clear()
