"""Whenever messages arrive and handlers fail: no message is lost, and a handled one does not come again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smsmobile import ReceivedSMS, ServerError
from smsmobile.delivery import Inbox, _inbox_reading
from smsmobile.delivery import inbox as module
from smsmobile.webhooks import SMSReceivedData

NOON = datetime(2026, 3, 20, 12, 0, tzinfo=timezone.utc)
OVERLAP = 100
"""Seconds."""

Kind = Literal["by time", "by arrival", "everything"]

arrivals = st.tuples(
    st.just("arrive"),
    st.lists(
        st.fixed_dictionaries(
            {
                "late": st.integers(0, OVERLAP),
                "guid": st.booleans(),
                "text": st.sampled_from(["yes", "no"]),
                "undated": st.sampled_from([False] * 9 + [True]),
            }
        ),
        min_size=1,
        max_size=6,
    ),
)
passing = st.tuples(st.just("pass"), st.sampled_from([0, 1, 5, OVERLAP // 2, OVERLAP, 10 * OVERLAP]))
runs = st.tuples(
    st.just("run"),
    st.tuples(
        st.sampled_from(["fail", "stop"]),
        st.integers(1, 8),
        st.booleans(),
    ),
)
clocks = st.tuples(st.just("clock"), st.sampled_from([0, 1, -1, OVERLAP, -OVERLAP, 20 * OVERLAP, -20 * OVERLAP]))
trouble = st.tuples(st.just("trouble"), st.sampled_from(["error", "empty"]))


class World:
    """The service, the phone, and a program that is started again and again."""

    def __init__(self, kind: Kind, with_ids: bool, newest_first: bool, folder: Path, skew: int = 0) -> None:
        self.kind = kind
        self.skew = timedelta(seconds=skew)
        """How far the program's clock is ahead of the service's."""
        self.with_ids = with_ids
        self.newest_first = newest_first
        self.state = folder / "inbox.sqlite"
        self.now = NOON
        self.rows: list[tuple[datetime, ReceivedSMS]] = []
        self.trouble: list[str] = []
        self.looks = 0
        self.shown = [0]
        """How many rows had arrived at each look."""
        self.arrived: Counter[object] = Counter()
        self.finished: Counter[object] = Counter()
        self.sms = self._without_retries = self

    def arrive(self, messages: list[dict[str, Any]]) -> None:
        for message in messages:
            serial = len(self.rows)
            row = {"number": "+33639985432", "message": message["text"], "serial": serial}
            received_at = self.now - timedelta(seconds=message["late"])
            if not message["undated"]:
                row["timestamp_unix"] = int(received_at.timestamp())
            if message["guid"] or message["undated"]:
                row["guid"] = f"guid-{serial}"
            if self.with_ids:
                row["id"] = serial
            self.rows.append((self.now, ReceivedSMS.from_wire(row)))
            self.arrived[identity(self.rows[-1][1])] += 1

    def received(self, *, after: datetime, device: str | None) -> list[ReceivedSMS]:
        self.looks += 1
        if self.trouble:
            if self.trouble.pop(0) == "error":
                raise ServerError("x")
            return []
        self.shown.append(len(self.rows))
        rows = [
            row
            for arrived_at, row in self.rows
            if self.kind == "everything"
            or (row.received_at or arrived_at) > after
            or (self.kind == "by arrival" and arrived_at > after)
        ]
        return rows[::-1] if self.newest_first else rows

    def log(self) -> list[Any]:
        return []

    def run(self, ending: str, messages: int, at_a_look: bool) -> None:
        """One life of the program: it ends after so many messages, or looks."""
        inbox = Inbox(self, self.state, overlap=timedelta(seconds=OVERLAP))  # type: ignore[arg-type]
        self.looks = 0
        looks = messages // 2 + 1 if at_a_look else 8
        last: tuple[int, datetime, int] | None = None

        def wait(_: Inbox, seconds: float) -> None:
            if self.looks >= looks:
                inbox.stop()

        with patch.object(Inbox, "_wait", wait):
            left = messages
            for event in inbox.poll():
                serial = (event.data.model_extra or {})["serial"]
                if event.data.received_at is not None:
                    place = (len(self.shown), event.data.received_at, serial if self.with_ids else 0)
                    assert last is None or last[0] < place[0] or last < place or (not self.with_ids and last <= place)
                    last = place
                left -= 1
                if left <= 0 and not at_a_look:
                    if ending != "stop":
                        break
                    inbox.stop()
                self.finished[identity(event.data)] += 1


def identity(message: ReceivedSMS | SMSReceivedData) -> object:
    """Two messages without a GUID that say the same in the same second are not told apart by anybody."""
    return message.guid or (message.message, message.received_at)


@contextmanager
def world(**options: Any) -> Iterator[World]:
    with TemporaryDirectory() as folder:
        made = World(**options, folder=Path(folder))

        def clock() -> datetime:
            return made.now + made.skew

        with patch.object(_inbox_reading, "now", clock), patch.object(module, "now", clock):
            yield made


stories = given(
    kind=st.sampled_from(["by time", "by arrival", "everything"]),
    with_ids=st.booleans(),
    newest_first=st.booleans(),
    skew=st.sampled_from([0, 0, -20 * OVERLAP, 20 * OVERLAP, 86_400 - OVERLAP]),
    story=st.lists(st.one_of(arrivals, passing, runs, clocks, trouble), max_size=25),
)


@settings(max_examples=15)
@stories
def test_each_message_is_handed_over_until_its_handler_has_finished_and_then_never_again(**story: Any) -> None:
    assert_each_message_is_handled_once(**story)


@pytest.mark.long
@settings(max_examples=300)
@stories
def test_each_message_is_handled_once_in_many_stories(**story: Any) -> None:
    assert_each_message_is_handled_once(**story)


def assert_each_message_is_handled_once(
    kind: Kind, with_ids: bool, newest_first: bool, skew: int, story: list[tuple[str, Any]]
) -> None:
    with world(kind=kind, with_ids=with_ids, newest_first=newest_first, skew=skew) as here:
        here.run("stop", 1, at_a_look=True)  # so that all that arrives comes after the beginning
        for what, how in story:
            if what == "arrive":
                here.arrive(how)
            elif what == "pass":
                here.now += timedelta(seconds=how)
            elif what == "clock":
                here.skew = timedelta(seconds=how)
            elif what == "trouble":
                here.trouble.append(how)
            else:
                here.run(*how)
        here.trouble.clear()
        for _ in range(2):
            here.run("stop", 10_000, at_a_look=False)
        assert here.finished == here.arrived
