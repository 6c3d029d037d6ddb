"""Cases for a test that varies several things at once."""

from __future__ import annotations

from collections.abc import Collection
from itertools import cycle, islice
from typing import Any


def each_once(*axes: Collection[Any]) -> list[tuple[Any, ...]]:
    """Cases in which every value of every axis occurs: as many as the longest axis has; shorter axes start again."""
    return list(islice(zip(*map(cycle, axes)), max(map(len, axes))))
