"""The type of the columns of texts, and how a long key is kept, for which an index of PostgreSQL has no room."""

from __future__ import annotations

import hashlib
from typing import Any

from sqlalchemy import Text
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

from .._texts import escape, unescape

MOST = 400
"""Characters of a key. An index entry of PostgreSQL has room for 2700 bytes."""


def fitted(key: str) -> str:
    """A key as it fits into an index: the beginning of a long one, and its hash. No short key is that long."""
    if len(key) <= MOST:
        return key
    return key[:MOST] + hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


class ExactText(TypeDecorator[str]):
    """Any text, compared character by character.

    The collation of a PostgreSQL database can change with the operating system, and then an index of its texts no
    longer finds them: the column has the collation C.
    """

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        """The column's type."""
        return dialect.type_descriptor(Text(collation="C" if dialect.name == "postgresql" else None))

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        """To the database."""
        return None if value is None else escape(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        """From the database."""
        return None if value is None else unescape(value)
