"""A requests adapter whose read timeout is a deadline for the whole answer, headers and body, not for each packet.

Without it a service that drips one byte every few seconds holds a thread for ever. What is read lives in transport.py.
"""

from __future__ import annotations

import io
import socket
import ssl
from contextlib import suppress
from functools import partial
from http.client import HTTPException, HTTPResponse, RemoteDisconnected
from time import monotonic
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError


class _DeadlineReader(io.RawIOBase):
    """A socket's bytes until the deadline; then TimeoutError."""

    def __init__(self, raw: Any, sock: socket.socket, deadline: float) -> None:
        self._raw = raw
        self._sock = sock
        self._deadline = deadline
        self.at_end = False
        self.hung_up = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if self.at_end:
            return 0
        remaining = self._deadline - monotonic()
        if remaining <= 0:
            raise TimeoutError("timed out")
        self._sock.settimeout(remaining)
        count: int | None = self._raw.readinto(buffer)
        self.hung_up = count == 0
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()


class _DeadlineResponse(HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, deadline: float, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self._sock = sock
        self._reader = _DeadlineReader(self.fp.detach(), sock, deadline)
        self.fp = io.BufferedReader(self._reader)

    def begin(self) -> None:
        super().begin()
        if self._reader.hung_up:  # http.client takes that for the end of the headers
            raise RemoteDisconnected("connection closed within the headers")

    def _read_next_chunk_size(self) -> int:
        size: int = super()._read_next_chunk_size()  # type: ignore[misc]
        if size < 0:  # http.client would read on without end
            raise ValueError("negative chunk size")
        return size

    def _close_conn(self) -> None:
        """At the end of the answer. What came behind it must not be taken for the answer to the next request."""
        self._reader.at_end = True
        unread = getattr(self._sock, "pending", int)()  # what TLS has decrypted: no poll of the socket shows it
        if unread or self.fp.peek():
            with suppress(OSError):
                self._sock.shutdown(socket.SHUT_RDWR)  # the pool looks whether a connection has ended
        super()._close_conn()  # type: ignore[misc]


class _DeadlineMixin(HTTPConnection):
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
        self._keep_deadline()
        return super().getresponse()

    def _keep_deadline(self) -> None:
        if isinstance(self.timeout, (int, float)):
            self.response_class = partial(_DeadlineResponse, deadline=monotonic() + self.timeout)  # type: ignore[assignment]


class _DeadlineHTTPConnection(_DeadlineMixin, HTTPConnection):
    pass


class _DeadlineHTTPSConnection(_DeadlineMixin, HTTPSConnection):
    pass


class _DeadlineHTTPPool(HTTPConnectionPool):
    ConnectionCls = _DeadlineHTTPConnection


class _DeadlineHTTPSPool(HTTPSConnectionPool):
    ConnectionCls = _DeadlineHTTPSConnection


class DeadlineAdapter(HTTPAdapter):
    """requests' adapter, through connections that keep a deadline."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Build the pools as requests does, of our connections."""
        super().init_poolmanager(*args, **kwargs)
        _keep_deadlines(self.poolmanager)

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        """The same for pools behind a proxy."""
        manager = super().proxy_manager_for(*args, **kwargs)
        _keep_deadlines(manager)
        return manager

    def close(self) -> None:
        """Close the connections now; urllib3 would when the last reference to their pool is gone, a traceback's too."""
        for manager in (self.poolmanager, *self.proxy_manager.values()):
            for key in manager.pools.keys():  # noqa: SIM118 - it cannot be iterated
                if pool := manager.pools.get(key):
                    pool.close()
        super().close()


def _keep_deadlines(manager: PoolManager) -> None:
    manager.pool_classes_by_scheme = {"http": _DeadlineHTTPPool, "https": _DeadlineHTTPSPool}
