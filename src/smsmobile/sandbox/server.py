"""waitress on a thread: a WSGI application at an address of this machine, stopped without leaving anything behind.

What is served lives in app.py, which faults break its connections in breakage.py.
"""

from __future__ import annotations

import errno
import logging
import socket
import struct
import sys
from collections.abc import Callable
from contextlib import suppress
from ipaddress import ip_address
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, Any, NoReturn

from waitress.channel import ClientDisconnected, HTTPChannel
from waitress.server import create_server
from waitress.task import ThreadedTaskDispatcher, WSGITask

from .breakage import CONNECTION

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

THREADS = 16
IDENT = "smsmobile-sandbox"
"""The `Server` header of every answer."""

_RESET_AT_CLOSE = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)


class Server:
    """Serves from the moment it is made until `close()`. Port 0 takes a free one.

    Raises OSError, with a text that says what to do, where the address cannot be had.
    """

    def __init__(self, app: WSGIApplication, host: str = "127.0.0.1", port: int = 0) -> None:
        listening = _listen(host, port)
        self.host, self.port = listening.getsockname()[:2]
        self._workers = _Workers()
        self._watched: dict[int, Any] = {}
        self._waitress: Any = create_server(
            app,
            map=self._watched,
            sockets=[listening],
            ident=IDENT,
            # select() cannot watch more than 1024 files, and a load test opens many connections.
            asyncore_use_poll=True,
            connection_limit=1000,
            _dispatcher=self._workers,
        )
        self._waitress.channel_class = _Channel
        self._closing = Lock()
        self._workers.set_thread_count(THREADS)
        self._loop = Thread(target=self._waitress.run, name="smsmobile-sandbox-server", daemon=True)
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
            if self._loop.is_alive():
                self._close()

    def _close(self) -> None:
        self._workers.hurry()
        self._workers.shutdown()
        # The loop ends when it has no socket to watch. Its sockets are closed only then, and here: were they
        # closed on its thread, the pipe that wakes it could go before this thread has written to it.
        self._waitress.trigger.pull_trigger(self._watched.clear)
        self._loop.join()
        for channel in list(self._waitress.active_channels.values()):
            channel.handle_close()
        self._workers.join()
        self._waitress.close()


class _Workers(ThreadedTaskDispatcher):  # type: ignore[misc]
    """waitress's own threads, kept so that they can be joined, and without its warnings about a short queue."""

    queue_logger = logging.getLogger(f"{__name__}.queue")

    def __init__(self) -> None:
        super().__init__()
        self.queue_logger.setLevel(logging.ERROR)
        self._started: list[Thread] = []
        self._hurry = Event()
        self._waiting = 0
        self._counting = Lock()

    def start_new_thread(self, target: Callable[..., Any], thread_no: int) -> None:
        """Start one worker."""
        name = f"smsmobile-sandbox-worker-{thread_no}"
        thread = Thread(target=target, name=name, args=(thread_no,), daemon=True)
        self._started.append(thread)
        thread.start()

    def wait(self, seconds: float) -> None:
        """Wait in a request, while another worker takes this one's place; until the server closes at most."""
        if seconds <= 0:
            return
        with self._counting:
            self._waiting += 1
            if not self._hurry.is_set():
                self.set_thread_count(max(THREADS + self._waiting, len(self._started)))
        self._hurry.wait(seconds)
        with self._counting:
            self._waiting -= 1

    def hurry(self) -> None:
        """Let nobody wait any more."""
        with self._counting:
            self._hurry.set()

    def join(self) -> None:
        """Wait until the workers are gone; one that is stuck in a request is left behind after a second."""
        for thread in self._started:
            thread.join(timeout=1.0)


class _Task(WSGITask):  # type: ignore[misc]
    """waitress's, with the connection in the WSGI environment."""

    def get_environment(self) -> dict[str, Any]:
        """As waitress says."""
        environ: dict[str, Any] = super().get_environment()
        environ[CONNECTION] = _Connection(self.channel)
        return environ


class _Channel(HTTPChannel):  # type: ignore[misc]
    task_class = _Task


class _Connection:
    """What a fault does to a client's connection."""

    def __init__(self, channel: Any) -> None:
        self._channel = channel

    def pause(self, seconds: float) -> None:
        self._channel.server.task_dispatcher.wait(seconds)

    def reset(self) -> NoReturn:
        # waitress closes it on the thread that watches its sockets; this makes a RST of that.
        with suppress(OSError, AttributeError):  # the client has gone before
            self._channel.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_AT_CLOSE)
        raise ClientDisconnected

    def cut(self) -> NoReturn:
        raise ClientDisconnected  # waitress sends what it has, and closes


def _listen(host: str, port: int) -> socket.socket:
    """A listening socket. A name with several addresses gets the first one of IPv4, if there is one."""
    host = host.strip("[]")
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, _, _, _, address = min(found, key=lambda one: one[0] != socket.AF_INET)
        return socket.create_server(address[:2], family=family)
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
