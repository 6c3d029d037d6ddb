"""The task `campaign_chunk`: it sends a few messages of a campaign, one after the other."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import Any, TypeAlias

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
from ._retrying import coming_back, deadline_of, may_pass, pause_after, try_again
from ._sending import OPTIONS, settle_later, shared_task
from ._setup import setup_of

Row: TypeAlias = dict[str, Any]

LONGEST = 60.0
"""Seconds after which the rest of the messages waits for its turn in the queue."""


@shared_task(name="smsmobile.campaign_chunk", ignore_result=True, trail=False, **OPTIONS)  # type: ignore[untyped-decorator]
def campaign_chunk(
    self: Any,
    *,
    campaign: str,
    start: int,
    rows: Sequence[Row],
    counts: dict[str, int],
    failures: int = 0,
    in_doubt: int = 0,
) -> None:
    """Send messages of a campaign, and record how many have which outcome when all have one.

    campaign: its id.
    start: the position of the first row in the source, which names the chunk.
    rows: the messages that are left.
    counts: how many others have which outcome.
    failures: attempts in a row after which as many were left as before.
    in_doubt: how many messages in a row were unknown at the end of the last attempt.
    """
    so_far: dict[str, Any] = {"counts": counts, "failures": failures, "in_doubt": in_doubt}
    coming_back(self, partial(_send, self, Records(self.app, campaign), start, rows=rows, **so_far))


def _send(
    task: Any,
    records: Records,
    start: int,
    *,
    rows: Sequence[Row],
    counts: dict[str, int],
    failures: int,
    in_doubt: int,
) -> None:
    if "counts" in (records.chunk(start) or {}):
        return
    if records.is_paused:
        records.save_chunk(start, {"left": None})
        return
    deadline = deadline_of(task, LONGEST)
    try:
        chunk = _Chunk(task.app, records, counts, deadline)
    except SMSMobileError as failure:  # a setting is wrong
        if may_pass(failure):
            raise
        records.save_chunk(start, {"left": str(failure)})
        return
    chunk.in_doubt = in_doubt
    left = chunk.send(rows)
    if chunk.stopped is not None and not records.is_paused:  # else the campaign has ended already
        records.save_chunk(start, {"left": chunk.stopped})
    elif not left:
        records.save_chunk(start, {"counts": dict(+chunk.counts)})
    elif records.is_paused:
        records.save_chunk(start, {"left": None})
    else:
        records.save_chunk(start, {"tried_at": time.time()})
        failures = 0 if len(left) < len(rows) else failures + 1
        pause = pause_after(task.app, failures, chunk.failure)
        try_again(
            task,
            pause,
            chunk.failure,
            rows=left,
            counts=dict(+chunk.counts),
            failures=failures,
            in_doubt=chunk.in_doubt,
        )


class _Chunk:
    """One attempt at a chunk."""

    def __init__(self, app: Any, records: Records, counts: dict[str, int], deadline: float) -> None:
        self.counts = Counter(counts)
        self.failure: SMSMobileError | None = None
        """The last one that may pass."""
        self.stopped: str | None = None
        """Why the campaign has to stop."""
        self._app = app
        self._setup = setup_of(app)
        self._records = records
        self._deadline = deadline
        self._is_over = False
        """Whether nothing more leaves in this attempt."""
        self._offline: set[str | None] = set()
        """The phones that are; None is the one that is used without a choice."""
        self.in_doubt = 0
        """How many messages in a row are unknown."""

    def send(self, rows: Sequence[Row]) -> list[Row]:
        """Send what may leave now. Returns the rest."""
        left: list[Row] = []
        for position, row in enumerate(rows):
            if self._is_over or time.monotonic() >= self._deadline or self._records.is_paused:
                return left + list(rows[position:])
            if row.get("device") in self._offline or not self._send(row):
                left.append(row)
        return left

    def _send(self, row: Row) -> bool:
        """Whether the message has an outcome."""
        try:
            outcome = self._setup.send(unpacked(row), rate_patience=max(self._deadline - time.monotonic(), 0.0))
        except InvalidRequestError:
            self.counts[SendStatus.REFUSED.value] += 1
            return True
        except (SendOutcomeUnknown, SoftTimeLimitExceeded):  # the next attempt looks it up
            self._is_over = True
        except SMSMobileError as failure:
            self._note_failure(failure, row)
        else:
            self._note(outcome)
            return True
        return False

    def _note_failure(self, failure: SMSMobileError, row: Row) -> None:
        self.failure = failure
        if isinstance(failure, DeviceOffline):
            self._offline.add(row.get("device"))
        elif not isinstance(failure, (SendInFlight, SendPostponed)):  # those concern one message
            self._is_over = True
            self.stopped = None if may_pass(failure) else str(failure)

    def _note(self, outcome: SendOutcome) -> None:
        status = outcome.recorded or outcome.status
        self.counts[status.value] += 1
        if status is SendStatus.UNKNOWN:
            settle_later(self._app, outcome.key or "")
        if outcome.recorded is None:
            self.in_doubt = self.in_doubt + 1 if status is SendStatus.UNKNOWN else 0
        if self.in_doubt >= MAX_UNKNOWN:
            self._is_over, self.stopped = True, f"The last {MAX_UNKNOWN} messages are unknown."
