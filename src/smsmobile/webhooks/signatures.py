"""Signs and verifies webhooks: HMAC-SHA256 over the exact bytes of a body, and the headers that carry it.

receiver.py checks the age of a request and handles unsigned ones.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from typing import Any, Protocol

from pydantic import SecretStr

from .._confidential import Unpicklable, safe_repr, without_frames
from ..auth._credentials import check_quotes
from ..errors import ConfigurationError

__all__ = ["Headers", "sign"]


def __dir__() -> list[str]:
    return __all__


TIMESTAMP_HEADER = "X-SMSMobileAPI-Timestamp"
SIGNATURE_HEADER = "X-SMSMobileAPI-Signature"
NEXT_SIGNATURE_HEADER = "X-SMSMobileAPI-Signature-Next"

_PREFIX = "v1="
_NEEDED = {name.lower(): name for name in (SIGNATURE_HEADER, NEXT_SIGNATURE_HEADER, TIMESTAMP_HEADER)}


class SupportsItems(Protocol):
    """Anything with `items()`: a mapping, and the header objects of the frameworks."""

    def items(self) -> Iterable[tuple[Any, Any]]:
        """Pairs of a header's name and its value."""
        ...


Headers = SupportsItems | Iterable[tuple[Any, Any]]
"""A mapping with names in any case, a WSGI environ, Django's META, or pairs (also of bytes)."""


@without_frames
def sign(body: bytes | bytearray | memoryview, secret: str | bytes | SecretStr, timestamp: int | str) -> str:
    """The signature header's value for a body, as the service computes it (D). For your own tests and tools.

    body: the exact bytes of the request.
    secret: the webhook's secret.
    timestamp: Unix seconds, as in the request's header `X-SMSMobileAPI-Timestamp`.

    Returns `v1=` and 64 lowercase hexadecimal digits.

    Raises TypeError for a body that is not bytes or a timestamp that is neither int nor str, and
    ConfigurationError for an unusable secret.
    """
    if isinstance(timestamp, bool) or not isinstance(timestamp, int | str):
        raise TypeError(f"timestamp is whole Unix seconds, an int or its digits, not {type(timestamp).__name__}.")
    return _signature(_keyed(secret), str(timestamp).encode() + b"." + raw_bytes(body))


def raw_bytes(body: object) -> bytes:
    """The body as `bytes`. Raises TypeError for text or parsed JSON, which the signature does not cover."""
    if isinstance(body, bytes | bytearray | memoryview):
        return bytes(body)
    raise TypeError(
        f"The webhook body must be the raw bytes of the request, not {type(body).__name__}: the signature covers "
        "the exact bytes, and decoding or parsing loses them. Pass request.body (Django), request.get_data() "
        "(Flask) or await request.body() (Starlette, FastAPI)."
    )


class SigningSecrets(Unpicklable):
    """The webhook secrets of one receiver. They never appear in a `repr` or an error."""

    __slots__ = ("_keyed",)

    @without_frames
    def __init__(self, secrets: str | bytes | SecretStr | Iterable[str | bytes | SecretStr] | None) -> None:
        """`secrets` is one secret or several. Raises ConfigurationError for an unusable one."""
        try:
            several: list[Any] = [secrets] if isinstance(secrets, str | bytes | SecretStr) else list(secrets or ())
        except TypeError:
            several = [secrets]  # whose type is then refused
        # With the keys in them already: a copy is faster than a new one, and shows no key in a traceback.
        self._keyed = tuple(map(_keyed, several))

    def __len__(self) -> int:
        return len(self._keyed)

    @safe_repr
    def __repr__(self) -> str:
        return f"<{len(self)} webhook secret{'' if len(self) == 1 else 's'}>"

    def made(self, signature: str, timestamp: str, body: bytes) -> bool:
        """Whether one of the secrets gives this signature. The comparison takes constant time."""
        # compare_digest raises TypeError for text that is not ASCII, and anybody can send such a header.
        if not (signature.isascii() and timestamp.isascii()):
            return False
        signed = timestamp.encode() + b"." + body
        # A loop rather than any(): a generator costs as much as the comparison.
        for keyed in self._keyed:  # noqa: SIM110
            if hmac.compare_digest(_signature(keyed, signed), signature):
                return True
        return False


def find_headers(headers: Headers) -> dict[str, str]:
    """The signature and timestamp headers that are present and not empty, under their documented names.

    Names match in any case, with `_` for `-`, and with WSGI's prefix `HTTP_`. Raises TypeError if `headers` is not a
    collection of headers.
    """
    found: dict[str, str] = {}
    pairs: Any = getattr(headers, "items", lambda: headers)()
    try:
        for name, value in pairs:
            known = _NEEDED.get(_text(name).lower().replace("_", "-").removeprefix("http-"))
            text = _text(value).strip()
            if known and text:
                found.setdefault(known, text)
    except (TypeError, ValueError):
        pass
    else:
        return found
    raise TypeError(
        f"headers must be a mapping, a WSGI environ or (name, value) pairs, not {type(headers).__name__}: "
        "pass request.headers."
    )


def _text(value: object) -> str:
    if isinstance(value, bytes):
        return value.decode("latin-1")
    return value if isinstance(value, str) else ""


def _keyed(secret: object) -> hmac.HMAC:
    return hmac.new(_key(secret), digestmod="sha256")


def _signature(keyed: hmac.HMAC, signed: bytes) -> str:
    mac = keyed.copy()
    mac.update(signed)
    return _PREFIX + mac.hexdigest()


def _key(secret: object) -> bytes:
    if isinstance(secret, SecretStr):
        secret = secret.get_secret_value()
    if isinstance(secret, str):
        check_quotes("A webhook secret", secret)
        # Lone surrogates cannot be encoded. "replace" avoids an error whose text would hold the secret.
        secret = secret.encode("utf-8", "replace")
    if not isinstance(secret, bytes):
        raise ConfigurationError(
            f"A webhook secret is text or bytes, not {type(secret).__name__}. "
            "Is SMSMOBILEAPI_WEBHOOK_SECRET set where this program runs?"
        )
    if not secret.strip():
        raise ConfigurationError("A webhook secret is empty: copy it from the webhook's page of your account.")
    if b"\n" in secret or b"\r" in secret:
        raise ConfigurationError("A webhook secret contains a line break: was it read from a file? Strip it first.")
    return secret
