"""`post_webhook`: an event to an application, signed and complete, as the service posts it."""

from __future__ import annotations

import os
import sys
import time
from typing import Any
from uuid import uuid4

from .._dotenv import read_dotenv
from ..errors import ConfigurationError
from ..webhooks import WebhookAnswer, WebhookEvent, sign
from ._events import body_of, envelope
from ._secret import VARIABLE, WEBHOOK_SECRET
from ._targets import kind_of, post

__all__ = ["post_webhook"]


def __dir__() -> list[str]:
    return __all__


def post_webhook(
    target: Any, kind: type[WebhookEvent], *, path: str = "/sms/webhook", secret: str | None = None, **fields: Any
) -> WebhookAnswer:
    """Post an event to an application, and return its answer.

        assert post_webhook(client, SMSReceived, sender="+33639985678", message="STOP").status == 202

    target: the test client of Django, Flask, Starlette or FastAPI; a WSGI or ASGI application; or the URL of a server
        on this machine.
    kind: the class of the event, one of the documented 15 in `smsmobile.webhooks`.
    path: the path of the webhook. A URL that has a path keeps it.
    secret: the secret to sign with; by default the one of the application, if that has it from its settings
        (`SMSMOBILE["WEBHOOK_SECRET"]` in Django, `SMSMOBILE_WEBHOOK_SECRET` in Flask) or from the variable
        `SMSMOBILEAPI_WEBHOOK_SECRET`, which may be in `.env`. If there is none, that variable is set to a made-up one,
        as the pytest plugin does at its start.
    fields: fields of the event's data that matter, under the names of its model (`sender`, `message`, `guid` …), and
        its `id`. The others have made-up values. Post the same `id` and `guid` again for a second delivery.

    Raises TypeError for another target, an unknown event or an unknown field; ConfigurationError if no secret is found
    for a URL; NetworkBlocked for one of another machine; and what the application raises, if its test client lets that
    pass.
    """
    event = envelope(kind, fields)
    body = body_of(event)
    return post(target, path, body, _headers(event, body, secret, target))


def _headers(event: dict[str, Any], body: bytes, secret: str | None, target: Any) -> dict[str, str]:
    timestamp = int(time.time())
    return {
        "Content-Type": "application/json",
        "User-Agent": "smsmobile-testing",
        "X-SMSMobileAPI-Event": event["type"],
        "X-SMSMobileAPI-Event-ID": event["id"],
        "X-SMSMobileAPI-Delivery": str(uuid4()),
        "X-SMSMobileAPI-Timestamp": str(timestamp),
        "X-SMSMobileAPI-Signature": sign(body, secret or _secret_of(target), timestamp),
        "Idempotency-Key": event["id"],
    }


def _secret_of(target: Any) -> Any:
    """The secret that the application verifies with; the first one of several."""
    configured: Any = None
    kind = kind_of(target)
    if kind == "django":
        configured = getattr(sys.modules["django.conf"].settings, "SMSMOBILE", {}).get("WEBHOOK_SECRET")
    elif kind == "flask":
        configured = getattr(target, "application", target).config.get("SMSMOBILE_WEBHOOK_SECRET")
    if isinstance(configured, list | tuple):
        configured = next(iter(configured), None)
    found = configured or os.environ.get(VARIABLE) or read_dotenv(None).values.get(VARIABLE)
    if not found and kind == "url":
        raise ConfigurationError(
            "The secret with which the server verifies webhooks is not known here: pass it as secret=, or set the "
            f"variable {VARIABLE} for both."
        )
    if not found:  # there is no plugin, as under unittest. The application reads its settings when the event comes
        found = os.environ[VARIABLE] = WEBHOOK_SECRET
    return found
