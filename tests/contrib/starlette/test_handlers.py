"""How the route runs handlers: in a thread, or on the event loop of the application."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Any

import anyio
import httpx
import pytest
from anyio import to_thread
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool

from smsmobile import ConfigurationError
from smsmobile.contrib.starlette import WebhookEndpoint, webhook_route
from smsmobile.webhooks import SMSReceived

from ..deliveries import received
from .applications import PATH, TestClient, each_application, post

PATIENCE = 60.0


def test_a_plain_handler_does_not_block_the_event_loop(endpoint: WebhookEndpoint, app: FastAPI) -> None:
    threads: list[Any] = []

    @app.get("/thread")
    async def thread_of_the_loop() -> None:
        threads.append(threading.current_thread())

    endpoint.on(SMSReceived)(lambda event: threads.append(threading.current_thread()))
    with TestClient(app) as browser:
        it = received()
        assert browser.post(PATH, content=it.body, headers=it.headers).status_code == 202
        browser.get("/thread")
    assert threads[0] is not threads[1]


class Handler:
    """An object that is called, with a coroutine."""

    def __init__(self, note: Callable[[Any], Any]) -> None:
        self.note = note

    async def __call__(self, event: SMSReceived) -> None:
        await self.note(event)


@each_application
@pytest.mark.parametrize("shape", ["function", "partial", "object", "method"])
def test_a_coroutine_is_awaited_on_the_loop_of_the_application(
    application: Callable[[Any], Starlette], endpoint: WebhookEndpoint, shape: str
) -> None:
    app = application(webhook_route(PATH, endpoint))
    handled = []

    async def note(event: SMSReceived) -> None:
        await asyncio.sleep(0)
        handled.append((event.data.message, asyncio.get_running_loop()))

    async def note_with(word: str, event: SMSReceived) -> None:
        await note(event)

    shapes = {
        "function": note,
        "partial": partial(note_with, "word"),
        "object": Handler(note),
        "method": Handler(note).__call__,
    }
    endpoint.on(SMSReceived)(shapes[shape])
    it = received("hello")
    assert [post(app, it), post(app, it)] == [202, 200]
    assert [message for message, _ in handled] == ["hello"]


def test_a_coroutine_that_raises_is_awaited_again_at_the_next_delivery(
    endpoint: WebhookEndpoint, app: FastAPI, caplog: pytest.LogCaptureFixture
) -> None:
    attempts = []

    @endpoint.on(SMSReceived)
    async def fail_once(event: SMSReceived) -> None:
        attempts.append(event)
        if len(attempts) == 1:
            raise ValueError("the database is down")

    it = received()
    assert [post(app, it) for _ in range(3)] == [500, 202, 200]
    assert len(attempts) == 2
    assert "the database is down" in caplog.text


def test_a_generator_is_refused_when_it_is_registered(endpoint: WebhookEndpoint) -> None:
    async def handler(event: SMSReceived) -> AsyncIterator[None]:
        yield

    with pytest.raises(ConfigurationError, match="async or a generator"):
        endpoint.on(SMSReceived)(handler)


def test_handlers_of_both_kinds_run_one_after_the_other(endpoint: WebhookEndpoint, app: FastAPI) -> None:
    order: list[str] = []

    @endpoint.on(SMSReceived)
    async def first(event: SMSReceived) -> None:
        await asyncio.sleep(0.05)
        order.append("first")

    endpoint.on(SMSReceived)(lambda event: order.append("second"))
    assert post(app, received()) == 202
    assert order == ["first", "second"]


def test_handlers_that_need_threads_of_their_own_get_them_however_many_deliveries_there_are(
    endpoint: WebhookEndpoint, app: FastAPI
) -> None:
    """With one pool for both, each delivery would hold a thread and wait for another one."""
    handled: list[str] = []

    @endpoint.on(SMSReceived)
    async def reply(event: SMSReceived) -> None:
        await run_in_threadpool(handled.append, event.data.message)

    async def deliver_all() -> list[int]:
        to_thread.current_default_thread_limiter().total_tokens = 1
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as browser:
            posts = (browser.post(PATH, content=it.body, headers=it.headers) for it in deliveries)
            with anyio.fail_after(PATIENCE):
                return [answer.status_code for answer in await asyncio.gather(*posts)]

    deliveries = [received(str(number)) for number in range(60)]
    assert set(anyio.run(deliver_all)) == {202}
    assert len(handled) == 60


@pytest.mark.parametrize("native", [True, False], ids=["task.cancel", "cancel scope"])
@pytest.mark.parametrize("kind", ["plain", "coroutine"])
def test_an_event_whose_request_is_cancelled_is_finished_or_handled_again(
    endpoint: WebhookEndpoint, app: FastAPI, kind: str, native: bool
) -> None:
    began, may_end, ended = threading.Event(), threading.Event(), []

    async def wait(event: SMSReceived) -> None:
        began.set()
        while not may_end.is_set():
            await asyncio.sleep(0.01)
        ended.append(event)

    def block(event: SMSReceived) -> None:
        began.set()
        may_end.wait(PATIENCE)
        ended.append(event)

    endpoint.on(SMSReceived)(wait if kind == "coroutine" else block)
    it = received()

    async def deliver() -> int:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as browser:
            return (await browser.post(PATH, content=it.body, headers=it.headers)).status_code

    async def wait_for_the_handler() -> None:
        while not began.is_set():
            await asyncio.sleep(0.01)

    async def main() -> int:
        with anyio.fail_after(PATIENCE):
            if native:
                task = asyncio.create_task(deliver())
                await wait_for_the_handler()
                task.cancel()
                await asyncio.wait([task], timeout=0.1)
                may_end.set()
                await asyncio.wait([task])
            else:
                async with anyio.create_task_group() as group:
                    group.start_soon(deliver)
                    await wait_for_the_handler()
                    group.cancel_scope.cancel()
                    asyncio.get_running_loop().call_later(0.1, may_end.set)
            status = 503
            while status == 503:
                await asyncio.sleep(0.01)
                status = await deliver()
            return status

    # 200: the handler went on. 202: it was cancelled, which gave the event back.
    assert (anyio.run(main), len(ended)) in ({(200, 1)} if kind == "plain" else {(200, 1), (202, 1)})
