"""What an inbox remembers from one start to the next: which messages were handled, and up to when it has read.

What it does with that is said in inbox.py.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from datetime import datetime
from itertools import islice
from types import TracebackType
from typing import TYPE_CHECKING, NamedTuple, Protocol, runtime_checkable

from .._storage import SQLiteFile
from .._wire.values import UTC
from ..errors import StorageError

if TYPE_CHECKING:
    from typing_extensions import Self

APPLICATION_ID = 0x736D7369
"""In the file's header: `smsi`."""
VERSION = 1

_AT_ONCE = 500
"""Parameters of one statement; some builds of SQLite take no more than 999."""
_SCHEMA = (
    "CREATE TABLE progress (one INTEGER PRIMARY KEY CHECK (one = 1), since REAL, has_begun INTEGER, read_until REAL)",
    "CREATE TABLE handled (key TEXT PRIMARY KEY, at REAL NOT NULL) WITHOUT ROWID",
    "CREATE INDEX handled_by_time ON handled (at)",
)


class InboxProgress(NamedTuple):
    """How far an inbox has come. Datetimes are aware UTC."""

    since: datetime
    """From when on messages are wanted."""
    has_begun: bool = False
    """Whether it is known what was there before that."""
    read_until: datetime | None = None
    """When the newest message that was handled was received; None before the first one."""


@runtime_checkable
class InboxState(Protocol):
    """Where an inbox remembers what was handled, for who has a database already. `SQLiteInboxState` is the default.

    Keys are GUIDs or hashes: there is no text and no number in them. One inbox at a time may use it; that is for the
    implementation to see to. What it raises ends `poll`, and the message at hand comes again.
    """

    def load(self) -> InboxProgress | None:
        """What was last saved; None where nothing was yet."""
        ...

    def save(self, progress: InboxProgress, handled: Mapping[str, datetime]) -> None:
        """Remember the progress and these handled messages, by key: both or neither, and for good when it returns.

        The datetimes (aware UTC) are for `forget`. A key that is there already gets the new one.
        """
        ...

    def handled(self, keys: Iterable[str]) -> Mapping[str, datetime]:
        """Those of the keys that were handled, each with the datetime it was saved with."""
        ...

    def forget(self, before: datetime) -> None:
        """Drop the keys whose datetime is before this one; the inbox does not need them any more."""
        ...


class SQLiteInboxState:
    """An `InboxState` in a file of this machine, for one process at a time.

    Opened when it is made, until `close()` or the end of a `with`. Made where there is none, readable by its owner
    alone; it holds GUIDs and times. A few kilobytes for each hundred messages within the inbox's `overlap`.

    Raises StorageError, when it is made and later, where the file is in use, damaged, another program's, or cannot be
    written.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._file = SQLiteFile(
            path, application_id=APPLICATION_ID, version=VERSION, schema=_SCHEMA, what="the state of an inbox"
        )

    def load(self) -> InboxProgress | None:
        """What was last saved; None where nothing was yet."""
        with self._file.transaction() as connection:
            row = connection.execute("SELECT since, has_begun, read_until FROM progress").fetchone()
        if row is None:
            return None
        since, has_begun, read_until = row
        return InboxProgress(
            self._moment(since), bool(has_begun), None if read_until is None else self._moment(read_until)
        )

    def save(self, progress: InboxProgress, handled: Mapping[str, datetime]) -> None:
        """Remember both or neither; on the disk when it returns."""
        until = progress.read_until
        with self._file.transaction() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO progress VALUES (1, ?, ?, ?)",
                (progress.since.timestamp(), progress.has_begun, until and until.timestamp()),
            )
            connection.executemany(
                "INSERT OR REPLACE INTO handled VALUES (?, ?)",
                ((key, moment.timestamp()) for key, moment in handled.items()),
            )

    def handled(self, keys: Iterable[str]) -> dict[str, datetime]:
        """Those of the keys that were handled."""
        found: dict[str, datetime] = {}
        rest = iter(keys)
        with self._file.transaction() as connection:
            while some := list(islice(rest, _AT_ONCE)):
                marks = ",".join("?" * len(some))
                rows = connection.execute(f"SELECT key, at FROM handled WHERE key IN ({marks})", some)  # noqa: S608
                found.update((key, self._moment(at)) for key, at in rows)
        return found

    def forget(self, before: datetime) -> None:
        """Drop the keys that are older."""
        with self._file.transaction() as connection:
            connection.execute("DELETE FROM handled WHERE at < ?", (before.timestamp(),))

    def close(self) -> None:
        """Let go of the file; repeatable."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<SQLiteInboxState {self._file.path}>"

    def _moment(self, seconds: float) -> datetime:
        try:
            return datetime.fromtimestamp(seconds, UTC)
        except (TypeError, ValueError, OverflowError, OSError) as error:
            raise StorageError(
                f"{self._file.path} is damaged: a time in it is none ({type(error).__name__}). It was left as it is: "
                "move it away, or choose another name."
            ) from None
