"""What the admin does about messages that were not sent: each step is taken by one caller, also if several try."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from ..._log_row import SMSStatus
from ...errors import SendOutcomeUnknown, SMSMobileError
from .._texts import storable
from .conf import get_client
from .journal import DjangoJournal
from .models import OutgoingSMS, State
from .sending import hand_over_on_commit
from .suppression import DjangoSuppression

_MOMENT = timedelta(minutes=1)
"""For how long the worker leaves a message alone that is being put back into the queue."""
_STATES = {SMSStatus.QUEUED: State.ACCEPTED, SMSStatus.SENT: State.SENT, SMSStatus.FAILED: State.FAILED}
_SOMEBODY_ELSE = "Somebody else has changed it meanwhile."


def resend(sms: OutgoingSMS) -> str:
    """Send a failed message again, or queue one that never left. Returns why that could not be done; or ""."""
    if sms.state == State.FAILED:
        return _resend_failed(sms)
    if sms.state == State.REFUSED:
        return _queue_refused(sms)
    if sms.state in {State.SUPPRESSED, State.EXPIRED}:
        return _queue_kept_back(sms)
    if sms.state == State.UNKNOWN:
        return "It may have been sent, so it is not sent again. Look it up instead."
    return f"It is {State(sms.state).label}. Only failed, refused, suppressed and expired messages are sent again."


def look_up(sms: OutgoingSMS) -> str:
    """Look up a message in doubt, or let the worker do it; nothing is sent. Returns why it could not be; or ""."""
    if sms.state != State.UNKNOWN:
        return f"It is {State(sms.state).label}. Only unknown messages are looked up."
    if sms.guid:
        return _look_up_resend(sms)
    if not _change(sms, State.UNKNOWN, state=State.QUEUED, due_at=timezone.now(), finished_at=None):
        return _SOMEBODY_ELSE
    hand_over_on_commit(sms.pk)
    return ""


def _resend_failed(sms: OutgoingSMS) -> str:
    if not sms.guid:
        return "The service has given it no GUID, which a resend needs."
    if not sms.confirms_opt_out and sms.to in DjangoSuppression():
        return "Its recipient has asked for no more messages."
    # Unknown until the service has answered: if this process dies meanwhile, nobody can know.
    if not _change(sms, State.FAILED, state=State.UNKNOWN, reason="A resend was begun, and did not end."):
        return _SOMEBODY_ELSE
    try:
        get_client().sms.resend(sms.guid)
    except SendOutcomeUnknown as doubt:
        _change(sms, State.UNKNOWN, reason=f"The resend is in doubt. {doubt}")
        return str(doubt)
    except SMSMobileError as error:
        _change(sms, State.UNKNOWN, state=State.FAILED, reason=sms.reason)
        return str(error)
    _change(sms, State.UNKNOWN, state=State.ACCEPTED, reason="", finished_at=None)
    return ""


def _look_up_resend(sms: OutgoingSMS) -> str:
    """Only a resend leaves a message with a GUID in doubt. The journal, which the worker asks, does not know of it."""
    try:
        rows = get_client().sms.log(guid=sms.guid)
    except SMSMobileError as error:
        return str(error)
    row = next((row for row in rows if row.guid == sms.guid), None)
    if row is None:
        return "The log of the service does not show it."
    state = _STATES[row.status]
    finished_at = None if state == State.ACCEPTED else timezone.now()
    reason = storable(row.error)
    is_changed = _change(sms, State.UNKNOWN, state=state, reason=reason, finished_at=finished_at)
    return "" if is_changed else _SOMEBODY_ELSE


def _queue_refused(sms: OutgoingSMS) -> str:
    # The journal remembers that it was refused. The worker waits until this is forgotten.
    later = timezone.now() + _MOMENT
    if not _change(sms, State.REFUSED, state=State.QUEUED, due_at=later, finished_at=None):
        return _SOMEBODY_ELSE
    DjangoJournal().forget(sms.key)
    _change(sms, State.QUEUED, due_at=timezone.now(), reason="")
    hand_over_on_commit(sms.pk)
    return ""


def _queue_kept_back(sms: OutgoingSMS) -> str:
    # The journal lets it be claimed again. The rules are asked anew; a time that is over does not count any more.
    now = timezone.now()
    values: dict[str, Any] = {} if sms.expires_at is None or sms.expires_at > now else {"expires_at": None}
    if not _change(sms, State(sms.state), state=State.QUEUED, due_at=now, reason="", finished_at=None, **values):
        return _SOMEBODY_ELSE
    hand_over_on_commit(sms.pk)
    return ""


def _change(sms: OutgoingSMS, before: State, **values: Any) -> bool:
    """Change a row that is still in this state."""
    return OutgoingSMS.objects.filter(pk=sms.pk, state=before).update(**values) == 1
