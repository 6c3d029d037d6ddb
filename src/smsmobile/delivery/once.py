"""`send_once`: one message under a key, sent once, from whichever thread, process or machine."""

from __future__ import annotations

import os
import time
from datetime import datetime
from threading import Event
from typing import TYPE_CHECKING

from .._input.arguments import check_seconds
from ..errors import SendInFlight, SendOutcomeUnknown, SendPostponed
from ._arguments import channel_of, opened
from ._messages import OutgoingSMS, check_key
from ._outcomes import Job, SendOutcome, job_of, recorded_outcome
from ._rules import Rules, Wait
from ._sender import PATIENCE, UNKNOWN_RETRY_PERIOD, NotSent, Sender, interruption_of
from .journals import ClaimState, Journal, SendStatus

if TYPE_CHECKING:
    from ..client import SMSMobileClient
    from .sims import SimPool
    from .suppression import Suppression
    from .windows import SendWindow

__all__ = ["send_once"]


def __dir__() -> list[str]:
    return __all__


_MOST_CLAIMS = 100
"""Each claim but the last ends with a message in flight decided, or with a lost claim."""
_FIRST_RETRY = 1.0
"""Seconds after which to call again, if it is not known for how long the message in the way is in flight."""


def send_once(
    client: SMSMobileClient,
    journal: str | os.PathLike[str] | Journal,
    *,
    key: str | int,
    to: str,
    text: str,
    sim: int | None = None,
    device: str | None = None,
    schedule_at: datetime | None = None,
    shorten_urls: bool = False,
    encrypt: bool = False,
    whatsapp: bool = False,
    expires_at: datetime | None = None,
    urgent: bool = False,
    suppression: Suppression | None = None,
    window: SendWindow | None = None,
    sims: SimPool | None = None,
    patience: float = PATIENCE,
) -> SendOutcome:
    """Send a message, unless its key was sent already. Call it again with the same key as often as you like.

        outcome = send_once(client, "sent.sqlite", key="order-4711", to="+33639980011", text="Your order is here.")

    client: the client that sends, with its own retries; but without them if there is a rule or an `expires_at`, since
        another attempt, later, may not be allowed any more.
    journal: a `Journal` that all callers share, or the name of a file.
    key: your name for the message, such as the id of an order.
    to, text, sim, device, schedule_at, shorten_urls, encrypt, whatsapp: as for `client.sms.send`.
    expires_at: when it is of no use any more, an aware datetime. It is not sent from then on.
    urgent: send it outside of the window as well.
    suppression: the list of those who asked for no more messages.
    window: the hours and days in which it may leave.
    sims: the SIMs that may send it, with their limits.
    patience: if the answer of the service is lost, seconds to wait for the message to appear in the sent log.

    Returns a SendOutcome: SENT or REFUSED; UNKNOWN if nobody can tell, which is never sent again until you `forget` the
    key in the journal; DUPLICATE, and `recorded` is the outcome that the key had already; SUPPRESSED or EXPIRED if it
    is not sent for that reason, which is checked anew if you call again. If the caller that sent it was killed in
    between, the message is looked up in the sent log.

    Raises SendPostponed if the window or the limits of the SIMs let it leave only later: call again then. Raises
    SendInFlight if another caller is sending the message, or one that the sent log could not tell from it: call
    again later. Raises InvalidRequestError for a message that cannot be sent. Raises what `client.sms.send` raises if
    nothing was sent for a reason that every message would meet, such as ConnectionFailed or DeviceOffline. Raises
    SendOutcomeUnknown only if a foreign exception, such as a time limit, interrupted the send. Raises StorageError if
    the journal cannot be used. After each of these the next call does what is right: it sends the message, or looks it
    up if it may have left.
    """
    channel = channel_of(client)
    check_key(key)
    message = OutgoingSMS(
        to,
        text,
        key,
        sim=sim,
        device=device,
        schedule_at=schedule_at,
        shorten_urls=shorten_urls,
        encrypt=encrypt,
        whatsapp=whatsapp,
        expires_at=expires_at,
        urgent=urgent,
    )
    rules = Rules(suppression, window, sims)
    job = job_of(channel, message)
    if expires_at is not None or not rules.are_none:
        channel = channel._without_retries
    patience = check_seconds("patience", patience)
    with opened(journal) as shared:
        return _send(Sender(channel, shared, patience=patience, rules=rules), job)


def _send(sender: Sender, job: Job) -> SendOutcome:
    never = Event()
    looked_again = False
    for _ in range(_MOST_CLAIMS):
        ((job, claim),) = sender.claim([job])
        if claim.state is ClaimState.BUSY:
            raise _in_flight(job, claim.entry.key, claim.retry_after)
        if claim.state is ClaimState.ABANDONED:
            if not sender.look_up_abandoned([claim.entry], never):
                raise _in_flight(job, claim.entry.key, _FIRST_RETRY)
        elif claim.state is ClaimState.DONE:
            is_fresh = time.time() - claim.entry.attempted_at < UNKNOWN_RETRY_PERIOD
            if looked_again or claim.entry.outcome is not SendStatus.UNKNOWN or not is_fresh:
                return recorded_outcome(job, claim.entry)
            sender.look_up_abandoned([claim.entry], never)
            looked_again = True
        elif (outcome := _send_claimed(sender, job, never)) is not None:
            return outcome
    raise _in_flight(job, job.entry.key, _FIRST_RETRY)


def _send_claimed(sender: Sender, job: Job, never: Event) -> SendOutcome | None:
    """None if the claim has ended, or if another SIM is to send it: claim it again."""
    admitted = sender.admit(job)
    if isinstance(admitted, SendOutcome):
        return admitted
    if isinstance(admitted, Wait):
        if admitted.seconds <= 0:
            return None
        raise SendPostponed(
            f"{admitted.reason} Nothing was sent now; call again with the same key in {admitted.seconds:.0f} s.",
            retry_after=admitted.seconds,
        )
    started = sender.start(admitted)
    if started is None:
        return None
    try:
        return sender.send(started)
    except NotSent as error:
        failure = error.failure
    except SendOutcomeUnknown as doubt:
        if interruption_of(doubt):
            raise
        outcome = sender.look_up(started, doubt, never)
        assert outcome is not None  # noqa: S101 - nobody stops it
        return outcome
    if sender.note_failure(started, failure):
        return None
    raise failure  # outside of the block above, so that it does not show NotSent as well


def _in_flight(job: Job, key: str, seconds: float) -> SendInFlight:
    what = "The message" if key == job.entry.key else "Another message with the same number and text"
    return SendInFlight(
        f"{what} is in flight: somebody else is sending it, or has sent it and cannot be asked. Nothing was sent now; "
        f"call again with the same key in {seconds:.0f} s.",
        retry_after=seconds,
    )
