"""The public bulk sender: it sends any number of messages, each once, however often the program is killed.

A run lives in _campaign.py and _workers.py; what it shares with other senders is in _sender.py and journals.py.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

from .._confidential import without_frames
from .._input.arguments import check_bool, check_moment, check_seconds, check_whole
from ..auth._account import account_of
from ..errors import InvalidRequestError
from ._arguments import channel_of, check_journal, opened
from ._campaign import Campaign
from ._checked_rows import checked_rows
from ._columns import check_columns, read_row
from ._forecast import Forecast, PlayedCampaign
from ._messages import Message, OutgoingSMS, check_key, key_of, number_of, params_of, read_message
from ._outcomes import SendOutcome
from ._rate_limit import RateLimiter, RateUnit
from ._rules import Rules
from ._segments import count_segments
from ._sender import PATIENCE
from ._template import Template
from .journals import Journal, JournalEntry

if TYPE_CHECKING:
    from limits.storage import Storage

    from ..client import SMSMobileClient
    from .sims import SimPool
    from .suppression import Suppression
    from .windows import SendWindow

__all__ = ["BulkCheck", "BulkSender"]


def __dir__() -> list[str]:
    return __all__


_PROBLEMS_KEPT = 100

Progress: TypeAlias = Callable[[int, int | None, SendOutcome], object]
_Read: TypeAlias = Callable[[object], OutgoingSMS]


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
    forecast: Forecast
    """When the others would be sent."""


class BulkSender:
    """Sends many messages and never sends one twice: a journal records each before it leaves, and its outcome.

        bulk = BulkSender(client, journal="campaign.sqlite", rate="20/minute")
        for outcome in bulk.send([("+33639980011", "Bonjour"), …]):
            print(outcome.status, outcome.key, outcome.reason)

    If the program is killed, or the run stops because the phone is offline, call `send` again with the same messages
    and the same journal: it continues where it stopped. Messages that were in flight are looked up in the sent log. A
    message that is not there is `unknown`, and is not sent again.

    client: the client that sends. Other code may use it at the same time.
    journal: a file, created if it does not exist; or any other `Journal`. Several runs can share it, in one process or
        in several, and on several machines if its store allows that: each message is sent by one of them.
    rate: a limit for requests, such as `"20/minute"`; needs the extra `[bulk]`.
    rate_storage: where requests are counted, for the `limits` library: `"redis://localhost:6379/0"` shares one rate
        among all processes that name it, for each account, phone and SIM. Without it, each BulkSender counts its own.
    rate_unit: what the rate counts: `"messages"`, or the `"segments"` of their texts, which a network charges.
    rate_paced: send evenly: with `"10/5 seconds"`, a message every 0.5 s, where otherwise 10 leave at once.
    workers: how many requests are in flight at a time. Several workers are threads, and up to ten more threads look up
        messages in doubt; a single one sends while the loop over the outcomes waits for the next outcome.
    patience: seconds to wait for a message in doubt to appear in the sent log before it is `unknown`.
    suppression: the list of those who asked for no more messages; theirs are `suppressed`.
    window: the hours and days in which messages may leave; `urgent` ones may always.
    sims: the SIMs that share the messages, with their limits.
    strict: `send` reads and checks all messages first, and sends none if one of them is unusable. Without it, an
        unusable message is `refused`, and the others are sent.

    Raises InvalidRequestError or ConfigurationError for wrong arguments. Nothing is opened or sent here.
    """

    @without_frames  # the address of the storage can hold a password
    def __init__(
        self,
        client: SMSMobileClient,
        journal: str | os.PathLike[str] | Journal,
        *,
        rate: str | None = None,
        rate_storage: str | Storage = "memory://",
        rate_unit: RateUnit = "messages",
        rate_paced: bool = False,
        workers: int = 4,
        patience: float = PATIENCE,
        suppression: Suppression | None = None,
        window: SendWindow | None = None,
        sims: SimPool | None = None,
        strict: bool = False,
    ) -> None:
        self._channel = channel_of(client)
        self._journal = check_journal(journal)
        self._workers = check_whole("workers", workers, 1, 100)
        self._patience = check_seconds("patience", patience)
        self._rules = Rules(suppression, window, sims)
        self._strict = check_bool("strict", strict)
        transport = self._channel._transport
        self._rate_limiter = RateLimiter(
            rate,
            rate_storage,
            unit=rate_unit,
            paced=rate_paced,
            account=account_of(transport.auth, transport.base_url),
        )

    def send(
        self,
        messages: Iterable[Message],
        *,
        template: str | None = None,
        columns: Mapping[str, str] | None = None,
        on_progress: Progress | None = None,
    ) -> Generator[SendOutcome, None, None]:
        """Send the messages, and yield one outcome for each as soon as it is known.

        Nothing is sent before the first outcome is asked for: loop over them. Leaving the loop ends the run, once the
        requests in flight have their outcomes. If the outcomes have a name, as in `outcomes = bulk.send(…)`, only
        `outcomes.close()` ends the run (see `contextlib.closing`).

        messages: any iterable, of any length: `(to, text)`, dicts (`to`, `text` or `message`, `key`, and the options of
            `client.sms.send`), or OutgoingSMS. It is read in the caller's thread, a little ahead of what is sent.
        template: a text such as `"Hi {name}"`. The messages are then rows: dicts with `to`, the template's fields, and
            optionally a `key` and the options of `client.sms.send`; other keys are ignored. All rows are read, and a
            missing field or a wrong option reported, before the first message is sent.
        columns: for rows with column names of their own, such as those of a CSV file: the fields of an OutgoingSMS, and
            the column of each, as in `{"to": "Mobile", "text": "Message", "key": "Id"}`. The messages are then dicts
            with these columns. No other column is read, but for the fields of a template, which takes the place of
            `text`. An empty cell is no option. A row without one of the columns is unusable.
        on_progress: called before each outcome is yielded, with the number of outcomes so far, the total (None if the
            messages are not a list or another sequence, and there is no template and no `strict`), and the outcome.

        With `strict`, all messages are read when the first outcome is asked for. If one cannot be sent (it is no
        message, or has a wrong number, text, key or option), nothing is sent. With `strict` or a template, the messages
        are read once and wait in a temporary file, with their texts, until the run ends: a generator of any length
        needs no more memory, but room on the disk. The outcomes then have messages equal to yours, with `schedule_at`
        in UTC and whole seconds.

        A message without a `key` is identified by its number and text: the same text to the same number is sent once in
        the life of a journal. Messages that could be mistaken for each other in the sent log are never in flight at the
        same time.

        Raises whatever reading the messages raises; InvalidRequestError for a wrong template or wrong columns, and with
        `strict` or a template for unusable rows: it says how many they are, and names the first five with the reason;
        StorageError if the journal is damaged or full, or the temporary file has no room; BulkPaused for a reason that
        concerns all messages (the phone is offline, the subscription is over, the credentials are wrong, the service
        cannot be reached), or if ten messages in a row are unknown. After each of these, the same call continues where
        this one stopped.
        """
        _check_iterable(messages)
        if on_progress is not None and not callable(on_progress):
            raise InvalidRequestError(f"on_progress is of type {type(on_progress).__name__}; expected a function.")
        read = _reader(template, columns)
        if self._strict:
            return self._send(messages, partial(self._read_sendable, read), True, on_progress)
        return self._send(messages, read, template is not None, on_progress)

    def check(
        self,
        messages: Iterable[Message],
        *,
        template: str | None = None,
        columns: Mapping[str, str] | None = None,
        starts_at: datetime | None = None,
    ) -> BulkCheck:
        """A dry run: check all messages as `send` would, count their segments, and say when they would be sent.

        Nothing is sent, and no journal is opened. The `forecast` plays the messages through, in their order, with the
        suppression list, the window, the SIMs with what they have sent so far, the rate and the workers of this object.
        A rate counts from nothing, also one with a `rate_storage`. The time of requests is not counted.

        messages, template, columns: as for `send`.
        starts_at: when `send` would be called, an aware datetime; None is now.

        It does not find duplicates: only the journal knows them. Raises InvalidRequestError for a wrong template,
        wrong columns or a wrong `starts_at`; StorageError if the suppression list or the usage of the SIMs cannot be
        read.
        """
        _check_iterable(messages)
        read = _reader(template, columns)
        starts = time.time() if starts_at is None else check_moment("starts_at", starts_at).timestamp()
        played = PlayedCampaign(self._rules, self._rate_limiter.limit, self._workers, starts)
        total = invalid = segments = unicode = 0
        problems: list[tuple[int, str]] = []
        for total, given in enumerate(messages, start=1):
            try:
                message = read(given)
                params = params_of(self._channel, message)
                number = number_of(params)
                key = key_of(message, number)
            except InvalidRequestError as error:
                invalid += 1
                if len(problems) < _PROBLEMS_KEPT:
                    problems.append((total, str(error)))
                continue
            counted = count_segments(message.text)
            segments += counted.parts
            unicode += counted.encoding == "UCS-2"
            played.add(message, params, key, number, counted.parts)
        return BulkCheck(total, invalid, segments, unicode, tuple(problems), played.forecast())

    def unknown(self) -> list[JournalEntry]:
        """The messages whose outcome is unknown.

        Raises StorageError if the journal cannot be opened.
        """
        with opened(self._journal) as journal:
            return journal.unknown()

    def forget(self, key: str | int) -> bool:
        """Remove a message from the journal, so that the next run with it sends it.

        Returns False if it is not there, or in flight. Use it for an unknown message once you know that it was not
        sent, and for a refused one once the reason is gone. Raises InvalidRequestError for a wrong key, StorageError if
        the journal cannot be opened.
        """
        key = check_key(key)
        with opened(self._journal) as journal:
            return journal.forget(key)

    def _read_sendable(self, read: _Read, given: object) -> OutgoingSMS:
        """Read a message that can be sent. Raises InvalidRequestError for any other one."""
        message = read(given)
        key_of(message, number_of(params_of(self._channel, message)))
        return message

    def _send(
        self, messages: Iterable[object], read: _Read, all_first: bool, on_progress: Progress | None
    ) -> Generator[SendOutcome, None, None]:
        # Only a sequence is asked for its length: a database query may have to read all its rows for that.
        total = len(messages) if isinstance(messages, Sequence) else None
        rows = checked_rows(messages, read) if all_first else nullcontext((total, messages))
        with rows as (total, source), opened(self._journal) as journal:
            campaign = Campaign(
                self._channel,
                read=read_message if all_first else read,
                journal=journal,
                rate_limiter=self._rate_limiter,
                workers=self._workers,
                patience=self._patience,
                rules=self._rules,
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


def _reader(template: str | None, columns: Mapping[str, str] | None) -> _Read:
    """What makes a message of each thing that `send` is given. Raises InvalidRequestError for wrong arguments."""
    checked = None if columns is None else check_columns(columns, with_template=template is not None)
    if template is not None:
        return Template(template, checked).read
    return read_message if checked is None else partial(read_row, columns=checked)
