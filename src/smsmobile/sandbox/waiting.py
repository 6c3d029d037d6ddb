"""Waits until something has happened in the sandbox, and says what it holds where that took too long."""

from __future__ import annotations

import linecache
from collections.abc import Callable, Iterable
from datetime import timedelta
from time import monotonic
from typing import TypeVar

from .recipients import behaviour_of
from .rows import Message, RecordedRequest
from .store import Store
from .timestamps import iso

T = TypeVar("T")

LOOK_AGAIN = 0.05
"""Seconds after which the condition is looked at again, even where nothing has changed here."""
SHOWN = 3
"""So many of each kind are shown, the last ones."""


def wait_for(store: Store, condition: Callable[[], T], timeout: float) -> T:
    """See `Sandbox.wait_for`."""
    deadline = monotonic() + timeout
    while not (value := condition()):
        seen = store.version  # read only now: the condition may itself be a request, which is a change too
        left = deadline - monotonic()
        if not left > 0:
            raise TimeoutError(f"After {timeout:g} s it was still not so: {_where(condition)}\n{_holdings(store)}")
        with store.lock:
            if store.version == seen:
                store.lock.wait(min(left, LOOK_AGAIN))
    return value


def _where(condition: Callable[[], object]) -> str:
    code = getattr(condition, "__code__", None)
    if code is None:
        return repr(condition)
    line = linecache.getline(code.co_filename, code.co_firstlineno).strip()
    return f"{code.co_filename}:{code.co_firstlineno}" + (f": {line}" if line else "")


def _holdings(store: Store) -> str:
    with store.lock:
        messages = list(store.messages)
        lines = [
            "The sandbox holds:",
            *_some("sent by a phone", (f"to {row.recipient}: {row.message!r}" for row in store.outbox)),
            *_some("queued", (f"to {row.number}: {_why_queued(row, store)}" for row in messages if row.is_pending)),
            *_some(
                "failed or refused",
                (f"to {row.number}: {row.phone_error or row.api_error}" for row in messages if row.failed),
            ),
            *_some("received", (f"from {row.sender}: {row.text!r}" for row in store.received)),
            *_some("requests", (_request(row) for row in store.requests)),
            *_some(
                "webhooks not yet delivered",
                (
                    f"{row.event_type} to {row.url}, after {len(row.tries)} failed"
                    for row in store.deliveries
                    if row.state == "waiting"
                ),
            ),
            *_some(
                "webhooks given up",
                (f"{row.event_type} to {row.url}" for row in store.deliveries if row.state == "given_up"),
            ),
        ]
    return "\n".join(lines)


def _some(title: str, entries: Iterable[str]) -> list[str]:
    every = list(entries)
    shown = [f"    {entry}" for entry in every[-SHOWN:]]
    if len(every) > SHOWN:
        shown.insert(0, "    …")
    return [f"  {title}: {len(every)}", *shown]


def _why_queued(message: Message, store: Store) -> str:
    now = store.now()
    phone = store.phones.get(message.phone)
    if behaviour_of(message.number).is_left:
        return "no phone ever picks up what goes to this number"
    if message.ready_at > now:
        return f"scheduled until {iso(message.ready_at)}, and it is {iso(now)} in the sandbox"
    if phone is not None and not phone.is_on:
        return f"{phone.label!r} is switched off"
    if phone is not None and phone.delay:
        return f"{phone.label!r} sends it at {iso(message.ready_at + timedelta(seconds=phone.delay))} (its delay)"
    return "about to be sent"


def _request(row: RecordedRequest) -> str:
    answer = "no answer" if row.status is None else str(row.status)
    faults = f" (fault: {', '.join(row.faults)})" if row.faults else ""
    return f"{row.method} {row.path} -> {answer}{faults}"
