"""Three processes share one campaign and are killed at random: nobody gets a message twice, and nobody is forgotten.

SMSMOBILE_CRASH_SEED sets the seed of the random instants, SMSMOBILE_SHARED_KILLS the number of kills of a long test.
"""

from __future__ import annotations

import json
import os
import random
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from threading import Lock, Thread
from typing import Any

import pytest

from smsmobile.sandbox import Sandbox

from ..stores.postgresql import PostgreSQLServer
from ..stores.redis_server import RedisServer
from . import campaign
from .restarting import Lives, Program

SEED = int(os.environ.get("SMSMOBILE_CRASH_SEED", "20260923"))
KILLS = int(os.environ.get("SMSMOBILE_SHARED_KILLS", "40"))
PROCESSES = 3
LEASE = 2.0
SENDS = "/sendsms/"
FAULTS: list[tuple[str, float, dict[str, Any]]] = [
    ("reset_after", 0.05, {"path": SENDS}),
    ("error_after", 0.05, {"path": SENDS, "status": 502}),
    ("reset_before", 0.02, {"path": SENDS}),
    ("rate_limited", 0.05, {"seconds": 0}),
    ("latency", 0.01, {"path": SENDS, "seconds": 0.5}),
    ("no_guid", 0.02, {"path": SENDS}),
]


@pytest.fixture
def address(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Where the journal is."""
    if request.param == "PostgreSQL":
        postgresql = PostgreSQLServer()
        yield postgresql.url()
        postgresql.stop()
    elif request.param == "Redis":
        redis = RedisServer(tmp_path / "redis")
        yield redis.url
        redis.stop()
    else:
        yield str(tmp_path / "campaign.sqlite")


long = [pytest.mark.long, pytest.mark.timeout(900)]


@pytest.mark.parametrize(
    ("address", "count", "wanted_kills"),
    [
        pytest.param("a file", 60, 6, id="a few"),
        *(pytest.param(store, 1600, KILLS, marks=long, id=store) for store in ("a file", "PostgreSQL", "Redis")),
    ],
    indirect=["address"],
)
def test_processes_that_die_share_a_campaign(address: str, count: int, wanted_kills: int, tmp_path: Path) -> None:
    course = random.Random(f"{SEED} {address[:5]}")
    lives = Lives(course)
    kills = 0
    lock = Lock()
    failures: list[BaseException] = []
    report = tmp_path / "report.json"

    with Sandbox() as box, ExitStack() as programs:
        box.page_size = 500  # each page is one more request that faults can strike
        for kind, probability, how in FAULTS:
            box.faults.add(kind, probability=probability, seed=course.randrange(10**6), **how)
        order: dict[str, Any] = {"url": box.url, "api_key": box.api_key, "journal": address, "lease": LEASE}
        order |= {"count": count, "workers": 4}

        def share(number: int) -> None:
            """Run the campaign in one process after the other, until enough of all were killed; then to its end."""
            nonlocal kills
            try:
                program = Program(Path(campaign.__file__))
                programs.callback(program.close)
                for _ in range(10 * wanted_kills):
                    with lock:
                        if kills >= wanted_kills:
                            break
                        kill_after = lives.next()
                    before = len(box.phone.outbox)
                    has_ended = program.run({**order, "report": f"{report}-{number}"}, kill_after=kill_after)
                    with lock:
                        lives.learn(was_long=len(box.phone.outbox) - before >= 3)
                        kills += not has_ended
                assert program.run({**order, "report": f"{report}-{number}"})
            except BaseException as failure:  # noqa: BLE001 - raised again by the test
                failures.append(failure)

        threads = [Thread(target=share, args=[number]) for number in range(PROCESSES)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failures == []
        phone = Counter((message.recipient, message.message) for message in box.phone.outbox)

    wanted = Counter({(one.to, one.text): 0 for one in campaign.messages(count)})
    keys = {one.key or one.to: (one.to, one.text) for one in campaign.messages(count)}
    wanted.update(keys.values())
    reports = [json.loads(Path(f"{report}-{number}").read_text()) for number in range(PROCESSES)]
    unknown = Counter()
    for said in reports:
        outcomes = {key: ((to, text), status) for key, to, text, status in said}
        assert len(outcomes) == len(keys)
        sent = Counter(message for message, status in outcomes.values() if status == "sent")
        unknown = Counter(message for message, status in outcomes.values() if status == "unknown")
        assert sent - phone == Counter(), "somebody was reported as sent and is not"
        assert sent + unknown == wanted
        assert wanted - phone - unknown == Counter(), "somebody is missing and was not reported"
    print(f"\n{kills} kills, {wanted.total()} messages, {unknown.total()} reported unknown; seed {SEED}")
    assert kills >= wanted_kills
    assert phone - wanted == Counter(), "somebody got a message twice"
