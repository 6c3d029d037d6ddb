"""The events of version 2 webhooks as immutable models, and how an envelope becomes one.

Nothing here checks where a body came from: verifying is signatures.py's and receiver.py's work.
"""

from __future__ import annotations

from datetime import datetime
from functools import cache
from typing import Annotated, Any, Literal, NamedTuple, get_args

from pydantic import AliasChoices, Field, GetCoreSchemaHandler, TypeAdapter, ValidationError
from pydantic_core import CoreSchema, SchemaValidator, core_schema

from .._wire.model import FrozenModel
from .._wire.values import EARLIEST, LATEST, Bool, OptionalInt, Timestamp, is_empty, read_json, read_timestamp
from ..errors import MalformedPayload

MAX_BODY_BYTES = 1024 * 1024
"""Larger bodies are refused unread (D: 1 MB)."""

ENVELOPE_KEYS = ("id", "type", "api_version", "created_at", "occurred_at", "data")


class _KnownInstantSchema:
    """As `Timestamp`, for a moment that has to be there: unreadable is an error instead of None."""

    def __get_pydantic_core_schema__(self, _source: object, _handler: GetCoreSchemaHandler) -> CoreSchema:
        plain = core_schema.datetime_schema(tz_constraint=0, ge=EARLIEST, lt=LATEST)
        spelled = core_schema.no_info_plain_validator_function(_read_known_instant)
        return core_schema.union_schema([plain, spelled], mode="left_to_right")


def _read_known_instant(value: object) -> datetime:
    moment = read_timestamp(value)
    if moment is None:
        raise ValueError("not a moment")
    return moment


class _YesSchema:
    """True for true. Whatever else a payload might hold under this name is no reason to refuse it."""

    def __get_pydantic_core_schema__(self, _source: object, _handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(lambda value: value is True)


# Plain types wherever possible: they are read in Rust. What they refuse, `_read_patiently` looks at again.
_KnownInstant = Annotated[datetime, _KnownInstantSchema()]
_Message = Annotated[str, Field(coerce_numbers_to_str=True)]
_Name = Annotated[str, Field(coerce_numbers_to_str=True, min_length=1)]
_SENDER = AliasChoices("from", "number")
_DEVICE = AliasChoices("device_id", "sIdentifiantPhone")


class EventData(FrozenModel):
    """What an event is about. The contents of most types are not published: see `model_extra`."""

    guid: _Name | None = None
    """The GUID of the message or the call (D), where one is given."""


class SMSReceivedData(EventData):
    """A text that somebody sent to the phone (D)."""

    sender: _Name = Field(validation_alias=_SENDER)
    """What the network gave: a number, often a word such as `MPESA` (O). It is not validated."""
    message: _Message
    """The text; it can be empty."""
    received_at: Timestamp = None
    """When the phone got it, UTC; None where the payload does not say it in a way that can be read."""
    alias: _Name | None = None
    """The name of the sender in the phone's contacts."""
    device: _Name | None = Field(default=None, validation_alias=_DEVICE)
    """The SID of the phone that got it."""


class CallMissedData(EventData):
    """A call that nobody answered (D)."""

    number: _Name | None = None
    """Who called, as the network gave it."""
    name: _Name | None = None
    """The caller's name in the phone's contacts."""
    duration_seconds: OptionalInt = None
    """How long it rang, in seconds."""
    device: _Name | None = Field(default=None, validation_alias=_DEVICE)
    """The SID of the phone."""
    call_at: Timestamp = None
    """When it rang, UTC. The service names no timezone here; it is read as UTC (A)."""


class WhatsAppReceivedData(EventData):
    """A WhatsApp message to the phone (D)."""

    data_id: _Name | None = None
    """WhatsApp's own identifier of the message."""
    sender: _Name | None = Field(default=None, validation_alias=_SENDER)
    """The number it came from; WhatsApp writes it without `+`."""
    contact_name: _Name | None = None
    """The sender's name in the phone's contacts."""
    message: _Message | None = None
    """The text; None or empty for a voice message."""
    is_voice_message: Bool = False
    """Whether it is a voice message; its text follows as a `WhatsAppVoiceTranscribed`."""
    received_at: Timestamp = None
    """When the phone got it, UTC."""


class WhatsAppVoiceTranscribedData(EventData):
    """The text of a voice message (D)."""

    data_id: _Name | None = None
    """WhatsApp's own identifier of the message."""
    sender: _Name | None = Field(default=None, validation_alias=_SENDER)
    """The number it came from; WhatsApp writes it without `+`."""
    contact_name: _Name | None = None
    """The sender's name in the phone's contacts."""
    transcript: _Message | None = None
    """What was said."""
    duration_seconds: float | None = None
    """Length of the recording, in seconds."""


class WebhookEvent(FrozenModel):
    """What every event has. Keys of the envelope that this library does not know are in `model_extra`."""

    id: _Name
    """The event's UUID (D), the same for each delivery of it: what to remember to handle it only once."""
    type: str
    """The service's name for this kind of event, such as `sms.received`."""
    api_version: _Name | None
    """The version of the webhooks, a date such as `2026-09-22` (D); None for version 1."""
    created_at: _KnownInstant
    """When the service made the event, an aware UTC datetime."""
    occurred_at: _KnownInstant
    """When it happened, an aware UTC datetime."""
    data: EventData
    """What it is about."""
    signed: Annotated[bool, _YesSchema()] = False
    """Whether the signature was verified. Set by the receiver, which overrules what the payload may claim."""


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

EVENT_TYPES: dict[str, type[WebhookEvent]] = {
    event.model_fields["type"].default: event for event in get_args(KnownEvent)
}
"""Every documented type (D) and its class."""


def read_event(body: bytes, *, signed: bool) -> WebhookEvent:
    """The event in a version 2 body of which the caller knows whether it is `signed`.

    Raises MalformedPayload, whose text names fields and never holds their contents.
    """
    event: WebhookEvent | None
    try:
        event = _known_events().validate_json(body)
    except ValidationError:
        # Nothing is raised from in here: the text of this error holds the payload, and would be our context.
        event = None
    if event is None or (event.data.__dict__.get("device", "") is None and b"sIdentifiantPhone" in body):
        # The latter because pydantic takes the first spelling that is there, even where it is null.
        event = _read_patiently(read_object(body))
    # The payload could hold a `signed` of its own.
    event.__dict__["signed"] = signed
    return event


@cache
def _known_events() -> SchemaValidator:
    # Built on first use. Not through the model classes, since one of many types is to be found in one step,
    # and not through TypeAdapter.validate_json, which takes time to do nothing.
    adapter: TypeAdapter[KnownEvent] = TypeAdapter(Annotated[KnownEvent, Field(discriminator="type")])
    return adapter.validator  # type: ignore[return-value]


def read_object(body: bytes) -> dict[str, Any]:
    """The JSON object in a body. Raises MalformedPayload, without the content, where there is none."""
    if len(body) > MAX_BODY_BYTES:
        raise MalformedPayload(f"The body is larger than {MAX_BODY_BYTES} bytes.")
    parsed: Any = None
    try:
        parsed = read_json(body)
        problem = "The body is JSON, but not an object."
    except ValueError:
        problem = "The body is not JSON."
    if isinstance(parsed, dict):
        return parsed
    raise MalformedPayload(problem)


def _read_patiently(envelope: dict[str, Any]) -> WebhookEvent:
    """For what the fast way refuses: unknown types, several spellings, unusual values, and what is wrong."""
    missing = [key for key in ENVELOPE_KEYS if key not in envelope]
    if missing:
        raise MalformedPayload(f"The envelope lacks {', '.join(missing)}.")
    kind = envelope["type"]
    if not isinstance(kind, str) or not kind:
        raise MalformedPayload("The envelope's type is not a name.")

    model = EVENT_TYPES.get(kind, UnknownEvent)
    data = envelope["data"]
    if is_empty(data) or data == []:  # an empty array is how PHP spells an empty object
        data = {}
    if not isinstance(data, dict):
        if model is not UnknownEvent:
            raise MalformedPayload("The envelope's data is not an object.")
        data = {"value": data}

    if model is SMSReceived and data.get("message", "") is None:
        data = {**data, "message": ""}  # an SMS without text is still one: refused, it would be delivered for ever
    fields = _fields_of_data(model)
    data = {k: v for k, v in data.items() if not (is_empty(v) and k in fields and fields[k].several_spellings)}
    event, wrong = _validate(model, {**envelope, "data": data})
    while event is None and all(place[0] == "data" and fields[place[1]].optional for place in wrong):
        # What may be missing may be unreadable as well: most of an event is better than none. Again and again, since
        # behind one unreadable spelling there may be another; each time the data has fewer keys.
        unreadable = {place[1] for place in wrong}
        data = {k: v for k, v in data.items() if k not in unreadable}
        event, wrong = _validate(model, {**envelope, "data": data})
    if event is None:
        raise MalformedPayload(f"Missing or not readable: {', '.join(sorted(map('.'.join, wrong)))}.")
    return event


def _validate(model: type[WebhookEvent], envelope: dict[str, Any]) -> tuple[WebhookEvent | None, set[tuple[str, ...]]]:
    """The event, or where it went wrong: `("created_at",)`, `("data", "from")`."""
    try:
        return model.model_validate(envelope), set()
    except ValidationError as error:
        places = [problem["loc"] for problem in error.errors(include_url=False, include_input=False)]
    return None, {tuple(map(str, place[: 2 if place[0] == "data" else 1])) for place in places}


class _DataField(NamedTuple):
    several_spellings: bool
    optional: bool


@cache
def _fields_of_data(model: type[WebhookEvent]) -> dict[str, _DataField]:
    """The spellings that an event's data is read from, and what is known about each."""
    fields: dict[str, _DataField] = {}
    data: Any = model.model_fields["data"].annotation
    for name, field in data.model_fields.items():
        alias = field.validation_alias
        spellings = [name, *map(str, alias.choices if isinstance(alias, AliasChoices) else ())]
        fields |= dict.fromkeys(spellings, _DataField(len(spellings) > 1, not field.is_required()))
    return fields
