"""Every example runs unchanged in a fresh interpreter and an empty folder, and prints what it promises.

Examples whose names begin with `test_` run under pytest.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
EXPECTED = {
    "quickstart.py": [
        "accepted: True",
        "The phone sent it: 'Bonjour! Shall we meet at ten?'",
        "sms.received, signature verified: True",
        "+33639985678 wrote 'Ten is fine",
        "The log says: sent",
        "rows left: 0",
    ],
    "read_inbox.py": ["+33639985678: Are you there?", "MPESA: You have received 20.00", "2 received"],
    "follow_message.py": [": queued", ": sent"],
    "bulk_reminders.py": ["2 reminders, 2 SMS to pay for, 0 cannot be sent", "visit-", ": sent", "2 sent"],
    "poll_inbox.py": ["+33639985678: When are you open?", "answered", "MPESA: You have received", "2 handled"],
    "oauth2_script.py": ["OAuth2ClientCredentials>: accepted", "tokens fetched: 1"],
    "flask_webhook.py": ["+33639985678 wrote: Is this the help desk?", "the answer to the service: HTTP 202"],
    "test_with_sandbox.py": ["4 passed"],
}


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
    assert len(files) == (name in ("bulk_reminders.py", "poll_inbox.py"))
    assert all("sandbox" in file for file in files)


def test_every_example_is_among_those_that_are_run() -> None:
    scripts = {path.name for path in EXAMPLES.glob("*.py") if not path.name.startswith("_")}

    assert scripts == set(EXPECTED)


def test_the_quickstart_uses_the_service_that_is_configured(tmp_path: Path) -> None:
    from smsmobile.sandbox import Sandbox

    with Sandbox() as box:
        done = run(
            "quickstart.py",
            tmp_path,
            SMSMOBILEAPI_API_KEY=box.api_key,
            SMSMOBILEAPI_BASE_URL=box.url,
            SMSMOBILEAPI_RECIPIENT="+33639981111",
        )
        recipients = [sms.recipient for sms in box.phone.outbox]

    assert done.returncode == 0, done.stderr
    assert recipients == ["+33639981111"]
    assert "sandbox" not in done.stdout


def test_the_quickstart_writes_to_nobody_when_it_is_not_told_whom(tmp_path: Path) -> None:
    done = run(
        "quickstart.py", tmp_path, SMSMOBILEAPI_API_KEY="0123456789abcdef", SMSMOBILEAPI_BASE_URL="http://[::1]:9"
    )

    assert done.returncode == 1
    assert "SMSMOBILEAPI_RECIPIENT" in done.stderr


def test_the_reminders_of_a_file_are_sent_once_however_often_it_is_run(tmp_path: Path) -> None:
    from smsmobile.sandbox import Sandbox

    file = tmp_path / "patients.csv"
    file.write_text(
        "key,to,name,at\n1,+33639981111,Ann,10:00\n2,+33639982222,Jordan,11:30\n3,0639981234,Kim,12:00\n", "utf-8"
    )
    with Sandbox() as box:
        settings = {
            "SMSMOBILEAPI_API_KEY": box.api_key,
            "SMSMOBILEAPI_BASE_URL": box.url,
            "SMSMOBILEAPI_RECIPIENT": "+33639983333",
        }
        box.phone.switch_off()
        paused = run("bulk_reminders.py", tmp_path, str(file), **settings)
        box.phone.switch_on()
        first = run("bulk_reminders.py", tmp_path, str(file), **settings)
        second = run("bulk_reminders.py", tmp_path, str(file), **settings)
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
