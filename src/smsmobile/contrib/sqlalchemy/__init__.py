"""Stores in a SQL database, for any number of processes and machines: PostgreSQL, or SQLite on one machine.

    from sqlalchemy import create_engine
    from smsmobile.contrib.sqlalchemy import SQLJournal

    engine = create_engine("postgresql+psycopg://user:password@host/database")
    journal = SQLJournal(engine)

The tables are created at the first use. For Alembic, add `metadata` to `target_metadata`, and make the stores with
`create=False`. This file holds the public names. Importing it raises ImportError without SQLAlchemy 2.
"""

try:
    import sqlalchemy
except ImportError:
    raise ImportError('smsmobile.contrib.sqlalchemy needs SQLAlchemy 2: pip install "smsmobile[sqlalchemy]".') from None
if sqlalchemy.__version__.startswith(("0.", "1.")):
    raise ImportError(
        f"smsmobile.contrib.sqlalchemy needs SQLAlchemy 2, and {sqlalchemy.__version__} is installed: "
        'pip install --upgrade "smsmobile[sqlalchemy]".'
    )

from ._events import SQLEventStore
from ._journal import SQLJournal
from ._suppression import SQLSuppression
from ._tables import metadata
from ._tokens import SQLTokenStore

__all__ = ["SQLEventStore", "SQLJournal", "SQLSuppression", "SQLTokenStore", "metadata"]


def __dir__() -> list[str]:
    return __all__
