"""What the sandbox takes to start, and how many sends a second it answers.

`python -m benchmarks.sandbox` is the sandbox in a process of its own, so that the callers do not slow it down: it
prints its address and key, and once its input ends, what its phone has sent.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from smsmobile import SMSMobileClient
from smsmobile.sandbox import Sandbox

from .imports import python
from .measure import Result, ratio

SENDS = 10_000
THREADS = 8
WANTED = 500
"""Sends a second."""
PEER = "import flask, pydantic"


def run() -> Iterator[Result]:
    """Two rows."""
    start = "from smsmobile.sandbox import Sandbox; Sandbox().start().close()"
    yield Result("import, start and close a sandbox", PEER, ratio(python(start), python(PEER), laps=15), 2.0)
    rate = _sends_a_second()
    yield Result(
        f"{SENDS:,} sends from {THREADS} threads to a sandbox: {rate:.0f} a second",
        f"{WANTED} a second",
        WANTED / rate,
        1.0,
    )


def _sends_a_second() -> float:
    """Raises AssertionError where a message was lost or doubled."""
    command = [sys.executable, "-m", "benchmarks.sandbox"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        url, key = process.stdout.readline().split()
        recipients = [f"+3363998{number:04d}" for number in range(SENDS)]
        with SMSMobileClient(api_key=key, base_url=url) as client, ThreadPoolExecutor(THREADS) as threads:
            client.sms.log()  # whatever is loaded on first use
            started = time.perf_counter()
            answered = Counter(threads.map(lambda to: (client.sms.send(to, "Bonjour").guid, to), recipients))
            seconds = time.perf_counter() - started
        process.stdin.close()
        went_out = Counter((guid, to) for guid, to in json.loads(process.stdout.readline()))
    assert went_out == answered, "a message was lost or doubled"
    assert len(went_out) == SENDS
    return SENDS / seconds


def main() -> None:
    """Serve until the input ends."""
    with Sandbox() as box:
        print(box.url, box.api_key, flush=True)
        sys.stdin.read()
        print(json.dumps([(message.guid, message.recipient) for message in box.phone.outbox]))


if __name__ == "__main__":
    main()
