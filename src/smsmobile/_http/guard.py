"""Keeps tests off the network: while the guard is on, no client reaches a host that is not loopback.

`smsmobile.testing` turns it on. It is asked by our connections for each request, before they resolve a name: below
sessions, proxies and interceptors. Connections that are not ours are noticed when they resolve one.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any
from urllib.parse import urlsplit

is_on = False


class NetworkBlocked(RuntimeError):
    """A client tried to reach another machine during a test. Nothing was sent.

    It is no SMSMobileError, so that an application does not handle it as a failed send.
    """

    __module__ = "smsmobile.testing"


@contextmanager
def switched(on: bool) -> Iterator[None]:
    """Turn the guard on or off, for all threads."""
    global is_on  # noqa: PLW0603 - a global is the cheapest thing to look at with each request
    before, is_on = is_on, on
    try:
        yield
    finally:
        is_on = before


def check(*hosts: str | None) -> None:
    """Raises NetworkBlocked if one of these hosts is another machine."""
    from .addresses import is_loopback  # this module is loaded at the start of each test run, and that one takes long

    for host in hosts:
        if host and not is_loopback(host):
            raise NetworkBlocked(
                f"A client of smsmobile tried to reach {host} during a test. Nothing was sent. For a client of the "
                "sandbox, use the fixture sms_sandbox, or smsmobile.testing.activate, and make the client with "
                "SMSMobileClient.from_env() while that is active. If a test is to use the network, mark it with "
                "@pytest.mark.smsmobile_allow_network; for all tests, set smsmobile_allow_network = true in the "
                "configuration of pytest."
            )


def check_connection(connection: Any, url: str = "") -> None:
    """Raises NetworkBlocked if a connection leads to another machine.

    Its host can be a proxy on this machine. The target is then that of its tunnel, or that of the whole `url`.
    """
    check(urlsplit(url).hostname, connection._tunnel_host, connection.host)


def watch_lookups() -> None:
    """Ask for the names that are resolved in our calls, too: vcrpy and sessions can have connections of their own."""
    if hasattr(socket.getaddrinfo, "watched_by_smsmobile"):
        return
    from .departure import request_of_this_call

    lookup = socket.getaddrinfo

    @wraps(lookup)
    def getaddrinfo(host: Any, *args: Any, **kwargs: Any) -> Any:
        request = request_of_this_call.get()
        if is_on and request is not None and request.answer is None:  # else a hook may look for something of its own
            check(host.decode() if isinstance(host, bytes) else host)
        return lookup(host, *args, **kwargs)

    getaddrinfo.watched_by_smsmobile = True  # type: ignore[attr-defined]
    socket.getaddrinfo = getaddrinfo
