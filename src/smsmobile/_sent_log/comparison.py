"""What a message and its row in the log of sent SMS have in common: a text and a number, as they compare."""

from __future__ import annotations

import hashlib
import html
import re
from typing import Literal, TypeAlias

from .._input.phone_numbers import digits_of

Precision: TypeAlias = Literal["text", "text_without_links", "number"]
"""What a message and its row have in common: the text, the text but for its links, or the number alone."""

_KEYWORD_DIGITS = 8
"""Digits of a keyword: no more than a national number has, so that the spelling of the country does not matter."""
# A host without a scheme is looked for from the beginning of a run of its characters only: from each of them it would
# take quadratic time.
_LINK = re.compile(r"(?:https?://|www\.)\S+|(?<![\w.-])([.-]*)\w[\w.-]*\.\w{2,}/\S+")
_LONG_REFERENCE = re.compile(r"&#([0-9]{9,})")


def precision_of(*, shorten_urls: bool, encrypt: bool) -> Precision:
    """What can be compared: the service may replace links, or keep a text that nobody can read."""
    return "number" if encrypt else "text_without_links" if shorten_urls else "text"


def comparable(text: str | None, *, without_links: bool) -> str:
    """A text as it compares: the service may change white space, and writes `&` and `<` as HTML does."""
    text = text or ""
    if "&#" in text:
        # html.unescape would fail: Python reads at most 4300 digits. A number of eight is no character any more.
        text = _LONG_REFERENCE.sub(lambda number: "&#" + (number[1].lstrip("0")[:8] or "0"), text)
    text = " ".join(html.unescape(text).split())
    return _without_links(text) if without_links else text


def fingerprint(number: str, text: str | None, precision: Precision) -> str:
    """A hash that is the same for a message and for its row in the log."""
    text = "" if precision == "number" else comparable(text, without_links=precision == "text_without_links")
    return _hash(number, text)


def fingerprint_and_look(number: str, text: str, precision: Precision) -> tuple[str, str]:
    """The fingerprint of a message, and its look.

    The look is a hash that messages to one number have in common if their rows may be mistaken for each other: that of
    the text without its links. It is empty for an encrypted message, whose row may be mistaken for any other.
    """
    if precision == "number":
        return fingerprint(number, text, precision), ""
    text = comparable(text, without_links=precision == "text_without_links")
    own = _hash(number, text)
    shown = _without_links(text) if precision == "text" else text
    return own, own if shown == text else _hash(number, shown)


def keyword_of(number: str | None) -> str:
    """The keyword for a number's rows: its last digits, which every spelling of it has in common."""
    return digits_of(number)[-_KEYWORD_DIGITS:]


def _without_links(text: str) -> str:
    if "/" not in text and "www." not in text:  # as in most texts, and looking for links takes longer than all else
        return text
    return _LINK.sub(lambda link: (link[1] or "") + "<link>", text)


def _hash(number: str, text: str) -> str:
    return hashlib.sha256(f"{number}\n{text}".encode("utf-8", "surrogatepass")).hexdigest()[:32]
