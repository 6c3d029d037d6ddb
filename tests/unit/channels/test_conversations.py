"""Conversations: query parameters, and spellings of a row."""

from __future__ import annotations

from datetime import date, datetime, timezone
from typing import Any

import pytest
import responses
from responses.matchers import query_param_matcher

from smsmobile import Conversation, ConversationSMS, InvalidRequestError, SMSMobileClient

from ..cases import each_once

URL = "https://api.smsmobileapi.com/conversation/sms/list/"
KEY = "0123456789abcdef0123456789abcdef0123456789abcdef"
MOMENT = datetime(2026, 3, 20, 21, 7, 44, tzinfo=timezone.utc)


FILTERS: list[tuple[dict[str, Any], dict[str, str]]] = [
    ({}, {}),
    ({"number": "+33639985678"}, {"numero": "+33639985678"}),
    ({"number": "MPESA"}, {"numero": "MPESA"}),
    (
        {"first_day": date(2026, 3, 1), "last_day": "2026-03-20"},
        {"date_from": "2026-03-01", "date_to": "2026-03-20"},
    ),
    ({"oldest_first": True}, {"sort": "ASC"}),
    ({"limit": 5}, {"limit": "5"}),
]


def test_only_what_is_asked_for_goes_into_the_query(
    subtests: pytest.Subtests, service: responses.RequestsMock, client: SMSMobileClient
) -> None:
    for case, origin in each_once(FILTERS, ["received", "sent"]):
        with subtests.test(case=case):
            service.reset()
            options, parameters = case
            asked = {"origineConversation": origin, "sort": "DESC", **parameters, "apikey": KEY}
            service.get(URL, json={"success": True, "conversations": []}, match=[query_param_matcher(asked)])
            assert client.conversations.list(origin, **options) == []


def test_a_bad_argument_is_refused_and_nothing_is_asked(
    subtests: pytest.Subtests, service: responses.RequestsMock, client: SMSMobileClient
) -> None:
    for origin, options, reason in [
        ("both", {}, "origin is 'both'; expected 'received' or 'sent'"),
        (None, {}, "origin is of type NoneType"),
        ("sent", {"number": ""}, "The number is empty"),
        ("sent", {"first_day": MOMENT}, "first_day is a datetime"),
        ("sent", {"first_day": "2026-03-21", "last_day": "2026-03-20"}, "is before first_day 2026-03-21"),
        ("sent", {"limit": 0}, "limit is 0; expected a whole number from 1"),
    ]:
        with subtests.test(origin=origin):
            service.reset()
            with pytest.raises(InvalidRequestError, match=reason):
                client.conversations.list(origin, **options)
            assert len(service.calls) == 0


def test_a_row_becomes_a_typed_model_with_its_messages(
    service: responses.RequestsMock, client: SMSMobileClient
) -> None:
    messages = [
        {"guid": "a", "direction": "received", "message": "hi", "timestamp_unix": "1774040863", "sim": "1"},
        {"guid": "b", "direction": "sent", "message": "hello", "date": "2026-03-20 21:07:44"},
    ]
    row = {"numero": "+33639985678", "count": "2", "last_message": "hello", "last_date": "2026-03-20 21:07:44"}
    service.get(URL, json={"success": True, "conversations": [{**row, "messages": messages}]})

    (conversation,) = client.conversations.list("received")

    assert type(conversation) is Conversation
    assert (conversation.number, conversation.name, conversation.message_count) == ("+33639985678", None, 2)
    assert (conversation.last_message, conversation.last_at) == ("hello", MOMENT)
    first, second = conversation.messages
    assert type(first) is ConversationSMS
    assert (first.guid, first.direction, first.message, first.model_extra) == ("a", "received", "hi", {"sim": "1"})
    assert (second.guid, second.at) == ("b", MOMENT)


def test_every_spelling_of_a_row_is_read(subtests: pytest.Subtests) -> None:
    for row, attribute, value in [
        *(({key: "MPESA"}, "number", "MPESA") for key in ("numero", "number", "phone_number", "phone")),
        *(({key: "MPESA"}, "number", "MPESA") for key in ("from", "recipients")),
        ({"numero": "", "number": 33639985678}, "number", "33639985678"),
        ({"name": None, "alias": "Taylor"}, "name", "Taylor"),
        ({"count": "0", "numero": None}, "message_count", 0),
        ({"message": "hi"}, "last_message", "hi"),
        ({"last_date": 1774040864000}, "last_at", MOMENT),
        ({"timestamp_unix": "1774040864"}, "last_at", MOMENT),
        ({"date": "2026-03-20", "hour": "21:07:44"}, "last_at", MOMENT),
        ({"messages": None}, "messages", ()),
        ({"messages": ""}, "messages", ()),
        ({"messages": 3}, "messages", ()),
        ({"messages": ["no row"]}, "messages", ()),
        ({"messages": [{"guid": "a"}]}, "messages", (ConversationSMS(guid="a"),)),
        (
            {"messages": {"0": {"guid": "a"}, "2": {"guid": "b"}}},
            "messages",
            (ConversationSMS(guid="a"), ConversationSMS(guid="b")),
        ),
        ({}, "messages", ()),
    ]:
        with subtests.test(row=row):
            assert getattr(Conversation.from_wire(row), attribute) == value


def test_a_conversation_that_comes_under_its_number_keeps_it(
    service: responses.RequestsMock, client: SMSMobileClient
) -> None:
    rows = {
        "+33639980011": {"last_message": "a"},
        "MPESA": {"last_message": "b"},
        "36173": {"number": "", "last_message": "c"},
        "7": {"last_message": "a position in a list is no number"},
        "9": {"numero": "+33639980012"},
    }
    service.get(URL, json={"success": True, "conversations": rows})
    numbers = [conversation.number for conversation in client.conversations.list("received")]
    assert numbers == ["+33639980011", "MPESA", "36173", None, "+33639980012"]
