"""Finds messages in the log of sent SMS by number, text and time; each row belongs to one message at most.

`client.sms.find` looks for one message with it, the bulk sender for many. The caller decides how often to look, and
passes in the function that reads the log. What is compared is in comparison.py.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, Generic, NamedTuple, Protocol, TypeAlias, TypeVar

from .._input.phone_numbers import digits_of
from .._log_row import SentLogRow
from .._wire.values import UTC, read_bool
from .comparison import Precision, fingerprint, keyword_of

WINDOW = 600.0
"""Seconds that a row's date may differ from the attempt: clocks differ, and the service may accept slowly."""

ClockOffsets: TypeAlias = Callable[[], Iterable[float]]
"""Says how many seconds the service's clock is, or was, ahead of this machine's; nothing if that is not known."""

_PRECISIONS: tuple[Precision, ...] = ("text", "text_without_links", "number")


class Attempt(Protocol):
    """A send whose row is looked for. Times are Unix seconds."""

    @property
    def key(self) -> str:
        """The caller's name for it."""
        ...

    @property
    def number(self) -> str:
        """The recipient's number, digits only."""
        ...

    @property
    def fingerprint(self) -> str:
        """See `fingerprint`."""
        ...

    @property
    def precision(self) -> Precision:
        """What the fingerprint covers."""
        ...

    @property
    def attempted_at(self) -> float:
        """When the request left."""
        ...

    @property
    def until(self) -> float:
        """When the message was scheduled for, if that is later; the log may date its row by that (A)."""
        ...

    @property
    def outcome(self) -> str | None:
        """For other messages: "sent", "refused", "unknown", or None while it is in flight."""
        ...


class OtherMessages(Protocol):
    """What a journal knows of other messages, whose rows must not be taken."""

    def has(self, number: str, guid: str) -> bool:
        """Whether a message to this number has this GUID."""
        ...

    def without_guid(self, number: str, since: float) -> Sequence[Attempt]:
        """The messages to this number, attempted or scheduled since then, that may have a row but no known GUID."""
        ...


class Row(SentLogRow, Protocol):
    """A row of the log, with the keys of the wire that have no attribute."""

    @property
    def model_extra(self) -> dict[str, Any] | None:
        """The other keys, as the service sent them."""
        ...


RowT = TypeVar("RowT", bound=Row)
RowT_co = TypeVar("RowT_co", bound=Row, covariant=True)


class ReadPages(Protocol[RowT_co]):
    """Reads the log page by page, newest first: all rows, or those older than `before`, or that contain `keyword`."""

    def __call__(self, before: datetime | None = None, *, keyword: str | None = None) -> Iterator[Sequence[RowT_co]]:
        """Yield the pages."""
        ...


class _OneAttempt(NamedTuple):
    number: str
    fingerprint: str
    precision: Precision
    attempted_at: float
    until: float
    key: str = ""
    outcome: str | None = None


def refusal_in(row: Row) -> str | None:
    """Why the API refused the request that made the row; None if it accepted it. The log has refused ones too."""
    error = (row.model_extra or {}).get("error_api")
    return str(error) if error and read_bool(error) is not False else None


def find_one(
    pages: ReadPages[RowT],
    to: str,
    message: str,
    *,
    around: datetime,
    until: datetime | None,
    precision: Precision,
    clock_offsets: ClockOffsets,
) -> RowT | None:
    """The newest row that can be this message's; None if there is none."""
    number, attempted_at = digits_of(to), around.timestamp()
    latest = max(attempted_at, until.timestamp()) if until else attempted_at
    attempt = _OneAttempt(number, fingerprint(number, message, precision), precision, attempted_at, latest)
    found: dict[str, RowT] = {}
    has_number = find([attempt], pages, found, keyword=keyword_of(number), clock_offsets=clock_offsets)
    if not found and not has_number and finds_by_number(pages) is False:
        find([attempt], pages, found, clock_offsets=clock_offsets)
    return found.get(attempt.key)


def finds_by_number(pages: ReadPages[RowT]) -> bool | None:
    """Whether a keyword finds rows by the last digits of their number: tried with the newest row that has a number.

    Nothing documents how the service spells a number, or compares it. None if the log has no row to try it with.
    """
    for row in next(iter(pages()), ()):
        if row.guid is not None and (keyword := keyword_of(row.recipient)):
            return any(one.guid == row.guid for one in next(iter(pages(keyword=keyword)), ()))
    return None


def find(
    attempts: Sequence[Attempt],
    pages: ReadPages[RowT],
    found: dict[str, RowT],
    *,
    clock_offsets: ClockOffsets,
    keyword: str | None = None,
    others: OtherMessages | None = None,
) -> bool:
    """Read the log once, or its rows with a keyword, and add to `found` the rows that can only be of these attempts.

    With `others`, a row without a GUID proves nothing, and a row whose GUID another message has is not taken. If other
    messages look the same and have no known GUID, any such row may be theirs. Rows are dated by the service's clock;
    `clock_offsets` says how far it was ahead of ours, and is asked after each page.

    Returns whether there were rows with the attempts' numbers. What was found before a page failed stays in `found`.
    """
    search = _Search[RowT](attempts, found, others)
    if search.is_complete():
        return False
    for page in pages() if keyword is None else pages(keyword=keyword):
        search.clock_offsets.update(clock_offsets())
        search.offer(page)
        # The order within a page is assumed (A), so only a page that is older as a whole ends the search.
        if search.is_complete() or (page and all(search.is_too_old(row) for row in page)):
            break
    search.decide_undated(pages)
    return search.has_number


class _Search(Generic[RowT]):
    """What one reading of the log has found, and what is still missing."""

    def __init__(self, attempts: Iterable[Attempt], found: dict[str, RowT], others: OtherMessages | None) -> None:
        self.clock_offsets = {0.0}
        """Seconds that the service's clock may have been ahead of ours when it dated a row. It can be set meanwhile."""
        self.has_number = False
        self._found = found
        # Attempts that can be told by their text come first. Then the newest, as the rows come: of two that are alike,
        # each gets the row that is nearest in time.
        attempts = sorted(
            (one for one in attempts if one.key not in found),
            key=lambda one: (_PRECISIONS.index(one.precision), -one.attempted_at),
        )
        self._left = len(attempts)
        self._oldest = min((attempt.attempted_at for attempt in attempts), default=0.0)
        self._missing: defaultdict[str, list[Attempt]] = defaultdict(list)
        for attempt in attempts:
            self._missing[attempt.number].append(attempt)
        self._undated: list[RowT] = []
        self._others = others
        self._rivals: dict[str, list[Attempt]] = {}
        """By number, as they were after the page at hand had been read."""
        self._taken = {row.guid for row in found.values()}

    def is_complete(self) -> bool:
        return not self._left

    def is_too_old(self, row: RowT) -> bool:
        return row.created_at is not None and row.created_at.timestamp() < self._earliest(self._oldest)

    def offer(self, page: Sequence[RowT]) -> None:
        """Give the rows to their attempts. Rows without a date wait for `decide_undated`."""
        self._rivals.clear()
        for row in page:
            self._offer(row)

    def _offer(self, row: RowT) -> None:
        if digits_of(row.recipient) not in self._missing:
            return
        self.has_number = True
        if row.created_at is None:
            self._undated.append(row)
            return
        for attempt in self._matching(row):
            if self._is_within(attempt, row.created_at, WINDOW):
                self._assign(attempt, row)
                return

    def decide_undated(self, pages: ReadPages[RowT]) -> None:
        """Give rows without a date to their attempts, except those that the service calls older."""
        self._rivals.clear()
        candidates: defaultdict[str, list[RowT]] = defaultdict(list)
        attempts: dict[str, Attempt] = {}
        for row in self._undated:
            if attempt := next(self._matching(row), None):
                candidates[attempt.key].append(row)
                attempts[attempt.key] = attempt
        for key, attempt in attempts.items():
            since = datetime.fromtimestamp(max(self._earliest(attempt.attempted_at), 0.0), UTC)
            rows = candidates[key]
            older_pages = pages(since, keyword=keyword_of(attempt.number))
            while rows and (page := next(older_pages, None)) is not None:
                older = {row.guid for row in page}
                rows = [row for row in rows if row.guid not in older]
            for row in rows:
                if self._assign(attempt, row):
                    break

    def _matching(self, row: RowT) -> Iterator[Attempt]:
        """The attempts with the row's number and text, if the row does not belong to another message."""
        number = digits_of(row.recipient)
        for attempt in self._missing[number]:
            if _matches(attempt, row) and not self._belongs_to_another(number, row.guid):
                yield attempt

    def _belongs_to_another(self, number: str, guid: str | None) -> bool:
        if self._others is None:
            return False
        self._rivals_of(number)  # before the GUID: whoever gets one in between is in one of both answers
        return guid is None or guid in self._taken or self._others.has(number, guid)

    def _assign(self, attempt: Attempt, row: RowT) -> bool:
        """Give the row to the attempt, unless it may be the row of a message whose GUID nobody knows."""
        self._taken.add(row.guid)
        for rival in self._rivals_of(attempt.number):
            if rival.key != attempt.key and self._may_be_of_rival(rival, attempt, row):
                return False
        self._missing[attempt.number].remove(attempt)
        self._left -= 1
        self._found[attempt.key] = row
        return True

    def _rivals_of(self, number: str) -> list[Attempt]:
        """The messages to this number whose GUID nobody knows, from around that time on."""
        if self._others is None:
            return []
        if number not in self._rivals:
            self._rivals[number] = list(self._others.without_guid(number, self._oldest - 2 * WINDOW))
        return self._rivals[number]

    def _may_be_of_rival(self, rival: Attempt, attempt: Attempt, row: RowT) -> bool:
        """Whether the row of an attempt may as well belong to a rival."""
        if not _matches(rival, row):
            return False
        if row.created_at is not None and not self._is_within(rival, row.created_at, 2 * WINDOW):
            return False
        if rival.outcome in {None, "unknown"}:  # a row with the attempt's very text is none of an encrypted rival
            return attempt.precision != "text" or rival.precision != "number"
        return rival.outcome == ("refused" if refusal_in(row) else "sent")

    def _is_within(self, attempt: Attempt, moment: datetime, window: float) -> bool:
        """Whether the row of this moment may be the attempt's, by our clock or by the service's."""
        return any(
            attempt.attempted_at - window <= moment.timestamp() - offset <= attempt.until + window
            for offset in self.clock_offsets
        )

    def _earliest(self, attempted_at: float) -> float:
        """The earliest date that the row of an attempt may have."""
        return attempted_at + min(self.clock_offsets) - WINDOW


def _matches(attempt: Attempt, row: Row) -> bool:
    """Whether the row, which has the attempt's number, has its text, as far as that can be told."""
    return fingerprint(attempt.number, row.message, attempt.precision) == attempt.fingerprint
