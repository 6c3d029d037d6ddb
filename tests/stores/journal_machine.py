"""Several owners use a journal in any order, stop, and are late: it answers as `MemoryJournal` does.

SMSMOBILE_EXAMPLES sets the number of examples.
"""

from __future__ import annotations

import itertools
import os
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from smsmobile.delivery import ClaimState, Journal, JournalEntry, MemoryJournal, MessageClaim, SendStatus

if TYPE_CHECKING:
    from .journal_rules import Journals

LEASE = 60.0
"""Seconds: that of every journal in these tests."""
NUMBERS = ("33639985678", "33639985432")
OWNERS = range(3)

owners = st.sampled_from(OWNERS)
keys = st.sampled_from("abcd")
looks = st.sampled_from(["x", "x", "y", ""])
numbers = st.sampled_from(NUMBERS)
moments = st.sampled_from([1000.0, 2000.0, 3000.5])
messages = st.tuples(keys, numbers, looks, moments)
choices = st.lists(st.integers(0, 5), min_size=1, max_size=3)


class JournalMachine(RuleBasedStateMachine):
    """Each step is done by the journal and by the model, and they say the same."""

    def __init__(self, journals: Journals) -> None:
        super().__init__()
        journals.clear()
        self.journals = journals
        self.now = 1_700_000_000.0
        self.model = MemoryJournal(LEASE, clock=lambda: self.now)
        self.tokens = map("token {}".format, itertools.count())
        self.held: list[list[JournalEntry]] = [[] for _ in OWNERS]
        """What each owner believes to be its own, whether or not that is still so."""

    @initialize()
    def _come(self) -> None:
        self.users: list[Journal] = [self.journals.journal() for _ in OWNERS]

    # What an owner does.

    @rule(owner=owners, batch=st.lists(messages, min_size=1, max_size=3))
    def claim(self, owner: int, batch: list[tuple[str, str, str, float]]) -> None:
        entries = [
            JournalEntry(key, number, f"print of {key}", "text", look, at, at, next(self.tokens))
            for key, number, look, at in batch
        ]
        blockers = [self._in_flight_before(entry) for entry in entries]
        if len(entries) > 1 and any(blockers):  # several in one call only where the model leaves no choice
            entries, blockers = entries[:1], blockers[:1]
        answers = self.users[owner].claim(entries)
        expected = self.model.claim(entries)
        if len(blockers[0]) > 1:
            self._let_go(blockers[0], answers[0], expected[0])
        else:
            for entry, answer, other in zip(entries, answers, expected, strict=True):
                assert answer.state is other.state
                if answer.state is ClaimState.BUSY:
                    assert answer.entry in self._in_flight_before(entry)
                    assert 0 < answer.retry_after <= other.retry_after + 0.01
                else:
                    assert answer == other
        mine = {ClaimState.NEW, ClaimState.ABANDONED}
        self.held[owner] += [answer.entry for answer in expected if answer.state in mine]

    def _in_flight_before(self, entry: JournalEntry) -> list[JournalEntry]:
        """The messages in flight with its key, or with its number and look."""
        in_flight = [record.entry for record in self.model._records.values() if record.entry.outcome is None]
        return [
            one
            for one in in_flight
            if one.key == entry.key
            or (one.number == entry.number and (one.look == entry.look or not one.look or not entry.look))
        ]

    def _let_go(self, blockers: list[JournalEntry], answer: MessageClaim, expected: MessageClaim) -> None:
        """Several are in its way, and which is named is left open. They are withdrawn, so that both are alike again."""
        if expected.state in {ClaimState.NEW, ClaimState.DONE}:
            assert answer == expected
        else:
            assert answer.state in {ClaimState.BUSY, ClaimState.ABANDONED}
            assert answer.entry in blockers
        for journal in (self.users[0], self.model):
            journal.withdraw(blockers)

    @precondition(lambda self: any(self.held))
    @rule(owner=owners, chosen=choices, at=moments)
    def start(self, owner: int, chosen: list[int], at: float) -> None:
        for entry in self._chosen(owner, chosen):
            assert self.users[owner].start(entry, at) is self.model.start(entry, at)

    @precondition(lambda self: any(self.held))
    @rule(
        owner=owners,
        chosen=choices,
        outcome=st.sampled_from([SendStatus.SENT, SendStatus.REFUSED, SendStatus.UNKNOWN]),
        guid=st.sampled_from([None, "g", "h"]),
        reason=st.sampled_from([None, "why"]),
    )
    def settle(self, owner: int, chosen: list[int], outcome: SendStatus, guid: str | None, reason: str | None) -> None:
        for entry in self._chosen(owner, chosen):
            answer = self.users[owner].settle(entry, outcome, guid=guid, reason=reason)
            assert answer is self.model.settle(entry, outcome, guid=guid, reason=reason)

    @precondition(lambda self: any(self.held))
    @rule(
        owner=owners,
        chosen=choices,
        outcome=st.sampled_from([SendStatus.SUPPRESSED, SendStatus.EXPIRED]),
        reason=st.sampled_from(["one", "another"]),
    )
    def keep_back(self, owner: int, chosen: list[int], outcome: SendStatus, reason: str) -> None:
        for entry in self._chosen(owner, chosen):
            answer = self.users[owner].keep_back(entry, outcome, reason)
            assert answer is self.model.keep_back(entry, outcome, reason)

    @precondition(lambda self: any(self.held))
    @rule(owner=owners, chosen=choices, step=st.sampled_from(["withdraw", "renew", "renew", "release"]))
    def give_or_keep(self, owner: int, chosen: list[int], step: str) -> None:
        entries = self._chosen(owner, chosen)
        for journal in (self.users[owner], self.model):
            getattr(journal, step)(entries)

    @rule(owner=owners)
    def look_up(self, owner: int) -> None:
        found = _by_key(self.users[owner].abandoned(100))
        assert found == _by_key(self.model.abandoned(100))
        self.held[owner] += found

    @rule(owner=owners, key=keys)
    def forget(self, owner: int, key: str) -> None:
        assert self.users[owner].get(key) == self.model.get(key)
        assert self.users[owner].forget(key) is self.model.forget(key)

    def _chosen(self, owner: int, chosen: list[int]) -> list[JournalEntry]:
        """Some of the owner's messages, the latest first; those of the dead are nobody's."""
        held = self.held[owner][::-1]
        return list({held[i % len(held)].token: held[i % len(held)] for i in chosen}.values()) if held else []

    # What happens to it.

    @rule(seconds=st.sampled_from([LEASE / 4, LEASE / 2, LEASE]))
    def let_pass(self, seconds: float) -> None:
        self.now += seconds
        self.journals.let_pass(seconds)

    @rule(owner=owners)
    def die(self, owner: int) -> None:
        """The owner stops wherever it is. Another comes in its place, and knows nothing."""
        self.held[owner].clear()
        self.users[owner] = self.journals.journal()

    # What everybody sees.

    @invariant()
    def same(self) -> None:
        reader = self.users[-1]
        assert _by_key(list(reader.entries())) == _by_key(list(self.model.entries()))
        assert _by_key(reader.unknown()) == _by_key(self.model.unknown())
        for number in NUMBERS:
            found = reader.without_guid(number, 2000.0)
            assert _by_key(found) == _by_key(self.model.without_guid(number, 2000.0))
            assert reader.has(number, "g") is self.model.has(number, "g")


def _by_key(entries: list[JournalEntry]) -> list[JournalEntry]:
    return sorted(entries, key=lambda entry: entry.key)


def check_against_the_model(journals: Journals, *, examples: int, steps: int) -> None:
    """Run examples, each with at most so many steps; SMSMOBILE_EXAMPLES has the last word on how many."""
    run_state_machine_as_test(
        lambda: JournalMachine(journals),  # type: ignore[arg-type]  # a class is called as well
        settings=settings(
            max_examples=int(os.environ.get("SMSMOBILE_EXAMPLES", examples)),
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
