"""The union that a receiver returns, its errors, and events in which only a second spelling can be read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, get_args

import pytest

import smsmobile
from smsmobile import webhooks
from smsmobile.webhooks import AnyEvent, KnownEvent, UnknownEvent, parse_v1

Make = Callable[..., dict[str, Any]]
Receive = Callable[[object], Any]


def test_the_union_has_the_known_events_and_the_unknown_one() -> None:
    assert get_args(AnyEvent) == (*get_args(KnownEvent), UnknownEvent)


@pytest.mark.parametrize("name", ["WebhookError", "SignatureMismatch", "TimestampOutOfTolerance", "MalformedPayload"])
def test_the_errors_of_webhooks_can_be_imported_beside_the_receiver(name: str) -> None:
    assert getattr(webhooks, name) is getattr(smsmobile, name)


@pytest.mark.parametrize("nothing", [None, "", [], {"a": 1}, True])
def test_an_unreadable_sender_does_not_hide_another_spelling(receive: Receive, envelope: Make, nothing: object) -> None:
    for kind in ("sms.received", "whatsapp.received", "whatsapp.voice.transcribed"):
        event = receive(envelope(type=kind, data={"message": "m", "from": nothing, "number": "+1"}))
        assert event.data.sender == "+1"
        assert "number" not in event.data.model_extra


@pytest.mark.parametrize("unreadable", [[1], {"a": 1}, True])
def test_an_optional_field_that_cannot_be_read_is_none_and_the_event_survives(
    receive: Receive, envelope: Make, unreadable: object
) -> None:
    fields = ("guid", "sender", "data_id", "contact_name", "transcript", "duration_seconds")
    data = dict.fromkeys(("guid", "from", "data_id", "contact_name", "transcript", "duration_seconds"), unreadable)
    read = receive(envelope(type="whatsapp.voice.transcribed", data=data)).data
    expected = {**dict.fromkeys(fields), "duration_seconds": 1.0 if unreadable is True else None}
    assert {field: getattr(read, field) for field in fields} == expected


@pytest.mark.parametrize("none", ["0", 0, "0000-00-00"])
def test_zero_is_no_guid_that_could_make_two_messages_one(none: object) -> None:
    first, second = (parse_v1(f'{{"message": "{text}", "number": "+1", "guid": "{none}"}}') for text in "ab")
    assert first.data.guid is None
    assert first.id != second.id
