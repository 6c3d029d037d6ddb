"""When a campaign will be over: its rules and its rate, played through with a clock of its own.

The rules are those of the real run (_rules.py). What its workers do with the answers is repeated here, step by step.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from heapq import heappop, heappush, heapreplace
from itertools import count

from .._wire.values import UTC
from ..errors import ConfigurationError
from ._forecast_lines import RATE, UNLIMITED, WINDOW, Line, SimForecast, to_datetime
from ._forecast_sims import PlayedSims, PlayedSlot
from ._messages import OutgoingSMS, Params
from ._outcomes import Job
from ._pace import MOST_DELAYED
from ._rate_limit import RateLimit
from ._rules import Go, KeepBack, Rules, Verdict, Wait
from ._workers import ADMITTED_SECONDS, QUEUE_SIZE
from .journals import JournalEntry, SendStatus

_MOST_WAITING = QUEUE_SIZE + MOST_DELAYED
"""Messages that wait for a rule while others are read, as in a run."""


@dataclass(frozen=True)
class Forecast:
    """When a campaign begins and ends under its rate, its window and the limits of its SIMs.

    The time of the requests is not counted: without a limit, a campaign is over when it begins. Nor are failures,
    phones that are offline, and what other programs send meanwhile. Where SIMs are short, `urgent` messages overtake
    others in a run, and so the SIMs can end at other times than here.
    """

    begins_at: datetime
    """When the first message leaves, in UTC; the start if none does."""
    ends_at: datetime | None
    """When the last one leaves, in UTC, or the service sends it, if it is scheduled for later. None if it never does:
    the window does not open again, or it would be after the year 9998."""
    sent: int
    """How many messages leave."""
    suppressed: int
    """How many do not, since their recipients are on the suppression list."""
    expired: int
    """How many do not, since their `expires_at` is over before they can leave, or since the window is closed and lets
    messages expire."""
    bottleneck: str
    """What decides when it ends: `"window"`, `"schedule_at"`, the rate as in `"rate 20/minute"`, or a limit as in
    `"per_day of SIM 1 of phone abc"`; `"none"` if nothing delays a message."""
    sims: tuple[SimForecast, ...]
    """What each SIM sends, the last to end first."""


class PlayedCampaign:
    """A campaign that is played through: `add` each message in its order, then ask for the `forecast`.

    Each worker has a time until which it is busy. The earliest one takes the next message at that time, and waits with
    it for the rate. Messages that a rule lets leave later wait aside.
    """

    def __init__(self, rules: Rules, rate: RateLimit | None, workers: int, starts_at: float) -> None:
        """`rate`: begins unused. `starts_at`: Unix seconds. Raises StorageError if the SIMs' usage cannot be read."""
        self._rules = rules.without_sims()
        self._sims = None if rules.sims is None else PlayedSims(rules.sims, starts_at)
        self._rate = rate
        self._starts_at = starts_at
        self._numbers = count()
        self._workers: list[tuple[float, int, _Message | None]] = [
            (starts_at, next(self._numbers), None) for _ in range(workers)
        ]
        """A heap: until when each is busy, and the message with which it waits for the rate until then."""
        self._waiting: list[tuple[float, int, _Message]] = []
        """A heap of messages that a rule lets leave later."""
        self._lines: dict[tuple[str | int, str | int], Line] = {}
        self._last_cause = ""
        self._begins_at = math.inf
        self._arrives_at, self._arrives_by = -math.inf, ""
        """The latest time for which a message is scheduled with the service, and by what."""
        self._suppressed = self._expired = 0
        self._is_endless = False

    def add(self, message: OutgoingSMS, params: Params, key: str, number: str, segments: int) -> None:
        """Let a message be sent after those before it."""
        if self._is_endless:
            return
        entry = JournalEntry(key, number, "", "number", "", self._starts_at, 0.0)
        units = segments if self._rate is not None and self._rate.unit == "segments" else 1
        try:
            self._go_on(more=True)
            self._process(_Message(Job(message, params, entry), units))
        except ConfigurationError:  # the window does not open any more
            self._is_endless = True

    def forecast(self) -> Forecast:
        """What comes out; nothing can be added any more."""
        try:
            self._go_on(more=False)
        except ConfigurationError:
            self._is_endless = True
        lines = sorted(self._lines.items(), key=lambda item: -item[1].last_at)
        ends_at, bottleneck = (lines[0][1].last_at, lines[0][1].bottleneck) if lines else (self._starts_at, UNLIMITED)
        if ends_at < self._arrives_at:
            ends_at, bottleneck = self._arrives_at, self._arrives_by
        if self._is_endless:
            ends_at, bottleneck = math.inf, WINDOW
        return Forecast(
            to_datetime(self._begins_at) or datetime.fromtimestamp(self._starts_at, UTC),
            to_datetime(ends_at),
            sum(line.messages for _, line in lines),
            self._suppressed,
            self._expired,
            bottleneck,
            tuple(line.forecast for _, line in lines),
        )

    def _go_on(self, *, more: bool) -> None:
        """Let time pass: until a worker is free for one more message, or until all messages have left."""
        while self._workers:
            at, _, held = self._workers[0]
            if held is not None:
                self._finish(held, at)
            elif self._waiting and self._waiting[0][0] <= at:
                self._process(heappop(self._waiting)[2])
            elif more and len(self._waiting) < _MOST_WAITING:
                return
            elif self._waiting:
                self._let_work_until(self._waiting[0][0])
            else:
                heappop(self._workers)  # it has nothing to do any more

    def _process(self, message: _Message) -> None:
        """The first worker asks the rules about a message, and waits for the rate."""
        at = self._workers[0][0]
        message.job = job = self._rules.prepare(message.job, at)
        verdict = self._rules.judge(job, at)
        if isinstance(verdict, Go) and self._sims is not None and message.slot is None:
            verdict = self._with_sim(self._sims, message, at)
        if not isinstance(verdict, Go):
            self._keep(message, verdict, at)
            return
        line = self._line_of(message)
        leaves_at = line.leave(at, message.units)
        if leaves_at > at and not message.held_by:
            message.held_by = RATE
        if leaves_at - at > ADMITTED_SECONDS:
            self._let_work_until(leaves_at, message)
        else:
            self._depart(message, line, leaves_at)

    def _with_sim(self, sims: PlayedSims, message: _Message, at: float) -> Verdict:
        """What the SIMs say of a message that the other rules let leave."""
        job = message.job
        slot = sims.slot(job.entry.number, job.message, at, lambda later: self._rules.opens_at(job.message, later))
        if slot is None:
            return Go(job)
        if job.message.expires_at is not None and job.message.expires_at.timestamp() <= slot.at:
            return KeepBack(SendStatus.EXPIRED, "")
        sims.book(slot, job.entry.number)
        message.slot = slot
        message.held_by = message.held_by or slot.cause
        return Go(job) if slot.at <= at else Wait(slot.at - at, "")

    def _finish(self, message: _Message, at: float) -> None:
        """The first worker has waited for the rate, and asks the rules once more."""
        verdict = self._rules.judge(message.job, at)
        if isinstance(verdict, Go):
            self._depart(message, self._line_of(message), at)
        else:
            self._let_work_until(at)
            self._keep(message, verdict, at)

    def _keep(self, message: _Message, verdict: Wait | KeepBack, at: float) -> None:
        if isinstance(verdict, KeepBack):
            self._suppressed += verdict.status is SendStatus.SUPPRESSED
            self._expired += verdict.status is SendStatus.EXPIRED
            return
        message.held_by = message.held_by or WINDOW
        heappush(self._waiting, (at + verdict.seconds, next(self._numbers), message))

    def _depart(self, message: _Message, line: Line, at: float) -> None:
        self._let_work_until(at)
        self._begins_at = min(self._begins_at, at)
        cause = message.held_by
        if cause == WINDOW:
            # It came too late for the window before, since others had waited for something else.
            cause = line.last_cause or self._last_cause or WINDOW
        line.depart(at, cause)
        self._last_cause = line.last_cause
        scheduled = float(message.job.params.get("schedule_timestamp", 0))
        if scheduled > max(at, self._arrives_at):
            own = message.job.message.schedule_at
            is_moved = own is None or own.timestamp() < scheduled - 1
            self._arrives_at, self._arrives_by = scheduled, WINDOW if is_moved else "schedule_at"

    def _let_work_until(self, at: float, message: _Message | None = None) -> None:
        """Keep the first worker busy, perhaps with a message that waits for the rate."""
        heapreplace(self._workers, (at, next(self._numbers), message))

    def _line_of(self, message: _Message) -> Line:
        name = message.job.params.get("sIdentifiant", ""), message.job.params.get("port", "")
        if message.slot is not None:
            sim = message.slot.sim.sim
            name = sim.device, sim.slot or message.job.message.sim or ""
        line = self._lines.get(name)
        if line is None:
            line = self._lines[name] = Line(*name, self._rate, self._starts_at)
        return line


class _Message:
    """A message on its way."""

    __slots__ = ("held_by", "job", "slot", "units")

    def __init__(self, job: Job, units: int) -> None:
        self.job = job
        self.units = units
        """That the rate counts."""
        self.held_by = ""
        """What it waited for first."""
        self.slot: PlayedSlot | None = None
        """Of the SIM that sends it."""
