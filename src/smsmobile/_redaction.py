"""Masks secrets and phone numbers, in texts and in the bytes of answers."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any
from urllib.parse import quote, quote_plus

MASK = "***"
_DATE_OR_NUMBER = re.compile(r"(\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d)?)?(?![\d-]))|\+?\d(?:\W{0,2}\d){5,}")
# Shorter secrets are not masked: they are ordinary words, and masking them would damage texts and messages.
_SHORTEST_IN_TEXT = 4
_SHORTEST_IN_ANSWER = 8
_SHORTEST_SHOWN = 8
"""Length of the shortest phone number that is not masked fully."""
_KEY_NAMES = frozenset({"apikey", "apikeybox"})
# Letters that are quickly looked for in a long body, and the name: apikey, api_key, apiKey, and APIKEY, APIKey ….
_KEY_NAMES_IN_BYTES = {b"pi": re.compile(rb"pi[_-]?[kK]ey"), b"P": re.compile(rb"PI[_-]?[kK](?:ey|EY)")}


def mask_secrets(text: str, secrets: Iterable[str]) -> str:
    """Mask the secrets in a text, also in their URL-quoted form."""
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) < _SHORTEST_IN_TEXT:
            continue
        for form in (secret, *_quoted(secret)):
            text = text.replace(form, MASK)
    return text


def mask_secret_bytes(body: bytes, secrets: Iterable[str]) -> bytes:
    """Mask the secrets in the bytes of an answer, in case the service echoes them."""
    for form in _encoded_forms(tuple(secrets)):
        body = body.replace(form, MASK.encode())
    return body


@lru_cache(maxsize=8)  # the secrets are nearly always the same API key
def _encoded_forms(secrets: tuple[str, ...]) -> tuple[bytes, ...]:
    """Every way in which an answer can write the secrets. Longest first, since one can begin with another."""
    found: set[str] = set()
    for secret in secrets:
        if len(secret) >= _SHORTEST_IN_ANSWER:
            plain = {secret, json.dumps(secret)[1:-1], *_quoted(secret)}
            found |= plain | {form.replace("/", "\\/") for form in plain}  # PHP's JSON escapes it
    return tuple(form.encode() for form in sorted(found, key=len, reverse=True))


def drop_keys(answer: Any) -> Any:
    """Remove the keys `apikey` and `apikeybox` from a decoded answer. The service echoes them (D)."""
    if isinstance(answer, dict):
        return {name: drop_keys(value) for name, value in answer.items() if not _is_key_name(name)}
    return [drop_keys(item) for item in answer] if isinstance(answer, list) else answer


def may_have_keys(body: bytes) -> bool:
    """Whether `drop_keys` may find something in this body. Most have nothing, and a long one takes long to walk."""
    return any(letters in body and name.search(body) for letters, name in _KEY_NAMES_IN_BYTES.items())


def _is_key_name(name: str) -> bool:
    return name.lower().replace("_", "").replace("-", "") in _KEY_NAMES


def _quoted(secret: str) -> tuple[str, str]:
    return quote(secret, safe=""), quote_plus(secret)


def mask_number(number: str) -> str:
    """Mask all of a phone number but its beginning and last two digits: `+33•••••••78`. Mask a short one fully."""
    if len(number) < _SHORTEST_SHOWN:
        return "•" * len(number)
    head = number[:3] if number.startswith("+") else number[:2]
    return head + "•" * (len(number) - len(head) - 2) + number[-2:]


def mask_numbers(text: str) -> str:
    """Mask everything in a text that looks like a phone number, including a date that is not written `2026-03-20`."""
    return _DATE_OR_NUMBER.sub(lambda found: found[1] or mask_number(found[0]), text)
