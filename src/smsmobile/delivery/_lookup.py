"""Looks messages of a journal up in the sent log, until they appear there or time runs out.

The caller decides what happens to a message that does not appear.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from threading import Event

from .._http.backoff import backoff_intervals, is_temporary, respecting_retry_after
from .._sent_log.search import find, refusal_in
from ..channels.sms import LoggedSMS, SMSChannel
from ..errors import SMSMobileError
from .journals import BulkStatus, Journal, JournalEntry

_FIRST_INTERVAL = 0.5
_LONGEST_INTERVAL = 5.0
_LONGEST_WAIT = 60.0
"""Seconds until the next look, even if the service asks for more."""
_LAST_LOOKS = 5
"""How often the last look is tried. A message that it does not see is unknown from then on."""


def outcome_of(row: LoggedSMS) -> tuple[BulkStatus, str | None]:
    """What a row of the log says about the request that made it, and why it was refused."""
    refusal = refusal_in(row)
    if refusal is not None:
        return BulkStatus.REFUSED, f"The service refused the message: {refusal}."
    return BulkStatus.SENT, None


class Lookup:
    """Finds messages of a journal in the log of sent SMS."""

    def __init__(self, channel: SMSChannel, journal: Journal) -> None:
        self._channel = channel._without_retries  # `wait_for` is the retry loop, and its pauses can be ended
        self._journal = journal

    def wait_for(
        self, entries: Sequence[JournalEntry], seconds: float, stopping: Event
    ) -> tuple[dict[str, LoggedSMS], bool]:
        """Look at once, then again and again for so many seconds, and once more at the end.

        Returns the rows by the entries' keys, and whether the last look succeeded. It did not if `stopping` was set
        before the end, or if the log could not be read even after some more tries. Raises failures that do not pass.
        """
        found: dict[str, LoggedSMS] = {}
        deadline = time.monotonic() + seconds
        last_looks = 0
        for interval in backoff_intervals(_FIRST_INTERVAL, _LONGEST_INTERVAL):
            last_looks += time.monotonic() >= deadline
            failure = self._look(entries, found)
            if len(found) == len(entries) or last_looks == _LAST_LOOKS or (last_looks and failure is None):
                return found, failure is None
            left = math.inf if last_looks else max(0.0, deadline - time.monotonic())
            if stopping.wait(min(left, respecting_retry_after(interval, failure), _LONGEST_WAIT)):
                break
        return found, False

    def _look(self, entries: Sequence[JournalEntry], found: dict[str, LoggedSMS]) -> SMSMobileError | None:
        """Look once, and add to `found`. Returns a failure that may pass; raises others."""
        missing = [entry for entry in entries if entry.key not in found]
        taken = [row.guid for row in found.values()]
        try:
            found.update(find(missing, self._channel._pages, others=self._journal, taken=taken))
        except SMSMobileError as error:
            if not is_temporary(error):
                raise
            return error
        return None
