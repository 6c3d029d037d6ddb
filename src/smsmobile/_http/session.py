"""The requests session behind a transport: our own, or the user's without its retries, and its environment."""

from __future__ import annotations

import platform
from typing import Any, TypeVar
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.hooks import dispatch_hook
from urllib3 import PoolManager
from urllib3.exceptions import LocationValueError
from urllib3.util import Retry, parse_url

from .._version import __version__
from .adapter import DeadlineAdapter
from .addresses import is_loopback
from .connections import close_pools, use_our_connections
from .forks import forget_after_a_fork


def _send_of_requests() -> Any:
    """`Session.send`; None if it is replaced already, since the first import of this module may be in a test."""
    send: Any = requests.Session.send
    file = getattr(getattr(send, "__code__", None), "co_filename", None)
    return send if file == requests.sessions.__file__ else None


_SEND_OF_REQUESTS = _send_of_requests()
_POOLED_CONNECTIONS = 32
_MANAGED_POOLS = 10
"""As many as requests has. One is for the service; it and the token's address may be the only ones ever."""


class _Session(requests.Session):
    """What a request to the service needs of a session: adapters and hooks. No cookies, no redirects."""

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        """Send a request that is complete, and let its hooks see the answer."""
        if requests.Session.send is not _SEND_OF_REQUESTS:  # replaced, by requests-mock for example
            return super().send(request, **kwargs)
        kwargs.pop("allow_redirects", None)
        response = self.get_adapter(request.url or "").send(request, **kwargs)
        answer: requests.Response = dispatch_hook("response", request.hooks, response, **kwargs)
        return answer


def new_session() -> requests.Session:
    """The session of a client that was given none."""
    session = _Session()
    session.headers["User-Agent"] = f"smsmobile/{__version__} Python/{platform.python_version()}"
    del session.headers["Connection"]  # HTTP/1.1 keeps it alive anyway
    session.headers["Accept"] = "application/json"
    session.headers["Accept-Encoding"] = "gzip, deflate"
    adapter = DeadlineAdapter(pool_maxsize=_POOLED_CONNECTIONS)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    forget_after_a_fork(adapter)
    return session


def twin_of(session: requests.Session) -> requests.Session:
    """A copy of the user's session that shares its cookies and hooks. Its adapters retry nothing.

    The user's adapters may retry a POST after a 502, which could send a message twice. Only the transport retries.
    Those of requests have our connections, in pools of their own: these say whether a request has left.
    """
    twin = _shallow_copy(session)
    twin.adapters = type(session.adapters)()
    for prefix, adapter in session.adapters.items():
        if isinstance(adapter, HTTPAdapter):
            adapter = _twin_of(adapter)  # noqa: PLW2901
        forget_after_a_fork(adapter)
        twin.adapters[prefix] = adapter
    return twin


def _twin_of(adapter: HTTPAdapter) -> HTTPAdapter:
    twin: Any = _shallow_copy(adapter)
    twin.max_retries = Retry(0, read=False)
    if isinstance(adapter.poolmanager, PoolManager):
        twin.poolmanager = _shallow_copy(adapter.poolmanager)
        twin.poolmanager.pools = type(adapter.poolmanager.pools)(_MANAGED_POOLS)
        use_our_connections(twin.poolmanager)
    twin.proxy_manager = {}
    make_manager = twin.proxy_manager_for

    def proxy_manager_for(*args: Any, **kwargs: Any) -> Any:
        manager = make_manager(*args, **kwargs)
        use_our_connections(manager)
        return manager

    twin.proxy_manager_for = proxy_manager_for
    return twin  # type: ignore[no-any-return]


def close_twin(session: requests.Session) -> None:
    """Close the connections that are ours. The user's own stay open."""
    for adapter in session.adapters.values():
        if isinstance(adapter, HTTPAdapter):
            close_pools(adapter)


def environment_of(session: requests.Session, base_url: str) -> dict[str, Any]:
    """Proxies and CA bundle, looked up once. The session's settings come before the environment.

    requests does it the other way round: REQUESTS_CA_BUNDLE beats `session.verify = False`, and HTTPS_PROXY beats
    `session.proxies`.
    """
    verify = None if session.verify is True else session.verify
    settings: dict[str, Any] = session.merge_environment_settings(base_url, dict(session.proxies), True, verify, None)
    if session.proxies:
        settings["proxies"] = dict(session.proxies)
    elif urlsplit(base_url).scheme == "http":
        # Only loopback may be called without TLS; through a proxy elsewhere the key would leave in the clear.
        settings["proxies"] = {scheme: proxy for scheme, proxy in settings["proxies"].items() if _is_local(proxy)}
    return settings


def _is_local(proxy: str) -> bool:
    try:
        return is_loopback(parse_url(proxy).host)
    except LocationValueError:  # requests keeps the list of NO_PROXY among the proxies
        return False


Thing = TypeVar("Thing")


def _shallow_copy(thing: Thing) -> Thing:
    """Like copy.copy, which for sessions and adapters goes through pickle and loses pools and subclass attributes."""
    twin = object.__new__(type(thing))
    twin.__dict__.update(vars(thing))
    return twin
