"""urllib3 connections with a deadline for each answer. They send a small request in a single packet.

Failures to connect raise NewConnectionError or ConnectTimeoutError: the request had not left.
"""

from __future__ import annotations

import ssl
from functools import partial
from http.client import HTTPException
from time import monotonic
from typing import Any

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError

from .deadlines import DeadlineResponse

_BUFFER_SIZE = 16 * 1024


class _ConnectionMixin(HTTPConnection):
    _unsent: bytes | None = None
    """Bytes of the request that are not sent yet; None if writes are not buffered."""

    def request(self, *args: Any, **kwargs: Any) -> None:
        """Send a request. Headers and form of a small one are sent together, not as two packets."""
        self._unsent = b""
        try:
            super().request(*args, **kwargs)
            self._flush()
        finally:
            self._unsent = None

    def send(self, data: Any) -> None:
        """Send bytes, or buffer them until the request is complete."""
        if self._unsent is not None and len(self._unsent) + len(data) <= _BUFFER_SIZE:
            self._unsent += data
        else:
            self._flush()
            super().send(data)

    def _flush(self) -> None:
        # Stop buffering first: super().send() may connect, and send a CONNECT request to a proxy.
        data, self._unsent = self._unsent, None
        if data:
            super().send(data)

    def connect(self) -> None:
        """Connect. Every failure becomes a NewConnectionError or a ConnectTimeoutError: the request had not left.

        Only a certificate that does not verify raises its own error, since a retry would not help.
        """
        self._set_deadline()  # also for the answer of a proxy
        try:
            super().connect()
            if isinstance(self.sock, ssl.SSLSocket) and self.sock.version() is None:
                # ssl raises no error if the other side resets the connection at this point.
                raise ConnectionResetError("the connection ended before TLS began")
        except (NewConnectionError, ConnectTimeoutError, ssl.SSLCertVerificationError):
            raise
        except TimeoutError as error:
            raise ConnectTimeoutError(self, f"timed out while connecting to {self.host}") from error
        except (OSError, HTTPException, HTTPError) as error:
            raise NewConnectionError(self, f"{type(error).__name__}: {error}") from error

    def getresponse(self) -> Any:
        """Return the answer. Its timeout starts now."""
        self._set_deadline()
        return super().getresponse()

    def _set_deadline(self) -> None:
        if isinstance(self.timeout, (int, float)):
            self.response_class = partial(DeadlineResponse, deadline=monotonic() + self.timeout)  # type: ignore[assignment]


class _HTTPConnection(_ConnectionMixin, HTTPConnection):
    pass


class _HTTPSConnection(_ConnectionMixin, HTTPSConnection):
    pass


class _HTTPPool(HTTPConnectionPool):
    ConnectionCls: Any = _HTTPConnection


class _HTTPSPool(HTTPSConnectionPool):
    ConnectionCls: Any = _HTTPSConnection


def use_our_connections(manager: PoolManager) -> None:
    """Let a pool manager create pools of these connections."""
    manager.pool_classes_by_scheme = {"http": _HTTPPool, "https": _HTTPSPool}
