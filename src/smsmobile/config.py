"""`Settings`: reads and checks the configuration from arguments, environment variables and `.env`."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dotenv import dotenv_values, find_dotenv
from pydantic import SecretStr
from requests.auth import AuthBase

from ._http.addresses import DEFAULT_BASE_URL, check_base_url
from ._http.transport import DEFAULT_MAX_RETRIES, DEFAULT_TIMEOUT
from .auth._credentials import check_credential
from .errors import ConfigurationError

__all__ = ["Settings"]


def __dir__() -> list[str]:
    return __all__


PREFIX = "SMSMOBILEAPI_"
CREDENTIALS = ("auth", "api_key", "client_id", "client_secret")
"""The settings that authenticate; a client needs exactly one kind."""

_VARIABLES = {
    "api_key": "API_KEY",
    "client_id": "CLIENT_ID",
    "client_secret": "CLIENT_SECRET",
    "base_url": "BASE_URL",
    "timeout": "TIMEOUT",
    "max_retries": "MAX_RETRIES",
    "default_region": "DEFAULT_REGION",
    "recipient": "RECIPIENT",
    "device": "DEVICE_SID",
    "mailbox_key": "MAILBOX_KEY",
    "webhook_secret": "WEBHOOK_SECRET",
}
_SECRETS = ("api_key", "client_id", "client_secret", "mailbox_key", "webhook_secret")


@dataclass(frozen=True)
class Settings:
    """The checked configuration of a client. Secrets are `SecretStr`, so that the repr hides them.

    Raises ConfigurationError if a value is wrong. The text names the argument or variable and never contains a secret.
    """

    auth: AuthBase | None = None
    """Your own authentication, in place of the credentials below."""
    api_key: SecretStr | None = None
    """The account's API key (D)."""
    client_id: SecretStr | None = None
    """The client id for OAuth2; needs `client_secret` (D)."""
    client_secret: SecretStr | None = None
    """The client secret for OAuth2; needs `client_id` (D)."""
    base_url: str = DEFAULT_BASE_URL
    """The service's URL: https, or http to a loopback host."""
    timeout: tuple[float, float] = DEFAULT_TIMEOUT
    """Two timeouts in seconds: to connect, and to receive the whole answer."""
    max_retries: int = DEFAULT_MAX_RETRIES
    """How often a failed request is repeated, if that cannot send a message twice; 0 for never."""
    default_region: str | None = None
    """Country of numbers without a country code: two letters, such as `FR`. Needs the extra `[phone-numbers]`."""
    recipient: str | None = None
    """A phone number for scripts and examples to send to."""
    device: str | None = None
    """SID of the phone to send from, if a send does not name one."""
    mailbox_key: SecretStr | None = None
    """The key of the account's mailbox (`apikeybox`, D)."""
    webhook_secret: SecretStr | None = None
    """The secret with which the service signs webhooks (D)."""
    _names: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Check every value."""
        for name in _SECRETS:
            if getattr(self, name) is not None:
                self._set(name, check_credential(self.named(name), getattr(self, name)))
        for name in ("recipient", "device"):
            value = getattr(self, name)
            if value is not None and (not isinstance(value, str) or not value.strip() or not value.isprintable()):
                raise ConfigurationError(f"{self.named(name)} is empty or contains a line break; expected one line.")
        self._set("base_url", check_base_url(self.base_url, self.named("base_url")))
        self._set("timeout", _check_timeout(self.named("timeout"), self.timeout))
        self._set("max_retries", _check_retries(self.named("max_retries"), self.max_retries))
        self._set("default_region", _check_region(self.named("default_region"), self.default_region))

    @classmethod
    def from_env(cls, dotenv_path: str | os.PathLike[str] | None = None, **overrides: Any) -> Settings:
        """Read each setting from `overrides`, else from an environment variable, else from a `.env` file.

        The variables are the field names in capitals after `SMSMOBILEAPI_`, such as `SMSMOBILEAPI_API_KEY`; `device`
        is `SMSMOBILEAPI_DEVICE_SID`. An empty variable counts as not set. `os.environ` is not changed.

        dotenv_path: the file to read; by default the first `.env` found from the working directory upwards.
        overrides: settings by field name. If one of them is a credential, all credentials of the environment and of
            the file are ignored.

        Raises ConfigurationError for an unknown name, a file that cannot be read, or a wrong value.
        """
        if unknown := sorted(set(overrides) - {"auth", *_VARIABLES}):
            raise ConfigurationError(f"Unknown setting {unknown[0]!r}; expected one of auth, {', '.join(_VARIABLES)}.")
        values: dict[str, Any] = {name: value for name, value in overrides.items() if value is not None}
        own_credentials = any(name in values for name in CREDENTIALS)
        found = _environment(dotenv_path)
        names = {}
        for name, suffix in _VARIABLES.items():
            if name in values or (own_credentials and name in CREDENTIALS):
                continue
            if value := found.get(PREFIX + suffix):
                values[name] = value
                names[name] = PREFIX + suffix
        return cls(**values, _names=names)

    def named(self, name: str) -> str:
        """Return the name under which this value was set: the argument's or the variable's."""
        return self._names.get(name, name)

    def _set(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)


def _environment(dotenv_path: str | os.PathLike[str] | None) -> dict[str, str | None]:
    if dotenv_path is not None and not os.path.isfile(dotenv_path):  # noqa: PTH113 - any path-like will do
        raise ConfigurationError(f"The file {os.fspath(dotenv_path)!r} does not exist; check dotenv_path.")
    path = dotenv_path or find_dotenv(usecwd=True)
    try:
        from_file = dotenv_values(path, encoding="utf-8-sig") if path else {}
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"The file {os.fspath(path)!r} cannot be read: {type(error).__name__}.") from None
    return {**from_file, **{name: value for name, value in os.environ.items() if value}}


def _check_timeout(name: str, timeout: object) -> tuple[float, float]:
    expected = (
        f"{name} must be one or two numbers above 0: the seconds to connect and for the whole answer, as in 5, 30"
    )
    parts: list[Any]
    if isinstance(timeout, str):
        parts = timeout.split(",")
    else:
        parts = list(timeout) if isinstance(timeout, (tuple, list)) else [timeout]
    if len(parts) == 1:
        parts *= 2
    try:
        connect, answer = (float(part) for part in parts if not isinstance(part, bool))
    except (TypeError, ValueError):
        raise ConfigurationError(f"{expected}.") from None
    if not all(math.isfinite(part) and part > 0 for part in (connect, answer)):
        raise ConfigurationError(f"{expected}; without a timeout a request could wait forever.")
    return connect, answer


def _check_retries(name: str, retries: object) -> int:
    try:
        number = int(retries) if isinstance(retries, (int, str)) and not isinstance(retries, bool) else -1
    except ValueError:
        number = -1
    if number < 0:
        raise ConfigurationError(f"{name} must be a whole number, 0 or more.")
    return number


def _check_region(name: str, region: object) -> str | None:
    if region is None:
        return None
    if not isinstance(region, str) or not (len(region) == 2 and region.isascii() and region.isalpha()):
        raise ConfigurationError(f"{name} must be a country code of two letters, such as 'FR'.")
    return region.upper()
