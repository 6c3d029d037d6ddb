"""The requests adapter of our own session: our connections, and no work that is the same for each request."""

from __future__ import annotations

from typing import Any

from requests import PreparedRequest, Response
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict
from urllib3 import HTTPConnectionPool

from .connections import use_our_connections


class DeadlineAdapter(HTTPAdapter):
    """requests' adapter, through connections that keep a deadline."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Build the pools as requests does, of our connections."""
        self._pools: dict[tuple[Any, ...], HTTPConnectionPool] = {}
        super().init_poolmanager(*args, **kwargs)
        use_our_connections(self.poolmanager)

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        """The same for pools behind a proxy."""
        manager = super().proxy_manager_for(*args, **kwargs)
        use_our_connections(manager)
        return manager

    def get_connection_with_tls_context(
        self, request: PreparedRequest, verify: Any, proxies: Any = None, cert: Any = None
    ) -> Any:
        """The pool of a host. Without a proxy it is looked up once: requests parses the address for each request."""
        url = request.url or ""
        origin = (url[: url.find("/", len("https://"))], verify, cert)
        pool = None if proxies else self._pools.get(origin)
        if pool is None or pool.pool is None:  # it was closed by another thread, just before it was kept here
            pool = super().get_connection_with_tls_context(request, verify, proxies, cert)
            if not proxies:
                self._pools[origin] = pool
        return pool

    def request_url(self, request: PreparedRequest, proxies: Any) -> str:
        """What stands in the request line: without a proxy always the path."""
        return super().request_url(request, proxies) if proxies else request.path_url

    def build_response(self, req: PreparedRequest, resp: Any) -> Response:
        """The answer as requests has it, without cookies and without an encoding: we read its bytes."""
        response = Response()
        response.status_code = resp.status
        response.headers = CaseInsensitiveDict(resp.headers)
        response.raw = resp
        response.reason = resp.reason
        response.url = req.url or ""
        response.request = req
        response.connection = self  # as requests does
        return response

    def close(self) -> None:
        """Close the connections now; urllib3 would when the last reference to their pool is gone, a traceback's too."""
        for manager in (self.poolmanager, *self.proxy_manager.values()):
            for key in manager.pools.keys():  # noqa: SIM118 - it cannot be iterated
                if pool := manager.pools.get(key):
                    pool.close()
        self._pools.clear()
        super().close()
