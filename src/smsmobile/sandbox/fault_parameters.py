"""What a fault may be told: how often, how likely, where, for how long, with which status.

This module is imported only if there is a fault, or the page asks: pydantic takes time to load.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

from .fault_kinds import KINDS

LONGEST = 3600
"""Seconds."""
MOST_SHOWN = 100
"""So many characters of what is refused stand in the error."""


class FaultOptions(BaseModel):
    """What goes with each kind, but for the kind itself. A description says what is expected."""

    model_config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False, frozen=True)

    times: int | None = Field(None, ge=1, description="a whole number from 1, or None for as long as it is there")
    probability: float = Field(1.0, ge=0, le=1, description="a number between 0 and 1")
    seed: int | None = Field(None, description="a whole number, or None for another course each time")
    path: str | None = None
    seconds: float | None = Field(None, ge=0, le=LONGEST, description=f"a number between 0 and {LONGEST}")
    status: int | None = Field(None, ge=500, le=599, description="a whole number between 500 and 599")


def _known_kind(kind: object) -> object:
    if not (isinstance(kind, str) and kind in KINDS):
        raise ValueError(f"There is no fault {_shown(kind)}. There are: {', '.join(KINDS)}.")
    return kind


class _Parameters(FaultOptions):
    kind: Annotated[str, BeforeValidator(_known_kind)]

    @model_validator(mode="after")
    def _go_together(self) -> _Parameters:
        about = KINDS[self.kind]
        if about.seconds is None and self.seconds is not None:
            raise ValueError(f"{self.kind} takes no time: leave seconds out.")
        if about.status is None and self.status is not None:
            raise ValueError(f"{self.kind} has no status to choose: leave status out.")
        if about.group == "webhook" and self.path is not None:
            raise ValueError(f"{self.kind} is about webhooks, not about a path of the service: leave path out.")
        return self


def check(given: dict[str, Any], paths: Sequence[str]) -> dict[str, Any]:
    """The fields of a row: its kind's own seconds and status where none are given, and the path as the service has it.

    Raises ValueError with a sentence that says what is wrong and what is expected.
    """
    path = given["path"]
    if path is not None:
        known = [each for each in paths if path in (each, each.removesuffix("/"))]
        if not known:
            raise ValueError(f"The service has no path {_shown(path)}. It has: {', '.join(paths)}.")
        given = {**given, "path": known[0]}
    try:
        checked = _Parameters.model_validate(given)
    except ValidationError as error:
        raise ValueError(_sentence(error.errors()[0])) from None
    about = KINDS[checked.kind]
    seconds = about.seconds or 0.0 if checked.seconds is None else checked.seconds
    return checked.model_dump() | {"seconds": seconds, "status": checked.status or about.status}


def _sentence(problem: ErrorDetails) -> str:
    if problem["type"] == "value_error":
        return str(problem.get("ctx", {})["error"])
    name = str(problem["loc"][0])
    if problem["type"] == "extra_forbidden":
        return f"There is no parameter {_shown(name)}. There are: {', '.join(FaultOptions.model_fields)}."
    return f"{name} is {_shown(problem['input'])}; expected {FaultOptions.model_fields[name].description}."


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}…"
