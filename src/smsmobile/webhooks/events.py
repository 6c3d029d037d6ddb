"""The events of version 2 webhooks as immutable models, and how a body becomes one.

Nothing here checks where a body came from: signatures.py and receiver.py verify.
"""

# Events are frozen, so a subclass may narrow a field. pyright does not see this: `frozen` is in a base's model_config.
# pyright: reportIncompatibleVariableOverride=false

from __future__ import annotations

from codecs import BOM_UTF8
from datetime import datetime
from functools import cache
from typing import Annotated, Any, Literal, get_args

from pydantic import AliasChoices, Field, TypeAdapter, ValidationError
from pydantic_core import SchemaValidator, core_schema

from .._wire.model import FrozenModel, WireModel, read_other_spellings
from .._wire.values import (
    LONGEST_GUID,
    NON_EMPTY_TEXT,
    TEXT,
    UTC_DATETIME,
    Bool,
    Guid,
    OptionalInt,
    ReadWith,
    Timestamp,
    is_empty,
    read_json,
    read_text,
    read_timestamp,
)
from ..errors import MalformedPayload

__all__ = [
    "AnyEvent",
    "CallIncoming",
    "CallMissed",
    "CallMissedData",
    "CallOutgoing",
    "EmailReceived",
    "EmailSent",
    "EventData",
    "KnownEvent",
    "SMSFailed",
    "SMSReceived",
    "SMSReceivedData",
    "SMSSent",
    "SMSSentByHand",
    "SMSSubmitted",
    "UnknownEvent",
    "WebhookEvent",
    "WhatsAppFailed",
    "WhatsAppReceived",
    "WhatsAppReceivedData",
    "WhatsAppSent",
    "WhatsAppSubmitted",
    "WhatsAppVoiceTranscribed",
    "WhatsAppVoiceTranscribedData",
]


def __dir__() -> list[str]:
    return __all__


MAX_BODY_BYTES = 1024 * 1024
"""Larger bodies are refused unread (D: 1 MB)."""

ENVELOPE_KEYS = ("id", "type", "api_version", "created_at", "occurred_at", "data")


def _read_message(value: object) -> str:
    """The text of an SMS. Null is an SMS without text: refused, it would be delivered again and again."""
    text = "" if value is None else read_text(value)
    if text is None:
        raise ValueError("not text")
    return text


def _read_known_timestamp(value: object) -> datetime:
    moment = read_timestamp(value)
    if moment is None:
        raise ValueError("not a time")
    return moment


# An event is worth more than one of its optional fields: an unreadable one is None.
Text = Annotated[str | None, ReadWith(read_text, TEXT)]
Name = Annotated[str | None, ReadWith(lambda value: read_text(value) or None, NON_EMPTY_TEXT)]
_Seconds = Annotated[float | None, ReadWith(lambda _: None, core_schema.float_schema())]
# Required fields. An unreadable sender is "" at first, since it may have another spelling that can be read.
_Sender = Annotated[str, ReadWith(lambda value: read_text(value) or "", NON_EMPTY_TEXT)]
_Message = Annotated[str, ReadWith(_read_message, TEXT)]
_Id = Annotated[str, Field(coerce_numbers_to_str=True, min_length=1, max_length=LONGEST_GUID)]
_KnownTimestamp = Annotated[datetime, ReadWith(_read_known_timestamp, UTC_DATETIME)]

_SENDER = AliasChoices("from", "number")
_DEVICE = AliasChoices("device_id", "sIdentifiantPhone")


class EventData(WireModel):
    """What an event is about. The contents of most types are not published: see `model_extra`."""

    guid: Guid = None
    """The GUID of the message or the call (D), where one is given."""


class SMSReceivedData(EventData):
    """An SMS that somebody sent to the phone (D)."""

    sender: _Sender = Field(validation_alias=_SENDER)
    """What the network gave: a number, often a word such as `MPESA` (O). It is not validated."""
    message: _Message
    """The text; it can be empty."""
    received_at: Timestamp = None
    """When the phone received it, UTC; None if the payload does not say it in a readable way."""
    alias: Name = None
    """The name of the sender in the phone's contacts."""
    device: Name = Field(default=None, validation_alias=_DEVICE)
    """The SID of the phone that received it."""


class CallMissedData(EventData):
    """A call that nobody answered (D)."""

    number: Name = None
    """Who called, as the network gave it."""
    name: Name = None
    """The caller's name in the phone's contacts."""
    duration_seconds: OptionalInt = None
    """How long it rang, in seconds."""
    device: Name = Field(default=None, validation_alias=_DEVICE)
    """The SID of the phone."""
    call_at: Timestamp = None
    """When it rang, UTC. The service gives no timezone here; it is read as UTC (A)."""


class WhatsAppReceivedData(EventData):
    """A WhatsApp message to the phone (D)."""

    data_id: Name = None
    """WhatsApp's own identifier of the message."""
    sender: Name = Field(default=None, validation_alias=_SENDER)
    """The number it came from; WhatsApp writes it without `+`."""
    contact_name: Name = None
    """The sender's name in the phone's contacts."""
    message: Text = None
    """The text; None or empty for a voice message."""
    is_voice_message: Bool = False
    """Whether it is a voice message; its text follows as a `WhatsAppVoiceTranscribed`."""
    received_at: Timestamp = None
    """When the phone received it, UTC."""


class WhatsAppVoiceTranscribedData(EventData):
    """The text of a voice message (D)."""

    data_id: Name = None
    """WhatsApp's own identifier of the message."""
    sender: Name = Field(default=None, validation_alias=_SENDER)
    """The number it came from; WhatsApp writes it without `+`."""
    contact_name: Name = None
    """The sender's name in the phone's contacts."""
    transcript: Text = None
    """What was said."""
    duration_seconds: _Seconds = None
    """Length of the recording, in seconds."""


class WebhookEvent(FrozenModel):
    """The base class of all events. Keys of the envelope that this library does not know are in `model_extra`."""

    id: _Id
    """The event's UUID (D), the same for each delivery of it: remember it to handle the event only once."""
    type: str
    """The service's name for this kind of event, such as `sms.received`."""
    api_version: _Id | None
    """The version of the webhooks, a date such as `2026-09-22` (D); None for version 1."""
    created_at: _KnownTimestamp
    """When the service made the event, an aware UTC datetime."""
    occurred_at: _KnownTimestamp
    """When it happened, an aware UTC datetime."""
    data: EventData
    """What it is about."""
    signed: Annotated[bool, ReadWith(lambda value: value is True)] = False
    """Whether the signature was verified. The receiver sets it, whatever the payload claims."""


class SMSSubmitted(WebhookEvent):
    """`sms.api.submitted`: the service accepted a text for sending."""

    type: Literal["sms.api.submitted"] = "sms.api.submitted"


class SMSSent(WebhookEvent):
    """`sms.sent`: the phone has sent a text."""

    type: Literal["sms.sent"] = "sms.sent"


class SMSFailed(WebhookEvent):
    """`sms.failed`: a text was not sent."""

    type: Literal["sms.failed"] = "sms.failed"


class SMSReceived(WebhookEvent):
    """`sms.received`: somebody sent a text to the phone. Version 1 webhooks become this, too."""

    type: Literal["sms.received"] = "sms.received"
    data: SMSReceivedData


class SMSSentByHand(WebhookEvent):
    """`sms.mobile.sent`: somebody wrote a text on the phone itself."""

    type: Literal["sms.mobile.sent"] = "sms.mobile.sent"


class CallMissed(WebhookEvent):
    """`call.missed`: nobody answered a call."""

    type: Literal["call.missed"] = "call.missed"
    data: CallMissedData


class CallIncoming(WebhookEvent):
    """`call.incoming`: a call was answered on the phone."""

    type: Literal["call.incoming"] = "call.incoming"


class CallOutgoing(WebhookEvent):
    """`call.outgoing`: a call was made from the phone."""

    type: Literal["call.outgoing"] = "call.outgoing"


class WhatsAppSubmitted(WebhookEvent):
    """`whatsapp.submitted`: the service accepted a WhatsApp message for sending."""

    type: Literal["whatsapp.submitted"] = "whatsapp.submitted"


class WhatsAppSent(WebhookEvent):
    """`whatsapp.sent`: a WhatsApp message was sent."""

    type: Literal["whatsapp.sent"] = "whatsapp.sent"


class WhatsAppFailed(WebhookEvent):
    """`whatsapp.failed`: a WhatsApp message was not sent."""

    type: Literal["whatsapp.failed"] = "whatsapp.failed"


class WhatsAppReceived(WebhookEvent):
    """`whatsapp.received`: somebody sent a WhatsApp message to the phone."""

    type: Literal["whatsapp.received"] = "whatsapp.received"
    data: WhatsAppReceivedData


class WhatsAppVoiceTranscribed(WebhookEvent):
    """`whatsapp.voice.transcribed`: a voice message as text."""

    type: Literal["whatsapp.voice.transcribed"] = "whatsapp.voice.transcribed"
    data: WhatsAppVoiceTranscribedData


class EmailSent(WebhookEvent):
    """`email.sent`: an e-mail was sent."""

    type: Literal["email.sent"] = "email.sent"


class EmailReceived(WebhookEvent):
    """`email.received`: an e-mail came in."""

    type: Literal["email.received"] = "email.received"


class UnknownEvent(WebhookEvent):
    """A type of event that this library does not know yet. All of its data is kept in `data.model_extra`."""


KnownEvent = (
    SMSSubmitted
    | SMSSent
    | SMSFailed
    | SMSReceived
    | SMSSentByHand
    | CallMissed
    | CallIncoming
    | CallOutgoing
    | WhatsAppSubmitted
    | WhatsAppSent
    | WhatsAppFailed
    | WhatsAppReceived
    | WhatsAppVoiceTranscribed
    | EmailSent
    | EmailReceived
)
"""The documented events."""

AnyEvent = KnownEvent | UnknownEvent
"""All that a receiver returns: a `match` over these classes is complete."""

EVENT_TYPES: dict[str, type[KnownEvent]] = {event.model_fields["type"].default: event for event in get_args(KnownEvent)}
"""Every documented type (D) and its class."""


def read_event(body: bytes, *, signed: bool) -> AnyEvent:
    """The event in a version 2 body. `signed` says whether its signature was verified.

    Raises MalformedPayload. Its text names fields and never holds their contents.
    """
    event: AnyEvent | None
    try:
        event = _known_events().validate_json(body)
    except ValidationError:
        # Nothing is raised from in here: the text of this error holds the payload, and would become our context.
        event = None
    if event is None and body.startswith(BOM_UTF8):
        return read_event(body.removeprefix(BOM_UTF8), signed=signed)
    if event is None:
        event = _read_object_as_event(read_object(body))
    data = event.data
    if data.__pydantic_extra__:
        read_other_spellings(data)
    if data.__dict__.get("sender") == "":
        raise MalformedPayload("Missing or not readable: data.from.")
    vars(event)["signed"] = signed  # the payload may have a key of this name
    return event


@cache
def _known_events() -> SchemaValidator:
    # Built on first use. By the union, which finds the class of a type in one step, and without
    # TypeAdapter.validate_json, which is slower than the validator in it.
    adapter: TypeAdapter[KnownEvent] = TypeAdapter(Annotated[KnownEvent, Field(discriminator="type")])
    return adapter.validator  # type: ignore[return-value]


def check_size(body: bytes) -> None:
    """Raises MalformedPayload for a body that is empty or too large."""
    if 0 < len(body) <= MAX_BODY_BYTES:
        return
    if body:
        raise MalformedPayload(f"The body is larger than {MAX_BODY_BYTES} bytes.")
    raise MalformedPayload(
        "The body is empty. If the service did send one, check whether a proxy or the web server drops bodies without "
        "a Content-Length (chunked ones), or whether something has read the body before."
    )


def read_object(body: bytes) -> dict[str, Any]:
    """The JSON object in a body. Raises MalformedPayload, without the content, if there is none."""
    check_size(body)
    parsed: Any = None
    try:
        parsed = read_json(body.removeprefix(BOM_UTF8))
        problem = "The body is JSON, but not an object."
    except ValueError:
        problem = "The body is not JSON."
    if isinstance(parsed, dict):
        return parsed
    raise MalformedPayload(problem)


def _read_object_as_event(envelope: dict[str, Any]) -> AnyEvent:
    """Read what `_known_events` refuses: unknown types, empty data, broken JSON text, and malformed envelopes."""
    missing = [key for key in ENVELOPE_KEYS if key not in envelope]
    if missing:
        raise MalformedPayload(f"The envelope lacks {', '.join(missing)}.")
    kind = envelope["type"]
    if not isinstance(kind, str) or not kind:
        raise MalformedPayload("The envelope's type is not a name.")

    model: type[AnyEvent] = EVENT_TYPES.get(kind, UnknownEvent)
    data = envelope["data"]
    if is_empty(data) or data == []:  # PHP writes an empty object as an empty array
        data = {}
    if not isinstance(data, dict):
        if model is not UnknownEvent:
            raise MalformedPayload("The envelope's data is not an object.")
        data = {"value": data}
    try:
        return model.model_validate({**envelope, "data": data})
    except ValidationError as error:
        places = [problem["loc"] for problem in error.errors(include_url=False, include_input=False)]
    # ("created_at", …) and ("data", "from", …): what follows is pydantic's own
    wrong = {".".join(map(str, place[: 2 if place[0] == "data" else 1])) for place in places}
    raise MalformedPayload(f"Missing or not readable: {', '.join(sorted(wrong))}.")
