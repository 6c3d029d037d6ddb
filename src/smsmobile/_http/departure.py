"""How far the request of this call has come: whether its body may have left this machine.

Two places know. The request sees who reads its body, and our connections see when its bytes go to a socket.
"""

from __future__ import annotations

from contextvars import ContextVar
from enum import IntEnum
from typing import Any, Protocol


class Stage(IntEnum):
    """How far one try of a request has come."""

    KEPT = 0
    """Nobody has read the body, or the service has refused the request. Nothing was sent."""
    READ = 1
    """An adapter has read the body. What it did with it can only be told from its errors."""
    CONNECTING = 2
    """One of our connections has the body and is not ready yet. Nothing was sent."""
    LEFT = 3
    """It was handed to a socket, or an answer has arrived."""


KEPT, READ, CONNECTING, LEFT = Stage
"""The same as constants: an enumeration takes a while to look a member up."""


class Departing(Protocol):
    """A request that knows its stage."""

    stage: Stage
    answer: Any
    """The answer while hooks look at it: if one of them raises, nobody else has it to close it."""


request_of_this_call: ContextVar[Departing | None] = ContextVar("smsmobile_request_of_this_call", default=None)
"""The request of the call that this thread is in; None outside of our calls."""

_REFUSED = (401, 429)
"""A request with this answer was not accepted, so that it may be sent again."""


def note_connecting() -> None:
    """One of our connections takes care of the request from now on."""
    request = request_of_this_call.get()
    if request is not None and request.stage < CONNECTING:
        request.stage = CONNECTING


def note_departure() -> None:
    """The next thing that happens is that the socket gets bytes of the request."""
    request = request_of_this_call.get()
    if request is not None:
        request.stage = LEFT


def note_answer(response: Any, **_: object) -> None:
    """A hook for responses, before all others: from here on, an error says nothing about the way out."""
    request = request_of_this_call.get()
    if request is not None:
        request.stage = KEPT if response.status_code in _REFUSED else LEFT
        request.answer = response


def note_refusal() -> None:
    """The service has not done what the request says."""
    request = request_of_this_call.get()
    if request is not None:
        request.stage = KEPT
