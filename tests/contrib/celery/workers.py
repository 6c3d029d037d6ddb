"""Workers of Celery in processes of their own, and the Redis that they share."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
PATIENCE = 60.0


class Worker:
    """One worker: a main process and the children that execute its tasks. They are a process group."""

    def __init__(self, name: str, folder: Path, environment: dict[str, str], *options: str) -> None:
        self.log = folder / f"{name}.log"
        self._command = [sys.executable, "-m", "celery", "--app", "shop", "--workdir", str(HERE), "worker"]
        self._command += ["--hostname", f"{name}@here", *options]
        self._environment = {**os.environ, **environment}
        self._folder = folder
        self._log = self.log.open("ab")
        self.start()

    def start(self) -> None:
        """Start it, or start it again."""
        self._process = subprocess.Popen(
            self._command,
            cwd=self._folder,
            env=self._environment,
            stdout=self._log,
            stderr=self._log,
            start_new_session=True,
        )

    def keep_alive(self) -> None:
        """Start it again if it has ended, as a supervisor does. Celery ends if a child is killed while it starts."""
        if self._process.poll() is not None:
            self.start()

    def wait_until_ready(self) -> None:
        """Wait until it takes tasks."""
        deadline = time.monotonic() + PATIENCE
        while " ready." not in self.log.read_text():
            assert self._process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.05)

    def children(self) -> list[int]:
        """The processes that execute tasks."""
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        try:
            return [int(pid) for pid in children.read_text().split()]
        except OSError:
            return []

    def kill(self) -> None:
        """Kill all of its processes at once."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(PATIENCE)

    def stop(self) -> None:
        """End it, if it runs."""
        if self._process.poll() is None:
            self._process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(10)
        self.kill()
        self._log.close()


def settings_of(redis_url: str, smsmobile: dict[str, Any], **more: Any) -> dict[str, str]:
    """The environment of a worker."""
    settings = {
        "broker_url": redis_url,
        "result_backend": redis_url,
        "smsmobile": smsmobile,
        "broker_connection_retry_on_startup": True,
        "worker_cancel_long_running_tasks_on_connection_loss": False,
        **more,
    }
    return {"SHOP": json.dumps(settings)}
