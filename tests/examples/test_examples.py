"""Every example runs unchanged in a fresh interpreter and an empty folder, and prints what it promises.

Examples whose names begin with `test_` run under pytest.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

from smsmobile.sandbox import Sandbox

EXAMPLES = Path(__file__).parents[2] / "examples"
EXPECTED = {
    "quickstart.py": [
        "accepted: True",
        "The log says: sent",
        "sms.received, signature verified: True",
        "+33639985678 wrote 'Ten is fine",
        "rows left: 0",
        "Next: `python -m smsmobile.sandbox`",
    ],
    "read_inbox.py": ["+33639985678: Are you there?", "MPESA: You have received 20.00", "2 received"],
    "follow_message.py": [": queued", ": sent"],
    "send_once.py": ["the first request: sent", "the same request again: nothing to do: it is sent"],
    "bulk_reminders.py": ["2 reminders, 2 SMS to pay for, 0 cannot be sent", "visit-", ": sent", "2 sent"],
    "poll_inbox.py": ["+33639985678: When are you open?", "answered", "MPESA: You have received", "2 handled"],
    "oauth2_script.py": ["OAuth2ClientCredentials>: accepted", "tokens fetched: 1"],
    "test_with_sandbox.py": ["4 passed"],
}

APPLICATIONS = {"django_shop", "fastapi_alerts", "flask_bot"}
"""Examples that serve until Ctrl-C."""


def run(name: str, folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("SMSMOBILEAPI_", "COV_"))}
    command = ["-m", "pytest", "-p", "no:cacheprovider"] if name.startswith("test_") else []
    return subprocess.run(
        [sys.executable, "-W", "error", *command, str(EXAMPLES / name), *arguments],
        cwd=folder,
        env={**kept, "PYTHONIOENCODING": "utf-8", **environment},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("name", EXPECTED)
def test_an_example_runs_as_it_stands(name: str, tmp_path: Path) -> None:
    done = run(name, tmp_path)

    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    position = 0
    for line in EXPECTED[name]:
        position = done.stdout.find(line, position)
        assert position >= 0, f"{line!r} is not there, or not in this order:\n{done.stdout}"
    # What an example remembers of the sandbox is kept apart from the real service.
    files = [path.name for path in tmp_path.glob("*.sqlite")]
    assert len(files) == (name in ("bulk_reminders.py", "poll_inbox.py", "send_once.py"))
    assert all("sandbox" in file for file in files)


def test_every_example_is_among_those_that_are_run() -> None:
    scripts = {path.name for path in EXAMPLES.glob("*.py") if not path.name.startswith("_")}

    assert scripts == set(EXPECTED)
    assert {path.parent.name for path in EXAMPLES.glob("*/*.py")} == APPLICATIONS


def settings_of(box: Sandbox) -> dict[str, str]:
    return {"SMSMOBILEAPI_API_KEY": box.api_key, "SMSMOBILEAPI_BASE_URL": box.url}


@pytest.mark.long
def test_the_quickstart_waits_for_the_phone_of_the_service_that_is_configured(tmp_path: Path) -> None:
    with Sandbox() as box:
        box.phone.delay = box.log_delay = 0.5
        done = run("quickstart.py", tmp_path, SMSMOBILEAPI_RECIPIENT="+33639981111", **settings_of(box))
        recipients = [sms.recipient for sms in box.phone.outbox]
        paths = {request.path for request in box.requests}

    assert done.returncode == 0, done.stderr
    assert recipients == ["+33639981111"]
    assert "The log says: sent" in done.stdout
    assert paths == {"/sendsms/", "/log/sent/sms/"}, "it deletes nothing from a log that is not its own"
    assert "Skipped: the answer" in done.stdout
    assert f"Next: answer the message on the page {box.url}\n" in done.stdout


def test_the_quickstart_fails_if_the_phone_does(tmp_path: Path) -> None:
    with Sandbox() as box:
        done = run("quickstart.py", tmp_path, SMSMOBILEAPI_RECIPIENT="+12025550102", **settings_of(box))

    assert done.returncode == 1
    assert "The log says: failed (RESULT_ERROR_GENERIC_FAILURE)" in done.stdout


@pytest.mark.parametrize(
    "name", ["quickstart.py", "follow_message.py", "send_once.py", "bulk_reminders.py", "oauth2_script.py"]
)
def test_an_example_writes_to_nobody_when_it_is_not_told_whom(name: str, tmp_path: Path) -> None:
    with Sandbox() as box:
        settings = settings_of(box)
        if name == "oauth2_script.py":
            settings = {
                "SMSMOBILEAPI_CLIENT_ID": box.client_id,
                "SMSMOBILEAPI_CLIENT_SECRET": box.client_secret,
                "SMSMOBILEAPI_BASE_URL": box.url,
            }
        done = run(name, tmp_path, **settings)
        assert box.requests == []

    assert done.returncode == 1
    assert done.stderr.startswith("Set SMSMOBILEAPI_RECIPIENT")


def test_the_inbox_is_read_without_a_recipient(tmp_path: Path) -> None:
    with Sandbox() as box:
        box.phone.receive("+33639985678", "Are you there?")
        done = run("read_inbox.py", tmp_path, **settings_of(box))

    assert done.returncode == 0, done.stderr
    assert "1 received" in done.stdout


@pytest.mark.long
def test_the_reminders_of_a_file_are_sent_once_however_often_it_is_run(tmp_path: Path) -> None:
    file = tmp_path / "patients.csv"
    file.write_text(
        "key,to,name,at\n1,+33639981111,Ann,10:00\n2,+33639982222,Jordan,11:30\n3,0639981234,Kim,12:00\n", "utf-8"
    )
    with Sandbox() as box:
        box.phone.switch_off()
        paused = run("bulk_reminders.py", tmp_path, str(file), **settings_of(box))
        box.phone.switch_on()
        first = run("bulk_reminders.py", tmp_path, str(file), **settings_of(box))
        second = run("bulk_reminders.py", tmp_path, str(file), **settings_of(box))
        sent = sorted(sms.message for sms in box.phone.outbox)

    assert (paused.returncode, first.returncode, second.returncode) == (1, 0, 0), paused.stderr + first.stderr
    assert "The run has stopped" in paused.stdout
    assert "row 3: " in first.stdout
    assert "2 sent" in first.stdout
    assert "2 duplicate" in second.stdout
    assert sent == [
        "Hello Ann, we expect you tomorrow at 10:00.",
        "Hello Jordan, we expect you tomorrow at 11:30.",
    ]


@pytest.mark.long
def test_an_order_is_confirmed_once_however_often_the_program_runs(tmp_path: Path) -> None:
    with Sandbox() as box:
        settings = {**settings_of(box), "SMSMOBILEAPI_RECIPIENT": "+33639981111"}
        box.phone.switch_off()
        offline = run("send_once.py", tmp_path, "17", **settings)
        box.phone.switch_on()
        printed = [run("send_once.py", tmp_path, order, **settings).stdout.splitlines() for order in ("17", "17", "18")]
        sent = [(sms.recipient, sms.message) for sms in box.phone.outbox]

    assert offline.stdout.count("not yet, so ask again later: ") == 2, offline.stderr
    assert printed[0][0] == "the first request: sent"
    assert printed[1][0] == "the first request: nothing to do: it is sent"
    assert printed[2][0] == "the first request: sent"
    assert sent == [("+33639981111", f"Thank you! We have received your order {order}.") for order in ("17", "18")]


def test_a_file_with_a_row_that_does_not_fit_is_refused_as_a_whole(tmp_path: Path) -> None:
    file = tmp_path / "patients.csv"
    file.write_text("key;to;name;at\n1;+33639981111;Ann;10:00\n", "utf-8")
    done = run("bulk_reminders.py", tmp_path, str(file))

    assert (done.returncode, done.stderr) == (1, "")
    assert "nothing was sent. row 1 lacks 'to', 'name', 'at'." in done.stdout


@pytest.mark.long
def test_the_inbox_answers_its_correspondent_however_the_number_is_written(tmp_path: Path) -> None:
    with Sandbox() as box:
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("SMSMOBILEAPI_", "COV_"))}
        polling = subprocess.Popen(
            [sys.executable, "-u", str(EXAMPLES / "poll_inbox.py")],
            cwd=tmp_path,
            env={**kept, **settings_of(box), "SMSMOBILEAPI_RECIPIENT": "+33 6 39 98 11 11"},
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            box.wait_for(lambda: [request for request in box.requests if request.path == "/getsms/"], timeout=30)
            for sender in ("MPESA", "+33639982222", "+33639981111"):
                box.phone.receive(sender, "When are you open?")
            box.wait_for(lambda: box.phone.outbox, timeout=30)
        finally:
            polling.send_signal(signal.SIGINT)
            printed, _ = polling.communicate(timeout=30)

        assert [sms.recipient for sms in box.phone.outbox] == ["+33639981111"]
    assert printed.count("not answered") == 2


class Phone:
    """Somebody who looks at the page of the sandbox, and writes there."""

    def __init__(self, url: str) -> None:
        self.url = f"{url}_sandbox"
        (phone,) = requests.get(f"{self.url}/phones", timeout=30).json()["phones"]
        self.sid = phone["sid"]

    def write(self, sender: str, text: str) -> None:
        """Let another person write to the phone."""
        message = {"sender": sender, "text": text}
        assert requests.post(f"{self.url}/phones/{self.sid}/messages", json=message, timeout=30).ok

    def received_by(self, number: str, count: int) -> list[str]:
        """The texts that a person got, as soon as there are so many."""
        query, texts = {"phone": self.sid, "peer": number}, []
        deadline = time.monotonic() + 30
        while len(texts) < count:
            assert time.monotonic() < deadline, f"{number} got {texts}"
            entries = requests.get(f"{self.url}/thread", params=query, timeout=30).json()["entries"]
            texts = [entry["text"] for entry in entries if entry["kind"] == "out"]
            time.sleep(0.02)
        return texts


@contextmanager
def served(name: str, folder: Path) -> Iterator[str]:
    """Start an application and give what it prints; stop it with Ctrl-C."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("SMSMOBILEAPI_", "COV_"))}
    serving = subprocess.Popen(
        [sys.executable, "-W", "error", str(EXAMPLES / name / "app.py")],
        cwd=folder,
        env=kept,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    printed = ""
    try:
        assert serving.stdout is not None
        while "Ctrl-C" not in printed and serving.poll() is None:
            printed += serving.stdout.readline()
        yield printed
    finally:
        serving.send_signal(signal.SIGINT)
        try:
            _, complaints = serving.communicate(timeout=30)
        except subprocess.TimeoutExpired:
            serving.kill()
            serving.communicate()
            raise
    assert (complaints, serving.returncode) == ("", 0)
    assert list(folder.iterdir()) == []


def address(words: str, printed: str) -> str:
    found = re.search(rf"{words}: (\S+)", printed)
    assert found, printed
    return found[1]


def test_the_bot_answers_each_message_once(tmp_path: Path) -> None:
    with served("flask_bot", tmp_path) as printed:
        phone = Phone(address("to the phone", printed))
        phone.write("+33639985678", "hours?")
        phone.write("+33639985678", "Order 17 please")
        phone.write("+12025550167", "Hours")
        phone.write("MPESA", "You have received 20.00")
        answers = phone.received_by("+33639985678", 2)
        others = phone.received_by("+12025550167", 1)
    assert sorted(answers) == ["Write HOURS for our opening hours, or ORDER and its number.", "Your order 17 is ready."]
    assert others == ["We are open from 9:00 to 18:00, Monday to Friday."]


@pytest.mark.long
def test_an_alert_is_texted_and_acknowledged_by_the_person_on_call_alone(tmp_path: Path) -> None:
    with served("fastapi_alerts", tmp_path) as printed:
        phone, url = Phone(address("on the phone", printed)), address("Post an alert", printed).removesuffix("/docs")
        assert requests.get(f"{url}/docs", timeout=30).ok
        for text in ("disk full", "no heartbeat"):
            assert requests.post(f"{url}/alerts", json={"text": text}, timeout=30).status_code == 201
        phone.write("+33639985678", "OK 1")
        phone.write("+33639981234", "ok 2")
        texts = phone.received_by("+33639981234", 3)
        alerts: list[dict[str, Any]] = requests.get(f"{url}/alerts", timeout=30).json()
    assert texts == [
        "Alert 1: disk full. Answer OK 1.",
        "Alert 2: no heartbeat. Answer OK 2.",
        "Alert 2 is yours.",
    ]
    assert [alert["acknowledged"] for alert in alerts] == [False, True]
