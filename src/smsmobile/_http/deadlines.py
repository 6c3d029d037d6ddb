"""A read timeout that is a deadline for the whole answer, headers and body, not for each packet.

Without it a service that drips one byte every few seconds holds a thread for ever.
"""

from __future__ import annotations

import io
import socket
from contextlib import suppress
from http.client import HTTPResponse, RemoteDisconnected
from time import monotonic
from typing import Any


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


class DeadlineResponse(HTTPResponse):
    """An answer that is read until its deadline, and that takes nothing behind its end for the next answer."""

    def __init__(self, sock: socket.socket, *args: Any, deadline: float, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self._sock = sock
        self._reader = _DeadlineReader(self.fp.detach(), sock, deadline)
        self.fp = io.BufferedReader(self._reader)

    def begin(self) -> None:
        """Read the status and the headers."""
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
