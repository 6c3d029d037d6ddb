"""Two owners call `send_once`: everything that can happen, in every order, up to so many faults."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from .owners import simulated_machine
from .scenes import SAME_KEY, TWINS, TWINS_EACH, TWINS_ENCRYPTED, TWINS_WITH_LINKS, TWO_EACH, Scene, searched
from .scheduler import explore
from .story import told


class Search(NamedTuple):
    name: str
    scene: Scene
    budget: dict[str, int]
    how: dict[str, Any] = {}  # noqa: RUF012 - nobody changes it


TWO_CRASHES = {"crashes": 2, "lost": 1}
A_DELAY = {"crashes": 1, "lost": 1, "delays": 1}
DISAGREEING = {"clocks": {"B": 90.0}, "service_clock": -700.0}

SEARCHES = (
    Search("one key", SAME_KEY, {**TWO_CRASHES, "late": 1, "refusals": 1, "unsent": 1}),
    Search("one key, a log that is late", SAME_KEY, {**TWO_CRASHES, "late": 1}, {"patience": 30.0}),
    Search("twins", TWINS, {**TWO_CRASHES, "late": 1, "refusals": 1}),
    Search("twins, one encrypted", TWINS_ENCRYPTED, {**TWO_CRASHES, "late": 1, "refusals": 1}),
    Search("one key, a number on the list", SAME_KEY, {"crashes": 1, "suppressions": 1, "delays": 1}),
)
LONG_SEARCHES = (
    Search("one key, delays", SAME_KEY, A_DELAY),
    Search("two messages each", TWO_EACH, TWO_CRASHES),
    Search("twins each", TWINS_EACH, TWO_CRASHES),
    Search("one key, a store that fails", SAME_KEY, {"crashes": 1, "lost": 1, "store": 1}),
    Search("one key, a store that fails, delays", SAME_KEY, {"store": 1, "delays": 1}),
    Search("one key, clocks that are set", SAME_KEY, {"crashes": 1, "lost": 1, "jumps": 1}),
    Search(
        "one key, a phone that is offline", SAME_KEY, {**TWO_CRASHES, "offline": 1, "interruptions": 1, "unread": 1}
    ),
    Search("twins, a number on the list", TWINS, {**A_DELAY, "suppressions": 2}),
    Search("one key, a number on the list, a store that fails", SAME_KEY, {"suppressions": 1, "store": 1, "delays": 1}),
    Search("two messages each, delays", TWO_EACH, A_DELAY),
    Search("twins with links, delays", TWINS_WITH_LINKS, {"lost": 1, "delays": 1}),
    Search("twins with links, clocks that disagree", TWINS_WITH_LINKS, A_DELAY, DISAGREEING),
    Search("twins with links, a store that fails", TWINS_WITH_LINKS, {"crashes": 1, "lost": 1, "store": 1}),
    Search("twins, clocks that are set", TWINS, {"crashes": 1, "lost": 1, "jumps": 1}),
    Search("twins, one encrypted, delays", TWINS_ENCRYPTED, {"lost": 1, "delays": 1, "refusals": 1}),
    Search("twins each, delays", TWINS_EACH, A_DELAY),
)


@pytest.fixture(autouse=True)
def _machine() -> Iterator[None]:
    with simulated_machine():
        yield


@pytest.mark.parametrize("search", SEARCHES, ids=lambda search: search.name)
def test_promises_hold_whatever_happens(search: Search) -> None:
    hold(search)


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize("search", LONG_SEARCHES, ids=lambda search: search.name)
def test_promises_hold_whatever_happens_with_more_faults(search: Search) -> None:
    hold(search)


def hold(search: Search) -> None:
    explored = explore(searched(search.scene, search.budget, **search.how))
    faults = ", ".join(f"{count} {fault}" for fault, count in search.budget.items())
    print(f"{search.name}, {faults}: {explored.states} states, {explored.actions} actions, {explored.ends} ends")
    assert not explored.broken, f"{explored.broken}\n{told(explored.story)}"
    assert explored.ends
