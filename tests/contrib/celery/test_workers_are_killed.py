"""Two workers are killed at random instants, and Redis once: nobody gets a message twice, and nobody is forgotten.

SMSMOBILE_CRASH_SEED sets the seed of the random instants, SMSMOBILE_CELERY_KILLS the number of kills, and
SMSMOBILE_CELERY_MESSAGES that of the messages.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest
from celery import Celery

from smsmobile.contrib.celery import Campaign, campaign, send_sms
from smsmobile.delivery import SendStatus
from smsmobile.sandbox import Sandbox

from ...stores.postgresql import PostgreSQLServer
from ...stores.redis_server import RedisServer
from .rows import message
from .workers import Worker, settings_of

SEED = int(os.environ.get("SMSMOBILE_CRASH_SEED", "20261201"))
KILLS = int(os.environ.get("SMSMOBILE_CELERY_KILLS", "40"))
MESSAGES = int(os.environ.get("SMSMOBILE_CELERY_MESSAGES", "2000"))
LONGEST = 270.0
"""Seconds until all messages have an outcome."""
LEASE = 2.0
VISIBILITY_TIMEOUT = 8
RATE, PERIOD = 60, 2.0
SENDS = "/sendsms/"
FAULTS: list[tuple[str, float, dict[str, Any]]] = [
    ("reset_after", 0.03, {"path": SENDS}),
    ("error_after", 0.03, {"path": SENDS, "status": 502}),
    ("reset_before", 0.02, {"path": SENDS}),
    ("rate_limited", 0.03, {"seconds": 0}),
    ("latency", 0.01, {"path": SENDS, "seconds": 0.5}),
    ("no_guid", 0.02, {"path": SENDS}),
]


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path / "redis")
    yield server
    server.stop()


@pytest.fixture
def postgresql() -> Iterator[PostgreSQLServer]:
    server = PostgreSQLServer()
    yield server
    server.stop()


@pytest.mark.long
@pytest.mark.timeout(LONGEST + 120)
@pytest.mark.skipif(sys.platform != "linux", reason="the children of a worker are found in /proc")
def test_workers_that_die_send_nothing_twice_and_forget_nothing(
    redis: RedisServer, postgresql: PostgreSQLServer, tmp_path: Path
) -> None:
    course = random.Random(SEED)
    singles = range(MESSAGES // 2)
    keys = {f"key-{number}" for number in range(MESSAGES)}
    wanted = Counter((row["to"], row["text"]) for row in map(message, range(MESSAGES)))

    with Sandbox() as box, ExitStack() as running:
        box.page_size = 500
        for kind, probability, how in FAULTS:
            box.faults.add(kind, probability=probability, seed=course.randrange(10**6), **how)
        smsmobile = {
            "CLIENT_ID": box.client_id,
            "CLIENT_SECRET": box.client_secret,
            "BASE_URL": box.url,
            "JOURNAL": "shop:journal",
            "TOKEN_STORE": redis.url,
            "RATE": f"{RATE} per {PERIOD:.0f} seconds",
            "RATE_STORAGE": redis.url,
        }
        environment = settings_of(
            redis.url,
            smsmobile,
            broker_transport_options={"visibility_timeout": VISIBILITY_TIMEOUT},
            worker_prefetch_multiplier=1,
            imports=["fast"],
        )
        environment |= {
            "JOURNAL": postgresql.url(),
            "LEASE": str(LEASE),
            "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path]),
        }
        (tmp_path / "fast.py").write_text(
            "from smsmobile.contrib.celery import _campaign, _setup\n_setup.PATIENCE = 1.0\n_campaign.CHUNK = 25\n"
        )
        shop = Celery("shop", broker=redis.url, backend=redis.url, set_as_current=False)
        shop.set_current()
        workers = [Worker(name, tmp_path, environment, "--concurrency=2", "--loglevel=INFO") for name in ("one", "two")]
        for worker in workers:
            running.callback(worker.stop)
        ids = {row["key"]: hand_in(row) for row in map(message, singles)}
        started = Campaign(campaign.delay("rows:reminders", [len(singles), MESSAGES]).id, shop)

        began = time.monotonic()
        kills = restarts = 0
        lost: list[str] = []
        stalling = Stalling()
        while time.monotonic() < began + LONGEST:
            assert started.progress().state != "STOPPED", started.progress()
            if not box.phone.outbox:  # the one token request is over then
                time.sleep(0.1)
            elif kills < KILLS:
                time.sleep(course.uniform(0.2, 2.0))
                kills += strike(course, workers)
            elif started.progress().state == "DONE" and final(postgresql) == MESSAGES:
                break
            else:
                time.sleep(0.5)
                for worker in workers:
                    worker.keep_alive()
                lost += recover(stalling, started, postgresql, ids)
            if restarts == 0 and kills >= KILLS // 2:
                restarts += 1
                redis.kill()
                time.sleep(0.5)
                redis.start_again()
        progress = started.progress()
        took = time.monotonic() - began
        for worker in workers:
            worker.stop()
        phone = Counter((one.recipient, one.message) for one in box.phone.outbox)
        sends = sorted(request.at.timestamp() for request in box.requests if request.path == SENDS)
        tokens = box.tokens_issued

    report = states(postgresql)
    in_doubt = {key for key, state in report.items() if state not in FINAL}
    unknown = Counter((row["to"], row["text"]) for row in map(message, range(MESSAGES)) if row["key"] in in_doubt)
    taken = "".join(worker.log.read_text() for worker in workers)
    print(
        f"\n{kills} kills, {restarts} restart of Redis, {MESSAGES} messages in {took:.0f} s, "
        f"{unknown.total()} unknown, {len(lost)} tasks lost by Redis, {len(sends)} sends, "
        f"{tokens} token requests, campaign {progress}; seed {SEED}"
    )
    assert set(report) == keys
    assert [key for key in lost if ids[key] in taken] == [], "a task was lost after a worker had it"
    assert len(lost) <= 5
    assert phone - wanted == Counter(), "somebody got a message twice"
    assert wanted - phone - unknown == Counter(), "somebody is missing and was not reported"
    assert progress.state == "DONE"
    assert sum(progress.counts.values()) == MESSAGES - len(singles)
    assert kills == KILLS
    assert restarts == 1
    assert tokens == 1
    # A request may arrive a little later than it was counted.
    assert most_in(sends, 10 * PERIOD) <= 11 * RATE, "the rate was not kept"


class Stalling:
    """Notices that nothing more gets an outcome."""

    def __init__(self) -> None:
        self._most, self._grew_at = 0, time.monotonic()

    def is_over(self, count: int) -> bool:
        """Whether it is time to look for lost tasks, if so many messages have an outcome."""
        if count <= self._most and time.monotonic() < self._grew_at + 3 * VISIBILITY_TIMEOUT:
            return False
        has_grown, self._most, self._grew_at = count > self._most, count, time.monotonic()
        return not has_grown


def recover(stalling: Stalling, started: Campaign, postgresql: PostgreSQLServer, ids: dict[str, str]) -> list[str]:
    """Do what a sender does if nothing goes on. Returns the keys of lost tasks.

    Celery takes a task from Redis in two steps, and loses it if it is killed between them.
    """
    if not stalling.is_over(final(postgresql)):
        return []
    if started.progress().state != "DONE":
        started.resume()
    lost = [key for key in ids if key not in states(postgresql)]
    for key in lost:
        hand_in(message(int(key.partition("-")[2])))
    return lost


def hand_in(row: dict[str, Any]) -> str:
    """Send the task for a message. Returns its id."""
    return send_sms.apply_async((row["to"], row["text"], row["key"]), ignore_result=True).id


FINAL = {SendStatus.SENT.value, SendStatus.REFUSED.value}
OVER = {*FINAL, SendStatus.UNKNOWN.value}


def states(postgresql: PostgreSQLServer) -> dict[str, str]:
    """The state of each message in the journal."""
    return dict(postgresql.execute("SELECT key, state FROM smsmobile_messages"))


def final(postgresql: PostgreSQLServer) -> int:
    """How many messages have an outcome."""
    return sum(state in OVER for state in states(postgresql).values())


def strike(course: random.Random, workers: list[Worker]) -> bool:
    """Kill a worker with all its processes and start it again, or only a process that executes a task."""
    worker = course.choice(workers)
    worker.keep_alive()
    children = worker.children()
    if course.random() < 0.3:
        worker.kill()
        worker.start()
        return True
    if not children:  # it has just been started
        return False
    with suppress(ProcessLookupError):
        os.kill(course.choice(children), signal.SIGKILL)
    return True


def most_in(moments: list[float], seconds: float) -> int:
    """The largest number of moments within so many seconds."""
    first = most = 0
    for number, moment in enumerate(moments):
        while moments[first] <= moment - seconds:
            first += 1
        most = max(most, number - first + 1)
    return most
