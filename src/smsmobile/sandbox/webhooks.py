"""Pushes events to the registered URLs: signs them, tries again, and keeps a list of every attempt.

What an event says lives in events.py.
"""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass
from queue import SimpleQueue
from threading import Condition, Thread
from threading import Event as Flag
from types import ModuleType

import requests
from urllib3.exceptions import LocationParseError
from urllib3.util import parse_url

from ..addresses import is_loopback
from .events import Event

TIMEOUT = 5.0
"""Seconds to connect, and again to answer."""
PAUSES = (0.05, 0.2)
"""Seconds to wait after the first and after the second failure; there is no fourth try."""


@dataclass(frozen=True)
class DeliveryAttempt:
    """One try to hand one event to one destination."""

    event_id: str
    type: str
    url: str
    attempt: int
    """1 for the first try."""
    status: int | None
    """The HTTP status of the receiver; None where it did not answer."""
    error: str | None
    """The kind of failure where it did not answer (`ReadTimeout`, `ConnectionError` …), else None."""


class Webhooks:
    """The destinations, and what became of every event."""

    def __init__(self) -> None:
        self._progress = _Progress()
        self._destinations: list[_Destination] = []

    def add(self, url: str, *, secret: str | None, version: int) -> None:
        """See `Sandbox.add_webhook`."""
        if version not in (1, 2):
            raise ValueError(f"There are webhooks of version 1 and 2, not of version {version!r}.")
        if version == 2:
            if not secret:
                raise ValueError("Webhooks of version 2 are signed: pass secret=…")
            _signatures().sign(b"", secret, 0)  # an unusable secret is an error here, not on a thread later
        if version == 1 and secret is not None:
            raise ValueError("Webhooks of version 1 are not signed: leave the secret out, or use version=2.")
        _require_loopback(url)
        with self._progress.changed:
            self._destinations.append(_Destination(url, secret, version, self._progress))

    def publish(self, event: Event) -> None:
        """Queue an event for every destination that wants it. Never waits for a receiver."""
        with self._progress.changed:
            for destination in self._destinations:
                destination.offer(event)

    @property
    def attempts(self) -> list[DeliveryAttempt]:
        """Every attempt so far, oldest first."""
        with self._progress.changed:
            return list(self._progress.attempts)

    def wait(self, timeout: float) -> None:
        """See `Sandbox.wait_for_deliveries`."""
        waiting = self._progress.waiting
        with self._progress.changed:
            if not self._progress.changed.wait_for(lambda: not waiting, timeout):
                raise TimeoutError(
                    f"After {timeout:g} s {len(waiting)} webhook(s) are still on their way: "
                    + ", ".join(f"{delivery.event.type} to {delivery.url}" for delivery in waiting)
                    + ". See box.deliveries for what was tried."
                )

    def close(self) -> None:
        """End all threads; what still waits is dropped."""
        self._progress.closing.set()
        for destination in self._destinations:
            destination.queue.put(None)
        for destination in self._destinations:
            destination.thread.join(timeout=2 * TIMEOUT + 1)


class _Progress:
    """What all destinations report to."""

    def __init__(self) -> None:
        self.changed = Condition()
        """Guards the two below; notified when a delivery has ended."""
        self.attempts: list[DeliveryAttempt] = []
        self.waiting: dict[_Delivery, None] = {}
        self.closing = Flag()


class _Delivery:
    """One event on its way to one destination: the same body and the same ids at each try."""

    def __init__(self, event: Event, body: bytes, url: str) -> None:
        self.id = str(uuid.uuid4())
        self.event = event
        self.body = body
        self.url = url


class _Destination:
    """A URL with a thread of its own, so that a slow receiver delays neither the API nor its neighbours."""

    def __init__(self, url: str, secret: str | None, version: int, progress: _Progress) -> None:
        self.url = url
        self.queue: SimpleQueue[_Delivery | None] = SimpleQueue()
        self._secret = secret
        self._version = version
        self._progress = progress
        self.thread = Thread(target=self._run, name="smsmobile-sandbox-webhook", daemon=True)
        self.thread.start()

    def offer(self, event: Event) -> None:
        """Queue the event, if this version tells it. The caller holds `progress.changed`."""
        body = event.body(self._version)
        if body is not None:
            delivery = _Delivery(event, body, self.url)
            self._progress.waiting[delivery] = None
            self.queue.put(delivery)

    def _run(self) -> None:
        with requests.Session() as session:
            session.trust_env = False  # a proxy of the environment would take the event off this machine
            while (delivery := self.queue.get()) is not None:
                self._deliver(session, delivery)
                with self._progress.changed:
                    del self._progress.waiting[delivery]
                    self._progress.changed.notify_all()

    def _deliver(self, session: requests.Session, delivery: _Delivery) -> None:
        for number, pause in enumerate((*PAUSES, 0.0), start=1):
            if self._progress.closing.is_set():
                return
            status, error = self._try(session, delivery)
            event = delivery.event
            with self._progress.changed:
                self._progress.attempts.append(DeliveryAttempt(event.id, event.type, self.url, number, status, error))
            if status is not None and 200 <= status < 300:
                return
            self._progress.closing.wait(pause)

    def _try(self, session: requests.Session, delivery: _Delivery) -> tuple[int | None, str | None]:
        try:
            # Only the status counts. A redirect could lead away from this machine: it is a failure.
            with session.post(
                self.url,
                data=delivery.body,
                headers=self._headers(delivery),
                timeout=TIMEOUT,
                allow_redirects=False,
                stream=True,
            ) as response:
                return response.status_code, None
        except requests.RequestException as error:
            return None, type(error).__name__

    def _headers(self, delivery: _Delivery) -> dict[str, str]:
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "smsmobile-sandbox",
            "Connection": "close",
        }
        if self._secret is None:
            return headers
        # Signed anew at each try: a receiver refuses an old timestamp. By this machine's clock, which is also
        # the receiver's, whatever the time in the sandbox.
        timestamp = int(time.time())
        spelling = _signatures()
        return headers | {
            spelling.EVENT_HEADER: delivery.event.type,
            spelling.EVENT_ID_HEADER: delivery.event.id,
            spelling.DELIVERY_HEADER: delivery.id,
            spelling.TIMESTAMP_HEADER: str(timestamp),
            spelling.SIGNATURE_HEADER: spelling.sign(delivery.body, self._secret, timestamp),
            spelling.IDEMPOTENCY_HEADER: delivery.event.id,
        }


def _signatures() -> ModuleType:
    """Imported on first use: most tests push no webhooks, and should not wait for the models of their events."""
    from ..webhooks import signatures

    return signatures


def _require_loopback(url: str) -> None:
    if not _is_loopback(url):
        raise ValueError(
            "The sandbox pushes webhooks to this machine only: the URL must begin with http:// or https://, and "
            "its host be localhost, 127.0.0.1 or ::1."
        )


def _is_loopback(url: str) -> bool:
    try:
        parsed = parse_url(url)  # what requests itself goes by: another parser might see another host
    except LocationParseError:
        return False
    return is_loopback(parsed.host) and parsed.scheme in ("http", "https")
