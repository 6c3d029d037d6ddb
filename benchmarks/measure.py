"""How two things are timed against each other. What is timed lives in the other files."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any, NamedTuple


class Result(NamedTuple):
    """One row of the table."""

    measure: str
    against: str
    ratio: float
    at_most: float | None = None

    @property
    def holds(self) -> bool:
        """Whether the ratio is within its limit; True where there is none."""
        return self.at_most is None or self.ratio <= self.at_most


def ratio(ours: Callable[[], Any], theirs: Callable[[], Any], *, laps: int, calls: int = 1) -> float:
    """The median over `laps` of ours/theirs, both timed over `calls` calls, one right after the other."""
    ours(), theirs()
    ratios = []
    for _ in range(laps):
        t0 = time.perf_counter()
        for _ in range(calls):
            theirs()
        t1 = time.perf_counter()
        for _ in range(calls):
            ours()
        ratios.append((time.perf_counter() - t1) / (t1 - t0))
    return statistics.median(ratios)
