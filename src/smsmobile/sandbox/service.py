"""The rules of the API: what each operation does to the messages, and when it says no. No HTTP here.

How the answers are spelled lives in answers.py and refusals.py.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import islice

from . import answers, events
from .answers import Answer
from .ledger import Ledger, Message
from .parameters import InboxParameters, LogParameters, SendParameters, timestamp
from .phone import Phone
from .refusals import api_expired, invalid_param, not_found, not_in_error, phone_offline, subscription_expire


class Service:
    """One account. Every operation is atomic: it holds the ledger's lock from beginning to end."""

    def __init__(self, ledger: Ledger, phone: Phone) -> None:
        self.subscription_active = True
        self.page_size = 100
        self.ledger = ledger
        """What the service remembers, and its time."""
        self._phone = phone

    def send(self, wanted: SendParameters) -> Answer:
        """Queue an SMS. One that `sendsms=0` blocks is in the log as refused by the API."""
        ledger = self.ledger
        with ledger.lock:
            if not self.subscription_active:
                raise subscription_expire()
            if wanted.device not in (None, self._phone.sid):
                raise invalid_param("sIdentifiant")
            if not self._phone.is_on:
                raise phone_offline()
            now = ledger.now()
            message = Message(
                id=ledger.new_id(),
                guid=ledger.new_guid(),
                number=wanted.number,
                text=wanted.message,
                submitted_at=now,
                ready_at=max(now, wanted.scheduled_at or now),
                sim=wanted.sim,
                encrypted=wanted.encrypted,
                by_whatsapp=wanted.by_whatsapp,
                api_error="" if wanted.by_sms else "sms_blocked",
            )
            ledger.sent[message.guid] = message
            if wanted.by_sms:
                self._submit(message)
            return answers.accepted(message, now)

    def resend(self, guid: str) -> Answer:
        """Queue a failed SMS once more, under its old GUID."""
        ledger = self.ledger
        with ledger.lock:
            self._check_subscription()
            message = ledger.sent.get(guid)
            if message is None:
                raise not_found()
            if not message.failed:
                raise not_in_error()
            if not self._phone.is_on:
                raise phone_offline()
            now = ledger.now()
            message = replace(message, ready_at=now, phone_error="", api_error="")
            ledger.sent[guid] = message
            self._submit(message)
            return answers.accepted(message, now)

    def log(self, wanted: LogParameters) -> Answer:
        """A page of the sent log, newest first."""
        ledger = self.ledger
        with ledger.lock:
            self._check_subscription()
            rows: Iterable[Message] = reversed(ledger.sent.values())
            if wanted.guid is not None:
                if wanted.guid not in ledger.sent:
                    return answers.no_message()
                rows = [ledger.sent[wanted.guid]]
            if wanted.before is not None:
                moment = timestamp(wanted.before)
                if wanted.before in ledger.sent:
                    newest = ledger.sent[wanted.before].id
                    rows = (row for row in rows if row.id < newest)
                elif moment is not None:
                    rows = (row for row in rows if row.submitted_at < moment)
                else:
                    return answers.no_message()
            page = islice((row for row in rows if _matches(row, wanted)), self.page_size)
            return answers.log(page, self._phone.sid)

    def received(self, wanted: InboxParameters) -> Answer:
        """Received SMS, newest first. Those handed out count as read from then on."""
        ledger = self.ledger
        with ledger.lock:
            self._check_subscription()
            rows = [
                row
                for row in reversed(ledger.received.values())
                if (wanted.after is None or row.received_at > wanted.after)
                and (not wanted.unread_only or row.guid not in ledger.read)
                and wanted.device in (None, self._phone.sid)
            ]
            ledger.read.update(row.guid for row in rows)
            return answers.inbox(rows, self._phone.sid)

    def delete(self, guid: str) -> Answer:
        """Delete a sent or received SMS. One that is still queued is then not sent."""
        ledger = self.ledger
        with ledger.lock:
            self._check_subscription()
            if ledger.sent.pop(guid, None) is None and ledger.received.pop(guid, None) is None:
                raise not_found()
            ledger.read.discard(guid)
            return answers.deleted(guid)

    def _check_subscription(self) -> None:
        if not self.subscription_active:
            raise api_expired()

    def _submit(self, message: Message) -> None:
        self.ledger.publish(events.submitted(message, self._phone.sid, self.ledger.now()))
        self._phone.enqueue(message)


def _matches(row: Message, wanted: LogParameters) -> bool:
    keyword = (wanted.keyword or "").casefold()
    return (
        (keyword in row.number or keyword in row.text.casefold())
        and (bool(row.api_error) or not wanted.api_errors)
        and (bool(row.phone_error) or not wanted.phone_errors)
    )
