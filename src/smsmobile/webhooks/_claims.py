"""What all event stores share: how an id is spelled, and which claims are one's own."""

from __future__ import annotations

import hashlib
import re
import secrets
import threading

__all__ = ["ONE_WEEK", "OwnClaims", "new_token", "spelled"]


def __dir__() -> list[str]:
    return __all__


ONE_WEEK = 7 * 24 * 3600
"""Seconds that a handled event is remembered. The service does not document for how long it repeats a delivery (A)."""

_STORED_AS_IT_IS = re.compile(r"[!-~](?:[ -~]{0,198}[!-~])?")
"""Printable ASCII: what every database keeps, compares and indexes in the same way."""


def spelled(event_id: object) -> str:
    """An event's id as the stores keep it: as it is, or its hash if it is long or has unusual characters.

    Raises TypeError for what is not an id.
    """
    if not isinstance(event_id, str) or not event_id:
        given = "an empty text" if event_id == "" else f"an object of type {type(event_id).__name__}"
        raise TypeError(f"An event's id is a text that is not empty: pass event.id, not {given}.")
    if _STORED_AS_IT_IS.fullmatch(event_id):
        return str(event_id)
    # JSON can hold halves of surrogate pairs, which plain UTF-8 cannot.
    return "hash:" + hashlib.sha256(event_id.encode("utf-8", "surrogatepass")).hexdigest()


def new_token() -> str:
    """A name for one claim, which no other has."""
    return secrets.token_hex(16)


class OwnClaims(threading.local):
    """The tokens of the claims that this thread has made in one store and not ended yet.

    Each claim that is NEW is stored with a token of its own. A thread whose lease was over, and whose event somebody
    else has claimed since, still holds the older token: its `release` finds another one stored, and does nothing.
    """

    _MOST = 1000  # claims that nobody ended; an endpoint has one at a time

    def __init__(self) -> None:
        self._tokens: dict[str, str] = {}

    def keep(self, event_id: str, token: str) -> None:
        """Remember the token that was stored with this thread's claim."""
        self._tokens.pop(event_id, None)
        self._tokens[event_id] = token
        if len(self._tokens) > self._MOST:
            del self._tokens[next(iter(self._tokens))]

    def token(self, event_id: str) -> str | None:
        """The token of this thread's claim; None if it has none, and then it may end the claim of another."""
        return self._tokens.get(event_id)

    def drop(self, event_id: str) -> None:
        """Forget a claim that was done or released."""
        self._tokens.pop(event_id, None)
