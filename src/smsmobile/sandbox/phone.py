"""The simulated phone: it picks up what is queued for it, sends it or fails, and gets what others write to it.

What the API lets through to it is decided in service/, when it wakes in ticker.py.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from . import events
from .events import Event
from .numbers import digits_of
from .recipients import behaviour_of
from .rows import Call, CallKind, Channel, Message, Notification, OutboxSMS, PhoneState, Received, SentByHand
from .store import Store
from .ticker import Ticker
from .timestamps import chosen
from .validation import DAY, check_seconds, check_text, check_text_or_none, check_whole, is_number

ECHO_AFTER = timedelta(seconds=1)


class Phone:
    """A phone of the account. It is switched on, sends at once, and nothing fails, until told otherwise."""

    def __init__(self, sid: str, store: Store, ticker: Ticker, publish: Callable[[Event], None]) -> None:
        self._sid = sid
        self._store = store
        self._ticker = ticker
        self._publish = publish
        self._answers: list[tuple[datetime, int, str, str, Channel]] = []
        ticker.sleepers.append(self)

    def __repr__(self) -> str:
        return f"<Phone {self.label!r}, {'on' if self.is_on else 'off'}>"

    @property
    def sid(self) -> str:
        """The SID by which the API knows this phone."""
        return self._sid

    @property
    def label(self) -> str:
        """The name that its owner gave it. Conversations and SID stay when it changes."""
        return self.state.label

    @label.setter
    def label(self, label: str) -> None:
        check_text(label=label)
        self._change(label=label)

    @property
    def state(self) -> PhoneState:
        """Everything that is remembered about it."""
        state = self._store.phones.get(self._sid)
        if state is None:
            raise LookupError("This phone was removed, or the sandbox was reset: take one of box.phones.")
        return state

    @property
    def outbox(self) -> list[OutboxSMS]:
        """What this phone has sent, oldest first."""
        with self._store.lock:
            return [sent for sent in self._store.outbox if sent.device == self._sid]

    @property
    def notifications(self) -> list[Notification]:
        """The notifications that have reached this phone, oldest first."""
        with self._store.lock:
            return list(self._store.notifications.where("phone = ? AND NOT is_pending", self._sid))

    @property
    def delay(self) -> float:
        """Seconds between a message being due and the phone sending it.

        With 0, the default, the phone sends while the request is being answered: the outbox has the message
        when `send` returns. At most a day. Changing it also counts for what is already waiting.
        """
        return self.state.delay

    @delay.setter
    def delay(self, seconds: float) -> None:
        check_seconds("delay", seconds)
        self._change(delay=float(seconds))

    @property
    def battery(self) -> int:
        """How full its battery is, in percent."""
        return self.state.battery

    @battery.setter
    def battery(self, percent: int) -> None:
        check_whole("battery", percent, 0, 100)
        self._change(battery=percent)

    @property
    def is_on(self) -> bool:
        """Whether the phone is connected to the service."""
        return self.state.is_on

    def switch_off(self) -> None:
        """Disconnect the phone: the API refuses to send through it, and what is already queued waits.

        It still gets what others send to it, so that a test can say what arrives and when.
        """
        self._change(is_on=False, seen_at=self._store.now())

    def switch_on(self) -> None:
        """Connect the phone again: it sends what is due."""
        self._change(is_on=True)

    def fail(self, number: str, reason: str = "RESULT_ERROR_GENERIC_FAILURE") -> None:
        """Let everything sent to `number` fail on the phone from now on, with this reason in the log.

        Only digits count: `+33 6 39 98 00 11` and `0033639980011` are the same number.
        Raises ValueError where there are no digits, or no reason.
        """
        check_text(reason=reason)
        if not reason.strip():
            raise ValueError("A failure needs a reason: an empty one in the log means that nothing failed.")
        digits = _number(number)
        with self._store.lock:
            self._change(failures={**self.state.failures, digits: reason})

    def recover(self, number: str) -> None:
        """Let messages to `number` go out again."""
        digits = _number(number)
        with self._store.lock:
            failures = self.state.failures
            self._change(failures={other: failures[other] for other in failures if other != digits})

    def receive(self, sender: str, message: str, *, at: datetime | None = None) -> str:
        """As if `sender` (a number, or a name such as `MPESA`) texted `message` to the phone; returns the new GUID.

        The SMS is in `/getsms/` from now on, and goes to the webhooks. `at` is when the phone got it, an
        aware datetime; by default now. Raises ValueError for a naive datetime or an empty sender.
        """
        check_text(sender=sender, message=message)
        if not sender.strip():
            raise ValueError("An SMS comes from somebody: sender must not be empty.")
        store = self._store
        with store.lock:
            now = store.now()
            sms = Received(
                id=store.new_id(),
                guid=store.new_guid(),
                phone=self.state.sid,
                sender=sender,
                text=message,
                received_at=chosen(at, now),
                added_at=now,
            )
            store.received.put(sms)
            self._publish(events.received(sms))
        return sms.guid

    def receive_whatsapp(
        self,
        sender: str,
        message: str,
        *,
        name: str | None = None,
        voice_seconds: float | None = None,
        at: datetime | None = None,
    ) -> str:
        """As if `sender` sent the phone a WhatsApp message; returns the new GUID.

        It goes to the webhooks as `whatsapp.received`, and is in `/getwa/` once the application has switched
        retrieval on and asked for a synchronisation window. `name` is the sender's in the phone's contacts. With
        `voice_seconds` it is a voice message of this length, and `message` what is said in it: that is told by a
        second event, `whatsapp.voice.transcribed`. `at` is when the phone got it, an aware datetime; by default now.

        Raises ValueError for a naive datetime, an empty sender, or a length that is not above zero, or above a day.
        """
        check_text(sender=sender, message=message)
        check_text_or_none(name=name)
        if not sender.strip():
            raise ValueError("A WhatsApp message comes from somebody: sender must not be empty.")
        if voice_seconds is not None and not (is_number(voice_seconds) and 0 < voice_seconds <= DAY):  # NaN neither
            raise ValueError(
                f"A voice message has a length: voice_seconds must be above zero and at most {DAY}, or None for a text."
            )
        store = self._store
        with store.lock:
            now = store.now()
            received = Received(
                id=store.new_id(),
                guid=store.new_guid(),
                phone=self.state.sid,
                sender=sender,
                text=message,
                received_at=chosen(at, now),
                added_at=now,
                channel="whatsapp",
                name=name,
                voice_seconds=None if voice_seconds is None else float(voice_seconds),
            )
            store.received.put(received)
            self._publish(events.whatsapp_received(received))
            if received.voice_seconds is not None:
                self._publish(events.transcribed(received))
        return received.guid

    def send_by_hand(self, recipient: str, message: str) -> str:
        """As if the phone's owner wrote the SMS `message` on the phone itself; returns the new GUID.

        It is in `/log/sent/frommobile/` from now on, and goes to the webhooks as `sms.mobile.sent`.
        Raises ValueError for an empty recipient.
        """
        check_text(recipient=recipient, message=message)
        if not recipient.strip():
            raise ValueError("An SMS goes to somebody: recipient must not be empty.")
        store = self._store
        with store.lock:
            now = store.now()
            sms = SentByHand(store.new_id(), store.new_guid(), self.state.sid, recipient, message, now)
            store.by_hand.put(sms)
            self._publish(events.sent_by_hand(sms, now))
        return sms.guid

    def call(
        self,
        number: str,
        name: str | None = None,
        *,
        kind: CallKind = "missed",
        seconds: int = 0,
        at: datetime | None = None,
    ) -> str:
        """A call that the phone missed, or with `kind` took (`incoming`) or made (`outgoing`); returns its GUID.

        `name` is the name in the phone's contacts. `seconds` is how long it lasted (for a missed one, how long it
        rang), whole and at most a day; `at` when it began: an aware datetime, by default now. Raises ValueError for an
        unknown kind, an empty number, another length or a naive datetime.
        """
        if kind not in ("missed", "incoming", "outgoing"):
            raise ValueError(f"A call is missed, incoming or outgoing, not {kind!r}.")
        check_text(number=number)
        check_text_or_none(name=name)
        check_whole("seconds", seconds, 0, DAY)
        if not number.strip():
            raise ValueError("A call has a number: it must not be empty.")
        store = self._store
        with store.lock:
            now = store.now()
            guid = store.new_guid()
            call = Call(store.new_id(), guid, self.state.sid, kind, number, name, seconds, chosen(at, now))
            store.calls.put(call)
            self._publish(events.called(call, now))
        return call.guid

    def remove(self) -> None:
        """Take it from the account, with its conversations, outbox and notifications; what is queued is never sent.

        Requests, webhooks and their deliveries stay. Nothing happens where it is already gone.
        Raises ValueError for the last phone: there is always one.
        """
        store = self._store
        with store.lock:
            if self._sid not in store.phones:
                return
            if len(store.phones) == 1:
                raise ValueError("This is the last phone, and the sandbox needs one: add another, then remove this.")
            store.phones.remove(self._sid)
            for table in (store.messages, store.received, store.by_hand, store.calls, store.notifications):
                table.clear("phone = ?", self._sid)
            store.outbox.clear("json_extract(row, '$.device') = ?", self._sid)
            store.seen.clear("key LIKE ?", f"{self._sid} %")

    def wake(self) -> None:
        """Look at once whether there is something for it."""
        self._ticker.tick()

    def next_due(self) -> datetime | None:
        """When the next message is to be sent, or the next echo to come; None for as long as nobody says otherwise."""
        state = self._store.phones.get(self._sid)
        if state is None:  # to add it was undone: the file could not be written
            return None
        message = next(self._queued(last="ORDER BY due, id LIMIT 1"), None) if state.is_on else None
        due = [message.ready_at + timedelta(seconds=state.delay)] if message else []
        due += [self._answers[0][0]] if self._answers else []
        return min(due, default=None)

    def work(self, now: datetime) -> None:
        """Send what is due, get the echoes that are, and show the notifications."""
        store = self._store
        state = store.phones.get(self._sid)
        if state is None:  # as above
            return
        if state.is_on:
            picked_up = now - timedelta(seconds=state.delay)
            for message in self._queued("due <= ?", picked_up.timestamp(), last="ORDER BY due, id"):
                self._send(message, now)
            for notice in store.notifications.where("is_pending AND phone = ?", self._sid):
                store.notifications.put(replace(notice, distributed_at=now))
        while self._answers and self._answers[0][0] <= now:
            _, number, sender, text, channel = self._answers[0]
            if number > state.id:  # else the sandbox was reset since
                receive = self.receive_whatsapp if channel == "whatsapp" else self.receive
                receive(sender, text)
            heapq.heappop(self._answers)  # not before: perhaps nothing can be stored

    def _queued(self, condition: str = "due IS NOT NULL", *values: object, last: str) -> Iterator[Message]:
        """What it still has to send."""
        return self._store.messages.where(f"is_pending AND phone = ? AND ({condition})", self._sid, *values, last=last)

    def _send(self, message: Message, now: datetime) -> None:
        store = self._store
        behaviour = behaviour_of(message.number)
        reason = self.state.failures.get(digits_of(message.number), behaviour.phone_error)
        if message.channel == "whatsapp":
            reason = reason or behaviour.whatsapp_error
        if reason and behaviour.fails_once and message.resent:
            reason = ""
        if reason:
            message = replace(message, phone_error=reason)
            event = events.failed(message, now)
        else:
            message = replace(message, sent_at=now)
            store.outbox.put(
                OutboxSMS(
                    message.guid,
                    message.number,
                    message.text,
                    now,
                    message.sim,
                    self._sid,
                    message.channel,
                    store.new_id(),
                )
            )
            event = events.sent(message, now)
            if behaviour.echoes and all(
                number != message.id for _, number, *_ in self._answers
            ):  # it was undone before
                heapq.heappush(
                    self._answers, (now + ECHO_AFTER, message.id, message.number, message.text, message.channel)
                )
        store.messages.put(message)
        self._publish(event)

    def _change(self, **changes: object) -> None:
        with self._store.lock:
            self._store.phones.put(replace(self.state, **changes))  # type: ignore[arg-type]
            self._ticker.tick()


def _number(number: str) -> str:
    check_text(number=number)
    digits = digits_of(number)
    if not digits:
        raise ValueError("A phone number needs at least one digit.")
    return digits
