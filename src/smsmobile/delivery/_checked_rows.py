"""Rows that are all checked before the first message is sent: until then, the messages wait in a temporary file."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime

from .._wire.values import UTC
from ..errors import InvalidRequestError, StorageError
from ._messages import OPTIONS, OutgoingSMS

_SHOWN = 5
"""How many unusable rows an error names."""


@contextmanager
def checked_rows(
    rows: Iterable[object], read: Callable[[object], OutgoingSMS]
) -> Iterator[tuple[int, Iterator[OutgoingSMS]]]:
    """The number of messages and the messages, after every row was read.

    `read` raises InvalidRequestError for a row that is unusable. Rows may be many and can perhaps be read only once, so
    the messages are kept in a temporary file until the block ends. Raises InvalidRequestError, which names the first
    unusable rows and why, and StorageError if there is no room for the file.
    """
    with _storage_errors():
        waiting = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115 - closed below
    try:
        count, bad, shown = 0, 0, []
        for row in rows:
            count += 1
            try:
                message = read(row)
            except InvalidRequestError as error:
                bad += 1
                if bad <= _SHOWN:
                    shown.append(_about(count, error))
                continue
            if not bad:
                line = _line_of(message)
                with _storage_errors():
                    waiting.write(line)
        if bad:
            more = "; …" if bad > _SHOWN else ""
            raise InvalidRequestError(
                f"{bad} of {count} rows cannot be used; nothing was sent. {'; '.join(shown)}{more}."
            )
        with _storage_errors():
            waiting.seek(0)
        yield count, map(_restored, waiting)
    finally:
        with suppress(OSError):  # it writes the rest of its buffer, which nobody needs
            waiting.close()


def _about(row: int, error: InvalidRequestError) -> str:
    """Which row, and why: `row 2 lacks 'to'`, or `row 2: The message is empty`."""
    reason = str(error).rstrip(".")
    about_row = reason.removeprefix("The row ")
    return f"row {row}: {reason}" if about_row == reason else f"row {row} {about_row}"


def _line_of(message: OutgoingSMS) -> str:
    """A message as a line of the file. Its options are checked already."""
    given = {name: getattr(message, name) for name in OPTIONS}
    options = {name: OPTIONS[name](name, value) for name, value in given.items() if value is not None}
    return json.dumps([message.to, message.text, message.key, options]) + "\n"


def _restored(line: str) -> OutgoingSMS:
    """A message that `_line_of` has written."""
    to, text, key, options = json.loads(line)
    for name in {"schedule_at", "expires_at"} & options.keys():
        options[name] = datetime.fromtimestamp(options[name], UTC)
    return OutgoingSMS(to, text, key, **options)


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
