"""The names of the signals, one for each type of event. Each framework has its own kind of signal under them."""

from __future__ import annotations

from ..webhooks import AnyEvent, events

_NAMES: dict[type[AnyEvent], str] = {
    events.SMSSubmitted: "sms_submitted",
    events.SMSSent: "sms_sent",
    events.SMSFailed: "sms_failed",
    events.SMSReceived: "sms_received",
    events.SMSSentByHand: "sms_sent_by_hand",
    events.CallMissed: "call_missed",
    events.CallIncoming: "call_incoming",
    events.CallOutgoing: "call_outgoing",
    events.WhatsAppSubmitted: "whatsapp_submitted",
    events.WhatsAppSent: "whatsapp_sent",
    events.WhatsAppFailed: "whatsapp_failed",
    events.WhatsAppReceived: "whatsapp_received",
    events.WhatsAppVoiceTranscribed: "whatsapp_voice_transcribed",
    events.EmailSent: "email_sent",
    events.EmailReceived: "email_received",
    events.UnknownEvent: "unknown_event",
}


def signal_name(event: AnyEvent) -> str:
    """How the signal of an event is called, such as `sms_received`."""
    return _NAMES[type(event)]
