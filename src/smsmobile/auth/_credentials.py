"""The check of a credential."""

from __future__ import annotations

from .._confidential import Hidden
from .._input.texts import exact
from ..errors import ConfigurationError

_QUOTES = ('""', "''", "``", "“”", "„“", "‘’", "«»")  # noqa: RUF001 - a document or a chat makes the last ones


def check_credential(name: str, value: object) -> Hidden:
    """Return the credential, hidden.

    Raises ConfigurationError if a server could not accept it. The text contains its name, never its value.
    """
    if reveal := getattr(value, "get_secret_value", None):  # a SecretStr
        value = reveal()
    if not isinstance(value, str):
        raise ConfigurationError(f"{name} is of type {type(value).__name__}; expected text.")
    value = exact(value)
    if not value.strip():
        raise ConfigurationError(f"{name} is empty; copy it from the service's dashboard.")
    if value != value.strip() or not value.isprintable():
        raise ConfigurationError(
            f"{name} contains a line break or a control character, or has spaces around it; expected the credential "
            "alone. Copy it again from the service's dashboard."
        )
    check_quotes(name, value)
    return Hidden(value)


def check_quotes(name: str, value: str | None) -> None:
    """Raises ConfigurationError for a value in quotes, which would be sent with them."""
    if value and value[0] + value[-1] in _QUOTES:
        raise ConfigurationError(
            f"{name} is in quotes; remove them. A shell and a .env file drop quotes, but Docker's --env-file does not."
        )
