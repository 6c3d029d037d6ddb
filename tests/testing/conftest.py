"""A project of its own for pytest, run in a process of its own with the plugin as an installed package has it."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import smsmobile
from smsmobile._http import guard

ENTRY_POINT = "[pytest11]\nsmsmobile = smsmobile.testing.plugin\n"


class Project:
    """A folder with the tests of an application."""

    def __init__(self, folder: Path, plugins: Path) -> None:
        self.folder = folder
        self._path = f"{plugins}{os.pathsep}{Path(smsmobile.__file__).parents[1]}"

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(textwrap.dedent(text), "utf-8")

    def python(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        hidden = ("SMSMOBILEAPI_", "COV_", "PYTEST_")
        kept = {key: value for key, value in os.environ.items() if not key.startswith(hidden)}
        return subprocess.run(
            [sys.executable, "-W", "error", *arguments],
            cwd=self.folder,
            env={**kept, "PYTHONPATH": self._path, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            timeout=60,
            check=False,
        )

    def pytest(self, tests: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run these tests with this plugin alone."""
        self.write("test_application.py", tests)
        environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
        return self.python("-m", "pytest", "-p", "no:cacheprovider", "-p", "smsmobile", *arguments, **environment)


@pytest.fixture(scope="session")
def _plugins(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which pytest finds the entry point, also where the library is not installed."""
    folder = tmp_path_factory.mktemp("plugins")
    info = folder / "smsmobile_for_tests-0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: smsmobile-for-tests\nVersion: 0\n", "utf-8")
    (info / "entry_points.txt").write_text(ENTRY_POINT, "utf-8")
    return folder


@pytest.fixture
def project(tmp_path: Path, _plugins: Path) -> Project:
    return Project(tmp_path, _plugins)


@pytest.fixture
def guarded() -> Iterator[None]:
    """The guard as in a test run with the plugin."""
    with guard.switched(True):
        yield


@pytest.fixture
def unguarded() -> Iterator[None]:
    with guard.switched(False):
        yield


@pytest.fixture
def lookups(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """The names that were to be resolved. None of them is."""
    import socket

    names: list[object] = []

    def fail(host: object, *_: object, **__: object) -> None:
        names.append(host)
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    return names


Lookups = list[object]
Run = Callable[..., "subprocess.CompletedProcess[str]"]
