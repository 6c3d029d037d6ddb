"""System checks of the settings. A warning says what is missing, an error what is wrong or insecure.

They read settings alone, and make no connection.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

import django
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register  # noqa: A004 - as Django calls it
from django.db import connections, router
from django.urls import get_resolver

from ..._input.arguments import shown
from ...errors import ConfigurationError
from ...webhooks import WebhookReceiver
from ...webhooks._url_tokens import URLToken
from .._settings import BACKENDS, WebSettings
from ._rules import get_rule_settings
from ._steps import DATABASES
from .conf import NAMES, QUEUES, get_queue, get_settings

__all__ = ["check_backend_of_deployment", "check_database", "check_settings", "check_webhooks"]


def __dir__() -> list[str]:
    return __all__


_SHORTEST_SECRET = 8
_NEEDS = {"celery": ("Celery", "pip install celery"), "tasks": ("Django 6.0", "upgrade Django, or use 'celery'")}


@register(Tags.compatibility)
def check_settings(**_: Any) -> list[CheckMessage]:
    """Unknown keys, values that cannot be used, and missing credentials."""
    try:
        found = get_settings()
    except ConfigurationError as error:
        return [Error(str(error), id="smsmobile.E002")]
    return [*_unknown_keys(found), *_wrong_values(found), *_queue(found), *_rules()]


def _unknown_keys(found: WebSettings) -> Iterator[CheckMessage]:
    for name in found.values:
        if name not in NAMES:
            hint = f"Expected some of {', '.join(NAMES)}."
            yield Error(f"SMSMOBILE has the unknown key {shown(str(name))!r}.", hint=hint, id="smsmobile.E001")


def _wrong_values(found: WebSettings) -> Iterator[CheckMessage]:
    try:
        if found.backend == "live" and not found.has_credentials:
            yield Warning(
                "SMSMOBILE has no credentials, so nothing can be sent.",
                hint="Set SMSMOBILE['API_KEY'], or CLIENT_ID and CLIENT_SECRET, or their environment variables "
                "SMSMOBILEAPI_API_KEY …; for development, set SMSMOBILE['BACKEND'] to one of "
                f"{', '.join(BACKENDS[1:])}.",
                id="smsmobile.W001",
            )
        else:
            found.client(found.backend, id).close()
        get_queue()
    except ConfigurationError as error:
        yield Error(str(error), id="smsmobile.E002")


def _queue(found: WebSettings) -> Iterator[CheckMessage]:
    queue = found.get("QUEUE")
    is_there = {"celery": find_spec("celery") is not None, "tasks": django.VERSION >= (6, 0)}
    if queue in QUEUES and not is_there.get(queue, True):
        needs, hint = _NEEDS[queue]
        yield Error(f"SMSMOBILE['QUEUE'] is {queue!r}, which needs {needs}.", hint=hint, id="smsmobile.E005")


def _rules() -> Iterator[CheckMessage]:
    try:
        get_rule_settings()
    except ConfigurationError as error:
        yield Error(str(error), id="smsmobile.E006")


@register(Tags.security)
def check_webhooks(**_: Any) -> list[CheckMessage]:
    """Secrets of webhooks that are missing, cannot be used, or can be guessed."""
    try:
        found = get_settings()
        secrets, token = found.webhook_secrets, found.get("WEBHOOK_URL_TOKEN")
        if secrets:
            WebhookReceiver(secrets)
        if token is not None:
            URLToken(token)
    except ConfigurationError as error:
        return [Error(str(error), id="smsmobile.E003")]
    if not secrets and token is None and _has_webhook():
        hint = "Set SMSMOBILE['WEBHOOK_SECRET'] to the secret of the webhook, from its page of your account."
        return [Warning("SMSMOBILE has no WEBHOOK_SECRET: all webhooks are refused.", hint=hint, id="smsmobile.W002")]
    if not settings.DEBUG and min(map(len, secrets), default=_SHORTEST_SECRET) < _SHORTEST_SECRET:
        text = f"SMSMOBILE['WEBHOOK_SECRET'] has less than {_SHORTEST_SECRET} characters, and can be guessed."
        hint = "Whoever guesses it can forge messages from anybody. Give the webhook another secret."
        return [Error(text, hint=hint, id="smsmobile.E004")]
    return []


def _has_webhook() -> bool:
    """Whether the project includes our URLs."""
    try:
        get_resolver().url_patterns  # noqa: B018 - imports the modules
    except Exception:  # noqa: BLE001 - another check reports it
        return False
    return f"{__package__}.urls" in sys.modules


@register(Tags.compatibility)
def check_database(**_: Any) -> list[CheckMessage]:
    """The database of the journal."""
    from .models import JournalMessage

    alias = router.db_for_write(JournalMessage)
    vendor = connections[alias].vendor
    if vendor in DATABASES:
        return []
    text = f"The database {alias!r} is of the kind {vendor}: queue_sms, and send_sms with a key, do not work with it."
    hint = "Route the app 'smsmobile' to a PostgreSQL or SQLite database (DATABASE_ROUTERS)."
    return [Warning(text, hint=hint, id="smsmobile.W004")]


@register(Tags.security, deploy=True)
def check_backend_of_deployment(**_: Any) -> list[CheckMessage]:
    """With `check --deploy`: a backend that sends nothing."""
    try:
        backend = get_settings().backend
    except ConfigurationError:
        return []  # check_settings reports it
    if backend == "live":
        return []
    text = f"SMSMOBILE['BACKEND'] is {backend!r}: nothing is sent to phones."
    return [Warning(text, hint="Use 'live' in production.", id="smsmobile.W003")]
