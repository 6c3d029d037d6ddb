"""The input of a bulk sender: messages in several forms, rows for a template, and the key of each message.

The channel checks whether a number or a text can be sent.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import KW_ONLY, dataclass, fields
from datetime import datetime
from string import Formatter
from typing import TYPE_CHECKING, Any, TypeAlias

from .._input.arguments import check_line, check_text, check_whole
from .._input.phone_numbers import digits_of
from .._redaction import mask_number
from ..errors import InvalidRequestError, StorageError

if TYPE_CHECKING:
    from ..channels.sms import SentSMS, SMSChannel

_SHOWN = 5
"""How many wrong rows an error names."""
_LARGEST_KEY = 2**63 - 1


@dataclass(frozen=True, repr=False)
class OutgoingSMS:
    """A message to send in bulk. The options are those of `client.sms.send`."""

    to: str
    """One phone number."""
    text: str
    """The message."""
    key: str | int | None = None
    """Your name for this message: a journal sends one message for a key, and no second one.

    Without a key, the number and the text together are the key.
    """
    _: KW_ONLY
    sim: int | None = None
    device: str | None = None
    schedule_at: datetime | None = None
    shorten_urls: bool = False
    encrypt: bool = False
    whatsapp: bool = False

    def __repr__(self) -> str:
        to = mask_number(str(self.to))
        return f"OutgoingSMS(to={to!r}, key={self.key!r})"


_FIELDS = [field.name for field in fields(OutgoingSMS)]

Message: TypeAlias = OutgoingSMS | tuple[str, str] | Mapping[str, Any]
"""A message as `send` takes it: an OutgoingSMS, `(to, text)`, or a mapping with the fields of an OutgoingSMS."""
Params: TypeAlias = dict[str, str | int]
"""The parameters of a message's request."""


def read_message(message: object) -> OutgoingSMS:
    """Read any form of a message. Raises InvalidRequestError for anything else."""
    if isinstance(message, OutgoingSMS):
        return message
    is_row = isinstance(message, (tuple, list))
    if is_row and len(message) == 2:  # type: ignore[arg-type]
        return OutgoingSMS(*message)  # type: ignore[misc]
    if isinstance(message, Mapping):
        return _read_mapping(message)
    size = f" of {len(message)}" if is_row else ""  # type: ignore[arg-type]
    raise InvalidRequestError(
        f"The message is a {type(message).__name__}{size}; expected (to, text), a dict with 'to' and 'text', or an "
        "OutgoingSMS."
    )


def _read_mapping(message: Mapping[Any, Any]) -> OutgoingSMS:
    given = dict(message)
    if "message" in given:
        if "text" in given:
            raise InvalidRequestError(
                "The message has 'text' and 'message', which mean the same; expected one of them."
            )
        given["text"] = given.pop("message")
    if missing := [name for name in ("to", "text") if name not in given]:
        raise InvalidRequestError(
            f"The message has no {' and no '.join(map(repr, missing))}; it needs 'to' and 'text'."
        )
    if unknown := [name for name in given if name not in _FIELDS]:
        raise InvalidRequestError(
            f"The message has {str(unknown[0])[:20]!r}, which is no option of a message; expected some of "
            f"{', '.join(_FIELDS)}. For fields of a template use send(…, template=…)."
        )
    return OutgoingSMS(**given)


def check_key(key: object) -> str:
    """The caller's key, as the journal stores it."""
    if isinstance(key, int) and not isinstance(key, bool):
        return str(check_whole("key", key, least=-_LARGEST_KEY, most=_LARGEST_KEY))  # the id of a row in a database
    return check_line("key", key)


def key_of(message: OutgoingSMS, number: str) -> str:
    """The caller's key, or a hash of number and text."""
    if message.key is not None:
        return check_key(message.key)
    return hashlib.sha256(f"{number}\n{message.text}".encode()).hexdigest()[:32]


def params_of(channel: SMSChannel, message: OutgoingSMS) -> Params:
    """The parameters of its request. Raises InvalidRequestError for a message that cannot be sent."""
    return channel._params(
        message.to,
        message.text,
        message.sim,
        message.device,
        message.schedule_at,
        message.shorten_urls,
        message.encrypt,
        message.whatsapp,
    )


def number_of(params: Params) -> str:
    """The recipient's number, digits only."""
    return digits_of(str(params["recipients"]))


def send(channel: SMSChannel, message: OutgoingSMS, params: Params) -> SentSMS:
    """Send it with these parameters, as `client.sms.send` does."""
    return channel._send(
        params,
        message.text,
        schedule_at=message.schedule_at,
        shorten_urls=message.shorten_urls,
        encrypt=message.encrypt,
    )


class Template:
    """A text with fields: `Hi {name}`. `{{` and `}}` stand for braces.

    A field is replaced by the row's value as text. Names with dots or brackets, conversions and format specifications
    are refused: a template could read other parts of the program with them.

    Raises InvalidRequestError for a text that is not a template.
    """

    def __init__(self, template: object) -> None:
        text = check_text("template", template)
        try:
            self._pieces = list(Formatter().parse(text))
        except ValueError as error:
            raise InvalidRequestError(
                f"The template cannot be read ({error}). Write fields in braces, as in 'Hi {{name}}', and a brace of "
                "the text twice."
            ) from None
        self.fields: list[str] = []
        """The names of its fields, each once."""
        for _, name, specification, conversion in self._pieces:
            if name is None:
                continue
            if specification or conversion or not name.strip() or any(char in name for char in ".[]"):
                raise InvalidRequestError(
                    f"The template has {{{name}{'!' + conversion if conversion else ''}"
                    f"{':' + specification if specification else ''}}}; expected a plain name, as in {{name}}. Format "
                    "the value in the row, and write a brace of the text twice."
                )
            if name not in self.fields:
                self.fields.append(name)

    def problem(self, row: object) -> str:
        """What is wrong with a row: a missing field, or a wrong number or key; empty if nothing is."""
        if not isinstance(row, Mapping):
            return f"is of type {type(row).__name__}; expected a dict with 'to' and the template's fields"
        if missing := [name for name in dict.fromkeys(["to", *self.fields]) if row.get(name) is None]:
            return f"lacks {', '.join(map(repr, missing))}"
        if not isinstance(row["to"], str):
            return f"has a 'to' of type {type(row['to']).__name__}; expected text (str)"
        try:
            if row.get("key") is not None:
                check_key(row["key"])
        except InvalidRequestError as error:
            return f"cannot be used: {str(error).rstrip('.')}"
        return ""

    def read(self, row: object) -> OutgoingSMS:
        """The message of a row. Raises InvalidRequestError if something is wrong with the row."""
        if problem := self.problem(row):
            raise InvalidRequestError(f"The row {problem}.")
        return self.fill(row)  # type: ignore[arg-type]  # `problem` has looked

    def fill(self, row: Mapping[str, Any]) -> OutgoingSMS:
        """The message of a row that was checked with `problem`."""
        text = "".join(literal + ("" if name is None else str(row[name])) for literal, name, _, _ in self._pieces)
        return OutgoingSMS(row["to"], text, row.get("key"))


@contextmanager
def filled(template: Template, rows: Iterable[object]) -> Iterator[tuple[int, Iterator[OutgoingSMS]]]:
    """The number of messages and the messages, after every row was checked.

    Rows may be many and can perhaps be read only once, so the messages are kept in a temporary file until the block
    ends. Raises InvalidRequestError, which names the first wrong rows and why, and StorageError if there is no room for
    the file.
    """
    with _storage_errors():
        waiting = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115 - closed below
    try:
        count, bad, shown = 0, 0, []
        for row in rows:
            count += 1
            if problem := template.problem(row):
                bad += 1
                if bad <= _SHOWN:
                    shown.append(f"row {count} {problem}")
            elif not bad:
                message = template.fill(row)  # type: ignore[arg-type]  # `problem` has looked
                with _storage_errors():
                    waiting.write(json.dumps([message.to, message.text, message.key]) + "\n")
        if bad:
            more = "; …" if bad > _SHOWN else ""
            raise InvalidRequestError(
                f"{bad} of {count} rows {'does' if bad == 1 else 'do'} not fit the template; nothing was sent. "
                f"{'; '.join(shown)}{more}. A row needs every field under exactly its name, and not None."
            )
        with _storage_errors():
            waiting.seek(0)
        yield count, (OutgoingSMS(*json.loads(line)) for line in waiting)
    finally:
        with suppress(OSError):  # it writes the rest of its buffer, which nobody needs
            waiting.close()


@contextmanager
def _storage_errors() -> Iterator[None]:
    """Report an OSError of the temporary file as StorageError."""
    try:
        yield
    except OSError as error:
        raise StorageError(
            f"The messages cannot be kept in a temporary file ({error.strerror}); nothing was sent. Make room in "
            f"{tempfile.gettempdir()}, or let TMPDIR name another folder."
        ) from error
