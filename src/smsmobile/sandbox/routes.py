"""What an address of the service is: its path, its methods, and the operation behind it.

The addresses themselves stand in service/, beside their operations.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .errors import Refusal, missing_apikey
from .parameters import Parameters

Answer = dict[str, Any]
Operation = Callable[[Any, Parameters], Answer]
"""Takes the Service and the request's parameters."""

READ = ("GET",)
WRITE = ("GET", "POST")
POST = ("POST",)


@dataclass(frozen=True)
class Route:
    """One address of the service."""

    path: str
    methods: tuple[str, ...]
    operation: Operation
    sends: bool = False
    """Whether it asks a phone to send: then a phone that is off, or the end of the subscription, is said its way."""
    takes_json: bool = False
    """Whether the parameters may also come as a JSON body."""
    without_key: Callable[[], Refusal] = missing_apikey
    """What is raised where there is neither a key nor a token."""
    for_wrong_key: Callable[[], Answer] | None = None
    """What a wrong key is told, where that is no error."""
