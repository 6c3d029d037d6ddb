"""One HTTP POST of one webhook: its headers, its signature, and how it ended.

When it is made, and whether it is made again, is decided in deliveries.py.
"""

from __future__ import annotations

import secrets
import time
from contextlib import suppress
from dataclasses import dataclass, field
from time import perf_counter
from types import TracebackType

import requests
from urllib3.exceptions import HTTPError, LocationParseError
from urllib3.util import parse_url

from .._http.adapter import DeadlineAdapter
from .._http.addresses import is_loopback
from .._http.guard import NetworkBlocked
from .rows import Delivery, Destination
from .signing import sign

TIMEOUT = 5.0
"""Seconds to connect, and again to answer."""
MOST_OF_ANSWER = 4096
"""So many bytes of an answer are kept: its beginning."""


@dataclass(frozen=True)
class Outcome:
    """How a POST ended."""

    status: int | None
    """The HTTP status; None where there was no answer."""
    error: str | None
    """The kind of failure where there was no answer, else None."""
    seconds: float
    """How long it took, by this machine's clock."""
    headers: dict[str, str] = field(default_factory=dict)
    """What went with the body; empty where nothing was posted."""
    answer: str = ""
    """The beginning of the answer's body."""

    @property
    def was_taken(self) -> bool:
        """Whether the receiver has it: any 2xx."""
        return self.status is not None and 200 <= self.status < 300


class Poster:
    """Posts webhooks, for one thread. To another machine only with `allow_remote`, whoever made the destination."""

    def __init__(self, *, allow_remote: bool) -> None:
        self._allow_remote = allow_remote
        self._session = requests.Session()
        self._session.trust_env = False  # a proxy of the environment would take the event off this machine
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, DeadlineAdapter())

    def __enter__(self) -> Poster:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._session.close()

    def post(self, destination: Destination, delivery: Delivery, *, forge: bool = False) -> Outcome:
        """Make one attempt; with `forge` under the signature of a secret that nobody has."""
        if not (self._allow_remote or is_loopback(host_of(delivery.url))):
            return Outcome(None, "RemoteNotAllowed", 0.0)
        status, error, answer = None, None, ""
        headers = headers_of(destination, delivery, forge=forge)
        started = perf_counter()
        try:
            # Only the status counts. A redirect could lead away from this machine: it is a failure.
            with self._session.post(
                delivery.url,
                data=delivery.body.encode(),
                headers=headers,
                timeout=TIMEOUT,
                allow_redirects=False,
                stream=True,
            ) as response:
                status = response.status_code
                answer = _beginning_of(response)
        except (requests.RequestException, HTTPError, NetworkBlocked) as failure:
            error = type(failure).__name__
        return Outcome(status, error, perf_counter() - started, headers, answer)


def _beginning_of(response: requests.Response) -> str:
    """The beginning of its body, or what came of it before the connection broke."""
    body = b""
    with suppress(HTTPError):
        while len(body) < MOST_OF_ANSWER and (part := response.raw.read1(MOST_OF_ANSWER - len(body))):
            body += part
    return body.decode(errors="replace")


def headers_of(destination: Destination, delivery: Delivery, *, forge: bool = False) -> dict[str, str]:
    """What goes with the body: for version 2 the event, the delivery and the signature, made anew each time."""
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "smsmobile-sandbox",
        "Accept-Encoding": "identity",
        "Connection": "close",
    }
    if destination.secret is None:
        return headers
    # A receiver refuses an old timestamp. It goes by this machine's clock, whatever the time in the sandbox.
    timestamp = int(time.time())
    keys = {
        "X-SMSMobileAPI-Signature": destination.secret,
        "X-SMSMobileAPI-Signature-Next": destination.next_secret,
    }
    signed = {
        name: sign(delivery.body.encode(), secrets.token_hex(32) if forge else key, timestamp)
        for name, key in keys.items()
        if key is not None
    }
    return headers | {
        "X-SMSMobileAPI-Event": delivery.event_type,
        "X-SMSMobileAPI-Event-ID": delivery.event_id,
        "X-SMSMobileAPI-Delivery": delivery.delivery_id,
        "X-SMSMobileAPI-Timestamp": str(timestamp),
        **signed,
        "Idempotency-Key": delivery.event_id,
    }


def host_of(url: object) -> str | None:
    """The host that would be called; None for what is no address of a webhook."""
    if not isinstance(url, str):
        return None
    try:
        requests.Request("POST", url).prepare()
        parsed = parse_url(url)  # what requests itself goes by: another parser might see another host
    except (requests.RequestException, LocationParseError):
        return None
    return parsed.host if parsed.scheme in ("http", "https") else None
