"""What can happen next, and each order in which it can: owners, time, budgets of faults, and the search over all that.

A `World` lists its actions and performs one. `explore` tries all of them in all orders, up to the budgets; the first
violation that it finds has the fewest actions. `play` follows one order, which somebody chooses.
"""

from __future__ import annotations

import gc
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from typing import NamedTuple, TypeVar

from .programs import Point, Process, Question

LEASE = 60.0
LONG = LEASE + 1
"""Seconds of a delay: every lease that is not renewed ends."""
JUMP = 90.0
"""Seconds by which a clock is set ahead or back."""
START = 1_790_000_000.0
"""The first instant, Unix seconds."""
LAST = "Z"
"""The owner that comes when all others have ended, and is not disturbed."""


class Action(NamedTuple):
    """One thing that can happen next."""

    who: str
    """An owner, a request, or "time"."""
    what: str
    about: str = ""
    cost: str = ""
    """The budget that it uses up; empty if it happens without a fault."""


class Step(NamedTuple):
    """What happened, with all that happened before."""

    before: Step | None
    action: Action
    question: Question | None
    answer: Hashable


def path_to(step: Step | None) -> list[Step]:
    """All steps up to this one, the first first."""
    steps = []
    while step is not None:
        steps.append(step)
        step = step.before
    return steps[::-1]


class Owner(NamedTuple):
    """A process with a clock of its own."""

    name: str
    at: Point
    clock: float = 0.0
    """Seconds that its clock is ahead."""
    is_running: bool = True
    may_be_killed: bool = False
    """Not before it has done something, nor right after it has read something: that is the same as before."""
    wakes_at: float = 0.0


WorldT = TypeVar("WorldT", bound="World")


class World:
    """Owners, clocks and budgets. What they share, and what their questions mean, is in the classes derived from it.

    All attributes have values that nobody changes, such as tuples: they are replaced. So a copy of a world is cheap.
    """

    reads: frozenset[str] = frozenset()
    """The kinds of questions that change nothing."""

    def __init__(self, owners: Sequence[Owner], budget: dict[str, int], last: Callable[[], Point]) -> None:
        self.now = START
        self.store_clock = 0.0
        """Seconds that the clock of the store is ahead."""
        self.owners: dict[str, Owner] = {}
        self.budget = budget
        self.broken = ""
        """The promise that the last step broke."""
        self._last = last
        for owner in owners:
            self._put(self._answered_at_once(owner))

    # In derived classes.

    def ways(self, question: Question) -> Sequence[tuple[str, str]]:
        """How a question can be answered, each with the budget that this costs."""
        raise NotImplementedError

    def answer(self, owner: Owner, question: Question, what: str) -> Hashable:
        """Do what the owner wants, in one of these ways, and return what it learns."""
        raise NotImplementedError

    def around(self) -> list[Action]:
        """What can happen without an owner."""
        return []

    def happen(self, action: Action) -> None:
        """Let one of these happen."""
        raise NotImplementedError

    def note(self, owner: Owner, question: Question) -> None:
        """An owner says something, such as what it reports to its user. May set `broken`."""

    def note_doubt(self, key: str) -> None:
        """The message or event that an owner was busy with may end unknown."""

    def check_end(self) -> str:
        """The promise that is broken after everything has ended; empty for none."""
        return ""

    def copy(self: WorldT) -> WorldT:
        """The same world once more."""
        twin = object.__new__(type(self))
        twin.__dict__.update(self.__dict__)
        return twin

    def state(self) -> Hashable:
        """Equal for worlds that cannot be told apart from now on."""
        owners = [
            (id(owner.at), owner.wakes_at, owner.clock, owner.may_be_killed) if owner.is_running else None
            for owner in self.owners.values()
        ]
        return (self.now, self.store_clock, *owners, *self.budget.values())

    # What can happen.

    def actions(self) -> list[Action]:
        """Everything that can happen now. Empty at the end."""
        found: list[Action] = []
        is_stuck = True
        wakes_at = []
        crashes = self.budget.get("crashes", 0)
        for name, owner in self.owners.items():
            question = owner.at.question
            if not owner.is_running or question is None:
                continue
            if owner.wakes_at > self.now:
                wakes_at.append(owner.wakes_at)
            else:
                for what, cost in self.ways(question):
                    if not cost or self.budget.get(cost):
                        found.append(Action(name, what, question.about, cost))
                        is_stuck = is_stuck and bool(cost)
            if crashes and owner.may_be_killed:
                found.append(Action(name, "is killed", question.about, "crashes"))
        around = self.around()
        found += around
        if wakes_at and is_stuck and not around:
            found.append(Action("time", "passes"))
        if self.budget.get("delays") and any(owner.is_running for owner in self.owners.values()):
            found.append(Action("time", "is long", cost="delays"))
        if self.budget.get("jumps"):
            names = [name for name, owner in self.owners.items() if owner.is_running]
            found += [
                Action("time", what, name, "jumps") for name in ["", *names] for what in ("is set ahead", "is set back")
            ]
        if not found and LAST not in self.owners:
            found.append(Action("time", "ends"))
        return found

    def perform(self, action: Action, before: Step | None) -> Step:
        """Let it happen, after those before."""
        if action.cost:
            self.budget = {**self.budget, action.cost: self.budget[action.cost] - 1}
        owner = self.owners.get(action.who)
        if owner is None:
            if action.who == "time":
                self._pass_time(action)
            else:
                self.happen(action)
            return Step(before, action, None, None)
        question = owner.at.question
        assert question is not None
        if action.what == "is killed":
            self._put(owner._replace(is_running=False))
            self.killed(owner, question)
            return Step(before, action, question, None)
        answer = self.answer(owner, question, action.what)
        owner = owner._replace(at=owner.at.after(answer), may_be_killed=question.kind not in self.reads)
        self._put(self._answered_at_once(owner))
        return Step(before, action, question, answer)

    def killed(self, owner: Owner, question: Question) -> None:
        """An owner does nothing any more."""
        self.note_doubt(question.about)
        if isinstance(owner.at, Process):
            owner.at.kill()

    def _put(self, owner: Owner) -> None:
        self.owners = {**self.owners, owner.name: owner}

    def _pass_time(self, action: Action) -> None:
        running = [owner for owner in self.owners.values() if owner.is_running]
        if action.what == "passes":
            self.now = min(owner.wakes_at for owner in running if owner.wakes_at > self.now)
            return
        for owner in running:
            if owner.at.question is not None:
                self.note_doubt(owner.at.question.about)
        if action.what == "is long":
            self.now += LONG
        elif action.what == "ends":
            self.now += LONG
            self.budget = dict.fromkeys(self.budget, 0)
            self._put(self._answered_at_once(Owner(LAST, self._last())))
        else:
            seconds = JUMP if action.what == "is set ahead" else -JUMP
            if action.about:
                owner = self.owners[action.about]
                self._put(owner._replace(clock=owner.clock + seconds))
            else:
                self.store_clock += seconds

    def _answered_at_once(self, owner: Owner) -> Owner:
        """Reading a clock, or saying something, changes nothing for others: nothing can happen in between."""
        at = owner.at
        while (question := at.question) is not None:
            if question.kind == "time":
                at = at.after(self.now + owner.clock)
            elif question.kind == "monotonic":
                at = at.after(self.now)
            elif question.kind == "say":
                self.note(owner, question)
                at = at.after(None)
            else:
                wakes_at = self.now + float(question.arguments[0]) if question.kind == "sleep" else 0.0  # type: ignore[arg-type]
                return owner._replace(at=at, wakes_at=wakes_at)
        return owner._replace(at=at, is_running=False)


class Explored(NamedTuple):
    """What a search has seen."""

    states: int
    actions: int
    ends: int
    broken: str = ""
    """The promise that was broken; empty if none was."""
    story: Step | None = None
    """What led to it."""


def explore(start: World, most: int = 1_000_000) -> Explored:
    """Everything that can happen, breadth first. Worlds that cannot be told apart are gone on from once.

    Ends at the first broken promise. Fails if there are more than `most` states.
    """
    gc.disable()  # looking for circles among so many objects would take most of the time
    try:
        return _explore(start, most)
    finally:
        gc.enable()


def _explore(start: World, most: int) -> Explored:
    seen = {hash(start.state())}
    queue: deque[tuple[World, list[Action], Step | None]] = deque([(start, start.actions(), None)])
    performed = ends = 0
    while queue:
        world, actions, story = queue.popleft()
        for action in actions:
            after = world if len(actions) == 1 else world.copy()
            step = after.perform(action, story)
            performed += 1
            broken = after.broken
            if not broken:
                state = hash(after.state())
                if state in seen:
                    continue
                assert len(seen) < most, f"There are more than {most} states."
                seen.add(state)
                if further := after.actions():
                    queue.append((after, further, step))
                    continue
                ends += 1
                broken = after.check_end()
            if broken:
                return Explored(len(seen), performed, ends, broken, step)
    return Explored(len(seen), performed, ends)


def play(world: World, choose: Callable[[list[Action]], Action], most: int = 100_000) -> tuple[str, Step | None]:
    """One order. Returns the promise that was broken, if any, and what happened. It must end after `most` steps."""
    step: Step | None = None
    for _ in range(most):
        actions = world.actions()
        if not actions:
            return world.check_end(), step
        step = world.perform(choose(actions), step)
        if world.broken:
            return world.broken, step
    return "somebody goes on for ever.", step
