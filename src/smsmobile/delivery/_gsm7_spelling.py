"""`suggest_gsm7` spells a text with the characters of GSM-7 where that is possible, so that it takes fewer segments."""

from __future__ import annotations

import re
import unicodedata

from ._segments import BASIC, EXTENSION, count_segments

_GSM7 = frozenset(BASIC + EXTENSION)
_MARKS = "\u0300-\u036f\u20e3\ufe0f"  # accents, the frame of a keycap emoji, "show this as an emoji"
_NOT_GSM7 = re.compile(f"[^{re.escape(BASIC + EXTENSION)}][{_MARKS}]*|.[{_MARKS}]+", re.DOTALL)

_SPELLINGS = str.maketrans(
    {
        **dict.fromkeys("“”„‟«»″", '"'),
        **dict.fromkeys("‘’‚‛‹›′ʼ´`", "'"),  # noqa: RUF001
        **dict.fromkeys("‐‑‒–—―−•", "-"),  # noqa: RUF001
        **dict.fromkeys("\v\x85\u2028\u2029", "\n"),
        **dict.fromkeys("\u00ad\u200b\u2060\ufeff", ""),  # a soft hyphen, and spaces without a width
        "⁄": "/",  # noqa: RUF001
        "·": ".",
        "×": "x",  # noqa: RUF001
        "©": "(c)",
        "®": "(R)",
        **dict(zip("łŁđĐħĦŧŦðÐıəƏ", "lLdDhHtTdDieE", strict=True)),
        **dict(zip("őŐűŰ", "öÖüÜ", strict=True)),  # as Hungarians write without the long ones
        "œ": "oe",
        "Œ": "OE",
        "þ": "th",
        "Þ": "Th",
        "ẞ": "SS",
    }
)
"""What Unicode does not give: its decompositions know accents, ligatures, widths and the ellipsis."""
_CHANGE_THE_MEANING = frozenset(" \u0338")
"""In a decomposition: an accent that stands alone (`¨`), and the stroke by which `≠` differs from `=`."""


def suggest_gsm7(text: str) -> str:
    """Spell a text so that it may be sent as GSM-7, which holds 160 characters in an SMS, where UCS-2 holds 70.

    text: the text of one SMS. It is returned as it is if it is in GSM-7, or if the new spelling takes more segments.

    Typographic quotes, dashes, ellipses and spaces become plain ones, letters lose the accents that GSM-7 lacks
    (`ê` becomes `e`; `é`, `è`, `ñ` and `ü` stay), ligatures are resolved. Characters without such a spelling stay as
    they are: emoji, Cyrillic, `½`, `²`. If there are any, the text is still UCS-2, and
    `count_segments(suggest_gsm7(text)).not_gsm7` names them.

    The library never changes a text by itself: a missing accent can change the meaning, so look at the result.
    """
    suggested = _NOT_GSM7.sub(_spelling, text)
    return suggested if count_segments(suggested).parts <= count_segments(text).parts else text


def _spelling(found: re.Match[str]) -> str:
    """How a character with its accents is written in GSM-7; as it is, if there is no way."""
    char = found[0]
    for spelled in (unicodedata.normalize("NFC", char), unicodedata.normalize("NFC", char).translate(_SPELLINGS)):
        if _GSM7.issuperset(spelled):
            return spelled
    if char.isspace():
        return " "
    decomposed = unicodedata.normalize("NFKD", char)
    if unicodedata.category(char[0]) == "No" or not _CHANGE_THE_MEANING.isdisjoint(decomposed):
        return char  # 10² is not 102, and 1½ is not 11/2
    plain = "".join(each for each in decomposed if not unicodedata.category(each).startswith("M"))
    plain = plain.translate(_SPELLINGS)
    return plain if plain and _GSM7.issuperset(plain) else char
