"""Reads the text that a caller's `str` holds, whatever its class."""

from __future__ import annotations


def exact(text: str) -> str:
    """The characters of a text as a plain `str`. A member of `class M(str, Enum)` would be sent as `M.HI`."""
    return text if type(text) is str else str.__str__(text)
