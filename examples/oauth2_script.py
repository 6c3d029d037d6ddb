"""Authenticate with OAuth2 client credentials, and share the token with other processes through files.

It runs on a sandbox of its own unless SMSMOBILEAPI_CLIENT_ID and SMSMOBILEAPI_CLIENT_SECRET are set. Then it sends two
SMS to SMSMOBILEAPI_RECIPIENT.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

from _connect import recipient

from smsmobile import OAuth2ClientCredentials, Settings, SMSMobileClient, Token
from smsmobile.sandbox import Sandbox


class FileTokenStore:
    """Stores tokens in files that only this user can read. Any class with these three methods works."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, key: str) -> Token | None:
        """The token under this key, or None."""
        try:
            return Token.model_validate_json(self._file(key).read_bytes())
        except FileNotFoundError:
            return None

    def set(self, key: str, token: Token) -> None:
        """Store the token. The replacement is atomic, so no other process reads half of it."""
        new = self._file(key).with_suffix(f".{os.getpid()}")
        new.touch(mode=0o600)
        new.write_text(token.model_dump_json())
        new.replace(self._file(key))

    def delete(self, key: str) -> None:
        """Delete the token."""
        self._file(key).unlink(missing_ok=True)

    def _file(self, key: str) -> Path:
        return self._folder / hashlib.sha256(key.encode()).hexdigest()


def main() -> None:
    """Send with two clients that share one token."""
    settings = Settings.from_env()
    if settings.client_id and settings.client_secret:
        send_twice(
            settings.client_id.get_secret_value(),
            settings.client_secret.get_secret_value(),
            settings.base_url,
            recipient(None),
        )
        return
    with Sandbox() as box:
        print(f"No OAuth2 client is configured. Using a local sandbox: {box.url}")
        send_twice(box.client_id, box.client_secret, box.url, recipient(box))
        print(f"tokens fetched: {box.tokens_issued}")


def send_twice(client_id: str, client_secret: str, base_url: str, to: str) -> None:
    """The second client reads the token that the first one has fetched."""
    with tempfile.TemporaryDirectory() as folder:
        store = FileTokenStore(Path(folder))
        for number in (1, 2):
            auth = OAuth2ClientCredentials(client_id, client_secret, store=store)
            with SMSMobileClient(auth, base_url=base_url) as client:
                sent = client.sms.send(to, f"Message {number} with OAuth2")
                print(f"{client!r}: accepted {sent.guid}")


if __name__ == "__main__":
    main()
