"""How far an inbox has read, and which messages of an answer are new. What it remembers is in _inbox_state.py."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from .._wire.values import EARLIEST, UTC
from ..webhooks.events import SMSReceived
from ..webhooks.v1 import event_of
from ._inbox_rows import content_key, copy_of, keyed
from ._inbox_state import InboxProgress, InboxState

if TYPE_CHECKING:
    from ..channels.sms import ReceivedSMS

CLOCKS_APART = timedelta(days=1)
"""How far this machine's clock may be ahead of the service's clock when an inbox begins."""
NO_SENDER = "unknown"
"""The sender of an event whose row has none."""

_ONE_SECOND = timedelta(seconds=1)
_ONE_MINUTE = timedelta(minutes=1)


class Message(NamedTuple):
    """A message to hand over."""

    key: str
    row: ReceivedSMS

    def event(self) -> SMSReceived:
        """The event that a version 1 webhook would have given."""
        row = self.row
        fields = {
            "guid": row.guid,
            "number": row.sender if row.sender and row.sender.strip() else NO_SENDER,
            "message": row.message,
            "timestamp_unix": row.received_at,
            "alias": row.alias,
            "sIdentifiantPhone": row.device,
        }
        # First and last, so that its keys come first and its values win over those of the row.
        return event_of(fields | (row.model_extra or {}) | fields, row.guid or self.key, now())


class Reading:
    """How far one inbox has read, and which messages of an answer are new.

    A key is remembered for as long as the service may show its row again: until looks start later than the time at
    which it was last seen. That holds whether the service selects by when a message was received or by when it arrived
    there. No look ever starts before the time up to which keys were forgotten.

    The start follows the times of messages. Clocks only limit it, the service's own one if it is known, since those of
    phones and of this machine may be wrong for a while. Before the first message there is nothing else to use.
    """

    def __init__(
        self,
        state: InboxState,
        first: InboxProgress,
        overlap: timedelta,
        clock_offset: Callable[[], float | None],
    ) -> None:
        self._state = state
        self._overlap = overlap
        self._clock_offset = clock_offset
        loaded = state.load()
        self._progress = first if loaded is None else loaded
        if loaded is None:
            state.save(first, {})  # otherwise a crash before the first look would move the start
        self._start = EARLIEST

    def start(self) -> datetime:
        """Begin a look, and return the time from which it reads."""
        wanted = min(self._until, self._now()) - self._overlap - _ONE_SECOND
        self._start = max(wanted, self._progress.floor or EARLIEST)
        if self._progress.since_was_given:
            self._start = max(self._start, self._progress.since - _ONE_SECOND)
        return self._start

    def has_gap(self, rows: list[ReceivedSMS]) -> bool:
        """Whether rows, the newest ones, do not reach back to the last message that was handled."""
        reached = self._progress.read_until or self._progress.since
        return all(row.received_at is not None and row.received_at > reached for row in rows)

    def new(self, rows: list[ReceivedSMS], *, undated_are_old: bool) -> list[Message]:
        """The messages of the answer to hand over, in order."""
        if self._corrects_clock():
            return []
        messages = keyed(rows)
        since, is_first = self._progress.since, not self._progress.has_begun
        if self._progress.since_was_given:
            messages = {key: row for key, row in messages.items() if not _is_before(row, since)}
        known = self._state.handled(messages)
        # A row that is shown although it is older than the start is remembered for as long as it is shown.
        handled = {key: self._until for key, moment in known.items() if moment < self._start}
        handled |= self._named_later(messages, known)
        if is_first:
            self._progress = self._progress._replace(has_begun=True, floor=self._start)
            for key, row in messages.items():
                if undated_are_old if row.received_at is None else row.received_at < since:
                    handled[key] = self._until
        new = [Message(key, row) for key, row in messages.items() if key not in known and key not in handled]
        # Not after an empty answer, which may hide an error (O).
        forgets = bool(rows) and self._start > (self._progress.floor or EARLIEST)
        if forgets:
            self._progress = self._progress._replace(floor=self._start)
        if new or handled or is_first or forgets:
            # Even if there is nothing to record yet: if the state cannot be written, fail before a message is handed
            # over.
            self._state.save(self._progress, handled)
        if forgets:
            self._state.forget(self._start)
        return new

    def done(self, message: Message) -> None:
        """Record that the message was handled."""
        if message.row.received_at is not None:
            received_at = min(message.row.received_at, self._now())  # a phone's clock can be years ahead
            self._progress = self._progress._replace(read_until=max(self._until, received_at))
        self._state.save(self._progress, {message.key: self._until})

    @property
    def _until(self) -> datetime:
        by_our_clock = min(self._progress.since, self._now()) - max(CLOCKS_APART - self._overlap, timedelta(0))
        return self._progress.read_until or by_our_clock

    def _now(self) -> datetime:
        return now() + timedelta(seconds=self._clock_offset() or 0.0)

    def _corrects_clock(self) -> bool:
        """Put right what a clock that was ahead has left. Returns whether this look must be made again."""
        now, offset, progress = self._now(), self._clock_offset(), self._progress
        # Without the service's clock, ours may as well be behind now; that would do harm once messages were handled.
        if offset is None and progress.read_until is not None:
            return False
        if progress.floor is not None and progress.floor > now + _ONE_MINUTE:
            self._progress = progress._replace(floor=None)
        elif not (progress.has_begun or progress.since_was_given) and progress.since > now + _ONE_MINUTE:
            self._progress = progress._replace(since=min(progress.since + timedelta(seconds=offset or 0.0), now))
        else:
            return False
        self._state.save(self._progress, {})
        return True

    def _named_later(self, messages: dict[str, ReceivedSMS], known: Mapping[str, datetime]) -> dict[str, datetime]:
        """What to record of messages that were handled without a GUID, and have one now.

        Of unknown rows with the same content, as many are old as were handled without a GUID and are no longer shown
        without one. Each counts once: the datetime of its old key becomes `EARLIEST`.
        """
        by_content: dict[str, list[str]] = {}
        for key, row in messages.items():
            if row.guid is not None and key not in known:
                by_content.setdefault(content_key(row), []).append(key)
        gone: dict[str, list[str]] = {}
        for content, keys in by_content.items():
            shown = next(number for number in itertools.count() if copy_of(content, number + 1) not in messages)
            gone[content] = [copy_of(content, shown + number) for number in range(1, len(keys) + 1)]
        moments = self._state.handled(itertools.chain.from_iterable(gone.values())) if gone else {}
        named: dict[str, datetime] = {}
        for content, keys in by_content.items():
            old_keys = [old for old in gone[content] if moments.get(old, EARLIEST) > EARLIEST]
            for key, old in zip(keys, old_keys, strict=False):
                named |= {key: self._until, old: EARLIEST}
        return named


def _is_before(row: ReceivedSMS, since: datetime) -> bool:
    return row.received_at is not None and row.received_at < since


def now() -> datetime:
    return datetime.now(UTC)
