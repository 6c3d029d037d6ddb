"""The rules of a campaign: whether a claimed message may leave now, later, or not at all.

They are asked just before a message leaves. The suppression list, the window and the SIMs have a file each.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from typing import NamedTuple, TypeAlias

from .._wire.values import UTC
from ..errors import ConfigurationError, DeviceOffline, SMSMobileError, StorageError
from ._messages import OutgoingSMS
from ._outcomes import Job
from .journals import SendStatus
from .sims import SimPool
from .suppression import Suppression, check_suppression
from .windows import SendWindow


class Go(NamedTuple):
    """It may leave now, as this job says."""

    job: Job


class Wait(NamedTuple):
    """It may leave later. A rule's `reason` is for the caller of `send_once`."""

    seconds: float
    reason: str


class KeepBack(NamedTuple):
    """It is not sent."""

    status: SendStatus
    reason: str


Verdict: TypeAlias = Go | Wait | KeepBack


class Rules:
    """The rules that one sender has. Without any, only the `expires_at` of a message counts."""

    def __init__(
        self, suppression: Suppression | None = None, window: SendWindow | None = None, sims: SimPool | None = None
    ) -> None:
        """Raises ConfigurationError for what is no such rule, and for rules that do not go together."""
        if suppression is not None:
            check_suppression(suppression)
        _check("window", window, SendWindow)
        _check("sims", sims, SimPool)
        self._suppression, self._window, self._sims = suppression, window, sims
        if sims is not None and window is not None and window.outside == "schedule":
            raise ConfigurationError(
                "A window with outside='schedule' does not go together with a SimPool: the service would send all "
                "messages at once when it opens, whatever the SIMs allow. Use outside='wait'."
            )

    @property
    def are_none(self) -> bool:
        """Whether there is no rule."""
        return self._suppression is None and self._window is None and self._sims is None

    @property
    def sims(self) -> SimPool | None:
        """The pool of SIMs."""
        return self._sims

    def without_sims(self) -> Rules:
        """The other rules. They record nothing."""
        return Rules(self._suppression, self._window)

    def _window_of(self, message: OutgoingSMS) -> SendWindow | None:
        """The window that holds for a message; none for an urgent one."""
        return None if message.urgent else self._window

    def opens_at(self, message: OutgoingSMS, now: float) -> float:
        """When the window lets a message leave: now, or later."""
        window = self._window_of(message)
        return now if window is None else window.opens_at(now)

    def prepare(self, job: Job, now: float) -> Job:
        """The job as it is to be claimed: scheduled for when the window opens, if that is what the window does."""
        window = self._window_of(job.message)
        if window is None:
            return job
        planned = float(job.params.get("schedule_timestamp", 0))
        leaves_at = max(planned, now)
        opens_at = window.opens_at(leaves_at)
        if opens_at <= leaves_at or window.outside == "expire" or (window.outside == "wait" and planned <= now):
            return job
        scheduled = math.ceil(opens_at)
        return job._replace(
            params={**job.params, "schedule_timestamp": scheduled},
            entry=job.entry._replace(until=max(job.entry.until, float(scheduled))),
        )

    def judge(self, job: Job, now: float, *, again: bool = False) -> Verdict:
        """What happens to a claimed message now. `again`: the answer was Go, but it has not left yet.

        Raises StorageError if a list cannot be read: then the message must not leave.
        """
        expires_at = _moment(job.message.expires_at)
        verdict = self._judged_without_sims(job, now, expires_at)
        if self._sims is None:
            return verdict
        if isinstance(verdict, Go):
            return self._with_sim(self._sims, job, now, expires_at, again)
        if again:
            self._sims._cancel(_slot_key(job))
        return verdict

    def _judged_without_sims(self, job: Job, now: float, expires_at: float) -> Verdict:
        if expires_at <= now:
            return KeepBack(SendStatus.EXPIRED, "Its time was over before it could be sent.")
        if self._suppression is not None and job.entry.number in self._suppression:
            return KeepBack(SendStatus.SUPPRESSED, "Its recipient has asked for no more messages.")
        window = self._window_of(job.message)
        return (None if window is None else _judged_by(window, job, now, expires_at)) or Go(job)

    def _with_sim(self, sims: SimPool, job: Job, now: float, expires_at: float, again: bool) -> Verdict:
        window = self._window_of(job.message)
        slot = sims._book(_slot_key(job), job.entry.number, job.message, now, window, again=again)
        if slot is None:
            return Go(job)
        if slot.at <= now:
            others = {name: value for name, value in job.params.items() if name not in {"sIdentifiant", "port"}}
            own = {} if job.message.sim is None else {"port": job.message.sim}
            return Go(job._replace(params={**others, **own, **slot.sim.params}, has_slot=True))
        if expires_at <= slot.at:
            sims._cancel(_slot_key(job))
            return KeepBack(SendStatus.EXPIRED, "Its time is over before a SIM may send it.")
        return Wait(slot.at - now, f"A SIM may send it at {_shown(slot.at)}.")

    def left(self, job: Job, now: float) -> None:
        """Note that a message has left by now, and perhaps not before: its request took time, or was repeated."""
        if self._sims is not None and job.has_slot:
            with suppress(StorageError):  # it has left; the next message finds out that nothing can be counted
                self._sims._note_left(_slot_key(job), now)

    def stop_waiting(self, jobs: Sequence[Job]) -> None:
        """Let others have the slots of these messages, which nobody waits for any more."""
        if self._sims is not None:
            with suppress(StorageError):  # then their times have to pass
                self._sims._stop_waiting([_slot_key(job) for job in jobs])

    def not_sent(self, job: Job) -> None:
        """Note that an admitted message did not leave after all, or was refused: its SIM does not count it."""
        if self._sims is not None:
            self._sims._cancel(_slot_key(job))

    def note_failure(self, job: Job, failure: SMSMobileError) -> bool:
        """Note a failure by which an admitted message was not sent.

        Returns whether it is that of one phone of the pool: then the message can be claimed again, and others go on.
        """
        self.not_sent(job)
        return self._sims is not None and isinstance(failure, DeviceOffline) and self._sims._note_offline(job.params)


def _judged_by(window: SendWindow, job: Job, now: float, expires_at: float) -> Verdict | None:
    """None if the window is open when the message leaves."""
    leaves_at = max(float(job.params.get("schedule_timestamp", 0)), now)
    opens_at = window.opens_at(leaves_at)
    if expires_at <= max(opens_at, leaves_at):
        return KeepBack(SendStatus.EXPIRED, "Its time is over before the send window opens.")
    if opens_at <= leaves_at:
        return None
    if window.outside == "expire":
        return KeepBack(SendStatus.EXPIRED, "The send window was closed.")
    # What only needs another schedule is claimed again with that at once.
    seconds = opens_at - now if window.outside == "wait" and leaves_at <= now else 0.0
    return Wait(seconds, f"The send window opens at {_shown(opens_at)}.")


def _slot_key(job: Job) -> str:
    """The key of a message in a pool, which senders share whose journals have the same keys for other messages."""
    return f"{job.entry.number} {job.entry.key}"


def _check(name: str, rule: object, kind: type) -> None:
    if rule is not None and not isinstance(rule, kind):
        raise ConfigurationError(f"{name} is of type {type(rule).__name__}; expected a {kind.__name__}, or None.")


def _moment(time: datetime | None) -> float:
    return math.inf if time is None else time.timestamp()


def _shown(at: float) -> str:
    return datetime.fromtimestamp(math.ceil(at), UTC).isoformat(sep=" ")


NO_RULES = Rules()
