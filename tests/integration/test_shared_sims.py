"""Processes that share a file of SIM usage, one of which is killed again and again."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

PROGRAM = textwrap.dedent(
    """
    import sys
    from smsmobile.delivery import OutgoingSMS, Sim, SimPool

    path, name, count = sys.argv[1:]
    pool = SimPool([Sim("a", per_day=40), Sim("b", recipients_per_month=30)], path)
    print("ready", flush=True)
    sys.stdin.readline()
    for number in range(int(count)):
        to = f"336{int(name):03d}{number:05d}"
        slot = pool._book(f"{name} {number}", to, OutgoingSMS(f"+{to}", "Hello"), 1_800_000_000.0, None)
        if slot.at <= 1_800_000_000.0:
            print(slot.sim.device, flush=True)
    """
)


def started(path: Path, name: int, count: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", PROGRAM, str(path), str(name), str(count)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def line_of(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def go_on(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    assert line_of(process) == "ready"
    process.stdin.write("go\n")
    process.stdin.flush()


def rest_of(process: subprocess.Popen[str]) -> list[str]:
    with process:
        assert process.stdout is not None
        return process.stdout.read().split()


def test_of_two_processes_no_more_send_than_the_limits_allow(tmp_path: Path) -> None:
    processes = [started(tmp_path / "sims.sqlite", name, 60) for name in range(2)]
    for process in processes:
        go_on(process)
    sent = [device for process in processes for device in rest_of(process)]
    assert sorted(sent) == ["a"] * 40 + ["b"] * 30


def test_a_process_that_is_killed_again_and_again_never_exceeds_a_limit(tmp_path: Path) -> None:
    sent = []
    for name in range(4):
        process = started(tmp_path / "sims.sqlite", name, 1000)
        go_on(process)
        sent += [line_of(process) for _ in range(8)]
        process.kill()
        sent += rest_of(process)
    last = started(tmp_path / "sims.sqlite", 4, 100)
    go_on(last)
    sent += rest_of(last)
    counts = (sent.count("a"), sent.count("b"))
    # A message that was counted when its process was killed did not leave.
    assert 40 - 4 <= counts[0] <= 40
    assert 30 - 4 <= counts[1] <= 30
