"""A blinker signal for each type of event, sent with the application as the sender and the event as `event`.

    @sms_received.connect_via(app)
    def note(app: Flask, event: SMSReceived) -> None:
        ...

They are sent after the handlers of `SMSMobile.on`. If a receiver raises, the event is delivered again, as for these.
"""

from __future__ import annotations

from blinker import NamedSignal, Namespace
from flask import Flask

from ...webhooks import AnyEvent
from .._signals import signal_name

_signals = Namespace()

sms_submitted = _signals.signal("sms-submitted")
sms_sent = _signals.signal("sms-sent")
sms_failed = _signals.signal("sms-failed")
sms_received = _signals.signal("sms-received")
sms_sent_by_hand = _signals.signal("sms-sent-by-hand")
call_missed = _signals.signal("call-missed")
call_incoming = _signals.signal("call-incoming")
call_outgoing = _signals.signal("call-outgoing")
whatsapp_submitted = _signals.signal("whatsapp-submitted")
whatsapp_sent = _signals.signal("whatsapp-sent")
whatsapp_failed = _signals.signal("whatsapp-failed")
whatsapp_received = _signals.signal("whatsapp-received")
whatsapp_voice_transcribed = _signals.signal("whatsapp-voice-transcribed")
email_sent = _signals.signal("email-sent")
email_received = _signals.signal("email-received")
unknown_event = _signals.signal("unknown-event")


def send_signal(app: Flask, event: AnyEvent) -> None:
    """Send the signal of an event. Raises what a receiver raises."""
    signal: NamedSignal = globals()[signal_name(event)]
    signal.send(app, event=event)
