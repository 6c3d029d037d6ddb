"""A suppression list in a file, for the threads and processes of one machine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from .._confidential import safe_repr
from .._storage import SQLiteFile
from .suppression import digits_on_list, spelled_source

APPLICATION_ID = 0x736D736F
"""In the file's header: `smso`."""
VERSION = 1

_AT_ONCE = 500
"""Numbers that are read at once."""
_SCHEMA = (
    """
    CREATE TABLE suppressed (
        number TEXT NOT NULL PRIMARY KEY,  -- digits only
        source TEXT NOT NULL
    ) WITHOUT ROWID
    """,
)
_ADD = (
    "INSERT INTO suppressed (number, source) VALUES (?, ?) "
    "ON CONFLICT (number) DO UPDATE SET source = source WHERE source = excluded.source AND source <> ''"
)


class SQLiteSuppression:
    """A list in a file. The threads and processes of one machine share it, each with an object of its own or not.

    Each change is on the disk when its method returns. A server can make the list before it forks its workers. Keep the
    file for as long as you send: a new one has nobody on it.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Open or create the file.

        path: a file of its own, created with mode 0600 if it is missing; its folder has to exist. Use a local disk.

        Raises StorageError if it is not such a list, is damaged, or cannot be used. The methods raise that too, and if
        the file was removed or replaced while it was in use.
        """
        self._file = SQLiteFile(
            path,
            application_id=APPLICATION_ID,
            version=VERSION,
            schema=_SCHEMA,
            what="a suppression list",
            shared=True,
            irreplaceable=True,
        )

    def add(self, number: str, *, source: str = "") -> bool:
        """Put a number on the list; see `Suppression.add`."""
        return self._changes(_ADD, digits_on_list(number), spelled_source(source))

    def remove(self, number: str) -> bool:
        """Take a number off the list; see `Suppression.remove`."""
        return self._changes("DELETE FROM suppressed WHERE number = ?", digits_on_list(number))

    def __contains__(self, number: object) -> bool:
        find = "SELECT 1 FROM suppressed WHERE number = ?"
        return bool(self._file.note(find, (digits_on_list(number),), must_exist=True))

    def __iter__(self) -> Iterator[str]:
        read = "SELECT number FROM suppressed WHERE number > ? ORDER BY number LIMIT ?"
        after = ""
        while rows := self._file.note(read, (after, _AT_ONCE), must_exist=True):
            for (after,) in rows:
                yield after

    def close(self) -> None:
        """Close the file. The list cannot be used afterwards."""
        self._file.close()

    def __reduce__(self) -> tuple[type[SQLiteSuppression], tuple[Path]]:
        return type(self), (self._file.path,)

    @safe_repr
    def __repr__(self) -> str:
        return f"<SQLiteSuppression {self._file.path}>"

    def _changes(self, statement: str, *parameters: str) -> bool:
        with self._file.transaction() as connection:
            return connection.execute(statement, parameters).rowcount > 0
