"""The task `campaign`: it reads a source little by little, and lets `campaign_chunk` send a few messages at a time.

The driver, which is this task, ends after each step, and is sent again for the next one, under the same id. It can be
killed at any moment: its state is in the result backend, and what was sent in the journal.
"""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any
from uuid import uuid4

from kombu.exceptions import EncodeError

from ...delivery import SendStatus
from ...delivery.bulk import _reader
from ...errors import ConfigurationError, InvalidRequestError
from ._chunk import campaign_chunk
from ._confidential import ConfidentialTask
from ._messages import packed
from ._progress import CAMPAIGN, Records, check_backend
from ._retrying import (
    coming_back,
    deadline_of,
    pause_after,
    requeued_without_broker,
    try_again,
    visibility_timeout,
)
from ._sending import OPTIONS, shared_task
from ._setup import named

log = logging.getLogger("smsmobile")

CHUNK = 50
"""Rows of a chunk."""
MOST_OPEN = 40
"""Chunks that are in the broker or being sent, at most."""
FEW_OPEN = 20
"""So few are left when the source is read again, for which it is skipped to its position."""
LONGEST_STEP_PAUSE = 15.0
"""Seconds between two steps, if nothing changes."""


def _new_state(order: dict[str, Any]) -> dict[str, Any]:
    """The state at the beginning.

    rows: how many were read. last: the digest of the last one. is_read: whether the source has no more. open: when each
    chunk without an outcome was sent or tried last, by its first row, as Unix seconds. idle: steps in a row
    without any change.
    """
    return {
        "state": "RUNNING",
        "order": order,
        "rows": 0,
        "last": None,
        "is_read": False,
        "counts": {},
        "open": {},
        "idle": 0,
    }


class _CampaignTask(ConfidentialTask):
    """Refuses to begin what nobody could follow."""

    abstract = True

    def apply_async(self, *arguments: Any, **options: Any) -> Any:
        """As for each task. Raises ConfigurationError without a result backend."""
        check_backend(self.app)
        return super().apply_async(*arguments, **options)


@shared_task(name=CAMPAIGN, ignore_result=True, trail=False, **{**OPTIONS, "base": _CampaignTask})  # type: ignore[untyped-decorator]
def campaign(
    self: Any,
    source: str,
    arguments: Sequence[Any] = (),
    *,
    template: str | None = None,
    columns: Mapping[str, str] | None = None,
) -> None:
    """Send the messages of a source, each once. `campaign.delay(…).id` is for `Campaign`, which says how far it is.

    source: the dotted path of a function, such as `"shop.sms:reminders"`, that returns an iterable of messages, of any
        length. It is called again and again: it has to give the same rows in the same order each time.
    arguments: what it is called with.
    template, columns: as for `BulkSender.send`.

    No more than 2,000 messages are in the broker at a time. The campaign stops, with a reason, for what does not pass,
    such as AuthenticationError, if the source raises, or if it gives other rows than before.
    """
    order = {"args": [source, arguments], "kwargs": {"template": template, "columns": columns}}
    pause = coming_back(self, lambda: _Driver(self, order).run())
    if pause is not None:
        try_again(self, pause)


class _Driver:
    """One step of a campaign."""

    def __init__(self, task: Any, order: dict[str, Any]) -> None:
        self._task = task
        self._records = Records(task.app, task.request.id)
        self._name = uuid4().hex
        self._order = order
        self._state = self._records.load() or _new_state(order)
        self._deadline = deadline_of(task)

    def run(self) -> float | None:
        """Count what is done, and read more. Returns the seconds until the next step, None if there is none."""
        if self._state["state"] in {"PAUSED", "STOPPED"} and self._records.is_paused:
            return None  # this message was delivered twice
        self._state |= {"state": "RUNNING", "reason": None, "driver": self._name}
        self._records.save(self._state)
        changed, is_idle = False, False
        while self._state["state"] == "RUNNING" and not is_idle and time.monotonic() < self._deadline:
            is_idle = not self._step()
            changed = changed or not is_idle
            if (self._records.load() or self._state)["driver"] != self._name:
                return None  # this message was delivered twice, and the newer driver goes on
            self._state["idle"] = 0 if changed else self._state["idle"] + 1
            self._records.save(self._state)
        if self._state["state"] != "RUNNING":
            return None
        return min(pause_after(self._task.app, self._state["idle"]), LONGEST_STEP_PAUSE)

    def _step(self) -> bool:
        """Whether anything has changed."""
        changed = self._count_what_is_done()
        state = self._state
        if state["state"] != "RUNNING":
            return True
        if self._records.is_paused:
            self._end("PAUSED")
            return True
        if state["is_read"] and not state["open"]:
            self._end("DONE")
            return True
        lost = self._lost()
        if lost or (len(state["open"]) <= FEW_OPEN and not state["is_read"]):
            try:
                self._read(lost)
            except (InvalidRequestError, ConfigurationError) as error:
                self._end("STOPPED", str(error))
            return True
        return changed

    def _end(self, state: str, reason: str | None = None) -> None:
        self._state |= {"state": state, "reason": reason}
        if state != "DONE":
            self._records.pause()

    def _count_what_is_done(self) -> bool:
        done, counts = 0, Counter(self._state["counts"])
        for start in list(self._state["open"]):
            result = self._records.chunk(int(start)) or {}
            if "left" in result:
                self._records.save_chunk(int(start), {})
                self._state["open"][start] = 0.0  # it is sent again, when the campaign goes on
                if reason := result["left"]:
                    self._end("STOPPED", reason)
            elif "counts" in result:
                counts.update(result["counts"])
                del self._state["open"][start]
                done += 1
            elif "tried_at" in result:
                self._state["open"][start] = max(result["tried_at"], self._state["open"][start])
        self._state["counts"] = dict(counts)
        return done > 0

    def _lost(self) -> list[int]:
        """The chunks that were never sent, or that the broker has lost."""
        latest = time.time() - visibility_timeout(self._task.app)
        return [int(start) for start, sent_at in self._state["open"].items() if sent_at < latest]

    def _read(self, lost: Sequence[int]) -> None:
        """Read the source from where something is missing, and send chunks.

        Raises InvalidRequestError or ConfigurationError if it cannot go on.
        """
        state = self._state
        rows = self._rows()
        position = min([*lost, state["rows"]])
        skipped = deque(_guarded(islice(rows, position)), maxlen=1)
        if position == state["rows"]:
            self._check(position, skipped)
        while position in lost or (not state["is_read"] and len(state["open"]) < MOST_OPEN):
            chunk = list(_guarded(islice(rows, CHUNK)))
            if position < state["rows"]:
                self._check(position + len(chunk), chunk)
            if chunk and (position in lost or position >= state["rows"]):
                self._send(position, chunk)
            position += len(chunk)
            if position > state["rows"]:
                state |= {"rows": position, "last": self._digest(chunk[-1])}
            state["is_read"] = state["is_read"] or len(chunk) < CHUNK
            if len(chunk) < CHUNK or time.monotonic() >= self._deadline:
                break

    def _check(self, end: int, rows: Sequence[Any]) -> None:
        """Check the last of these rows if it is the last one that was read before.

        Raises ConfigurationError if it is another one, or is not there.
        """
        is_last = end == self._state["rows"] > 0
        if (is_last and rows and self._digest(rows[-1]) != self._state["last"]) or (not rows and end > 0):
            raise ConfigurationError(
                "The source has given other rows than before, so nobody knows which ones are left. Start a new "
                "campaign: the journal knows what was sent."
            )

    def _rows(self) -> Iterator[Any]:
        (source, arguments), options = self._order["args"], self._order["kwargs"]
        self._read_row = _reader(options["template"], options["columns"])
        function = named(source, "source")
        if not isinstance(arguments, (list, tuple)):
            raise ConfigurationError(f"arguments is of type {type(arguments).__name__}; expected a list.")
        return _guarded(iter_of(function, arguments))

    def _send(self, start: int, rows: Sequence[Any]) -> None:
        messages = [message for row in rows if (message := self._packed(row)) is not None]
        counts = {SendStatus.REFUSED.value: len(rows) - len(messages)}
        chunk = {"campaign": self._task.request.id, "start": start, "rows": messages, "counts": counts}
        try:
            with requeued_without_broker():
                campaign_chunk.apply_async(kwargs=chunk)
        except EncodeError as error:
            reason = f"The messages of the source do not fit into the message of a task ({type(error).__name__})"
        else:
            reason = ""
        if reason:  # outside of the block, since the error may show a message
            raise InvalidRequestError(f"{reason}: numbers, texts and keys have to be plain.")
        self._state["open"][str(start)] = time.time()

    def _packed(self, row: object) -> dict[str, Any] | None:
        """None for a row that is no message."""
        try:
            return packed(self._read_row(row))
        except InvalidRequestError:
            return None

    def _digest(self, row: object) -> str:
        text = json.dumps(self._packed(row), default=str)
        return hashlib.sha256(f"{self._task.request.id}\n{text}".encode()).hexdigest()[:16]


def iter_of(function: Any, arguments: Sequence[Any]) -> Iterator[Any]:
    """The rows that a function gives, one by one."""
    yield from function(*arguments)


def _guarded(rows: Iterator[Any]) -> Iterator[Any]:
    """The same rows. What the source raises is logged, and becomes a ConfigurationError without its text."""
    try:
        yield from rows
    except ConfigurationError:
        raise
    except Exception as error:
        log.exception("The source of a campaign has failed.")
        kind = type(error).__name__
    else:
        return
    raise ConfigurationError(f"The source has raised {kind}, which is in the log of the worker.")
