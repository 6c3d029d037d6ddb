"""The simulated phone: it picks up what is queued, sends it or fails, and gets what others write to it.

What the API lets through to it is decided in service.py.
"""

from __future__ import annotations

import heapq
import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from threading import Thread

from . import events
from .ledger import Ledger, Message, Received


@dataclass(frozen=True)
class OutboxSMS:
    """An SMS that the phone has sent."""

    guid: str
    recipient: str
    """As the caller spelled it."""
    message: str
    sent_at: datetime
    """Aware, UTC."""
    sim: int | None
    """The SIM slot that was asked for, 1 or 2; None where the phone was left to choose."""


class Phone:
    """The account's one phone. It is switched on, sends at once, and nothing fails, until told otherwise."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._outbox: list[OutboxSMS] = []
        self._queue: list[tuple[datetime, int, str]] = []
        self._queued_so_far = 0
        self._failure_of: dict[str, str] = {}
        self._on = True
        self._delay = timedelta(0)
        self._worker: Thread | None = None
        self._closed = False

    @property
    def sid(self) -> str:
        """The SID by which the API knows this phone."""
        return self._ledger.phone_sid

    @property
    def outbox(self) -> list[OutboxSMS]:
        """What the phone has sent, oldest first."""
        with self._ledger.lock:
            return list(self._outbox)

    @property
    def delay(self) -> float:
        """Seconds between a message being due and the phone sending it.

        With 0, the default, the phone sends while the request is being answered: the outbox has the message
        when `send` returns. Changing it also counts for what is already waiting.
        """
        return self._delay.total_seconds()

    @delay.setter
    def delay(self, seconds: float) -> None:
        if seconds < 0:
            raise ValueError("The phone cannot send before it was asked to: delay must not be negative.")
        with self._ledger.lock:
            self._delay = timedelta(seconds=seconds)
            self._work()

    @property
    def is_on(self) -> bool:
        """Whether the phone is connected to the service."""
        return self._on

    def switch_off(self) -> None:
        """Disconnect the phone: the API refuses to send, and what is already queued waits.

        It still gets what others send to it, so that a test can say what arrives and when.
        """
        with self._ledger.lock:
            self._on = False

    def switch_on(self) -> None:
        """Connect the phone again: it sends what is due."""
        with self._ledger.lock:
            self._on = True
            self._work()

    def fail(self, number: str, reason: str = "RESULT_ERROR_GENERIC_FAILURE") -> None:
        """Let everything sent to `number` fail on the phone from now on, with this reason in the log.

        Only digits count: `+33 6 12 34 56 78` and `0033612345678` are the same number.
        Raises ValueError where there are no digits, or no reason.
        """
        if not reason.strip():
            raise ValueError("A failure needs a reason: an empty one in the log means that nothing failed.")
        digits = _digits(number)
        with self._ledger.lock:
            self._failure_of[digits] = reason

    def heal(self, number: str) -> None:
        """Let messages to `number` go out again."""
        digits = _digits(number)
        with self._ledger.lock:
            self._failure_of.pop(digits, None)

    def receive(self, sender: str, message: str, *, at: datetime | None = None) -> str:
        """As if `sender` (a number, or a name such as `MPESA`) texted the phone; returns the new GUID.

        The SMS is in `/getsms/` from now on, and goes to the webhooks. `at` is when the phone got it, an
        aware datetime; by default now. Raises ValueError for a naive datetime or an empty sender.
        """
        if not sender.strip():
            raise ValueError("An SMS comes from somebody: sender must not be empty.")
        if at is not None and at.tzinfo is None:
            raise ValueError("`at` must be an aware datetime: without a timezone it could be any moment.")
        ledger = self._ledger
        with ledger.lock:
            now = ledger.now()
            received_at = now if at is None else at.astimezone(timezone.utc)
            sms = Received(ledger.new_id(), ledger.new_guid(), sender, message, received_at, now)
            ledger.received[sms.guid] = sms
            ledger.publish(events.received(sms, self.sid))
        return sms.guid

    def enqueue(self, message: Message) -> None:
        """Take over a message of the sent log. It goes out now if it is due, else as soon as it is."""
        with self._ledger.lock:
            self._queued_so_far += 1
            heapq.heappush(self._queue, (message.ready_at, self._queued_so_far, message.guid))
            self._work()

    def close(self) -> None:
        """End the thread; what still waits is never sent."""
        with self._ledger.lock:
            self._closed = True
            self._ledger.lock.notify_all()
        if self._worker is not None:
            self._worker.join()

    def _work(self) -> None:
        """Send what is due, and see to it that what is not will be."""
        self._send_due()
        if self._queue and self._on and not self._closed:
            if self._worker is None:
                self._worker = Thread(target=self._wait_and_send, name="smsmobile-sandbox-phone", daemon=True)
                self._worker.start()
            self._ledger.lock.notify_all()

    def _wait_and_send(self) -> None:
        with self._ledger.lock:
            while not self._closed:
                self._send_due()
                self._ledger.lock.wait(self._seconds_to_wait())

    def _seconds_to_wait(self) -> float | None:
        """Until the next message is due; None, for as long as nobody says otherwise, where none will be."""
        if not self._queue or not self._on:
            return None
        return max((self._queue[0][0] + self._delay - self._ledger.now()).total_seconds(), 0.0)

    def _send_due(self) -> None:
        now = self._ledger.now()
        while self._on and self._queue and self._queue[0][0] + self._delay <= now:
            _, _, guid = heapq.heappop(self._queue)
            message = self._ledger.sent.get(guid)
            if message is not None:  # else its row was deleted, and the message with it
                self._send(message, now)

    def _send(self, message: Message, now: datetime) -> None:
        reason = self._failure_of.get(_digits(message.number))
        if reason is None:
            message = replace(message, sent_at=now)
            self._outbox.append(OutboxSMS(message.guid, message.number, message.text, now, message.sim))
            event = events.sent(message, self.sid, now)
        else:
            message = replace(message, phone_error=reason)
            event = events.failed(message, self.sid, now)
        self._ledger.sent[message.guid] = message
        self._ledger.publish(event)


def _digits(number: str) -> str:
    digits = re.sub(r"[^0-9]", "", number)
    if not digits:
        raise ValueError("A phone number needs at least one digit.")
    return digits.removeprefix("00")
