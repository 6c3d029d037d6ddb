"""A server on threads: connections at an address of this machine, stopped without leaving anything behind.

What is said on a connection lives in handler.py.
"""

from __future__ import annotations

import errno
import socket
from contextlib import suppress
from ipaddress import ip_address
from selectors import EVENT_READ, DefaultSelector
from threading import Event, Lock, Thread
from time import monotonic
from typing import TYPE_CHECKING, Any

from .handler import Handler

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

MOST_CONNECTIONS = 500
"""Of more, the one that has been idle for longest is closed."""
PATIENCE = 5.0
"""Seconds that `close()` waits for the requests that are being answered."""


class Server:
    """Serves from the moment it is made until `close()`. Port 0 takes a free one. Each connection has a thread.

    Raises OSError, with a text that says what to do, where the address cannot be had.
    """

    def __init__(self, app: WSGIApplication, host: str = "127.0.0.1", port: int = 0) -> None:
        self.app = app
        self._listening = _listen(host, port)
        self._listening.setblocking(False)
        self.host, self.port = self._listening.getsockname()[:2]
        self._threads: dict[socket.socket, Thread] = {}
        self._idle: dict[socket.socket, None] = {}
        """The connections that wait for a request, the longest idle first."""
        self._lock = Lock()
        self.ending = Event()
        """Set once it closes: what waits in a request waits no longer."""
        self._closing = Lock()
        self._wake_up, self._woken = socket.socketpair()
        self._loop = Thread(target=self._accept, name="smsmobile-sandbox-server", daemon=True)
        self._loop.start()

    @property
    def url(self) -> str:
        """Where a program on this machine reaches it, without a final slash."""
        address = ip_address(self.host.partition("%")[0])
        host = self.host
        if address.is_unspecified:  # all of this machine's addresses: nobody can connect to that itself
            host = "127.0.0.1" if address.version == 4 else "::1"
        return f"http://[{host}]:{self.port}" if address.version == 6 else f"http://{host}:{self.port}"

    def close(self) -> None:
        """Let the requests that are being answered finish, then close every socket and end every thread.

        Those that a fault makes wait are answered now. Called by several threads, each returns when that is done.
        """
        with self._closing:
            if self.ending.is_set():
                return
            with self._lock:
                self.ending.set()
            self._wake_up.close()
            self._loop.join()
            with self._lock:
                threads = dict(self._threads)
            for connection in threads:
                with suppress(OSError):  # it is gone
                    connection.shutdown(socket.SHUT_RD)
            deadline = monotonic() + PATIENCE
            for thread in threads.values():
                thread.join(max(deadline - monotonic(), 0))

    def begin(self, connection: socket.socket) -> bool:
        """Whether a request that has come in on this connection is to be answered: then it is not idle any more."""
        with self._lock:
            if connection not in self._idle or self.ending.is_set():
                return False
            del self._idle[connection]
            return True

    def rest(self, connection: socket.socket) -> None:
        """It is idle again."""
        with self._lock:
            self._idle[connection] = None

    def _accept(self) -> None:
        with self._listening, self._woken, DefaultSelector() as selector:
            selector.register(self._listening, EVENT_READ)
            selector.register(self._woken, EVENT_READ)
            while not self.ending.is_set():
                selector.select()
                self._take_one()

    def _take_one(self) -> None:
        try:
            connection, address = self._listening.accept()
        except BlockingIOError:  # whoever called has gone, or the server ends
            return
        except OSError:  # this process may open no more files
            self._close_idlest()
            self.ending.wait(0.01)  # until it is closed
            return
        name = "smsmobile-sandbox-connection"
        thread = Thread(target=self._serve, name=name, args=(connection, address), daemon=True)
        if len(self._threads) >= MOST_CONNECTIONS:
            self._close_idlest()
        with self._lock:
            self._threads[connection] = thread
            self._idle[connection] = None
        try:
            thread.start()
        except RuntimeError:  # this process may have no more threads
            with connection, self._lock:
                del self._threads[connection]
                self._idle.pop(connection, None)
            self._close_idlest()

    def _close_idlest(self) -> None:
        with self._lock:
            connection = next(iter(self._idle), None)
            if connection is not None:
                del self._idle[connection]
                with suppress(OSError):  # the client has gone
                    connection.shutdown(socket.SHUT_RDWR)

    def _serve(self, connection: socket.socket, address: Any) -> None:
        try:
            with connection, suppress(OSError):  # the client has gone, or a fault ends the connection
                Handler(connection, address, self)  # type: ignore[arg-type] # it is no socketserver
        finally:
            with self._lock:
                del self._threads[connection]
                self._idle.pop(connection, None)


def _listen(host: str, port: int) -> socket.socket:
    """A listening socket. A name with several addresses gets the first one of IPv4, if there is one."""
    host = host.strip("[]")
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, _, _, _, address = min(found, key=lambda one: one[0] != socket.AF_INET)
        return socket.create_server(address[:2], family=family, backlog=1024)
    except (OSError, UnicodeError) as error:
        raise OSError(_why_not(error, host, port)) from error


def _why_not(error: Exception, host: str, port: int) -> str:
    number = getattr(error, "errno", None)
    if number == errno.EADDRINUSE:
        return (
            f"Port {port} of {host} is in use, perhaps by another sandbox: end that program, or choose another port "
            "(0 takes a free one)."
        )
    if number == errno.EACCES:
        return f"Port {port} of {host} needs more rights than you have: choose one above 1023, or 0 for a free one."
    return f"The sandbox cannot listen on {host!r}, port {port}: expected an address of this machine ({error})."
