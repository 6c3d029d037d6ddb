"""Workers of the outbox are killed at random instants: nobody gets a message twice, and nobody is forgotten.

SMSMOBILE_CRASH_SEED sets the seed of the random instants, SMSMOBILE_OUTBOX_KILLS the number of kills.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from threading import Lock, Thread
from typing import Any

import pytest
from django.db import connections, transaction

from smsmobile.contrib.django import queue_sms
from smsmobile.contrib.django.models import OutgoingSMS, State
from smsmobile.sandbox import Sandbox

from ...crash.restarting import Lives, Program
from .databases import Database

SEED = int(os.environ.get("SMSMOBILE_CRASH_SEED", "20261201"))
MESSAGES = 500
KILLS = int(os.environ.get("SMSMOBILE_OUTBOX_KILLS", "60"))
PROCESSES = 2
LEASE = 1.5
SENDS = "/sendsms/"
FAULTS: list[tuple[str, float, dict[str, Any]]] = [
    ("reset_after", 0.05, {"path": SENDS}),
    ("error_after", 0.05, {"path": SENDS, "status": 502}),
    ("reset_before", 0.02, {"path": SENDS}),
    ("rate_limited", 0.05, {"seconds": 0}),
    ("latency", 0.01, {"path": SENDS, "seconds": 0.5}),
    ("no_guid", 0.02, {"path": SENDS}),
]


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_worker_that_dies_sends_nothing_twice_and_forgets_nothing(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in database.environment.items():
        monkeypatch.setenv(name, value)
    course = random.Random(f"{SEED} {database.alias}")
    lives = Lives(course)
    kills = 0
    lock = Lock()
    failures: list[BaseException] = []

    with transaction.atomic(using=database.alias):
        for number in range(MESSAGES):
            # Each fifth looks in the sent log like the one before it.
            one = number - 1 if number % 5 == 4 else number
            queue_sms(f"+3363998{one:04}", f"Reminder {one}", key=f"key {number}")
    connections.close_all()
    wanted = Counter((row.to, row.message) for row in OutgoingSMS.objects.all())
    assert wanted.total() == MESSAGES
    connections.close_all()

    with Sandbox() as box, ExitStack() as programs:
        box.page_size = 500  # each page is one more request that faults can strike
        for kind, probability, how in FAULTS:
            box.faults.add(kind, probability=probability, seed=course.randrange(10**6), **how)
        order: dict[str, Any] = {"url": box.url, "api_key": box.api_key, "lease": LEASE}

        def share() -> None:
            """Run one worker after the other, until enough were killed; then one to the end."""
            nonlocal kills
            try:
                program = Program(Path(__file__).with_name("killed_worker.py"))
                programs.callback(program.close)
                while True:
                    with lock:
                        if kills >= KILLS:
                            break
                        kills += 1
                        kill_after = lives.next()
                    before = len(box.phone.outbox)
                    assert not program.run(order, kill_after=kill_after), "a worker ended by itself"
                    with lock:
                        lives.learn(was_long=len(box.phone.outbox) - before >= 3)
                assert program.run({**order, "until_empty": True})
            except BaseException as failure:  # noqa: BLE001 - raised again by the test
                failures.append(failure)

        threads = [Thread(target=share) for _ in range(PROCESSES)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failures == []
        phone = Counter((message.recipient, message.message) for message in box.phone.outbox)

    rows = list(OutgoingSMS.objects.all())
    states = Counter(row.state for row in rows)
    accepted = Counter((row.to, row.message) for row in rows if row.state == State.ACCEPTED)
    unknown = Counter((row.to, row.message) for row in rows if row.state == State.UNKNOWN)
    print(f"\n{kills} kills, {dict(states)}, {wanted.total() - phone.total()} not on the phone; seed {SEED}")
    assert phone - wanted == Counter(), "somebody got a message twice"
    assert accepted - phone == Counter(), "a message is recorded as accepted and was not"
    assert wanted - phone - unknown == Counter(), "somebody is missing and was not reported"
    assert set(states) <= {State.ACCEPTED, State.UNKNOWN}
    assert kills == KILLS
