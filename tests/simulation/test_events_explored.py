"""Deliveries of one webhook event at one time: everything that can happen, in every order, up to so many faults."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import pytest

from smsmobile.webhooks import Claim, MemoryEventStore, WebhookAnswer, WebhookEndpoint
from smsmobile.webhooks.events import SMSSent

from .events import delivered, simulated_server
from .scheduler import explore
from .story import told

FAULTS = {"crashes": 2, "failures": 2, "delays": 1}


@pytest.fixture(autouse=True)
def _server() -> Iterator[None]:
    with simulated_server():
        yield


def test_an_event_is_acknowledged_only_when_it_is_handled_whatever_happens(subtests: pytest.Subtests) -> None:
    for name, names, budget in (
        ("two deliveries", "AB", FAULTS),
        ("three deliveries", "ABC", {"crashes": 1, "failures": 1}),
        ("a store that fails", "AB", {"crashes": 1, "failures": 1, "store": 1}),
        ("a clock that is set", "AB", {"crashes": 1, "jumps": 1}),
    ):
        with subtests.test(name):
            explored = explore(delivered(budget, names))
            faults = ", ".join(f"{count} {fault}" for fault, count in budget.items())
            print(f"{name}, {faults}: {explored.states} states, {explored.actions} actions, {explored.ends} ends")
            assert not explored.broken, f"{explored.broken}\n{told(explored.story)}"
            assert explored.ends


@pytest.mark.long
@pytest.mark.timeout(900)
def test_the_same_with_all_faults() -> None:
    explored = explore(delivered({"crashes": 1, "failures": 1, "delays": 1, "store": 1, "jumps": 1}))
    print(explored[:3])
    assert not explored.broken, f"{explored.broken}\n{told(explored.story)}"


# --- endpoints that lack one precaution -----------------------------------------------------------------------------

Handle = Callable[[WebhookEndpoint, SMSSent], WebhookAnswer]
YES, FAILED, BUSY = WebhookAnswer(202, ""), WebhookAnswer(500, ""), WebhookAnswer(503, "")


def call_handlers(endpoint: WebhookEndpoint, event: SMSSent) -> bool:
    """Whether all handlers have finished."""
    try:
        for _types, handler in endpoint._handlers:
            handler(event)
    except RuntimeError:
        return False
    return True


def done_before_the_handler(endpoint: WebhookEndpoint, event: SMSSent) -> WebhookAnswer:
    claim = endpoint._store.claim(event.id)
    if claim is not Claim.NEW:
        return YES if claim is Claim.DONE else BUSY
    endpoint._store.done(event.id)
    if call_handlers(endpoint, event):
        return YES
    endpoint._store.release(event.id)
    return FAILED


def busy_is_a_duplicate(endpoint: WebhookEndpoint, event: SMSSent) -> WebhookAnswer:
    if endpoint._store.claim(event.id) is not Claim.NEW:
        return YES
    if call_handlers(endpoint, event):
        endpoint._store.done(event.id)
        return YES
    endpoint._store.release(event.id)
    return FAILED


def busy_is_new(endpoint: WebhookEndpoint, event: SMSSent) -> WebhookAnswer:
    if endpoint._store.claim(event.id) is Claim.DONE:
        return YES
    if call_handlers(endpoint, event):
        endpoint._store.done(event.id)
        return YES
    endpoint._store.release(event.id)
    return FAILED


def no_release(endpoint: WebhookEndpoint, event: SMSSent) -> WebhookAnswer:
    claim = endpoint._store.claim(event.id)
    if claim is not Claim.NEW:
        return YES if claim is Claim.DONE else BUSY
    if call_handlers(endpoint, event):
        endpoint._store.done(event.id)
        return YES
    return FAILED


def yes_after_a_failure(endpoint: WebhookEndpoint, event: SMSSent) -> WebhookAnswer:
    claim = endpoint._store.claim(event.id)
    if claim is not Claim.NEW:
        return YES if claim is Claim.DONE else BUSY
    if call_handlers(endpoint, event):
        endpoint._store.done(event.id)
    else:
        endpoint._store.release(event.id)
    return YES


class ForgetsWhatIsDone(MemoryEventStore):
    """`done` only ends the claim."""

    def done(self, event_id: str) -> None:
        self.release(event_id)


class Mutation(NamedTuple):
    name: str
    broken: str
    budget: dict[str, int]
    handle: Handle | None = None
    kind: type[MemoryEventStore] = MemoryEventStore


MUTATIONS = (
    Mutation("done before the handler", "no handler has finished.", {}, done_before_the_handler),
    Mutation("busy is a duplicate", "no handler has finished.", {}, busy_is_a_duplicate),
    Mutation("busy is new", "while another had the event, or again after it had finished.", {}, busy_is_new),
    Mutation("no release", "was not released.", {"failures": 1}, no_release),
    Mutation("yes after a failure", "no handler has finished.", {"failures": 1}, yes_after_a_failure),
    Mutation("the store forgets what is done", "was done.", {}, kind=ForgetsWhatIsDone),
)


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_the_search_finds_what_a_missing_precaution_breaks(mutation: Mutation, monkeypatch: pytest.MonkeyPatch) -> None:
    assert explore(delivered(mutation.budget)).broken == ""
    if mutation.handle is not None:
        monkeypatch.setattr(
            WebhookEndpoint, "_handle_once", lambda endpoint, event, _key: mutation.handle(endpoint, event)
        )
    explored = explore(delivered(mutation.budget, kind=mutation.kind))
    print(f"{mutation.name}, after {explored.states} states: {explored.broken}\n{told(explored.story)}")
    assert explored.broken.endswith(mutation.broken), explored.broken
