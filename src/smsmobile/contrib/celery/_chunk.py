"""The task `campaign_chunk`: it sends a few messages of a campaign, one after the other."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

from celery import shared_task
from celery.exceptions import SoftTimeLimitExceeded

from ...delivery import SendOutcome, SendStatus
from ...delivery._workers import MAX_UNKNOWN
from ...errors import (
    DeviceOffline,
    InvalidRequestError,
    SendInFlight,
    SendOutcomeUnknown,
    SendPostponed,
    SMSMobileError,
)
from ._messages import unpacked
from ._progress import Records
from ._retrying import longest_pause, may_pass, pause_after, try_again
from ._sending import OPTIONS, settle_later
from ._setup import Setup, setup_of

LONGEST = 60.0
"""Seconds after which the rest of the messages waits for its turn in the queue."""


@shared_task(name="smsmobile.campaign_chunk", ignore_result=True, trail=False, **OPTIONS)  # type: ignore[untyped-decorator]
def campaign_chunk(
    self: Any, campaign: str, start: int, rows: Sequence[dict[str, Any]], *, refused: int = 0, failures: int = 0
) -> None:
    """Send messages of a campaign, and record how many have which outcome when all have one.

    campaign: its id.
    start: the position of the first row in the source.
    rows: the messages.
    refused: how many more rows there were, which are no messages.
    failures: attempts in a row with which nothing was sent.
    """
    records = Records(self.app, campaign)
    if "counts" in (records.chunk(start) or {}) or records.is_paused:
        return
    chunk = _Chunk(setup_of(self.app), records, time.monotonic() + min(LONGEST, longest_pause(self.app)))
    chunk.counts[SendStatus.REFUSED.value] += refused
    chunk.send(rows)
    if chunk.stopped is not None:
        records.save_chunk(start, {"stopped": chunk.stopped})
    elif chunk.is_complete:
        for key in chunk.unknown:
            settle_later(self.app, key)
        records.save_chunk(start, {"counts": dict(+chunk.counts)})
    elif not records.is_paused:
        records.save_chunk(start, {"tried_at": time.time()})
        failures = 0 if chunk.has_sent else failures + 1
        try_again(self, pause_after(self.app, failures, chunk.failure), chunk.failure, failures=failures)


class _Chunk:
    """One attempt at a chunk. What was sent by an earlier one is counted again."""

    def __init__(self, setup: Setup, records: Records, deadline: float) -> None:
        self.counts: Counter[str] = Counter()
        self.unknown: list[str] = []
        self.is_complete = True
        self.has_sent = False
        self.failure: SMSMobileError | None = None
        self.stopped: str | None = None
        """Why the campaign has to stop."""
        self._setup = setup
        self._records = records
        self._deadline = deadline
        self._offline: set[str | None] = set()
        """The phones that are; None is the one that is used without a choice."""
        self._unknown_in_a_row = 0

    def send(self, rows: Sequence[dict[str, Any]]) -> None:
        """Send them all, or as many as may leave now."""
        for row in rows:
            if time.monotonic() >= self._deadline or self._records.is_paused:
                self.is_complete = False
                return
            if row.get("device") not in self._offline and not self._send(row):
                return

    def _send(self, row: dict[str, Any]) -> bool:
        """Whether the next ones may leave."""
        try:
            outcome = self._setup.send(unpacked(row), rate_patience=max(self._deadline - time.monotonic(), 0.0))
        except InvalidRequestError:
            self.counts[SendStatus.REFUSED.value] += 1
            return True
        except (SendOutcomeUnknown, SoftTimeLimitExceeded):  # the next attempt looks it up
            self.is_complete = False
            return False
        except SMSMobileError as failure:
            self.is_complete, self.failure = False, failure
            if isinstance(failure, DeviceOffline):
                self._offline.add(row.get("device"))
            elif not may_pass(failure):
                self.stopped = str(failure)
            return isinstance(failure, (SendInFlight, SendPostponed, DeviceOffline))
        return self._note(outcome)

    def _note(self, outcome: SendOutcome) -> bool:
        status = outcome.recorded or outcome.status
        self.counts[status.value] += 1
        self.has_sent = self.has_sent or outcome.status is SendStatus.SENT
        if status is SendStatus.UNKNOWN:
            self.unknown.append(outcome.key or "")
        if outcome.recorded is None:
            self._unknown_in_a_row = self._unknown_in_a_row + 1 if status is SendStatus.UNKNOWN else 0
        if self._unknown_in_a_row >= MAX_UNKNOWN:
            self.stopped = f"The last {MAX_UNKNOWN} messages are unknown."
        return self.stopped is None
