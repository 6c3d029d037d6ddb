"""urllib3 connections that keep a deadline, and send a small request in one piece.

A failure to connect has one name, whatever it was: none of them came after the request left.
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

_ONE_PIECE = 16 * 1024


class _ConnectionMixin(HTTPConnection):
    _held: bytes | None = None
    """What waits to leave; None where nothing is held back."""

    def request(self, *args: Any, **kwargs: Any) -> None:
        """Send a small request in one piece: its headers and its form would be two packets."""
        self._held = b""
        try:
            super().request(*args, **kwargs)
            self._flush()
        finally:
            self._held = None

    def send(self, data: Any) -> None:
        """Send bytes, or hold them back until the request is complete."""
        if self._held is not None and len(self._held) + len(data) <= _ONE_PIECE:
            self._held += data
        else:
            self._flush()
            super().send(data)

    def _flush(self) -> None:
        held, self._held = self._held, None  # before it is sent: that may have to connect, and ask a proxy, first
        if held:
            super().send(held)

    def connect(self) -> None:
        """Connect, and call every failure by one name: none of them came after the request left.

        A certificate that does not verify keeps its own, since trying again would not help.
        """
        self._keep_deadline()  # for a proxy's answer too
        try:
            super().connect()
            if isinstance(self.sock, ssl.SSLSocket) and self.sock.version() is None:
                # ssl wraps a connection that the other side has just reset as if all were well.
                raise ConnectionResetError("the connection ended before TLS began")
        except (NewConnectionError, ConnectTimeoutError, ssl.SSLCertVerificationError):
            raise
        except TimeoutError as error:
            raise ConnectTimeoutError(self, f"timed out while connecting to {self.host}") from error
        except (OSError, HTTPException, HTTPError) as error:
            raise NewConnectionError(self, f"{type(error).__name__}: {error}") from error

    def getresponse(self) -> Any:
        """The answer, to be read until the deadline that begins now."""
        self._keep_deadline()
        return super().getresponse()

    def _keep_deadline(self) -> None:
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
    """Let a pool manager make pools of these connections."""
    manager.pool_classes_by_scheme = {"http": _HTTPPool, "https": _HTTPSPool}
