"""`flask sms send`, `flask sms inbox` and `flask sms sandbox`, as a developer types them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from smsmobile.contrib._settings import SANDBOX_KEY
from smsmobile.sandbox import Sandbox

TO = "+33639981234"
APPLICATION = """
import os
from flask import Flask, current_app
from smsmobile.contrib.flask import SMSMobile, sms_received
from smsmobile.webhooks import SMSReceived

app = Flask(__name__)
app.config.from_prefixed_env()
sms = SMSMobile(app)


@sms.on(SMSReceived)
def handle(event):
    if event.data.message == "fail once" and not os.path.exists("failed"):
        open("failed", "w").close()
        raise ValueError
    print(f"{current_app.name}: {event.data.message}", flush=True)


@sms_received.connect
def note(sender, event):
    print(f"signal: {event.data.message}", flush=True)
"""


def environment(box: Sandbox | None = None) -> dict[str, str]:
    of_the_sandbox = {"FLASK_SMSMOBILE_BACKEND": "sandbox", "FLASK_SMSMOBILE_BASE_URL": box.url if box else ""}
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SMSMOBILEAPI_", "FLASK_"))}
    return {**kept, **of_the_sandbox, "FLASK_SMSMOBILE_JOURNAL": "sent.sqlite", "PYTHONUNBUFFERED": "1"}


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "flask", "--app", "application", "sms", *words]


def run(folder: Path, box: Sandbox, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*words), cwd=folder, env=environment(box), capture_output=True, text=True, timeout=60, check=False
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "application.py").write_text(APPLICATION)
    return tmp_path


@pytest.fixture
def box() -> Iterator[Sandbox]:
    with Sandbox(api_key=SANDBOX_KEY) as box:
        yield box


def test_a_message_is_sent(folder: Path, box: Sandbox) -> None:
    done = run(folder, box, "send", TO, "Bonjour")
    (sent,) = box.phone.outbox
    assert (done.stdout, done.stderr) == (f"accepted: {sent.guid}\n", "")
    assert (sent.recipient, sent.message) == (TO, "Bonjour")


def test_a_message_with_a_key_is_sent_once(folder: Path, box: Sandbox) -> None:
    printed = [run(folder, box, "send", TO, "Bonjour", "--key", "order-17").stdout for _ in range(2)]
    (sent,) = box.phone.outbox
    assert printed == [f"sent: {sent.guid}\n", f"duplicate: {sent.guid}\n"]


def test_a_message_that_is_refused_is_an_error(folder: Path, box: Sandbox) -> None:
    done = run(folder, box, "send", "0639981234", "Bonjour")
    assert done.returncode == 1
    assert done.stderr.startswith("Error: InvalidRequestError: ")
    done = run(folder, box, "send", "+12025550101", "Bonjour", "--key", "order-17")
    assert (done.returncode, done.stdout[:9]) == (1, "refused: ")
    box.phone.switch_off()
    done = run(folder, box, "send", TO, "Bonjour")
    assert done.returncode == 1
    assert done.stderr.startswith("Error: DeviceOffline: ")


@pytest.mark.long
def test_the_inbox_hands_messages_to_handlers_and_signals_until_it_is_stopped(folder: Path, box: Sandbox) -> None:
    def follow(*messages: str) -> str:
        polling = subprocess.Popen(
            command("inbox", "--interval", "0.1"), cwd=folder, env=environment(box), stdout=subprocess.PIPE, text=True
        )
        assert polling.stdout is not None
        try:
            printed = polling.stdout.readline()
            asked = len(box.requests)
            box.wait_for(lambda: len(box.requests) > asked, timeout=60)  # an inbox begins now
            for message in messages:
                box.phone.receive("+33639985678", message)
            for _ in range(2 * len(messages)):
                printed += polling.stdout.readline()
        finally:
            polling.send_signal(signal.SIGTERM)
            rest, _ = polling.communicate(timeout=60)
        assert polling.returncode == 0
        return printed + rest

    assert follow("one", "fail once").splitlines() == [
        "Waiting for SMS. Stop with Ctrl-C.",
        *("application: one", "signal: one", "application: fail once", "signal: fail once"),
    ]
    assert follow("two").splitlines()[1:] == ["application: two", "signal: two"]


@pytest.mark.parametrize(
    ("secret", "url"),
    [
        ({"FLASK_SMSMOBILE_WEBHOOK_SECRET": "for development"}, "http://127.0.0.1:7777/sms/webhook"),
        (
            {"FLASK_SMSMOBILE_WEBHOOK_URL_TOKEN": "the-token-of-the-tests"},
            "http://127.0.0.1:7777/sms/webhook/the-token-of-the-tests",
        ),
        ({}, None),
    ],
    ids=["version 2", "version 1", "none"],
)
def test_the_sandbox_delivers_to_the_application(folder: Path, secret: dict[str, str], url: str | None) -> None:
    serving = subprocess.Popen(
        command("sandbox", "--port", "0", "--app-url", "http://127.0.0.1:7777/"),
        cwd=folder,
        env={**environment(), **secret},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert serving.stdout is not None
    try:
        page = serving.stdout.readline().split()[-1]
        destinations = requests.get(f"{page}_sandbox/webhooks", timeout=30).json()["destinations"]
    finally:
        serving.send_signal(signal.SIGTERM)
        _, warned = serving.communicate(timeout=60)
    assert serving.returncode == 0
    assert [each["url"] for each in destinations] == ([url] if url else [])
    assert ("Without SMSMOBILE_WEBHOOK_SECRET" in warned) is (url is None)
