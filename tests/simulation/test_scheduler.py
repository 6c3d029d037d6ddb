"""The search itself: it tries every order, a killed owner is gone, and its stories can be played again."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from math import comb

import pytest

from .programs import Moment, Process, Question, ask
from .scheduler import LAST, Action, Owner, World, explore, path_to, play
from .story import follow, told

TIMES = 3


class Counter(World):
    """A number that owners read and write."""

    reads = frozenset({"read"})
    value = 0
    written = 0
    orders: tuple[str, ...] = ()

    def ways(self, question: Question) -> Sequence[tuple[str, str]]:
        return (("goes on", ""),)

    def answer(self, owner: Owner, question: Question, what: str) -> Hashable:
        if question.kind == "write":
            self.value = int(question.arguments[0])  # type: ignore[call-overload]
            self.written += 1
        elif question.kind == "add":
            self.value += 1
            self.written += 1
        return self.value if question.kind == "read" else None

    def state(self) -> Hashable:
        return (super().state(), self.value, self.written)

    def check_end(self) -> str:
        return "" if self.value == self.written else "an addition was lost."


class Orders(Counter):
    """Each order is a state of its own."""

    def answer(self, owner: Owner, question: Question, what: str) -> Hashable:
        self.orders = (*self.orders, owner.name)
        return super().answer(owner, question, what)

    def state(self) -> Hashable:
        return (super().state(), self.orders)


def add(_process: Process) -> None:
    for _ in range(TIMES):
        ask("add")


def read_and_write(_process: Process) -> None:
    ask("write", ask("read") + 1)


def world(kind: type[Counter], script: Callable[[Process], None], **budget: int) -> Counter:
    def moment(name: str, script: Callable[[Process], None]) -> Moment:
        return Moment(lambda: Process(name, script))

    last = moment(LAST, lambda _process: None)
    return kind([Owner(name, moment(name, script)) for name in "AB"], budget, lambda: last)


def test_every_order_is_tried() -> None:
    explored = explore(world(Orders, add))
    assert explored.ends == comb(2 * TIMES, TIMES)
    assert not explored.broken


def test_worlds_that_cannot_be_told_apart_are_gone_on_from_once() -> None:
    explored = explore(world(Counter, add))
    assert explored.ends == 1
    assert explored.states == (TIMES + 1) ** 2 + 1  # each owner has done so much, and then the last one comes


def test_the_shortest_story_is_found_and_can_be_played_again() -> None:
    explored = explore(world(Counter, read_and_write))
    assert explored.broken == "an addition was lost."
    lines = told(explored.story).splitlines()
    done = [line.split(" -> ")[0].strip() for line in lines[:4]]
    assert done == ["1 A: read", "2 B: read", "3 A: write", "4 B: write"]
    actions = [step.action for step in path_to(explored.story)]
    broken, story = play(world(Counter, read_and_write), follow(actions))
    assert (broken, told(story)) == (explored.broken, told(explored.story))


def test_what_a_killed_owner_would_tidy_up_reaches_nobody() -> None:
    def script(_process: Process) -> None:
        try:
            ask("add")
            ask("read")
        finally:
            ask("write", 100)

    start = Counter([Owner("A", Process("A", script))], {"crashes": 1}, lambda: Process(LAST, lambda _process: None))
    _, story = play(start, follow([Action("A", "goes on"), Action("A", "is killed", cost="crashes")]))
    assert "A is killed before it does this: read" in told(story)
    assert start.value == 1


def test_an_owner_that_depends_on_chance_is_noticed() -> None:
    calls: list[int] = []

    def script(_process: Process) -> None:
        calls.append(1)
        ask("write", len(calls))
        ask("read")

    moment = Moment(lambda: Process("A", script))
    moment.after(0)
    with pytest.raises(AssertionError, match="not deterministic"):
        moment.after(1)
