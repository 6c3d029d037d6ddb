"""What a search asks for, and where a text says it: upper and lower case and accents make no difference.

What is searched lives in conversations.py; requests are searched in views.py, by their words.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable
from itertools import accumulate

from ..folding import folded
from ..numbers import digits_of

_NUMBER = re.compile(r"[\d\s+().\-/]+")

BEFORE = 12
AFTER = 200
"""Characters in front of what was found, and behind it, that an excerpt shows at most: a list has no room for more."""


class Wanted:
    """The words of a search."""

    def __init__(self, text: str) -> None:
        self.words = folded(text.strip())
        digits = digits_of(text) if _NUMBER.fullmatch(text) else ""
        # A number is also found by its national spelling, which has a 0 in place of the country.
        self._digits = {each for each in (digits, digits.removeprefix("0")) if each}

    def is_named(self, peer: str, names: Iterable[str]) -> bool:
        """Whether it finds somebody: by digits or name, or by a folded name in the phone's contacts."""
        known = (folded(peer), *names)
        return any(digits in peer for digits in self._digits) or any(self.words in name for name in known)

    def excerpt(self, text: str) -> tuple[str, str, str] | None:
        """What stands before the words in a text, the words as they stand there, and what follows; None: not there."""
        at = folded(text).find(self.words)
        if at < 0:
            return None
        ends = list(accumulate(len(folded(character)) for character in text))
        first, last = bisect_right(ends, at), bisect_right(ends, at + len(self.words) - 1)
        before = text[:first] if first <= BEFORE else f"…{text[first - BEFORE : first]}"
        return before, text[first : last + 1], text[last + 1 :][:AFTER]
