"""The check of a credential, and the base class of what holds one: it cannot be pickled."""

from __future__ import annotations

from typing import NoReturn

from pydantic import SecretStr

from ..errors import ConfigurationError


def check_credential(name: str, value: object) -> SecretStr:
    """Return the credential as a SecretStr.

    Raises ConfigurationError if a server could not accept it. The text contains its name, never its value.
    """
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    if not isinstance(value, str):
        raise ConfigurationError(f"{name} is of type {type(value).__name__}; expected text.")
    if not value.strip():
        raise ConfigurationError(f"{name} is empty; copy it from the service's dashboard.")
    if value != value.strip() or any(char in value for char in "\r\n\x00") or not value.isprintable():
        raise ConfigurationError(
            f"{name} contains a line break or a control character, or has spaces around it; expected the credential "
            "alone. Copy it again from the service's dashboard."
        )
    return SecretStr(value)


class Unpicklable:
    """Cannot be pickled or copied: a pickle would carry the secret into caches, queues and logs."""

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError(
            f"{type(self).__name__} holds secrets and cannot be pickled or copied; build it where it is needed, for "
            "example with SMSMobileClient.from_env()."
        )
