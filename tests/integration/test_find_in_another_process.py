"""A send in doubt that is kept, by pickle or as JSON, and looked up by another process."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from smsmobile import SendOutcomeUnknown, SMSMobileClient
from smsmobile.sandbox import Sandbox

TO = "+33639980001"
TEXT = "See https://shop.example/a/long/path & reply"
SCHEDULED = datetime.now(timezone.utc) + timedelta(hours=5)

FROM_PICKLE = """
import pickle, sys
from smsmobile import ConfigurationError, SMSMobileClient

client = SMSMobileClient.from_env()
error = pickle.load(sys.stdin.buffer)
try:
    error.reconcile()
except ConfigurationError as no_client:
    call = str(no_client).partition("look the message up with ")[2].rstrip(".")
print(eval(call).guid)
"""

FROM_JSON = """
import json, sys
from datetime import datetime
from smsmobile import SMSMobileClient

client = SMSMobileClient.from_env()
case = json.load(sys.stdin)
for name in {"around", "schedule_at"} & set(case):
    case[name] = datetime.fromisoformat(case[name])
print(client.sms.find(**case).guid)
"""


def in_another_process(box: Sandbox, script: str, given: bytes) -> str:
    environment = {"SMSMOBILEAPI_API_KEY": box.api_key, "SMSMOBILEAPI_BASE_URL": box.url}
    done = subprocess.run(
        [sys.executable, "-c", script], input=given, env=environment, capture_output=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode().strip()


def send_in_doubt(client: SMSMobileClient, box: Sandbox, **options: Any) -> SendOutcomeUnknown:
    box.faults.add("reset_after", path="/sendsms/", times=1)
    with pytest.raises(SendOutcomeUnknown) as unknown:
        client.sms.send(TO, TEXT, **options)
    return unknown.value


OPTIONS = [{}, {"schedule_at": SCHEDULED}, {"shorten_urls": True}, {"encrypt": True, "schedule_at": SCHEDULED}]


@pytest.mark.parametrize("options", OPTIONS[::3], ids=lambda options: " and ".join(options) or "no option")
def test_a_pickled_doubt_is_found_with_the_call_that_its_error_names(
    client: SMSMobileClient, box: Sandbox, options: dict[str, Any]
) -> None:
    doubt = send_in_doubt(client, box, **options)
    client.sms.send("+33639980002", "another message")

    guid = in_another_process(box, FROM_PICKLE, pickle.dumps(doubt))

    assert [row.guid for row in client.sms.log()][-1] == guid


@pytest.mark.parametrize("options", OPTIONS[1:3], ids=lambda options: " and ".join(options) or "no option")
def test_a_doubt_that_was_kept_as_json_is_found(client: SMSMobileClient, box: Sandbox, options: dict[str, Any]) -> None:
    doubt = send_in_doubt(client, box, **options)
    client.sms.send("+33639980002", "another message")
    kept = {"to": doubt.to, "message": doubt.message, "around": doubt.attempted_at, **doubt.options}

    guid = in_another_process(box, FROM_JSON, json.dumps(kept, default=str).encode())

    assert [row.guid for row in client.sms.log()][-1] == guid
