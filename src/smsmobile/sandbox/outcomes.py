"""Reads what an answer of the service means, which its status does not tell: many errors stand inside a 200.

What is written down about a request lives in recorder.py.
"""

from __future__ import annotations

import json
from typing import Any

from .rows import Outcome

LONGEST_REFUSAL = 20_000
"""Characters. A longer answer is a list, and is not taken apart."""

_GOOD = (None, "", 0, "0")
_NO_REFUSAL = ("no_message",)
"""Error words of an answer that was given as asked."""


def outcome_of(status: int | None, answer: str, *, is_cut: bool = False) -> tuple[Outcome, str]:
    """How the service took a request, and its word for what was wrong, which may be empty.

    `status` is None where there was no answer; `is_cut`: only half of it arrived.
    """
    if status is None or is_cut:
        return "broken", "no answer" if status is None else "half an answer"
    if 300 <= status < 400:
        return "redirected", ""
    if status < 300 and len(answer) > LONGEST_REFUSAL and answer.startswith("{"):
        return "accepted", ""
    body = _object(answer)
    if body is None:
        return "broken", "no JSON"
    word, is_refused = _error_in(body)
    if status >= 500:
        return "broken", word
    return ("refused" if status >= 400 or is_refused else "accepted"), word


def _object(answer: str) -> dict[str, Any] | None:
    try:
        body = json.loads(answer[answer.find("{") :] if answer.startswith("<br />") else answer)  # a warning of PHP
    except ValueError:
        return None
    return body if isinstance(body, dict) else None


def _error_in(body: dict[str, Any]) -> tuple[str, bool]:
    """The word for what is wrong, and whether that is a refusal."""
    result = body.get("result")
    inner = result if isinstance(result, dict) else body
    error = inner.get("error")
    is_refused = (
        (error not in _GOOD and error not in _NO_REFUSAL)
        or inner.get("success") is False
        or inner.get("sent", "1") != "1"
    )
    if not is_refused:
        return ("" if error in _GOOD else str(error)), False
    said = inner.get("note") or inner.get("message") or ""
    if error in _GOOD:
        return str(said), True
    return (f"{error}: {said}" if isinstance(error, int) and said else str(error)), True
