"""Counts the segments of an SMS: GSM-7 or UCS-2, by the tables and lengths of 3GPP TS 23.038 and 23.040.

No maintained library counts segments; the existing ones only encode.
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
"""The default alphabet: one septet each. Phones do not use the national tables by default."""
EXTENSION = "\f^{}\\[~]|€"
"""Written with an escape: two septets each."""

_ALL_BASIC = re.compile(f"[{re.escape(BASIC)}]*")
_ALL_GSM = re.compile(f"[{re.escape(BASIC + EXTENSION)}]*")
_NOT_GSM = re.compile(f"[^{re.escape(BASIC + EXTENSION)}]")
_EXTENDED = re.compile(f"[{re.escape(EXTENSION)}]")


class Segments(NamedTuple):
    """The size of a text on the air."""

    encoding: Literal["GSM-7", "UCS-2"]
    """UCS-2 if one character or more is not in GSM-7."""
    units: int
    """Septets, or UTF-16 code units: an emoji is two or more."""
    parts: int
    """What a network charges: each part as one SMS."""
    not_gsm7: tuple[str, ...] = ()
    """The characters that make the text UCS-2, in their order, each once."""


def count_segments(text: str) -> Segments:
    """Count the parts of a text: 160 septets or 70 UTF-16 code units in one, 153 or 67 in each of several.

    text: the text of one SMS. The result is an estimate: the phone decides how it sends (A).
    """
    if _ALL_BASIC.fullmatch(text):
        return Segments("GSM-7", len(text), _parts(len(text), 160, 153))
    if _ALL_GSM.fullmatch(text):
        units = len(text) + len(_EXTENDED.findall(text))
        return Segments("GSM-7", units, _parts(units, 160, 153, [char in EXTENSION for char in text]))
    not_gsm7 = tuple(dict.fromkeys(_NOT_GSM.findall(text)))
    units = len(text.encode("utf-16-le", "surrogatepass")) // 2
    return Segments("UCS-2", units, _parts(units, 70, 67, [char > "\uffff" for char in text]), not_gsm7)


def _parts(units: int, alone: int, each: int, doubles: list[bool] | None = None) -> int:
    """`doubles` tells which characters take two units: none of them is split between two parts."""
    if units <= alone:
        return 1
    if doubles is None:
        return -(-units // each)
    parts, room = 1, each
    for is_double in doubles:
        if room < 1 + is_double:
            parts, room = parts + 1, each
        room -= 1 + is_double
    return parts
