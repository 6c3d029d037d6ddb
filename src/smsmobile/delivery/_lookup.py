"""Looks messages of a journal up in the sent log, until they appear there or time runs out.

The caller decides what happens to a message that does not appear.
"""

from __future__ import annotations

import math
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from threading import Event
from typing import Any

from .._http.backoff import backoff_intervals, is_temporary, respecting_retry_after
from .._sent_log.comparison import keyword_of
from .._sent_log.paging import read_pages
from .._sent_log.search import ReadPages, find, finds_by_number, refusal_in
from ..channels.sms import LoggedSMS, SMSChannel
from ..errors import ConnectionFailed, SMSMobileError, UnexpectedResponse
from .journals import Journal, JournalEntry, SendStatus

_FIRST_INTERVAL = 1.0
_LONGEST_INTERVAL = 15.0
_LONGEST_WAIT = 60.0
"""Seconds until the next look, even if the service asks for more."""
_LAST_LOOKS = 5
"""How often the last look is tried. A message that it does not see is unknown from then on."""
_FEW_NUMBERS = 3
"""So many numbers are asked for one by one. For more, the newest pages of the log are read first."""
_CLOCK_PRECISION = 60.0
"""Seconds by which the service's clock must have been set to count as another one."""
_CLOCKS_KEPT = 8
_MORE_READS = 2
"""How often a page is read again at once if its answer breaks off."""


def outcome_of(row: LoggedSMS) -> tuple[SendStatus, str | None]:
    """What a row of the log says about the request that made it, and why it was refused."""
    refusal = refusal_in(row)
    if refusal is not None:
        return SendStatus.REFUSED, f"The service refused the message: {refusal}."
    return SendStatus.SENT, None


class Lookup:
    """Finds messages of a journal in the log of sent SMS. The threads of a run share one."""

    def __init__(self, channel: SMSChannel, journal: Journal) -> None:
        self._channel = channel._without_retries  # `wait_for` is the retry loop, and its pauses can be ended
        self._journal = journal
        self._finds_by_number: bool | None = None
        """Whether the log can be asked for a number; None if that was not tried yet."""
        self._clock_offsets: list[float] = []
        """How far the service's clock was ahead of ours, newest last; a new one for each time that it was set."""

    def note_clock(self) -> list[float]:
        """Note how far the service's clock is ahead of ours now. Returns this and what was noted before."""
        offset = self._channel._clock_offset()
        if offset is not None and all(abs(offset - known) > _CLOCK_PRECISION for known in self._clock_offsets):
            self._clock_offsets = [*self._clock_offsets[1 - _CLOCKS_KEPT :], offset]
        return self._clock_offsets

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
            self._journal.renew([entry for entry in entries if entry.key not in found])
            failure = self._look(entries, found)
            if len(found) == len(entries) or last_looks == _LAST_LOOKS or (last_looks and failure is None):
                return found, failure is None
            left = math.inf if last_looks else max(0.0, deadline - time.monotonic())
            if stopping.wait(min(left, respecting_retry_after(interval, failure), _LONGEST_WAIT)):
                break
        return found, False

    def look(self, entry: JournalEntry) -> LoggedSMS | None:
        """Look for one message, once. Raises any failure."""
        found: dict[str, LoggedSMS] = {}
        failure = self._look([entry], found)
        if failure is not None:
            raise failure
        return found.get(entry.key)

    def _look(self, entries: Sequence[JournalEntry], found: dict[str, LoggedSMS]) -> SMSMobileError | None:
        """Look once, and add to `found`. Returns a failure that may pass; raises others."""
        by_number = defaultdict[str, list[JournalEntry]](list)
        for entry in entries:
            if entry.key not in found:
                by_number[entry.number].append(entry)
        is_read = False
        try:
            if len(by_number) > _FEW_NUMBERS or self._finds_by_number is False:
                is_read = self._read_log(entries, found, len(by_number))
            if not is_read:
                self._ask_for_numbers(by_number, found)
            if self._finds_by_number is None and len(found) < len(entries):
                self._finds_by_number = finds_by_number(self._pages)
                if self._finds_by_number is False:
                    self._read_log(entries, found, len(by_number))
        except SMSMobileError as error:
            if not is_temporary(error):
                raise
            return error
        return None

    def _ask_for_numbers(self, by_number: Mapping[str, Sequence[JournalEntry]], found: dict[str, LoggedSMS]) -> None:
        """Ask for the rows of each number. A failure of one that may pass is raised after the others were asked for."""
        failure: SMSMobileError | None = None
        for number, entries in by_number.items():
            try:
                if self._find(entries, self._pages, found, keyword_of(number)):
                    self._finds_by_number = True
            except SMSMobileError as error:
                if not is_temporary(error):
                    raise
                failure = error
        if failure is not None:
            raise failure

    def _read_log(self, entries: Sequence[JournalEntry], found: dict[str, LoggedSMS], numbers: int) -> bool:
        """Read the log until everything is found or must be older; False if asking for each number costs less."""
        most_in_vain = math.inf if self._finds_by_number is False else numbers
        gave_up = False

        def pages(before: datetime | None = None, *, keyword: str | None = None) -> Iterator[Sequence[LoggedSMS]]:
            nonlocal gave_up
            in_vain = 0
            for page in self._pages(before, keyword=keyword):
                count = len(found)
                yield page  # it has been looked through when the next one is asked for
                in_vain += len(found) == count
                if in_vain >= most_in_vain:
                    gave_up = True
                    return

        self._find(entries, pages, found)
        return not gave_up

    def _find(
        self,
        entries: Sequence[JournalEntry],
        pages: ReadPages[LoggedSMS],
        found: dict[str, LoggedSMS],
        keyword: str | None = None,
    ) -> bool:
        clock_offsets = self.note_clock
        return find(entries, pages, found, keyword=keyword, others=self._journal, clock_offsets=clock_offsets)

    def _pages(self, before: datetime | None = None, *, keyword: str | None = None) -> Iterator[list[LoggedSMS]]:
        return read_pages(self._read_page, before, keyword=keyword)

    def _read_page(self, **query: Any) -> list[LoggedSMS]:
        """Read a page. A broken answer is asked for again at once, so that a look of many pages comes to its end."""
        for _ in range(_MORE_READS):
            try:
                return self._channel.log(**query)
            except (ConnectionFailed, UnexpectedResponse) as error:
                if not is_temporary(error):
                    raise
        return self._channel.log(**query)
