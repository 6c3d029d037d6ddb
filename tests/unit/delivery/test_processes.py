"""Whether a process has certainly ended: real ones, and what /proc can say or keep to itself."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from smsmobile.delivery import _processes
from smsmobile.delivery._processes import boot_of, has_ended, this_process

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells")

SCRIPT = "from smsmobile.delivery._processes import this_process; print(this_process(), flush=True); input()"


@pytest.fixture
def child() -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-c", SCRIPT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        yield child
        child.kill()


@pytest.fixture
def proc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A /proc of our own, with this process alone."""
    proc = tmp_path / "proc"
    for name, text in {"sys/kernel/random/boot_id": "2910063c-08fc-49b2-935b-b2424503c51d\n"}.items():
        (proc / name).parent.mkdir(parents=True)
        (proc / name).write_text(text)
    (proc / str(os.getpid()) / "ns").mkdir(parents=True)
    (proc / "self").symlink_to(str(os.getpid()))
    for name, number in (("pid", 4026531836), ("time", 4026531834)):
        (proc / "self" / "ns" / name).symlink_to(f"{name}:[{number}]")
    show(proc, os.getpid(), start=777)
    monkeypatch.setattr(_processes, "_PROC", proc)
    _processes._described.cache_clear()
    yield proc
    _processes._described.cache_clear()


def show(proc: Path, pid: int, *, start: int, state: str = "S", threads: int = 1) -> None:
    """Let /proc show a process. Its name is of the unpleasant kind."""
    fields = [str(number) for number in range(4, 53)]
    fields[20 - 4], fields[22 - 4] = str(threads), str(start)
    (proc / str(pid)).mkdir(exist_ok=True)
    (proc / str(pid) / "stat").write_text(f"{pid} (a ) S 1 (name) {state} {' '.join(fields)}\n")


def replaced(process: str, position: int, field: str) -> str:
    fields = process.split(" ")
    fields[position] = field
    return " ".join(fields)


def line_of(child: subprocess.Popen[str]) -> str:
    assert child.stdout is not None
    return child.stdout.readline().strip()


def test_a_process_that_runs_has_not_ended(child: subprocess.Popen[str]) -> None:
    process = line_of(child)
    assert not has_ended(process)
    assert not has_ended(this_process())


def test_a_killed_process_has_ended_before_and_after_its_parent_notices(child: subprocess.Popen[str]) -> None:
    process = line_of(child)
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # it stays a zombie
    assert has_ended(process)
    child.wait()
    assert has_ended(process)


def test_another_process_with_its_id_is_another_process(child: subprocess.Popen[str]) -> None:
    process = line_of(child)
    assert has_ended(replaced(process, 3, "1"))


@pytest.mark.parametrize(
    ("position", "field"), [(0, "0123456789ab"), (1, "4026531999+4026531834"), (1, "4026531836+7")]
)
def test_nothing_is_certain_of_a_process_of_another_boot_or_namespace(
    child: subprocess.Popen[str], position: int, field: str
) -> None:
    process = line_of(child)
    child.kill()
    child.wait()
    assert not has_ended(replaced(process, position, field))


@pytest.mark.parametrize("process", ["", "2910063c08fc", "a b c", "a b 1 2 3"])
def test_nothing_is_certain_of_a_process_that_is_not_described(process: str) -> None:
    assert not has_ended(process)


def test_a_fork_is_another_process() -> None:
    script = """if True:
        import os
        from smsmobile.delivery._processes import has_ended, this_process
        parent = this_process()
        if (child := os.fork()) == 0:
            os._exit(0 if this_process() != parent and not has_ended(parent) else 1)
        print(os.waitpid(child, 0)[1])
    """
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert told == "0\n"


def test_it_says_the_boot_the_namespaces_the_id_and_the_start(proc: Path) -> None:
    assert this_process() == f"2910063c08fc 4026531836+4026531834 {os.getpid()} 777"
    assert boot_of(this_process()) == "2910063c08fc"


def test_a_proc_of_another_namespace_tells_the_boot_alone(proc: Path) -> None:
    show(proc, 1, start=3)
    (proc / "1" / "ns").mkdir()
    for name in ("pid", "time"):
        (proc / "1" / "ns" / name).symlink_to(f"{name}:[7]")
    (proc / "self").unlink()
    (proc / "self").symlink_to("1")
    assert this_process() == "2910063c08fc"


def test_without_proc_nothing_is_known(proc: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_processes, "_PROC", proc / "nowhere")
    assert (this_process(), boot_of(this_process()), has_ended(this_process())) == ("", "", False)


def test_a_process_of_another_user_that_proc_hides_has_not_ended(proc: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(pid: int, signal: int) -> None:
        assert signal == 0
        raise PermissionError

    monkeypatch.setattr(os, "kill", forbidden)
    assert not has_ended(replaced(this_process(), 2, "12345"))


@pytest.mark.parametrize(
    ("state", "threads", "expected"),
    [("S", 1, False), ("R", 8, False), ("Z", 0, True), ("X", 1, True), ("Z", 3, False)],
)
def test_a_zombie_has_ended_unless_a_thread_goes_on(
    proc: Path, monkeypatch: pytest.MonkeyPatch, state: str, threads: int, expected: bool
) -> None:
    monkeypatch.setattr(os, "kill", lambda pid, signal: None)
    show(proc, 12345, start=5, state=state, threads=threads)
    assert has_ended("2910063c08fc 4026531836+4026531834 12345 5") is expected
