"""Writes down what an application asked of the service and what it was told, with the secrets masked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from time import perf_counter

from flask import Request as HTTPRequest

from ..redaction import MASK
from .ledger import Ledger
from .rows import RecordedRequest

SECRET_PARAMETERS = frozenset({"apikey", "apikeybox", "client_secret", "access_token"})
LONGEST = 20_000
"""Characters of an answer or a parameter that are kept."""

_SECRET_IN_JSON = re.compile(r'("(?:apikey|apikeybox|access_token|client_secret)"\s*:\s*)"(?:[^"\\]|\\.)*"')


class Recorder:
    """Notes requests in the ledger."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def note(
        self,
        request: HTTPRequest,
        parameters: Mapping[str, str],
        *,
        started: float,
        status: int | None,
        answer: str,
        faults: tuple[str, ...] = (),
    ) -> None:
        """One request. `started` is `perf_counter()` at its beginning; `status` is None where it got no answer."""
        ledger = self._ledger
        with ledger.lock:
            ledger.requests.put(
                RecordedRequest(
                    id=ledger.new_id(),
                    at=ledger.now(),
                    method=request.method,
                    path=request.path,
                    parameters={name: _shown(name, value) for name, value in parameters.items()},
                    auth=_auth_of(request, parameters),
                    status=status,
                    answer=_SECRET_IN_JSON.sub(rf'\1"{MASK}"', answer)[:LONGEST],
                    milliseconds=round((perf_counter() - started) * 1000, 2),
                    faults=faults,
                )
            )


def _shown(name: str, value: str) -> str:
    return MASK if name.lower() in SECRET_PARAMETERS else value[:LONGEST]


def _auth_of(request: HTTPRequest, parameters: Mapping[str, str]) -> str:
    if request.headers.get("Authorization"):
        return "token"
    return "key" if parameters.get("apikey") else ""
