"""`INSERT … ON CONFLICT`, which PostgreSQL and SQLite have in common, but SQLAlchemy under two names."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite


def upsert(connection: Connection, table: Table, values: dict[str, Any], *, where: Any = None) -> bool:
    """Insert a row, or replace the one with its primary key if the condition `where` holds for that.

    Returns whether the row is now as it was given.
    """
    make = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    key = [column.name for column in table.primary_key]
    new = {name: value for name, value in values.items() if name not in key}
    statement = make(table).values(values).on_conflict_do_update(index_elements=key, set_=new, where=where)
    return connection.execute(statement, execution_options={"preserve_rowcount": True}).rowcount == 1
