"""Masks secrets and phone numbers in texts and in undecoded answers."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import lru_cache
from typing import Any
from urllib.parse import quote, quote_plus

MASK = "***"
# Shorter strings are words, not secrets: masking them would destroy a text, or the messages in an answer, and
# protect nobody.
_SHORTEST_IN_TEXT = 4
_SHORTEST_IN_ANSWER = 8
_SHORTEST_SHOWN = 8
_KEY_NAMES = frozenset({"apikey", "apikeybox"})


def mask_secrets(text: str, secrets: Iterable[str]) -> str:
    """`text` without any of the secrets, however they are quoted."""
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) < _SHORTEST_IN_TEXT:
            continue
        for spelling in (secret, *_quoted(secret)):
            text = text.replace(spelling, MASK)
    return text


def mask_secret_bytes(body: bytes, secrets: Iterable[str]) -> bytes:
    """The same for an undecoded answer: what the service echoes goes no further than here."""
    for spelling in _spellings_in_answers(tuple(secrets)):
        body = body.replace(spelling, MASK.encode())
    return body


@lru_cache(maxsize=8)  # nearly always the same API key
def _spellings_in_answers(secrets: tuple[str, ...]) -> tuple[bytes, ...]:
    """Every way in which an answer may spell them, longest first, since one may begin with another."""
    found: set[str] = set()
    for secret in secrets:
        if len(secret) >= _SHORTEST_IN_ANSWER:
            plain = {secret, json.dumps(secret)[1:-1], *_quoted(secret)}
            found |= plain | {spelling.replace("/", "\\/") for spelling in plain}  # PHP's JSON escapes it
    return tuple(spelling.encode() for spelling in sorted(found, key=len, reverse=True))


def drop_keys(answer: Any) -> Any:
    """A decoded answer without the API key and the mailbox's key, which the service echoes (D), whoever sent them."""
    if isinstance(answer, dict):
        return {name: drop_keys(value) for name, value in answer.items() if not _is_key_name(name)}
    return [drop_keys(item) for item in answer] if isinstance(answer, list) else answer


def _is_key_name(name: str) -> bool:
    return name.lower().replace("_", "").replace("-", "") in _KEY_NAMES


def _quoted(secret: str) -> tuple[str, str]:
    return quote(secret, safe=""), quote_plus(secret)


def mask_number(number: str) -> str:
    """A phone number of which one can tell the country and nothing more: `+33•••••••78`. Short ones show nothing."""
    if len(number) < _SHORTEST_SHOWN:
        return "•" * len(number)
    head = number[:3] if number.startswith("+") else number[:2]
    return head + "•" * (len(number) - len(head) - 2) + number[-2:]


def text_of(body: object) -> str:
    """A prepared request's body as text; "" for none, and for a stream, which is not ours."""
    return body.decode("utf-8", "replace") if isinstance(body, bytes) else body if isinstance(body, str) else ""
