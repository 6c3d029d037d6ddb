"""Assertions about what was sent. Their failures list it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol, TypeVar

__all__ = ["assert_nothing_sent", "assert_sent"]


def __dir__() -> list[str]:
    return __all__


class _Message(Protocol):
    @property
    def recipient(self) -> str: ...
    @property
    def message(self) -> str: ...


Sent = TypeVar("Sent", bound=_Message)


def assert_sent(
    outbox: Iterable[Sent],
    *,
    to: object = None,
    message: str | None = None,
    contains: str | None = None,
    times: int = 1,
) -> Sent:
    """Check that a message was sent, and return it. The failure lists all messages that were.

        code = assert_sent(sms_outbox, to="+33639981234", contains="Your code is").message[-6:]

    outbox: the messages: the fixture `sms_outbox`, `box.phone.outbox`, or the outbox of Django or Flask.
    to: the number of the recipient, with its country code; a PhoneNumber object is one, too.
    message: the whole text.
    contains: a part of the text.
    times: how many such messages there are to be, 1 or more. The first one is returned.

    What is None may be anything. Raises AssertionError, and ValueError for another `times`.
    """
    __tracebackhide__ = True
    if times < 1:
        raise ValueError(f"times is {times}; expected 1 or more. assert_nothing_sent checks that nothing was sent.")
    sent = list(outbox)
    found = [sms for sms in sent if _fits(sms, to, message, contains)]
    if len(found) != times:
        wanted = "message" if times == 1 else "messages"
        raise AssertionError(
            f"Expected {times} {wanted}{_described(to, message, contains)}; {len(found)} of these:\n{_listed(sent)}"
        )
    return found[0]


def assert_nothing_sent(outbox: Iterable[_Message], *, to: object = None) -> None:
    """Check that no message was sent. The failure lists those that were.

    outbox: the messages, as for `assert_sent`.
    to: check this recipient alone.

    Raises AssertionError.
    """
    __tracebackhide__ = True
    found = [sms for sms in outbox if _fits(sms, to)]
    if found:
        raise AssertionError(f"Expected no message{_described(to)}; there are {len(found)}:\n{_listed(found)}")


def _fits(sms: _Message, to: object, message: str | None = None, contains: str | None = None) -> bool:
    return (
        (to is None or _digits(to) == _digits(sms.recipient))
        and (message is None or message == sms.message)
        and (contains is None or contains in sms.message)
    )


def _digits(number: Any) -> str:
    """The digits of a number with its country code, however it is written."""
    return "".join(filter(str.isdigit, str(getattr(number, "as_e164", number)))).removeprefix("00")


def _described(to: object, message: str | None = None, contains: str | None = None) -> str:
    parts = [
        "" if to is None else f" to {getattr(to, 'as_e164', to)}",
        "" if message is None else f" {message!r}",
        "" if contains is None else f" with {contains!r} in it",
    ]
    return "".join(parts)


def _listed(sent: list[Sent]) -> str:
    lines = [f"  {number}. to {sms.recipient}: {sms.message!r}" for number, sms in enumerate(sent, 1)]
    return "\n".join(lines) or "  (nothing was sent)"
