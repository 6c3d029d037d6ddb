"""What an endpoint of the page is: its address, what it takes, and the function behind it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Answer = dict[str, Any]


@dataclass(frozen=True)
class PageRoute:
    """One address under `/_sandbox`."""

    method: str
    path: str
    view: Callable[..., Answer]
    """Called with the context, the body where there is one, and the variable parts of the path."""
    query: tuple[str, ...] = ()
    """The parameters that may stand in the query."""
    body: str | None = None
    """The model in bodies.py; None where there is no body."""
    status: int = 200
