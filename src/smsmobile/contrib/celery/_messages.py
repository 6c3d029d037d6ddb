"""Messages as JSON, in the message of a task: times are ISO texts there."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from ..._input.arguments import shown
from ...delivery._messages import FIELDS, OutgoingSMS
from ...errors import InvalidRequestError

_TIMES = ("schedule_at", "expires_at")
_LEFT_OUT = (None, False)


def packed(message: OutgoingSMS) -> dict[str, Any]:
    """The fields of a message that are set."""
    row = {name: value for name in FIELDS if (value := getattr(message, name)) not in _LEFT_OUT}
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in row.items()}


def unpacked(row: dict[str, Any]) -> OutgoingSMS:
    """The message with these fields. Raises InvalidRequestError for a wrong option or an unreadable time."""
    given = {name: _moment(name, value) if name in _TIMES else value for name, value in row.items()}
    if unknown := [name for name in given if name not in FIELDS]:
        raise InvalidRequestError(
            f"There is no option {shown(str(unknown[0]))!r}; expected some of {', '.join(FIELDS[3:])}."
        )
    return OutgoingSMS(**given)


def _moment(name: str, value: Any) -> Any:
    """An ISO text as a datetime; anything else as it is, for the check of the message."""
    if not isinstance(value, str):
        return value
    try:
        return datetime.fromisoformat(value.removesuffix("Z") + "+00:00" * value.endswith("Z"))
    except ValueError:
        pass
    raise InvalidRequestError(
        f"{name} is {shown(value)!r}; expected an aware datetime, or its ISO text such as '2027-01-04T09:00:00+01:00'."
    )
