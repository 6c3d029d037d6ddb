"""The lifespan: its client, where requests and handlers find it, and how it is combined with others."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

import anyio
import pytest
from fastapi import Depends, FastAPI, WebSocket
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from smsmobile import ConfigurationError, SMSMobileClient
from smsmobile.contrib.starlette import get_client, lifespan
from smsmobile.sandbox import Sandbox

from .applications import TestClient

TO = "+33639981234"

Client = Annotated[SMSMobileClient, Depends(get_client)]


@pytest.fixture
def box(monkeypatch: pytest.MonkeyPatch) -> Any:
    with Sandbox() as box:
        monkeypatch.setenv("SMSMOBILEAPI_API_KEY", box.api_key)
        monkeypatch.setenv("SMSMOBILEAPI_BASE_URL", box.url)
        yield box


def test_a_request_finds_the_client_as_a_dependency_of_fastapi(box: Sandbox) -> None:
    app = FastAPI(lifespan=lifespan)

    @app.post("/blocking")
    def blocking(client: Client) -> None:
        client.sms.send(TO, "from a thread")

    @app.post("/async")
    async def asynchronous(client: Client) -> None:
        await run_in_threadpool(client.sms.send, TO, "from a coroutine")

    with TestClient(app) as browser:
        assert [browser.post(path).status_code for path in ("/blocking", "/async")] == [200, 200]
    assert [each.message for each in box.phone.outbox] == ["from a thread", "from a coroutine"]


def test_a_request_finds_the_client_in_starlette(box: Sandbox) -> None:
    async def send(request: Request) -> PlainTextResponse:
        sent = await run_in_threadpool(get_client(request).sms.send, TO, "Bonjour")
        return PlainTextResponse(sent.guid)

    app = Starlette(lifespan=lifespan, routes=[Route("/", send, methods=["POST"])])
    with TestClient(app) as browser:
        guid = browser.post("/").text
    assert [each.guid for each in box.phone.outbox] == [guid]


def test_a_websocket_finds_the_client(box: Sandbox) -> None:
    app = FastAPI(lifespan=lifespan)

    @app.websocket("/")
    async def talk(socket: WebSocket, client: Client) -> None:
        await socket.accept()
        await socket.send_text(type(client).__name__)

    with TestClient(app) as browser, browser.websocket_connect("/") as socket:
        assert socket.receive_text() == "SMSMobileClient"


def test_handlers_of_events_find_the_client_in_the_state_of_the_application(box: Sandbox) -> None:
    app = FastAPI(lifespan=lifespan)
    with TestClient(app):
        app.state.sms_client.sms.send(TO, "Bonjour")
    assert len(box.phone.outbox) == 1


def test_it_can_be_part_of_another_lifespan(box: Sandbox) -> None:
    course = []

    @asynccontextmanager
    async def mine(app: FastAPI) -> AsyncIterator[dict[str, Any]]:
        async with lifespan(app) as state:
            yield {**state, "database": "open"}
        course.append("closed")

    app = FastAPI(lifespan=mine)

    @app.get("/")
    def look(request: Request, client: Client) -> str:
        return f"{type(client).__name__}, {request.state.database}"

    with TestClient(app) as browser:
        assert browser.get("/").json() == "SMSMobileClient, open"
    assert course == ["closed"]


def test_the_client_is_closed_when_the_application_stops(box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[SMSMobileClient] = []

    def close(client: SMSMobileClient) -> None:
        closed.append(client)

    monkeypatch.setattr(SMSMobileClient, "close", close)
    app = FastAPI(lifespan=lifespan)
    with TestClient(app):
        client = app.state.sms_client
        assert closed == []
    assert closed == [client]


def test_the_client_has_timeouts_that_fit_a_request(box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    def settings() -> Any:
        app = FastAPI(lifespan=lifespan)
        with TestClient(app):
            return app.state.sms_client._settings

    assert (settings().timeout, settings().max_retries) == ((3.0, 10.0), 0)
    monkeypatch.setenv("SMSMOBILEAPI_TIMEOUT", "5,30")
    monkeypatch.setenv("SMSMOBILEAPI_MAX_RETRIES", "2")
    assert (settings().timeout, settings().max_retries) == ((5.0, 30.0), 2)


def test_the_backend_is_chosen_by_the_environment(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SMSMOBILEAPI_BACKEND", "console")
    app = FastAPI(lifespan=lifespan)
    with TestClient(app):
        app.state.sms_client.sms.send(TO, "Bonjour")
    assert f"sms to {TO}\n\nBonjour\n" in capsys.readouterr().out
    monkeypatch.setenv("SMSMOBILEAPI_BACKEND", "locmem")
    with TestClient(app):
        assert app.state.sms_client.sms.send(TO, "Bonjour").guid
    assert capsys.readouterr().out == ""


def test_an_application_without_credentials_does_not_start() -> None:
    async def start() -> None:
        async with lifespan(FastAPI()):
            pass

    with pytest.raises(ConfigurationError, match="SMSMOBILEAPI_API_KEY"):
        anyio.run(start)


def test_without_the_lifespan_the_error_says_what_is_missing() -> None:
    app = FastAPI(lifespan=lifespan)

    @app.get("/")
    def look(client: Client) -> None:
        raise AssertionError

    with pytest.raises(RuntimeError, match=r"needs the lifespan .* `with TestClient\(app\)"):
        TestClient(app).get("/")
