"""The list of those who asked for no more messages: what every list does, and one in memory.

The list in a file is in _sqlite_suppression.py, those in a database or in Redis are in `smsmobile.contrib`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol, runtime_checkable

from .._confidential import safe_repr
from .._input.country_codes import is_international
from .._input.phone_numbers import clean_recipient
from .._input.texts import exact
from .._locks import ForkSafeLock
from ..errors import ConfigurationError, InvalidRequestError

__all__ = ["MemorySuppression", "Suppression"]


def __dir__() -> list[str]:
    return __all__


@runtime_checkable
class Suppression(Protocol):
    """Phone numbers that get no more messages. Many senders share a list, as they share a journal.

    A number is written as for `client.sms.send`, with its country code, or as the digits of such a number. All
    spellings are one number. A short code is written as it is.

    What a method did is seen by all who share the list, and survives a kill of the process and a power failure, when
    it returns. The methods raise InvalidRequestError for what is no such number, and StorageError if the list cannot be
    read or written. Neither is ever taken for "not on the list". A store that repeats a change by itself, since its
    connection was lost, may return False for its own change, but not for one with a `source`.
    """

    def add(self, number: str, *, source: str = "") -> bool:
        """Put a number on the list. Returns False if it was there before, unless this very `source` has put it there.

        source: what asked for it, such as the GUID of a message. If a message is handled twice, since the first time
            was interrupted, both calls return True: what follows can be done in any case. Without it, a number that is
            there is always False.
        """
        ...

    def remove(self, number: str) -> bool:
        """Take a number off the list. Returns False if it was not there."""
        ...

    def __contains__(self, number: object) -> bool:
        """Whether a number is on the list. It is asked before each message."""
        ...

    def __iter__(self) -> Iterator[str]:
        """All numbers, digits only, in any order. Others may change the list meanwhile.

        It reads a little at a time, so that a list of any length needs no more memory. A number that is there all the
        time comes.
        """
        ...


class MemorySuppression:
    """A list in the memory of one process, for tests. It ends with the process."""

    def __init__(self) -> None:
        self._sources: dict[str, str] = {}
        self._lock = ForkSafeLock()

    def add(self, number: str, *, source: str = "") -> bool:
        """Put a number on the list; see `Suppression.add`."""
        digits, source = digits_on_list(number), spelled_source(source)
        with self._lock:
            if digits in self._sources:
                return source != "" and self._sources[digits] == source
            self._sources[digits] = source
            return True

    def remove(self, number: str) -> bool:
        """Take a number off the list; see `Suppression.remove`."""
        digits = digits_on_list(number)
        with self._lock:
            return self._sources.pop(digits, None) is not None

    def __contains__(self, number: object) -> bool:
        return digits_on_list(number) in self._sources

    def __iter__(self) -> Iterator[str]:
        with self._lock:
            return iter(list(self._sources))

    @safe_repr
    def __repr__(self) -> str:
        return f"<MemorySuppression: {len(self._sources)} numbers>"


def digits_on_list(number: object) -> str:
    """A number as the lists have it. Raises InvalidRequestError for what is no phone number."""
    if isinstance(number, str) and is_international("+" + (digits := exact(number))):
        return digits
    return clean_recipient(number).removeprefix("+")


def spelled_source(source: object) -> str:
    """A source as the lists have it: ASCII, since not every store keeps every text."""
    if not isinstance(source, str):
        raise InvalidRequestError(f"source is of type {type(source).__name__}; expected a text, such as a GUID.")
    return exact(source).encode("unicode_escape").decode("ascii")


def check_suppression(suppression: object) -> Suppression:
    """What was given as a list. Raises ConfigurationError if it is not one.

    A set has the same methods, but finds a number in one spelling only.
    """
    if isinstance(suppression, (type, set)) or not isinstance(suppression, Suppression):
        raise ConfigurationError(
            f"suppression is of type {type(suppression).__name__}; expected a Suppression, such as "
            "SQLiteSuppression('suppressed.sqlite')."
        )
    return suppression
