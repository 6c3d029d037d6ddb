"""What the sandbox remembers, one dataclass a kind. A row is replaced, never changed, so that a reader needs no lock.

Where the rows are kept lives in store.py; what is done with them in service/, phone.py and webhooks.py.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any, Literal

from .folding import folded
from .numbers import digits_of, is_international, peer_of
from .recipients import behaviour_of

Channel = Literal["sms", "whatsapp"]
CallKind = Literal["missed", "incoming", "outgoing"]
DeliveryState = Literal["waiting", "delivered", "given_up"]
Outcome = Literal["accepted", "refused", "redirected", "broken"]


@dataclass(frozen=True)
class Account:
    """The account: who may call, and how the service treats it."""

    api_key: str = field(repr=False)
    client_id: str
    client_secret: str = field(repr=False)
    token_lifetime: float | None = 3600
    subscription_active: bool = True
    page_size: int = 100
    log_delay: float = 0.0
    whatsapp_retrieval: bool = False
    whatsapp_window_ends_at: datetime | None = None
    clock_ahead: float = 0.0
    """Seconds that the sandbox's clock is ahead of this machine's."""

    key = "account"

    @property
    def mailbox_key(self) -> str:
        """The key of its one mailbox: made from the API key, so that it is the same wherever that is."""
        return sha256(f"mailbox of {self.api_key}".encode()).hexdigest()[:48]


@dataclass(frozen=True)
class PhoneState:
    """A phone of the account."""

    id: int
    sid: str
    label: str
    is_on: bool = True
    battery: int = 80
    delay: float = 0.0
    seen_at: datetime | None = None
    failures: dict[str, str] = field(default_factory=dict)
    """Why messages to chosen numbers fail on it, by the digits of the number."""

    @property
    def key(self) -> str:
        """Its SID."""
        return self.sid


NOTIFICATIONS = " notifications"
MAILBOX = " mailbox"
"""Where the page finds what has no other party. No name of a sender begins with a space."""


class _Searched:
    """What a search finds by its words."""

    @property
    def said(self) -> str:
        """What a search looks into."""
        return getattr(self, "text", "")

    @property
    def words(self) -> str:
        """The same as a search finds it."""
        return folded(self.said)


class _Entry(_Searched):
    """What stands in a conversation, and how it is found there."""

    @property
    def peer(self) -> str:
        """Whose conversation it is: the digits of a number, or a name such as `MPESA`."""
        return peer_of(number_of(self))

    @property
    def is_international(self) -> bool:
        """Whether it shows that the digits are a whole international number. WhatsApp knows no other ones."""
        number = number_of(self)
        return is_international(number) or (getattr(self, "channel", "sms") == "whatsapp" and bool(digits_of(number)))

    @property
    def contact(self) -> str:
        """The other party's name in the phone's contacts, as a search finds it."""
        return folded(getattr(self, "name", None) or "")


def number_of(entry: Any) -> str:
    """The other party as an entry spells it."""
    number: str = entry.sender if isinstance(entry, Received) else entry.number
    return number


@dataclass(frozen=True)
class Message(_Entry):
    """A message that the API accepted, to be sent by a phone."""

    id: int
    guid: str
    phone: str
    number: str
    text: str
    submitted_at: datetime
    ready_at: datetime
    channel: Channel = "sms"
    sim: int | None = None
    encrypted: bool = False
    by_whatsapp: bool = False
    media_url: str | None = None
    sent_at: datetime | None = None
    phone_error: str = ""
    api_error: str = ""
    resent: bool = False

    @property
    def key(self) -> str:
        """Its GUID."""
        return self.guid

    @property
    def is_pending(self) -> bool:
        """Whether a phone still has to send it."""
        return self.sent_at is None and not self.failed

    @property
    def due(self) -> datetime | None:
        """When a phone picks it up; None for never."""
        return None if behaviour_of(self.number).is_left else self.ready_at

    @property
    def failed(self) -> bool:
        """Whether it is in an error state, the only one from which it can be sent again."""
        return bool(self.phone_error or self.api_error)


@dataclass(frozen=True)
class OutboxSMS:
    """A message that a phone has sent."""

    guid: str
    """The message's GUID, as its send has returned it."""
    recipient: str
    """As the caller spelled it."""
    message: str
    """The text."""
    sent_at: datetime
    """Aware, UTC, by the sandbox's clock."""
    sim: int | None
    """The SIM slot that was asked for, 1 or 2; None where the phone was left to choose."""
    device: str
    """The SID of the phone."""
    channel: Channel = "sms"
    """`sms` or `whatsapp`."""
    id: int = field(default=0, repr=False)
    """Its number in this sandbox."""

    @property
    def key(self) -> str:
        """Its number."""
        return str(self.id)


@dataclass(frozen=True)
class Received(_Entry):
    """A message that somebody sent to a phone."""

    id: int
    guid: str
    phone: str
    sender: str
    text: str
    received_at: datetime
    added_at: datetime
    channel: Channel = "sms"
    is_read: bool = False
    name: str | None = None
    voice_seconds: float | None = None
    """The length of a WhatsApp voice message, whose transcript is the text; None for a text."""

    @property
    def key(self) -> str:
        """Its GUID."""
        return self.guid

    @property
    def is_pending(self) -> bool:
        """Whether no application has read it."""
        return not self.is_read

    @property
    def data_id(self) -> str:
        """WhatsApp's own identifier of the message, which looks like this."""
        return f"3EB0{self.guid[:18].upper()}"


@dataclass(frozen=True)
class SentByHand(_Entry):
    """An SMS that somebody wrote on the phone itself."""

    id: int
    guid: str
    phone: str
    number: str
    text: str
    sent_at: datetime

    @property
    def key(self) -> str:
        """Its GUID."""
        return self.guid


@dataclass(frozen=True)
class Call(_Entry):
    """A call that a phone made, took or missed."""

    id: int
    guid: str
    phone: str
    kind: CallKind
    number: str
    name: str | None
    seconds: int
    called_at: datetime

    @property
    def key(self) -> str:
        """Its GUID."""
        return self.guid


@dataclass(frozen=True)
class Notification(_Searched):
    """A notification that was pushed to a phone."""

    id: int
    phone: str
    title: str
    message: str
    type: str
    sent_at: datetime
    distributed_at: datetime | None = None

    peer = NOTIFICATIONS

    @property
    def key(self) -> str:
        """Its number."""
        return str(self.id)

    @property
    def said(self) -> str:
        """What a search looks into."""
        return f"{self.title}: {self.message}"

    @property
    def is_pending(self) -> bool:
        """Whether it has not reached its phone."""
        return self.distributed_at is None


INBOX = "INBOX"
"""The box of what came in."""


@dataclass(frozen=True)
class Mail(_Searched):
    """An e-mail that was sent through the API, or that lies in a mailbox."""

    id: int
    guid: str
    box: str
    sender_name: str
    sender: str
    recipient: str
    subject: str
    body: str
    at: datetime
    attachments: tuple[str, ...] = ()
    cc: tuple[str, ...] = ()
    reply_to: str = ""
    reply_name: str = ""
    charset: str = ""

    peer = MAILBOX
    phone = ""
    """It is on no phone: the account's phones share the mailbox."""

    @property
    def key(self) -> str:
        """Its GUID."""
        return self.guid

    @property
    def correspondent(self) -> str:
        """Who sent it to the mailbox, or gets it from there."""
        if self.box != INBOX:
            return ", ".join((self.recipient, *self.cc))
        return f"{self.sender_name} <{self.sender}>" if self.sender_name else self.sender

    @property
    def said(self) -> str:
        """What a search looks into."""
        return f"{self.subject}: {self.body}\n{self.correspondent}"


@dataclass(frozen=True)
class Token:
    """An OAuth2 token that was issued."""

    value: str = field(repr=False)
    expires_at: datetime | None

    @property
    def key(self) -> str:
        """The token itself."""
        return self.value


@dataclass(frozen=True)
class RecordedRequest:
    """What an application asked of the service, and what it was told. Secrets are masked."""

    id: int
    """Its number in this sandbox."""
    at: datetime
    """When it came, by the sandbox's clock: aware, UTC."""
    method: str
    """`GET`, `POST` …"""
    path: str
    """Without the query."""
    parameters: dict[str, str]
    """Of the query and the form, by name."""
    auth: str
    """`key`, `token`, or empty."""
    status: int | None
    """None where the connection was broken instead of answered."""
    answer: str
    """The body of the answer."""
    milliseconds: float
    """How long the answer took, by this machine's clock."""
    faults: tuple[str, ...] = ()
    """The names of the faults that were injected into it."""
    outcome: Outcome = "accepted"
    """What the service meant: many refusals are a 200. `broken`: no answer, or one that nobody can read."""
    error: str = ""
    """The service's word for what was wrong."""
    messages: tuple[str, ...] = ()
    """The GUIDs of the messages that it made or sent again, whether or not its answer could name them."""

    @property
    def key(self) -> str:
        """Its number."""
        return str(self.id)

    @property
    def words(self) -> str:
        """What a search finds it by."""
        return folded("\n".join((*self.parameters.values(), self.error, self.answer, *self.messages)))


@dataclass(frozen=True)
class Destination:
    """Where webhooks are posted."""

    id: int
    url: str
    version: int
    secret: str | None = field(repr=False)
    next_secret: str | None = field(default=None, repr=False)
    types: tuple[str, ...] | None = None
    """The event types that are wanted; None for all."""
    failures: int = 0
    """Failed attempts since the last that succeeded."""
    paused_until: datetime | None = None

    @property
    def key(self) -> str:
        """Its number."""
        return str(self.id)


@dataclass(frozen=True)
class DeliveryTry:
    """One attempt to hand over one delivery."""

    at: datetime
    status: int | None
    error: str | None
    milliseconds: float
    id: int = 0
    """As all numbers here: of two, the older one has the lower."""
    headers: dict[str, str] = field(default_factory=dict)
    """What went with the body; empty where nothing was posted."""
    answer: str = ""
    """The beginning of the receiver's answer."""


@dataclass(frozen=True)
class Delivery:
    """One event on its way to one destination."""

    id: int
    delivery_id: str
    """The UUID in the `X-SMSMobileAPI-Delivery` header."""
    destination: int
    url: str
    event_id: str
    event_type: str
    body: str
    created_at: datetime
    state: DeliveryState = "waiting"
    due_at: datetime | None = None
    tries: tuple[DeliveryTry, ...] = field(default=())
    faults: tuple[str, ...] = ()
    """The names of the faults that were injected into it."""

    @property
    def key(self) -> str:
        """Its number."""
        return str(self.id)

    @property
    def is_pending(self) -> bool:
        """Whether it is on its way."""
        return self.state == "waiting"

    @property
    def due(self) -> datetime | None:
        """When the next attempt is made; None for at once."""
        return self.due_at


@dataclass(frozen=True)
class Fault:
    """Something that is to go wrong."""

    id: int
    """Its number in this sandbox, as in the page's addresses."""
    kind: str
    """What goes wrong, such as `latency`."""
    times: int | None = None
    """How often it is still injected; None for as long as it is there."""
    probability: float = 1.0
    """How likely it is injected into a request that it concerns, between 0 and 1."""
    seed: int | None = None
    """With the same seed it is injected into the same requests."""
    path: str | None = None
    """Only requests to this path; None for all."""
    seconds: float = 0.0
    """How long, where the kind takes time."""
    status: int | None = None
    """Which HTTP status, where the kind has one."""
    matched: int = 0
    """How many requests (or webhooks) it has concerned so far."""
    injected: int = 0
    """How many of them it was injected into."""

    @property
    def key(self) -> str:
        """Its number."""
        return str(self.id)


@dataclass(frozen=True)
class Seen:
    """How far a conversation was shown to somebody at the page. What the application has read is another thing."""

    id: int
    """The newest entry that was shown."""
    conversation: str
    """The phone's SID, a space, and the other party."""

    @property
    def key(self) -> str:
        """The conversation."""
        return self.conversation


Row = Any
"""Any of these."""
