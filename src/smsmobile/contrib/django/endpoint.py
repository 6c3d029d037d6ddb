"""The webhook endpoint of a project: it stores what comes in, lets outgoing messages follow, and sends the signals."""

from __future__ import annotations

import logging
from typing import Any

from django.core.signals import setting_changed
from django.db import router, transaction
from django.dispatch import receiver

from ..._locks import ForkSafeLock
from ...webhooks import (
    AnyEvent,
    SMSFailed,
    SMSReceived,
    SMSReceivedData,
    SMSSent,
    WebhookEndpoint,
    WhatsAppReceived,
    new_url_token,
)
from ...webhooks._claims import spelled
from ...webhooks.endpoint import identity
from .._texts import storable
from ._times import to_column
from .conf import get_settings
from .event_store import DjangoEventStore
from .models import HandledEvent, IncomingMessage, OutgoingSMS, State
from .signals import send_signal

__all__ = ["get_endpoint"]


def __dir__() -> list[str]:
    return __all__


log = logging.getLogger("smsmobile")

_lock = ForkSafeLock()
_shared: list[WebhookEndpoint] = []
"""The endpoint; at most one."""


def get_endpoint() -> WebhookEndpoint:
    """The endpoint of this process, made at the first call from `SMSMOBILE`.

    An event is handled in one transaction: what it changes here, what the receivers of its signal change, and the note
    that it is handled. Raises ConfigurationError if a setting cannot be used.
    """
    with _lock:
        if not _shared:
            _shared.append(_new_endpoint())
        return _shared[0]


def _new_endpoint() -> WebhookEndpoint:
    settings = get_settings()
    verifier, token = settings.webhook_receiver, settings.get("WEBHOOK_URL_TOKEN")
    if verifier is None and token is None:
        log.warning("Neither SMSMOBILE['WEBHOOK_SECRET'] nor WEBHOOK_URL_TOKEN is set: all webhooks are refused.")
        token = new_url_token()  # which nobody knows; events of an Inbox need none
    return WebhookEndpoint(verifier, DjangoEventStore(), handle, url_token=token)


def handle(event: AnyEvent) -> None:
    """Handle an event, inside the transaction that marks it as handled."""
    if isinstance(event, SMSReceived | WhatsAppReceived):
        _store(event)
    elif isinstance(event, SMSSent | SMSFailed) and (guid := storable(event.data.guid)):
        # The worker may have sent the message, but not have stored its GUID yet. So the worker looks for the event when
        # it has stored the GUID, and this looks for the GUID once more when it has stored the event.
        row = HandledEvent.objects.filter(pk=spelled(identity(event, is_trusted=True)))
        row.update(type=event.type, guid=guid)
        _follow(event, guid)
        # No partial: Django cannot name one in its log.
        transaction.on_commit(lambda: _follow(event, guid), using=router.db_for_write(HandledEvent), robust=True)
    send_signal(event)


def _store(event: SMSReceived | WhatsAppReceived) -> None:
    data = event.data
    if isinstance(data, SMSReceivedData):
        channel, name, device = "sms", data.alias, data.device
    else:
        channel, name, device = "whatsapp", data.contact_name, None
    IncomingMessage.objects.create(
        channel=channel,
        sender=storable(data.sender, most=255),
        name=storable(name, most=255),
        message=storable(data.message),
        guid=storable(data.guid),
        device=storable(device, most=255),
        received_at=to_column(data.received_at),
    )


def _follow(event: SMSSent | SMSFailed, guid: str) -> None:
    """Record what the phone did. A message that failed can still be sent, but one that was sent does not fail."""
    rows = OutgoingSMS.objects.filter(guid=guid)
    at = to_column(event.occurred_at)
    if isinstance(event, SMSSent):
        rows.exclude(state=State.SENT).update(state=State.SENT, reason="", finished_at=at)
    else:
        why = storable(str((event.data.model_extra or {}).get("error") or ""))  # an assumed name (A)
        rows = rows.filter(state__in=[State.ACCEPTED, State.UNKNOWN])
        rows.update(state=State.FAILED, reason=why, finished_at=at)


@receiver(setting_changed)
def _on_change(*, setting: str, **_: Any) -> None:
    if setting == "SMSMOBILE":
        with _lock:
            _shared.clear()
