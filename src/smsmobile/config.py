"""`Settings`: reads and checks the configuration from arguments, environment variables and `.env`."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from requests.auth import AuthBase

from ._confidential import Unpicklable, without_frames
from ._http.addresses import DEFAULT_BASE_URL, check_base_url
from ._http.transport import DEFAULT_MAX_RETRIES, DEFAULT_TIMEOUT
from ._input.texts import exact
from .auth._credentials import check_credential, check_quotes
from .errors import ConfigurationError

if TYPE_CHECKING:
    from pydantic import SecretStr

__all__ = ["Settings"]


def __dir__() -> list[str]:
    return __all__


log = logging.getLogger("smsmobile")

PREFIX = "SMSMOBILEAPI_"
CREDENTIALS = ("auth", "api_key", "client_id", "client_secret")
"""The settings that authenticate; a client needs exactly one kind."""
LONGEST_TIMEOUT = 1_000_000
"""Seconds. A socket takes hardly more than twice as many."""

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
_SENT = (*CREDENTIALS, "mailbox_key")
"""The settings that go to the base URL and must not go anywhere else."""


class _Secret:
    """A secret of `Settings`: kept hidden, and read as a SecretStr. The module of that takes long to load."""

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, settings: object, owner: type | None = None) -> SecretStr | None:
        kept = None if settings is None else vars(settings).get(self._name)
        if kept is None:
            return None
        from pydantic import SecretStr

        return SecretStr(kept.get_secret_value())

    def __set__(self, settings: object, value: object) -> None:
        vars(settings)[self._name] = value


@dataclass(frozen=True)
class Settings(Unpicklable):
    """The checked configuration of a client. Secrets are `SecretStr`, so that the repr hides them.

    It cannot be pickled or copied; `dataclasses.replace` changes values.

    Raises ConfigurationError if a value is wrong. The text names the argument or variable and never contains a secret.
    """

    auth: AuthBase | None = None
    """Your own authentication, in place of the credentials below."""
    api_key: SecretStr | None = _Secret()  # type: ignore[assignment]
    """The account's API key (D)."""
    client_id: SecretStr | None = _Secret()  # type: ignore[assignment]
    """The client id for OAuth2; needs `client_secret` (D)."""
    client_secret: SecretStr | None = _Secret()  # type: ignore[assignment]
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
    mailbox_key: SecretStr | None = _Secret()  # type: ignore[assignment]
    """The key of the account's mailbox (`apikeybox`, D)."""
    webhook_secret: SecretStr | None = _Secret()  # type: ignore[assignment]
    """The secret with which the service signs webhooks (D)."""
    _names: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)
    _hint: str = field(default="", init=False, repr=False, compare=False)
    """What `from_env` has read, if there are no credentials in it; for an error text."""

    def __post_init__(self) -> None:
        """Check every value."""
        try:
            self._check()
        except BaseException:
            vars(self).clear()  # a traceback may show what is left of this object, and the secrets in it are plain text
            raise

    def _check(self) -> None:
        if self.auth is not None and not isinstance(self.auth, AuthBase):
            raise ConfigurationError(
                f"auth is of type {type(self.auth).__name__}; expected a requests.auth.AuthBase. For an API key "
                "write SMSMobileClient(api_key=…)."
            )
        for name in _SECRETS:
            if self._hidden(name) is not None:
                self._set(name, check_credential(self.named(name), self._hidden(name)))
        for name in ("recipient", "device"):
            value = getattr(self, name)
            if value is not None and (not isinstance(value, str) or not value.strip() or not value.isprintable()):
                raise ConfigurationError(f"{self.named(name)} is empty or contains a line break; expected one line.")
            check_quotes(self.named(name), value)
            self._set(name, value if value is None else exact(value))
        self._set("base_url", check_base_url(self.base_url, self.named("base_url")))
        self._set("timeout", _check_timeout(self.named("timeout"), self.timeout))
        self._set("max_retries", _check_retries(self.named("max_retries"), self.max_retries))
        self._set("default_region", _check_region(self.named("default_region"), self.default_region))

    @classmethod
    @without_frames
    def from_env(cls, dotenv_path: str | os.PathLike[str] | None = None, **overrides: Any) -> Settings:
        """Read each setting from `overrides`, else from an environment variable, else from a `.env` file.

        The variables are the field names in capitals after `SMSMOBILEAPI_`, such as `SMSMOBILEAPI_API_KEY`; `device`
        is `SMSMOBILEAPI_DEVICE_SID`. An empty variable counts as not set. `os.environ` is not changed.

        dotenv_path: the file to read; by default the first `.env` found from the working directory upwards. A `.env`
            that was found like this and cannot be read is ignored, with a warning in the log, if there are other
            settings. Its base URL is for the credentials in it alone.
        overrides: settings by field name. If one of them is a credential, all credentials of the environment and of
            the file are ignored.

        Raises ConfigurationError for an unknown name, a file that cannot be read, a wrong value, or a base URL from a
        `.env` that was found for credentials from elsewhere.
        """
        from ._dotenv import read_dotenv

        if unknown := sorted(set(overrides) - {"auth", *_VARIABLES}):
            raise ConfigurationError(f"Unknown setting {unknown[0]!r}; expected one of auth, {', '.join(_VARIABLES)}.")
        values: dict[str, Any] = {name: value for name, value in overrides.items() if value is not None}
        own_credentials = any(name in values for name in CREDENTIALS)
        file = read_dotenv(dotenv_path)
        names = {}
        from_file = set()
        for name, suffix in _VARIABLES.items():
            if name in values or (own_credentials and name in CREDENTIALS):
                continue
            variable = PREFIX + suffix
            if value := os.environ.get(variable) or file.values.get(variable):
                values[name] = value
                names[name] = variable
                if not os.environ.get(variable):
                    from_file.add(name)
        if file.problem and not values:
            raise ConfigurationError(file.problem)
        if file.problem:
            log.warning("%s Settings come from arguments and the environment alone.", file.problem)
        if dotenv_path is None and "base_url" in from_file:
            _check_origin(values, names, from_file, file.path)
        settings = cls(**values, _names=names)
        if not ({"auth", "api_key"} & values.keys() or {"client_id", "client_secret"} <= values.keys()):
            variables = {name: PREFIX + variable for name, variable in _VARIABLES.items()}
            credentials = [variables.pop(name) for name in CREDENTIALS if name in variables]
            settings._set("_hint", file.hint(credentials, variables.values()))
        return settings

    def _hidden(self, name: str) -> Any:
        """Return a credential as it is kept."""
        return vars(self)[name]

    def named(self, name: str) -> str:
        """Return the name under which this value was set: the argument's or the variable's."""
        return self._names.get(name, name)

    def _set(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)


Settings.__init__ = without_frames(Settings.__init__)  # type: ignore[method-assign]  # the one that dataclass has made


def _check_origin(values: Mapping[str, Any], names: Mapping[str, str], from_file: set[str], path: str) -> None:
    """A `.env` that merely lies in the working directory, or above it, must not redirect the credentials of others."""
    redirected = [names.get(name, name) for name in _SENT if name in values and name not in from_file]
    if redirected and values["base_url"].rstrip("/") != DEFAULT_BASE_URL:
        raise ConfigurationError(
            f"{names['base_url']} in {path!r} would redirect {' and '.join(redirected)}, which that file does not "
            "contain; a file that was merely found may not do that. Set the URL in the same place, or name the file: "
            f"from_env({path!r})."
        )


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
    except (OverflowError, TypeError, ValueError):
        raise ConfigurationError(f"{expected}.") from None
    if not all(0 < part <= LONGEST_TIMEOUT for part in (connect, answer)):
        raise ConfigurationError(
            f"{expected}, at most {LONGEST_TIMEOUT:,}; without a timeout a request could wait forever."
        )
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
