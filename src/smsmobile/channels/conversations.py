"""Conversations: SMS grouped by the other party. Sending and the logs are in sms.py."""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AliasChoices, BeforeValidator, Field

from .._http.transport import Transport
from .._input.arguments import check_bool, check_choice, check_days, check_line, check_whole
from .._wire.model import DayAndHour, WireModel
from .._wire.values import GUID_KEYS, Guid, MessageText, OptionalInt, OptionalText, Timestamp

__all__ = ["Conversation", "ConversationSMS", "ConversationsChannel"]


def __dir__() -> list[str]:
    return __all__


class ConversationSMS(WireModel):
    """One SMS of a conversation. The keys of its row are assumed (A); unknown keys are in `model_extra`."""

    _day_and_hour: ClassVar[DayAndHour] = {"at": ("date", "hour")}

    guid: Guid = Field(None, validation_alias=AliasChoices(*GUID_KEYS))
    """The message's GUID."""
    direction: OptionalText = Field(None, validation_alias=AliasChoices("direction", "type"))
    """`received`, `sent`, or another word of the service."""
    message: MessageText = ""
    """The text."""
    at: Timestamp = Field(
        None, validation_alias=AliasChoices("timestamp_unix", "datetime", "timestamp", "time_received", "at")
    )
    """When it was received or sent, as an aware UTC datetime. A time without timezone is read as UTC (A)."""


def _read_messages(rows: Any) -> tuple[ConversationSMS, ...]:
    if isinstance(rows, dict):  # PHP writes a list with gaps as an object
        rows = list(rows.values())
    if not isinstance(rows, Sequence) or isinstance(rows, str):
        return ()
    return tuple(
        row if isinstance(row, ConversationSMS) else ConversationSMS.from_wire(row)
        for row in rows
        if isinstance(row, (dict, ConversationSMS)) and row != {}
    )


class Conversation(WireModel):
    """The SMS exchanged with one other party (O). The keys of its row are assumed (A)."""

    _day_and_hour: ClassVar[DayAndHour] = {"last_at": ("date", "hour")}
    _row_key: ClassVar[str] = "number"

    number: OptionalText = Field(
        None, validation_alias=AliasChoices("numero", "number", "phone_number", "phone", "from", "recipients")
    )
    """The other party: a number, or a name such as `MPESA` (O)."""
    name: OptionalText = Field(None, validation_alias=AliasChoices("name", "alias", "contact_name", "cached_name"))
    """The other party's name in the phone's contacts; None if there is none."""
    message_count: OptionalInt = Field(None, validation_alias="count")
    """Number of SMS, as counted by the service."""
    last_message: OptionalText = Field(None, validation_alias=AliasChoices("last_message", "message"))
    """The text of the newest SMS."""
    last_at: Timestamp = Field(
        None,
        validation_alias=AliasChoices(
            "last_date_unix", "last_timestamp_unix", "last_date", "last_datetime", "timestamp_unix", "datetime"
        ),
    )
    """When the newest SMS was received or sent, as an aware UTC datetime."""
    messages: Annotated[tuple[ConversationSMS, ...], BeforeValidator(_read_messages)] = Field(
        (), validation_alias=AliasChoices("messages", "sms")
    )
    """The SMS, in the service's order; empty if the service lists none."""


class ConversationsChannel:
    """`client.conversations`."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(
        self,
        origin: Literal["received", "sent"],
        *,
        number: str | None = None,
        first_day: date | str | None = None,
        last_day: date | str | None = None,
        oldest_first: bool = False,
        limit: int | None = None,
    ) -> builtins.list[Conversation]:
        """Return the conversations in which an SMS was received, or in which one was sent (O).

        origin: `received` or `sent`.
        number: only the conversation with this number, or with a name such as `MPESA`.
        first_day, last_day: only conversations of these days and the days between, by the service's clock; a date, or
            a text such as `2026-03-20`.
        oldest_first: sort the oldest first; by default the newest.
        limit: maximum number of conversations to return.

        Raises InvalidRequestError, ConnectionFailed, ResponseTimeout or an APIError.
        """
        params: dict[str, str | int] = {
            "origineConversation": check_choice("origin", origin, ("received", "sent")),
            "sort": "ASC" if check_bool("oldest_first", oldest_first) else "DESC",
        }
        if number is not None:
            params["numero"] = check_line("number", number)
        first, last = check_days(first_day, last_day)
        if first is not None:
            params["date_from"] = first
        if last is not None:
            params["date_to"] = last
        if limit is not None:
            params["limit"] = check_whole("limit", limit, least=1)
        return self._transport.call("conversations.list", params).rows(Conversation)
