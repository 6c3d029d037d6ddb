"""Takes away the differences between texts that a search passes over."""

from __future__ import annotations

import re
import unicodedata

_MARKS = re.compile("[\u0300-\u036f]+")


def folded(text: str) -> str:
    """The text without the differences that a search passes over: `Élan` and `elan` are the same."""
    if text.isascii():
        return text.lower()
    return _MARKS.sub("", unicodedata.normalize("NFKD", text)).casefold()
