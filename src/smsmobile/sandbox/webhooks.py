"""The webhooks of the account: who gets which events, and what became of every one of them.

How one destination is served lives in deliveries.py, the HTTP in posting.py, what an event says in events.py.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from time import monotonic

from .._http.addresses import is_loopback
from .deliveries import HELD_FOR, DeliveryWorker
from .events import TYPES, Event
from .faults import Faults
from .rows import Delivery, Destination, Row
from .sample_events import sample
from .signing import check_secret
from .store import MOST_REMEMBERED, Store, Table
from .timestamps import iso

CLOSING = 0.5
"""Seconds that closing waits at most for receivers that hang."""
MOST_WAITING = 10_000
"""So many deliveries wait at most, for all destinations together; of more, the oldest are given up."""
MOST_NAMED = 5
"""So many deliveries are named when waiting for them takes too long."""


@dataclass(frozen=True)
class DeliveryAttempt:
    """One try to hand one event to one destination."""

    event_id: str
    """The same for all attempts and destinations of an event."""
    type: str
    """The type of the event, such as `sms.received`."""
    url: str
    """The destination."""
    attempt: int
    """1 for the first try."""
    status: int | None
    """The HTTP status of the receiver; None where it did not answer."""
    error: str | None
    """The kind of failure where it did not answer (`ReadTimeout`, `ConnectionError` …), else None."""
    at: datetime
    """When it began, by the sandbox's clock: aware, UTC."""
    milliseconds: float
    """How long it took, by this machine's clock."""
    body: str = field(repr=False)
    """What was posted: JSON, the same at each try."""
    headers: dict[str, str] = field(repr=False, hash=False)
    """What went with it, by name: the ids, the timestamp and the signature, made anew at each try; never the secret.

    Without those that every request has, such as `Host`. Empty where `error` is `RemoteNotAllowed`: nothing was posted.
    """
    answer: str = field(repr=False)
    """The beginning of the body that the receiver answered with, at most 4,096 bytes, read as UTF-8; else empty."""


@dataclass(frozen=True)
class Webhook:
    """An address that events are pushed to. `Sandbox.add_webhook` makes one, `Sandbox.webhooks` lists them."""

    id: int
    """Its number in this sandbox, as in the page's addresses."""
    url: str
    """Where events are posted."""
    version: int
    """1 or 2."""
    types: tuple[str, ...] | None
    """The event types that it gets; None for all that its version tells."""
    _webhooks: Webhooks = field(repr=False, compare=False)

    @property
    def failures(self) -> int:
        """How many attempts have failed since the last that succeeded, of whichever deliveries."""
        return self._webhooks.destination(self).failures

    @property
    def paused_until(self) -> datetime | None:
        """When a pause after too many failures ends, by the sandbox's clock: aware, UTC. None where there is none."""
        return self._webhooks.paused_until(self._webhooks.destination(self))

    @property
    def is_rotating(self) -> bool:
        """Whether there is a next secret, which signs as well."""
        return self._webhooks.destination(self).next_secret is not None

    def send_test(self, event_type: str) -> str:
        """Deliver a made-up event of this type, such as `call.missed`; returns its event id.

        It is signed, tried again and listed in `Sandbox.deliveries` like any other, and delivered here alone, also
        where this type was not chosen. Its GUID is in no log, since nothing has happened.

        Raises ValueError for an unknown type, and for one that version 1 does not tell; LookupError where the webhook
        was removed.
        """
        return self._webhooks.send_test(self, event_type).event_id

    def rotate_secret(self, next_secret: str) -> None:
        """Sign with a next secret too from now on, in `X-SMSMobileAPI-Signature-Next`, until `finish_rotation()`.

        Raises ValueError for version 1, which is not signed, and for a secret that nothing can be signed with.
        """
        self._webhooks.rotate_secret(self, next_secret)

    def finish_rotation(self) -> None:
        """Sign with the next secret alone from now on. Raises ValueError where there is none."""
        self._webhooks.finish_rotation(self)

    def resume(self) -> None:
        """End a pause before its time. The first failure that follows begins another one."""
        self._webhooks.resume(self)

    def remove(self) -> None:
        """Push nothing more here; what still waits is given up. Nothing happens where it is already gone."""
        self._webhooks.remove(self)


class Webhooks:
    """The destinations, and what became of every event.

    Everything is kept in the store's rows. Whoever changes those (the page, a reset, a file that is read) need not
    tell: this watches them.
    """

    def __init__(self, store: Store, faults: Faults, *, allow_remote: bool = False) -> None:
        self._store = store
        self._faults = faults
        self._allow_remote = allow_remote
        self._workers: dict[str, DeliveryWorker] = {}
        self._retired: list[DeliveryWorker] = []
        self._closed = False
        with store.lock:
            for destination in store.destinations:
                self._follow(destination)
            self._number_tries_after_those_kept()
            store.watchers.append(self._watch)

    def add(
        self, url: str, *, secret: str | None = None, version: int = 2, types: Iterable[str] | None = None
    ) -> Webhook:
        """See `Sandbox.add_webhook`."""
        if version not in (1, 2):
            raise ValueError(f"There are webhooks of version 1 and 2, not of version {version!r}.")
        if version == 2:
            if not secret:
                raise ValueError("Webhooks of version 2 are signed: pass secret=…")
            check_secret(secret)
        elif secret is not None:
            raise ValueError("Webhooks of version 1 are not signed: leave the secret out, or use version=2.")
        elif types is not None:
            raise ValueError("Webhooks of version 1 tell received SMS only: leave the types out, or use version=2.")
        _check_address(url, allow_remote=self._allow_remote)
        wanted = None if types is None else _checked_types(types)
        store = self._store
        with store.lock:
            row = store.destinations.put(Destination(store.new_id(), url, version, secret, types=wanted))
            return self._handle(row)

    def all(self) -> list[Webhook]:
        """All destinations, the first one first."""
        with self._store.lock:
            return [self._handle(row) for row in self._store.destinations]

    def publish(self, event: Event) -> None:
        """Queue an event for every destination that wants it. Never waits for a receiver.

        The caller holds the store's lock.
        """
        for destination in list(self._store.destinations):
            if destination.types is None or event.type in destination.types:
                body = event.body(destination.version)
                if body is not None:
                    self._deliver(destination, event.id, event.type, body.decode())

    def send_test(self, webhook: Webhook, event_type: str) -> Delivery:
        """See `Webhook.send_test`; returns the new delivery."""
        _checked_types([event_type])
        store = self._store
        with store.lock:
            destination = self.destination(webhook)
            phone = next(iter(store.phones))
            event = sample(event_type, guid=store.new_guid(), phone=phone.sid, at=store.now())
            body = event.body(destination.version)
            if body is None:
                raise ValueError("Webhooks of version 1 tell received SMS only: the type must be sms.received.")
            return self._deliver(destination, event.id, event.type, body.decode())

    def send_again(self, delivery_id: int) -> Delivery:
        """Deliver the event of a delivery once more, however that one ended; returns the new delivery.

        It has the same event id and body, a delivery id of its own, and all its tries before it.
        Raises LookupError where there is no such delivery, or its destination was removed.
        """
        store = self._store
        with store.lock:
            old = store.deliveries.get(str(delivery_id))
            if old is None:
                raise LookupError(f"There is no delivery {delivery_id}, or it was forgotten.")
            destination = store.destinations.get(str(old.destination))
            if destination is None:
                raise LookupError(f"The webhook to {old.url} was removed: add it again first.")
            return self._deliver(destination, old.event_id, old.event_type, old.body)

    @property
    def attempts(self) -> list[DeliveryAttempt]:
        """Every attempt so far, oldest first."""
        with self._store.lock:
            made = [
                (attempt.id, number, attempt, delivery)
                for delivery in self._store.deliveries
                for number, attempt in enumerate(delivery.tries, start=1)
            ]
        return [
            DeliveryAttempt(
                event_id=delivery.event_id,
                type=delivery.event_type,
                url=delivery.url,
                attempt=number,
                status=attempt.status,
                error=attempt.error,
                at=attempt.at,
                milliseconds=attempt.milliseconds,
                body=delivery.body,
                headers=dict(attempt.headers),
                answer=attempt.answer,
            )
            for _, number, attempt, delivery in sorted(made, key=lambda entry: entry[0])
        ]

    def wait(self, timeout: float) -> None:
        """See `Sandbox.wait_for_deliveries`."""
        with self._store.lock:
            if not self._store.lock.wait_for(lambda: not self._store.deliveries.count("is_pending"), timeout):
                raise TimeoutError(f"After {timeout:g} s {self._what_waits()} See box.deliveries for what was tried.")

    def wake(self) -> None:
        """Look again what is due: the clock was moved, or an earlier run of the sandbox has left something."""
        with self._store.lock:
            for worker in self._workers.values():
                worker.wake()

    def close(self) -> None:
        """End all threads; what still waits is left. A receiver that hangs is hardly waited for."""
        with self._store.lock:
            self._closed = True
            workers = [*self._workers.values(), *self._retired]
            for worker in workers:
                worker.end()
        until = monotonic() + CLOSING
        for worker in workers:
            worker.join(max(until - monotonic(), 0.0))
        with self._store.lock:
            for worker in workers:
                worker.abandon()

    def destination(self, webhook: Webhook) -> Destination:
        """The row of a handle. Raises LookupError where it was removed."""
        row = self._store.destinations.get(str(webhook.id))
        if row is None:
            raise LookupError(f"The webhook to {webhook.url} was removed: add it again.")
        return row

    def paused_until(self, destination: Destination) -> datetime | None:
        """When its pause ends; None where there is none, or it is over."""
        until = destination.paused_until
        return until if until is not None and until > self._store.now() else None

    def rotate_secret(self, webhook: Webhook, next_secret: str) -> None:
        """See `Webhook.rotate_secret`."""
        if webhook.version == 1:
            raise ValueError("Webhooks of version 1 are not signed: there is no secret to rotate.")
        if not next_secret:
            raise ValueError("A rotation needs the next secret: it must not be empty.")
        check_secret(next_secret)
        with self._store.lock:
            self._store.destinations.put(replace(self.destination(webhook), next_secret=next_secret))

    def finish_rotation(self, webhook: Webhook) -> None:
        """See `Webhook.finish_rotation`."""
        with self._store.lock:
            row = self.destination(webhook)
            if row.next_secret is None:
                raise ValueError("There is no next secret: begin with rotate_secret(…).")
            self._store.destinations.put(replace(row, secret=row.next_secret, next_secret=None))

    def resume(self, webhook: Webhook) -> None:
        """See `Webhook.resume`."""
        with self._store.lock:
            self._follow(self.destination(webhook)).resume()

    def remove(self, webhook: Webhook) -> None:
        """See `Webhook.remove`."""
        with self._store.lock:
            if self._store.destinations.remove(str(webhook.id)) is None:
                return
            for delivery in self._store.deliveries.where("is_pending AND destination = ?", webhook.id):
                self._give_up(delivery)

    def _deliver(self, destination: Destination, event_id: str, event_type: str, body: str) -> Delivery:
        """Queue one event for one destination, with what is to go wrong on the way."""
        self._forget_the_oldest()
        worker = self._follow(destination)
        store = self._store
        now = store.now()
        due_at: datetime | None = None
        late = self._faults.inject("webhook_late")
        # While one is held back, the next has to go out: it is the one that is waited for.
        reordered = None if late or worker.holds_one else self._faults.inject("webhook_reordered")
        if late is not None:
            due_at = now + timedelta(seconds=late.seconds)
        elif reordered is not None:
            due_at = now + timedelta(seconds=HELD_FOR)
        delivery = Delivery(
            id=store.new_id(),
            delivery_id=str(uuid.uuid4()),
            destination=destination.id,
            url=destination.url,
            event_id=event_id,
            event_type=event_type,
            body=body,
            created_at=now,
            due_at=due_at,
        )
        forged = self._faults.inject("webhook_forged") if destination.secret is not None else None
        duplicate = self._faults.inject("webhook_duplicate")
        injected = [fault.kind for fault in (late, reordered, forged, duplicate) if fault is not None]
        delivery = replace(delivery, faults=tuple(injected))
        if reordered is not None:
            worker.hold(delivery)
        store.deliveries.put(delivery)
        if duplicate is not None:
            others = tuple(kind for kind in injected if kind != "webhook_forged")  # the first alone is signed wrongly
            copy = replace(delivery, id=store.new_id(), delivery_id=str(uuid.uuid4()), faults=others)
            store.deliveries.put(copy)
        return delivery

    def _forget_the_oldest(self) -> None:
        deliveries = self._store.deliveries
        pending = deliveries.count("is_pending")
        for delivery in deliveries.where("is_pending", last=_oldest(pending - MOST_WAITING)):
            self._give_up(delivery)
        for delivery in deliveries.where("NOT is_pending", last=_oldest(len(deliveries) - pending - MOST_REMEMBERED)):
            deliveries.remove(delivery.key)

    def _give_up(self, delivery: Delivery) -> None:
        self._store.deliveries.put(replace(delivery, state="given_up", due_at=None))

    def _number_tries_after_those_kept(self) -> None:
        """They stand inside of a row, where whoever reads a file does not look for numbers."""
        highest = max((made.id for row in self._store.deliveries for made in row.tries), default=0)
        if highest:
            self._store.start_ids_after(max(highest, self._store.new_id()))

    def _handle(self, row: Destination) -> Webhook:
        return Webhook(row.id, row.url, row.version, row.types, self)

    def _watch(self, table: Table[Row], row: Row, is_gone: bool) -> None:
        """Follow what becomes of the rows, whoever changes them."""
        if table is self._store.destinations:
            if not is_gone:
                self._follow(row)
            elif worker := self._workers.pop(row.key, None):  # else an earlier removal was undone
                worker.end()
                self._retired = [one for one in (*self._retired, worker) if not one.join(0)]
        elif table is self._store.deliveries and str(row.destination) in self._workers:
            self._workers[str(row.destination)].wake()

    def _follow(self, row: Destination) -> DeliveryWorker:
        worker = self._workers.setdefault(row.key, DeliveryWorker(row, self._store, allow_remote=self._allow_remote))
        if self._closed:
            worker.end()
        worker.wake()
        return worker

    def _what_waits(self) -> str:
        rows = list(self._store.deliveries.where("is_pending"))
        named = [f"{row.event_type} to {row.url}" for row in rows[:MOST_NAMED]]
        if len(rows) > MOST_NAMED:
            named.append(f"and {len(rows) - MOST_NAMED} more")
        paused = [
            f" {row.url} is paused until {iso(until)} by the sandbox's clock, after {row.failures} failures in a row: "
            "move box.clock forward, or call resume() of the webhook."
            for row in self._store.destinations
            if (until := self.paused_until(row)) is not None
        ]
        return f"{len(rows)} webhook(s) are still on their way: {', '.join(named)}.{''.join(paused)}"


def _oldest(number: int) -> str:
    return f"ORDER BY place LIMIT {max(number, 0)}"


def _checked_types(types: Iterable[str]) -> tuple[str, ...]:
    chosen = [types] if isinstance(types, str) else list(types)
    unknown = [repr(name) for name in chosen if name not in TYPES]
    if unknown:
        raise ValueError(f"There is no event type {', '.join(unknown)}. There are: {', '.join(TYPES)}.")
    if not chosen:
        raise ValueError("A webhook with no event type would never be called: leave the types out for all of them.")
    return tuple(dict.fromkeys(chosen))


def _check_address(url: str, *, allow_remote: bool) -> None:
    from .posting import host_of

    host = host_of(url)
    if not allow_remote and not is_loopback(host):
        raise ValueError(
            "The sandbox pushes webhooks to this machine only: the URL must begin with http:// or https://, and "
            "its host be localhost, 127.0.0.1 or ::1."
        )
    if host is None:
        raise ValueError("The URL of a webhook must begin with http:// or https://, and name a host.")
