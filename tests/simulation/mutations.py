"""Engines that lack one precaution each, made of the engine that ships."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from smsmobile._sent_log.search import Attempt, _Search
from smsmobile.delivery import MemoryJournal, SendStatus
from smsmobile.delivery._lookup import Lookup
from smsmobile.delivery._outcomes import Job, SendOutcome
from smsmobile.delivery._sender import NotSent, Sender
from smsmobile.delivery.journals import ClaimState, JournalEntry, MessageClaim
from smsmobile.errors import ConnectionFailed, SendOutcomeUnknown

from .owners import SharedJournal


class Frees(MemoryJournal):
    """What is in the way in one of these states is removed, and the message claimed."""

    states: frozenset[ClaimState]

    def claim(self, entries: Sequence[JournalEntry]) -> list[MessageClaim]:
        return [self._claimed_at_last(entry) for entry in entries]

    def _claimed_at_last(self, entry: JournalEntry) -> MessageClaim:
        while True:
            (claim,) = super().claim([entry])
            if claim.state not in self.states:
                return claim
            with self._lock:
                self._remove(claim.entry)


class NoLeases(Frees):
    """A message in flight is free, though its owner goes on."""

    states = frozenset({ClaimState.BUSY})


class StartedIsPlanned(Frees):
    """A message whose owner is gone is free, though it may have left."""

    states = frozenset({ClaimState.ABANDONED})


class Overwrites(MemoryJournal):
    """An outcome can always be replaced."""

    def settle(self, entry: JournalEntry, outcome: SendStatus, **more: Any) -> bool:
        record = self._records.get(entry.key)
        if record is None or not record.is_started:
            return False
        self._put(record._replace(entry=record.entry._replace(outcome=outcome, **more)))
        return True


Patch = Callable[[pytest.MonkeyPatch], None]


def no_claim(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Sender, "claim", lambda _self, jobs: [(job, MessageClaim(ClaimState.NEW, job.entry)) for job in jobs])
    patch.setattr(Sender, "start", lambda _self, job: job)


def by_key_only(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("smsmobile.delivery._claiming.look_alike", lambda _one, _other: False)


def settle_before_send(patch: pytest.MonkeyPatch) -> None:
    send = Sender.send

    def mutated(self: Sender, job: Job) -> SendOutcome:
        self._settle(job, SendStatus.SENT)
        return send(self, job)

    patch.setattr(Sender, "send", mutated)


def resend_without_looking(patch: pytest.MonkeyPatch) -> None:
    def mutated(self: Sender, entries: list[JournalEntry], _stopping: object) -> bool:
        self._journal.withdraw(entries)
        return True

    patch.setattr(Sender, "look_up_abandoned", mutated)


def without_rivals(patch: pytest.MonkeyPatch) -> None:
    class NoOthers:
        def has(self, _number: str, _guid: str) -> bool:
            return False

        def without_guid(self, _number: str, _since: float) -> list[JournalEntry]:
            return []

    find = Lookup._find

    def mutated(self: Lookup, *arguments: Any) -> bool:
        journal, self._journal = self._journal, NoOthers()  # type: ignore[assignment]
        try:
            return find(self, *arguments)
        finally:
            self._journal = journal

    patch.setattr(Lookup, "_find", mutated)


def rivals_after_guids(patch: pytest.MonkeyPatch) -> None:
    def mutated(self: Any, number: str, guid: str | None) -> bool:
        return guid is None or guid in self._taken or self._others.has(number, guid)

    patch.setattr(_Search, "_belongs_to_another", mutated)


def exact_twins_are_no_rivals(patch: pytest.MonkeyPatch) -> None:
    may_be = _Search._may_be_of_rival

    def mutated(self: Any, rival: Attempt, attempt: Attempt, row: Any) -> bool:
        return rival.fingerprint != attempt.fingerprint and may_be(self, rival, attempt, row)

    patch.setattr(_Search, "_may_be_of_rival", mutated)


def start_anyway(patch: pytest.MonkeyPatch) -> None:
    start = Sender.start
    patch.setattr(Sender, "start", lambda self, job: start(self, job) or job)


def kept_back_anyway(patch: pytest.MonkeyPatch) -> None:
    keep_back = SharedJournal.keep_back
    patch.setattr(SharedJournal, "keep_back", lambda self, *arguments: keep_back(self, *arguments) or True)


def withdraw_in_doubt(patch: pytest.MonkeyPatch) -> None:
    send = Sender.send

    def mutated(self: Sender, job: Job) -> SendOutcome:
        try:
            return send(self, job)
        except SendOutcomeUnknown as doubt:
            self._journal.withdraw([job.entry])
            raise NotSent(ConnectionFailed(str(doubt))) from doubt

    patch.setattr(Sender, "send", mutated)
