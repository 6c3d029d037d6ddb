"""`post_webhook`: complete, signed events to everything that a test has of its application."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import flask
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from smsmobile import ConfigurationError
from smsmobile.contrib.flask import SMSMobile
from smsmobile.sandbox.server import Server
from smsmobile.testing import NetworkBlocked, post_webhook
from smsmobile.webhooks import (
    CallMissed,
    MemoryEventStore,
    SMSFailed,
    SMSReceived,
    SMSSent,
    UnknownEvent,
    WebhookEndpoint,
    WebhookEvent,
    WebhookReceiver,
)
from smsmobile.webhooks.events import EVENT_TYPES

from .conftest import Project

SECRET = "whsec_of_these_tests_0123456789"


@pytest.fixture
def handled() -> list[Any]:
    return []


@pytest.fixture
def endpoint(handled: list[Any]) -> WebhookEndpoint:
    return WebhookEndpoint(WebhookReceiver([SECRET]), MemoryEventStore(), handled.append)


@pytest.fixture
def flask_app(endpoint: WebhookEndpoint) -> flask.Flask:
    app = flask.Flask("an_application")

    @app.post("/sms/webhook")
    def webhook() -> Any:
        answer = endpoint.answer(flask.request.method, flask.request.get_data(), flask.request.headers)
        return answer.text, answer.status, answer.headers

    return app


@pytest.fixture
def starlette_app(endpoint: WebhookEndpoint) -> Starlette:
    async def webhook(request: Request) -> PlainTextResponse:
        answer = endpoint.answer(request.method, await request.body(), request.headers)
        return PlainTextResponse(answer.text, answer.status, answer.headers)

    return Starlette(routes=[Route("/sms/webhook", webhook, methods=["POST"])])


@pytest.mark.parametrize("kind", EVENT_TYPES.values(), ids=EVENT_TYPES)
def test_each_documented_event_is_complete(
    flask_app: flask.Flask, handled: list[Any], kind: type[WebhookEvent]
) -> None:
    assert post_webhook(flask_app, kind, secret=SECRET) == (202, "handled")
    (event,) = handled
    assert type(event) is kind
    assert event.signed
    assert event.data.guid
    assert None not in {name: value for name, value in event.data if name != "alias"}.values()


@pytest.mark.parametrize("kind", EVENT_TYPES.values(), ids=EVENT_TYPES)
def test_no_known_field_of_an_event_is_missing_or_spelled_in_another_way(
    flask_app: flask.Flask, handled: list[Any], kind: type[WebhookEvent]
) -> None:
    post_webhook(flask_app, kind, secret=SECRET)
    data = handled[0].data
    typed = type(data).__name__ != "EventData"
    assert not typed or data.model_extra == {}
    assert typed or {"from", "to", "number"} & data.model_extra.keys()


def test_what_matters_to_the_test_is_in_the_event(flask_app: flask.Flask, handled: list[Any]) -> None:
    post_webhook(flask_app, SMSReceived, secret=SECRET, sender="MPESA", message="Hé 🎉", device="a-phone", alias="Ann")
    post_webhook(flask_app, SMSSent, secret=SECRET, guid="a-guid", to="+33639981234")
    post_webhook(flask_app, SMSFailed, secret=SECRET, id="an-id", error="no network")
    received, sent, failed = handled
    assert (received.data.sender, received.data.message) == ("MPESA", "Hé 🎉")
    assert (received.data.device, received.data.alias) == ("a-phone", "Ann")
    assert (sent.data.guid, sent.data.model_extra["to"]) == ("a-guid", "+33639981234")
    assert (failed.id, failed.data.model_extra["error"]) == ("an-id", "no network")


def test_each_event_is_another_unless_it_has_the_same_id_and_guid(flask_app: flask.Flask, handled: list[Any]) -> None:
    for _ in range(2):
        assert post_webhook(flask_app, SMSReceived, secret=SECRET).status == 202
    same = {"id": "8e9a1207-e3a4-4550-a4af-3dad6cff5108", "guid": "the-guid"}
    answers = [post_webhook(flask_app, SMSReceived, secret=SECRET, **same).status for _ in range(2)]
    assert answers == [202, 200]
    assert len(handled) == 3


def test_a_wrong_secret_is_answered_as_the_application_answers_it(flask_app: flask.Flask) -> None:
    assert post_webhook(flask_app, SMSReceived, secret="another").status == 401


@pytest.mark.parametrize(
    ("kind", "fields", "text"),
    [
        (SMSReceived, {"sendr": "+33639985678"}, "SMSReceived has no field 'sendr'. It has: id, guid, sender, message"),
        (CallMissed, {"message": "hi"}, "CallMissed has no field 'message'"),
        (UnknownEvent, {}, "UnknownEvent is no documented event. There are: CallIncoming, "),
        ("sms.received", {}, "sms.received is no documented event"),
    ],
)
def test_a_mistake_is_named(flask_app: flask.Flask, kind: Any, fields: dict[str, str], text: str) -> None:
    with pytest.raises(TypeError) as mistake:
        post_webhook(flask_app, kind, secret=SECRET, **fields)
    assert str(mistake.value).startswith(text)


def test_something_that_nothing_can_be_posted_to_is_named() -> None:
    with pytest.raises(TypeError, match=r"target is of type int; expected a test client"):
        post_webhook(7, SMSReceived)


def test_a_path_alone_is_no_target() -> None:
    with pytest.raises(TypeError, match=r"target is of type str; expected .* the URL of a server, such as 'http://"):
        post_webhook("/sms/webhook", SMSReceived)


@pytest.mark.parametrize("target_of", [lambda app: app, lambda app: app.test_client(), lambda app: app.wsgi_app])
def test_flask(flask_app: flask.Flask, handled: list[Any], target_of: Callable[[flask.Flask], Any]) -> None:
    assert post_webhook(target_of(flask_app), SMSReceived, secret=SECRET).status == 202
    assert len(handled) == 1


def test_the_secret_of_flask_is_taken_from_its_configuration(flask_app: flask.Flask) -> None:
    flask_app.config["SMSMOBILE_WEBHOOK_SECRET"] = SECRET
    assert post_webhook(flask_app, SMSReceived).status == 202
    flask_app.config["SMSMOBILE_WEBHOOK_SECRET"] = [SECRET, "the-next-one"]
    assert post_webhook(flask_app.test_client(), SMSReceived).status == 202


def test_the_secret_is_taken_from_the_environment(flask_app: flask.Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMSMOBILEAPI_WEBHOOK_SECRET", SECRET)
    assert post_webhook(flask_app, SMSReceived).status == 202


def test_the_secret_is_taken_from_a_dotenv_file(
    flask_app: flask.Flask, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("SMSMOBILEAPI_WEBHOOK_SECRET", raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text(f"SMSMOBILEAPI_WEBHOOK_SECRET={SECRET}\n", "utf-8")
    assert post_webhook(flask_app, SMSReceived).status == 202


def test_an_application_without_a_secret_gets_one_for_the_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMSMOBILEAPI_WEBHOOK_SECRET", "")  # and what is set then is removed after the test
    app = flask.Flask("without")
    app.testing = True
    SMSMobile(app)
    assert post_webhook(app, SMSReceived).status == 202


def test_the_secret_of_a_server_has_to_be_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SMSMOBILEAPI_WEBHOOK_SECRET", raising=False)
    with pytest.raises(ConfigurationError, match="pass it as secret="):
        post_webhook("http://127.0.0.1:9", SMSReceived)


@pytest.mark.filterwarnings("ignore:Using `httpx` with `starlette.testclient` is deprecated")
def test_the_test_client_of_starlette(starlette_app: Starlette, handled: list[Any]) -> None:
    from starlette.testclient import TestClient

    with TestClient(starlette_app) as client:
        assert post_webhook(client, SMSReceived, secret=SECRET) == (202, "handled")
    assert len(handled) == 1


def test_an_asgi_application(starlette_app: Starlette, handled: list[Any]) -> None:
    assert post_webhook(starlette_app, SMSReceived, secret=SECRET) == (202, "handled")
    assert len(handled) == 1


def test_an_asgi_application_in_an_asynchronous_test(starlette_app: Starlette, handled: list[Any]) -> None:
    async def test() -> None:
        post_webhook(starlette_app, SMSReceived, secret=SECRET)

    asyncio.run(test())
    assert len(handled) == 1


def test_a_wsgi_application_that_writes_and_closes_is_read_in_full() -> None:
    closed: list[bool] = []

    class Body(list[bytes]):
        def close(self) -> None:
            closed.append(True)

    def application(environ: dict[str, Any], start_response: Any) -> Any:
        write = start_response("202 Accepted", [])
        write(b"written ")
        assert len(environ["wsgi.input"].read()) == int(environ["CONTENT_LENGTH"])
        return Body([b"and ", b"returned"])

    assert post_webhook(application, SMSReceived, secret=SECRET) == (202, "written and returned")
    assert closed == [True]


@pytest.mark.parametrize("path", ["", "/", "/sms/webhook"])
def test_a_server_on_this_machine(guarded: None, flask_app: flask.Flask, handled: list[Any], path: str) -> None:
    server = Server(flask_app)
    assert post_webhook(server.url + path, SMSReceived, secret=SECRET) == (202, "handled")
    server.close()
    assert len(handled) == 1


def test_a_server_on_another_machine_is_not_reached(guarded: None, lookups: list[object]) -> None:
    with pytest.raises(NetworkBlocked):
        post_webhook("https://shop.example.test/sms/webhook", SMSReceived, secret=SECRET)
    assert lookups == []


def test_another_path_can_be_named(flask_app: flask.Flask) -> None:
    assert post_webhook(flask_app, SMSReceived, secret=SECRET, path="/elsewhere").status == 404


def test_what_the_application_raises_reaches_the_test(flask_app: flask.Flask) -> None:
    flask_app.testing = True

    @flask_app.post("/broken")
    def broken() -> str:
        raise LookupError("of the application")

    with pytest.raises(LookupError, match="of the application"):
        post_webhook(flask_app, SMSReceived, secret=SECRET, path="/broken")


DJANGO = """
    import django
    from django.conf import settings

    settings.configure(
        SECRET_KEY="of-the-tests", ALLOWED_HOSTS=["testserver"], USE_TZ=True, ROOT_URLCONF="test_application",
        SMSMOBILE={"WEBHOOK_SECRET": "a-secret-of-the-settings"},
    )
    django.setup()

    from django.core.wsgi import get_wsgi_application
    from django.core.asgi import get_asgi_application
    from django.http import HttpResponse
    from django.test import AsyncClient, Client
    from django.test.utils import setup_test_environment
    from django.urls import path
    from django.views.decorators.csrf import csrf_exempt

    from smsmobile.webhooks import MemoryEventStore, SMSReceived, WebhookEndpoint, WebhookReceiver

    setup_test_environment()
    endpoint = WebhookEndpoint(WebhookReceiver(["a-secret-of-the-settings"]), MemoryEventStore())

    @csrf_exempt
    def webhook(request):
        answer = endpoint.answer(request.method, request.body, request.headers)
        return HttpResponse(answer.text, status=answer.status, headers=answer.headers)

    urlpatterns = [path("sms/webhook", webhook)]

    def test_the_test_client(sms_webhook):
        assert sms_webhook(Client(enforce_csrf_checks=True), SMSReceived) == (202, "handled")

    def test_the_applications(sms_webhook):
        for application in (get_wsgi_application(), get_asgi_application()):
            assert sms_webhook(application, SMSReceived, secret="a-secret-of-the-settings") == (202, "handled")

    def test_the_asynchronous_client_is_refused(sms_webhook):
        try:
            sms_webhook(AsyncClient(), SMSReceived)
        except TypeError as error:
            assert "target is of type AsyncClient" in str(error)
"""


def test_django(project: Project) -> None:
    done = project.pytest(DJANGO)
    assert done.returncode == 0, done.stdout
    assert "3 passed" in done.stdout
