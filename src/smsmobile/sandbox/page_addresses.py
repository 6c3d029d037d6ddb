"""Which requests are for the page, and which for the service."""

from __future__ import annotations


def is_page(path: str) -> bool:
    """Whether a path is one of the page's. Requests to it are not recorded, and faults do not apply to them."""
    return path in {"/", "/favicon.ico", "/_sandbox"} or path.startswith("/_sandbox/")
