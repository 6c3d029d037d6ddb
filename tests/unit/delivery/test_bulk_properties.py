"""Whatever the service does and whenever a run is killed: no message twice, and every missing one is reported."""

from __future__ import annotations

import itertools
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smsmobile import BulkPaused
from smsmobile.delivery import (
    BulkSender,
    JournalEntry,
    MessageClaim,
    OutgoingSMS,
    SendOutcome,
    SendStatus,
    SQLiteJournal,
    _rate_limit,
)

from .scripted_service import BEHAVIOURS, ScriptedService

T = TypeVar("T")
FILE = "campaign.sqlite"
LEASE = 0.01
"""Seconds after which the messages of a dead process are looked up."""
RUNS = 30
"""More than any example has kills and pauses."""


class Killed(BaseException):
    """The end of a process, as far as one process can play it."""


class Fate:
    """Counts the steps of a run, and ends it at the one that was foretold; from then on nothing happens any more."""

    def __init__(self, last_step: int | None) -> None:
        self._left = last_step
        self.is_dead = False

    def step(self) -> None:
        if self._left is not None:
            self._left -= 1
            self.is_dead = self.is_dead or self._left < 0
        if self.is_dead:
            raise Killed


class Notes(SQLiteJournal):
    """A journal whose process can die before and after each note, and whose machine can lose its power."""

    def __init__(self, path: Path, fate: Fate) -> None:
        super().__init__(path, lease=LEASE)
        self._files = [path.with_name(f"{path.name}{suffix}") for suffix in ("", "-wal", "-shm")]
        self._fate = fate
        self._on_disk = self._contents()

    def claim(self, entries: Sequence[JournalEntry]) -> list[MessageClaim]:
        claims = self._noted(lambda: super(Notes, self).claim(entries))
        self._on_disk = self._contents()
        return claims

    def start(self, entry: JournalEntry, at: float) -> bool:
        return self._noted(lambda: super(Notes, self).start(entry, at))

    def settle(
        self, entry: JournalEntry, outcome: SendStatus, *, guid: str | None = None, reason: str | None = None
    ) -> bool:
        return self._noted(lambda: super(Notes, self).settle(entry, outcome, guid=guid, reason=reason))

    def withdraw(self, entries: Iterable[JournalEntry]) -> None:
        self._noted(lambda: super(Notes, self).withdraw(entries))

    def release(self, entries: Iterable[JournalEntry]) -> None:
        self._noted(lambda: super(Notes, self).release(entries))

    def _noted(self, note: Callable[[], T]) -> T:
        self._fate.step()
        known = note()
        self._fate.step()
        return known

    def _contents(self) -> dict[Path, bytes]:
        return {file: file.read_bytes() for file in self._files[:2] if file.exists()}

    def lose_power(self) -> None:
        """What was written since the last claim is gone, and the system starts anew."""
        self.close()
        for file in self._files:
            file.unlink(missing_ok=True)
        for file, content in self._on_disk.items():
            file.write_bytes(content)


def messages_of(alike: list[int]) -> list[OutgoingSMS]:
    """One for each: those with one number go to one recipient with one text, and only their keys differ."""
    return [OutgoingSMS(f"+3361234{number:04d}", f"text {number}", f"{key}") for key, number in enumerate(alike)]


campaigns = given(
    alike=st.lists(st.integers(0, 2), max_size=8),
    script=st.lists(st.sampled_from([*BEHAVIOURS, "accept"]), max_size=12),
    ends=st.lists(st.tuples(st.integers(0, 30), st.booleans()), max_size=5),
    is_late=st.booleans(),
    patience=st.sampled_from([0.002, 0]),
)


@settings(max_examples=15)
@campaigns
def test_nobody_twice_and_nobody_missing(**campaign: Any) -> None:
    assert_nobody_twice_and_nobody_missing(**campaign)


@pytest.mark.long
@settings(max_examples=300)
@campaigns
def test_nobody_twice_and_nobody_missing_in_many_campaigns(**campaign: Any) -> None:
    assert_nobody_twice_and_nobody_missing(**campaign)


def assert_nobody_twice_and_nobody_missing(
    alike: list[int], script: list[str], ends: list[tuple[int, bool]], is_late: bool, patience: float
) -> None:
    service = ScriptedService(*script)
    service.rows_are_late_by = 3 if is_late else 0
    messages = messages_of(alike)
    said: list[SendOutcome] = []
    boots = 0
    with (
        tempfile.TemporaryDirectory() as folder,
        patch.object(_rate_limit.RateLimiter, "pause", lambda self, seconds: None),
        patch("smsmobile.delivery._processes._described", lambda pid: f"boot{boots} ns {pid} 0"),
        patch("smsmobile.delivery._lookup.backoff_intervals", lambda first, longest: itertools.repeat(0.0005)),
    ):
        foretold = list(ends)
        for _ in range(RUNS):
            last_step, by_power = foretold.pop() if foretold else (None, False)
            fate = Fate(last_step)
            notes = Notes(Path(folder, FILE), fate)
            service.behave = lambda number, text, fate=fate: fate.step()  # type: ignore[misc]
            said.clear()
            try:
                said.extend(BulkSender(service.client, notes, workers=1, patience=patience).send(messages))
            except Killed:
                if by_power:
                    notes.lose_power()
                    boots += 1
            except BulkPaused:
                pass
            else:
                break
            finally:
                notes.close()
        else:
            raise AssertionError("it never came to its end")
        unknown = {entry.key for entry in BulkSender(service.client, Path(folder, FILE), workers=1).unknown()}

    def those(*statuses: SendStatus) -> Counter[Any]:
        return Counter(
            (one.message.to, one.message.text)
            for one in said
            if one.message and (one.recorded or one.status) in statuses
        )

    wanted = Counter((message.to, message.text) for message in messages)
    phone = Counter(service.phone)
    assert Counter(one.key for one in said) == Counter(message.key for message in messages)
    assert phone - wanted == Counter(), "somebody got a message twice"
    assert wanted - phone - those(SendStatus.REFUSED, SendStatus.UNKNOWN) == Counter(), "somebody is missing"
    assert those(SendStatus.SENT) - phone == Counter(), "somebody was reported as sent and is not"
    assert {one.key for one in said if one.status is SendStatus.UNKNOWN} == unknown
