"""An inbox is killed at random instants: no message is lost, and only the one being handled is delivered again.

SMSMOBILE_CRASH_SEED sets the seed of the random instants, SMSMOBILE_CRASH_KILLS the number of kills of all long tests.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from smsmobile.sandbox import Sandbox

from . import reader
from .restarting import Lives, Program

SEED = int(os.environ.get("SMSMOBILE_CRASH_SEED", "20260923"))
KILLS = 30
"""Kills of one inbox. With more, the inbox grows so large that reading it takes longer than a process lives."""
INBOXES = max(1, int(os.environ.get("SMSMOBILE_CRASH_KILLS", "60")) // KILLS)
MESSAGES = 6
"""Messages that arrive before each kill."""
HANDLING = 0.001
"""Seconds that the handling of a message takes."""
LITTLE = 250
"""Bytes of notes that a process writes if it handles about three messages."""


@pytest.fixture(scope="module")
def program() -> Iterator[Program]:
    program = Program(Path(reader.__file__))
    yield program
    program.close()


FAULTS = ("error_before", "reset_after", "half_answer")


@pytest.mark.parametrize(
    ("faults", "inbox", "kills"),
    [
        pytest.param(FAULTS, 0, 10, id="faults"),
        *(
            pytest.param(faults, inbox, KILLS, marks=[pytest.mark.long, pytest.mark.timeout(900)])
            for faults in ((), FAULTS)
            for inbox in range(INBOXES)
        ),
    ],
)
def test_every_message_is_handed_over_until_it_is_handled_and_then_no_more(
    faults: tuple[str, ...], inbox: int, kills: int, program: Program, tmp_path: Path
) -> None:
    course = random.Random(f"{SEED} {faults} {inbox}")
    notes = tmp_path / "notes"
    with Sandbox() as box:
        other = box.add_phone("Other")
        state = str(tmp_path / "inbox.sqlite")
        order: dict[str, Any] = {"url": box.url, "api_key": box.api_key, "state": state}
        order |= {"notes": str(notes), "seconds": HANDLING, "count": kills * MESSAGES + 1}
        order |= {"since": (box.clock.now() - timedelta(hours=2)).isoformat()}
        for fault in faults:
            box.faults.add(fault, probability=0.1, seed=course.randrange(10**6), path="/getsms/")
        arrived: list[str] = []
        lives, written = Lives(course), 0
        for _ in range(kills):
            now = box.clock.now().replace(microsecond=0)
            for _ in range(MESSAGES):  # some in one second, and some late
                late = timedelta(seconds=course.choice([0, 0, 0, 1, 60, 3600]))
                phone = course.choice([box.phone, other])
                arrived.append(phone.receive("+33639985432", "yes", at=now - late))
            assert not program.run(order, kill_after=lives.next())
            before, written = written, notes.stat().st_size if notes.exists() else 0
            lives.learn(was_long=written - before > LITTLE)
        arrived.append(box.phone.receive("+33639985432", "the end"))
        assert program.run(order)

    lived = lives_of(notes.read_text())
    finished = Counter(guid for life in lived for what, guid in life if what == "end")
    begun = [[guid for what, guid in life if what == "begin"] for life in lived]
    at_hand = Counter(life[-1] for life in begun[:-1] if life)
    handed_over = Counter(guid for life in begun for guid in life)
    print(
        f"\n{kills} kills, {len(arrived)} messages handed over {handed_over.total()} times; "
        f"{sum(bool(life) for life in begun[:-1])} lives had a message at hand when they ended, and "
        f"{finished.total() - len(finished)} of these had just handled it; seed {SEED}"
    )
    assert set(finished) == set(arrived), "a message was lost"
    again = handed_over - Counter(set(arrived))
    assert again - at_hand == Counter(), "a message came again after the next one was asked for"
    assert all(life.count(guid) == 1 for life in begun for guid in life)
    assert sum(len(life) > 1 for life in begun) > kills // 10, (
        "hardly any process handled a message: let them live longer"
    )


def lives_of(notes: str) -> list[list[tuple[str, str]]]:
    """The notes of each process in order: ("begin", GUID) and ("end", GUID)."""
    lives: list[list[tuple[str, str]]] = []
    for line in notes.splitlines():
        what, guid = line.split()
        if what == "life":
            lives.append([])
        else:
            lives[-1].append((what, guid))
    return lives
