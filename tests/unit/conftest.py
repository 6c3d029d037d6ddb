"""How many examples hypothesis takes, and what urllib3 gets from a scripted network.

urllib3's retries and pools are real, its sockets are not.
"""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from ssl import SSLCertVerificationError
from typing import Any

import pytest
from hypothesis import settings
from urllib3 import HTTPConnectionPool, HTTPResponse
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError, ProtocolError, ReadTimeoutError

EXAMPLES = int(os.environ.get("SMSMOBILE_EXAMPLES", "25"))
settings.register_profile("unit", max_examples=EXAMPLES, deadline=None)  # a busy machine is no failure
settings.load_profile("unit")

ACCEPTED = b'{"result": {"error": 0, "sent": "1", "id": "guid-1"}}'
NO_ROWS = b'{"result": {"error": 0, "sms": []}}'


@dataclass
class Network:
    """A script of answers and failures, and what was asked of it."""

    script: list[Any] = field(default_factory=list)
    requests: list[tuple[str, str, str]] = field(default_factory=list)
    """Method, path with query, and body of every request that reached the service or broke on the way."""

    def will_answer(self, status: int, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Network:
        self.script.append((status, body, dict(headers or {})))
        return self

    def will_accept(self) -> Network:
        return self.will_answer(200, ACCEPTED)

    def will_list_nothing(self) -> Network:
        return self.will_answer(200, NO_ROWS)

    def will_refuse_the_connection(self) -> Network:
        self.script.append(lambda conn, pool, url: NewConnectionError(conn, "Connection refused"))
        return self

    def will_time_out_connecting(self) -> Network:
        self.script.append(lambda conn, pool, url: ConnectTimeoutError(conn, "timed out"))
        return self

    def will_show_a_wrong_certificate(self) -> Network:
        self.script.append(lambda conn, pool, url: SSLCertVerificationError(1, "certificate verify failed"))
        return self

    def will_time_out_reading(self) -> Network:
        self.script.append(lambda conn, pool, url: ReadTimeoutError(pool, url, "Read timed out."))
        return self

    def will_reset(self) -> Network:
        reset = ConnectionResetError(104, "Connection reset by peer")
        self.script.append(lambda conn, pool, url: ProtocolError("Connection aborted.", reset))
        return self

    def play(self, pool: HTTPConnectionPool, conn: Any, method: str, url: str, body: Any = None, **how: Any) -> Any:
        self.requests.append((method, url, body.decode() if isinstance(body, bytes) else body or ""))
        assert self.script, f"nobody foresaw request {len(self.requests)}: {method} {url}"
        step = self.script.pop(0)
        if callable(step):
            raise step(conn, pool, url)
        status, content, headers = step
        return HTTPResponse(
            body=io.BytesIO(content),
            status=status,
            headers={"Content-Length": str(len(content)), **headers},
            preload_content=False,
            retries=how.get("retries"),
            request_method=method,
            request_url=url,
        )


@pytest.fixture(autouse=True)
def _no_waiting(pauses: list[float]) -> None:
    """No unit test waits between two tries."""


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> Network:
    played = Network()

    def make_request(pool: Any, conn: Any, method: str, url: str, **how: Any) -> Any:
        return played.play(pool, conn, method, url, **how)

    monkeypatch.setattr(HTTPConnectionPool, "_make_request", make_request)
    return played
