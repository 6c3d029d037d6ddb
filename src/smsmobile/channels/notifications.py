"""Notifications: pushes them to the app on a phone, and lists those that were sent."""

from __future__ import annotations

import builtins
from datetime import date
from typing import Any, ClassVar

from pydantic import AliasChoices, Field, model_validator

from .._http.transport import Transport
from .._input.arguments import check_bool, check_days, check_line, check_text
from .._wire.model import DayAndHour, WireModel
from .._wire.outcome import unknown_outcome_about
from .._wire.values import (
    DEVICE_KEYS,
    Guid,
    MessageText,
    OptionalBool,
    OptionalText,
    Timestamp,
    is_empty,
    read_optional_bool,
)

__all__ = ["ListedNotification", "NotificationsChannel", "SentNotification"]


def __dir__() -> list[str]:
    return __all__


_SID_KEYS = ("sidentifiant", *DEVICE_KEYS)
_DISTRIBUTED_WORDS = {"distributed": True, "not_distributed": False}
_NO_LOG = "Look for it in client.notifications.list(device=…): reconcile() searches only the log of SMS."


def _time_keys(name: str) -> AliasChoices:
    """The possible keys of a time. Only `*_at_unix` is documented, and that the others are in GMT (D)."""
    known = ("at_unix", "at", "datetime")
    assumed = (
        "unix",
        "timestamp",
        *(f"{word}{zone}" for word in ("at_", "datetime_", "date_", "") for zone in ("gmt", "utc")),
    )
    return AliasChoices(*(f"{name}_{ending}" for ending in (*known, *assumed)))


class SentNotification(WireModel):
    """The answer to a send: the service accepted the notification (D). The phone shows it once it is connected."""

    id: Guid = Field(None, validation_alias=AliasChoices("id", "guid"))
    """The notification's number in the service's list; None if the service returned none."""
    accepted: bool = True
    """Always True. A send that is not accepted raises an exception."""
    device: OptionalText = Field(None, validation_alias=AliasChoices(*_SID_KEYS))
    """SID of the phone."""
    note: OptionalText = Field(None, validation_alias=AliasChoices("note", "message"))
    """The service's note."""


class ListedNotification(WireModel):
    """A notification that was sent (D)."""

    _day_and_hour: ClassVar[DayAndHour] = {
        "sent_at": ("sent_date", "sent_time", "sent_hour"),
        "distributed_at": ("distributed_date", "distributed_time", "distributed_hour"),
    }

    id: Guid = Field(None, validation_alias=AliasChoices("id", "guid"))
    """The notification's number in the service's list."""
    device: OptionalText = Field(None, validation_alias=AliasChoices(*_SID_KEYS))
    """SID of the phone."""
    title: OptionalText = None
    """The title."""
    message: MessageText = ""
    """The text."""
    kind: OptionalText = Field(None, validation_alias="type")
    """The kind that was passed to `send`; `notification` by default (D)."""
    distributed: OptionalBool = None
    """Whether it reached the phone; None if the row does not say, or uses an unknown word."""
    sent_at: Timestamp = Field(None, validation_alias=_time_keys("sent"))
    """When it was sent, as an aware UTC datetime (D; keys other than `sent_at_unix` are assumed, A)."""
    distributed_at: Timestamp = Field(None, validation_alias=_time_keys("distributed"))
    """When it reached the phone, as an aware UTC datetime; None until then (D; keys as for `sent_at`)."""

    @model_validator(mode="before")
    @classmethod
    def _find_distributed(cls, row: dict[str, Any]) -> dict[str, Any]:
        """Use the first of four keys whose value can be read, as a flag or as a word."""
        values = (row.get(key) for key in ("distributed", "distribued", "distribued_status", "distributed_status"))
        flags = (_DISTRIBUTED_WORDS.get(str(value).strip().lower(), value) for value in values)
        return {**row, "distributed": next((flag for flag in flags if read_optional_bool(flag) is not None), None)}


class NotificationsChannel:
    """`client.notifications`."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def send(self, device: str, message: str, *, title: str | None = None, kind: str | None = None) -> SentNotification:
        """Push a notification to the app on a phone (D). It arrives once the phone is connected.

        device: SID of the phone.
        message: any text.
        title: one line of text; `Notification` by default (D).
        kind: a word of your own for its kind; `notification` by default (D).

        Raises InvalidRequestError or ConnectionFailed if nothing was sent, SendOutcomeUnknown if the notification may
        have been accepted (its `advice` says where to look), and an APIError if the service refused it. With OAuth2
        also ResponseTimeout, if no token arrived in time; nothing was sent then.
        """
        device, message = check_line("device", device), check_text("message", message)
        params: dict[str, str | int] = {"sid": device, "message": message}
        if title is not None:
            params["title"] = check_line("title", title)
        if kind is not None:
            params["type"] = check_line("kind", kind)
        with unknown_outcome_about(None, to=device, message=message, advice=_NO_LOG):
            fields = self._transport.call("notifications.send", params).fields
        has_sid = any(not is_empty(fields.get(key)) for key in _SID_KEYS)
        return SentNotification.from_wire(fields if has_sid else {**fields, "sid": device})

    def list(
        self,
        *,
        device: str | None = None,
        distributed: bool | None = None,
        first_day: date | str | None = None,
        last_day: date | str | None = None,
    ) -> builtins.list[ListedNotification]:
        """Return the notifications that were sent: at most 200, newest first (D).

        device: only notifications to the phone with this SID.
        distributed: only those that reached the phone (True), or only those that did not (False).
        first_day, last_day: only notifications of these days and the days between, in GMT; a date, or a text such as
            `2026-03-20`.

        Raises InvalidRequestError, ConnectionFailed, ResponseTimeout or an APIError.
        """
        params: dict[str, str | int] = {}
        if device is not None:
            params["sidentifiant"] = check_line("device", device)
        if distributed is not None:
            params["distribued"] = int(check_bool("distributed", distributed))
        first, last = check_days(first_day, last_day)
        # The documentation says date_from and date_to, the OpenAPI description date_start and date_end. The service
        # ignores parameters that it does not know, and nobody would notice that the filter is missing.
        for day, names in ((first, ("date_from", "date_start")), (last, ("date_to", "date_end"))):
            if day is not None:
                params.update(dict.fromkeys(names, day))
        return self._transport.call("notifications.list", params).rows(ListedNotification)
