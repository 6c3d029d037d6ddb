"""The setting `SMSMOBILE`, and the client that it describes."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from functools import cache
from typing import Any

from django.conf import settings
from django.core.signals import setting_changed
from django.dispatch import receiver

from ..._input.arguments import shown
from ..._locks import ForkSafeLock
from ...client import SMSMobileClient
from ...errors import ConfigurationError
from .._offline import RecordedSMS, print_sms
from .._settings import SHARED, WebSettings

__all__ = ["NAMES", "QUEUES", "get_backend", "get_client", "get_queue", "get_settings", "reset_client"]


def __dir__() -> list[str]:
    return __all__


QUEUES = ("worker", "tasks", "celery")
"""Who sends what is queued. worker: `manage.py sms_worker`. tasks: django.tasks. celery: Celery."""
NAMES = (*SHARED, "QUEUE", "WINDOW", "SIMS")
"""The keys of SMSMOBILE."""

_lock = ForkSafeLock()
_shared: dict[str, SMSMobileClient] = {}
"""The client by its backend; at most one."""


def get_settings() -> WebSettings:
    """The settings. Raises ConfigurationError if SMSMOBILE is not a dict."""
    values = getattr(settings, "SMSMOBILE", {})
    if not isinstance(values, Mapping):
        raise ConfigurationError(f"SMSMOBILE is of type {type(values).__name__}; expected a dict of settings.")
    return WebSettings(values, "SMSMOBILE['{}']")


def get_backend() -> str:
    """The backend in use. In a test run it is locmem, as that of mail is, or a sandbox.

    Raises ConfigurationError if BACKEND is none of live, console, locmem and sandbox.
    """
    return get_settings().backend_of_tests if _is_test_run() else _read_backend()


def _is_test_run() -> bool:
    """Whether `setup_test_environment` was called. `mail.outbox` does not say it: the e-mail backend locmem makes one,
    also on a site that only wants to send no e-mail, and its SMS would be lost.
    """
    utils = sys.modules.get("django.test.utils")
    return utils is not None and hasattr(utils._TestState, "saved_data")


@cache
def _read_backend() -> str:
    return get_settings().backend  # from `.env`, if it is nowhere else


@cache
def get_queue() -> str:
    """Who sends what is queued. Raises ConfigurationError if QUEUE is none of worker, tasks and celery."""
    queue = get_settings().get("QUEUE") or "worker"
    if queue not in QUEUES:
        raise ConfigurationError(f"SMSMOBILE['QUEUE'] is {shown(str(queue))}; expected one of {', '.join(QUEUES)}.")
    return str(queue)


def get_client() -> SMSMobileClient:
    """The client of this process, made at the first call. Threads share it, and a forked worker can go on with it.

    Raises ConfigurationError if the settings are missing or wrong.
    """
    backend = get_backend()
    with _lock:
        if backend not in _shared:
            client = get_settings().client(backend, print_sms if backend == "console" else _record)
            _close()
            _shared[backend] = client
        return _shared[backend]


def reset_client() -> None:
    """Close the shared client. The next `get_client()` reads the settings again, and makes another one."""
    with _lock:
        _close()
    _read_backend.cache_clear()
    get_queue.cache_clear()


def _close() -> None:
    while _shared:
        _shared.popitem()[1].close()


def _record(sms: RecordedSMS) -> None:
    from .test import outbox

    outbox.append(sms)


@receiver(setting_changed)
def _on_change(*, setting: str, **_: Any) -> None:
    if setting == "SMSMOBILE":
        reset_client()
