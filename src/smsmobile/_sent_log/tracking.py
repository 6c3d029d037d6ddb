"""Follows messages in the sent log until the phone has sent or failed them, many of them with few calls.

How the log is read is the channel's business, which hands in two functions for it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol

from .._http.backoff import at_least_as_asked, check_seconds, growing, is_temporary
from .._input.arguments import check_guid
from ..errors import PHONE_ADVICE, DeliveryPending, InvalidRequestError, SMSMobileError

if TYPE_CHECKING:
    from ..channels.sms import LoggedSMS

LONGEST_PAUSE = 15.0
"""Seconds between two looks, unless the caller's first pause is longer."""
DATES_APART = timedelta(minutes=10)
"""How far before the answer to its send a row may be dated, where the log did not show that it can be further."""


class HasGuid(Protocol):
    """What `send` and `resend` return, a row of the log, and whatever else has a message's GUID."""

    @property
    def guid(self) -> str | None:
        """The message's GUID."""


class _Clock:
    """Tests put another one in its place."""

    monotonic = staticmethod(time.monotonic)
    sleep = staticmethod(time.sleep)


_clock = _Clock()


def check_handles(messages: Iterable[str | HasGuid]) -> dict[str, datetime | None]:
    """The GUIDs of what is to be followed, and since when each may be in the log; None where nothing tells.

    Raises InvalidRequestError for what has no GUID.
    """
    if isinstance(messages, (str, bytes)) or hasattr(messages, "guid") or not isinstance(messages, Iterable):
        raise InvalidRequestError(
            f"The messages are of type {type(messages).__name__}; expected a list of GUIDs or of what send() returned. "
            "For a single one: track()."
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
    find: Callable[[str], list[LoggedSMS]],
    pages: Callable[[], Iterator[list[LoggedSMS]]],
    timeout: float,
    poll: float,
) -> Iterator[LoggedSMS]:
    """The row of each message as soon as it is sent or failed. `find` asks for one GUID, `pages` reads newest first.

    Raises what `client.sms.track_all` says.
    """
    # Checked here, before the first row is asked for; what follows is a generator.
    return _follow(_Watch(handles, find, pages), check_seconds("timeout", timeout), check_seconds("poll", poll))


def _follow(watch: _Watch, timeout: float, poll: float) -> Iterator[LoggedSMS]:
    deadline = _clock.monotonic() + timeout
    pauses = growing(poll, LONGEST_PAUSE)
    while watch.left:
        failure = watch.look()
        is_last = _clock.monotonic() >= deadline  # asked here: what is done with the rows meanwhile takes no look away
        while watch.decided:
            yield watch.decided.pop(0)
        if watch.left and failure is not None and (is_last or not is_temporary(failure)):
            raise failure
        if watch.left and is_last:
            raise _pending(watch, timeout)
        if watch.left:
            pause = at_least_as_asked(next(pauses), failure)
            _clock.sleep(max(0.0, min(pause, deadline - _clock.monotonic())))


class _Watch:
    """Messages that are followed together, and what is known of them so far."""

    def __init__(
        self,
        handles: dict[str, datetime | None],
        find: Callable[[str], list[LoggedSMS]],
        pages: Callable[[], Iterator[list[LoggedSMS]]],
    ) -> None:
        self.guids = list(handles)
        """All of them, in the order they were given."""
        self.left = dict(handles)
        """What is still queued, and since when it may be in the log."""
        self.last: dict[str, LoggedSMS] = {}
        self.decided: list[LoggedSMS] = []
        self._find = find
        self._pages = pages
        self._newest: datetime | None = None
        """The date of the log's newest row, by the service's clock."""
        self._depth = 1
        """How many pages it last took to find them. Of fewer messages, each is better asked for by itself."""
        self._apart = DATES_APART
        """How far before the answer to its send a row may be dated: hours, if that is how they have been found."""

    def look(self) -> SMSMobileError | None:
        """Look for all that is left, once; what stopped it half-way, if anything did."""
        try:
            if len(self.left) <= self._depth:
                self._ask_for(list(self.left))
            else:
                self._leaf_through()
        except SMSMobileError as error:
            return error
        # Whatever the log did not have now can only be one of its newest rows the next time.
        self.left.update({guid: self._newest for guid, since in self.left.items() if since is None})
        return None

    def _ask_for(self, guids: Iterable[str]) -> int:
        """How many of them the log has."""
        count = 0
        for guid in guids:
            row = next((row for row in self._find(guid) if row.guid == guid), None)
            if row is not None:
                self._note(guid, row)
                count += 1
        return count

    def _leaf_through(self) -> None:
        missing = dict.fromkeys(self.left)
        in_vain = 0
        for number, page in enumerate(self._pages(), 1):
            self._newest = max(filter(None, [self._newest, *(row.created_at for row in page)]), default=None)
            found = [row for row in page if row.guid in missing]
            for row in found:
                if row.guid in missing:  # else it stands there twice, and the newer row counts
                    del missing[row.guid]
                    self._note(row.guid, row)
            if found:
                self._depth = number
            else:
                in_vain += 1
            if missing and self._is_before(page, missing):
                # They are not in the log yet, unless its dates are others. One of them tells, each time another one.
                witness = next(iter(missing))
                self.left[witness] = self.left.pop(witness)
                if not self._ask_for([witness]):
                    return
                del missing[witness]
            if in_vain >= len(missing):  # asking for each takes no longer than this has; perhaps there is none left
                if self._ask_for(missing):
                    self._depth = number
                return

    def _note(self, guid: str, row: LoggedSMS) -> None:
        since = self.left[guid]
        if since is not None and row.created_at is not None:
            self._apart = max(self._apart, since - row.created_at + DATES_APART)
        if row.status.value == "queued":
            self.last[guid] = row
            self.left[guid] = row.created_at or since
        else:
            self.decided.append(row)
            self.last.pop(guid, None)
            del self.left[guid]

    def _is_before(self, page: list[LoggedSMS], guids: Iterable[str]) -> bool:
        """Whether the page is older than all of these. Its order is assumed (A), so it has to be older as a whole."""
        since = [self.left[guid] for guid in guids]
        if not page or None in since:
            return False
        earliest = min(filter(None, since)) - self._apart
        return all(row.created_at is not None and row.created_at < earliest for row in page)


def _pending(watch: _Watch, timeout: float) -> DeliveryPending:
    guids, total = [guid for guid in watch.guids if guid in watch.left], len(watch.guids)
    which = f"the message {guids[0]}" if total == 1 else f"{len(guids)} of {total} messages"
    unseen = sum(guid not in watch.last for guid in guids)
    there = " The log does not have it yet." if total == 1 else f" The log does not have {unseen} of them yet."
    return DeliveryPending(
        f"After {timeout:g} s the phone has neither sent nor failed {which}: still queued, and may still go out, so do "
        f"not send again.{there if unseen else ''} {PHONE_ADVICE}",
        guids=guids,
        last=watch.last,
    )
