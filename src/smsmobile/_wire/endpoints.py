"""The service's endpoints: method, path, and the kind of each, as docs/service-facts.md lists them."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple


class Kind(Enum):
    """What an endpoint does. It decides how an answer is read, and whether a request may be repeated."""

    SEND = "send"
    """Sends a message. Repeated only where the first try provably did not reach the service."""
    SUBMIT = "submit"
    """Sends as well. Neither `sent` nor a GUID is documented here, so an `error` of 0 means accepted."""
    ACTION = "action"
    """Answers about one thing, and sends nothing: delete, switch, check, token. May be repeated."""
    ROWS = "rows"
    """Lists rows. May be repeated."""
    LOG = "log"
    """Lists rows. A word in `result.error` that is not a known code, without rows, means that there are none."""

    @property
    def sends(self) -> bool:
        """Whether a repeated request could send something twice."""
        return self in (Kind.SEND, Kind.SUBMIT)


class Endpoint(NamedTuple):
    """One operation of the service."""

    method: str
    path: str
    kind: Kind


ENDPOINTS = {
    "sms.send": Endpoint("POST", "/sendsms/", Kind.SEND),  # D
    "sms.resend": Endpoint("POST", "/resend/", Kind.SUBMIT),  # D
    "sms.log": Endpoint("GET", "/log/sent/sms/", Kind.LOG),  # D
    "sms.received": Endpoint("GET", "/getsms/", Kind.ROWS),  # D
    "sms.delete": Endpoint("POST", "/deletesms/", Kind.ACTION),  # the path is assumed (A): override it with `paths`
    "sms.sent_by_hand": Endpoint("GET", "/log/sent/frommobile/", Kind.LOG),  # D
    "whatsapp.send": Endpoint("POST", "/sendsms/", Kind.SEND),  # D
    "whatsapp.resend": Endpoint("POST", "/resendwa/", Kind.SUBMIT),  # D
    "whatsapp.check_number": Endpoint("GET", "/whatsapp/checknumber/", Kind.ACTION),  # D
    "whatsapp.retrieval": Endpoint("GET", "/getwa/active/", Kind.ACTION),  # D
    "whatsapp.synchronise": Endpoint("GET", "/getwa/synchronisation/", Kind.ACTION),  # D
    "whatsapp.received": Endpoint("GET", "/getwa/", Kind.ROWS),  # D
    "devices.list": Endpoint("GET", "/gateway/mobile/list/", Kind.ROWS),  # D
    "calls.missed": Endpoint("GET", "/call/missed/list/", Kind.ROWS),  # D
    "calls.incoming": Endpoint("GET", "/call/incoming/list/", Kind.ROWS),  # D
    "calls.outgoing": Endpoint("GET", "/call/outgoing/list/", Kind.ROWS),  # D
    "notifications.send": Endpoint("POST", "/notification/send", Kind.SUBMIT),  # D: without a final slash
    "notifications.list": Endpoint("GET", "/notification/list/", Kind.ROWS),  # D
    "email.send": Endpoint("POST", "/sendemail/", Kind.SUBMIT),  # D
    "email.inbox": Endpoint("GET", "/getemail/", Kind.ROWS),  # D
    "conversations.list": Endpoint("GET", "/conversation/sms/list/", Kind.ROWS),  # O
    "oauth2.token": Endpoint("POST", "/oauth2/token", Kind.ACTION),  # D
}
