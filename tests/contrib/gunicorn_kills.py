"""Kills of gunicorn's workers at random instants while events are delivered, for the long tests of several frameworks.

SMSMOBILE_CRASH_SEED sets the seed of the instants, SMSMOBILE_CRASH_KILLS the number of kills.
"""

from __future__ import annotations

import os
import random
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

SEED = int(os.environ.get("SMSMOBILE_CRASH_SEED", "20261201"))
KILLS = int(os.environ.get("SMSMOBILE_CRASH_KILLS", "40"))

CONFIGURATION = """
import os
from pathlib import Path

folder = Path(os.environ["FOLDER"])


def post_fork(server, worker):
    (folder / f"{worker.pid}.worker").touch()


def child_exit(server, worker):
    (folder / f"{worker.pid}.worker").unlink(missing_ok=True)
"""
"""For gunicorn: it keeps a file in `folder` for each worker that lives."""


def deliver_while_workers_are_killed(
    folder: Path, deliver: Callable[[str, str], object], *, course: int = 0
) -> tuple[list[str], set[str]]:
    """Deliver events, some twice at once, while workers are killed.

    deliver: takes a GUID and what the handler is to do first: nothing, fail, or take a while.

    Returns the GUIDs, and the ids of the processes that were killed.
    """
    moments = random.Random(f"{SEED} {course}")
    killed: set[str] = set()
    over = threading.Event()

    def kill_now_and_then() -> None:
        while len(killed) < KILLS and not over.wait(moments.uniform(0, 0.3)):
            workers = sorted(folder.glob("*.worker"))
            if workers:
                process = moments.choice(workers).stem
                try:
                    os.kill(int(process), signal.SIGKILL)
                except ProcessLookupError:
                    continue
                killed.add(process)

    def deliver_until_all_kills_are_done(sender: int) -> list[str]:
        orders, guids = random.Random(f"{SEED} {course} {sender}"), []
        while killer.is_alive() or not guids:
            guids.append(f"{sender}-{len(guids)}")
            order = orders.choice(["", "fail", f"take {orders.uniform(0, 0.05)}"])
            if orders.random() < 0.3:
                with ThreadPoolExecutor(2) as both:
                    list(both.map(deliver, [guids[-1]] * 2, [order] * 2))
            else:
                deliver(guids[-1], order)
        return guids

    killer = threading.Thread(target=kill_now_and_then)
    with ThreadPoolExecutor(4) as pool:
        deliver("warm", "")
        killer.start()
        try:
            guids = [guid for each in pool.map(deliver_until_all_kills_are_done, range(4)) for guid in each]
        finally:
            over.set()
            killer.join()
    assert len(killed) == KILLS
    return guids, killed
