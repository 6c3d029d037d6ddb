"""What the pytest plugin costs a test run that does not use it, each time in a fresh interpreter."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from .measure import Result, ratio

PLUGIN = ("-p", "smsmobile.testing.plugin")


def run() -> Iterator[Result]:
    """One row."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "test_application.py").write_text("def test_something(): ...\n", "utf-8")
        yield Result(
            "pytest --collect-only with our plugin",
            "pytest --collect-only without it",
            ratio(collecting(folder, *PLUGIN), collecting(folder), laps=15),
            1.10,
        )


def collecting(folder: str, *arguments: str) -> Callable[[], object]:
    """Let a new interpreter collect one test, with no other plugin."""
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", *arguments]
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    return lambda: subprocess.run(command, cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL)
