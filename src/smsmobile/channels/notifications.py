"""Notifications: pushing one to a phone's app, and the list of those that were sent."""

from __future__ import annotations

import builtins
from datetime import date
from typing import Any, ClassVar

from pydantic import AliasChoices, Field, model_validator

from .._http.transport import Transport
from .._input.arguments import check_bool, check_days, check_line, check_text
from .._wire.model import WireModel
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

MOST_LISTED = 200
"""So many notifications the service lists at most (D)."""

_SID_KEYS = ("sidentifiant", *DEVICE_KEYS)
_DISTRIBUTED_WORDS = {"distributed": True, "not_distributed": False}
_NO_LOG = (
    "Look for it in client.notifications.list(device=…): reconcile() searches the log of SMS only, in which "
    "notifications are not."
)


def _moments(name: str) -> AliasChoices:
    """The keys of a time. `*_at_unix` is documented; of the others only that they are in GMT (D)."""
    known = ("at_unix", "at", "datetime")
    likely = (
        "unix",
        "timestamp",
        *(f"{word}{zone}" for word in ("at_", "datetime_", "date_", "") for zone in ("gmt", "utc")),
    )
    return AliasChoices(*(f"{name}_{ending}" for ending in (*known, *likely)))


class SentNotification(WireModel):
    """The service's answer to a send: the notification is accepted (D). The phone shows it once it is connected."""

    id: Guid = Field(None, validation_alias=AliasChoices("id", "guid"))
    """Its number in the service's list; None if the service gave none."""
    accepted: bool = True
    """Always true: a notification that is not accepted raises an error."""
    device: OptionalText = Field(None, validation_alias=AliasChoices(*_SID_KEYS))
    """SID of the phone."""
    note: OptionalText = Field(None, validation_alias=AliasChoices("note", "message"))
    """The service's remark."""


class ListedNotification(WireModel):
    """A notification that was sent (D)."""

    _day_and_hour: ClassVar = {
        "sent_at": ("sent_date", "sent_time", "sent_hour"),
        "distributed_at": ("distributed_date", "distributed_time", "distributed_hour"),
    }

    id: Guid = Field(None, validation_alias=AliasChoices("id", "guid"))
    """Its number in the service's list."""
    device: OptionalText = Field(None, validation_alias=AliasChoices(*_SID_KEYS))
    """SID of the phone."""
    title: OptionalText = None
    """The line above the text."""
    message: MessageText = ""
    """The text."""
    kind: OptionalText = Field(None, validation_alias="type")
    """The type that the sender gave it; `notification` by default (D)."""
    distributed: OptionalBool = None
    """Whether it has reached the phone; None if the row does not say, or says it in an unknown word."""
    sent_at: Timestamp = Field(None, validation_alias=_moments("sent"))
    """When it was sent, aware UTC (D; its keys besides `sent_at_unix` are assumed, A)."""
    distributed_at: Timestamp = Field(None, validation_alias=_moments("distributed"))
    """When it reached the phone, aware UTC; None until then (D; its keys as those of `sent_at`)."""

    @model_validator(mode="before")
    @classmethod
    def _find_distributed_mark(cls, row: dict[str, Any]) -> dict[str, Any]:
        """Use the first of the four marks that says yes or no, as a flag or as a word."""
        marks = (row.get(key) for key in ("distributed", "distribued", "distribued_status", "distributed_status"))
        words = (_DISTRIBUTED_WORDS.get(str(mark).strip().lower(), mark) for mark in marks)
        return {**row, "distributed": next((word for word in words if read_optional_bool(word) is not None), None)}


class NotificationsChannel:
    """`client.notifications`."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def send(self, device: str, message: str, *, title: str | None = None, kind: str | None = None) -> SentNotification:
        """Push a notification to the app on a phone (D). One to a phone that is not connected waits for it.

        device: SID of the phone. message: the text.
        title: the line above it; `Notification` without it (D). kind: a word for what it is; `notification` without
        it (D).

        Raises InvalidRequestError (nothing was sent), ConnectionFailed (nothing was sent), SendOutcomeUnknown (it may
        have been accepted: look into `list()`), or APIError and its kinds (the service refused it). With OAuth2 also
        ResponseTimeout, where no token came (nothing was sent).
        """
        device = check_line("device", device)
        params: dict[str, str | int] = {"sid": device, "message": check_text("message", message)}
        if title is not None:
            params["title"] = check_line("title", title)
        if kind is not None:
            params["type"] = check_line("kind", kind)
        with unknown_outcome_about(None, to=device, message=message, advice=_NO_LOG):
            fields = self._transport.call("notifications.send", params).fields
        said = any(not is_empty(fields.get(key)) for key in _SID_KEYS)
        return SentNotification.from_wire(fields if said else {**fields, "sid": device})

    def list(
        self,
        *,
        device: str | None = None,
        distributed: bool | None = None,
        first_day: date | str | None = None,
        last_day: date | str | None = None,
    ) -> builtins.list[ListedNotification]:
        """The notifications that were sent: at most the newest 200, newest first (D).

        device: only to the phone with this SID. distributed: only those that reached it, or only those that did not.
        first_day, last_day: dates, or text as `2026-03-20`; only of these days and those between, in GMT.

        Raises InvalidRequestError, ConnectionFailed, ResponseTimeout, or APIError and its kinds.
        """
        params: dict[str, str | int] = {}
        if device is not None:
            params["sidentifiant"] = check_line("device", device)
        if distributed is not None:
            params["distribued"] = int(check_bool("distributed", distributed))
        first, last = check_days(first_day, last_day)
        # The documentation says date_from and date_to, the OpenAPI description date_start and date_end. What a service
        # does not know it ignores, and a filter that is ignored would be noticed by nobody.
        for day, names in ((first, ("date_from", "date_start")), (last, ("date_to", "date_end"))):
            if day is not None:
                params.update(dict.fromkeys(names, day))
        return self._transport.call("notifications.list", params).rows(ListedNotification)
