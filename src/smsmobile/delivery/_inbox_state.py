"""What an inbox stores between runs: which messages were handled, and the time up to which it has read.

inbox.py uses it.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Mapping
from datetime import datetime
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, NamedTuple, Protocol, runtime_checkable

from .._confidential import safe_repr
from .._storage import SQLiteFile
from .._wire.values import UTC

if TYPE_CHECKING:
    from typing_extensions import Self

APPLICATION_ID = 0x736D7369
"""In the file's header: `smsi`."""
VERSION = 1

log = logging.getLogger("smsmobile")

_AT_ONCE = 500
"""Parameters of one statement; some builds of SQLite accept no more than 999."""
_SCHEMA = (
    """
    CREATE TABLE progress (
        one INTEGER PRIMARY KEY CHECK (one = 1),
        since REAL, has_begun INTEGER, read_until REAL, floor REAL, since_was_given INTEGER
    )
    """,
    "CREATE TABLE handled (key TEXT PRIMARY KEY, at REAL NOT NULL) WITHOUT ROWID",
    "CREATE INDEX handled_by_time ON handled (at)",
)


class InboxProgress(NamedTuple):
    """How far an inbox has read. Datetimes are aware UTC."""

    since: datetime
    """Messages received before this are ignored."""
    has_begun: bool = False
    """Whether the inbox has recorded which messages were there before `since`."""
    read_until: datetime | None = None
    """When the newest handled message was received; None before the first one."""
    floor: datetime | None = None
    """No look asks for messages from before this: which of them were handled is no longer known. None at first."""
    since_was_given: bool = False
    """Whether the caller chose `since`. Then messages dated before it are ignored also if they arrive later."""


@runtime_checkable
class InboxState(Protocol):
    """Where an inbox stores its progress. Implement it to use your own database; `SQLiteInboxState` is the default.

    Keys are GUIDs and hashes; they hold no text and no phone number. The implementation has to make sure that only one
    inbox uses it at a time. An exception that it raises ends `poll`, and the current message is delivered again.
    """

    def load(self) -> InboxProgress | None:
        """The progress that was saved last; None if there is none yet."""
        ...

    def save(self, progress: InboxProgress, handled: Mapping[str, datetime]) -> None:
        """Store the progress and these handled messages, by key, in one transaction; it is durable on return.

        The datetimes (aware UTC) are for `forget`. The datetime of a key that is stored already is replaced.
        """
        ...

    def handled(self, keys: Iterable[str]) -> Mapping[str, datetime]:
        """The keys that were handled, each with its stored datetime."""
        ...

    def forget(self, before: datetime) -> None:
        """Delete the keys whose datetime is before this one; the inbox no longer needs them."""
        ...


class SQLiteInboxState:
    """An `InboxState` in a file of this machine (`path`), for one process at a time.

    The file is open from the constructor until `close()` or the end of a `with`. A missing file is created with mode
    0600. It holds GUIDs, hashes and times: a few kilobytes for each hundred messages within the inbox's `overlap`. For
    a file that exists and has no progress, a warning is logged: the inbox then begins anew.

    The constructor and all methods raise StorageError if the file is in use, damaged, from another program, or cannot
    be written.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._existed = Path(path).exists()
        self._saved: InboxProgress | None = None
        self._file = SQLiteFile(
            path, application_id=APPLICATION_ID, version=VERSION, schema=_SCHEMA, what="the state of an inbox"
        )

    def load(self) -> InboxProgress | None:
        """The progress that was saved last; None if there is none yet."""
        with self._file.transaction() as connection:
            row = connection.execute(
                "SELECT since, has_begun, read_until, floor, since_was_given FROM progress"
            ).fetchone()
        if row is None:
            if self._existed:
                log.warning(
                    "%s exists, but has no progress of an inbox: the inbox begins anew, and what came in before is not "
                    "handed over. If it was used before, stop, and put it back together with the file %s-wal.",
                    self._file.path,
                    self._file.path.name,
                )
            return None
        since, has_begun, read_until, floor, since_was_given = row
        self._saved = InboxProgress(
            self._moment(since),
            bool(has_begun),
            None if read_until is None else self._moment(read_until),
            None if floor is None else self._moment(floor),
            bool(since_was_given),
        )
        return self._saved

    def save(self, progress: InboxProgress, handled: Mapping[str, datetime]) -> None:
        """Store both in one transaction; they are on the disk on return."""
        until, floor = progress.read_until, progress.floor
        with self._file.transaction() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO progress VALUES (1, ?, ?, ?, ?, ?)",
                (
                    progress.since.timestamp(),
                    progress.has_begun,
                    until and until.timestamp(),
                    floor and floor.timestamp(),
                    progress.since_was_given,
                ),
            )
            connection.executemany(
                "INSERT OR REPLACE INTO handled VALUES (?, ?)",
                ((key, moment.timestamp()) for key, moment in handled.items()),
            )
        if self._saved is None or self._saved.has_begun != progress.has_begun:
            # If somebody loses the log (-wal), the file alone must not look like that of a new inbox.
            self._file.merge()
        self._saved = progress

    def handled(self, keys: Iterable[str]) -> dict[str, datetime]:
        """The keys that were handled, each with its stored datetime."""
        found: dict[str, datetime] = {}
        rest = iter(keys)
        with self._file.transaction() as connection:
            while some := list(islice(rest, _AT_ONCE)):
                marks = ",".join("?" * len(some))
                rows = connection.execute(f"SELECT key, at FROM handled WHERE key IN ({marks})", some)  # noqa: S608
                found.update((key, self._moment(at)) for key, at in rows)
        return found

    def forget(self, before: datetime) -> None:
        """Delete the older keys."""
        with self._file.transaction() as connection:
            connection.execute("DELETE FROM handled WHERE at < ?", (before.timestamp(),))

    def close(self) -> None:
        """Close the file; can be called again."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    @safe_repr
    def __repr__(self) -> str:
        return f"<SQLiteInboxState {self._file.path}>"

    def _moment(self, seconds: float) -> datetime:
        try:
            return datetime.fromtimestamp(seconds, UTC)
        except (TypeError, ValueError, OverflowError, OSError) as error:
            raise self._file.damaged(f"a time cannot be read: {type(error).__name__}") from None
