"""Starts a program, kills it at a random instant and starts it again, hundreds of times in a short time.

`python restarting.py PROGRAM.py` imports the program once and forks a process for each order that it reads. No file is
open and no thread runs before the fork, so each process starts like a fresh one.
"""

from __future__ import annotations

import importlib.util
import json
import os
import random
import select
import signal
import subprocess
import sys
import traceback
from pathlib import Path
from typing import Any

LONGEST = 120.0
"""Seconds after which a process is killed, and the test fails."""


class Lives:
    """Random times until a kill. They adapt to how much a process gets done, so a busy machine gets longer ones."""

    def __init__(self, course: random.Random) -> None:
        self._course = course
        self._longest = 0.2

    def next(self) -> float:
        """Seconds until the next kill, from zero."""
        return self._course.uniform(0, self._longest)

    def learn(self, *, was_long: bool) -> None:
        """Adapt so that about three of four processes get much done."""
        self._longest = min(self._longest * (0.9 if was_long else 1.3), 2.0)


class Program:
    """Runs `main(**order)` of a Python file, each time in a process of its own."""

    def __init__(self, file: Path) -> None:
        self._server = subprocess.Popen(
            [sys.executable, __file__, str(file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
        )
        assert self._line() == "ready"

    def run(self, order: dict[str, Any], *, kill_after: float = LONGEST) -> bool:
        """True if the program ended by itself, False if it was killed after `kill_after` seconds.

        Raises AssertionError if the program failed.
        """
        assert self._server.stdin is not None
        self._server.stdin.write(json.dumps([kill_after, order]).encode() + b"\n")
        status = self._line()
        assert status in {"0", str(-signal.SIGKILL)}, f"the program ended with {status!r}"
        return status == "0"

    def close(self) -> None:
        """Stop the server of processes."""
        try:
            self._server.communicate(timeout=5)
        finally:
            self._server.kill()

    def _line(self) -> str:
        assert self._server.stdout is not None
        readable, _, _ = select.select([self._server.stdout], [], [], 2 * LONGEST)
        return self._server.stdout.readline().decode().strip() if readable else ""


def serve(file: str) -> None:
    """Run the program for each order on stdin."""
    specification = importlib.util.spec_from_file_location("program", file)
    assert specification is not None
    assert specification.loader is not None
    program = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(program)
    print("ready", flush=True)
    for line in sys.stdin:
        kill_after, order = json.loads(line)
        print(live(program, order, kill_after), flush=True)


def live(program: Any, order: dict[str, Any], kill_after: float) -> int:
    """Run one process and return its exit code."""
    until_its_end, its_end = os.pipe()
    process = os.fork()
    if process == 0:
        try:
            program.main(**order)
        except BaseException:  # noqa: BLE001 - the process ends here
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    os.close(its_end)
    has_ended, _, _ = select.select([until_its_end], [], [], kill_after)
    os.close(until_its_end)
    if not has_ended:
        os.kill(process, signal.SIGKILL)
    _, status = os.waitpid(process, 0)
    return os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    serve(sys.argv[1])
