"""Every address of the service with its method and its retry policy: section 3 of the contract as a table."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple


class Policy(Enum):
    """What a repetition of the request could do."""

    READ = "read"
    """Nothing: it may be repeated after any passing failure."""
    SEND = "send"
    """Send a message twice: it is repeated only where the first try provably did not reach the service."""


class Endpoint(NamedTuple):
    """Where an operation lives, and whether repeating it could send something twice."""

    method: str
    path: str
    policy: Policy


ENDPOINTS = {
    "sms.send": Endpoint("POST", "/sendsms/", Policy.SEND),  # D
    "sms.resend": Endpoint("POST", "/resend/", Policy.SEND),  # D
    "sms.log": Endpoint("GET", "/log/sent/sms/", Policy.READ),  # D
    "sms.received": Endpoint("GET", "/getsms/", Policy.READ),  # D
    "sms.delete": Endpoint("POST", "/deletesms/", Policy.READ),  # the path is assumed (A): override it with `paths`
    "sms.sent_by_hand": Endpoint("GET", "/log/sent/frommobile/", Policy.READ),  # D
    "whatsapp.send": Endpoint("POST", "/sendsms/", Policy.SEND),  # D
    "whatsapp.resend": Endpoint("POST", "/resendwa/", Policy.SEND),  # D
    "whatsapp.check_number": Endpoint("GET", "/whatsapp/checknumber/", Policy.READ),  # D
    "whatsapp.retrieval": Endpoint("GET", "/getwa/active/", Policy.READ),  # D
    "whatsapp.synchronise": Endpoint("GET", "/getwa/synchronisation/", Policy.READ),  # D
    "whatsapp.received": Endpoint("GET", "/getwa/", Policy.READ),  # D
    "devices.list": Endpoint("GET", "/gateway/mobile/list/", Policy.READ),  # D
    "calls.missed": Endpoint("GET", "/call/missed/list/", Policy.READ),  # D
    "calls.incoming": Endpoint("GET", "/call/incoming/list/", Policy.READ),  # D
    "calls.outgoing": Endpoint("GET", "/call/outgoing/list/", Policy.READ),  # D
    "notifications.send": Endpoint("POST", "/notification/send", Policy.SEND),  # D: without a final slash
    "notifications.list": Endpoint("GET", "/notification/list/", Policy.READ),  # D
    "email.send": Endpoint("POST", "/sendemail/", Policy.SEND),  # D
    "email.inbox": Endpoint("GET", "/getemail/", Policy.READ),  # D
    "conversations.list": Endpoint("GET", "/conversation/sms/list/", Policy.READ),  # O
    "oauth2.token": Endpoint("POST", "/oauth2/token", Policy.READ),  # D
}
