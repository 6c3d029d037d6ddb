"""waitress on a thread: a WSGI application on a free port of 127.0.0.1, stopped without leaving anything behind.

What is served lives in app.py.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from threading import Thread
from typing import TYPE_CHECKING, Any

from waitress import create_server
from waitress.task import ThreadedTaskDispatcher

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

THREADS = 16


class Server:
    """Serves from the moment it is made until `close()`."""

    def __init__(self, app: WSGIApplication) -> None:
        self._workers = _Workers()
        self._watched: dict[int, Any] = {}
        self._waitress = create_server(
            app,
            map=self._watched,
            host="127.0.0.1",
            port=0,
            ident="smsmobile-sandbox",
            # select() cannot watch more than 1024 files, and a load test opens many connections.
            asyncore_use_poll=True,
            connection_limit=1000,
            _dispatcher=self._workers,
        )
        self.port = int(self._waitress.effective_port)
        self._workers.set_thread_count(THREADS)
        self._loop = Thread(target=self._waitress.run, name="smsmobile-sandbox-server", daemon=True)
        self._loop.start()

    def close(self) -> None:
        """Let the requests that are being answered finish, then close every socket and end every thread."""
        if not self._loop.is_alive():
            return
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

    def start_new_thread(self, target: Callable[..., Any], thread_no: int) -> None:
        """Start one worker."""
        name = f"smsmobile-sandbox-worker-{thread_no}"
        thread = Thread(target=target, name=name, args=(thread_no,), daemon=True)
        self._started.append(thread)
        thread.start()

    def join(self) -> None:
        """Wait until the workers are gone; one that is stuck in a request is left behind after a second."""
        for thread in self._started:
            thread.join(timeout=1.0)
