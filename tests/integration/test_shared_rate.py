"""One rate for several processes, through a Redis of its own on a free port."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import pytest

from smsmobile import SMSMobileClient, StorageError
from smsmobile.delivery import BulkSender
from smsmobile.delivery._rate_limit import RateLimiter
from smsmobile.sandbox import Sandbox

RATE = "10/hour"


class Redis:
    """A server without a file; its port is closed by `stop`."""

    def __init__(self, command: str, folder: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        self.url = f"redis://127.0.0.1:{port}/0"
        options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
        self._process = subprocess.Popen([command, *options], stdout=subprocess.DEVNULL)
        for _ in range(200):
            with socket.socket() as knocking:
                if knocking.connect_ex(("127.0.0.1", port)) == 0:
                    return
            time.sleep(0.05)
        self.stop()
        raise AssertionError("redis-server did not begin to listen within 10 s")

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(10)


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[Redis]:
    pytest.importorskip("redis", reason="the redis library is not installed: pip install 'limits[redis]'")
    command = shutil.which("redis-server")
    if command is None:
        pytest.skip("no Redis is installed: apt-get install redis-server")
    running = Redis(command, tmp_path)
    yield running
    running.stop()


class Impatient(Event):
    """Who would have to wait is told to stop instead."""

    def wait(self, timeout: float | None = None) -> bool:
        self.set()
        return True


def test_processes_that_name_one_redis_share_one_rate(redis: Redis, box: Sandbox, tmp_path: Path) -> None:
    script = f"""
        import sys
        from smsmobile import SMSMobileClient
        from smsmobile.delivery import BulkSender
        with SMSMobileClient(api_key={box.api_key!r}, base_url={box.url!r}) as client:
            bulk = BulkSender(client, sys.argv[1], rate={RATE!r}, rate_storage={redis.url!r})
            print(len(list(bulk.send((f"+3361234{{n:04d}}", sys.argv[1]) for n in range(5)))))
    """
    campaigns = [
        subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(script), str(tmp_path / name)], stdout=subprocess.PIPE, text=True
        )
        for name in ("one.sqlite", "other.sqlite")
    ]
    assert [campaign.communicate(timeout=60)[0].strip() for campaign in campaigns] == ["5", "5"]
    assert len(box.phone.outbox) == 10
    assert not RateLimiter(RATE, redis.url).acquire(Impatient()), "an eleventh message was allowed to leave"


def test_without_the_redis_nothing_more_is_sent_and_the_run_goes_on_later(
    redis: Redis, client: SMSMobileClient, box: Sandbox, tmp_path: Path
) -> None:
    messages = [(f"+3361234{number:04d}", "hi") for number in range(6)]
    journal = tmp_path / "campaign.sqlite"
    outcomes = BulkSender(client, journal, rate=RATE, rate_storage=redis.url, workers=1).send(messages)
    next(outcomes)
    redis.stop()
    with pytest.raises(StorageError, match="rate limit cannot be reached") as caught:
        list(outcomes)
    assert "127.0.0.1" not in str(caught.value)
    assert len(box.phone.outbox) == 1

    assert len(list(BulkSender(client, journal).send(messages))) == 6
    assert len(box.phone.outbox) == 6
