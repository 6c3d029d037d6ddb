"""`SimPool`: the SIMs that share a campaign, and the limits of each."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from .._confidential import safe_repr
from .._input.arguments import check_choice
from .._locks import ForkSafeLock
from ..errors import ConfigurationError
from ._booking import Booking, Request
from ._memory_sim_usage import MemorySimUsage
from ._messages import OutgoingSMS
from ._sim import Sim, Slot
from ._sim_usage import SimRecords, SimUsage
from ._sqlite_sim_usage import SQLiteSimUsage
from .windows import SendWindow

__all__ = ["Sim", "SimPool", "SimUsage"]


def __dir__() -> list[str]:
    return __all__


_FIRST_OFFLINE, _LONGEST_OFFLINE = 60.0, 600.0
"""Seconds for which nothing is tried with a phone that is offline."""
_FREED_AT_ONCE = 200


class SimPool:
    """SIMs that share a campaign. Each recipient gets all messages from the same one.

        sims = SimPool(
            [Sim("phone-1", 1, per_minute=5, recipients_per_month=200), Sim("phone-2", per_day=500)], "sims.sqlite"
        )
        bulk = BulkSender(client, "campaign.sqlite", sims=sims)

    A new recipient gets the SIM that can send to him first; of several, the one with the fewest recipients. From then
    on that SIM sends all messages to him. Messages that name a `device` or a `sim` are sent by a matching SIM of the
    pool; where none matches, the pool does not count them.

    The limits are moving windows: no 60 seconds, 24 hours or 31 days have more than `per_minute`, `per_day` or
    `recipients_per_month` allow. A recipient whom the SIM has written to in the last 31 days is no new one.

    sims: the SIMs.
    usage: where it is counted what they have sent: the name of a file, for the processes of one machine, which is
        created if it does not exist; or a store for several machines, such as `SQLSimUsage`. None is the memory of this
        object: THE LIMITS THEN END WITH THE PROCESS, and a restarted program sends as if nothing had been sent.
    offline: what is done while a phone is offline. With `"wait"`, its recipients wait for it. With `"move"`, other SIMs
        take them over, and keep them.

    A phone is known to be offline once a message could not be sent for that reason. It is tried again after a minute,
    and after up to ten minutes if it is still offline; meanwhile the other phones go on. Each process finds that out
    for itself. If all phones are offline, messages wait.

    Raises InvalidRequestError or ConfigurationError for wrong arguments. A sender raises StorageError if the usage
    cannot be read or written.
    """

    def __init__(
        self,
        sims: Iterable[Sim],
        usage: str | os.PathLike[str] | SimUsage | None = None,
        *,
        offline: Literal["wait", "move"] = "wait",
    ) -> None:
        self._sims = _checked(sims)
        self._usage = _opened(usage)
        self._moves = check_choice("offline", offline, ("wait", "move")) == "move"
        self._offline: dict[str, _Offline] = {}
        """The phones that are or were offline, by device."""
        self._lock = ForkSafeLock()

    def _book(
        self,
        key: str,
        number: str,
        message: OutgoingSMS,
        now: float,
        window: SendWindow | None,
        *,
        again: bool = False,
    ) -> Slot | None:
        """The slot of a message. It counts for the SIM's limits until `_cancel`. None if no SIM of the pool is meant.

        If the slot is not later than `now`, the message leaves now; else ask again then: the message keeps its slot.
        The slot counts no more if nobody asks until a minute after it.

        key: the key of the message.
        number: the recipient's, digits only.
        now: Unix seconds.
        window: the slot lies in it.
        again: it was to leave when the caller asked last, and has not left yet, so that it counts once. Without it, a
            message under a key that has left is another one: of another campaign, or sent once more.

        Raises StorageError if the usage cannot be read or written.
        """
        sims = self._sims
        if message.device is not None or message.sim is not None:
            device = None if message.device is None else message.device.strip()
            sims = tuple(sim for sim in sims if sim._takes(device, message.sim))
            if not sims:
                return None
        closed = self._closed(now) if self._offline else {}
        moves_from: frozenset[str] = frozenset()
        if closed and self._moves and (online := tuple(sim for sim in sims if sim.device not in closed)):
            moves_from = frozenset(sim._name for sim in sims if sim.device in closed)
            sims = online
        scheduled = 0.0 if message.schedule_at is None else message.schedule_at.timestamp()
        request = Request(key, number, sims, moves_from, closed, window, scheduled, again)
        return Slot(*self._usage.run(lambda records: Booking(records, now).book(request)))

    def _cancel(self, key: str) -> None:
        """The message was not sent: its slot counts no more. Raises StorageError if the usage cannot be written."""
        self._usage.run(lambda records: Booking(records).cancel(key))

    def _stop_waiting(self, keys: Sequence[str]) -> None:
        """Free the slots that these messages wait for. Raises StorageError if the usage cannot be written."""

        def step(records: SimRecords) -> None:
            booking = Booking(records)
            for key in some:
                booking.stop_waiting(key)

        for start in range(0, len(keys), _FREED_AT_ONCE):
            some = keys[start : start + _FREED_AT_ONCE]
            self._usage.run(step)

    def _note_left(self, key: str, now: float) -> None:
        """The message under `key`, whose slot has come, has left only now (Unix seconds). It counts from now on.

        Raises StorageError if the usage cannot be written.
        """
        self._usage.run(lambda records: Booking(records, now).left(key))

    def _note_offline(self, params: Mapping[str, str | int]) -> bool:
        """A phone was offline for a message with these parameters. Returns whether it is one of the pool."""
        device, slot = params.get("sIdentifiant"), params.get("port")
        if device is None or not any(sim.device == device and sim.slot in {None, slot} for sim in self._sims):
            return False
        with self._lock:
            self._offline.setdefault(str(device), _Offline()).note(time.monotonic())
        return True

    def _closed(self, now: float) -> dict[str, float]:
        """Until when the phones that are offline send nothing: Unix seconds by device."""
        clock = time.monotonic()
        with self._lock:
            left = {device: phone.until - clock for device, phone in self._offline.items()}
        return {device: now + seconds for device, seconds in left.items() if seconds > 0}

    @safe_repr
    def __repr__(self) -> str:
        return f"<SimPool: {len(self._sims)} SIM{'' if len(self._sims) == 1 else 's'}>"


class _Offline:
    """A phone that was offline."""

    def __init__(self) -> None:
        self.until = -math.inf
        """When it is tried again, by the monotonic clock."""
        self._interval = 0.0

    def note(self, now: float) -> None:
        """A message could not be sent. Those that were on their way meanwhile do not count again."""
        if now < self.until:
            return
        is_new = now - self.until > _LONGEST_OFFLINE
        self._interval = _FIRST_OFFLINE if is_new else min(2 * self._interval, _LONGEST_OFFLINE)
        self.until = now + self._interval


def _checked(sims: Iterable[Sim]) -> tuple[Sim, ...]:
    if isinstance(sims, (str, Sim)) or not isinstance(sims, Iterable):
        raise ConfigurationError(f"The sims are of type {type(sims).__name__}; expected a list of Sim.")
    checked = tuple(sims)
    for sim in checked:
        if not isinstance(sim, Sim):
            raise ConfigurationError(f"One of the sims is of type {type(sim).__name__}; expected a Sim.")
    if not checked:
        raise ConfigurationError("The pool has no SIM; expected one or more.")
    if len({sim._name for sim in checked}) < len(checked):
        raise ConfigurationError("The pool has a SIM twice: expected each device and slot once.")
    return checked


def _opened(usage: object) -> SimUsage:
    if usage is None:
        return MemorySimUsage()
    if isinstance(usage, (str, os.PathLike)):
        return SQLiteSimUsage(usage)
    if isinstance(usage, type) or not isinstance(usage, SimUsage):
        raise ConfigurationError(
            f"The usage is of type {type(usage).__name__}; expected the name of a file, a SimUsage, or None."
        )
    return usage
