"""`Sim`, a SIM with its limits, and `Slot`, when it may send a message."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from .._input.arguments import check_line, check_sim, check_whole


@dataclass(frozen=True)
class Sim:
    """A SIM of a phone, and how much it may send.

    The limits are moving windows: there is no moment at which they begin anew. A month is 31 days, so that no month of
    the calendar has more, in any timezone. None is no limit.

    Raises InvalidRequestError for a wrong device, slot or limit.
    """

    device: str
    """The SID of the phone."""
    slot: int | None = None
    """The SIM slot, 1 or 2; None if the phone chooses."""
    per_minute: int | None = None
    """Messages in any 60 seconds, at most."""
    per_day: int | None = None
    """Messages in any 24 hours, at most."""
    recipients_per_month: int | None = None
    """Different recipients in any 31 days, at most."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "device", check_line("device", self.device))
        if self.slot is not None:
            object.__setattr__(self, "slot", check_sim("slot", self.slot))
        for name in ("per_minute", "per_day", "recipients_per_month"):
            if (limit := getattr(self, name)) is not None:
                object.__setattr__(self, name, check_whole(name, limit, least=1))

    @property
    def params(self) -> dict[str, str | int]:
        """The parameters of a request that let this SIM send."""
        return {"sIdentifiant": self.device} if self.slot is None else {"sIdentifiant": self.device, "port": self.slot}

    @cached_property
    def _name(self) -> str:
        """In a store. A device has no line break."""
        return f"{self.device}\n{self.slot or ''}"

    def _takes(self, device: object, slot: object) -> bool:
        """Whether it sends what is meant for this device and slot; None is any."""
        return device in {None, self.device} and (self.slot is None or slot in {None, self.slot})


class Slot(NamedTuple):
    """When a SIM may send a message."""

    sim: Sim
    at: float
    """Unix seconds; not later than now if it leaves now."""
