"""Sends what is queued: each message under its key, through `send_once`, which decides that nothing goes twice.

A worker takes a row for a while, sends it and records what became of it. If it is killed, another one takes the row
when that while is over, and `send_once` looks the message up if it may have left.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from threading import Event
from typing import Any

from django.db import Error, close_old_connections, connections, router, transaction
from django.db.models import Case, F, Q, QuerySet, Value, When
from django.utils import timezone

from ..._http.backoff import backoff_intervals, respecting_retry_after
from ...delivery import SendOutcome, SendStatus, send_once
from ...errors import DeviceOffline, InvalidRequestError, SendInFlight, SendPostponed, SMSMobileError
from .._texts import storable
from ._rules import rules_of
from ._times import from_column
from .conf import get_client
from .journal import DjangoJournal
from .models import HandledEvent, OutgoingSMS, State

__all__ = ["drain", "send_one", "work"]


def __dir__() -> list[str]:
    return __all__


log = logging.getLogger("smsmobile")

LEASE = 120.0
"""Seconds for which a worker takes a row. A message that takes longer is safe: the journal has a claim of its own."""
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
"""Seconds after a failure that every message would meet."""
_CANDIDATES = 20

_STATES = {
    SendStatus.SENT: State.ACCEPTED,
    SendStatus.REFUSED: State.REFUSED,
    SendStatus.UNKNOWN: State.UNKNOWN,
    SendStatus.SUPPRESSED: State.SUPPRESSED,
    SendStatus.EXPIRED: State.EXPIRED,
}
_STATES_BY_EVENT = {"sms.sent": State.SENT, "sms.failed": State.FAILED}


def work(stopping: Event, *, interval: float = 1.0) -> None:
    """Send what is queued, until `stopping` is set. After a failure that every message would meet, wait and go on.

    interval: seconds between two looks for new messages.
    """
    pauses = backoff_intervals(FIRST_PAUSE, LONGEST_PAUSE)
    while not stopping.is_set():
        pause = interval
        try:
            drain(stopping)
            pauses = backoff_intervals(FIRST_PAUSE, LONGEST_PAUSE)
        except DeviceOffline as failure:
            log.warning("A phone is offline, and its messages wait. %s", failure)
        except SMSMobileError as failure:
            pause = respecting_retry_after(next(pauses), failure)
            log.error("Messages cannot be sent now; the next attempt is in %.0f s. %s", pause, failure)  # noqa: TRY400
        except Error as error:
            pause = next(pauses)
            log.error("The database cannot be used (%s); next attempt in %.0f s.", type(error).__name__, pause)  # noqa: TRY400
        close_old_connections()
        stopping.wait(pause)


def drain(stopping: Event | None = None) -> int:
    """Send all messages that are due. Returns how many were taken.

    Raises an SMSMobileError that every message would meet, such as AuthenticationError; the message stays queued. If a
    phone is offline, its messages wait, and DeviceOffline is raised when those of the other phones are sent.
    """
    count = 0
    offline: DeviceOffline | None = None
    while not (stopping and stopping.is_set()) and (row := _take()) is not None:
        count += 1
        try:
            _send(row)
        except DeviceOffline as failure:
            offline = failure
    if offline is not None:
        raise offline
    return count


def send_one(pk: int) -> None:
    """Send this message, if it is queued and no worker has taken it. If that fails, it stays queued."""
    row = _take(pk)
    if row is not None:
        try:
            _send(row)
        except SMSMobileError as failure:
            log.warning("Queued SMS %s was not sent, and is tried again by sms_worker. %s", pk, failure)


def _rows() -> QuerySet[OutgoingSMS]:
    return OutgoingSMS.objects.using(router.db_for_write(OutgoingSMS))


def _take(pk: int | None = None) -> OutgoingSMS | None:
    """Take a message that is due, so that no other worker does."""
    rows = _rows()
    now = timezone.now()
    lease = timedelta(seconds=LEASE)
    # A claim that ends much later than one from now is of a time before the clock was set back.
    is_free = Q(claimed_until=None) | Q(claimed_until__lte=now) | Q(claimed_until__gt=now + 2 * lease)
    due = rows.filter(is_free, state=State.QUEUED, due_at__lte=now)
    if pk is not None:
        due = due.filter(pk=pk)
    due = due.order_by("due_at", "pk")
    taken: dict[str, Any] = {"claimed_until": now + lease, "attempted_at": now, "attempts": F("attempts") + 1}
    if connections[rows.db].features.has_select_for_update_skip_locked:
        with transaction.atomic(using=rows.db):
            row = due.select_for_update(skip_locked=True).first()
            if row is not None:
                rows.filter(pk=row.pk).update(**taken)
        return row
    for row in due[:_CANDIDATES]:
        if due.filter(pk=row.pk).update(**taken):  # else another worker was faster
            return row
    return None


def _send(row: OutgoingSMS) -> None:
    try:
        outcome = send_once(
            get_client(),
            DjangoJournal(),
            key=row.key,
            to=row.to,
            text=row.message,
            sim=row.sim,
            device=row.device or None,
            schedule_at=from_column(row.schedule_at),
            shorten_urls=row.shorten_urls,
            encrypt=row.encrypt,
            whatsapp=row.whatsapp,
            expires_at=from_column(row.expires_at),
            urgent=row.urgent,
            **rules_of(confirms_opt_out=row.confirms_opt_out),
        )
    except InvalidRequestError as error:  # the settings have changed since it was queued
        _finish(row, State.REFUSED, reason=str(error))
    except SendPostponed as later:
        due_at = timezone.now() + timedelta(seconds=later.retry_after)
        _change(row, due_at=_within_its_time(due_at), attempts=row.attempts, reason=str(later), claimed_until=None)
    except SendInFlight as busy:
        _postpone(row, busy)
    except DeviceOffline as failure:
        due_at = _postpone(row, failure)
        of_this_phone = _rows().filter(state=State.QUEUED, device=row.device, claimed_until=None, due_at__lt=due_at)
        of_this_phone.exclude(expires_at__lte=timezone.now()).update(due_at=_within_its_time(due_at))
        raise
    except SMSMobileError as failure:
        _postpone(row, failure)
        raise
    else:
        _record(row, outcome)


def _record(row: OutgoingSMS, outcome: SendOutcome) -> None:
    state = _STATES[outcome.recorded or outcome.status]
    guid = storable(outcome.guid)
    _finish(row, state, guid=guid, reason=outcome.reason or "")
    # The phone may have reported it before the GUID was stored here. This is after the commit: if the event is not
    # there yet, whoever handles it finds the GUID.
    events = HandledEvent.objects.using(router.db_for_write(HandledEvent)).filter(guid=guid, type__in=_STATES_BY_EVENT)
    reported = {_STATES_BY_EVENT[event.type] for event in events} if guid else set()
    for followed in (State.SENT, State.FAILED):
        if followed in reported:
            _rows().filter(pk=row.pk, state=state).update(state=followed, finished_at=timezone.now())


def _finish(row: OutgoingSMS, state: State, *, guid: str = "", reason: str = "") -> None:
    finished_at = None if state == State.ACCEPTED else timezone.now()
    _change(row, state=state, guid=guid, reason=reason, finished_at=finished_at, claimed_until=None)


def _postpone(row: OutgoingSMS, failure: SMSMobileError) -> datetime:
    """Leave it in the queue, for longer after each attempt. Returns when it is due."""
    pause = min(FIRST_PAUSE * 2.0 ** min(row.attempts, 10), LONGEST_PAUSE)
    due_at = timezone.now() + timedelta(seconds=respecting_retry_after(pause, failure))
    _change(row, due_at=_within_its_time(due_at), reason=str(failure), claimed_until=None)
    return due_at


def _within_its_time(due_at: datetime) -> Case:
    """Then, or when the time of a row is over: it becomes EXPIRED at that moment, and not much later."""
    ends_before = When(expires_at__gt=timezone.now(), expires_at__lt=due_at, then=F("expires_at"))
    return Case(ends_before, default=Value(due_at))


def _change(row: OutgoingSMS, **values: Any) -> None:
    """Change a row that is still queued: another worker may have finished it, if this one took long."""
    _rows().filter(pk=row.pk, state=State.QUEUED).update(**values)
