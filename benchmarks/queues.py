"""Messages a second of two Celery workers against one, through Redis and PostgreSQL.

`celery --app benchmarks.queues worker` is one of the workers: the environment has its settings.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import count

from celery import Celery, group

from smsmobile.contrib.celery import send_sms

from . import servers
from .measure import Result
from .server import serve

KEY = "0123456789abcdef" * 3
MESSAGES = 300
LAPS = 3
PATIENCE = 120.0
"""Seconds for a lap."""

app = Celery("benchmarks.queues", broker=os.environ.get("BENCH_REDIS"), backend=os.environ.get("BENCH_REDIS"))
app.conf.smsmobile = {
    "API_KEY": KEY,
    "BASE_URL": os.environ.get("BENCH_SERVICE"),
    "JOURNAL": os.environ.get("BENCH_JOURNAL"),
}


def run() -> Iterator[Result]:
    """One row, if PostgreSQL and Redis are installed."""
    with servers.postgresql() as postgresql, servers.redis() as redis, serve() as url:
        if not (postgresql and redis):
            return
        app.conf.update(broker_url=redis, result_backend=redis)
        environment = {"BENCH_REDIS": redis, "BENCH_SERVICE": url, "BENCH_JOURNAL": postgresql}
        numbers = count()
        rates: dict[int, list[float]] = {1: [], 2: []}
        for _ in range(LAPS):
            for workers, reached in rates.items():
                reached.append(_messages_a_second(workers, environment, numbers))
    one, two = (statistics.median(reached) for reached in rates.values())
    yield Result(f"messages a second of two Celery workers: {two:.0f}", f"of one: {one:.0f}", two / one)


def _messages_a_second(workers: int, environment: dict[str, str], numbers: Iterator[int]) -> float:
    command = [sys.executable, "-m", "celery", "--app", "benchmarks.queues", "worker", "--concurrency=1"]
    with ExitStack() as running:
        for number in range(workers):
            worker = subprocess.Popen(
                [*command, f"--hostname=worker-{number}@here", "--loglevel=ERROR", "--without-mingle"],
                env={**os.environ, **environment},
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            running.callback(worker.wait, PATIENCE)
            running.callback(worker.terminate)
        deadline = time.monotonic() + PATIENCE
        while len(app.control.ping(timeout=0.5)) < workers:
            if time.monotonic() > deadline:
                raise RuntimeError("The workers did not start in time.")
        began = time.perf_counter()
        messages = group(
            send_sms.s(f"+3363998{number % 10_000:04}", f"Reminder {number}", f"key-{number}")
            for number, _ in zip(numbers, range(MESSAGES), strict=False)
        )
        results = messages.apply_async().get(timeout=PATIENCE)
        seconds = time.perf_counter() - began
    assert [result["status"] for result in results] == ["sent"] * MESSAGES
    return MESSAGES / seconds
