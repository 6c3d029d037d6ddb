"""A bulk sender is killed at random instants: nobody gets a message twice, and nobody is forgotten.

SMSMOBILE_CRASH_SEED sets the seed of the random instants, SMSMOBILE_CRASH_KILLS the number of kills of a long test.
"""

from __future__ import annotations

import json
import os
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from smsmobile.sandbox import Sandbox

from . import campaign
from .restarting import Lives, Program

SEED = int(os.environ.get("SMSMOBILE_CRASH_SEED", "20260923"))
KILLS = int(os.environ.get("SMSMOBILE_CRASH_KILLS", "60"))
AT_ONCE = 4
"""New messages before each run of the program."""

SENDS = "/sendsms/"


class Fault(NamedTuple):
    kind: str
    probability: float
    how: dict[str, Any] = {}  # noqa: RUF012 - nobody changes it


RESETS = Fault("reset_after", 0.1, {"path": SENDS})
ERRORS = Fault("error_after", 0.1, {"path": SENDS, "status": 502})
STALLS = Fault("latency", 0.03, {"path": SENDS, "seconds": 0.5})
TOO_FAST = Fault("rate_limited", 0.1, {"seconds": 0})


class Mix(NamedTuple):
    faults: tuple[Fault, ...] = ()
    workers: int = 4
    log_delay: float = 0.0


MIXES = {
    "nothing else goes wrong": Mix(),
    "one worker, resets and errors": Mix((RESETS, ERRORS), workers=1),
    "resets, errors, stalls, too fast": Mix((RESETS, ERRORS, STALLS, TOO_FAST)),
    "a log that is late": Mix((RESETS, ERRORS), workers=3, log_delay=0.05),
    "everything at once": Mix(
        (
            *(RESETS, ERRORS, STALLS, TOO_FAST),
            Fault("reset_before", 0.03, {"path": SENDS}),
            Fault("half_answer", 0.03),
            Fault("html_page", 0.03),
            Fault("php_warning", 0.1),
            Fault("no_guid", 0.05, {"path": SENDS}),
            Fault("error_before", 0.05),
        ),
    ),
}


@pytest.fixture(scope="module")
def program() -> Iterator[Program]:
    program = Program(Path(campaign.__file__))
    yield program
    program.close()


@pytest.mark.parametrize(
    ("mix", "wanted_kills"),
    [
        pytest.param("everything at once", 8),
        *(pytest.param(mix, KILLS, marks=[pytest.mark.long, pytest.mark.timeout(900)]) for mix in MIXES),
    ],
)
def test_nobody_gets_a_message_twice_and_nobody_is_forgotten(
    mix: str, wanted_kills: int, program: Program, tmp_path: Path
) -> None:
    faults, workers, log_delay = MIXES[mix]
    course = random.Random(f"{SEED} {mix}")
    lives = Lives(course)
    report = tmp_path / "report.json"
    with Sandbox() as box:
        box.log_delay = log_delay
        box.page_size = 500  # each page is one more request that faults can strike
        for fault in faults:
            box.faults.add(fault.kind, probability=fault.probability, seed=course.randrange(10**6), **fault.how)
        journal = str(tmp_path / "campaign.sqlite")
        order: dict[str, Any] = {"url": box.url, "api_key": box.api_key, "journal": journal}
        order |= {"report": str(report), "count": 0, "workers": workers}
        kills = 0
        for _ in range(10 * wanted_kills):
            before = len(box.phone.outbox)
            order["count"] += AT_ONCE
            has_ended = program.run(order, kill_after=lives.next())
            lives.learn(was_long=has_ended or len(box.phone.outbox) - before >= AT_ONCE)
            kills += not has_ended
            if kills == wanted_kills:
                break
        before_the_last = len(box.phone.outbox)
        assert program.run(order), "the last run, which nobody kills, did not come to its end"
        phone = Counter((message.recipient, message.message) for message in box.phone.outbox)

    # The last outcome of each key; messages with the same key have the same outcome.
    said = {key: ((to, text), status) for key, to, text, status in json.loads(report.read_text())}
    wanted = Counter(message for message, _ in said.values())
    sent = Counter(message for message, status in said.values() if status == "sent")
    unknown = Counter(message for message, status in said.values() if status == "unknown")
    missing = wanted - phone
    print(
        f"\n{mix}: {kills} kills, {wanted.total()} messages, {phone.total()} on the phone ({before_the_last} before "
        f"the last kill), {unknown.total()} reported unknown ({(unknown - missing).total()} were sent); seed {SEED}"
    )
    assert kills == wanted_kills
    assert wanted.total() == len({message.key or message.to for message in campaign.messages(order["count"])})
    assert phone - wanted == Counter(), "somebody got a message twice"
    assert missing - unknown == Counter(), "somebody is missing and was not reported"
    assert sent - phone == Counter(), "somebody was reported as sent and is not"
    assert sent + unknown == wanted
    if not faults:
        assert unknown.total() <= kills * workers
