"""Sends any number of messages, each once, however often the program is killed on the way.

How a run goes is said in _campaign.py, what is remembered in journals.py.
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
from ._messages import Message, Template, check_key, filled, key_of, number_of, read_message
from ._rate_limit import RateLimiter
from ._segments import count_segments
from ._workers import BulkOutcome
from .journals import BulkStatus, Journal, JournalEntry, SQLiteJournal

if TYPE_CHECKING:
    from limits.storage import Storage

    from ..client import SMSMobileClient

_PROBLEMS_KEPT = 100

Progress: TypeAlias = Callable[[int, int | None, BulkOutcome], object]


@dataclass(frozen=True)
class BulkCheck:
    """What a dry run has found."""

    messages: int
    """How many there are."""
    invalid: int
    """How many of them cannot be sent."""
    segments: int
    """How many SMS the network charges for the others: the parts of all texts."""
    unicode: int
    """How many of the others are sent as UCS-2, since a character is not in GSM-7: their parts are shorter."""
    problems: tuple[tuple[int, str], ...]
    """The first 100 invalid ones: the message's place, beginning with 1, and what is wrong with it."""


class BulkSender:
    """Sends many messages, remembers in a journal what it means to send and has sent, and never sends one twice.

        bulk = BulkSender(client, journal="campaign.sqlite", rate="20/minute")
        for outcome in bulk.send([("+33612345678", "Bonjour"), …]):
            print(outcome.status, outcome.key, outcome.reason)

    Killed at any instant, or stopped by an offline phone, it goes on where it was when `send` is called again with the
    same messages and the same journal. What was in flight is looked up in the sent log; what is not there is `unknown`,
    and is not sent again.

    client: the client that sends. It may be in use elsewhere, too.
    journal: a file of this campaign's own, made where there is none; or any other `Journal`. One run at a time has it.
    rate: at most so many requests, such as `"20/minute"`; needs the extra `[bulk]`.
    rate_storage: where they are counted, for the `limits` library: `"redis://localhost:6379/0"` shares one rate among
        all processes that name it (whatever their client). Without it, each BulkSender counts for itself.
    workers: how many requests are on their way at a time. Several are threads; a single one sends while the loop over
        the outcomes waits for the next.
    patience: seconds to wait for a message in doubt to appear in the sent log before it is `unknown`.

    Raises InvalidRequestError or ConfigurationError for arguments that cannot be; nothing is opened or sent here.
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
        """Send the messages, and hand out what became of each as soon as it is known: one outcome for each message.

        Nothing is sent before the first outcome is asked for: loop over them. Leaving the loop ends the run, once the
        requests that are on their way have come to their outcomes; but where the outcomes have a name of their own, as
        in `outcomes = bulk.send(…)`, only `outcomes.close()` does (see `contextlib.closing`).

        messages: any iterable, of any length: `(to, text)`, dicts (`to`, `text` or `message`, `key`, and the options of
            `client.sms.send`), or OutgoingSMS. It is read in the caller's thread, a little ahead of what is sent.
        template: a text such as `"Hi {name}"`. The messages are then rows: dicts with `to`, the template's fields, and
            perhaps a `key`; other keys are not looked at. All rows are read, and a missing field reported, before the
            first message is sent.
        on_progress: called before each outcome is handed out, with how many there were, how many there will be (None
            where the messages are no list or other sequence, and there is no template), and the outcome.

        A message without a `key` is known by its number and text: the same text to the same number is sent once in
        the life of a journal. Messages that could be mistaken for each other in the sent log are not on their way at
        one time.

        Raises, beside what reading the messages raises: InvalidRequestError for a template that is none or lacks
        fields; StorageError where the journal is in use elsewhere, damaged or full; BulkPaused for what concerns all
        messages (the phone is offline, the subscription is over, the credentials are wrong, the service cannot be
        reached), or where ten messages in a row are unknown. Whatever it raises, the same call later goes on where this
        one stopped.
        """
        _check_iterable(messages)
        if on_progress is not None and not callable(on_progress):
            raise InvalidRequestError(f"on_progress is of type {type(on_progress).__name__}; expected a function.")
        return self._send(messages, None if template is None else Template(template), on_progress)

    def check(self, messages: Iterable[Message], *, template: str | None = None) -> BulkCheck:
        """A dry run: look at all messages as `send` would, and count their segments. Nothing is sent or opened.

        It does not tell duplicates: these are known to the journal alone.
        """
        _check_iterable(messages)
        form = None if template is None else Template(template)
        total = invalid = segments = unicode = 0
        problems: list[tuple[int, str]] = []
        for total, given in enumerate(messages, start=1):
            try:
                message = read_message(given) if form is None else form.read(given)
                key_of(message, number_of(self._channel, message))
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
        """The messages of which nobody knows whether they were sent. Not to be asked while a run is going on.

        Raises StorageError where the journal cannot be opened.
        """
        self._journal.open()
        try:
            return [entry for entry in self._journal.undecided() if entry.outcome is BulkStatus.UNKNOWN]
        finally:
            self._journal.close()

    def forget(self, key: str | int) -> bool:
        """Drop a message from the journal, so that it is sent when a run meets it again; whether there was one.

        For an unknown one, once you know that it was not sent; for a refused one, once the reason is gone. Raises
        InvalidRequestError for what is no key, StorageError where the journal cannot be opened.
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
        # Of a sequence alone: what else has a length may work it out, as a database's query does by being read.
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
