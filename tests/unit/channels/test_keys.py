"""Every key from which a field of an answer is read: the service has several names for the same thing."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest

from smsmobile._wire.model import WireModel
from smsmobile.channels import calls, conversations, devices, email, notifications, sms, whatsapp

MODELS: dict[str, type[WireModel]] = {
    name: model
    for module in (calls, conversations, devices, email, notifications, sms, whatsapp)
    for name, model in vars(module).items()
    if isinstance(model, type(WireModel)) and issubclass(model, WireModel)
}
NEW_YEAR = datetime(2026, 1, 1, tzinfo=timezone.utc)
NUMBERS = {"sim": 2, "duration_seconds": 7, "message_count": 7, "connected": 7, "limit": 7, "available": 7}

ENDINGS = (
    *("at_unix", "at", "datetime", "unix", "timestamp", "at_gmt", "at_utc"),
    *("datetime_gmt", "datetime_utc", "date_gmt", "date_utc", "gmt", "utc"),
)

KEYS = [
    ("guid", "Call", "guid id"),
    ("number", "Call", "number phone_number phone from recipients"),
    ("name", "Call", "name cached_name"),
    ("duration_seconds", "Call", "duration_sec duration_seconds duration"),
    ("call_at", "Call", "call_date_ms call_datetime_utc call_at timestamp_unix datetime"),
    (
        "device",
        "Call HandSentSMS LoggedSMS ReceivedSMS ReceivedWhatsApp",
        "sIdentifiant sIdentifiantPhone sid device_id",
    ),
    ("number", "Conversation", "numero number phone_number phone from recipients"),
    ("name", "Conversation", "name alias contact_name cached_name"),
    ("message_count", "Conversation", "count"),
    ("last_message", "Conversation", "last_message message"),
    ("last_at", "Conversation", "last_date_unix last_timestamp_unix last_date last_datetime timestamp_unix datetime"),
    (
        "guid",
        "ConversationSMS SentEmail DeletedSMS HandSentSMS LoggedSMS ResentSMS SentSMS ResentWhatsApp SentWhatsApp",
        "guid guid_message id",
    ),
    ("direction", "ConversationSMS", "direction type"),
    ("at", "ConversationSMS", "timestamp_unix datetime timestamp time_received at"),
    ("sid", "Device", "sIdentifiant sIdentifiantPhone sid device_id sidentifiant"),
    ("label", "Device", "label name"),
    ("app_version", "Device", "app_version version"),
    ("last_seen_at", "Device", "last_seen_unix last_seen_at last_seen last_connection"),
    ("connected", "DeviceCapacity", "connected_now"),
    ("limit", "DeviceCapacity", "connected_limit"),
    ("available", "DeviceCapacity", "connected_available"),
    (
        "note",
        "DeviceCapacity SentNotification DeletedSMS ResentSMS SentSMS ResentWhatsApp SentWhatsApp",
        "note message",
    ),
    ("guid", "ReceivedEmail", "guid guid_message id uid message_id"),
    ("sender", "ReceivedEmail", "from_email sender_email from sender"),
    ("sender_name", "ReceivedEmail", "from_name sender_name"),
    ("recipient", "ReceivedEmail", "to_email recipient_email to recipient"),
    ("subject", "ReceivedEmail", "subject mail_subject"),
    ("body", "ReceivedEmail", "body mail_body message text"),
    ("received_at", "ReceivedEmail", "timestamp_unix received_at datetime timestamp udate"),
    ("note", "SentEmail", "note message messages"),
    ("id", "ListedNotification SentNotification", "id guid"),
    ("device", "ListedNotification SentNotification", "sidentifiant sIdentifiant sIdentifiantPhone sid device_id"),
    ("kind", "ListedNotification", "type"),
    (
        "sent_at",
        "ListedNotification",
        " ".join(f"sent_{ending}" for ending in ENDINGS),
    ),
    (
        "distributed_at",
        "ListedNotification",
        " ".join(f"distributed_{ending}" for ending in ENDINGS),
    ),
    ("recipient", "HandSentSMS", "number recipients phone phone_number"),
    ("sent_at", "HandSentSMS", "timestamp_unix datetime sent_at timestamp date_sent"),
    ("recipient", "LoggedSMS", "number recipients phone"),
    ("created_at", "LoggedSMS", "datetime created_at timestamp_unix timestamp"),
    ("sent_at", "LoggedSMS", "send_from_mobile_datetime sent_at date_sent"),
    ("guid", "ReceivedSMS ReceivedWhatsApp", "guid guid_message"),
    ("sender", "ReceivedSMS", "number from"),
    ("received_at", "ReceivedSMS", "timestamp_unix time_received"),
    ("created_at", "SentSMS SentWhatsApp", "datetime created_at"),
    ("sim", "SentSMS", "port"),
    ("number", "NumberCheck", "number recipients phone_number phone"),
    ("sender", "ReceivedWhatsApp", "number from phone_number phone"),
    ("contact_name", "ReceivedWhatsApp", "contact_name name alias"),
    ("message", "ReceivedWhatsApp", "message transcript"),
    ("kind", "ReceivedWhatsApp", "message_type type"),
    ("received_at", "ReceivedWhatsApp", "timestamp_unix received_at time_received datetime timestamp"),
    ("note", "WhatsAppRetrieval", "status_note note message messages"),
    ("ends_at", "WhatsAppWindow", "expire_at_unix expire_at"),
    ("note", "WhatsAppWindow", "messages message note"),
]
"""A field, the models that have it, and the keys that it is read from."""


def test_a_field_is_read_from_each_of_its_keys(subtests: pytest.Subtests) -> None:
    for field, models, keys in KEYS:
        with subtests.test(field=field):
            for model in models.split():
                for key in keys.split():
                    sent, read = sample(field, key)
                    assert getattr(MODELS[model].from_wire({key: sent}), field) == read, (model, key)


def sample(field: str, key: str) -> tuple[Any, Any]:
    """A value as it is sent, and as it is read."""
    if field == "at" or field.endswith("_at"):
        seconds = int(NEW_YEAR.timestamp())
        return str(seconds * 1000 if key.endswith("_ms") else seconds), NEW_YEAR
    if field in NUMBERS:
        return str(NUMBERS[field]), NUMBERS[field]
    word = "received" if field == "direction" else "w7"
    return word, word
