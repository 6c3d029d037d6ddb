"""How an SMS is encoded and into how many parts it is cut, as GSM 03.38 and 03.40 say.

Counted here and not by the client's code, which would agree with its own mistakes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENSION = frozenset("\f^{}\\[~]|€")
"""These take an escape and a second septet."""


@dataclass(frozen=True)
class Segments:
    """The parts of one SMS."""

    encoding: str
    """`GSM-7` or `UCS-2`."""
    units: int
    """Septets of GSM-7, or UTF-16 units of UCS-2."""
    parts: int
    """How many messages are paid for."""
    per_part: int
    """How many units fit into each of so many parts."""


def segments_of(text: str) -> Segments:
    """The encoding of a text and its parts: 160 septets or 70 units, 153 or 67 where there are several parts."""
    if all(character in _BASIC or character in _EXTENSION for character in text):
        return _cut("GSM-7", [2 if character in _EXTENSION else 1 for character in text], 160, 153)
    return _cut("UCS-2", [2 if ord(character) > 0xFFFF else 1 for character in text], 70, 67)


def _cut(encoding: str, widths: Iterable[int], alone: int, joined: int) -> Segments:
    """No character is cut in two: an escape goes into the next part with what it escapes, as does half an emoji."""
    units, parts, used = 0, 1, 0
    for width in widths:
        units += width
        if used + width > joined:
            parts, used = parts + 1, 0
        used += width
    return Segments(encoding, units, 1, alone) if units <= alone else Segments(encoding, units, parts, joined)
