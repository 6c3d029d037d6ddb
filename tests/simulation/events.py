"""The world of a webhook event: deliveries of it to `WebhookEndpoint`, and the store that these share.

The code that ships runs: the endpoint and MemoryEventStore. Left out is what reads a request (signatures, bodies).
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest

from smsmobile.errors import StorageError
from smsmobile.webhooks import Claim, MemoryEventStore, WebhookEndpoint
from smsmobile.webhooks.events import read_event

from .programs import Moment, Point, Process, Question, Raised, ask
from .scheduler import LAST, LEASE, Owner, World

EVENT = b"""{"id": "8e9a1207-e3a4-4550-a4af-3dad6cff5108", "type": "sms.sent", "api_version": "2026-09-22",
 "created_at": "2026-09-23T12:00:01Z", "occurred_at": "2026-09-23T12:00:00Z", "data": {}}"""
_STORE = (("goes on", ""), ("fails before", "store"), ("fails after", "store"))
_WAYS: dict[str, Sequence[tuple[str, str]]] = {
    **dict.fromkeys(("claim", "done", "release"), _STORE),
    "begin": (("goes on", ""),),
    "finish": (("goes on", ""), ("fails", "failures")),
    "sleep": (("goes on", ""),),
}


_next_token = [""]
"""Names the next claim: by its owner and the time, so that the order of claims makes no difference."""


class Run(NamedTuple):
    """What a delivery that got the event has come to."""

    claimed_at: float
    """By the clock of the store."""
    state: str = "claimed"
    """claimed, begun, finished, done or failed."""
    may_be_repeated: bool = False
    """Its process died, or the store failed, or the store's clock was set."""


class EventWorld(World):
    """Deliveries of one event, and what they share.

    - A handler begins, and then finishes or fails. Its process can be killed in between, like anywhere else.
    - A delivery that is not acknowledged with 2xx comes again some seconds later. One whose process was killed was not.
    - An event is acknowledged only if a handler has finished.
    - A handler that runs or has finished is not begun again, unless its process was killed before `done`, its lease was
      over by then, or the store failed; or unless the lease of the process that begins it is over.
    - Once the event is `done`, nobody gets it.
    - If a handler fails, the next delivery gets the event at once. In the end, the event is acknowledged.
    """

    reads = frozenset({"sleep"})

    def __init__(
        self,
        owners: Sequence[Owner],
        budget: dict[str, int],
        last: Callable[[], Point],
        store: MemoryEventStore,
    ) -> None:
        self.runs: dict[str, Run] = {}
        """By owner: of its last claim."""
        self.is_finished = False
        self.is_acknowledged = False
        self._store = store
        self._tokens: dict[str, dict[str, str]] = {}
        """What OwnClaims knows, by owner."""
        super().__init__(owners, budget, last)

    def state(self) -> Hashable:
        store = (tuple(self._store._done.items()), tuple(self._store._claimed.items()))
        own = frozenset((name, *tokens.items()) for name, tokens in self._tokens.items())
        return (super().state(), store, own, frozenset(self.runs.items()), self.is_finished, self.is_acknowledged)

    def ways(self, question: Question) -> Sequence[tuple[str, str]]:
        return _WAYS[question.kind]

    def answer(self, owner: Owner, question: Question, what: str) -> Hashable:
        if question.kind == "begin":
            self._begin(owner)
        elif question.kind == "finish":
            self._put_run(owner, state="finished" if what == "goes on" else "failed")
            self.is_finished = self.is_finished or what == "goes on"
            return Raised(RuntimeError, "The handler has failed.") if what == "fails" else None
        elif question.kind != "sleep":
            return self._ask_store(owner, question, what)
        return None

    def _ask_store(self, owner: Owner, question: Question, what: str) -> Hashable:
        if what != "goes on" and owner.name in self.runs:
            self._put_run(owner, may_be_repeated=True)
        if what == "fails before":
            return Raised(StorageError, "The store cannot be reached.")
        _next_token[:] = [f"{owner.name} at {self.now}"]
        learned = getattr(self._own_store(owner), question.kind)(*question.arguments)
        self._tokens = {**self._tokens, owner.name: self._store._own._tokens}
        if learned is Claim.NEW:
            if any(run.state == "done" for run in self.runs.values()):
                self.broken = "the event was given away again after it was done."
            self.runs = {**self.runs, owner.name: Run(self._store_time(), may_be_repeated=what != "goes on")}
        if question.kind == "done" and owner.name in self.runs:
            run = self.runs[owner.name]
            self._put_run(owner, state="done", may_be_repeated=self._is_over(run))
        if what == "fails after":
            return Raised(StorageError, "The store has not answered.")
        return learned  # type: ignore[no-any-return]

    def _own_store(self, owner: Owner) -> MemoryEventStore:
        """The store of this world, as this owner's process sees it."""
        self._store = copy.copy(self._store)
        self._store._done = dict(self._store._done)
        self._store._claimed = dict(self._store._claimed)
        self._store._own = SimpleTokens(self._tokens.get(owner.name, {}))  # type: ignore[assignment]
        self._store._clock = self._store_time
        return self._store

    def _store_time(self) -> float:
        return self.now + self.store_clock

    def _begin(self, owner: Owner) -> None:
        own = self.runs.get(owner.name)
        for name, run in self.runs.items():
            if own is not None and self._is_over(own):
                break  # a process that was stopped for so long cannot know what has happened since
            if name != owner.name and run.state in {"begun", "finished", "done"} and not self._is_over(run):
                self.broken = "a handler was begun while another had the event, or again after it had finished."
        self._put_run(owner, state="begun")

    def _is_over(self, run: Run) -> bool:
        return run.may_be_repeated or self._store_time() - run.claimed_at >= LEASE

    def _put_run(self, owner: Owner, **changes: Any) -> None:
        if owner.name in self.runs:
            self.runs = {**self.runs, owner.name: self.runs[owner.name]._replace(**changes)}

    def killed(self, owner: Owner, question: Question) -> None:
        super().killed(owner, question)
        self._put_run(owner, may_be_repeated=True)

    def note_doubt(self, key: str) -> None:
        """A clock was set, for example."""

    def _pass_time(self, action: Any) -> None:
        super()._pass_time(action)
        if action.what in {"is set ahead", "is set back"}:
            self.runs = {name: run._replace(may_be_repeated=True) for name, run in self.runs.items()}

    def note(self, owner: Owner, question: Question) -> None:
        is_good = 200 <= int(question.arguments[0]) < 300  # type: ignore[call-overload]
        if is_good and not self.is_finished:
            self.broken = "the event was acknowledged, and no handler has finished."
        run = self.runs.get(owner.name)
        if run is not None and run.state == "failed" and not run.may_be_repeated and self._tokens[owner.name]:
            self.broken = "a handler failed, and the event was not released."
        self.is_acknowledged = is_good

    def check_end(self) -> str:
        return "" if self.is_acknowledged else "the event is not acknowledged in the end."


class SimpleTokens:
    """OwnClaims of one process."""

    def __init__(self, tokens: dict[str, str]) -> None:
        self._tokens = dict(tokens)

    def keep(self, event_id: str, token: str) -> None:
        self._tokens[event_id] = token

    def token(self, event_id: str) -> str | None:
        return self._tokens.get(event_id)

    def drop(self, event_id: str) -> None:
        self._tokens.pop(event_id, None)


class SharedStore:
    """The store as an endpoint sees it."""

    def claim(self, event_id: str) -> Claim:
        return ask("claim", event_id)  # type: ignore[no-any-return]

    def done(self, event_id: str) -> None:
        ask("done", event_id)

    def release(self, event_id: str) -> None:
        ask("release", event_id)


def delivers(times: int) -> Callable[[Process], None]:
    """Deliver the event until it is acknowledged, so often at most."""
    event = read_event(EVENT, signed=True)

    def handle(_event: object) -> None:
        ask("begin")
        ask("finish")

    def run(_process: Process) -> None:
        receiver: Any = SimpleNamespace(receive=lambda _body, _headers: event)
        endpoint = WebhookEndpoint(receiver, SharedStore(), handle)
        for _ in range(times):
            answer = endpoint.answer("POST", EVENT, {})
            ask("say", answer.status)
            if answer.status < 300:
                return
            ask("sleep", 10.0)

    return run


def delivered(
    budget: dict[str, int], names: str = "AB", *, kind: type[MemoryEventStore] = MemoryEventStore
) -> EventWorld:
    """A world to explore: deliveries of one event at the same time, each repeated once if it is not acknowledged."""

    def moment(name: str, times: int) -> Moment:
        return Moment(lambda: Process(name, delivers(times)))

    last = moment(LAST, 8)
    return EventWorld([Owner(name, moment(name, 2)) for name in names], budget, lambda: last, kind(lease=LEASE))


@contextmanager
def simulated_server() -> Iterator[None]:
    """No log, and claims whose names do not depend on chance."""
    with pytest.MonkeyPatch.context() as patch:
        quiet = SimpleNamespace(exception=lambda *_: None, warning=lambda *_: None)
        patch.setattr("smsmobile.webhooks.endpoint.log", quiet)
        patch.setattr("smsmobile.webhooks.stores.new_token", lambda: _next_token[0])
        yield
