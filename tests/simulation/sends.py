"""The world of `send_once`: a journal, a service with its phone's sent log, and the requests between them.

The rules are those of the contract, and no more: see `SendWorld`.
"""

from __future__ import annotations

import copy
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Sequence
from typing import Any, NamedTuple

from smsmobile.delivery import MemoryJournal
from smsmobile.delivery.journals import JournalEntry, look_alike
from smsmobile.errors import ConnectionFailed, SendOutcomeUnknown, StorageError

from .programs import Point, Question, Raised
from .promises import Message, Promises
from .scheduler import LEASE, Action, Owner, World

LATE = 45.0
"""Seconds after which a late row is in the log."""
PAGE = 20
"""Rows of one answer."""
_LINK = re.compile(r"https?://\S+")

WRITES = ("claim", "start", "settle", "keep_back", "withdraw", "renew", "release", "forget", "abandoned")
READS = ("unknown", "has", "without_guid", "get", "entries")
_WAYS: dict[str, Sequence[tuple[str, str]]] = {
    **dict.fromkeys(WRITES, (("goes on", ""), ("fails before", "store"), ("fails after", "store"))),
    **dict.fromkeys(READS, (("goes on", ""), ("fails before", "store"))),
    "leave": (("goes on", ""), ("does not leave", "unsent")),
    "log": (("goes on", ""), ("cannot be read", "unread")),
    "listed": (("goes on", ""), ("is listed", "suppressions")),
    "sleep": (("goes on", ""),),
}


class Request(NamedTuple):
    """A request to send a message."""

    name: str
    key: str
    number: str
    text: str
    state: str
    """flying, lost, accepted, refused, offline"""
    is_awaited: bool = True


class Row(NamedTuple):
    """A row of the sent log."""

    guid: str
    key: str
    """Of which message it is. Owners do not see that."""
    number: str
    text: str
    at: float
    """When the service accepted or refused it, Unix seconds of its clock."""
    listed_at: float
    """When the log shows it."""
    is_refused: bool


class SendWorld(World):
    """Owners that call `send_once`, and what they share.

    - A request leaves, or it provably does not. Once it has left it is on its own: it arrives at any later time, even
      if its sender is killed or has given up by then; or it gets lost.
    - The service accepts a request that arrives, or refuses it, for its own sake or because the phone is offline. It
      gets no request twice.
    - Whoever waits reads the answer, which may have no GUID; or it gets lost; or he gives up before it is there.
    - An accepted message is in the log at once, or `LATE` seconds later. One that was refused for its own sake is in
      the log as well.
    - The recipient may be on the list of those who get no more messages, and not be on it when somebody looks again.
    - The journal is a MemoryJournal. It may fail before or after it has done something.
    """

    reads = frozenset({*READS, "log", "listed", "sleep"})

    def __init__(
        self,
        owners: Sequence[Owner],
        budget: dict[str, int],
        last: Callable[[], Point],
        *,
        messages: Sequence[Message],
        journal: MemoryJournal | None = None,
        service_clock: float = 0.0,
    ) -> None:
        self.messages = {message.key: message for message in messages}
        self.promises = Promises(messages)
        self.service_clock = service_clock
        """Seconds that the service's clock is ahead."""
        self.requests: dict[str, Request] = {}
        self.rows: tuple[Row, ...] = ()
        """The oldest first."""
        self._journal = journal or MemoryJournal(LEASE)
        self._is_borrowed = False
        """Whether another world has the journal too."""
        super().__init__(owners, budget, last)

    def copy(self) -> SendWorld:
        twin = super().copy()
        twin._is_borrowed = True
        return twin

    def state(self) -> Hashable:
        records = tuple(self._journal._records.values())
        return (super().state(), records, frozenset(self.requests.values()), self.rows, self.promises.state())

    def _own_journal(self) -> MemoryJournal:
        """The journal of this world alone, by this world's clock."""
        if self._is_borrowed:
            self._journal, old = copy.copy(self._journal), self._journal
            self._journal._records = dict(old._records)
            for name in ("_keys", "_in_flight"):
                keys = {number: dict(its) for number, its in getattr(old, name).items()}
                setattr(self._journal, name, defaultdict(dict, keys))
            self._is_borrowed = False
        self._journal._clock = lambda: self.now + self.store_clock
        return self._journal

    # What owners ask.

    def ways(self, question: Question) -> Sequence[tuple[str, str]]:
        if question.kind != "answer":
            return _WAYS[question.kind]
        state = self.requests[str(question.arguments[0])].state
        if state == "flying":
            return (("gives up", "lost"), ("is interrupted", "interruptions"))
        if state == "lost":
            return (("gives up", ""),)
        ways = (("goes on", ""), ("does not get the answer", "lost"), ("is interrupted", "interruptions"))
        return (*ways, ("gets no GUID", "nameless")) if state == "accepted" else ways

    def answer(self, owner: Owner, question: Question, what: str) -> Hashable:
        kind, key, arguments = question
        if kind == "sleep":
            return None
        if kind == "leave":
            return self._leave(owner, key, arguments, what)
        if kind == "answer":
            return self._read_answer(owner, str(arguments[0]), what)
        if kind == "listed":
            return what == "is listed"
        if kind == "log":
            if what == "cannot be read":
                return Raised(ConnectionFailed, "The connection broke.")
            keyword, before = arguments
            return self._log(owner, str(keyword), before)  # type: ignore[arg-type]
        return self._ask_journal(kind, key, arguments, what)

    def _ask_journal(self, kind: str, key: str, arguments: tuple[Any, ...], what: str) -> Hashable:
        if what != "goes on":
            self.note_doubt(key)
        if what == "fails before":
            return Raised(StorageError, "The store cannot be reached.")
        learned: Any
        if kind in READS:
            learned = getattr(self._journal, kind)(*arguments)
        else:
            journal = self._own_journal()
            if kind == "settle":
                entry, outcome, guid, reason = arguments
                learned = journal.settle(entry, outcome, guid=guid, reason=reason)
            else:
                learned = getattr(journal, kind)(*arguments)
            self._judge(journal, kind, arguments)
        if what == "fails after":
            return Raised(StorageError, "The store has not answered.")
        return tuple(learned) if isinstance(learned, list) else learned

    def _leave(self, owner: Owner, key: str, arguments: tuple[Any, ...], what: str) -> Hashable:
        if what == "does not leave":
            return Raised(ConnectionFailed, "The service could not be reached.")
        name, number, text, is_shortened, is_encrypted = arguments
        if is_shortened:
            text = _LINK.sub(f"https://short.example/{name}", text)
        if is_encrypted:
            text = "#" * len(text)
        self._put_request(Request(name, key, number, text, "flying"))
        return None

    def _read_answer(self, owner: Owner, name: str, what: str) -> Hashable:
        request = self.requests[name]
        if what in {"goes on", "gets no GUID"}:
            self._end_request(name)
            return (self._clock_offset(owner), request.state if what == "goes on" else "nameless")
        self.note_doubt(request.key)
        if request.state == "flying":
            self._put_request(request._replace(is_awaited=False))
        else:
            self._end_request(name)
        return Raised(InterruptedError if what == "is interrupted" else SendOutcomeUnknown, "No answer arrived.")

    def _log(self, owner: Owner, keyword: str, before: str | float) -> Hashable:
        rows = [row for row in reversed(self.rows) if row.listed_at <= self.now]
        if isinstance(before, str) and before:
            guids = [row.guid for row in rows]
            rows = rows[guids.index(before) + 1 :] if before in guids else []
        elif before:
            rows = [row for row in rows if row.at < float(before)]
        if keyword:
            rows = [row for row in rows if keyword in row.number or keyword in row.text]
        return (self._clock_offset(owner), *rows[:PAGE])

    def _clock_offset(self, owner: Owner) -> float:
        return self.service_clock - owner.clock

    # What happens by itself.

    def around(self) -> list[Action]:
        found = []
        for request in self.requests.values():
            if request.state == "flying":
                for what, cost in (
                    ("is accepted", ""),
                    ("is accepted, and listed late", "late"),
                    ("is refused", "refusals"),
                    ("meets an offline phone", "offline"),
                    ("is lost", "lost" if request.is_awaited else ""),
                ):
                    if not cost or self.budget.get(cost):
                        found.append(Action(request.name, what, request.key, cost))
        return found

    def happen(self, action: Action) -> None:
        request = self.requests[action.who]
        if action.what.startswith("is accepted"):
            self._accept(request, late=action.cost == "late")
            state = "accepted"
        elif action.what == "is refused":
            self._list(request, is_refused=True)
            state = "refused"
        else:
            state = "lost" if action.what == "is lost" else "offline"
        if state == "lost":
            self.note_doubt(request.key)
        if request.is_awaited:
            self._put_request(request._replace(state=state))
        else:
            self._end_request(request.name)

    def _accept(self, request: Request, *, late: bool) -> None:
        self._list(request, late=late)
        self.promises, self.broken = self.promises.accepted(request.key)

    def _list(self, request: Request, *, late: bool = False, is_refused: bool = False) -> None:
        at = self.now + self.service_clock
        row = Row(request.name, request.key, request.number, request.text, at, self.now + LATE * late, is_refused)
        self.rows = (*self.rows, row)

    def killed(self, owner: Owner, question: Question) -> None:
        super().killed(owner, question)
        if question.kind == "answer":
            request = self._end_request(str(question.arguments[0]))
            if request.state == "flying":
                self._put_request(request._replace(is_awaited=False))

    def _put_request(self, request: Request) -> None:
        self.requests = {**self.requests, request.name: request}

    def _end_request(self, name: str) -> Request:
        self.requests = dict(self.requests)
        return self.requests.pop(name)

    # What was promised.

    def note_doubt(self, key: str) -> None:
        self.promises = self.promises.doubted(key)

    def note(self, owner: Owner, question: Question) -> None:
        self.promises, broken = self.promises.told(question.about, question.arguments[0])  # type: ignore[arg-type]
        self.broken = self.broken or broken

    def _judge(self, journal: MemoryJournal, kind: str, arguments: tuple[Any, ...]) -> None:
        """Look at what a write to the journal has changed."""
        entries = arguments[0] if kind in {"claim", "withdraw", "renew", "release"} else arguments[:1]
        for entry in () if kind in {"abandoned", "forget"} else entries:
            record = journal._records.get(entry.key)
            self.promises, broken = self.promises.recorded(entry.key, record and record.entry.outcome)
            self.broken = self.broken or broken
            if record is not None and record.is_started and record.entry.outcome is None:
                self._judge_look_alikes(journal, record.entry)

    def _judge_look_alikes(self, journal: MemoryJournal, entry: JournalEntry) -> None:
        now = self.now + self.store_clock
        for key in journal._keys[entry.number]:
            other = journal._records[key]
            begin, end = other.lease
            is_in_flight = other.is_started and other.entry.outcome is None and begin <= now < end
            if is_in_flight and key != entry.key and look_alike(entry, other.entry):
                self.broken = self.broken or f"{key} and {entry.key}, which look alike, were in flight at one time."

    def check_end(self) -> str:
        numbers = Counter(message.to for message in self.messages.values())
        shown = {row.key for row in self.rows if numbers[self.messages[row.key].to] == 1}
        return self.promises.broken_at_the_end(shown)
