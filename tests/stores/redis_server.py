"""A Redis of its own for a test, on a free port of the loopback interface; it can be killed and started again."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from pathlib import Path

import pytest

KEEPS_DATA = ("--appendonly", "yes", "--appendfsync", "always")
"""With `everysec`, a server that is killed while the disk is busy may lose what it had answered just before."""


class RedisServer:
    """Starts the server at once, and skips the test where it is not installed.

    folder: for its data.
    persistence: whether it writes an append-only file.
    options: more of them, as on its command line.
    """

    def __init__(self, folder: Path, *, persistence: bool = True, options: tuple[str, ...] = ()) -> None:
        pytest.importorskip("redis", reason="redis-py is not installed: pip install 'smsmobile[redis]'")
        command = shutil.which("redis-server") or shutil.which("valkey-server")
        if command is None:
            pytest.skip("no Redis is installed: apt-get install redis-server")
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}/0"
        folder.mkdir(exist_ok=True)
        self._command = [command, "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
        self._command += [*(KEEPS_DATA if persistence else ()), *options]
        self.start_again()

    def start_again(self) -> None:
        """Start it on the same port, with the data that it kept."""
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + 10
        while not self._answers():
            if time.monotonic() > deadline or self._process.poll() is not None:
                self.stop()
                raise AssertionError("redis-server did not answer within 10 s")
            time.sleep(0.02)

    def kill(self) -> None:
        """Kill it, so that it can save nothing any more."""
        self._process.kill()
        self._process.wait(10)

    def stop(self) -> None:
        """End it. A server that does not run is no error."""
        self._process.terminate()
        self._process.wait(10)

    def _answers(self) -> bool:
        """Whether it has loaded its data and takes commands; one with a password answers as well."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(64).startswith((b"+PONG", b"-NOAUTH"))
        except OSError:
            return False
