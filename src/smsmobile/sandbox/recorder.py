"""Writes down what an application asked of the service and what it was told, with the secrets masked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from itertools import islice
from time import perf_counter
from urllib.parse import quote, quote_plus

from flask import Request as HTTPRequest

from .._redaction import MASK
from .outcomes import outcome_of
from .rows import RecordedRequest
from .store import Store

LONGEST = 20_000
"""Characters of an answer or a parameter that are kept."""
LONGEST_NAME = 200
"""Characters of a path or of a parameter's name that are kept."""
MOST_PARAMETERS = 100

_SECRET_NAME = re.compile(r"api.?key|secret|token|password", re.IGNORECASE)
_SECRET_IN_JSON = re.compile(r'("(?:apikey|apikeybox|access_token|client_secret)"\s*:\s*)"(?:[^"\\]|\\.)*"')


class Recorder:
    """Notes requests in the store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def note(
        self,
        request: HTTPRequest,
        parameters: Mapping[str, str],
        *,
        started: float,
        status: int | None,
        answer: str,
        faults: tuple[str, ...] = (),
        messages: tuple[str, ...] = (),
    ) -> None:
        """One request. `started` is `perf_counter()` at its beginning; `status` is None where it got no answer."""
        outcome, error = outcome_of(status, answer, is_cut="half_answer" in faults)
        store = self._store
        with store.lock:
            account = store.account
            secrets = _spellings(account.api_key, account.client_secret, account.mailbox_key)
            store.requests.put(
                RecordedRequest(
                    id=store.new_id(),
                    at=store.now(),
                    method=request.method,
                    path=_shown(request.path, secrets, LONGEST_NAME),
                    parameters={
                        _shown(name, secrets, LONGEST_NAME): MASK
                        if _SECRET_NAME.search(name)
                        else _shown(value, secrets)
                        for name, value in islice(parameters.items(), MOST_PARAMETERS)
                    },
                    auth=_auth_of(request, parameters),
                    status=status,
                    answer=_shown(_SECRET_IN_JSON.sub(rf'\1"{MASK}"', answer), secrets),
                    milliseconds=round((perf_counter() - started) * 1000, 2),
                    faults=faults,
                    outcome=outcome,
                    error=_shown(error, secrets, LONGEST_NAME),
                    messages=messages,
                )
            )


@lru_cache(maxsize=32)
def _spellings(*secrets: str) -> tuple[str, ...]:
    """The account's secrets as they may stand in a text, the longest first: one may begin with another."""
    spellings = {spelling for secret in secrets for spelling in (secret, quote(secret, safe=""), quote_plus(secret))}
    return tuple(sorted(spellings, key=len, reverse=True))


def _shown(text: str, secrets: tuple[str, ...], longest: int = LONGEST) -> str:
    for secret in secrets:
        if secret in text:
            text = text.replace(secret, MASK)
    return text[:longest]


def _auth_of(request: HTTPRequest, parameters: Mapping[str, str]) -> str:
    if request.headers.get("Authorization", "").lower().startswith("bearer "):
        return "token"
    return "key" if parameters.get("apikey") else ""
