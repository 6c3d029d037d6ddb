"""The suppression lists that processes share, by address: a program of the tests makes one in its own process.

`python shared_suppression.py ADDRESS race NAME` adds what others add too, and prints what it was the first
to add. `… ADDRESS go_on NAME` adds numbers, and removes every other one again, until it is killed; it prints each
change once that has returned.
"""

from __future__ import annotations

import itertools
import sys

from smsmobile.delivery import SQLiteSuppression, Suppression

ROUNDS = 20


def suppression_at(address: str) -> Suppression:
    """The list at the address of a server, or in a file."""
    if address.startswith("redis://"):
        from smsmobile.contrib.redis import RedisSuppression

        return RedisSuppression(address)
    if "://" in address:
        from smsmobile.contrib.sqlalchemy import SQLSuppression

        return SQLSuppression(address)
    return SQLiteSuppression(address)


def number_of(place: int) -> str:
    """A number that belongs to nobody."""
    return f"3363998{place:04}"


def race(suppression: Suppression, me: str) -> None:
    """Add numbers that all racers add, each with a message of its own, and print those that were new."""
    print("ready", flush=True)
    sys.stdin.readline()
    for place in range(ROUNDS):
        if suppression.add(number_of(place), source=f"message of {me}"):
            print(number_of(place))
    print("end", flush=True)


def go_on(suppression: Suppression, me: str) -> None:
    """Change the list until the end comes."""
    for place in itertools.count():
        assert suppression.add(number_of(place), source=me)
        print("added", number_of(place), flush=True)
        if place % 2:
            assert suppression.remove(number_of(place))
            print("removed", number_of(place), flush=True)


if __name__ == "__main__":
    address, what, argument = sys.argv[1:]
    {"race": race, "go_on": go_on}[what](suppression_at(address), argument)
