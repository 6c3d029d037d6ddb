"""What the answer to something that sends means: accepted, refused, or nobody can know. And rows, for all channels.

The models of the answers live in channels/.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ..errors import APIError, SendOutcomeUnknown, UnexpectedResponse
from .envelope import Answer
from .model import Model
from .values import GUID_KEYS, UTC, is_empty, read_bool, read_guid, read_optional_bool

if TYPE_CHECKING:
    from ..channels.sms import LoggedSMS


@contextmanager
def in_doubt(find: Callable[[SendOutcomeUnknown], LoggedSMS | None] | None, **attempt: str) -> Iterator[None]:
    """Tell a SendOutcomeUnknown what it is about, and how to find it in the log."""
    attempted_at = datetime.now(UTC)
    try:
        yield
    except SendOutcomeUnknown as error:
        vars(error).update(attempt, attempted_at=attempted_at, _lookup=find)
        raise


def accepted_fields(answer: Answer, guid: str | None = None, *, no_error_is_yes: bool = False) -> dict[str, Any]:
    """The answer's fields, if it says that the message is queued.

    "sent" is "1" when it is; "0", "no" or a word such as "api_error" when not, even beside "error": 0 (O). Where
    nobody documents such a key or a GUID, an "error" that says all is well may be all there is: `no_error_is_yes`.
    """
    fields = answer.fields
    sent = fields.get("sent")
    if answer.found and (any(map(_says_no, answer.found)) or not (sent and read_bool(sent))):
        # New keys may come beside a documented yes; else nobody knows which of the rows is the message's.
        raise SendOutcomeUnknown(f"The service's answer holds rows that are not the message's: {len(answer.found)}.")
    accepted: bool | None
    if is_empty(sent):
        # A resend's answer need not repeat the GUID, but an empty one says nothing.
        no_error_is_yes = no_error_is_yes or guid is not None
        accepted = answer.accepted or _has_guid(fields) or (no_error_is_yes and "error" in fields) or None
    else:
        accepted = read_bool(sent)
    if accepted:
        return with_guid({**fields, "accepted": True}, guid) if guid else {**fields, "accepted": True}
    word = "" if is_empty(sent) else str(sent).strip()
    is_refusal = accepted is False or word.lower() == "api_error"  # beside "success": true as well
    if not is_refusal and word.replace("_", "").replace(" ", "").isalpha():
        if answer.accepted:
            raise SendOutcomeUnknown("The service's answer says that it went well, and `sent` an unknown word.")
        is_refusal = True
    if is_refusal:
        code = "not_accepted" if accepted is False else word
        raise APIError(
            f"The service did not accept the message: HTTP 200, sent {word!r}.", code=code, status=200, note=answer.note
        )
    raise SendOutcomeUnknown("The service's answer says neither that it accepted the message nor that it did not.")


def _says_no(row: object) -> bool:
    """Whether a row that is one of several speaks of a failure."""
    if not isinstance(row, dict):
        return False
    marks = [read_optional_bool(row.get("sent")), read_optional_bool(row.get("success"))]
    return False in marks or read_bool(row.get("error")) is not False or row.get("sent") == "api_error"


def with_guid(fields: dict[str, Any], guid: str) -> dict[str, Any]:
    """The fields with this GUID where the answer does not repeat it."""
    return fields if _has_guid(fields) else {**fields, "guid": guid}


def _has_guid(fields: dict[str, Any]) -> bool:
    return any(read_guid(fields.get(key)) for key in GUID_KEYS)


def read_rows(answer: Answer, model: type[Model]) -> list[Model]:
    """The answer's rows as models; UnexpectedResponse where they are not rows."""
    failure = None
    try:
        return answer.rows(model)
    except ValueError as error:
        failure = UnexpectedResponse(f"The service's rows cannot be read: {error}.", status=200)
    raise failure
