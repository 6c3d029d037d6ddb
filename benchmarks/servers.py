"""A PostgreSQL and a Redis for the benchmarks, each on a free port of this machine with a folder of its own.

Each is left out, with a word on stderr, where it is not installed. They flush each commit, as in production.
"""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PATIENCE = 30.0
"""Seconds for a start."""


@contextmanager
def postgresql() -> Iterator[str | None]:
    """The address of a running server, for SQLAlchemy; None where PostgreSQL is not installed."""
    programs = _folder_of_postgresql()
    if programs is None:
        print("no PostgreSQL is installed: apt-get install postgresql", file=sys.stderr)
        yield None
        return
    import psycopg

    port, password = _free_port(), secrets.token_hex(16)
    folder = Path(tempfile.mkdtemp(prefix="smsmobile-pg-"))  # the path of a socket has to be short
    try:
        user = _user_of_postgresql(folder)
        (folder / "password").write_text(password)
        (folder / "password").chmod(0o644)  # in a folder that only its owner may enter
        options = ["--username=smsmobile", f"--pwfile={folder / 'password'}", "--auth=scram-sha-256", "--encoding=UTF8"]
        make: list[Any] = [programs / "initdb", "--pgdata", folder / "data", "--locale=C", "--no-sync", *options]
        subprocess.run(make, check=True, stdout=subprocess.DEVNULL, cwd=folder, **user)
        run = [programs / "postgres", "-D", folder / "data", "-p", str(port), "-k", folder, "-h", "127.0.0.1"]

        def answers() -> bool:
            try:
                psycopg.connect(
                    host="127.0.0.1", port=port, user="smsmobile", password=password, dbname="postgres"
                ).close()
            except psycopg.OperationalError:
                return False
            return True

        with _running(run, answers, cwd=folder, **user):
            yield f"postgresql+psycopg://smsmobile:{password}@127.0.0.1:{port}/postgres"
    finally:
        shutil.rmtree(folder)


@contextmanager
def redis() -> Iterator[str | None]:
    """The address of a running server that flushes each write; None where Redis is not installed."""
    program = shutil.which("redis-server") or shutil.which("valkey-server")
    if program is None:
        print("no Redis is installed: apt-get install redis-server", file=sys.stderr)
        yield None
        return
    port = _free_port()

    def answers() -> bool:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(64).startswith(b"+PONG")
        except OSError:
            return False

    with tempfile.TemporaryDirectory() as folder:
        keeps = ["--save", "", "--dir", folder, "--appendonly", "yes", "--appendfsync", "always"]
        with _running([program, "--port", str(port), "--bind", "127.0.0.1", *keeps], answers):
            yield f"redis://127.0.0.1:{port}/0"


@contextmanager
def _running(command: list[Any], answers: Callable[[], bool], **options: Any) -> Iterator[None]:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **options)
    try:
        deadline = time.monotonic() + PATIENCE
        while not answers():
            if time.monotonic() > deadline or process.poll() is not None:
                raise RuntimeError(f"{command[0]} did not answer in time.")
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port


def _folder_of_postgresql() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    program = shutil.which("initdb") or (found[-1] if found else None)
    return None if program is None else Path(program).resolve().parent


def _user_of_postgresql(folder: Path) -> dict[str, Any]:
    """Who runs it, and owns its folder: the user postgres where we are root, as which it does not run."""
    if os.geteuid() != 0:
        return {}
    import pwd

    account = pwd.getpwnam("postgres")
    os.chown(folder, account.pw_uid, account.pw_gid)
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
