"""Answers a requests session from the sandbox itself, whatever the host: no socket, no thread, and nothing waits.

It goes in below urllib3, in place of the socket, so that retries, timeouts, decoding and the rest behave as over a
network; waitress reads the request and spells the answer as it does in server.py. What is answered lives in app.py.
"""

from __future__ import annotations

import errno
import io
from collections import deque
from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NoReturn

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import NewConnectionError
from waitress.adjustments import Adjustments
from waitress.channel import ClientDisconnected
from waitress.parser import HTTPRequestParser
from waitress.task import ErrorTask, WSGITask

from .breakage import CONNECTION
from .server import IDENT

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

POOLED_CONNECTIONS = 100
"""More than any test has threads: of more, urllib3 would warn."""

_LOCALHOST = "127.0.0.1"
_Event = bytes | float | OSError
"""What comes over the line: something to read, seconds that pass, or its end in an error. Empty bytes: its end."""


def session_of(application: WSGIApplication, is_open: Callable[[], bool]) -> requests.Session:
    """A session whose requests are all answered by this application, for as long as it is open."""
    session = requests.Session()
    session.trust_env = False  # no proxies, certificates and passwords of this machine
    adapter = SandboxAdapter(application, is_open)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session


class SandboxAdapter(HTTPAdapter):
    """requests' adapter, over lines that end in a WSGI application of this process."""

    def __init__(self, application: WSGIApplication, is_open: Callable[[], bool]) -> None:
        # What waitress asks of the server behind a channel.
        self._server = SimpleNamespace(
            application=application,
            adj=Adjustments(listen="", ident=IDENT),
            server_name=_LOCALHOST,
            effective_port=0,
            is_open=is_open,
        )
        super().__init__(pool_maxsize=POOLED_CONNECTIONS)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Build the pools as requests does, of our connections."""
        super().init_poolmanager(*args, **kwargs)
        pools: dict[str, Any] = {
            "http": partial(_new_pool, HTTPConnectionPool, _PlainConnection, self._server),
            "https": partial(_new_pool, HTTPSConnectionPool, _SecureConnection, self._server),
        }
        self.poolmanager.pool_classes_by_scheme = pools

    def send(  # noqa: PLR0917 - requests says so
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: bool | str = True,  # noqa: ARG002
        cert: Any = None,  # noqa: ARG002
        proxies: Any = None,  # noqa: ARG002
    ) -> requests.Response:
        """Send one request, past every proxy, and without certificates: there is nobody to prove anything."""
        return super().send(request, stream, timeout, verify=False, cert=None, proxies=None)


def _new_pool(
    kind: type[HTTPConnectionPool], connection: type[_SandboxConnection], server: Any, *args: Any, **kwargs: Any
) -> HTTPConnectionPool:
    pool = kind(*args, **kwargs)
    pool.ConnectionCls = partial(connection, server=server)  # type: ignore[assignment]
    return pool


class _SandboxConnection(HTTPConnection):
    scheme = "http"

    def __init__(self, *args: Any, server: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._server = server

    def connect(self) -> None:
        if not self._server.is_open():
            refused = ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused: the sandbox is closed")
            raise NewConnectionError(self, f"Failed to establish a new connection: {refused}") from refused
        self.sock = _Line(self._server, self.scheme)
        self.is_verified = True  # else urllib3 would warn that nobody was

    @property
    def is_connected(self) -> bool:
        line: Any = self.sock
        return line is not None and line.is_idle and self._server.is_open()


class _PlainConnection(_SandboxConnection):
    pass


class _SecureConnection(_SandboxConnection, HTTPSConnection):
    scheme = "https"


class _Line:
    """In place of a socket on this side, and of waitress's channel on the other."""

    addr = (_LOCALHOST, 0)

    def __init__(self, server: Any, scheme: str) -> None:
        self.server = server
        self.adj = server.adj
        self.timeout: float | None = None
        self.coming: deque[_Event] = deque()
        """What the client has not read yet."""
        self._scheme = scheme
        self._request: Any = None
        self._has_ended = False

    @property
    def is_idle(self) -> bool:
        """Whether it can take another request."""
        return not self.coming

    # The socket, for http.client and urllib3.

    def settimeout(self, seconds: float | None) -> None:
        self.timeout = seconds

    def sendall(self, data: Any) -> None:
        rest = bytes(data)
        while rest and not self._has_ended:
            if self._request is None:
                self._request = HTTPRequestParser(self.adj)
            rest = rest[self._request.received(rest) :]
            if self._request.completed:
                request, self._request = self._request, None
                if not request.empty:
                    self._answer(request)

    def makefile(self, *_: Any, **__: Any) -> io.BufferedReader:
        return io.BufferedReader(_Answer(self))

    def shutdown(self, how: int) -> None:
        """Nothing to do: nobody sits on the other side."""

    def close(self) -> None:
        """Likewise."""

    # The channel, for waitress.

    def write_soon(self, data: bytes) -> int:
        if data:
            self.coming.append(bytes(data))
        return len(data)

    def check_client_disconnected(self) -> bool:
        return False

    def _answer(self, request: Any) -> None:
        request.url_scheme = self._scheme
        channel: Any = self  # all that a task needs of one
        task = ErrorTask(channel, request) if request.error else _Task(channel, request)
        try:
            task.service()
        except ClientDisconnected:  # by a fault
            task.close_on_finish = True
        finally:
            request.close()
        if task.close_on_finish:
            self._has_ended = True
            self.coming.append(b"")

    # The connection, for breakage.py.

    def pause(self, seconds: float) -> None:
        self.coming.append(float(seconds))

    def reset(self) -> NoReturn:
        self.coming.append(ConnectionResetError(errno.ECONNRESET, "Connection reset by peer"))
        raise ClientDisconnected

    def cut(self) -> NoReturn:
        raise ClientDisconnected


class _Task(WSGITask):  # type: ignore[misc]
    def get_environment(self) -> dict[str, Any]:
        environ: dict[str, Any] = super().get_environment()
        environ[CONNECTION] = self.channel
        return environ


class _Answer(io.RawIOBase):
    """What comes over the line for one request. Time passes in it without anybody waiting.

    The read timeout is for the whole answer, as it is over the client's own connections.
    """

    def __init__(self, line: _Line) -> None:
        self._line = line
        self._waited = 0.0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        coming = self._line.coming
        while coming:
            event = coming[0]
            if isinstance(event, OSError):
                raise event
            if isinstance(event, bytes):
                if not event:
                    return 0
                piece = event[: len(buffer)]
                buffer[: len(piece)] = piece
                if len(piece) < len(event):
                    coming[0] = event[len(piece) :]
                else:
                    coming.popleft()
                return len(piece)
            self._waited += event
            if self._line.timeout is not None and self._waited > self._line.timeout:
                break
            coming.popleft()
        raise TimeoutError("timed out")
