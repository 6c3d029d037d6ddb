"""The JSON bodies that the page's endpoints take. Strict: no text for a number, no unknown field, no NaN."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from ..fault_parameters import FaultOptions
from ..recorder import LONGEST
from ..rows import CallKind, Channel
from ..validation import DAY, TEN_YEARS


def _line(value: str) -> str:
    if not value.strip() or not value.isprintable():
        raise ValueError("must be one line of text, and not empty")
    return value


Line = Annotated[str, Field(max_length=100), AfterValidator(_line)]
LongLine = Annotated[str, Field(max_length=2000), AfterValidator(_line)]
Text = Annotated[str, Field(max_length=LONGEST)]
Seconds = Annotated[float, Field(ge=0, le=DAY)]


class _Body(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False, frozen=True)


class Nothing(_Body):
    """No field."""


class AccountChange(_Body):
    """How the service treats the account; what is left out stays."""

    subscription_active: bool = True
    log_delay: Seconds = 0
    token_lifetime: Annotated[float, Field(ge=0, le=TEN_YEARS)] | None = None


class NewPhone(_Body):
    """One more phone."""

    label: Line


class PhoneChange(_Body):
    """A phone's name, switch, battery and delay; what is left out stays."""

    label: Line = "Phone"
    is_on: bool = True
    battery: Annotated[int, Field(ge=0, le=100)] = 80
    delay: Seconds = 0


class Incoming(_Body):
    """A message from the other person."""

    sender: Line
    text: Text
    channel: Channel = "sms"


class NewCall(_Body):
    """A call."""

    number: Line
    name: Line | None = None
    kind: CallKind = "missed"
    seconds: Annotated[int, Field(ge=0, le=DAY)] = 0


class ByHand(_Body):
    """An SMS that the phone's owner writes on it."""

    recipient: Line
    text: Text


class Shown(_Body):
    """How far a conversation was shown."""

    peer: str
    up_to: Annotated[int, Field(ge=1)]


class NewWebhook(_Body):
    """Where webhooks are to be posted."""

    url: LongLine
    version: int = 2
    secret: LongLine | None = None
    types: Annotated[tuple[Line, ...], Field(max_length=100)] | None = None


class Rotation(_Body):
    """The secret that comes after the present one."""

    next_secret: LongLine


class SampleEvent(_Body):
    """A made-up event for a webhook."""

    type: Line


class NewFault(FaultOptions):
    """Something that is to go wrong; `Faults.add` says what goes with what."""

    kind: Line


FaultChange = FaultOptions
"""How it is to go on; what is left out stays."""


class ClockMove(_Body):
    """One of three ways to move the clock."""

    forward: Annotated[float, Field(ge=0)] | None = None
    move_to: AwareDatetime | None = None
    reset: Literal[True] | None = None

    @model_validator(mode="after")
    def _is_one(self) -> ClockMove:
        if sum(value is not None for value in (self.forward, self.move_to, self.reset)) != 1:
            raise ValueError("Say one of forward (seconds), move_to (a moment) and reset (true).")
        return self
