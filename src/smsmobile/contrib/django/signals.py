"""Signals: one for each type of event that the service reports.

    from django.dispatch import receiver
    from smsmobile.contrib.django.signals import sms_received

    @receiver(sms_received)
    def reply(sender, event, **kwargs):
        print(event.data.sender, event.data.message)

Receivers get `event`, one of the classes of `smsmobile.webhooks`, which is also the `sender`. They run in the database
transaction that marks the event as handled: if one raises, its changes are undone, and the event comes again.
"""

from __future__ import annotations

from django.dispatch import Signal

from ...webhooks import AnyEvent
from .._signals import signal_name

__all__ = [
    "call_incoming",
    "call_missed",
    "call_outgoing",
    "email_received",
    "email_sent",
    "sms_failed",
    "sms_received",
    "sms_sent",
    "sms_sent_by_hand",
    "sms_submitted",
    "unknown_event",
    "whatsapp_failed",
    "whatsapp_received",
    "whatsapp_sent",
    "whatsapp_submitted",
    "whatsapp_voice_transcribed",
]


def __dir__() -> list[str]:
    return __all__


sms_submitted = Signal()
sms_sent = Signal()
sms_failed = Signal()
sms_received = Signal()
sms_sent_by_hand = Signal()
call_missed = Signal()
call_incoming = Signal()
call_outgoing = Signal()
whatsapp_submitted = Signal()
whatsapp_sent = Signal()
whatsapp_failed = Signal()
whatsapp_received = Signal()
whatsapp_voice_transcribed = Signal()
email_sent = Signal()
email_received = Signal()
unknown_event = Signal()


def send_signal(event: AnyEvent) -> None:
    """Call the receivers of an event's signal. An exception of one goes through."""
    signal: Signal = globals()[signal_name(event)]
    signal.send(sender=type(event), event=event)
