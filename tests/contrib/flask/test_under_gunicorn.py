"""A Flask application behind gunicorn with two workers, loaded before they are forked."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
import requests

from smsmobile.sandbox import Sandbox

from ..deliveries import SECRET
from ..live import PATIENCE, Server, running
from ..server_rules import ServerRules

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(sys.platform == "win32", reason="gunicorn does not run on Windows"),
]

APPLICATION = """
from flask import Flask
from smsmobile.contrib.flask import SMSMobile
from smsmobile.webhooks import SMSReceived, SQLiteEventStore

sms = SMSMobile()
sms.on(SMSReceived)(handle)


def create_app():
    app = Flask(__name__)
    app.config.from_mapping(
        SMSMOBILE_WEBHOOK_SECRET=secret,
        SMSMOBILE_EVENT_STORE=SQLiteEventStore(folder / "events.sqlite", lease=lease),
        SMSMOBILE_BASE_URL=os.environ.get("SANDBOX"),
        SMSMOBILE_API_KEY=os.environ.get("SANDBOX_KEY"),
        SMSMOBILE_JOURNAL=folder / "sent.sqlite",
    )
    sms.init_app(app)
    if "SANDBOX" in os.environ:
        with app.app_context():
            sms.send("+33639981234", "before the fork")

    @app.post("/orders/<number>")
    def order(number):
        return sms.send("+33639981234", f"Order {number}", key=f"order-{number}").status.value

    return app
"""
COMMAND = ["gunicorn", "application:create_app()", "--preload", "--workers=2", "--bind=fd://{fd}"]


def gunicorn(folder: Path, *, lease: float) -> AbstractContextManager[Server]:
    return running(COMMAND, APPLICATION, folder, lease=lease)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """With a lease that is not over before the test is."""
    with gunicorn(tmp_path_factory.mktemp("gunicorn"), lease=2 * PATIENCE) as server:
        yield server


class TestUnderGunicorn(ServerRules):
    """The rules for Flask."""


def test_the_event_of_a_worker_that_was_killed_is_handled_after_the_lease(tmp_path: Path) -> None:
    """The sandbox delivers it, and repeats what is not acknowledged."""
    with gunicorn(tmp_path, lease=1.0) as server, Sandbox() as box:
        box.add_webhook(server.url, secret=SECRET)
        guid = box.phone.receive("+33639985678", "die")
        box.wait_for_deliveries(PATIENCE)
        statuses = [attempt.status for attempt in box.deliveries]
        assert (statuses[0], statuses[-1]) == (None, 202)
        assert set(statuses[1:-1]) <= {503}
        assert server.words(guid) == ["began", "began", "ended"]
        assert server.status(guid) == 200


def test_workers_use_the_client_of_their_parent_and_share_the_memory_of_what_was_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Sandbox() as box:
        monkeypatch.setenv("SANDBOX", box.url)
        monkeypatch.setenv("SANDBOX_KEY", box.api_key)
        with gunicorn(tmp_path, lease=PATIENCE) as server, ThreadPoolExecutor(8) as pool:
            url = server.url.replace("/sms/webhook", "/orders/")
            answers = list(pool.map(lambda number: requests.post(f"{url}{number % 4}", timeout=PATIENCE), range(32)))
        messages = [each.message for each in box.phone.outbox]
    assert messages[0] == "before the fork"
    assert sorted(messages[1:]) == [f"Order {number}" for number in range(4)]
    texts = [answer.text for answer in answers if answer.ok]  # others: in flight at that moment
    assert texts.count("sent") == 4
    assert set(texts) <= {"sent", "duplicate"}
