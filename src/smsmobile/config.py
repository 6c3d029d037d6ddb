"""Arguments, environment and `.env` → `Settings`. What is done with them is the client's business."""

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
from .auth import check_credential
from .errors import ConfigurationError

PREFIX = "SMSMOBILEAPI_"
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
_CREDENTIALS = ("auth", "api_key", "client_id", "client_secret")


@dataclass(frozen=True)
class Settings:
    """Everything that can be configured, checked. Secrets are `SecretStr`: they show in no repr.

    Raises ConfigurationError, which names the argument or variable and never shows a secret's value.
    """

    auth: AuthBase | None = None
    """A strategy of the user's own, in place of the credentials below."""
    api_key: SecretStr | None = None
    """The account's API key (D)."""
    client_id: SecretStr | None = None
    """For OAuth2, together with `client_secret` (D)."""
    client_secret: SecretStr | None = None
    base_url: str = DEFAULT_BASE_URL
    """https, or http to a loopback host."""
    timeout: tuple[float, float] = DEFAULT_TIMEOUT
    """Seconds to connect, and seconds until the whole answer is there."""
    max_retries: int = DEFAULT_MAX_RETRIES
    """How often a request is repeated where that cannot send anything twice; 0 for never."""
    default_region: str | None = None
    """Two letters: how to read numbers without country code. Needs the extra `[phone-numbers]`."""
    recipient: str | None = None
    """A number for scripts and examples to send to."""
    device: str | None = None
    """SID of the phone that sends, where a send names no other one."""
    mailbox_key: SecretStr | None = None
    """The key of the account's mailbox (`apikeybox`, D)."""
    webhook_secret: SecretStr | None = None
    """What the service signs webhooks with (D)."""
    _names: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Check every value, whatever its way here."""
        for name in _SECRETS:
            if getattr(self, name) is not None:
                self._set(name, check_credential(self.named(name), getattr(self, name)))
        for name in ("recipient", "device"):
            value = getattr(self, name)
            if value is not None and (not isinstance(value, str) or not value.strip() or not value.isprintable()):
                raise ConfigurationError(f"{self.named(name)} is empty or holds a line break; expected one line.")
        self._set("base_url", check_base_url(self.base_url, self.named("base_url")))
        self._set("timeout", _check_timeout(self.named("timeout"), self.timeout))
        self._set("max_retries", _check_retries(self.named("max_retries"), self.max_retries))
        self._set("default_region", _check_region(self.named("default_region"), self.default_region))

    @classmethod
    def from_env(cls, dotenv_path: str | os.PathLike[str] | None = None, **overrides: Any) -> Settings:
        """Each setting from `overrides`, else the environment (`SMSMOBILEAPI_API_KEY` …), else a `.env` file.

        The file is `dotenv_path`, or the first `.env` found from the working directory upwards. `os.environ` is not
        changed. An empty variable counts as not set. Credentials among the overrides replace all of the
        environment's, so that the two forms do not mix.
        """
        if unknown := sorted(set(overrides) - {"auth", *_VARIABLES}):
            raise ConfigurationError(f"Unknown setting {unknown[0]!r}; expected one of auth, {', '.join(_VARIABLES)}.")
        values: dict[str, Any] = {name: value for name, value in overrides.items() if value is not None}
        own_credentials = any(name in values for name in _CREDENTIALS)
        found = _environment(dotenv_path)
        names = {}
        for name, suffix in _VARIABLES.items():
            if name in values or (own_credentials and name in _CREDENTIALS):
                continue
            if value := found.get(PREFIX + suffix):
                values[name] = value
                names[name] = PREFIX + suffix
        return cls(**values, _names=names)

    def named(self, name: str) -> str:
        """The name under which the user set this value: the argument's or the variable's."""
        return self._names.get(name, name)

    def _set(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)


def _environment(dotenv_path: str | os.PathLike[str] | None) -> dict[str, str | None]:
    if dotenv_path is not None and not os.path.isfile(dotenv_path):  # noqa: PTH113 - any path-like will do
        raise ConfigurationError(f"There is no file {os.fspath(dotenv_path)!r} to read settings from.")
    path = dotenv_path or find_dotenv(usecwd=True)
    try:
        from_file = dotenv_values(path, encoding="utf-8-sig") if path else {}
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"The file {os.fspath(path)!r} cannot be read: {type(error).__name__}.") from None
    return {**from_file, **{name: value for name, value in os.environ.items() if value}}


def _check_timeout(name: str, timeout: object) -> tuple[float, float]:
    expected = f"{name} must be seconds above 0: one number, or two (to connect, for the whole answer) such as 5, 30"
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
        raise ConfigurationError(f"{expected}; a request without a timeout could wait for ever.")
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
        raise ConfigurationError(f"{name} must be a country of two letters, such as 'FR'.")
    return region.upper()
