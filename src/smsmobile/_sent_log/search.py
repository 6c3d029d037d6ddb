"""Finds messages in the log of sent SMS by number, text and time; each row belongs to one message at most.

`client.sms.find` looks for one message with it, the bulk sender for many. The caller decides how often to look, and
passes in the function that reads the log.
"""

from __future__ import annotations

import hashlib
import html
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, Generic, Literal, NamedTuple, Protocol, TypeAlias, TypeVar

from .._input.phone_numbers import digits_of
from .._log_row import SentLogRow
from .._wire.values import UTC, read_bool

WINDOW = 600.0
"""Seconds that a row's date may differ from the attempt: clocks differ, and the service may accept slowly."""

Precision: TypeAlias = Literal["text", "text_without_links", "number"]
"""What a message and its row have in common: the text, the text but for its links, or the number alone."""

_PRECISIONS: tuple[Precision, ...] = ("text", "text_without_links", "number")
_LINK = re.compile(r"(?:https?://|www\.)\S+|\b[\w.-]+\.\w{2,}/\S+")


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
    """Reads the log page by page, newest first: all of it, or rows older than `before` that contain `keyword`."""

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


def precision_of(*, shorten_urls: bool, encrypt: bool) -> Precision:
    """What can be compared: the service may replace links, or keep a text that nobody can read."""
    return "number" if encrypt else "text_without_links" if shorten_urls else "text"


def comparable(text: str | None, *, without_links: bool) -> str:
    """A text as it compares: the service may change white space, and writes `&` and `<` as HTML does."""
    text = " ".join(html.unescape(text or "").split())
    return _LINK.sub("<link>", text) if without_links else text


def fingerprint(number: str, text: str | None, precision: Precision) -> str:
    """A hash that is the same for a message and for its row in the log."""
    text = "" if precision == "number" else comparable(text, without_links=precision == "text_without_links")
    return hashlib.sha256(f"{number}\n{text}".encode("utf-8", "surrogatepass")).hexdigest()[:32]


def refusal_in(row: Row) -> str | None:
    """Why the API refused the request that made the row; None if it accepted it. The log has refused ones too."""
    error = (row.model_extra or {}).get("error_api")
    return str(error) if error and read_bool(error) is not False else None


def find_one(
    pages: ReadPages[RowT], to: str, message: str, *, around: datetime, until: datetime | None, precision: Precision
) -> RowT | None:
    """The newest row that can be this message's; None if there is none."""
    number, attempted_at = digits_of(to), around.timestamp()
    latest = max(attempted_at, until.timestamp()) if until else attempted_at
    attempt = _OneAttempt(number, fingerprint(number, message, precision), precision, attempted_at, latest)
    return find([attempt], pages).get(attempt.key)


def find(
    attempts: Sequence[Attempt],
    pages: ReadPages[RowT],
    *,
    others: OtherMessages | None = None,
    taken: Iterable[str | None] = (),
) -> dict[str, RowT]:
    """Read the log once. Returns the rows that can only belong to these attempts, by their keys.

    With `others`, a row without a GUID proves nothing, and a row whose GUID another message has is not taken. If other
    messages look the same and have no known GUID, as many rows may be theirs. `taken` are GUIDs found earlier.
    """
    if not attempts:
        return {}
    search = _Search[RowT](attempts, others, taken)
    for page in pages():
        for row in page:
            search.offer(row)
        # The order within a page is assumed (A), so only a page that is older as a whole ends the search.
        if search.is_complete or (page and all(search.is_too_old(row) for row in page)):
            break
    search.decide_undated(pages)
    return search.found


class _Search(Generic[RowT]):
    """What one reading of the log has found, and what is still missing."""

    def __init__(self, attempts: Sequence[Attempt], others: OtherMessages | None, taken: Iterable[str | None]) -> None:
        self.found: dict[str, RowT] = {}
        # Attempts that can be told by their text come first. Then the newest, as the rows come: of two that are alike,
        # each gets the row that is nearest in time.
        attempts = sorted(attempts, key=lambda one: (_PRECISIONS.index(one.precision), -one.attempted_at))
        self._count = len(attempts)
        self._oldest = min(attempt.attempted_at for attempt in attempts)
        self._missing: defaultdict[str, list[Attempt]] = defaultdict(list)
        for attempt in attempts:
            self._missing[attempt.number].append(attempt)
        self._undated: list[RowT] = []
        self._others = others
        self._rivals: dict[str, list[Attempt]] = {}
        self._taken = set(taken)

    @property
    def is_complete(self) -> bool:
        return len(self.found) == self._count

    def is_too_old(self, row: RowT) -> bool:
        return row.created_at is not None and row.created_at.timestamp() < self._oldest - WINDOW

    def offer(self, row: RowT) -> None:
        """Give a row to its attempt, if it has one. Rows without a date wait for `decide_undated`."""
        if digits_of(row.recipient) not in self._missing:
            return
        if row.created_at is None:
            self._undated.append(row)
            return
        for attempt in self._matching(row):
            if _is_within(attempt, row.created_at, WINDOW):
                self._assign(attempt, row)
                return

    def decide_undated(self, pages: ReadPages[RowT]) -> None:
        """Give rows without a date to their attempts, except those that the service calls older."""
        candidates: defaultdict[str, list[RowT]] = defaultdict(list)
        attempts: dict[str, Attempt] = {}
        for row in self._undated:
            if attempt := next(self._matching(row), None):
                candidates[attempt.key].append(row)
                attempts[attempt.key] = attempt
        for key, attempt in attempts.items():
            since = datetime.fromtimestamp(max(attempt.attempted_at - WINDOW, 0.0), UTC)
            rows = candidates[key]
            older_pages = pages(since, keyword=attempt.number)
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
        return guid is None or guid in self._taken or self._others.has(number, guid)

    def _assign(self, attempt: Attempt, row: RowT) -> bool:
        """Give the row to the attempt, unless it may be the row of a message whose GUID nobody knows."""
        self._taken.add(row.guid)
        rivals = self._rivals_of(attempt)
        for rival in rivals:
            if rival.key != attempt.key and _may_be_of_rival(rival, attempt, row):
                rivals.remove(rival)
                return False
        self._missing[attempt.number].remove(attempt)
        self.found[attempt.key] = row
        return True

    def _rivals_of(self, attempt: Attempt) -> list[Attempt]:
        """The messages to the same number whose GUID nobody knows, from around that time on."""
        if self._others is None:
            return []
        if attempt.number not in self._rivals:
            since = self._oldest - 2 * WINDOW
            self._rivals[attempt.number] = list(self._others.without_guid(attempt.number, since))
        return self._rivals[attempt.number]


def _matches(attempt: Attempt, row: Row) -> bool:
    """Whether the row, which has the attempt's number, has its text, as far as that can be told."""
    return fingerprint(attempt.number, row.message, attempt.precision) == attempt.fingerprint


def _is_within(attempt: Attempt, moment: datetime, window: float) -> bool:
    return attempt.attempted_at - window <= moment.timestamp() <= attempt.until + window


def _may_be_of_rival(rival: Attempt, attempt: Attempt, row: Row) -> bool:
    """Whether the row of an attempt may as well belong to a rival."""
    if not _matches(rival, row):
        return False
    if row.created_at is not None and not _is_within(rival, row.created_at, 2 * WINDOW):
        return False
    if rival.outcome in {None, "unknown"}:
        # If the row has exactly the attempt's text, it does not matter whose row it is: both texts are the same.
        return attempt.precision != "text"
    return rival.outcome == ("refused" if refusal_in(row) else "sent")
