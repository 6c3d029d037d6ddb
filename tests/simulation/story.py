"""Tells what happened, in sentences, and makes a long story short: drops what it does not need to end as it does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

from .scheduler import LONG, Action, Step, World, path_to, play

_TOO_LONG = 2_000
"""Actions of which a story is not shortened one by one."""


def told(last: Step | None) -> str:
    """The story up to this step, one line for each. Of steps that repeat each other, the first is told."""
    sentences = ["", *map(_sentence, path_to(last))]
    lines = pairwise(sentences)
    return "\n".join(f"{number:3} {one}" for number, (before, one) in enumerate(lines, 1) if one != before)


def _sentence(step: Step) -> str:
    action, question = step.action, step.question
    about = f" ({action.about})" if action.about else ""
    if action.who == "time":
        return _of_time(action)
    if question is None:
        return f"the request {action.who}{about} {action.what}"
    if action.what == "is killed":
        return f"{action.who} is killed before it does this: {question.kind}{about}"
    how = "" if action.what == "goes on" else f", which {action.what}"
    return f"{action.who}: {question.kind}{about}{how}{_learned(step.answer)}"


def _of_time(action: Action) -> str:
    if action.what == "is long":
        return f"{LONG:g} s pass, and nobody gets on"
    if action.what == "ends":
        return f"all have ended, {LONG:g} s pass, and the last owner comes"
    if action.what == "passes":
        return "time passes, until the next one wakes up"
    return f"the clock of {action.about or 'the store'} {action.what}"


def _learned(answer: Any) -> str:
    """What an owner got, without what no reader needs."""
    if answer is None:
        return ""
    if not isinstance(answer, tuple) or not answer:
        return f" -> {answer}"
    if hasattr(answer, "error"):
        return f" -> {answer.error.__name__}"
    return " -> " + ", ".join(map(_named, answer))


def _named(one: Any) -> str:
    if hasattr(one, "state"):
        return f"{one.state}: {one.entry.key}"
    if hasattr(one, "guid") and hasattr(one, "listed_at"):
        return f"row {one.guid} of {one.key}{', refused' if one.is_refused else ''}"
    if hasattr(one, "key"):
        return f"{one.key} {one.outcome or 'in flight'}"
    return str(one)


def follow(actions: Sequence[Action]) -> Callable[[list[Action]], Action]:
    """Choose these actions, in their order. Leaves out those that cannot happen; at the end, nothing goes wrong."""
    script = iter(actions)

    def choose(possible: list[Action]) -> Action:
        for action in script:
            if action in possible:
                return action
        return min(possible, key=lambda action: (bool(action.cost), action.who == "time"))

    return choose


def shortened(
    start: Callable[[Sequence[str]], World], keys: Sequence[str], actions: Sequence[Action], broken: str
) -> tuple[str, Step]:
    """A story that breaks the same promise with fewer messages and fewer actions, and what it breaks.

    start: makes the world in which only these keys are sent.
    """

    def breaks(keys: Sequence[str], actions: Sequence[Action]) -> tuple[str, Step] | None:
        found, step = play(start(keys), follow(actions), most=2 * len(actions) + 1_000)
        return (found, step) if step is not None and found and _kind(found) == _kind(broken) else None

    actions = list(actions)
    while actions[1:] and actions[-1] == actions[-2]:  # of a story without an end
        actions.pop()
    keys = _fewest(keys, lambda left: breaks(left, actions) is not None)
    short = breaks(keys, actions)
    assert short is not None, "The same actions do not break the same promise."
    actions = [step.action for step in path_to(short[1])][: len(actions)]
    if len(actions) <= _TOO_LONG:
        actions = _fewest(actions, lambda left: breaks(keys, left) is not None)
        short = breaks(keys, actions) or short
    return short


def _kind(broken: str) -> str:
    """A broken promise without the key."""
    return broken.partition(" ")[2]


def _fewest(items: Sequence[Any], is_enough: Callable[[Sequence[Any]], bool]) -> list[Any]:
    """Leave out what is not needed: first halves, then smaller and smaller pieces, at last single items."""
    items = list(items)
    size = len(items)
    while size:
        begin = 0
        while begin < len(items):
            rest = items[:begin] + items[begin + size :]
            if is_enough(rest):
                items = rest
            else:
                begin += size
        size //= 2
    return items
