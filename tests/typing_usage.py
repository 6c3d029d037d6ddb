"""Typed usage of the public API: `mypy --strict tests/typing_usage.py` accepts it. It is never run."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import requests
from requests.auth import AuthBase, HTTPBasicAuth
from typing_extensions import assert_never, assert_type

from smsmobile import (
    APIError,
    ApiKeyAuth,
    AuthenticationError,
    BulkPaused,
    Call,
    ConfigurationError,
    ConnectionFailed,
    Conversation,
    ConversationSMS,
    DeletedSMS,
    Device,
    DeviceCapacity,
    DeviceOffline,
    HandSentSMS,
    InvalidRequestError,
    ListedNotification,
    LoggedSMS,
    MalformedPayload,
    NotFound,
    NumberCheck,
    OAuth2ClientCredentials,
    RateLimited,
    ReceivedEmail,
    ReceivedSMS,
    ReceivedWhatsApp,
    ResentSMS,
    ResentWhatsApp,
    ResponseTimeout,
    SendOutcomeUnknown,
    SentEmail,
    SentNotification,
    SentSMS,
    SentWhatsApp,
    ServerError,
    Settings,
    SignatureMismatch,
    SMSMobileClient,
    SMSMobileError,
    SMSStatus,
    SubscriptionExpired,
    TimestampOutOfTolerance,
    Token,
    TokenStore,
    UnexpectedResponse,
    WebhookError,
    WhatsAppRetrieval,
    WhatsAppWindow,
    __version__,
)
from smsmobile.delivery import (
    BulkCheck,
    BulkSender,
    Inbox,
    InboxProgress,
    InboxState,
    Journal,
    JournalEntry,
    OutgoingSMS,
    SendOutcome,
    SendStatus,
    SQLiteInboxState,
    SQLiteJournal,
    count_segments,
    is_opt_in,
    is_opt_out,
    suggest_gsm7,
)
from smsmobile.errors import SentLogRow
from smsmobile.webhooks import (
    AnyEvent,
    CallIncoming,
    CallMissed,
    CallOutgoing,
    Claim,
    EmailReceived,
    EmailSent,
    EventStore,
    MemoryEventStore,
    SMSFailed,
    SMSReceived,
    SMSSent,
    SMSSentByHand,
    SMSSubmitted,
    SQLiteEventStore,
    UnknownEvent,
    WebhookEndpoint,
    WebhookEvent,
    WebhookReceiver,
    WhatsAppFailed,
    WhatsAppReceived,
    WhatsAppSent,
    WhatsAppSubmitted,
    WhatsAppVoiceTranscribed,
    new_url_token,
    parse_v1,
)

version: str = __version__


class Shelf:
    """A token store of a user's own, which needs no base class."""

    def get(self, key: str) -> Token | None:
        return None

    def set(self, key: str, token: Token) -> None: ...

    def delete(self, key: str) -> None: ...


class HeaderAuth(AuthBase):
    """A strategy of a user's own."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        return request


class Client(SMSMobileClient):
    """A subclass comes back from `from_env` as itself."""


def build() -> None:
    store: TokenStore = Shelf()
    SMSMobileClient(api_key="…")
    SMSMobileClient(client_id="…", client_secret="…")
    SMSMobileClient(ApiKeyAuth("…"))
    SMSMobileClient(auth=HTTPBasicAuth("user", "word"))
    SMSMobileClient(HeaderAuth())
    SMSMobileClient(OAuth2ClientCredentials("…", "…", store=store, token_url="https://id.example/token"))
    SMSMobileClient(
        api_key="…",
        base_url="http://localhost:8420",
        timeout=(5, 30.5),
        max_retries=0,
        default_region="FR",
        session=requests.Session(),
        paths={"sms.delete": "/deletesms/"},
        device="SID",
    )
    SMSMobileClient(api_key="…", timeout=10, mailbox_key="…")
    assert_type(SMSMobileClient.from_env(), SMSMobileClient)
    assert_type(Client.from_env(Path(".env"), timeout=3), Client)
    assert_type(Settings.from_env("production.env"), Settings)
    with Client(api_key="…") as client:
        assert_type(client, Client)
    client.close()


def refused_by_the_type_checker(client: SMSMobileClient) -> None:
    client.sms.send(33639985678, "hi")  # type: ignore[arg-type]
    client.sms.send(["+33639985678"], "hi")  # type: ignore[arg-type]
    client.sms.send("+33639985678", b"hi")  # type: ignore[arg-type]
    client.sms.send("+33639985678")  # type: ignore[call-arg]
    client.sms.send("+33639985678", "hi", schedule_at="tomorrow")  # type: ignore[arg-type]
    client.sms.send("+33639985678", "hi", 2)  # type: ignore[call-arg]
    client.sms.resend(None)  # type: ignore[arg-type]
    SMSMobileClient(auth="key")  # type: ignore[arg-type]
    SMSMobileClient(apikey="key")  # type: ignore[call-arg]
    OAuth2ClientCredentials("…", "…", store=object())  # type: ignore[arg-type]
    client.sms.received()[0].guid = "other"  # type: ignore[misc]
    client.sms.fly()  # type: ignore[attr-defined]
    client.whatsapp.send("+33639985678")  # type: ignore[call-arg]
    client.whatsapp.received(kind="video")  # type: ignore[arg-type]
    client.conversations.list("both")  # type: ignore[arg-type]
    client.conversations.list()  # type: ignore[call-arg]
    client.calls.incoming(since="yesterday")  # type: ignore[arg-type]
    client.email.send("a@b.example", "Hi", "Bonjour")  # type: ignore[call-arg]
    client.devices.list()[0].sid = "other"  # type: ignore[misc]


def send(client: SMSMobileClient) -> None:
    sent = client.sms.send(
        "+33639985678",
        "Bonjour",
        sim=2,
        device="SID",
        schedule_at=datetime.now(timezone.utc),
        shorten_urls=True,
        encrypt=True,
        whatsapp=True,
    )
    assert_type(sent, SentSMS)
    assert_type(sent.guid, str | None)
    assert_type(sent.accepted, bool)
    assert_type(sent.note, str | None)
    assert_type(sent.created_at, datetime | None)
    assert_type(sent.sim, int | None)
    assert_type(sent.whatsapp, bool | None)
    assert_type(sent.encrypted, bool | None)
    assert_type(sent.model_extra, dict[str, Any] | None)
    if sent.guid is not None:
        resent = client.sms.resend(sent.guid)
        assert_type(resent, ResentSMS)
        assert_type(resent.guid, str | None)
        deleted = client.sms.delete(sent.guid)
        assert_type(deleted, DeletedSMS)
        assert_type(deleted.note, str | None)


def read(client: SMSMobileClient) -> None:
    assert_type(client.sms.log(guid="g"), list[LoggedSMS])
    assert_type(client.sms.log(before=datetime.now(timezone.utc), keyword="hi", api_errors=True), list[LoggedSMS])
    assert_type(client.sms.iter_log(before=1774040864, phone_errors=True), Iterator[LoggedSMS])
    assert_type(client.sms.find("+33639985678", "hi", around=datetime.now(timezone.utc)), LoggedSMS | None)
    assert_type(client.sms.track("guid", timeout=30, poll=0.5), LoggedSMS)
    assert_type(client.sms.track(client.sms.send("+33639985678", "hi")), LoggedSMS)
    assert_type(client.sms.track_all(["guid", client.sms.resend("guid")], timeout=300), Iterator[LoggedSMS])
    for entry in client.sms.iter_log(before="guid"):
        assert_type(entry.guid, str | None)
        assert_type(entry.recipient, str | None)
        assert_type(entry.message, str)
        assert_type(entry.status, SMSStatus)
        assert_type(entry.error, str | None)
        assert_type(entry.created_at, datetime | None)
        assert_type(entry.sent_at, datetime | None)
        assert_type(entry.device, str | None)
        assert_type(entry.advice, str | None)
    messages = client.sms.received(after=datetime.now(timezone.utc), unread_only=True, device="SID")
    assert_type(messages, list[ReceivedSMS])
    assert_type(messages[0].sender, str | None)
    assert_type(messages[0].message, str)
    assert_type(messages[0].received_at, datetime | None)
    assert_type(messages[0].device, str | None)
    assert_type(messages[0].alias, str | None)


def whatsapp(client: SMSMobileClient) -> None:
    sent = client.whatsapp.send(
        "+33639985678",
        "Bonjour",
        media_url="https://example.org/a.pdf",
        pdf_preview=True,
        short_media_url=True,
        device="SID",
        schedule_at=datetime.now(timezone.utc),
    )
    assert_type(sent, SentWhatsApp)
    assert_type(sent.guid, str | None)
    assert_type(client.whatsapp.resend("guid"), ResentWhatsApp)
    check = client.whatsapp.check_number("+33639985678")
    assert_type(check, NumberCheck)
    assert_type(check.on_whatsapp, bool | None)
    assert_type(client.whatsapp.enable_retrieval(), WhatsAppRetrieval)
    assert_type(client.whatsapp.disable_retrieval().active, bool | None)
    window = client.whatsapp.synchronise()
    assert_type(window, WhatsAppWindow)
    assert_type(window.ends_at, datetime | None)
    messages = client.whatsapp.received(before=17, day=date(2026, 3, 20), kind="audio")
    assert_type(messages, list[ReceivedWhatsApp])
    assert_type(messages[0].id, int | None)
    assert_type(messages[0].message, str)
    assert_type(messages[0].received_at, datetime | None)


def phones(client: SMSMobileClient) -> None:
    assert_type(client.devices.list(search="4.1"), list[Device])
    device = client.devices.get("SID")
    assert_type(device, Device)
    assert_type(device.online, bool | None)
    assert_type(device.battery, int | None)
    capacity = client.devices.capacity()
    assert_type(capacity, DeviceCapacity)
    assert_type(capacity.available, int | None)
    assert_type(client.calls.missed(search="+33", first_day="2026-03-01", last_day=date(2026, 3, 20)), list[Call])
    assert_type(client.calls.incoming(since=datetime.now(timezone.utc), until=1774040864, ascending=True), list[Call])
    assert_type(client.calls.outgoing(sort_by="call_date_ms", offset=50, limit=200), list[Call])
    assert_type(client.calls.iter_missed(), Iterator[Call])
    assert_type(client.calls.iter_outgoing(search="+33"), Iterator[Call])
    for call in client.calls.iter_incoming():
        assert_type(call.number, str | None)
        assert_type(call.duration_seconds, int | None)
        assert_type(call.call_at, datetime | None)
    assert_type(client.notifications.send("SID", "Bonjour", title="Order 7", kind="alert"), SentNotification)
    listed = client.notifications.list(device="SID", distributed=False, first_day=date(2026, 3, 20))
    assert_type(listed, list[ListedNotification])
    assert_type(listed[0].distributed, bool | None)


def other_channels(client: SMSMobileClient) -> None:
    mail = client.email.send(
        "ann@example.com",
        "Order 7",
        "It is ready.",
        sender_email="team@example.org",
        sender_name="The Team",
        attachment=Path("invoice.pdf"),
        mailbox_key="…",
    )
    assert_type(mail, SentEmail)
    assert_type(client.email.inbox(folder="Sent", start=50), list[ReceivedEmail])
    conversations = client.conversations.list("received", number="MPESA", limit=5)
    assert_type(conversations, list[Conversation])
    assert_type(conversations[0].messages, tuple[ConversationSMS, ...])
    by_hand = client.sms.sent_by_hand(period="last_7days", limit=5)
    assert_type(by_hand, list[HandSentSMS])
    assert_type(by_hand[0].sent_at, datetime | None)


def fail(client: SMSMobileClient) -> None:
    try:
        client.sms.send("+33639985678", "Bonjour")
    except SendOutcomeUnknown as doubt:
        assert_type(doubt.to, str | None)
        assert_type(doubt.message, str | None)
        assert_type(doubt.guid, str | None)
        assert_type(doubt.attempted_at, datetime | None)
        assert_type(doubt.reconcile(), SentLogRow | None)
        assert_type(doubt.advice, str | None)
    except RateLimited as limited:
        assert_type(limited.retry_after, float | None)
    except (
        AuthenticationError,
        SubscriptionExpired,
        DeviceOffline,
        NotFound,
        ServerError,
        UnexpectedResponse,
    ) as error:
        assert_type(error.code, str | None)
        assert_type(error.status, int | None)
        assert_type(error.note, str | None)
    except APIError as error:
        assert_type(error.code, str | None)
    except (ConfigurationError, ConnectionFailed, ResponseTimeout):
        pass
    except (SignatureMismatch, TimestampOutOfTolerance, MalformedPayload) as refused:
        webhook: WebhookError = refused
        parent: SMSMobileError = webhook
        print(parent)
    except InvalidRequestError as invalid:
        value_error: ValueError = invalid
        print(value_error)


def tokens() -> None:
    token = Token(access_token="…", expires_at=datetime.now(timezone.utc))
    assert_type(token.access_token, str)
    assert_type(token.expires_at, datetime | None)
    Token(access_token="…")


def in_bulk(client: SMSMobileClient) -> None:
    journal: Journal = SQLiteJournal(Path("campaign.sqlite"))
    BulkSender(client, journal=journal)
    bulk = BulkSender(client, "campaign.sqlite", rate="20/minute", rate_storage="redis://", workers=4, patience=30)
    assert_type(bulk.send([("+33639985678", "hi")]), Generator[SendOutcome, None, None])
    bulk.send({"to": "+33639985678", "text": f"{number}", "key": number} for number in range(3))
    bulk.send([OutgoingSMS("+33639985678", "hi", "key", sim=2)], on_progress=lambda done, total, outcome: print(done))
    bulk.send([("+33639985678", "hi", "key")])  # type: ignore[list-item]
    try:
        for outcome in bulk.send([{"to": "+33639985678", "name": "Ann"}], template="Hi {name}"):
            assert_type(outcome.message, OutgoingSMS | None)
            assert_type(outcome.status, SendStatus)
            assert_type(outcome.recorded, SendStatus | None)
            assert_type(outcome.guid, str | None)
    except BulkPaused as paused:
        assert_type(paused.done, int)
        assert_type(paused.left, int | None)
    found = bulk.check([("+33639985678", "hi")])
    assert_type(found, BulkCheck)
    assert_type(found.segments, int)
    assert_type(bulk.unknown(), list[JournalEntry])
    bulk.forget("key")
    assert_type(count_segments("hi").parts, int)
    assert_type(count_segments("hi").not_gsm7, tuple[str, ...])
    assert_type(suggest_gsm7("hi"), str)
    assert_type(is_opt_out("STOP"), bool)
    assert_type(is_opt_in("START", languages=["en", "fr"]), bool)


class Table:
    """A state of an inbox of a user's own, which needs no base class."""

    def load(self) -> InboxProgress | None:
        return None

    def save(self, progress: InboxProgress, handled: Mapping[str, datetime]) -> None: ...

    def handled(self, keys: Iterable[str]) -> dict[str, datetime]:
        return {}

    def forget(self, before: datetime) -> None: ...


def inbox(client: SMSMobileClient) -> None:
    state: InboxState = SQLiteInboxState(Path("inbox.sqlite"))
    Inbox(client, state, since=datetime.now(timezone.utc))
    Inbox(client, state=Table(), overlap=timedelta(hours=1))
    received = Inbox(client, "inbox.sqlite", device="SID")
    assert_type(received.poll(), Generator[SMSReceived, None, None])
    assert_type(received.poll_once(), Generator[SMSReceived, None, None])
    for event in received.poll(interval=5, signals=True):
        assert_type(event.data.guid, str | None)
        assert_type(event.data.received_at, datetime | None)
        received.stop()


class Events:
    """A store of a user's own, which needs no base class."""

    def claim(self, event_id: str) -> Claim:
        return Claim.NEW

    def done(self, event_id: str) -> None: ...

    def release(self, event_id: str) -> None: ...


def endpoint(receiver: WebhookReceiver, settings: Settings) -> None:
    stores: list[EventStore] = [MemoryEventStore(lease=5), SQLiteEventStore(Path("events.sqlite"), 3600, 60), Events()]
    endpoint = WebhookEndpoint(receiver, stores[0], lambda event: print(event.type), timezone=timezone.utc)
    WebhookEndpoint(None, stores[1], url_token=new_url_token())
    WebhookEndpoint(None, Events(), url_token=settings.webhook_secret)
    status, text = endpoint.answer("POST", b"{}", {"X-SMSMobileAPI-Signature": "v1=…"}, url_token="…")
    assert_type(status, int)
    assert_type(text, str)
    assert_type(endpoint.answer("GET", b"", []).headers, dict[str, str])

    @endpoint.on(SMSReceived)
    def one(event: SMSReceived) -> str:
        return event.data.message

    @endpoint.on(SMSReceived, CallMissed)
    def either(event: SMSReceived | CallMissed) -> None:
        assert_type(event.data.guid, str | None)

    @endpoint.on(WebhookEvent)
    def every(event: WebhookEvent) -> None: ...

    @endpoint.on(SMSSubmitted, SMSSent, SMSFailed, SMSSentByHand)
    def several(event: WebhookEvent) -> None: ...

    @endpoint.on(SMSReceived)
    def any_event(event: WebhookEvent) -> None: ...

    assert_type(one(parse_v1(b"{}")), str)

    @endpoint.on(CallMissed)  # type: ignore[arg-type]
    def another(event: SMSReceived) -> None: ...

    endpoint.on("sms.received")  # type: ignore[call-overload]
    WebhookEndpoint(receiver, Events(), handler=every)
    WebhookEndpoint(receiver, Events(), handler=one)  # type: ignore[arg-type]
    WebhookEndpoint(receiver, object())  # type: ignore[arg-type]


def events(receiver: WebhookReceiver) -> str:
    event = receiver.receive(b"{}", {"X-SMSMobileAPI-Signature": "v1=…"})
    every: AnyEvent = event
    base: WebhookEvent = every
    assert_type(base.occurred_at, datetime)
    assert_type(parse_v1(b"{}"), SMSReceived)
    match event:
        case SMSReceived():
            assert_type(event.data.sender, str)
            return event.data.message
        case CallMissed():
            assert_type(event.data.call_at, datetime | None)
            return event.data.number or "withheld"
        case WhatsAppReceived() | WhatsAppVoiceTranscribed():
            return event.data.contact_name or ""
        case SMSSubmitted() | SMSSent() | SMSFailed() | SMSSentByHand():
            return event.data.guid or ""
        case CallIncoming() | CallOutgoing() | WhatsAppSubmitted() | WhatsAppSent() | WhatsAppFailed():
            return event.id
        case EmailSent() | EmailReceived() | UnknownEvent():
            return event.type
        case _ as unreachable:
            assert_never(unreachable)


def not_every_event(receiver: WebhookReceiver) -> str:
    event = receiver.receive(b"{}", {})
    match event:
        case SMSReceived():
            return event.data.message
        case _ as unreachable:
            assert_never(unreachable)  # type: ignore[arg-type]
