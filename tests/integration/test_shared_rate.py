"""One rate for several processes, through a Redis of its own on a free port."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from threading import Event

import pytest

from smsmobile import SMSMobileClient, StorageError
from smsmobile.auth._account import account_of
from smsmobile.delivery import BulkSender, MemoryJournal
from smsmobile.delivery._rate_limit import RateLimiter
from smsmobile.sandbox import Sandbox

RATE = "10/hour"


class Redis:
    """A server without a file; its port is closed by `stop`."""

    def __init__(self, command: str, folder: Path, scheme: str) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        self.url = f"{scheme}://127.0.0.1:{port}/0"
        options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
        self._process = subprocess.Popen([command, *options], stdout=subprocess.DEVNULL)
        for _ in range(200):
            with socket.socket() as knocking:
                if knocking.connect_ex(("127.0.0.1", port)) == 0:
                    return
            time.sleep(0.05)
        self.stop()
        raise AssertionError("the server did not begin to listen within 10 s")

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(10)


@pytest.fixture
def scheme() -> str:
    """Which library talks to the server: `redis`, or `valkey`, whose server and Redis understand both."""
    return "redis"


@pytest.fixture
def redis(tmp_path: Path, scheme: str) -> Iterator[Redis]:
    pytest.importorskip(scheme, reason=f"the {scheme} library is not installed: pip install 'limits[{scheme}]'")
    command = shutil.which(f"{scheme}-server") or shutil.which("redis-server") or shutil.which("valkey-server")
    if command is None:
        pytest.skip("no Redis or Valkey is installed: apt-get install redis-server")
    running = Redis(command, tmp_path, scheme)
    yield running
    running.stop()


class Impatient(Event):
    """Who would have to wait is told to stop instead."""

    def wait(self, timeout: float | None = None) -> bool:
        self.set()
        return True


def send_from_two_processes(box: Sandbox, storage: str, options: str, messages: int) -> None:
    """Send so many messages from each of two processes at once."""
    script = f"""
        import sys
        from smsmobile import SMSMobileClient
        from smsmobile.delivery import BulkSender, MemoryJournal
        with SMSMobileClient(api_key={box.api_key!r}, base_url={box.url!r}) as client:
            bulk = BulkSender(client, MemoryJournal(), rate_storage={storage!r}, {options})
            texts = ((f"+3363998{{n:04d}}", sys.argv[1]) for n in range({messages}))
            print([outcome.status.value for outcome in bulk.send(texts)])
    """
    campaigns = [
        subprocess.Popen([sys.executable, "-c", textwrap.dedent(script), name], stdout=subprocess.PIPE, text=True)
        for name in ("one", "other")
    ]
    expected = str(["sent"] * messages)
    assert [campaign.communicate(timeout=60)[0].strip() for campaign in campaigns] == [expected, expected]


def seconds_of_sends(box: Sandbox) -> list[float]:
    """When each send came to the service, from the first one on."""
    times = sorted(request.at.timestamp() for request in box.requests if request.path == "/sendsms/")
    return [at - times[0] for at in times]


@pytest.mark.parametrize("scheme", ["redis", pytest.param("valkey", marks=pytest.mark.long)])
def test_processes_that_name_one_redis_share_one_rate(redis: Redis, client: SMSMobileClient, box: Sandbox) -> None:
    send_from_two_processes(box, redis.url, f"rate={RATE!r}", 5)
    assert len(box.phone.outbox) == 10
    limiter = RateLimiter(RATE, redis.url, account=account_of(client._transport.auth, box.url))
    assert not limiter.acquire(Impatient()), "an eleventh message was allowed to leave"


def test_segments_of_two_processes_are_counted_together(redis: Redis, client: SMSMobileClient, box: Sandbox) -> None:
    long = [("+33639980011", "x" * 200, number) for number in range(4)]  # two segments each
    for half in (long[:2], long[2:]):
        rows = [{"to": to, "text": text, "key": key} for to, text, key in half]
        bulk = BulkSender(client, MemoryJournal(), rate="8/hour", rate_storage=redis.url, rate_unit="segments")
        assert len(list(bulk.send(rows))) == 2
    account = account_of(client._transport.auth, box.url)
    limiter = RateLimiter("8/hour", redis.url, unit="segments", account=account)
    assert not limiter.acquire(Impatient(), {"message": "hi"}), "a ninth segment was allowed to leave"


def test_accounts_phones_and_sims_that_share_one_redis_have_rates_of_their_own(
    redis: Redis, client: SMSMobileClient, box: Sandbox
) -> None:
    other_phone = box.add_phone("another phone")
    with SMSMobileClient(client_id=box.client_id, client_secret=box.client_secret, base_url=box.url) as other_client:
        for sender in (client, other_client):
            messages = [
                {"to": "+33639980011", "text": "hi", "key": f"{device} {sim}", "device": device, "sim": sim}
                for device in (box.phone.sid, other_phone.sid)
                for sim in (1, 2)
            ]
            # Each would have to wait for an hour if it shared its rate with any other.
            bulk = BulkSender(sender, MemoryJournal(), rate="1/hour", rate_storage=redis.url)
            assert len(list(bulk.send(messages))) == 4
    assert len(seconds_of_sends(box)) == 8


@pytest.mark.long
def test_a_paced_campaign_sends_evenly(client: SMSMobileClient, box: Sandbox) -> None:
    bulk = BulkSender(client, MemoryJournal(), rate="10/5 seconds", rate_paced=True, workers=1)
    list(bulk.send((f"+3363998{number:04d}", "hi") for number in range(6)))
    assert seconds_of_sends(box)[-1] > 2.0, "without a pace, all leave at once"


@pytest.mark.long
def test_processes_that_share_a_paced_rate_do_not_send_in_bursts(redis: Redis, box: Sandbox) -> None:
    send_from_two_processes(box, redis.url, "rate='4/4 seconds', rate_paced=True, workers=1", 3)
    times = seconds_of_sends(box)
    assert times[-1] > 4.0, "one after the other, they take 5 s"
    assert sum(later - earlier > 0.5 for earlier, later in pairwise(times)) >= 4


def test_without_the_redis_nothing_more_is_sent_and_the_run_goes_on_later(
    redis: Redis, client: SMSMobileClient, box: Sandbox
) -> None:
    messages = [(f"+3363998{number:04d}", "hi") for number in range(6)]
    journal = MemoryJournal()
    outcomes = BulkSender(client, journal, rate=RATE, rate_storage=redis.url, workers=1).send(messages)
    next(outcomes)
    redis.stop()
    with pytest.raises(StorageError, match="rate limit cannot be reached") as caught:
        list(outcomes)
    assert "127.0.0.1" not in str(caught.value)
    assert len(box.phone.outbox) == 1

    assert len(list(BulkSender(client, journal).send(messages))) == 6
    assert len(box.phone.outbox) == 6
