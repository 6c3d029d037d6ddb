"""urllib3 connections with a deadline for each answer. They send a small request in a single packet.

They say when a request leaves. Failures to connect raise NewConnectionError or ConnectTimeoutError: it had not left.
"""

from __future__ import annotations

import os
import socket
import ssl
from collections.abc import Iterator
from functools import lru_cache, partial
from http.client import HTTPException
from time import monotonic
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, PoolManager
from urllib3.connection import HTTPConnection
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError

from . import guard
from .deadlines import DeadlineResponse, refuse_foreign_timeout
from .departure import note_connecting, note_departure

LONGEST_IDLE = 2.0
"""Seconds for which an idle connection may be reused. Many servers forget it after 5 (Apache, Node) or 2 (gunicorn),
and a router between may not say so: a request on it would be lost, with nobody to tell whether it had arrived."""

_BUFFER_SIZE = 16 * 1024


class _ConnectionMixin(HTTPConnection):
    _unsent: bytes | None = None
    """Bytes of the request that are not sent yet; None if writes are not buffered."""
    _idle_since = 0.0
    """When the last answer came."""
    _process = 0
    """The process that has connected. A child that was forked from it must not use the connection."""
    _socket_class: Any = None
    """The class of sockets at that moment. Tests replace it, so that nothing gets out: see pytest-socket."""

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> None:
        """Send a request. Headers and form of a small one are sent together, not as two packets."""
        note_connecting()
        if guard.is_on:
            guard.check_connection(self, url)
        self._unsent = b""
        try:
            super().request(method, url, *args, **kwargs)
            if self._unsent is not None:
                self._flush()
        finally:
            self._unsent = None

    def send(self, data: Any) -> None:
        """Send bytes, or buffer them until the request is complete."""
        if self._unsent is None:  # a CONNECT request to a proxy, or the rest of a large request
            super().send(data)
        elif len(self._unsent) + len(data) <= _BUFFER_SIZE:
            self._unsent += data
        else:
            self._flush()
            super().send(data)

    def _flush(self) -> None:
        data, self._unsent = self._unsent, None  # stop buffering first: to connect can mean to send a CONNECT request
        if self.sock is None:
            self.connect()
        note_departure()
        super().send(data or b"")

    def connect(self) -> None:
        """Connect. Every failure becomes a NewConnectionError or a ConnectTimeoutError: the request had not left.

        Only a certificate that does not verify raises its own error, since a retry would not help.
        """
        note_connecting()
        if guard.is_on:
            guard.check_connection(self)
        deadline = self._set_deadline()  # also for the answer of a proxy
        try:
            super().connect()
            if isinstance(self.sock, ssl.SSLSocket) and self.sock.version() is None:
                # ssl raises no error if the other side resets the connection at this point.
                raise ConnectionResetError("the connection ended before TLS began")
        except (NewConnectionError, ssl.SSLCertVerificationError):
            raise
        except (ConnectTimeoutError, TimeoutError) as error:
            refuse_foreign_timeout(error, deadline)
            raise ConnectTimeoutError(self, f"timed out while connecting to {self.host}") from error
        except (OSError, HTTPException, HTTPError) as error:
            raise NewConnectionError(self, f"{type(error).__name__}: {error}") from error
        self._process, self._socket_class = os.getpid(), socket.socket

    def getresponse(self) -> Any:
        """Return the answer. Its timeout starts now."""
        self._set_deadline()
        response = super().getresponse()
        self._idle_since = monotonic()
        return response

    @property
    def is_connected(self) -> bool:
        """Whether the next request can use the connection: it is alive, of this process, and not idle for long."""
        return (
            monotonic() - self._idle_since < LONGEST_IDLE
            and self._process == os.getpid()
            and self._socket_class is socket.socket
            and super().is_connected
        )

    def _set_deadline(self) -> float | None:
        if not isinstance(self.timeout, (int, float)):
            return None
        deadline = monotonic() + self.timeout
        self.response_class = partial(DeadlineResponse, deadline=deadline)  # type: ignore[assignment]
        return deadline


class _ConnectionClass:
    """The connection class of the pool that ours derives from, with our additions.

    It is looked up each time: vcrpy and others replace the class for a while. Theirs are used as they are.
    """

    def __get__(self, pool: Any, owner: type[_PoolMixin]) -> Any:
        kind: Any = super(_PoolMixin, owner if pool is None else pool).ConnectionCls  # type: ignore[misc]
        is_urllib3s = (
            isinstance(kind, type)
            and getattr(kind, "request", None) is HTTPConnection.request
            and getattr(kind, "getresponse", None) is HTTPConnection.getresponse
        )
        return _with(_ConnectionMixin, kind) if is_urllib3s else kind


class _PoolMixin(HTTPConnectionPool):
    ConnectionCls: Any = _ConnectionClass()


@lru_cache(maxsize=64)
def _with(mixin: Any, base: Any) -> Any:
    return type(base.__name__, (mixin, base), {})


def use_our_connections(manager: PoolManager) -> None:
    """Let a pool manager create pools of these connections. Pools that are no classes of urllib3 stay as they are."""
    kinds: dict[str, Any] = manager.pool_classes_by_scheme
    manager.pool_classes_by_scheme = {scheme: _our_pool(kind) for scheme, kind in kinds.items()}


def _our_pool(kind: Any) -> Any:
    is_urllib3s = isinstance(kind, type) and issubclass(kind, HTTPConnectionPool)
    return _with(_PoolMixin, kind) if is_urllib3s and not issubclass(kind, _PoolMixin) else kind


def managers_of(adapter: HTTPAdapter) -> Iterator[PoolManager]:
    """The pool managers of an adapter: its own, and one for each proxy."""
    for manager in (adapter.poolmanager, *adapter.proxy_manager.values()):
        if isinstance(manager, PoolManager):  # it may have something of its own in its place
            yield manager


def pools_of(manager: PoolManager) -> Iterator[HTTPConnectionPool]:
    """The pools that a manager has at the moment."""
    for key in manager.pools.keys():  # noqa: SIM118 - it is not iterable
        if (pool := manager.pools.get(key)) is not None:
            yield pool


def close_pools(adapter: HTTPAdapter) -> None:
    """Close the connections now. urllib3 waits until nothing refers to the pool, not even a traceback."""
    for manager in managers_of(adapter):
        for pool in pools_of(manager):
            pool.close()
        manager.clear()
