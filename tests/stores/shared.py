"""The stores that processes share, by address: a program of the tests makes them in its own process.

`python shared.py ADDRESS LEASE race NAME` claims what seven others claim too, and prints what it got. `… die STEPS`
makes so many steps of one message and one event, and is killed.
"""

from __future__ import annotations

import os
import signal
import sys

from smsmobile.delivery import Journal, JournalEntry, SendStatus, SQLiteJournal
from smsmobile.webhooks import EventStore, SQLiteEventStore

ROUNDS = 20
NUMBER = "33639980001"


def stores_at(address: str, lease: float) -> tuple[Journal, EventStore]:
    """The journal and the event store at the address of a server, or in files of their own."""
    if address.startswith("redis://"):
        from smsmobile.contrib.redis import RedisEventStore, RedisJournal

        return RedisJournal(address, lease=lease), RedisEventStore(address, lease=lease)
    if "://" in address:
        from smsmobile.contrib.sqlalchemy import SQLEventStore, SQLJournal

        return SQLJournal(address, lease=lease), SQLEventStore(address, lease=lease)
    return SQLiteJournal(address, lease=lease), SQLiteEventStore(f"{address}-events", lease=lease)


def message(key: str, look: str, token: str) -> JournalEntry:
    """A message to be claimed."""
    return JournalEntry(key, NUMBER, "print", "text", look, 1.0, 1.0, token)


def race(journal: Journal, events: EventStore, me: str) -> None:
    """Claim keys, looks and events that all racers claim, and print those that are new."""
    print("ready", flush=True)
    sys.stdin.readline()
    for number in range(ROUNDS):
        key, twin = f"key {number}", f"twin {number} of {me}"
        if journal.claim([message(key, key, f"{key} {me}")])[0].state == "new":
            print(key)
        if journal.claim([message(twin, f"look {number}", twin)])[0].state == "new":
            print(f"look {number}")
        if events.claim(f"event {number}") == "new":
            print(f"event {number}")
    print("end", flush=True)
    sys.stdin.readline()  # the claims of a process that has ended are free


def die(journal: Journal, events: EventStore, steps: str) -> None:
    """Be killed after so many steps."""
    one = message("order", "look", "of the dead")
    journal.unknown()  # the tables are there
    for step in [
        lambda: journal.claim([one]),
        lambda: journal.start(one, 1.0),
        lambda: journal.settle(one, SendStatus.SENT),
        lambda: events.claim("event"),
        lambda: events.done("event"),
    ][: int(steps)]:
        step()
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    address, lease, what, argument = sys.argv[1:]
    {"race": race, "die": die}[what](*stores_at(address, float(lease)), argument)
