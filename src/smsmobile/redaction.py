"""Keeps secrets and personal data out of text: of our errors, and of the log records of what we are built on.

What is secret about a request is decided here too: whatever the authentication put on it.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from urllib.parse import parse_qsl, quote, quote_plus, urlsplit

from requests import PreparedRequest

MASK = "***"
# Shorter strings are words, not secrets: masking "1" would destroy the text and protect nobody.
_SHORTEST_SECRET = 4

_in_our_call: ContextVar[bool] = ContextVar("smsmobile_in_our_call", default=False)


def mask_secrets(text: str, secrets: Iterable[str]) -> str:
    """`text` without any of the secrets, however they are quoted."""
    for secret in sorted(secrets, key=len, reverse=True):
        for spelling in (secret, quote(secret, safe=""), quote_plus(secret)):
            text = text.replace(spelling, MASK)
    return text


def mask_secret_bytes(body: bytes, secrets: Iterable[str]) -> bytes:
    """The same for an undecoded answer: what the service echoes goes no further than here."""
    for secret in secrets:
        spelling = secret.encode()
        if spelling in body:
            body = body.replace(spelling, MASK.encode())
    return body


def mask_number(number: str) -> str:
    """A phone number of which one can tell the country and nothing more: `+33•••••••78`."""
    head = number[:3] if number.startswith("+") else number[:2]
    return head + "•" * max(len(number) - len(head) - 2, 0) + number[len(head) :][-2:]


class Unsigned:
    """How a request looked before it was signed, to tell afterwards what the authentication added."""

    def __init__(self, prepared: PreparedRequest) -> None:
        self._headers = set(prepared.headers.items())
        self._url = prepared.url or ""
        self._body = prepared.body or ""

    def secrets_of(self, signed: PreparedRequest) -> list[str]:
        """Every value that was not there before: headers, the credentials in them, parameters."""
        found: list[str] = []
        for name, value in signed.headers.items():
            if (name, value) not in self._headers and name.lower() != "content-length":
                words = str(value).split()
                found += [str(value), *words[1:]]
        if signed.url != self._url:
            found += _values_added(urlsplit(self._url).query, urlsplit(signed.url or "").query)
        if signed.body != self._body:
            found += _values_added(self._body, signed.body or "")
        return [secret for secret in found if len(secret) >= _SHORTEST_SECRET]


def _values_added(before: str | bytes, after: str | bytes) -> list[str]:
    before, after = _as_str(before), _as_str(after)
    known = parse_qsl(before) if not after.startswith(before) else []
    added = after.removeprefix(before)
    return [value for name, value in parse_qsl(added) if (name, value) not in known]


def _as_str(text: str | bytes) -> str:
    return text if isinstance(text, str) else text.decode("utf-8", "replace")


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
