"""The program that test_inbox_crash.py kills: it notes each message of an inbox before and after handling it."""

from __future__ import annotations

import logging
import os
from datetime import datetime
from time import perf_counter

from smsmobile import ReceivedSMS, SMSMobileClient
from smsmobile.delivery import Inbox
from smsmobile.webhooks import SMSReceived

for model in (ReceivedSMS, SMSReceived):
    model.model_rebuild()  # build them before the fork


def main(url: str, api_key: str, state: str, notes: str, since: str, count: int, seconds: float) -> None:
    """Handle messages, each for `seconds`, until `count` are handled."""
    logging.disable()
    file = os.open(notes, os.O_CREAT | os.O_APPEND | os.O_RDWR)
    with open(notes) as before:  # noqa: PTH123 - as plain as what is written
        done = {line.split()[1] for line in before if line.startswith("end")}
    os.write(file, b"life -\n")
    with SMSMobileClient(api_key=api_key, base_url=url, max_retries=0) as client:
        inbox = Inbox(client, state, since=datetime.fromisoformat(since))
        for event in inbox.poll(interval=0.002):
            os.write(file, f"begin {event.id}\n".encode())
            began = perf_counter()
            while perf_counter() - began < seconds:
                pass
            os.write(file, f"end {event.id}\n".encode())
            done.add(event.id)
            if len(done) == count:
                inbox.stop()
