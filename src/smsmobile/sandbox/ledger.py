"""What the service remembers: sent and received messages, one lock over all of it, and the time.

The rules of the API live in service.py, the phone's behaviour in phone.py; both work on this.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from itertools import count
from threading import Condition

from .events import Event


@dataclass(frozen=True)
class Message:
    """An SMS to be sent. It is replaced, never changed, so that a reader needs no lock."""

    id: int
    guid: str
    number: str
    text: str
    submitted_at: datetime
    ready_at: datetime
    sim: int | None = None
    encrypted: bool = False
    by_whatsapp: bool = False
    sent_at: datetime | None = None
    phone_error: str = ""
    api_error: str = ""

    @property
    def failed(self) -> bool:
        """Whether it is in an error state, the only one from which it can be sent again."""
        return bool(self.phone_error or self.api_error)


@dataclass(frozen=True)
class Received:
    """An SMS that somebody sent to the phone."""

    id: int
    guid: str
    sender: str
    text: str
    received_at: datetime
    added_at: datetime


class Ledger:
    """The memory. Whoever reads or changes more than one thing holds `lock`."""

    def __init__(self, publish: Callable[[Event], None]) -> None:
        self.lock = Condition()
        """Guards everything here; also wakes the phone. The same thread may take it again."""
        self.sent: dict[str, Message] = {}
        """By GUID, oldest first."""
        self.received: dict[str, Received] = {}
        """By GUID, oldest first."""
        self.read: set[str] = set()
        """GUIDs of the received SMS that a caller has already seen."""
        self.phone_sid = secrets.token_hex(16)
        """The SID of the one phone of this account."""
        self.publish = publish
        """Hands an event to the webhooks, without waiting."""
        self._ids = count(1)

    def now(self) -> datetime:
        """The service's time: aware, UTC. Everything but a webhook's signature goes by it."""
        return datetime.now(timezone.utc)

    def new_guid(self) -> str:
        """The handle of a message: 40 hexadecimal characters."""
        return secrets.token_hex(20)

    def new_id(self) -> int:
        """A number that grows with every message: of two, the older one has the lower."""
        return next(self._ids)
