"""A dozen owners send many messages while everything goes wrong, in an order that a seed decides.

SMSMOBILE_SIMULATION_SEED plays one seed again; SMSMOBILE_SIMULATION_SEEDS is how many the long test plays.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from functools import partial

import pytest

from .mutations import resend_without_looking
from .owners import simulated_machine
from .promises import Message
from .scenes import Scene, played
from .scheduler import Action, path_to, play
from .story import shortened, told

SEED = os.environ.get("SMSMOBILE_SIMULATION_SEED")
SEEDS = int(os.environ.get("SMSMOBILE_SIMULATION_SEEDS", "100"))
OWNERS = "ABCDEFGHIJKL"
BULK = "IJKL"
"""Those that send their messages as campaigns."""
CALLS = 3
TEXTS = ("Hello", "Your order is here.", "See https://a.example/1", "See https://a.example/2")
FAULT = 0.02
"""How likely each step is a fault, while there are any left."""


@pytest.fixture(autouse=True)
def _machine() -> Iterator[None]:
    with simulated_machine():
        yield


def scene_of(dice: random.Random, messages: int) -> Scene:
    """Messages to few numbers with few texts, many of which look alike. Each has one to three owners."""
    scene: dict[str, list[Message]] = {name: [] for name in OWNERS}
    for index in range(messages):
        to = f"+336399800{dice.randrange(max(1, messages // 8)) % 100:02}"
        text = dice.choice(TEXTS) if dice.random() < 0.5 else f"Message {index}"
        mark = dice.random()
        message = Message(f"k{index}", to, text, shorten_urls=mark < 0.3, encrypt=mark > 0.95)
        for name in dice.sample(OWNERS, dice.choice((1, 1, 2, 3))):
            scene[name].append(message)
    return {name: tuple(dice.sample(given, len(given))) for name, given in scene.items()}


def budget_of(dice: random.Random, messages: int) -> dict[str, int]:
    """Any number of faults, up to one for two messages."""
    most = messages // 20 + 1
    kinds = ("lost", "late", "refusals", "offline", "unsent", "unread", "interruptions", "store", "nameless")
    return {"crashes": 8, "delays": 20, "jumps": 6, **{kind: dice.randint(0, most) for kind in kinds}}


def by(dice: random.Random) -> Callable[[list[Action]], Action]:
    """Choose at random, faults seldom."""

    def choose(possible: list[Action]) -> Action:
        faults = [action for action in possible if action.cost]
        free = [action for action in possible if not action.cost]
        if faults and (not free or dice.random() < FAULT):
            kind = dice.choice(sorted({action.cost for action in faults}))
            return dice.choice([action for action in faults if action.cost == kind])
        return dice.choice(free)

    return choose


def play_seed(seed: int, messages: int) -> tuple[str, int]:
    """Play one seed. Returns the promise that was broken with its story, and the number of steps."""
    dice = random.Random(seed)
    start = partial(
        played,
        scene_of(dice, messages),
        budget=budget_of(dice, messages),
        calls=CALLS,
        patience=dice.choice((0.0, 30.0)),
        clocks={name: dice.choice((0.0, 0.0, 90.0, -90.0)) for name in OWNERS},
        service_clock=dice.choice((0.0, 5.0, -700.0)),
        bulk=BULK,
    )
    keys = [f"k{index}" for index in range(messages)]
    broken, last = play(start(keys), by(dice))
    steps = path_to(last)
    if not broken:
        return "", len(steps)
    short, story = shortened(start, keys, [step.action for step in steps], broken)
    return f"SMSMOBILE_SIMULATION_SEED={seed}: {broken}\nShortened: {short}\n{told(story)}", len(path_to(story))


def test_promises_hold_in_long_plays() -> None:
    steps = 0
    campaign_that_loses_a_claim, rows_that_two_rivals_exchange = (30_005, 400), (1_026, 400)
    for seed, messages in (
        [(int(SEED), 2_000)] if SEED else [(1, 500), campaign_that_loses_a_claim, rows_that_two_rivals_exchange]
    ):
        broken, count = play_seed(seed, messages)
        assert not broken, broken
        steps += count
    print(f"{steps} steps")


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_promises_hold_in_hundreds_of_plays() -> None:
    for seed in range(1_000, 1_000 + SEEDS):
        broken, _ = play_seed(seed, 400 if seed % 10 else 4_000)
        assert not broken, broken


def test_a_broken_promise_is_played_again_and_its_story_is_short(monkeypatch: pytest.MonkeyPatch) -> None:
    resend_without_looking(monkeypatch)
    broken, steps = play_seed(7, 300)
    assert "was accepted twice." in broken
    assert broken == play_seed(7, 300)[0]
    assert steps < 30, broken
    print(broken)
