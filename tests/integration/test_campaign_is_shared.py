"""Senders that share a campaign share its work: none keeps more messages from the others than it can send soon."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import closing
from itertools import islice

import pytest

from smsmobile import SMSMobileClient
from smsmobile.delivery import BulkSender, ClaimState, JournalEntry, MemoryJournal, MessageClaim, SendStatus
from smsmobile.sandbox import Sandbox

BEFORE = [(f"+33639980{number:03d}", "Reminder") for number in range(60)]
AFTER = [(f"+33639981{number:03d}", "Reminder") for number in range(200)]


class WatchedJournal(MemoryJournal):
    """Knows which messages are claimed and have not left yet, and how many these were at most."""

    def __init__(self) -> None:
        super().__init__()
        self.waiting: set[str] = set()
        self.most_waiting = 0

    def claim(self, entries: Sequence[JournalEntry]) -> list[MessageClaim]:
        claims = super().claim(entries)
        self.waiting |= {claim.entry.key for claim in claims if claim.state is ClaimState.NEW}
        return claims

    def start(self, entry: JournalEntry, at: float) -> bool:
        self.most_waiting = max(self.most_waiting, len(self.waiting))
        self.waiting.discard(entry.key)
        return super().start(entry, at)

    def withdraw(self, entries: Iterable[JournalEntry]) -> None:
        entries = list(entries)
        self.waiting -= {entry.key for entry in entries}
        super().withdraw(entries)


@pytest.mark.parametrize("workers", [1, 4])
def test_messages_that_others_have_sent_do_not_make_a_sender_claim_more_than_it_sends_soon(workers: int) -> None:
    journal = WatchedJournal()
    with Sandbox() as box, SMSMobileClient(api_key=box.api_key, base_url=box.url) as client:
        for outcome in BulkSender(client, journal).send(BEFORE):
            assert outcome.status is SendStatus.SENT
        journal.most_waiting = 0
        box.faults.add("latency", seconds=0.1)
        with closing(BulkSender(client, journal, workers=workers).send(BEFORE + AFTER)) as outcomes:
            statuses = [outcome.status for outcome in islice(outcomes, len(BEFORE) + 10)]
    assert statuses.count(SendStatus.DUPLICATE) == len(BEFORE)
    assert journal.most_waiting <= 16 * workers
    assert not journal.waiting
