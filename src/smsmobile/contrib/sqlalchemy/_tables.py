"""The tables. Their names are fixed; the execution option `schema_translate_map` of an engine sets their schema."""

from __future__ import annotations

from sqlalchemy import Column, Double, Index, MetaData, Table, Text, text

from ._texts import ExactText

PLANNED, STARTED = "planned", "started"
"""The states of a message in flight. The others are the values of SendStatus."""
IN_FLIGHT = text("state IN ('planned', 'started')")
"""Written out, as are the next two: PostgreSQL uses a partial index only where the statement has its very condition."""
IS_STARTED = text("state = 'started'")
IS_UNKNOWN = text("state = 'unknown'")

metadata = MetaData()
"""All tables of these stores, for Alembic's `target_metadata`."""

messages = Table(
    "smsmobile_messages",
    metadata,
    Column("key", ExactText, primary_key=True),
    Column("long_key", ExactText, comment="the whole key, if only its beginning is in the column key"),
    Column("state", Text, nullable=False, comment="planned, started; or an outcome, a value of SendStatus"),
    Column("number", ExactText, nullable=False, comment="the recipient's, digits only"),
    Column("fingerprint", ExactText, nullable=False),
    Column("precision", Text, nullable=False),
    Column("look", ExactText, nullable=False),
    Column("attempted_at", Double, nullable=False, comment="Unix seconds of the sender's clock"),
    Column("until", Double, nullable=False, comment="Unix seconds of the sender's clock"),
    Column("token", ExactText, nullable=False, comment="of the claim"),
    Column("guid", ExactText),
    Column("reason", ExactText),
    Column("leased_at", Double, nullable=False, comment="Unix seconds of the database's clock"),
    Column("lease_end", Double, nullable=False, comment="Unix seconds of the database's clock"),
)
_c = messages.c
Index("smsmobile_messages_by_number", _c.number)
# A GUID can be longer than a B-tree of PostgreSQL allows.
Index("smsmobile_messages_by_guid", _c.guid, postgresql_using="hash")
Index("smsmobile_messages_in_flight", _c.number, postgresql_where=IN_FLIGHT, sqlite_where=IN_FLIGHT)
Index("smsmobile_messages_started", _c.lease_end, postgresql_where=IS_STARTED, sqlite_where=IS_STARTED)
Index("smsmobile_messages_unknown", _c.attempted_at, postgresql_where=IS_UNKNOWN, sqlite_where=IS_UNKNOWN)

events = Table(
    "smsmobile_events",
    metadata,
    Column("id", ExactText, primary_key=True),
    Column("token", ExactText, comment="of the claim; NULL once the event is handled"),
    Column("claimed_at", Double, nullable=False, comment="Unix seconds of the database's clock"),
    Column("expires_at", Double, nullable=False, comment="the end of the lease, or of the memory of the event"),
)
Index("smsmobile_events_by_expiry", events.c.expires_at)

tokens = Table(
    "smsmobile_tokens",
    metadata,
    Column("key", ExactText, primary_key=True),
    Column("token", ExactText, nullable=False, comment="secret: JSON with the access token"),
)
token_locks = Table(
    "smsmobile_token_locks",
    metadata,
    Column("key", ExactText, primary_key=True),
    Column("holder", ExactText, nullable=False),
    Column("locked_at", Double, nullable=False, comment="Unix seconds of the database's clock"),
    Column("expires_at", Double, nullable=False, comment="Unix seconds of the database's clock"),
)

suppressed = Table(
    "smsmobile_suppressed",
    metadata,
    Column("number", ExactText, primary_key=True, comment="digits only"),
    Column("source", Text, nullable=False, comment="what asked for it, such as the GUID of a message"),
)
