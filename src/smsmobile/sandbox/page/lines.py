"""Keeps things in the order of their keys, so that a page from anywhere costs the same in a long line as in a short.

What is kept lives in threads.py and tallies.py.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from typing import Any, Generic, Protocol, TypeVar


class _Ordered(Protocol):
    def __lt__(self, other: Any, /) -> bool: ...
    def __hash__(self) -> int: ...


KeyT = TypeVar("KeyT", bound=_Ordered)
ItemT = TypeVar("ItemT")

FEW = 16
"""So many gaps are left before it is looked whether they are too many."""


class Line(Generic[KeyT, ItemT]):
    """Items by their keys, in order. Most come at the end; what is removed leaves a gap that is closed later."""

    def __init__(self) -> None:
        self._keys: list[KeyT] = []
        self._items: dict[KeyT, ItemT] = {}

    def put(self, key: KeyT, item: ItemT) -> None:
        """Add an item, or replace the one with this key."""
        keys = self._keys
        if key not in self._items:
            if not keys or keys[-1] < key:
                keys.append(key)
            elif keys[place := bisect_left(keys, key)] != key:  # else its gap is still there
                keys.insert(place, key)
        self._items[key] = item

    def remove(self, key: KeyT) -> None:
        """Take an item out. Raises KeyError where there is none."""
        keys, items = self._keys, self._items
        del items[key]
        while keys and keys[-1] not in items:
            keys.pop()
        if len(keys) > 2 * len(items) + FEW:
            self._keys = [key for key in keys if key in items]

    @property
    def last(self) -> ItemT:
        """The item with the highest key. Raises IndexError where there is none."""
        return self._items[self._keys[-1]]

    def downwards(self, before: KeyT | None = None) -> Iterator[ItemT]:
        """The items with keys below `before`, the highest first."""
        place = len(self._keys) if before is None else bisect_left(self._keys, before)
        return self._at(range(place - 1, -1, -1))

    def upwards(self, start: KeyT) -> Iterator[ItemT]:
        """The items with keys from `start` on, the lowest first."""
        return self._at(range(bisect_left(self._keys, start), len(self._keys)))

    def __getitem__(self, key: KeyT) -> ItemT:
        return self._items[key]

    def __len__(self) -> int:
        return len(self._items)

    def _at(self, places: range) -> Iterator[ItemT]:
        keys, items = self._keys, self._items
        return (items[keys[place]] for place in places if keys[place] in items)
