"""Tells the page's own addresses from those of the service."""

from __future__ import annotations


def is_page(path: str) -> bool:
    """Whether a request to this path is the page's own affair: never recorded, never struck by a fault."""
    return path in {"/", "/favicon.ico", "/_sandbox"} or path.startswith("/_sandbox/")
