"""The tasks `send_sms` and `settle_sms`: one message, sent once, and looked up as long as nobody knows."""

from __future__ import annotations

import time
from typing import Any

import celery
from celery.exceptions import SoftTimeLimitExceeded

from ...delivery import JournalEntry, SendStatus, settle
from ...delivery._messages import check_key
from ...delivery._sender import UNKNOWN_RETRY_PERIOD
from ...errors import SendOutcomeUnknown, SMSMobileError
from ._confidential import ConfidentialTask
from ._messages import unpacked
from ._retrying import may_pass, pause_after, requeued_without_broker, try_again
from ._setup import setup_of

shared_task: Any = celery.shared_task  # it has no types

RATE_PATIENCE = 3.0
"""Seconds that a worker is held for the rate."""
FIRST_LOOK = 30.0
"""Seconds until an unknown message is looked up again."""
OPTIONS: dict[str, Any] = {
    "base": ConfidentialTask,
    "bind": True,
    "acks_late": True,
    "reject_on_worker_lost": True,
    "acks_on_timeout": False,
    "max_retries": None,
}
"""Of all tasks here. A worker that dies, or is killed by a time limit, leaves its message to another one."""


@shared_task(name="smsmobile.send_sms", **OPTIONS)  # type: ignore[untyped-decorator]
def send_sms(self: Any, to: str, text: str, key: str | int | None = None, **options: Any) -> dict[str, Any]:
    """Send a message once, however often the task runs.

    to, text: as for `client.sms.send`.
    key: your name for the message, such as `"order-4711"`. Without a key, the id of the task is the key.
    options: `sim`, `device`, `schedule_at`, `shorten_urls`, `encrypt`, `whatsapp`, `expires_at` and `urgent`, as for
        `send_once`. The times are aware datetimes, or their ISO texts.

    The result has the `key`, the `status`, the `guid`, and for a duplicate what is `recorded`. An unknown message is
    left to `settle_sms`.

    The task is tried again if nothing was sent for a reason that may pass, until the message is sent or expired. It
    fails with InvalidRequestError, ConfigurationError, AuthenticationError, SubscriptionExpired or NotFound.
    """
    message = unpacked({"to": to, "text": text, "key": check_key(self.request.id if key is None else key), **options})
    try:
        outcome = setup_of(self.app).send(message, rate_patience=RATE_PATIENCE)
    except SendOutcomeUnknown:  # a time limit interrupted it
        settle_later(self.app, str(message.key))
        return _result(str(message.key), SendStatus.UNKNOWN)
    except SoftTimeLimitExceeded as interruption:  # before it left, or after: the next attempt finds out
        try_again(self, pause_after(self.app, self.request.retries), interruption)
    except SMSMobileError as failure:
        if not may_pass(failure):
            raise
        try_again(self, pause_after(self.app, self.request.retries, failure), failure)
    if outcome.status is SendStatus.UNKNOWN:
        settle_later(self.app, str(message.key))
    return _result(str(message.key), outcome.status, outcome.guid, outcome.recorded)


@shared_task(name="smsmobile.settle_sms", **OPTIONS)  # type: ignore[untyped-decorator]
def settle_sms(self: Any, key: str | int) -> dict[str, Any]:
    """Look a message in doubt up in the sent log, for 24 hours, until it is there. Nothing is sent.

    key: that of the message.

    The result has the `key`, the `status` (None if the journal has no such message), and the `guid`.
    """
    key = check_key(key)
    entry: JournalEntry | None = None
    failure: SMSMobileError | None = None
    interruption: SoftTimeLimitExceeded | None = None
    try:
        setup = setup_of(self.app)
        entry = settle(setup.client, setup.journal, key)
    except SoftTimeLimitExceeded as error:
        interruption = error
    except SMSMobileError as error:
        if not may_pass(error):
            raise
        failure = error
    cause = failure or interruption
    if cause is not None or (entry is not None and _is_in_doubt(entry) and not self.request.is_eager):
        try_again(self, pause_after(self.app, self.request.retries, failure, first=FIRST_LOOK), cause)
    return _result(key, None) if entry is None else _result(key, entry.outcome, entry.guid)


def settle_later(app: Any, key: str) -> None:
    """Let a message be looked up."""
    with requeued_without_broker():
        settle_sms.apply_async((key,), countdown=pause_after(app, 0, first=FIRST_LOOK))


def _is_in_doubt(entry: JournalEntry) -> bool:
    """Whether another look may help."""
    return entry.outcome in {None, SendStatus.UNKNOWN} and time.time() < entry.attempted_at + UNKNOWN_RETRY_PERIOD


def _result(
    key: str, status: SendStatus | None, guid: str | None = None, recorded: SendStatus | None = None
) -> dict[str, Any]:
    """What is stored in the result backend: no number, no text, and no reason, which may hold them."""
    states = {"status": status and status.value, "recorded": recorded and recorded.value}
    return {"key": key, **states, "guid": guid}
