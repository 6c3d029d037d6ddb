"""The mailbox of the account: what comes in, and what was sent through it. Its endpoints live in service/email.py."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

from . import events
from .events import Event
from .rows import INBOX, Mail
from .store import Store
from .timestamps import chosen
from .validation import check_text

SENT = "Sent"
OWNER = "mailbox@example.org"


class Mailbox:
    """An e-mail account that is connected to the service. It sends nothing to anybody."""

    def __init__(self, store: Store, publish: Callable[[Event], None]) -> None:
        self._store = store
        self._publish = publish

    @property
    def key(self) -> str:
        """What the API calls `apikeybox`. The same API key has the same mailbox key."""
        return self._store.account.mailbox_key

    @property
    def inbox(self) -> list[Mail]:
        """What came in, oldest first."""
        return self._in(INBOX)

    @property
    def sent(self) -> list[Mail]:
        """What was sent through the API, oldest first."""
        return self._in(SENT)

    def receive(
        self,
        sender: str,
        subject: str,
        body: str,
        *,
        sender_name: str = "",
        attachments: Iterable[str] = (),
        at: datetime | None = None,
    ) -> str:
        """As if `sender` (an address) wrote an e-mail to the mailbox; returns the new GUID.

        It is in `/getemail/` from now on, and goes to the webhooks as `email.received`. `attachments` are the names
        of the files with it. `at` is when it came, an aware datetime; by default now. Raises ValueError for a naive
        datetime or an empty sender.
        """
        check_text(sender=sender, subject=subject, body=body, sender_name=sender_name)
        names = tuple(attachments)
        for name in names:
            check_text(attachments=name)
        if not sender.strip():
            raise ValueError("An e-mail comes from somebody: sender must not be empty.")
        store = self._store
        with store.lock:
            now = store.now()
            moment = chosen(at, now)
            guid = store.new_guid()
            mail = Mail(store.new_id(), guid, INBOX, sender_name, sender, OWNER, subject, body, moment, names)
            store.mails.put(mail)
            self._publish(events.email_received(mail, now))
        return guid

    def _in(self, box: str) -> list[Mail]:
        with self._store.lock:
            return [mail for mail in self._store.mails if mail.box == box]
