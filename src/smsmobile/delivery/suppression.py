"""The list of those who asked for no more messages. Stores for other places are in `smsmobile.contrib`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol, runtime_checkable

from .._input.phone_numbers import clean_recipient
from .._locks import ForkSafeLock

__all__ = ["MemorySuppression", "Suppression"]


def __dir__() -> list[str]:
    return __all__


@runtime_checkable
class Suppression(Protocol):
    """Phone numbers that get no more messages. Many senders share a list, as they share a journal.

    A number is given with `+` and country code, or as the digits of such a number; other spellings of it are the same.
    What a method did survives a kill of the process, and a power failure, when it returns. The methods raise
    InvalidRequestError for what is no phone number, and StorageError if the list cannot be read or written.
    """

    def add(self, number: str, *, source: str = "") -> bool:
        """Put a number on the list. False if it is there already, unless with this very `source`.

        source: what asked for it, such as the GUID of a message. If the same message is handled twice, both calls
            return True, so that what follows is done in any case.
        """
        ...

    def remove(self, number: str) -> bool:
        """Take a number off the list. False if it is not there."""
        ...

    def __contains__(self, number: object) -> bool:
        """Whether a number is on the list."""
        ...

    def __iter__(self) -> Iterator[str]:
        """All numbers, digits only, in any order."""
        ...


class MemorySuppression:
    """A list in the memory of one process, for tests. It ends with the process."""

    def __init__(self) -> None:
        self._sources: dict[str, str] = {}
        self._lock = ForkSafeLock()

    def add(self, number: str, *, source: str = "") -> bool:
        """Put a number on the list; see `Suppression.add`."""
        number = digits_on_list(number)
        with self._lock:
            if number in self._sources:
                return source != "" and self._sources[number] == source
            self._sources[number] = source
            return True

    def remove(self, number: str) -> bool:
        """Take a number off the list; see `Suppression.remove`."""
        with self._lock:
            return self._sources.pop(digits_on_list(number), None) is not None

    def __contains__(self, number: object) -> bool:
        return isinstance(number, str) and digits_on_list(number) in self._sources

    def __iter__(self) -> Iterator[str]:
        with self._lock:
            return iter(list(self._sources))


def digits_on_list(number: str) -> str:
    """A number as the lists have it. Raises InvalidRequestError for what is no phone number."""
    if isinstance(number, str) and number.isascii() and number.isdigit():
        return number
    return clean_recipient(number).removeprefix("+")
