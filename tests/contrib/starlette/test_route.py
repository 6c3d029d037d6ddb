"""The route of an endpoint in Starlette and FastAPI: what it answers, and how it runs handlers of both kinds."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import anyio
import pytest
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.middleware.base import BaseHTTPMiddleware

from smsmobile import webhooks
from smsmobile.contrib.starlette import WebhookEndpoint, webhook_route
from smsmobile.webhooks import MemoryEventStore, SMSReceived, WebhookEvent, WebhookReceiver, new_url_token, sign
from smsmobile.webhooks.events import MAX_BODY_BYTES

from ..deliveries import ANSWERS, PUBLISHED, SECRET, TOKEN, VERSION_1, Delivery, delivery, received
from .applications import PATH, TestClient, each_application, post

PATIENCE = 60.0


# --- answers ------------------------------------------------------------------------------------------------


@each_application
@pytest.mark.parametrize("kind", PUBLISHED, ids=lambda kind: kind.__name__)
def test_a_published_delivery_reaches_its_handler_once(
    application: Callable[[Any], Starlette], endpoint: WebhookEndpoint, kind: type[WebhookEvent]
) -> None:
    app = application(webhook_route(PATH, endpoint))
    handled: list[WebhookEvent] = []
    endpoint.on(kind)(handled.append)
    it = delivery(kind.model_fields["type"].default, PUBLISHED[kind])
    assert [post(app, it), post(app, it)] == [202, 200]
    assert [(type(event), event.signed) for event in handled] == [(kind, True)]


def test_the_published_payload_of_version_1_needs_the_token_in_the_path(app: FastAPI) -> None:
    it = Delivery(json.dumps(VERSION_1).encode(), {"Content-Type": "application/json"})
    assert [post(app, it, f"{PATH}/{token}") for token in (new_url_token(), TOKEN, TOKEN)] == [401, 202, 200]
    assert post(app, it) == 401


@pytest.mark.parametrize(("make", "status"), ANSWERS.values(), ids=ANSWERS)
def test_a_delivery_is_answered_as_the_endpoint_says(app: FastAPI, make: Callable[[], Delivery], status: int) -> None:
    assert post(app, make()) == status


def test_a_busy_event_is_answered_with_the_headers_of_the_endpoint(endpoint: WebhookEndpoint, app: FastAPI) -> None:
    it, answers = received(), []

    @endpoint.on(SMSReceived)
    def deliver_again(event: SMSReceived) -> None:
        answers.append(TestClient(app).post(PATH, content=it.body, headers=it.headers))

    assert post(app, it) == 202
    assert (answers[0].status_code, answers[0].headers["Retry-After"]) == (503, "10")
    assert answers[0].headers["Content-Type"] == "text/plain; charset=utf-8"


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE"])
def test_other_methods_are_not_allowed(app: FastAPI, method: str) -> None:
    answer = TestClient(app).request(method, PATH)
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")


def test_the_route_is_not_in_the_schema_of_the_application(app: FastAPI) -> None:
    assert app.openapi()["paths"] == {}


def test_an_endpoint_of_the_library_can_be_used_as_well() -> None:
    handled: list[Any] = []
    plain = webhooks.WebhookEndpoint(WebhookReceiver(SECRET), MemoryEventStore(), handled.append)
    assert post(Starlette(routes=[webhook_route(PATH, plain)]), received()) == 202
    assert len(handled) == 1


# --- bodies -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize(
    ("size", "status"), [(MAX_BODY_BYTES, 400), (MAX_BODY_BYTES + 1, 413), (3 * MAX_BODY_BYTES, 413)]
)
def test_a_body_is_capped(app: FastAPI, chunked: bool, size: int, status: int) -> None:
    body = b'{"padding": "' + b" " * (size - 15) + b'"}'
    timestamp = received().headers["X-SMSMobileAPI-Timestamp"]
    headers = {"X-SMSMobileAPI-Timestamp": timestamp, "X-SMSMobileAPI-Signature": sign(body, SECRET, timestamp)}
    content = iter([body[: size // 2], body[size // 2 :]]) if chunked else body
    assert TestClient(app).post(PATH, content=content, headers=headers).status_code == status


def call(app: Starlette, receive: Callable[[], Any], it: Delivery) -> list[dict[str, Any]]:
    """Run the application below HTTP, and return what it has sent."""
    sent: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(name.lower().encode(), value.encode()) for name, value in it.headers.items()]
    scope = {"type": "http", "method": "POST", "path": PATH, "root_path": "", "query_string": b"", "headers": headers}
    anyio.run(app, scope, receive, send)
    return sent


def test_no_more_than_the_cap_is_read_of_an_endless_body(app: FastAPI) -> None:
    count = 0

    async def receive() -> dict[str, Any]:
        nonlocal count
        count += 1
        return {"type": "http.request", "body": b"x" * 65536, "more_body": True}

    assert call(app, receive, received())[0]["status"] == 413
    assert count == MAX_BODY_BYTES // 65536 + 1


def test_a_sender_that_hangs_up_is_no_error_of_the_application(app: FastAPI) -> None:
    messages = iter([{"type": "http.request", "body": b"{", "more_body": True}, {"type": "http.disconnect"}])

    async def receive() -> dict[str, Any]:
        return next(messages)

    assert call(app, receive, received())[0]["status"] == 400


def test_a_middleware_may_have_read_the_body(app: FastAPI) -> None:
    seen = []

    async def look(request: Any, call_next: Any) -> Any:
        seen.append((await request.json())["type"])
        return await call_next(request)

    app.add_middleware(BaseHTTPMiddleware, dispatch=look)
    assert post(app, received()) == 202
    assert seen == ["sms.received"]


# --- the import ---------------------------------------------------------------------------------------------


def test_without_starlette_the_import_says_what_to_install() -> None:
    script = "import sys\nsys.modules['starlette'] = None\nimport smsmobile.contrib.starlette"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert 'ImportError: smsmobile.contrib.starlette needs Starlette: pip install "smsmobile[starlette]"' in done.stderr
