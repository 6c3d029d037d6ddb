"""What the tasks of one app send with: a client, a journal, the rules and the rate. Made once in each process."""

from __future__ import annotations

import logging
import os
import re
import sys
import time
from collections.abc import Mapping, Sequence
from functools import partial
from importlib import import_module
from threading import Event
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from celery.exceptions import SoftTimeLimitExceeded
from celery.utils.imports import import_from_cwd

from ... import _dotenv
from ..._confidential import without_frames
from ..._input.arguments import shown
from ..._locks import ForkSafeLock
from ...auth import OAuth2ClientCredentials
from ...auth._account import account_of
from ...client import SMSMobileClient
from ...delivery import MemoryJournal, SendOutcome, SQLiteJournal, send_once
from ...delivery._arguments import channel_of, check_journal
from ...delivery._messages import OPTIONS, OutgoingSMS, key_of, number_of, params_of
from ...delivery._rate_limit import RateLimiter
from ...delivery.journals import KEPT_BACK, Journal
from ...errors import ConfigurationError, SendPostponed, SMSMobileError, StorageError
from .._offline import RecordedSMS, print_sms
from .._settings import OFFLINE, SHARED, WebSettings

log = logging.getLogger("smsmobile")

PATIENCE = 5.0
"""Seconds to look for a message whose answer was lost. `settle_sms` goes on, so that no worker is held."""
RULES = ("SUPPRESSION", "WINDOW", "SIMS")
RATES = ("RATE", "RATE_STORAGE")
NAMES = (*(name for name in SHARED if not name.startswith("WEBHOOK_")), "JOURNAL", "TOKEN_STORE", *RATES, *RULES)
"""The keys of `app.conf.smsmobile`."""

_REDIS = ("redis://", "rediss://", "unix://")
_DOTTED = re.compile(r"([A-Za-z_][\w.]+):([A-Za-z_]\w*)")
"""`shop.sms:journal`."""


class Setup(NamedTuple):
    """What is needed to send."""

    client: SMSMobileClient
    journal: Journal
    rules: dict[str, Any]
    """Those arguments of `send_once`."""
    limiter: RateLimiter | None

    def send(self, message: OutgoingSMS, *, rate_patience: float) -> SendOutcome:
        """Send a message once.

        rate_patience: seconds to wait for the rate.

        Raises what `send_once` raises, and SendPostponed if the rate is used up.
        """
        params = params_of(channel_of(self.client), message)
        key = key_of(message, number_of(params))
        if self.limiter is not None and not self._has_left(key):
            deadline = time.monotonic() + rate_patience
            self.limiter.acquire(Event(), params, meanwhile=partial(_check_time, deadline))
        return send_once(
            self.client,
            self.journal,
            key=key,
            to=message.to,
            text=message.text,
            **{name: getattr(message, name) for name in OPTIONS},
            **self.rules,
            patience=PATIENCE,
        )

    def _has_left(self, key: str) -> bool:
        """Whether a message is not sent any more, and so does not count."""
        entry = self.journal.get(key)
        return entry is not None and entry.outcome is not None and entry.outcome not in KEPT_BACK


def _check_time(deadline: float) -> None:
    if time.monotonic() >= deadline:
        raise SendPostponed("The rate is used up. Nothing was sent now; call again later.")


_setups: WeakKeyDictionary[Any, Setup] = WeakKeyDictionary()
_lock = ForkSafeLock()


def setup_of(app: Any) -> Setup:
    """That of an app, made at the first task of a process. Raises ConfigurationError if the settings are wrong."""
    in_django = _is_in_django()
    with _lock:
        if app not in _setups:
            _setups[app] = _made_in_django(app) if in_django else _made(app)
        setup = _setups[app]
    return _as_django_says_now(setup) if in_django else setup


_NAME = "app.conf.smsmobile['{}']"


def _settings_of(app: Any, names: Sequence[str], why: str = "") -> WebSettings:
    values = app.conf.get("smsmobile") or {}
    if not isinstance(values, Mapping):
        raise ConfigurationError(f"app.conf.smsmobile is of type {type(values).__name__}; expected a dict.")
    if unknown := sorted(str(name) for name in values if name not in names):
        raise ConfigurationError(
            f"app.conf.smsmobile has the key {shown(unknown[0])!r}; expected some of {', '.join(names)}{why}."
        )
    return WebSettings({name: value for name, value in values.items() if value is not None}, _NAME)


def _made(app: Any) -> Setup:
    settings = _settings_of(app, NAMES)
    backend = "sandbox" if _dotenv.is_off else settings.backend
    client = _client(settings, backend)
    return Setup(
        client,
        MemoryJournal() if backend in OFFLINE else _journal(settings),
        {name.lower(): _rule(name, settings.values[name]) for name in RULES if name in settings.values},
        _limiter(settings, client),
    )


def _is_in_django() -> bool:
    """Whether this is a Django project with our app in it. Django is not imported for that."""
    apps = sys.modules.get("django.apps")
    return apps is not None and apps.apps.ready and apps.apps.is_installed(_DJANGO)


_DJANGO = "smsmobile.contrib.django"


def _made_in_django(app: Any) -> Setup:
    settings = _settings_of(app, RATES, "; in a Django project the others are in its setting SMSMOBILE")
    client = import_module(f"{_DJANGO}.conf").get_client()
    return Setup(client, import_module(f"{_DJANGO}.journal").DjangoJournal(), {}, _limiter(settings, client))


def _as_django_says_now(setup: Setup) -> Setup:
    """With the client and the rules of Django's settings, which tests change."""
    client, rules = import_module(f"{_DJANGO}.conf").get_client(), import_module(f"{_DJANGO}._rules").rules_of()
    return setup._replace(client=client, rules=rules)


@without_frames
def _client(settings: WebSettings, backend: str) -> SMSMobileClient:
    store = settings.values.get("TOKEN_STORE")
    if store is None or backend != "live":
        return settings.client(backend, print_sms if backend == "console" else _forget)
    client_id, secret = settings.get("CLIENT_ID"), settings.get("CLIENT_SECRET")
    if client_id is None or secret is None:
        raise ConfigurationError(
            f"{_NAME.format('TOKEN_STORE')} is for OAuth2: set {_NAME.format('CLIENT_ID')} and "
            f"{_NAME.format('CLIENT_SECRET')}, or leave it out."
        )
    return settings.client(
        backend,
        _forget,
        auth=OAuth2ClientCredentials(client_id, secret, store=_store(_loaded("TOKEN_STORE", store), "TokenStore")),
    )


def _forget(_: RecordedSMS) -> None:
    pass


@without_frames
def _journal(settings: WebSettings) -> Journal:
    journal = settings.values.get("JOURNAL")
    if journal is None:
        raise ConfigurationError(
            f"There is no journal, which remembers what was sent: set {_NAME.format('JOURNAL')} to the URL of a "
            "database (postgresql+psycopg://…) or of a Redis (redis://…), to a file if all workers are on one "
            "machine, or to a Journal, such as 'shop.sms:journal'."
        )
    checked = check_journal(_store(_loaded("JOURNAL", journal), "Journal"))
    return _file(checked) if isinstance(checked, (str, os.PathLike)) else checked


def _file(path: str | os.PathLike[str]) -> SQLiteJournal:
    try:
        return SQLiteJournal(path)
    except StorageError as error:  # it is not opened yet, so the name is wrong
        reason = str(error)
    raise ConfigurationError(f"{_NAME.format('JOURNAL')} cannot be used. {reason}")


@without_frames
def _rule(name: str, rule: Any) -> Any:
    rule = _loaded(name, rule)
    return _store(rule, "Suppression") if name == "SUPPRESSION" else rule


@without_frames
def _store(store: Any, kind: str) -> Any:
    """The store at a URL, such as a SQLJournal for the kind `Journal`; anything else as it is."""
    if not isinstance(store, str) or "://" not in store:
        return store
    where, prefix = ("redis", "Redis") if store.startswith(_REDIS) else ("sqlalchemy", "SQL")
    return getattr(import_module(f"smsmobile.contrib.{where}"), f"{prefix}{kind}")(store)


def _limiter(settings: WebSettings, client: SMSMobileClient) -> RateLimiter | None:
    rate, storage = settings.values.get("RATE"), settings.values.get("RATE_STORAGE")
    if rate is None:
        return None
    if storage is None:
        raise ConfigurationError(
            f"{_NAME.format('RATE')} needs {_NAME.format('RATE_STORAGE')}, where all workers count together, such as "
            "'redis://localhost:6379/0'."
        )
    transport = channel_of(client)._transport
    account = account_of(transport.auth, transport.base_url)
    return RateLimiter(rate, _loaded("RATE_STORAGE", storage), account=account)


def _loaded(name: str, value: Any) -> Any:
    """The object that a dotted path names; anything else as it is. Raises ConfigurationError."""
    return named(value, _NAME.format(name)) if isinstance(value, str) and _DOTTED.fullmatch(value) else value


def named(path: Any, what: str) -> Any:
    """The object with a dotted path, such as `shop.sms:reminders`. Raises ConfigurationError."""
    if not isinstance(path, str):
        raise ConfigurationError(f"{what} is of type {type(path).__name__}; expected text such as 'shop.sms:name'.")
    dotted = _DOTTED.fullmatch(path)
    if dotted is None:
        raise ConfigurationError(f"{what} is {shown(path)!r}; expected a module and a name, such as 'shop.sms:name'.")
    try:
        return getattr(import_from_cwd(dotted[1]), dotted[2])  # as Celery imports the app
    except (SMSMobileError, SoftTimeLimitExceeded):
        raise
    except (ImportError, AttributeError) as error:
        reason = str(error)
    except Exception as error:
        log.exception("A module cannot be imported.")
        reason = f"its module raises {type(error).__name__}, which is in the log of the worker"
    raise ConfigurationError(f"{what} is {path!r}, which cannot be imported: {reason}.")
