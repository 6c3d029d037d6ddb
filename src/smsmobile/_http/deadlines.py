"""HTTP answers with one deadline for the whole answer: status, headers and body.

A plain read timeout starts again with each packet, so a service that sends one byte every few seconds blocks forever.
"""

from __future__ import annotations

import io
import socket
from contextlib import suppress
from http.client import HTTPResponse, RemoteDisconnected
from time import monotonic
from typing import Any

_SLACK = 0.05
"""Seconds by which a timeout of ours may seem to come too early."""


class ForeignTimeout(Exception):
    """Carries a TimeoutError that is not ours past urllib3, which would take it for one. Never leaves this package."""

    def __init__(self, error: TimeoutError) -> None:
        super().__init__()
        self.error = error


def refuse_foreign_timeout(error: BaseException, deadline: float | None) -> None:
    """Raise ForeignTimeout if a signal handler has raised this TimeoutError, before our deadline.

    The system's own has an errno.
    """
    cause = error if isinstance(error, TimeoutError) else error.__cause__
    if not isinstance(cause, TimeoutError) or cause.errno is not None:
        return
    if deadline is not None and monotonic() < deadline - _SLACK:
        raise ForeignTimeout(cause) from None


class _DeadlineReader(io.RawIOBase):
    """Reads from a socket until the deadline, then raises TimeoutError."""

    def __init__(self, raw: Any, sock: socket.socket, deadline: float) -> None:
        self._raw = raw
        self._sock = sock
        self._deadline = deadline
        self.is_finished = False
        """Set at the end of the answer: nothing more is read."""
        self.was_closed = False
        """Whether the other side has closed the connection."""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if self.is_finished:
            return 0
        remaining = self._deadline - monotonic()
        if remaining <= 0:
            raise TimeoutError("timed out")
        self._sock.settimeout(remaining)
        try:
            count: int | None = self._raw.readinto(buffer)
        except TimeoutError as error:
            refuse_foreign_timeout(error, self._deadline)
            raise
        self.was_closed = count == 0
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()


class DeadlineResponse(HTTPResponse):
    """An answer that must arrive before a deadline. Bytes after its end close the connection."""

    def __init__(self, sock: socket.socket, *args: Any, deadline: float, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self._sock = sock
        self._reader = _DeadlineReader(self.fp.detach(), sock, deadline)
        self.fp = io.BufferedReader(self._reader)

    def begin(self) -> None:
        """Read the status and the headers."""
        super().begin()
        if self._reader.was_closed:  # http.client takes it for the end of the headers
            raise RemoteDisconnected("connection closed within the headers")

    def _read_next_chunk_size(self) -> int:
        size: int = super()._read_next_chunk_size()  # type: ignore[misc]
        if size < 0:  # http.client would never stop reading
            raise ValueError("negative chunk size")
        return size

    def _close_conn(self) -> None:
        """Called at the end of the answer. Bytes after it must not become the answer to the next request."""
        self._reader.is_finished = True
        unread = getattr(self._sock, "pending", int)()  # bytes that TLS has decrypted already: a poll misses them
        if unread or self.fp.peek():
            with suppress(OSError):
                self._sock.shutdown(socket.SHUT_RDWR)  # the pool drops connections that were shut down
        super()._close_conn()  # type: ignore[misc]
