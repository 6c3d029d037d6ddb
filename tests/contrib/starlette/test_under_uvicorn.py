"""A FastAPI application behind uvicorn with two workers: plain handlers, and coroutines."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from smsmobile.sandbox import Sandbox

from ..deliveries import SECRET
from ..live import PATIENCE, Server, running
from ..server_rules import ServerRules

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(sys.platform == "win32", reason="a socket is inherited"),
]

APPLICATION = """
import asyncio
from fastapi import FastAPI
from smsmobile.contrib.starlette import WebhookEndpoint, webhook_route
from smsmobile.webhooks import SMSReceived, SQLiteEventStore, WebhookReceiver

endpoint = WebhookEndpoint(WebhookReceiver(secret), SQLiteEventStore(folder / "events.sqlite", lease=lease))
app = FastAPI(routes=[webhook_route("/sms/webhook", endpoint)])


async def handle_on_the_loop(event):
    order = begin(event)
    if order == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    while order == "wait and fail" and not (folder / "may-fail").exists():
        await asyncio.sleep(0.01)
    if "fail" in order:
        raise ValueError("as ordered")
    note("ended", event)
"""
HANDLERS = {"plain": "handle", "coroutine": "handle_on_the_loop"}
COMMAND = ["uvicorn", "application:app", "--workers=2", "--fd={fd}"]


def uvicorn(folder: Path, kind: str, *, lease: float) -> AbstractContextManager[Server]:
    return running(COMMAND, f"{APPLICATION}\n\nendpoint.on(SMSReceived)({HANDLERS[kind]})\n", folder, lease=lease)


@pytest.fixture(scope="module", params=HANDLERS)
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """With a lease that is not over before the test is."""
    with uvicorn(tmp_path_factory.mktemp("uvicorn"), request.param, lease=2 * PATIENCE) as server:
        yield server


class TestUnderUvicorn(ServerRules):
    """The rules for FastAPI."""


@pytest.mark.parametrize("kind", HANDLERS)
def test_the_event_of_a_worker_that_was_killed_is_handled_after_the_lease(kind: str, tmp_path: Path) -> None:
    """The sandbox delivers it, and repeats what is not acknowledged."""
    with uvicorn(tmp_path, kind, lease=1.0) as server, Sandbox() as box:
        box.add_webhook(server.url, secret=SECRET)
        guid = box.phone.receive("+33639985678", "die")
        box.wait_for_deliveries(PATIENCE)
        statuses = [attempt.status for attempt in box.deliveries]
        assert (statuses[0], statuses[-1]) == (None, 202)
        assert set(statuses[1:-1]) <= {503, None}
        assert server.words(guid) == ["began", "began", "ended"]
        assert server.status(guid) == 200


def test_a_server_that_is_stopped_loses_no_event_of_a_coroutine(tmp_path: Path) -> None:
    with uvicorn(tmp_path, "coroutine", lease=1.0) as server, ThreadPoolExecutor(1) as pool:
        pool.submit(server.status, "stopped", "wait and fail")
        server.wait_for_handler("stopped")
        (tmp_path / "may-fail").touch()
    with uvicorn(tmp_path, "coroutine", lease=1.0) as server:
        server.deliver("stopped")
        assert server.words("stopped")[-1] == "ended"
