"""`settle` against a sandbox that loses the answer to a send."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from smsmobile import SMSMobileClient
from smsmobile.delivery import SendStatus, SQLiteJournal, settle
from smsmobile.sandbox import Sandbox

KILLED = """
import os, signal, sys
from smsmobile import SendOutcomeUnknown, SMSMobileClient
from smsmobile.delivery import _sender, send_once

def killed(*_: object, **__: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)

_sender.Lookup.wait_for = killed
send_once(SMSMobileClient.from_env(), sys.argv[1], key="order-4711", to="+33639980001", text="Your order is here.")
"""


def test_a_message_whose_sender_was_killed_is_settled_and_not_sent_again(
    client: SMSMobileClient, box: Sandbox, tmp_path: Path
) -> None:
    box.faults.add("reset_after", path="/sendsms/", times=1)
    environment = {**os.environ, "SMSMOBILEAPI_API_KEY": box.api_key, "SMSMOBILEAPI_BASE_URL": box.url}
    path = tmp_path / "sent.sqlite"
    subprocess.run([sys.executable, "-c", KILLED, path], env=environment, check=False, timeout=60)
    journal = SQLiteJournal(path)
    before = journal.get("order-4711")
    assert before is not None
    assert before.outcome is None
    journal.release([before])  # on Linux it is over already
    journal.close()

    settled = settle(client, path, "order-4711")

    (row,) = client.sms.log()
    assert settled is not None
    assert (settled.outcome, settled.guid) == (SendStatus.SENT, row.guid)
