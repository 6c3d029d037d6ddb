"""The arguments that all senders share: a client, and a journal or the name of its file."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager, closing, nullcontext

from .._storage import checked_path
from ..channels.sms import SMSChannel
from ..errors import ConfigurationError, StorageError
from ._sqlite_journal import SQLiteJournal
from .journals import Journal


def channel_of(client: object) -> SMSChannel:
    """The SMS channel of a client. Raises ConfigurationError for anything else."""
    channel = getattr(client, "sms", None)
    if not isinstance(channel, SMSChannel):
        raise ConfigurationError(f"The client is of type {type(client).__name__}; expected an SMSMobileClient.")
    return channel


def check_journal(journal: object) -> str | os.PathLike[str] | Journal:
    """What was given as a journal. Raises ConfigurationError if it is none, and no name of a file."""
    if isinstance(journal, (str, os.PathLike)):
        return journal
    if isinstance(journal, type) or not isinstance(journal, Journal):
        raise ConfigurationError(
            f"The journal is of type {type(journal).__name__}; expected the name of a file, or a Journal."
        )
    return journal


def opened(journal: str | os.PathLike[str] | Journal) -> AbstractContextManager[Journal]:
    """The journal, opened for one use if it is the name of a file."""
    journal = check_journal(journal)
    return closing(SQLiteJournal(journal)) if isinstance(journal, (str, os.PathLike)) else nullcontext(journal)


def opened_existing(journal: str | os.PathLike[str] | Journal) -> AbstractContextManager[Journal]:
    """The same for what only asks what was sent. Raises StorageError for a missing file, and does not create it."""
    if isinstance(journal, (str, os.PathLike)):
        path = checked_path(journal, "a journal of messages")
        if not path.exists():
            raise StorageError(f"There is no journal {path}. None was created: check the name and the folder.")
    return opened(journal)
