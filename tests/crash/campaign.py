"""The program that the tests kill: a bulk sender that sends all messages once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from smsmobile import LoggedSMS, SentSMS, SMSMobileClient
from smsmobile.delivery import BulkSender, Journal, OutgoingSMS, SQLiteJournal, _pace

for model in (SentSMS, LoggedSMS):
    model.model_rebuild()  # build them before the fork


def messages(count: int) -> Iterator[OutgoingSMS]:
    """One message for each number. Some are repeated, with the same key or with a key of their own."""
    for number in range(count):
        message = OutgoingSMS(f"+3363998{number:04d}", f"Reminder {number}")
        yield message
        if number % 4 == 1:
            yield OutgoingSMS(message.to, message.text, f"twin of {number}")
        elif number % 4 == 3:
            yield message


def journal_at(address: str, lease: float) -> Journal:
    """A journal in a file, or at the address of a server."""
    if address.startswith("redis://"):
        from smsmobile.contrib.redis import RedisJournal

        return RedisJournal(address, lease=lease)
    if address.startswith("postgresql"):
        from smsmobile.contrib.sqlalchemy import SQLJournal

        return SQLJournal(address, lease=lease)
    return SQLiteJournal(address, lease=lease)


def main(url: str, api_key: str, journal: str, report: str, count: int, workers: int, lease: float = 60.0) -> None:
    """Send all messages and write the outcomes to the report."""
    _pace.FIRST_INTERVAL = 0.02  # a process does not live long
    with SMSMobileClient(api_key=api_key, base_url=url, timeout=(2, 0.45)) as client:
        bulk = BulkSender(client, journal_at(journal, lease), workers=workers, patience=0.1)
        said = [
            (one.key, one.message.to, one.message.text, (one.recorded or one.status).value)
            for one in bulk.send(messages(count))
            if one.message
        ]
    Path(report).write_text(json.dumps(said))
