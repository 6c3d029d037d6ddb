"""Every example runs as it stands, in a fresh interpreter and an empty folder, and does what it says.

The one whose name begins with `test_` runs under pytest.
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
        "+33698765432 wrote 'Ten is fine",
        "The log says: sent",
        "rows left: 0",
    ],
    "read_inbox.py": ["+33698765432: Are you there?", "MPESA: You have received 20.00", "2 received"],
    "follow_message.py": [": queued", ": sent"],
    "oauth2_script.py": ["OAuth2ClientCredentials>: accepted", "tokens fetched: 1"],
    "flask_webhook.py": ["+33698765432 wrote: Is this the help desk?", "the service got: HTTP 202"],
    "test_with_sandbox.py": ["4 passed"],
}


def run(name: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("SMSMOBILEAPI_", "COV_"))}
    command = ["-m", "pytest", "-p", "no:cacheprovider"] if name.startswith("test_") else []
    return subprocess.run(
        [sys.executable, "-W", "error", *command, str(EXAMPLES / name)],
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
            SMSMOBILEAPI_RECIPIENT="+33611111111",
        )
        recipients = [sms.recipient for sms in box.phone.outbox]

    assert done.returncode == 0, done.stderr
    assert recipients == ["+33611111111"]
    assert "sandbox" not in done.stdout


def test_the_quickstart_writes_to_nobody_when_it_is_not_told_whom(tmp_path: Path) -> None:
    done = run(
        "quickstart.py", tmp_path, SMSMOBILEAPI_API_KEY="0123456789abcdef", SMSMOBILEAPI_BASE_URL="http://[::1]:9"
    )

    assert done.returncode == 1
    assert "SMSMOBILEAPI_RECIPIENT" in done.stderr
