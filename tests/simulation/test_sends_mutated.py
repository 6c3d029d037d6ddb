"""The search with an engine that lacks one precaution: each time it finds how a promise gets broken.

The engine that ships keeps its promises with the same faults and more: see test_sends_explored.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import pytest

from smsmobile.delivery import MemoryJournal

from .mutations import (
    NoLeases,
    Overwrites,
    Patch,
    StartedIsPlanned,
    by_key_only,
    exact_twins_are_no_rivals,
    kept_back_anyway,
    no_claim,
    resend_without_looking,
    rivals_after_guids,
    settle_before_send,
    start_anyway,
    withdraw_in_doubt,
    without_rivals,
)
from .owners import simulated_machine
from .scenes import SAME_KEY, TWINS, TWINS_WITH_LINKS, Scene, searched
from .scheduler import LEASE, explore
from .story import told

pytestmark = pytest.mark.long

TWICE = "was accepted twice."
A_DELAY = {"lost": 1, "delays": 1}
SUPPRESSED = "is called suppressed, and was accepted."
NOT_ACCEPTED = "is called sent, and was not accepted."


class Mutation(NamedTuple):
    name: str
    broken: str
    """The end of what the search says."""
    scene: Scene
    budget: dict[str, int]
    patch: Patch | None = None
    journal: type[MemoryJournal] = MemoryJournal


MUTATIONS = (
    Mutation("no claim", TWICE, SAME_KEY, {}, no_claim),
    Mutation("a claim by key, not by look", "were in flight at one time.", TWINS, {}, by_key_only),
    Mutation("settle before send", NOT_ACCEPTED, SAME_KEY, {}, settle_before_send),
    Mutation("leases are ignored", TWICE, SAME_KEY, {}, journal=NoLeases),
    Mutation("abandoned messages are sent again", TWICE, SAME_KEY, {"crashes": 1}, resend_without_looking),
    Mutation("a started message is taken over as new", TWICE, SAME_KEY, {"crashes": 1}, journal=StartedIsPlanned),
    Mutation("rows of other messages are taken", NOT_ACCEPTED, TWINS_WITH_LINKS, {"crashes": 1}, without_rivals),
    Mutation("rows of exact twins are taken", NOT_ACCEPTED, TWINS, A_DELAY, exact_twins_are_no_rivals),
    Mutation("rivals are asked for too late", NOT_ACCEPTED, TWINS_WITH_LINKS, A_DELAY, rivals_after_guids),
    Mutation("the answer of start is ignored", TWICE, SAME_KEY, {"delays": 1}, start_anyway),
    Mutation(
        "the answer of keep_back is ignored", SUPPRESSED, SAME_KEY, {"suppressions": 1, "delays": 1}, kept_back_anyway
    ),
    Mutation("withdrawn when the answer is lost", TWICE, SAME_KEY, {"lost": 1}, withdraw_in_doubt),
    Mutation("outcomes are overwritten", "now.", SAME_KEY, A_DELAY, journal=Overwrites),
)


@pytest.fixture(autouse=True)
def _machine() -> Iterator[None]:
    with simulated_machine():
        yield


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_the_search_finds_what_a_missing_precaution_breaks(mutation: Mutation, monkeypatch: pytest.MonkeyPatch) -> None:
    if mutation.patch is not None:
        mutation.patch(monkeypatch)
    explored = explore(searched(mutation.scene, mutation.budget, journal=mutation.journal(LEASE)))
    assert explored.broken.endswith(mutation.broken), explored
    print(f"{mutation.name}, after {explored.states} states: {explored.broken}\n{told(explored.story)}")
