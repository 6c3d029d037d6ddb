"""The public bulk sender: it sends any number of messages, each once, however often the program is killed.

A run lives in _campaign.py and _workers.py, its memory in journals.py.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from .._http.backoff import check_seconds
from .._input.arguments import check_whole
from ..channels.sms import SMSChannel
from ..errors import ConfigurationError, InvalidRequestError
from ._campaign import PATIENCE, Campaign
from ._messages import Message, Template, check_key, filled, key_of, number_of, params_of, read_message
from ._rate_limit import RateLimiter
from ._segments import count_segments
from ._workers import BulkOutcome
from .journals import BulkStatus, Journal, JournalEntry, SQLiteJournal

if TYPE_CHECKING:
    from limits.storage import Storage

    from ..client import SMSMobileClient

__all__ = ["BulkCheck", "BulkSender"]


def __dir__() -> list[str]:
    return __all__


_PROBLEMS_KEPT = 100

Progress: TypeAlias = Callable[[int, int | None, BulkOutcome], object]


@dataclass(frozen=True)
class BulkCheck:
    """The result of a dry run."""

    messages: int
    """How many messages there are."""
    invalid: int
    """How many of them cannot be sent."""
    segments: int
    """How many SMS the network charges for the others: the segments of all texts."""
    unicode: int
    """How many of the others are sent as UCS-2, since a character is not in GSM-7: their segments are shorter."""
    problems: tuple[tuple[int, str], ...]
    """The first 100 invalid messages: the position of each, from 1, and what is wrong with it."""


class BulkSender:
    """Sends many messages and never sends one twice: a journal records each before it leaves, and its outcome.

        bulk = BulkSender(client, journal="campaign.sqlite", rate="20/minute")
        for outcome in bulk.send([("+33639980011", "Bonjour"), …]):
            print(outcome.status, outcome.key, outcome.reason)

    If the program is killed, or the run stops because the phone is offline, call `send` again with the same messages
    and the same journal: it continues where it stopped. Messages that were in flight are looked up in the sent log. A
    message that is not there is `unknown`, and is not sent again.

    client: the client that sends. Other code may use it at the same time.
    journal: a file for this campaign alone, created if it does not exist; or any other `Journal`. One run at a time.
    rate: a limit for requests, such as `"20/minute"`; needs the extra `[bulk]`.
    rate_storage: where requests are counted, for the `limits` library: `"redis://localhost:6379/0"` shares one rate
        among all processes that name it, whatever their client. Without it, each BulkSender counts its own.
    workers: how many requests are in flight at a time. Several workers are threads; a single one sends while the loop
        over the outcomes waits for the next outcome.
    patience: seconds to wait for a message in doubt to appear in the sent log before it is `unknown`.

    Raises InvalidRequestError or ConfigurationError for wrong arguments. Nothing is opened or sent here.
    """

    def __init__(
        self,
        client: SMSMobileClient,
        journal: str | os.PathLike[str] | Journal,
        *,
        rate: str | None = None,
        rate_storage: str | Storage = "memory://",
        workers: int = 4,
        patience: float = PATIENCE,
    ) -> None:
        channel = getattr(client, "sms", None)
        if not isinstance(channel, SMSChannel):
            raise ConfigurationError(f"The client is of type {type(client).__name__}; expected an SMSMobileClient.")
        self._channel = channel
        self._journal = SQLiteJournal(journal) if isinstance(journal, (str, os.PathLike)) else journal
        if isinstance(journal, type) or not isinstance(self._journal, Journal):
            raise ConfigurationError(
                f"The journal is of type {type(journal).__name__}; expected the name of a file, or a Journal."
            )
        self._workers = check_whole("workers", workers, 1, 100)
        self._patience = check_seconds("patience", patience)
        self._rate_limiter = RateLimiter(rate, rate_storage)

    def send(
        self, messages: Iterable[Message], *, template: str | None = None, on_progress: Progress | None = None
    ) -> Generator[BulkOutcome, None, None]:
        """Send the messages, and yield one outcome for each as soon as it is known.

        Nothing is sent before the first outcome is asked for: loop over them. Leaving the loop ends the run, once the
        requests in flight have their outcomes. If the outcomes have a name, as in `outcomes = bulk.send(…)`, only
        `outcomes.close()` ends the run (see `contextlib.closing`).

        messages: any iterable, of any length: `(to, text)`, dicts (`to`, `text` or `message`, `key`, and the options of
            `client.sms.send`), or OutgoingSMS. It is read in the caller's thread, a little ahead of what is sent.
        template: a text such as `"Hi {name}"`. The messages are then rows: dicts with `to`, the template's fields, and
            optionally a `key`; other keys are ignored. All rows are read, and a missing field reported, before the
            first message is sent.
        on_progress: called before each outcome is yielded, with the number of outcomes so far, the total (None without
            a template if the messages are not a list or another sequence), and the outcome.

        A message without a `key` is identified by its number and text: the same text to the same number is sent once in
        the life of a journal. Messages that could be mistaken for each other in the sent log are never in flight at the
        same time.

        Raises whatever reading the messages raises; InvalidRequestError for a wrong template or rows without its
        fields; StorageError if the journal is in use elsewhere, damaged or full; BulkPaused for a reason that concerns
        all messages (the phone is offline, the subscription is over, the credentials are wrong, the service cannot be
        reached), or if ten messages in a row are unknown. After each of these, the same call continues where this one
        stopped.
        """
        _check_iterable(messages)
        if on_progress is not None and not callable(on_progress):
            raise InvalidRequestError(f"on_progress is of type {type(on_progress).__name__}; expected a function.")
        return self._send(messages, None if template is None else Template(template), on_progress)

    def check(self, messages: Iterable[Message], *, template: str | None = None) -> BulkCheck:
        """A dry run: check all messages as `send` would, and count their segments. Nothing is sent or opened.

        It does not find duplicates: only the journal knows them.
        """
        _check_iterable(messages)
        text_template = None if template is None else Template(template)
        total = invalid = segments = unicode = 0
        problems: list[tuple[int, str]] = []
        for total, given in enumerate(messages, start=1):
            try:
                message = read_message(given) if text_template is None else text_template.read(given)
                key_of(message, number_of(params_of(self._channel, message)))
            except InvalidRequestError as error:
                invalid += 1
                if len(problems) < _PROBLEMS_KEPT:
                    problems.append((total, str(error)))
                continue
            encoding, _, parts = count_segments(message.text)
            segments += parts
            unicode += encoding == "UCS-2"
        return BulkCheck(total, invalid, segments, unicode, tuple(problems))

    def unknown(self) -> list[JournalEntry]:
        """The messages whose outcome is unknown. Not for use during a run.

        Raises StorageError if the journal cannot be opened.
        """
        self._journal.open()
        try:
            return [entry for entry in self._journal.undecided() if entry.outcome is BulkStatus.UNKNOWN]
        finally:
            self._journal.close()

    def forget(self, key: str | int) -> bool:
        """Remove a message from the journal, so that the next run with it sends it. Returns whether it was there.

        Use it for an unknown message once you know that it was not sent, and for a refused one once the reason is gone.
        Raises InvalidRequestError for a wrong key, StorageError if the journal cannot be opened (a run is using it).
        """
        key = check_key(key)
        self._journal.open()
        try:
            return self._journal.withdraw([key]) > 0
        finally:
            self._journal.close()

    def _send(
        self, messages: Iterable[object], template: Template | None, on_progress: Progress | None
    ) -> Generator[BulkOutcome, None, None]:
        # Only a sequence is asked for its length: a database query may have to read all its rows for that.
        total = len(messages) if isinstance(messages, Sequence) else None
        rows = nullcontext((total, messages)) if template is None else filled(template, messages)
        with rows as (total, source):
            campaign = Campaign(
                self._channel,
                journal=self._journal,
                rate_limiter=self._rate_limiter,
                workers=self._workers,
                patience=self._patience,
                total=total,
            )
            for done, outcome in enumerate(campaign.outcomes(iter(source)), start=1):
                if on_progress is not None:
                    on_progress(done, total, outcome)
                yield outcome


def _check_iterable(messages: object) -> None:
    if isinstance(messages, (str, bytes)) or not isinstance(messages, Iterable):
        raise InvalidRequestError(
            f"The messages are of type {type(messages).__name__}; expected an iterable of (to, text), dicts or "
            "OutgoingSMS."
        )
