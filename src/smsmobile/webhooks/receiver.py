"""The receiver of webhooks: it verifies the signature, checks the age and parses the event, in one call.

Signatures are computed in signatures.py; the events are in events.py.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterable
from typing import ClassVar

from pydantic import SecretStr

from .._confidential import Unpicklable, safe_repr, without_frames
from .._input.arguments import check_seconds
from ..errors import ConfigurationError, SignatureMismatch, TimestampOutOfTolerance
from .events import AnyEvent, check_size, read_event, read_object
from .signatures import (
    NEXT_SIGNATURE_HEADER,
    SIGNATURE_HEADER,
    TIMESTAMP_HEADER,
    Headers,
    SigningSecrets,
    find_headers,
    raw_bytes,
)
from .v1 import read_v1

__all__ = ["WebhookReceiver"]


def __dir__() -> list[str]:
    return __all__


class WebhookReceiver(Unpicklable):
    """Verifies a request of the service and turns it into an event.

        receiver = WebhookReceiver(secrets=[os.environ["SMSMOBILEAPI_WEBHOOK_SECRET"]])
        event = receiver.receive(request.get_data(), request.headers)

    `WebhookEndpoint` calls it, handles each event once, and decides what is answered.

    A receiver is immutable, so threads can share it. It cannot be pickled or copied.
    """

    _instead: ClassVar[str] = "share it among threads, and make one in each process"

    @without_frames
    def __init__(
        self,
        secrets: str | bytes | SecretStr | Iterable[str | bytes | SecretStr] | None = (),
        tolerance: float = 300,
        allow_unsigned: bool = False,
    ) -> None:
        """Make a receiver.

        secrets: all secrets that are accepted; during a rotation the old one and the new one. One of `Settings` can be
            passed as it is.
        tolerance: how many seconds the timestamp may differ from this machine's clock, in either direction. The
            service recommends 300 (D).
        allow_unsigned: also parse requests without a signature, of either version, as events with `signed=False`.
            Anybody can forge these: use it for development. For version 1 there is `WebhookEndpoint(url_token=…)`.

        Raises ConfigurationError for an unusable secret or tolerance, and if there is no secret while unsigned
        requests are not allowed.
        """
        self._secrets = SigningSecrets(secrets)
        self._tolerance = check_seconds("tolerance", tolerance, above_zero=True, error=ConfigurationError)
        self._allow_unsigned = allow_unsigned
        if allow_unsigned:
            warnings.warn(
                "allow_unsigned=True: anybody who finds this webhook's address can send events to it. "
                "Check event.signed before you act on one.",
                UserWarning,
                stacklevel=3,  # past without_frames
            )
        elif not self._secrets:
            raise ConfigurationError(
                "A WebhookReceiver needs the webhook's secret: secrets=[...], usually from the environment "
                "variable SMSMOBILEAPI_WEBHOOK_SECRET. For version 1 webhooks, which are never signed, use parse_v1."
            )

    def receive(self, body: bytes | bytearray | memoryview, headers: Headers) -> AnyEvent:
        """Verify a request, then parse it.

        body: the raw bytes of the request, at most 1 MiB.
        headers: a mapping with names in any case, a framework's headers, a WSGI `environ`, Django's `request.META`, or
            (name, value) pairs.

        Returns one of the event classes of this package, an UnknownEvent for a type they do not cover. A type checker
        can tell whether a `match` over them is complete.

        Raises TypeError for a body that is not bytes or headers that are not a collection, SignatureMismatch,
        TimestampOutOfTolerance and MalformedPayload. Their texts hold nothing of the request.
        """
        raw = body if type(body) is bytes else raw_bytes(body)
        check_size(raw)
        timestamp = self._verified_timestamp(raw, headers)
        if timestamp is None:
            return _read_unsigned(raw)
        self._check_age(timestamp)
        return read_event(raw, signed=True)

    def _verified_timestamp(self, body: bytes, headers: Headers) -> str | None:
        """The signed timestamp; None for an unsigned request if these are allowed."""
        get = getattr(headers, "get", None)
        if get is not None:
            # The usual case: headers that find a name as it is documented.
            signature, timestamp = get(SIGNATURE_HEADER), get(TIMESTAMP_HEADER)
            if type(signature) is type(timestamp) is str and self._secrets.made(signature, timestamp, body):
                return timestamp

        found = find_headers(headers)
        signatures = [found[name] for name in (SIGNATURE_HEADER, NEXT_SIGNATURE_HEADER) if name in found]
        if not signatures:
            if self._allow_unsigned:
                return None
            raise SignatureMismatch(
                f"The header {SIGNATURE_HEADER} is missing. Version 1 webhooks are never signed: for these use "
                "parse_v1. For version 2, check whether a proxy drops the header."
            )
        if TIMESTAMP_HEADER not in found:
            raise SignatureMismatch(f"The header {TIMESTAMP_HEADER} is missing; the signature covers it.")
        if not any(self._secrets.made(signature, found[TIMESTAMP_HEADER], body) for signature in signatures):
            raise SignatureMismatch(
                f"The signature was made with none of the secrets ({len(self._secrets)} configured), or the body "
                "is not the bytes that were sent. Check SMSMOBILEAPI_WEBHOOK_SECRET, and that nothing decodes or "
                "reformats the body first."
            )
        return found[TIMESTAMP_HEADER]

    def _check_age(self, timestamp: str) -> None:
        age: float | None
        try:
            age = time.time() - int(timestamp)
        except (ValueError, OverflowError):
            age = None
        if age is None:
            raise TimestampOutOfTolerance(f"The header {TIMESTAMP_HEADER} is not a count of Unix seconds.")
        if abs(age) > self._tolerance:
            raise TimestampOutOfTolerance(
                f"The request was signed {abs(age):.0f} s {'ago' if age > 0 else 'in the future'}, and at most "
                f"{self._tolerance:g} s are tolerated: a replay, or a clock that is wrong (see NTP)."
            )

    @safe_repr
    def __repr__(self) -> str:
        unsigned = ", allow_unsigned=True" if self._allow_unsigned else ""
        return f"<WebhookReceiver: {len(self._secrets)} secret(s), tolerance={self._tolerance:g} s{unsigned}>"


def _read_unsigned(body: bytes) -> AnyEvent:
    # Only version 2 has types.
    return read_event(body, signed=False) if "type" in read_object(body) else read_v1(body)
