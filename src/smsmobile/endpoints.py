"""Every address of the service with its method and its retry policy: section 3 of the contract as a table."""

from __future__ import annotations

from typing import NamedTuple

from .retries import Policy


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
    "oauth2.token": Endpoint("POST", "/oauth2/token", Policy.READ),  # D
}
