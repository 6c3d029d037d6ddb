"""Answers a requests session from the sandbox itself, whatever the host: no socket, no thread, and nothing waits.

It stands in for a connection of urllib3, so that retries, timeouts, decoding and the rest behave as over a network.
What is answered lives in app.py.
"""

from __future__ import annotations

import errno
import io
from collections.abc import Callable
from functools import partial
from http.client import HTTPMessage
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPHeaderDict, HTTPResponse
from urllib3.connection import HTTPConnection
from urllib3.exceptions import NewConnectionError
from urllib3.util.request import body_to_chunks

from .fault_injection import CONNECTION
from .wsgi import BAD_REQUEST, ask, environment

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication
    from werkzeug.wsgi import ClosingIterator

POOLED_CONNECTIONS = 100
"""More than any test has threads: of more, urllib3 would warn."""


def session_of(application: WSGIApplication, is_open: Callable[[], bool]) -> requests.Session:
    """A session whose requests are all answered by this application, for as long as it is open."""
    session = requests.Session()
    session.trust_env = False  # no proxies, certificates and passwords of this machine
    adapter = SandboxAdapter(application, is_open)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session


class SandboxAdapter(HTTPAdapter):
    """requests' adapter, over connections that end in a WSGI application of this process."""

    def __init__(self, application: WSGIApplication, is_open: Callable[[], bool]) -> None:
        super().__init__()
        self._pool = HTTPConnectionPool("sandbox", maxsize=POOLED_CONNECTIONS)
        self._pool.ConnectionCls = partial(_Connection, application, is_open)  # type: ignore[assignment]

    def get_connection_with_tls_context(self, *_: Any, **__: Any) -> HTTPConnectionPool:
        """The one pool, for every host and past every proxy."""
        return self._pool

    def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:
        """Nothing: there is nobody to prove anything."""

    def request_url(self, request: requests.PreparedRequest, proxies: Any) -> str:  # noqa: ARG002
        """The whole address: the connection makes the Host header of it."""
        return request.url or ""


class _Connection(HTTPConnection):
    """In place of a connection of urllib3, which needs only these of it."""

    @property
    def is_closed(self) -> bool:
        """Never: it needs no opening."""
        return False

    @property
    def is_connected(self) -> bool:
        """Always, for the same reason."""
        return True

    def __init__(self, application: WSGIApplication, is_open: Callable[[], bool], **options: Any) -> None:
        super().__init__(**options)
        self._application = application
        self._is_open = is_open
        self._sent: tuple[str, str, HTTPHeaderDict, bytes] = ("", "", HTTPHeaderDict(), b"")

    def request(self, method: str, url: str, body: Any = None, headers: Any = None, **_: Any) -> None:
        """Take what is sent."""
        if not self._is_open():
            refused = ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused: the sandbox is closed")
            raise NewConnectionError(self, f"Failed to establish a new connection: {refused}") from refused
        sent = HTTPHeaderDict({_text(name): _text(value) for name, value in (headers or {}).items()})
        sent.setdefault("Host", urlsplit(url).netloc.rpartition("@")[2])
        chunks = body_to_chunks(body, method, self.blocksize).chunks or ()
        self._sent = (method, url, sent, b"".join(_bytes(chunk) for chunk in chunks))

    def getresponse(self) -> HTTPResponse:  # type: ignore[override]
        """Ask the application, up to the first piece of its answer."""
        method, url, headers, body = self._sent
        length = headers.get("Content-Length", "0")
        if not length.isdecimal():
            answer = BAD_REQUEST
        elif int(length) > len(body):
            raise TimeoutError("timed out")  # as of a server that waits for the rest
        else:
            scheme, _, path, query, _ = urlsplit(url)
            line = {"wsgi.url_scheme": scheme, CONNECTION: _Line(self.timeout)}
            answer = ask(self._application, environment(method, f"{path}?{query}", headers.iteritems(), body, **line))
        coming = _Body(answer.pieces)
        return HTTPResponse(
            coming,
            HTTPHeaderDict(answer.headers),
            answer.status,
            version=11,
            version_string="HTTP/1.1",
            reason=answer.reason,
            preload_content=False,
            original_response=coming,  # type: ignore[arg-type]
            request_method=method,
            request_url=url,
        )


class _Line:
    """What fault_injection.py breaks. Time passes on it without anybody waiting.

    The read timeout is for the whole answer, as it is over the client's own connections.
    """

    def __init__(self, timeout: float | None) -> None:
        self._timeout = timeout
        self._waited = 0.0

    def pause(self, seconds: float) -> None:
        self._waited += seconds
        if self._timeout is not None and self._waited > self._timeout:
            raise TimeoutError("timed out")

    def reset(self) -> NoReturn:
        raise ConnectionResetError(errno.ECONNRESET, "Connection reset by peer")

    def cut(self) -> NoReturn:
        raise ConnectionAbortedError


class _Body(io.RawIOBase):
    """The body of an answer: for urllib3 also what http.client has read it from."""

    msg = HTTPMessage()
    """For requests, which looks for cookies there."""

    def __init__(self, pieces: ClosingIterator) -> None:
        self._pieces = pieces
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            while not self._rest:
                self._rest = next(self._pieces)
        except (StopIteration, ConnectionAbortedError):
            return 0
        piece, self._rest = self._rest[: len(buffer)], self._rest[len(buffer) :]
        buffer[: len(piece)] = piece
        return len(piece)

    def isclosed(self) -> bool:
        return self.closed

    def close(self) -> None:
        if not self.closed:
            self._pieces.close()
        super().close()


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value


def _bytes(value: str | bytes) -> bytes:
    return value.encode() if isinstance(value, str) else value
