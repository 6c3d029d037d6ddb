"""Chosen recipients that behave in chosen ways, as the test cards of a payment service do. A table, and nothing else.

The numbers are reserved for fiction: no real phone has one.
"""

from __future__ import annotations

from dataclasses import dataclass

from .numbers import digits_of


@dataclass(frozen=True)
class Behaviour:
    """What becomes of a message to such a number."""

    description: str
    api_error: str = ""
    """The API does not accept it, with this as `result.error`."""
    phone_error: str = ""
    """The phone cannot send it, with this reason."""
    fails_once: bool = False
    """Only the first time: a message that is sent again goes out."""
    is_left: bool = False
    """No phone ever picks it up."""
    echoes: bool = False
    """Whoever has the number answers with the same text, a second after it was sent."""
    whatsapp_error: str = ""
    """The number is not on WhatsApp: a message there fails with this reason, an SMS does not."""


NORMAL = Behaviour("sent")

MAGIC = {
    "+12025550101": Behaviour("refused by the API", api_error="recipient_refused"),
    "+12025550102": Behaviour("fails on the phone", phone_error="RESULT_ERROR_GENERIC_FAILURE"),
    "+12025550103": Behaviour("never picked up by the phone", is_left=True),
    "+12025550104": Behaviour("sent, and answered with an echo after a second", echoes=True),
    "+12025550105": Behaviour(
        "fails on the phone, and is sent by a resend", phone_error="RESULT_ERROR_NO_SERVICE", fails_once=True
    ),
    "+12025550106": Behaviour(
        "not on WhatsApp: a message there fails, an SMS is sent", whatsapp_error="WHATSAPP_NUMBER_NOT_FOUND"
    ),
}
_BY_DIGITS = {digits_of(number): behaviour for number, behaviour in MAGIC.items()}


def behaviour_of(number: str) -> Behaviour:
    """What becomes of a message to this number, however it is spelled."""
    return _BY_DIGITS.get(digits_of(number), NORMAL)
