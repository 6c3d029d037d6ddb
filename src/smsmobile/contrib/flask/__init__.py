"""An extension for Flask 3: a client from the configuration, webhooks, signals, commands, and an outbox for tests.

    from flask import Flask
    from smsmobile.contrib.flask import SMSMobile

    sms = SMSMobile()

    def create_app() -> Flask:
        app = Flask(__name__)
        sms.init_app(app)
        return app

This file holds the public names. Importing it raises ImportError without Flask 3.
"""

from importlib.metadata import version

try:
    import flask  # noqa: F401
except ImportError:
    raise ImportError('smsmobile.contrib.flask needs Flask 3: pip install "smsmobile[flask]".') from None
if version("flask").startswith(("0.", "1.", "2.")):
    raise ImportError(
        f"smsmobile.contrib.flask needs Flask 3, and {version('flask')} is installed: "
        'pip install --upgrade "smsmobile[flask]".'
    )

from .._offline import RecordedSMS
from ._extension import SMSMobile
from ._signals import (
    call_incoming,
    call_missed,
    call_outgoing,
    email_received,
    email_sent,
    sms_failed,
    sms_received,
    sms_sent,
    sms_sent_by_hand,
    sms_submitted,
    unknown_event,
    whatsapp_failed,
    whatsapp_received,
    whatsapp_sent,
    whatsapp_submitted,
    whatsapp_voice_transcribed,
)

__all__ = [
    "RecordedSMS",
    "SMSMobile",
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
