"""A PostgreSQL server of the tests' own: on a free port of this machine, with a folder of its own; it can be killed."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psycopg
import pytest

USER = "smsmobile"
PATIENCE = 30.0
"""Seconds for a start, which can include the recovery after a kill."""
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "max_connections": "100",
    "shared_buffers": "32MB",
    # As in production: a commit waits for the disk. But commits that need not are written late, so that a kill loses
    # them for certain.
    "fsync": "on",
    "wal_writer_delay": "10s",
    "deadlock_timeout": "100ms",
}


def folder_of_programs() -> Path:
    """Where initdb is. Skips the test if PostgreSQL is not installed."""
    if sys.platform == "win32":
        pytest.skip("the server is started and killed as POSIX systems do")
    on_path = shutil.which("initdb")
    found = [Path(on_path).resolve().parent] if on_path else []
    found += sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name), reverse=True)
    for folder in found:
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    pytest.skip("no PostgreSQL is installed: apt-get install postgresql")


class PostgreSQLServer:
    """A server that runs until `stop`. It does not run as root: there it runs as the user postgres."""

    def __init__(self) -> None:
        self._programs = folder_of_programs()
        self.password = secrets.token_hex(16)
        # Not in pytest's folders, which the user postgres may not enter. The path of a socket has to be short.
        self._folder = Path(tempfile.mkdtemp(prefix="smsmobile-pg-"))
        self._as_user: dict[str, Any] = {}
        if os.geteuid() == 0:
            import pwd

            account = pwd.getpwnam("postgres")
            self._as_user = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
            os.chown(self._folder, account.pw_uid, account.pw_gid)
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]
        self._process: subprocess.Popen[bytes] | None = None
        self._schemas = 0
        try:
            self._make()
            self.start()
        except BaseException:
            self.stop()
            raise

    def url(self, schema: str = "public") -> str:
        """An address for SQLAlchemy, with the password, whose tables are in this schema."""
        return (
            f"postgresql+psycopg://{USER}:{self.password}@127.0.0.1:{self.port}/postgres"
            f"?options=-csearch_path%3D{schema}"
        )

    def new_schema(self) -> str:
        """The name of a schema that is empty."""
        self._schemas += 1
        self.execute(f"CREATE SCHEMA test_{self._schemas}")
        return f"test_{self._schemas}"

    def execute(self, statement: str) -> list[tuple[Any, ...]]:
        """Execute one statement, and return its rows."""
        with self._connect() as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def start(self) -> None:
        """Start it, and wait until it answers."""
        deadline = time.monotonic() + PATIENCE
        while True:
            if self._process is None or self._process.poll() is not None:  # what a killed one left is still there
                self._process = self._run()
            try:
                self._connect().close()
            except psycopg.OperationalError:
                if time.monotonic() > deadline:
                    raise AssertionError(f"PostgreSQL did not answer in time:\n{self._log()}") from None
                time.sleep(0.05)
            else:
                return

    def kill(self) -> None:
        """Kill it and all its sessions at once, as a power failure would."""
        assert self._process is not None
        pids = [pid for (pid,) in self.execute("SELECT pid FROM pg_stat_activity")]
        for pid in (self._process.pid, *pids):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:  # it noticed that its parent is gone
                continue
        self._process.wait(PATIENCE)

    def stop(self) -> None:
        """End it, and remove its data."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(PATIENCE)
        shutil.rmtree(self._folder)

    def _make(self) -> None:
        password_file = self._folder / "password"
        password_file.write_text(self.password)
        password_file.chmod(0o644)  # in a folder that only its owner may enter
        options = ["--username", USER, f"--pwfile={password_file}", "--auth=scram-sha-256", "--no-sync"]
        made = subprocess.run(
            [self._programs / "initdb", "--pgdata", self._data, "--encoding=UTF8", "--locale=C", *options],
            cwd=self._folder,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            **self._as_user,
        )
        assert made.returncode == 0, made.stderr

    def _run(self) -> subprocess.Popen[bytes]:
        settings = [f"--{name}={value}" for name, value in SETTINGS.items()]
        with (self._folder / "log").open("ab") as log:
            return subprocess.Popen(
                [self._programs / "postgres", "-D", self._data, "-p", str(self.port), "-k", self._folder, *settings],
                cwd=self._folder,
                stdout=log,
                stderr=log,
                **self._as_user,
            )

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    def _connect(self) -> psycopg.Connection[tuple[Any, ...]]:
        return psycopg.connect(
            host="127.0.0.1", port=self.port, user=USER, password=self.password, dbname="postgres", autocommit=True
        )

    def _log(self) -> str:
        return "".join((self._folder / "log").read_text().splitlines(keepends=True)[-20:])
