"""Follows messages in the log of sent SMS until the phone has sent or failed them, with few calls for many messages.

The channel passes in the two functions that read the log.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from itertools import islice
from typing import Generic, Protocol, TypeVar

from .._http.backoff import backoff_intervals, is_temporary, respecting_retry_after
from .._input.arguments import check_guid, check_seconds
from .._log_row import SentLogRow, SMSStatus
from ..errors import PHONE_ADVICE, DeliveryPending, InvalidRequestError, SMSMobileError

LONGEST_INTERVAL = 15.0
"""Seconds between two looks, unless the caller's `poll` is longer."""
CLOCK_TOLERANCE = timedelta(minutes=10)
"""How much earlier than the answer to its send a row may be dated, unless the log has shown a larger difference."""

RowT = TypeVar("RowT", bound=SentLogRow)


class HasGuid(Protocol):
    """What `send` and `resend` return, a row of the log, and anything else with the GUID of a message."""

    @property
    def guid(self) -> str | None:
        """The message's GUID."""
        ...


class _Clock:
    """Tests replace it."""

    monotonic = staticmethod(time.monotonic)
    sleep = staticmethod(time.sleep)


_clock = _Clock()


def check_handles(messages: Iterable[str | HasGuid]) -> dict[str, datetime | None]:
    """The GUIDs of the messages, each with the time from which it may be in the log; None if that is not known.

    Raises InvalidRequestError for a message without a GUID.
    """
    if isinstance(messages, (str, bytes)) or hasattr(messages, "guid") or not isinstance(messages, Iterable):
        raise InvalidRequestError(
            f"The messages are of type {type(messages).__name__}; expected a list of GUIDs or of what send() returned. "
            "To follow a single message, use track()."
        )
    return dict(_handle(message) for message in messages)


def _handle(message: object) -> tuple[str, datetime | None]:
    if message is not None and not isinstance(message, str) and not hasattr(message, "guid"):
        raise InvalidRequestError(
            f"A message is of type {type(message).__name__}; expected its GUID or what send() returned. track() takes "
            "one of these, and track_all() a list of them."
        )
    accepted_at = getattr(message, "created_at", None)
    is_known = isinstance(accepted_at, datetime) and accepted_at.tzinfo is not None
    return check_guid(getattr(message, "guid", message)), accepted_at if is_known else None


def follow(
    handles: dict[str, datetime | None],
    *,
    by_guid: Callable[[str], list[RowT]],
    pages: Callable[[], Iterator[list[RowT]]],
    timeout: float,
    poll: float,
) -> Iterator[RowT]:
    """The row of each message as soon as it is sent or failed.

    `by_guid` asks the log for one GUID, `pages` reads it newest first. Raises what `client.sms.track_all` says.
    """
    # The arguments are checked now, not when the first row is asked for, as they would be in a generator.
    return _follow(_Watch(handles, by_guid, pages), check_seconds("timeout", timeout), check_seconds("poll", poll))


def _follow(watch: _Watch[RowT], timeout: float, poll: float) -> Iterator[RowT]:
    deadline = _clock.monotonic() + timeout
    intervals = backoff_intervals(poll, LONGEST_INTERVAL)
    while watch.pending:
        failure = watch.look()
        # Read before the rows are handed out: the time that the caller takes for them costs no look.
        is_last = _clock.monotonic() >= deadline
        if is_last and failure is None:
            failure = watch.ask_for_unseen()
        while watch.decided:
            yield watch.decided.pop(0)
        if not watch.pending:
            return
        if failure is not None and (is_last or not is_temporary(failure)):
            raise failure
        if is_last:
            raise _pending_error(watch, timeout)
        interval = respecting_retry_after(next(intervals), failure)
        _clock.sleep(max(0.0, min(interval, deadline - _clock.monotonic())))


class _Watch(Generic[RowT]):
    """Messages that are followed together, and what is known of them so far."""

    def __init__(
        self,
        handles: dict[str, datetime | None],
        by_guid: Callable[[str], list[RowT]],
        pages: Callable[[], Iterator[list[RowT]]],
    ) -> None:
        self.guids = list(handles)
        """All of them, in the order they were given."""
        self.pending = dict(handles)
        """The messages that are still queued, and since when each may be in the log."""
        self.last: dict[str, RowT] = {}
        self.decided: list[RowT] = []
        self._asked: set[str] = set()
        """The GUIDs that the current look has asked for."""
        self._by_guid = by_guid
        self._pages = pages
        self._newest: datetime | None = None
        """The date of the log's newest row, by the service's clock."""
        self._depth = 1
        """How many pages it last took to find the messages. Fewer messages than that are asked for one by one."""
        self._tolerance = CLOCK_TOLERANCE
        """How much earlier than the answer to its send a row may be dated; it grows if rows show a difference."""

    def look(self) -> SMSMobileError | None:
        """Look once for all pending messages. Returns the failure that interrupted it, if any."""
        self._asked.clear()
        try:
            if len(self.pending) <= self._depth:
                self._ask_for(list(self.pending))
            else:
                self._read_pages()
        except SMSMobileError as error:
            return error
        # A message that the log does not have now can only be one of its newest rows the next time.
        self.pending.update({guid: self._newest for guid, since in self.pending.items() if since is None})
        return None

    def ask_for_unseen(self) -> SMSMobileError | None:
        """After the last look, ask for each message that no page has shown. Returns a failure as `look` does."""
        try:
            self._ask_for([guid for guid in self.pending if guid not in self.last and guid not in self._asked])
        except SMSMobileError as error:
            return error
        return None

    def _ask_for(self, guids: Iterable[str]) -> int:
        """Ask for messages one by one. Returns how many of them the log has."""
        count = 0
        for guid in guids:
            self._asked.add(guid)
            row = next((row for row in self._by_guid(guid) if row.guid == guid), None)
            if row is not None:
                self._record(guid, row)
                count += 1
        return count

    def _read_pages(self) -> None:
        """Read the newest pages until all pending messages are found or must be older; ask for the rest one by one."""
        missing = dict.fromkeys(self.pending)
        number = useless_pages = 0
        for number, page in enumerate(self._pages(), 1):
            self._newest = max(filter(None, [self._newest, *(row.created_at for row in page)]), default=None)
            if self._record_page(page, missing):
                self._depth = number
            else:
                useless_pages += 1
            # The missing messages are not in the log yet, unless the dates of its rows differ more than expected.
            if missing and self._is_older(page, missing) and not self._has_one_of(missing):
                return
            if useless_pages >= len(missing):  # asking for each takes no more calls than were just used in vain
                break
        else:
            # Nor here, unless the log lists its oldest rows first, or ignores `before`.
            if not missing or self._was_late(missing, number):
                return
        if self._ask_for(missing):
            self._depth = number

    def _was_late(self, missing: dict[str, None], number: int) -> bool:
        """Whether the whole log did not have the missing messages yet. If it has one now, its pages are read again."""
        sample = next(iter(missing))
        if not self._has_one_of(missing):
            return True
        is_shown = False
        for page in islice(self._pages(), number):
            is_shown = is_shown or any(row.guid == sample for row in page)
            self._record_page(page, missing)
        return is_shown

    def _has_one_of(self, missing: dict[str, None]) -> bool:
        """Ask for one of the missing messages, another one each time. If the log has it, take it out of `missing`."""
        sample = next(iter(missing))
        self.pending[sample] = self.pending.pop(sample)
        if not self._ask_for([sample]):
            return False
        del missing[sample]
        return True

    def _record_page(self, page: list[RowT], missing: dict[str, None]) -> bool:
        """Record the rows of missing messages, and take these out of `missing`. Returns whether there were any."""
        before = len(missing)
        for row in page:
            if row.guid in missing:  # a GUID that comes twice counts once: the newer row is the first one
                del missing[row.guid]
                self._record(row.guid, row)
        return len(missing) < before

    def _record(self, guid: str, row: RowT) -> None:
        since = self.pending[guid]
        if since is not None and row.created_at is not None:
            self._tolerance = max(self._tolerance, since - row.created_at + CLOCK_TOLERANCE)
        if row.status is SMSStatus.QUEUED:
            self.last[guid] = row
            self.pending[guid] = row.created_at or since
        else:
            self.decided.append(row)
            self.last.pop(guid, None)
            del self.pending[guid]

    def _is_older(self, page: list[RowT], guids: Iterable[str]) -> bool:
        """Whether the whole page is older than all these messages. The order within a page is assumed (A)."""
        since = [self.pending[guid] for guid in guids]
        if not page or None in since:
            return False
        earliest = min(filter(None, since)) - self._tolerance
        return all(row.created_at is not None and row.created_at < earliest for row in page)


def _pending_error(watch: _Watch[RowT], timeout: float) -> DeliveryPending:
    guids, total = [guid for guid in watch.guids if guid in watch.pending], len(watch.guids)
    unseen = sum(guid not in watch.last for guid in guids)
    if total == 1:
        which, missing = f"the message {guids[0]}", "it"
    else:
        which, missing = f"{len(guids)} of {total} messages", f"{unseen} of them"
    are, they = ("is", "It") if len(guids) == 1 else ("are", "They")
    not_seen = f" The log does not have {missing} yet." if unseen else ""
    return DeliveryPending(
        f"After {timeout:g} s {which} {are} neither sent nor failed. {they} may still go out: do not send again."
        f"{not_seen} {PHONE_ADVICE}",
        guids=guids,
        last=watch.last,
    )
