"""The requests adapter of our own session: uses our connections, and skips work that is the same for each request."""

from __future__ import annotations

from typing import Any

from requests import PreparedRequest, Response
from requests.adapters import HTTPAdapter
from urllib3 import BaseHTTPResponse, HTTPConnectionPool

from .connections import close_pools, use_our_connections


class DeadlineAdapter(HTTPAdapter):
    """An HTTPAdapter whose connections have a deadline for each answer."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Create the pool manager, with our connections."""
        self._pools: dict[tuple[Any, ...], HTTPConnectionPool] = {}
        super().init_poolmanager(*args, **kwargs)
        use_our_connections(self.poolmanager)

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        """Return the pool manager of a proxy, with our connections."""
        manager = super().proxy_manager_for(*args, **kwargs)
        use_our_connections(manager)
        return manager

    def get_connection_with_tls_context(
        self, request: PreparedRequest, verify: Any, proxies: Any = None, cert: Any = None
    ) -> Any:
        """Return the pool of a host. It is cached unless there is a proxy: requests parses the URL each time."""
        url = request.url or ""
        origin = (url[: url.find("/", len("https://"))], verify, cert)
        pool = None if proxies else self._pools.get(origin)
        if pool is None or pool.pool is None:  # it was closed by another thread, just before it was kept here
            pool = super().get_connection_with_tls_context(request, verify, proxies, cert)
            if not proxies:
                self._pools[origin] = pool
        return pool

    def request_url(self, request: PreparedRequest, proxies: Any) -> str:
        """Return the URL for the request line: without a proxy, the path."""
        return super().request_url(request, proxies) if proxies else request.path_url

    def build_response(self, req: PreparedRequest, resp: Any) -> Response:
        """Build a requests Response, without cookies and encoding: only its bytes are read."""
        if not isinstance(resp, BaseHTTPResponse):  # of an interceptor such as vcrpy
            return super().build_response(req, resp)
        response = Response()
        response.status_code = resp.status
        response.headers = resp.headers  # type: ignore[assignment]  # case-insensitive, as those of requests are
        response.raw = resp
        response.reason = resp.reason or ""
        response.url = req.url or ""
        response.request = req
        response.connection = self
        return response

    def close(self) -> None:
        """Close the connections now."""
        close_pools(self)
        self._pools.clear()
