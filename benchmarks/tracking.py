"""How many calls of the log it takes to follow messages until the phone has sent them. Nothing is timed here."""

from __future__ import annotations

from collections.abc import Iterator

from smsmobile import SMSMobileClient
from smsmobile._sent_log import tracking
from smsmobile.sandbox import Sandbox

from .measure import Result

UNTIL_SENT = 30
"""Seconds until the phone sends what is queued."""


def run() -> Iterator[Result]:
    """A row for each number of messages."""
    for count, at_most in ((1, 0.4), (100, 0.005), (1000, 0.005)):
        calls = _calls(count)
        yield Result(
            f"track {count:,} for {UNTIL_SENT} s: {calls} calls of the log, {calls / count:.2f} each",
            "one a second for each message",
            calls / (UNTIL_SENT * count),
            at_most,
        )


def _calls(count: int) -> int:
    box = Sandbox()
    box.phone.delay = UNTIL_SENT
    usual = tracking._clock
    tracking._clock = _BoxClock(box)  # waiting moves the sandbox's clock
    try:
        with SMSMobileClient(api_key=box.api_key, session=box.session()) as client:
            sent = [client.sms.send(f"+3363998{number:04d}", "Bonjour") for number in range(count)]
            assert len(list(client.sms.track_all(sent, timeout=60))) == count
        return sum(request.path == "/log/sent/sms/" for request in box.requests)
    finally:
        tracking._clock = usual
        box.close()


class _BoxClock(tracking._Clock):
    def __init__(self, box: Sandbox) -> None:
        self._box = box
        self._now = 0.0

    def monotonic(self) -> float:  # type: ignore[override]
        return self._now

    def sleep(self, seconds: float) -> None:  # type: ignore[override]
        self._now += seconds
        self._box.clock.forward(seconds)
