"""Devices: the account's phones, their state, and how many more can be connected."""

from __future__ import annotations

import builtins
from typing import Annotated, Any

from pydantic import AliasChoices, BeforeValidator, Field, model_validator

from .._http.transport import Transport
from .._input.arguments import check_line
from .._wire.model import WireModel
from .._wire.values import DEVICE_KEYS, OptionalInt, OptionalText, Timestamp, read_int, read_optional_bool
from ..errors import NotFound

__all__ = ["Device", "DeviceCapacity", "DevicesChannel"]


def __dir__() -> list[str]:
    return __all__


_ONLINE_WORDS = {"online": True, "connected": True, "offline": False, "disconnected": False}


def _read_online(value: object) -> bool | None:
    """Read whether a phone is connected, from a flag or a word. Returns None for an unknown word."""
    flag = read_optional_bool(value)
    return _ONLINE_WORDS.get(str(value).strip().lower()) if flag is None else flag


def _read_percent(level: object) -> int | None:
    return read_int(level.strip().rstrip(" %") if isinstance(level, str) else level)


class Device(WireModel):
    """A phone of the account. The keys of its row vary (O); unknown keys are in `model_extra`."""

    sid: OptionalText = Field(None, validation_alias=AliasChoices(*DEVICE_KEYS, "sidentifiant"))
    """The phone's SID. A send names it as `device`."""
    label: OptionalText = Field(None, validation_alias=AliasChoices("label", "name"))
    """The name that the owner gave the phone."""
    app_version: OptionalText = Field(None, validation_alias=AliasChoices("app_version", "version"))
    """The version of the app on the phone."""
    battery: Annotated[int | None, BeforeValidator(_read_percent)] = None
    """The battery level in percent, as last reported by the app."""
    online: Annotated[bool | None, BeforeValidator(_read_online)] = None
    """Whether the phone is connected to the service; None if the row does not say, or uses an unknown word."""
    last_seen_at: Timestamp = Field(
        None, validation_alias=AliasChoices("last_seen_unix", "last_seen_at", "last_seen", "last_connection")
    )
    """When the service last heard from the app, as an aware UTC datetime; None if the row does not say (keys: A)."""

    @model_validator(mode="before")
    @classmethod
    def _find_online(cls, row: dict[str, Any]) -> dict[str, Any]:
        """Use the first of three keys (O) whose value can be read."""
        flags = (_read_online(row.get(key)) for key in ("online", "connected", "status"))
        return {**row, "online": next((flag for flag in flags if flag is not None), None)}


class DeviceCapacity(WireModel):
    """How many phones are connected, and how many can be connected at the same time (O)."""

    connected: OptionalInt = Field(None, validation_alias="connected_now")
    """Number of phones that are connected now."""
    limit: OptionalInt = Field(None, validation_alias="connected_limit")
    """Maximum number of connected phones."""
    available: OptionalInt = Field(None, validation_alias="connected_available")
    """Number of phones that can still be connected."""
    note: OptionalText = Field(None, validation_alias=AliasChoices("note", "message"))
    """The service's note."""


class DevicesChannel:
    """`client.devices`."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(self, *, search: str | None = None) -> builtins.list[Device]:
        """Return the account's phones (D).

        search: only phones with this text in the SID, label, version, battery or date.

        Raises InvalidRequestError, ConnectionFailed, ResponseTimeout or an APIError.
        """
        params: dict[str, str | int] = {}
        if search is not None:
            params["search"] = check_line("search", search)
        return self._transport.call("devices.list", params).rows(Device)

    def get(self, sid: str) -> Device:
        """Return the phone with this SID (D).

        Raises NotFound if the account has no such phone, and the errors of `list`.
        """
        sid = check_line("SID", sid)
        for device in self._transport.call("devices.list", {"sid": sid}).rows(Device):
            if device.sid == sid:
                return device
        raise NotFound("The account has no phone with this SID; client.devices.list() returns all phones.", status=200)

    def capacity(self) -> DeviceCapacity:
        """Return how many phones are connected, and how many can be (D).

        Raises ConnectionFailed, ResponseTimeout or an APIError.
        """
        fields = self._transport.call("devices.list", {}).fields
        return DeviceCapacity.from_wire(
            {key: fields[key] for key in fields if not isinstance(fields[key], (list, dict))}
        )
