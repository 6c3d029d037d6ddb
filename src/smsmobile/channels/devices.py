"""Devices: the account's phones, what is known of each, and how many more can be connected."""

from __future__ import annotations

import builtins
from typing import Annotated, Any

from pydantic import AliasChoices, BeforeValidator, Field, model_validator

from .._http.transport import Transport
from .._input.arguments import check_line
from .._wire.model import WireModel
from .._wire.values import DEVICE_KEYS, OptionalInt, OptionalText, Timestamp, read_optional_bool
from ..errors import NotFound

_ONLINE_WORDS = {"online": True, "connected": True, "offline": False, "disconnected": False}


def _read_online(mark: object) -> bool | None:
    """Whether a phone is connected, from a flag or a word; None for any other word."""
    flag = read_optional_bool(mark)
    return _ONLINE_WORDS.get(str(mark).strip().lower()) if flag is None else flag


def _read_percent(level: object) -> int | None:
    try:
        return int(float(str(level).strip().rstrip(" %")))
    except (ValueError, OverflowError):
        return None


class Device(WireModel):
    """A phone of the account. Rows vary (O): keys without a field are in `model_extra`."""

    sid: OptionalText = Field(None, validation_alias=AliasChoices(*DEVICE_KEYS, "sidentifiant"))
    """The SID, which `device` means in a send."""
    label: OptionalText = Field(None, validation_alias=AliasChoices("label", "name"))
    """The name that its owner gave it."""
    app_version: OptionalText = Field(None, validation_alias=AliasChoices("app_version", "version"))
    """The version of the app on it."""
    battery: Annotated[int | None, BeforeValidator(_read_percent)] = None
    """The charge of its battery in percent, as the app last reported it."""
    online: Annotated[bool | None, BeforeValidator(_read_online)] = None
    """Whether it is connected to the service; None if the row does not say, or says it in an unknown word."""
    last_seen_at: Timestamp = Field(
        None, validation_alias=AliasChoices("last_seen_unix", "last_seen_at", "last_seen", "last_connection")
    )
    """When the service last heard from the app, aware UTC; None if the row does not say (its keys are assumed, A)."""

    @model_validator(mode="before")
    @classmethod
    def _find_online_mark(cls, row: dict[str, Any]) -> dict[str, Any]:
        """Use the first of three keys (O) that says whether the phone is connected."""
        marks = (_read_online(row.get(key)) for key in ("online", "connected", "status"))
        return {**row, "online": next((mark for mark in marks if mark is not None), None)}


class DeviceCapacity(WireModel):
    """How many phones the account has, and may have, connected at the same time (O)."""

    connected: OptionalInt = Field(None, validation_alias="connected_now")
    """How many are connected now."""
    limit: OptionalInt = Field(None, validation_alias="connected_limit")
    """How many can be."""
    available: OptionalInt = Field(None, validation_alias="connected_available")
    """How many more could be connected."""
    note: OptionalText = Field(None, validation_alias=AliasChoices("note", "message"))
    """The service's remark."""


class DevicesChannel:
    """`client.devices`."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(self, *, search: str | None = None) -> builtins.list[Device]:
        """The account's phones (D).

        search: only those with this text in the SID, label, version, battery or date.

        Raises InvalidRequestError, ConnectionFailed, ResponseTimeout, or APIError and its kinds.
        """
        params: dict[str, str | int] = {}
        if search is not None:
            params["search"] = check_line("search", search)
        return self._transport.call("devices.list", params).rows(Device)

    def get(self, sid: str) -> Device:
        """The phone with this SID (D).

        Raises NotFound where the account has no such phone, and as `list` does.
        """
        sid = check_line("SID", sid)
        for device in self._transport.call("devices.list", {"sid": sid}).rows(Device):
            if device.sid == sid:
                return device
        raise NotFound(
            "No phone of this account has that SID; client.devices.list() says which ones there are.", status=200
        )

    def capacity(self) -> DeviceCapacity:
        """How many phones are connected, how many can be, and how many more (D).

        Raises ConnectionFailed, ResponseTimeout, or APIError and its kinds.
        """
        fields = self._transport.call("devices.list", {}).fields
        return DeviceCapacity.from_wire(
            {key: fields[key] for key in fields if not isinstance(fields[key], (list, dict))}
        )
