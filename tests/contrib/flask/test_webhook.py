"""The endpoint in an application: what it answers, and what handlers and signals see of an event."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, current_app, g, request

from smsmobile import ConfigurationError
from smsmobile.contrib import _signals
from smsmobile.contrib import flask as extension
from smsmobile.contrib.flask import SMSMobile, sms_received
from smsmobile.webhooks import (
    CallMissed,
    MemoryEventStore,
    SMSReceived,
    UnknownEvent,
    WebhookEvent,
    new_url_token,
    sign,
)
from smsmobile.webhooks.events import MAX_BODY_BYTES

from ..deliveries import ANSWERS, PUBLISHED, SECRET, TOKEN, VERSION_1, Delivery, delivery, received

Make = Callable[..., Flask]


def post(app: Flask, it: Delivery, path: str = "/sms/webhook", **how: Any) -> int:
    return app.test_client().post(path, data=it.body, headers=it.headers, **how).status_code


# --- answers ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", PUBLISHED, ids=lambda kind: kind.__name__)
def test_a_published_delivery_reaches_its_handler_once(sms: SMSMobile, app: Flask, kind: type[WebhookEvent]) -> None:
    handled: list[WebhookEvent] = []
    sms.on(kind)(handled.append)
    it = delivery(kind.model_fields["type"].default, PUBLISHED[kind])
    assert [post(app, it), post(app, it)] == [202, 200]
    assert [(type(event), event.signed) for event in handled] == [(kind, True)]


def test_the_published_payload_of_version_1_needs_the_token_in_the_url(sms: SMSMobile, app: Flask) -> None:
    handled: list[Any] = []
    sms.on(SMSReceived)(handled.append)
    it = Delivery(json.dumps(VERSION_1).encode(), {"Content-Type": "application/json"})
    assert [post(app, it, f"/sms/webhook/{token}") for token in (new_url_token(), TOKEN, TOKEN)] == [401, 202, 200]
    assert post(app, it) == 401
    assert [event.data.message for event in handled] == ["Hello, this is a test."]


@pytest.mark.parametrize(("make", "status"), ANSWERS.values(), ids=ANSWERS)
def test_a_delivery_is_answered_as_the_endpoint_says(app: Flask, make: Callable[[], Delivery], status: int) -> None:
    assert post(app, make()) == status


def test_a_busy_event_is_answered_with_the_headers_of_the_endpoint(sms: SMSMobile, app: Flask) -> None:
    it = received()
    answers = []

    @sms.on(SMSReceived)
    def deliver_again(event: SMSReceived) -> None:
        answers.append(app.test_client().post("/sms/webhook", data=it.body, headers=it.headers))

    assert post(app, it) == 202
    assert (answers[0].status_code, answers[0].headers["Retry-After"]) == (503, "10")
    assert answers[0].content_type == "text/plain; charset=utf-8"


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE"])
def test_other_methods_are_not_allowed(app: Flask, method: str) -> None:
    answer = app.test_client().open("/sms/webhook", method=method)
    assert answer.status_code == 405
    assert "POST" in answer.headers["Allow"]


# --- bodies -------------------------------------------------------------------------------------------------


def sized(size: int) -> Delivery:
    body = json.dumps({"padding": " " * (size - len('{"padding": ""}'))}).encode()
    assert len(body) == size
    it = received()
    timestamp = it.headers["X-SMSMobileAPI-Timestamp"]
    return Delivery(body, {**it.headers, "X-SMSMobileAPI-Signature": sign(body, SECRET, timestamp)})


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize(
    ("size", "status"), [(MAX_BODY_BYTES, 400), (MAX_BODY_BYTES + 1, 413), (2 * MAX_BODY_BYTES, 413)]
)
@pytest.mark.parametrize("limit_of_the_site", [None, 1000, 10 * MAX_BODY_BYTES])
def test_the_cap_of_bodies_is_the_endpoints_and_not_the_sites(
    app: Flask, chunked: bool, size: int, status: int, limit_of_the_site: int | None
) -> None:
    app.config["MAX_CONTENT_LENGTH"] = limit_of_the_site
    it = sized(size)
    if chunked:
        stream = {"wsgi.input": io.BytesIO(it.body), "wsgi.input_terminated": True}
        answer = app.test_client().post("/sms/webhook", headers=it.headers, environ_overrides=stream)
    else:
        answer = app.test_client().post("/sms/webhook", data=it.body, headers=it.headers)
    assert answer.status_code == status


def test_no_more_than_the_cap_is_read_of_an_endless_body(app: Flask) -> None:
    class Endless(io.RawIOBase):
        count = 0

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: Any) -> int:
            self.count += len(buffer)
            buffer[:] = b"x" * len(buffer)
            return len(buffer)

    endless = Endless()
    it = received()
    answer = app.test_client().post(
        "/sms/webhook", headers=it.headers, environ_overrides={"wsgi.input": endless, "wsgi.input_terminated": True}
    )
    assert answer.status_code == 413
    assert endless.count == MAX_BODY_BYTES + 1


def test_the_limit_of_the_site_stays_for_its_other_views(app: Flask) -> None:
    app.config["MAX_CONTENT_LENGTH"] = 10
    app.post("/upload", endpoint="upload")(lambda: str(len(request.get_data())))
    assert post(app, received()) == 202
    assert app.test_client().post("/upload", data=b"x" * 11).status_code == 413


def test_a_hook_of_the_site_may_have_read_the_body(app: Flask) -> None:
    seen = []
    app.before_request(lambda: seen.append(request.get_json()["type"]))
    assert post(app, received()) == 202
    assert seen == ["sms.received"]


# --- handlers -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("late", [False, True], ids=["before the first delivery", "after it"])
def test_handlers_are_called_for_all_applications_of_the_extension(sms: SMSMobile, make_app: Make, late: bool) -> None:
    apps = [make_app(name, TESTING=True, SMSMOBILE_WEBHOOK_SECRET=SECRET) for name in ("one", "other")]
    if late:
        for app in apps:
            post(app, received())
    handled = []

    @sms.on(SMSReceived, CallMissed)
    def note(event: SMSReceived | CallMissed) -> None:
        handled.append((current_app.name, event.data.guid))

    it = received(guid="the same event")
    assert [post(app, it) for app in apps] == [202, 202]
    assert handled == [("one", "the same event"), ("other", "the same event")]


def test_a_handler_runs_in_the_context_of_its_request(sms: SMSMobile, app: Flask) -> None:
    closed = []
    app.before_request(lambda: setattr(g, "database", "open"))
    app.teardown_appcontext(lambda _: closed.append(g.pop("database")))
    seen = []

    @sms.on(SMSReceived)
    def note(event: SMSReceived) -> None:
        seen.append((g.database, request.path, list(closed)))
        sms.send(event.data.sender, "Thank you")

    with sms.record_messages(app) as outbox:
        assert post(app, received()) == 202
    assert seen == [("open", "/sms/webhook", [])]
    assert closed == ["open"]
    assert [each.recipient for each in outbox] == ["+12025550167"]


def test_a_handler_that_raises_is_called_again_at_the_next_delivery(
    sms: SMSMobile, app: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    attempts = []

    @sms.on(SMSReceived)
    def fail_once(event: SMSReceived) -> None:
        attempts.append(event)
        if len(attempts) == 1:
            raise ValueError("the database is down")

    it = received()
    assert [post(app, it) for _ in range(3)] == [500, 202, 200]
    assert len(attempts) == 2
    assert "the database is down" in caplog.text


def test_a_handler_that_would_run_later_is_refused_when_it_is_registered(sms: SMSMobile) -> None:
    async def handler(event: SMSReceived) -> None:
        raise AssertionError

    with pytest.raises(ConfigurationError, match="A handler is async"):
        sms.on(SMSReceived)(handler)


# --- signals ------------------------------------------------------------------------------------------------


def test_each_event_has_a_signal_with_the_application_as_sender(make_app: Make) -> None:
    apps = [make_app(name, TESTING=True, SMSMOBILE_WEBHOOK_SECRET=SECRET) for name in ("one", "other")]
    seen: list[tuple[str, str]] = []

    def note(sender: Flask, event: SMSReceived) -> None:
        assert current_app == sender
        seen.append((sender.name, event.data.message))

    with sms_received.connected_to(note, sender=apps[0]):
        for app in apps:
            assert post(app, received(f"to {app.name}")) == 202
    assert seen == [("one", "to one")]


@pytest.mark.parametrize(("kind", "name"), _signals._NAMES.items(), ids=_signals._NAMES.values())
def test_the_signal_of_a_type_is_public_and_sent(app: Flask, kind: type[WebhookEvent], name: str) -> None:
    signal = getattr(extension, name)
    type_ = "fax.received" if kind is UnknownEvent else kind.model_fields["type"].default
    seen: list[type] = []

    def note(sender: Flask, event: WebhookEvent) -> None:
        seen.append(type(event))

    with signal.connected_to(note, sender=app):
        data = {**PUBLISHED.get(kind, {}), "from": "+12025550167", "message": "hi"}
        assert post(app, delivery(type_, data)) == 202
    assert seen == [kind]


def test_a_receiver_that_raises_makes_the_delivery_fail_and_gets_it_again(app: Flask) -> None:
    attempts: list[SMSReceived] = []

    def fail_once(sender: Flask, event: SMSReceived) -> None:
        attempts.append(event)
        if len(attempts) == 1:
            raise ValueError

    it = received()
    with sms_received.connected_to(fail_once, sender=app):
        assert [post(app, it) for _ in range(3)] == [500, 202, 200]
    assert len(attempts) == 2


# --- stores and secrets -------------------------------------------------------------------------------------


def test_outside_of_tests_events_are_remembered_in_a_file_of_the_instance_folder(
    make_app: Make, tmp_path: Path
) -> None:
    it = received()
    statuses = [post(make_app(SMSMOBILE_WEBHOOK_SECRET=SECRET), it) for _ in range(2)]  # the second: after a restart
    assert statuses == [202, 200]
    assert (tmp_path / "instance/shop/sms-events.sqlite").is_file()


def test_tests_remember_events_for_their_application_alone(make_app: Make, tmp_path: Path) -> None:
    it = received()
    config = {"TESTING": True, "SMSMOBILE_WEBHOOK_SECRET": SECRET, "SMSMOBILE_EVENT_STORE": str(tmp_path / "e.sqlite")}
    assert [post(make_app(**config), it) for _ in range(2)] == [202, 202]
    assert list(tmp_path.iterdir()) == []


def test_a_store_can_be_shared(make_app: Make) -> None:
    it, store = received(), MemoryEventStore()
    apps = [make_app(n, SMSMOBILE_WEBHOOK_SECRET=SECRET, SMSMOBILE_EVENT_STORE=store) for n in ("one", "other")]
    assert [post(app, it) for app in apps] == [202, 200]


def test_both_secrets_count_while_one_is_replaced(make_app: Make) -> None:
    app = make_app(TESTING=True, SMSMOBILE_WEBHOOK_SECRET=["the old secret", SECRET])
    assert [post(app, received(secret=secret)) for secret in ("the old secret", SECRET, "neither")] == [202, 202, 401]


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({}, "set app.config['SMSMOBILE_WEBHOOK_SECRET']"),
        ({"SMSMOBILE_WEBHOOK_URL_TOKEN": "too-short-a-token"}, "expected at least 20"),
        ({"SMSMOBILE_WEBHOOK_SECRET": SECRET, "SMSMOBILE_EVENT_STORE": "/proc/none/events.sqlite"}, "cannot be made"),
    ],
    ids=["no secret", "wrong token", "no store"],
)
def test_an_endpoint_that_cannot_be_used_is_answered_503_and_logged_without_secrets(
    make_app: Make, caplog: pytest.LogCaptureFixture, config: dict[str, str], words: str
) -> None:
    caplog.set_level(logging.DEBUG)
    app = make_app(**config)
    token = new_url_token()
    it = received()
    assert post(app, it, f"/sms/webhook/{token}") == 503
    assert words in caplog.text
    for secret in (token, SECRET, *config.values()):
        assert secret not in caplog.text or secret.startswith("/")


def test_no_log_shows_the_token_if_a_server_finds_a_fault_in_the_body(
    app: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken(io.BytesIO):
        def read(self, *_: object) -> bytes:
            raise LookupError("what it has read of the body")  # of gunicorn: InvalidChunkSize

        readinto = read  # type: ignore[assignment]

    how = {"wsgi.input": Broken(), "wsgi.input_terminated": True}
    with caplog.at_level(logging.DEBUG):
        path = f"/sms/webhook/{TOKEN}"
        assert app.test_client().open(path, method="POST", environ_overrides=how).status_code == 400
    assert "could not be read (LookupError)" in caplog.text
    for secret in (TOKEN, "what it has read"):
        assert secret not in caplog.text
