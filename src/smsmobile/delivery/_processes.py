"""Which process this is, as a text to be stored, and whether the process of such a text has certainly ended.

Only Linux says enough for that. Elsewhere nothing is certain, and the lease of a dead owner has to pass.
"""

from __future__ import annotations

import os
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

_PROC = Path("/proc")
_ENOUGH = 12
"""Hexadecimal digits of the boot's id: no two boots of a machine have these in common."""


def this_process() -> str:
    """The boot of the system, the namespaces of ids and of times, the id, and when it was started.

    Only the boot, if the rest is not known; empty, if that is not known either.
    """
    return _described(os.getpid())


def boot_of(process: str) -> str:
    """An id that changes when the system starts; empty if it is not known."""
    return process.partition(" ")[0]


def has_ended(process: str) -> bool:
    """Whether it is certain that this process does not run any more."""
    mine = this_process()
    if process == mine or process.count(" ") != 3 or mine.split(" ")[:2] != process.split(" ")[:2]:
        return False
    _, _, pid, start = process.split(" ")
    try:
        os.kill(int(pid), 0)  # sends nothing. It sees a process that /proc hides, since it is another user's
    except ProcessLookupError:
        return True
    except PermissionError:
        pass  # it is there
    status = _status(int(pid))
    return status is not None and (status.start != start or status.is_zombie)


class _Status(NamedTuple):
    start: str
    """Clock ticks since the boot."""
    is_zombie: bool
    """It has ended, and its parent has not asked for that yet."""


@lru_cache(maxsize=1)
def _described(pid: int) -> str:
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip().replace("-", "")[:_ENOUGH]
    except (OSError, ValueError):
        return ""
    with suppress(OSError):
        links = (str((_PROC / "self/ns" / name).readlink()) for name in ("pid", "time"))  # "pid:[4026531836]"
        namespaces = "+".join(link.strip("pidtme:[]") for link in links)
        # /proc may be that of another namespace, with other ids.
        if str((_PROC / "self").readlink()) == str(pid) and (status := _status(pid)) is not None:
            return f"{boot} {namespaces} {pid} {status.start}"
    return boot


def _status(pid: int) -> _Status | None:
    """From /proc; None if it does not show this process."""
    try:
        text = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()  # the name before it may have spaces
    state, threads, start = fields[0], int(fields[17]), fields[19]
    return _Status(start, state in {"Z", "X"} and threads <= 1)
