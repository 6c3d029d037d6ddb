"""What `send_once` costs with each journal, and what a million messages through a shared journal take.

`python -m benchmarks.once COUNT FILE` lets so many messages through the journal in FILE, without sending them, in a
process of its own: it prints the most memory that it took, in kilobytes.
"""

from __future__ import annotations

import hashlib
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import sqlalchemy

from smsmobile import SMSMobileClient
from smsmobile.contrib.redis import RedisJournal
from smsmobile.contrib.sqlalchemy import SQLJournal, metadata
from smsmobile.delivery import ClaimState, Journal, JournalEntry, MemoryJournal, SendStatus, SQLiteJournal, send_once

from . import servers
from .measure import Result, ratio
from .server import serve

KEY = "0123456789abcdef" * 3
FEW, MANY = 10_000, 1_000_000
BATCH = 256
"""Messages that a bulk sender claims at a time."""


def run() -> Iterator[Result]:
    """A row for each journal, and one for memory."""
    with (
        tempfile.TemporaryDirectory() as folder,
        servers.postgresql() as postgresql,
        servers.redis() as redis,
        serve() as url,
        SMSMobileClient(api_key=KEY, base_url=url) as client,
    ):
        file = SQLiteJournal(Path(folder, "sent.sqlite"))
        yield _against_a_send(client, "memory", MemoryJournal(), calls=100)
        yield _against_a_send(client, "a file", file)
        file.close()
        yield _against_a_send(client, "SQLAlchemy on SQLite", _sql_journal(f"sqlite:///{folder}/sql.sqlite"))
        if postgresql:
            yield _against_a_send(client, "SQLAlchemy on PostgreSQL", _sql_journal(postgresql))
        if redis:
            yield _against_a_send(client, "Redis, appendfsync always", RedisJournal(redis))
        few, _ = _through_a_journal(FEW, Path(folder, "few.sqlite"))
        many, size = _through_a_journal(MANY, Path(folder, "many.sqlite"))
    yield Result(
        f"peak memory, {MANY:,} messages in a journal: {size} bytes each", f"of {FEW:,} messages", many / few, 1.30
    )


def _against_a_send(client: SMSMobileClient, name: str, journal: Journal, calls: int = 20) -> Result:
    return Result(
        f"send_once, journal: {name}",
        "client.sms.send",
        ratio(_sending_once(client, journal), _sending(client), laps=15, calls=calls),
    )


def _sending(client: SMSMobileClient) -> Callable[[], object]:
    numbers = count()
    return lambda: client.sms.send(_recipient(next(numbers)), "Bonjour, votre rendez-vous est demain à 10 h.")


def _sending_once(client: SMSMobileClient, journal: Journal) -> Callable[[], object]:
    numbers = count()

    def once() -> None:
        number = next(numbers)
        outcome = send_once(
            client,
            journal,
            key=f"order-{number}",
            to=_recipient(number),
            text="Bonjour, votre rendez-vous est demain à 10 h.",
        )
        assert outcome.status is SendStatus.SENT

    return once


def _recipient(number: int) -> str:
    return f"+3363998{number % 10_000:04d}"


def _sql_journal(url: str) -> SQLJournal:
    engine = sqlalchemy.create_engine(url)
    metadata.create_all(engine)
    return SQLJournal(engine)


def _through_a_journal(messages: int, file: Path) -> tuple[int, int]:
    """The most memory that it took, and the bytes of a message on the disk."""
    command = [sys.executable, "-m", "benchmarks.once", str(messages), str(file)]
    peak = int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return peak, sum(part.stat().st_size for part in file.parent.glob(f"{file.name}*")) // messages


def main(messages: int, file: str) -> None:
    """Claim so many messages in batches, and start and settle each."""
    journal = SQLiteJournal(file)
    for first in range(0, messages, BATCH):
        entries = [_entry(number) for number in range(first, min(first + BATCH, messages))]
        for claim in journal.claim(entries):
            assert claim.state is ClaimState.NEW
        for entry in entries:
            assert journal.start(entry, entry.attempted_at)
            assert journal.settle(entry, SendStatus.SENT, guid=f"c319d3b35e8f8712cde20dae39ac3c19{entry.token[-8:]}")
    journal.close()
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def _entry(number: int) -> JournalEntry:
    to, at = _recipient(number)[1:], 1_700_000_000.0 + number
    print_of = hashlib.sha256(f"{to}\n{number}".encode()).hexdigest()[:32]
    return JournalEntry(f"order-{number}", to, print_of, "text", print_of, at, at, f"{KEY[:32]}-{number:08x}")


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
