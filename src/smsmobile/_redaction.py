"""Keeps secrets and personal data out of text: of our errors, and of the log records of what we are built on.

What is secret about a request is decided here too: whatever the authentication put on it.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote, quote_plus, urlsplit

if TYPE_CHECKING:
    from requests import PreparedRequest

MASK = "***"
# Shorter strings are words, not secrets: masking them would destroy a text, or the messages in an answer, and
# protect nobody.
_SHORTEST_IN_TEXT = 4
_SHORTEST_IN_ANSWER = 8
_SHORTEST_SHOWN = 8
_KEY_NAMES = frozenset({"apikey", "apikeybox"})

_in_our_call: ContextVar[bool] = ContextVar("smsmobile_in_our_call", default=False)


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
    for secret in sorted(secrets, key=len, reverse=True):  # one may begin with another
        if len(secret) >= _SHORTEST_IN_ANSWER:
            plain = {secret, json.dumps(secret)[1:-1], *_quoted(secret)}
            for spelling in plain | {spelling.replace("/", "\\/") for spelling in plain}:  # PHP's JSON escapes it
                body = body.replace(spelling.encode(), MASK.encode())
    return body


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


class Unsigned:
    """How a request looked before it was signed, to tell afterwards what the authentication added."""

    def __init__(self, prepared: PreparedRequest) -> None:
        self._headers = set(prepared.headers.items())
        self._url = prepared.url or ""
        self._body = text_of(prepared.body)

    def secrets_of(self, signed: PreparedRequest) -> list[str]:
        """Every value that was not there before: headers, the credentials in them, parameters."""
        found: list[str] = []
        for name, value in signed.headers.items():
            if (name, value) not in self._headers and name.lower() != "content-length":
                words = str(value).split()
                found += [str(value), *words[1:]]
        if signed.url != self._url:
            found += _values_added(urlsplit(self._url).query, urlsplit(signed.url or "").query)
        if (body := text_of(signed.body)) != self._body:
            found += _values_added(self._body, body)
        return found


def _values_added(before: str, after: str) -> list[str]:
    known = parse_qsl(before) if not after.startswith(before) else []
    added = after.removeprefix(before)
    return [value for name, value in parse_qsl(added) if (name, value) not in known]


def text_of(body: object) -> str:
    """A prepared request's body as text; "" for none, and for a stream, which is not ours."""
    return body.decode("utf-8", "replace") if isinstance(body, bytes) else body if isinstance(body, str) else ""


@contextmanager
def quiet_http_logs() -> Iterator[None]:
    """Within this block, what urllib3 logs on this thread carries no query string.

    urllib3 prints the whole address at DEBUG, and on a retry at WARNING: the key on a GET, and the phone
    number or the words that were searched for.
    """
    token = _in_our_call.set(True)
    try:
        yield
    finally:
        _in_our_call.reset(token)


class _QueryStringFilter(logging.Filter):
    _QUERY = re.compile(r"\?[^\s'\"<>]+")

    def filter(self, record: logging.LogRecord) -> bool:
        if _in_our_call.get():
            record.msg = self._QUERY.sub(f"?{MASK}", record.getMessage())
            record.args = ()
        return True


_FILTER = _QueryStringFilter()


def guard_http_logs() -> None:
    """Put the filter on every logger of urllib3. Calls of other code in the process are left as they are."""
    for name in list(logging.root.manager.loggerDict):
        if name == "urllib3" or name.startswith("urllib3."):
            logging.getLogger(name).addFilter(_FILTER)
