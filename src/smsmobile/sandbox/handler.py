"""Reads the requests of one connection and writes their answers: HTTP/1.1 for a WSGI application.

Which connections there are is decided in server.py, what is answered in app.py.
"""

from __future__ import annotations

import re
import socket
import struct
import sys
from contextlib import closing, suppress
from email.errors import (
    FirstHeaderLineIsContinuationDefect,
    MisplacedEnvelopeHeaderDefect,
    MissingHeaderBodySeparatorDefect,
)
from http.server import BaseHTTPRequestHandler
from typing import Any, NoReturn
from urllib.parse import urlsplit

from .fault_injection import CONNECTION
from .wsgi import BAD_REQUEST, IDENT, Answer, ask, environment

IDLE_FOR = 120.0
"""Seconds after which a connection is closed on which nothing moves."""
LARGEST_BODY = 64 * 1024 * 1024
"""What is read at all: of less, app.py says that it is too large."""

_BROKEN_HEAD = (
    FirstHeaderLineIsContinuationDefect,
    MisplacedEnvelopeHeaderDefect,
    MissingHeaderBodySeparatorDefect,
)
"""What the parser, which is one of e-mails, says of lines that are no headers: it passes over those that follow."""
_LENGTH = re.compile(r"[0-9]{1,18}")
_CHUNK = re.compile(rb"([0-9a-fA-F]{1,8})[ \t]*(?:;.*)?\r?\n")
_RESET_AT_CLOSE = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)


class Handler(BaseHTTPRequestHandler):
    """One connection. It is also what the faults of fault_injection.py break."""

    protocol_version = "HTTP/1.1"
    default_request_version = "HTTP/1.0"  # without it, what is no HTTP is refused without a status
    timeout = IDLE_FOR
    disable_nagle_algorithm = True
    wbufsize = -1  # the head leaves together with the beginning of the body
    server: Any  # the Server of server.py, which imports this module

    def answer(self) -> None:
        """Answer the request whose head was read."""
        target, body = self._target(), self._body()
        if target is None or body is None:
            self._send(BAD_REQUEST)
        elif not self.server.begin(self.connection):
            self.close_connection = True
        else:
            more = {"SERVER_PORT": str(self.server.port), CONNECTION: self}
            self._send(ask(self.server.app, environment(self.command, target, self.headers.items(), body, **more)))
            self.server.rest(self.connection)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_TRACE = answer  # noqa: N815

    def finish(self) -> None:
        """Close both files, also where nobody reads any more: else the socket would stay open."""
        with self.rfile, suppress(OSError):
            self.wfile.close()

    def handle_expect_100(self) -> bool:
        """Tell a client that waits for it to send the body."""
        is_expected = super().handle_expect_100()
        self.wfile.flush()
        return is_expected

    def version_string(self) -> str:
        """The `Server` header of http.server's own errors."""
        return IDENT

    def log_message(self, format: str, *_: object) -> None:  # noqa: A002
        """Say nothing."""

    def pause(self, seconds: float) -> None:
        """As fault_injection.py says."""
        self.server.ending.wait(seconds)

    def reset(self) -> NoReturn:
        """As fault_injection.py says."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_AT_CLOSE)
        raise ConnectionResetError

    def cut(self) -> NoReturn:
        """As fault_injection.py says."""
        raise ConnectionAbortedError

    def _send(self, answer: Answer) -> None:
        with closing(answer.pieces):
            self.send_response_only(answer.status, answer.reason)
            for name, value in answer.headers:
                self.send_header(name, value)
            if answer.status not in (204, 304) and not any(
                name.lower() == "content-length" for name, _ in answer.headers
            ):
                self.send_header("Connection", "close")  # it ends where the connection does
            self.end_headers()
            for piece in answer.pieces:
                self.wfile.write(piece)
                self.wfile.flush()
            self.wfile.flush()

    def _target(self) -> str | None:
        """The path and the query; None where they cannot be."""
        if self.path.startswith("/"):
            return self.path
        try:  # as a client of a proxy says it
            return urlsplit(self.path)._replace(scheme="", netloc="").geturl()
        except ValueError:
            return None

    def _body(self) -> bytes | None:
        """The whole body; None where the head says nothing that can be, or not clearly where the body ends."""
        codings = self.headers.get_all("Transfer-Encoding", [])
        lengths = self.headers.get_all("Content-Length", [])
        is_broken = any(isinstance(defect, _BROKEN_HEAD) for defect in self.headers.defects)
        if is_broken or any(name != name.strip() for name in self.headers) or len(codings + lengths) > 1:
            return None
        if codings:
            return self._chunks() if codings[0].lower() == "chunked" else None
        length = lengths[0] if lengths else "0"
        return self._read(int(length)) if _LENGTH.fullmatch(length) and int(length) <= LARGEST_BODY else None

    def _chunks(self) -> bytes | None:
        pieces, size = [], 0
        while head := _CHUNK.match(self.rfile.readline(1000)):
            size += (length := int(head[1], 16))
            if size > LARGEST_BODY:
                return None
            pieces.append(self._read(length))
            if not length:
                while self.rfile.readline(65536).strip():
                    pass  # a trailer
                return b"".join(pieces)
            self.rfile.readline(1000)
        return None

    def _read(self, length: int) -> bytes:
        body = self.rfile.read(length)
        if len(body) < length:
            raise ConnectionAbortedError  # the client has gone
        return body
