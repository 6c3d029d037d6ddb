"""Modules that are imported on first use, and forks."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import os, sys, threading, warnings
import smsmobile

warnings.filterwarnings("ignore", message=".*multi-threaded.*fork.*")
smsmobile.__path__.append(sys.argv[1])
begun, go_on = threading.Event(), threading.Event()
sys.hooks = begun, go_on
importing = threading.Thread(target=lambda: __import__("smsmobile._slow"))
importing.start()
begun.wait(10)
threading.Timer(0.2, go_on.set).start()
child = os.fork()
if child == 0:
    from smsmobile._slow import LOADED
    os._exit(LOADED)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
SLOW = """
import sys
begun, go_on = sys.hooks
begun.set()
go_on.wait(10)
LOADED = 7
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_fork_waits_for_what_another_thread_is_importing(tmp_path: Path) -> None:
    (tmp_path / "_slow.py").write_text(SLOW)
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path)], check=False, timeout=30, stderr=subprocess.PIPE
    )
    assert (done.returncode, done.stderr) == (7, b"")
