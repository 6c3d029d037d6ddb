"""The suppression lists pass the rules, on every store."""

from __future__ import annotations

import pytest

from smsmobile.delivery import MemorySuppression

from .suppression_rules import SuppressionRules


class MemorySuppressions:
    """One list, since there is no other way to share it."""

    def __init__(self) -> None:
        self._suppression = MemorySuppression()

    def suppression(self) -> MemorySuppression:
        return self._suppression

    def clear(self) -> None:
        for number in self._suppression:
            self._suppression.remove(number)


class TestMemorySuppression(SuppressionRules):
    @pytest.fixture
    def suppressions(self) -> MemorySuppressions:
        return MemorySuppressions()
