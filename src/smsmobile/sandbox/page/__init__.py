"""The phone page: its files, and the JSON endpoints behind it, which test programs in other languages use as well.

All of it lies at `/` and under `/_sandbox/`, and is no part of the service that it shows.
"""

from __future__ import annotations

from .context import PageContext
from .endpoints import add_page, problem

__all__ = ["PageContext", "add_page", "problem"]
