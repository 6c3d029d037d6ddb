"""The settings that web frameworks share, and the client that they describe.

A framework passes what its own configuration has. What is missing there comes from the environment or `.env`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from pydantic import SecretStr
from requests.auth import AuthBase

from .. import _dotenv
from .._confidential import without_frames
from .._http.addresses import is_loopback
from .._input.arguments import shown
from ..client import SMSMobileClient
from ..config import CREDENTIALS, PREFIX
from ..errors import ConfigurationError
from ..webhooks import WebhookReceiver
from ._offline import RecordedSMS, offline_client

OFFLINE = ("console", "locmem")
"""The backends that send nothing."""
BACKENDS = ("live", *OFFLINE, "sandbox")
"""live: the service. console: prints each message. locmem: records it, for tests. sandbox: a local sandbox."""

TIMEOUT = (3.0, 10.0)
"""Seconds to connect, and for the whole answer: a request handler has little time, since gunicorn ends one after 30."""
MAX_RETRIES = 0
"""A handler does not wait for a retry. A queue does that."""

SANDBOX_URL = "http://127.0.0.1:8420"
SANDBOX_KEY = "736d736d6f62696c652d73616e64626f782d6170696b6579"
"""Those of `python -m smsmobile.sandbox`, and the key of the sandbox in tests. No secret."""

_OF_CLIENT = {
    "API_KEY": "api_key",
    "CLIENT_ID": "client_id",
    "CLIENT_SECRET": "client_secret",
    "BASE_URL": "base_url",
    "TIMEOUT": "timeout",
    "MAX_RETRIES": "max_retries",
    "DEFAULT_REGION": "default_region",
    "DEVICE": "device",
    "MAILBOX_KEY": "mailbox_key",
}
"""The settings that are arguments of the client."""
SHARED = ("BACKEND", *_OF_CLIENT, "WEBHOOK_SECRET", "WEBHOOK_URL_TOKEN")
"""The settings that all frameworks have."""


class WebSettings(NamedTuple):
    """Settings by their names in capitals, without those that are not set."""

    values: Mapping[str, Any]
    name: str
    """How a framework calls one, such as `SMSMOBILE['{}']`."""

    @property
    def backend(self) -> str:
        """One of BACKENDS. Raises ConfigurationError."""
        backend = self.get("BACKEND") or "live"
        if backend not in BACKENDS:
            raise ConfigurationError(
                f"{self.name.format('BACKEND')} is {shown(str(backend))!r}; expected one of {', '.join(BACKENDS)}."
            )
        return str(backend)

    @property
    def backend_of_tests(self) -> str:
        """The backend during tests, which never reaches the service. A sandbox that a test has activated comes first.

        Raises ConfigurationError.
        """
        backend = self.backend
        return "sandbox" if _dotenv.is_off or backend == "sandbox" else "locmem"

    @property
    def webhook_secrets(self) -> list[Any]:
        """The secrets that signatures are verified with: one, or several while one is replaced; none if not set."""
        secrets = self.get("WEBHOOK_SECRET")
        if secrets is None:
            return []
        return list(secrets) if isinstance(secrets, Iterable) and not isinstance(secrets, (str, bytes)) else [secrets]

    @property
    @without_frames
    def webhook_receiver(self) -> WebhookReceiver | None:
        """What verifies webhooks; None without a secret. Raises ConfigurationError if a secret cannot be used."""
        secrets = self.webhook_secrets
        return WebhookReceiver(secrets) if secrets else None

    def webhook_of_sandbox(self, url: str) -> list[str]:
        """The arguments that let `python -m smsmobile.sandbox` deliver to an application; none without a secret.

        url: that of the webhook, without a token.
        """
        if secrets := self.webhook_secrets:
            return [f"--webhook={url}", f"--webhook-secret={_plain(secrets[0])}"]
        token = self.get("WEBHOOK_URL_TOKEN")
        return [] if token is None else [f"--webhook={url.rstrip('/')}/{_plain(token)}"]

    @property
    def has_credentials(self) -> bool:
        """Whether there is a key, or a client id with its secret."""
        return self.get("API_KEY") is not None or None not in (self.get("CLIENT_ID"), self.get("CLIENT_SECRET"))

    def get(self, name: str) -> Any:
        """The value of a setting: the framework's, else that of the environment or `.env`; None if there is none."""
        if (value := self.values.get(name)) is not None:
            return value
        return _in_environment(name)

    @without_frames
    def client(
        self, backend: str, record: Callable[[RecordedSMS], object], auth: AuthBase | None = None
    ) -> SMSMobileClient:
        """A new client. `record` gets the messages of `console` and `locmem`. Raises ConfigurationError.

        auth: replaces the credentials for the backend `live`.
        """
        region = self.get("DEFAULT_REGION")
        if backend in OFFLINE:
            return offline_client(record, default_region=region, device=self.get("DEVICE"))
        if backend == "sandbox":  # it does not get the account's credentials, nor its phone
            return SMSMobileClient(
                api_key=SANDBOX_KEY,
                base_url=self.sandbox_url,
                timeout=self.get("TIMEOUT") or TIMEOUT,
                max_retries=self.get("MAX_RETRIES") or MAX_RETRIES,
                default_region=region,
            )
        if auth is None and not self.has_credentials:
            raise ConfigurationError(
                f"There are no credentials: set {self.name.format('API_KEY')}, or the variable {PREFIX}API_KEY in the "
                "environment or in .env."
            )
        own = {_OF_CLIENT[name]: value for name, value in self.values.items() if name in _OF_CLIENT}
        if auth is not None:
            own = {name: value for name, value in own.items() if name not in CREDENTIALS} | {"auth": auth}
        if self.get("TIMEOUT") is None:
            own["timeout"] = TIMEOUT
        if self.get("MAX_RETRIES") is None:
            own["max_retries"] = MAX_RETRIES
        return SMSMobileClient.from_env(**own)

    @property
    def sandbox_url(self) -> str:
        """Where the sandbox is.

        The framework's setting, but that of a test comes first; then the environment's, if it is not the service's.
        """
        if not _dotenv.is_off and (url := self.values.get("BASE_URL")):
            return str(url)
        url = _in_environment("BASE_URL")
        return url if url and is_loopback(urlsplit(url).hostname) else SANDBOX_URL

    def __repr__(self) -> str:
        return f"<WebSettings: {', '.join(self.values)}>"  # no values, some of which are secret


def _plain(secret: Any) -> Any:
    return secret.get_secret_value() if isinstance(secret, SecretStr) else secret


def _in_environment(name: str) -> str | None:
    variable = PREFIX + {"DEVICE": "DEVICE_SID"}.get(name, name)
    return os.environ.get(variable) or _dotenv.read_dotenv(None).values.get(variable) or None
