"""How a text is kept in a column, since PostgreSQL stores neither NUL nor half of a surrogate pair.

`escape` keeps every character, for comparisons. `storable` is for texts that people read.
"""

from __future__ import annotations

import re

_ESCAPED = re.compile(r"\\(?:\\|0|u([0-9a-f]{4}))")


def escape(text: str) -> str:
    r"""NUL becomes `\0`, half of a surrogate pair `\ud800`, and a backslash two."""
    text = text.replace("\\", "\\\\").replace("\0", "\\0")
    return text.encode("utf-8", "backslashreplace").decode()


def unescape(text: str) -> str:
    """Undo `escape`."""
    return _ESCAPED.sub(_character, text) if "\\" in text else text


def storable(text: str | None, *, most: int | None = None) -> str:
    """A text without these characters, and cut to `most`."""
    return (text or "").replace("\0", "").encode("utf-8", "replace").decode()[:most]


def _character(found: re.Match[str]) -> str:
    if found[1]:
        return chr(int(found[1], 16))
    return "\\" if found[0] == "\\\\" else "\0"
