"""Signs deliveries of version 2 by section 6 of the contract, without any code of the client that verifies them."""

from __future__ import annotations

import hmac


def sign(body: bytes, secret: str, timestamp: int) -> str:
    """The value of the signature header."""
    signed = f"{timestamp}.".encode() + body
    return "v1=" + hmac.digest(secret.encode("utf-8", "replace"), signed, "sha256").hex()


def check_secret(secret: object) -> None:
    """Raises ValueError for what no receiver would accept as its secret."""
    if not isinstance(secret, str):
        raise ValueError(f"The secret of a webhook is text, not {type(secret).__name__}.")  # noqa: TRY004
    if not secret.strip():
        raise ValueError("A webhook secret is empty: leave it out for a webhook without signatures.")
    if "\n" in secret or "\r" in secret:
        raise ValueError("A webhook secret contains a line break: was it read from a file? Strip it first.")
