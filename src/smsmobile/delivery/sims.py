"""`SimPool`: the SIMs that share a campaign, and the limits of each."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

from ._messages import OutgoingSMS
from .windows import SendWindow

__all__ = ["Sim", "SimPool"]


def __dir__() -> list[str]:
    return __all__


@dataclass(frozen=True)
class Sim:
    """A SIM of a phone, and how much it may send. None is no limit."""

    device: str
    """The SID of the phone."""
    slot: int | None = None
    """The SIM slot, 1 or 2; None if the phone chooses."""
    per_minute: int | None = None
    per_day: int | None = None
    recipients_per_month: int | None = None

    @property
    def params(self) -> dict[str, str | int]:
        """The parameters of a request that let this SIM send."""
        return {"sIdentifiant": self.device} if self.slot is None else {"sIdentifiant": self.device, "port": self.slot}


class Slot(NamedTuple):
    """When a SIM may send a message."""

    sim: Sim
    at: float
    """Unix seconds; not later than now if it leaves now."""


class SimPool:
    """SIMs that share a campaign. Each recipient gets all messages from the same one."""

    def __init__(
        self,
        sims: Iterable[Sim],
        usage: str | os.PathLike[str] | None = None,
        *,
        offline: Literal["wait", "move"] = "wait",
    ) -> None:
        self._sims = tuple(sims)

    def book(self, key: str, number: str, message: OutgoingSMS, now: float, window: SendWindow | None) -> Slot | None:
        """The slot of a message. It counts for the SIM's limits until `cancel`. None if no SIM of the pool is meant.

        If the slot is not later than `now`, the message leaves now; else ask again then: the message keeps its slot.
        """
        return Slot(self._sims[0], now)

    def cancel(self, key: str) -> None:
        """The message was not sent: its slot counts no more."""

    def note_offline(self, params: Mapping[str, str | int]) -> bool:
        """A phone was offline for a message with these parameters. Returns whether it is one of the pool."""
        return False
