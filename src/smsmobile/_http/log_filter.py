"""Keeps query strings out of urllib3's log records: the key on a GET, the phone number, the words searched for."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from .._redaction import MASK

_in_our_call: ContextVar[bool] = ContextVar("smsmobile_in_our_call", default=False)


@contextmanager
def quiet_http_logs() -> Iterator[None]:
    """Within this block, what urllib3 logs on this thread carries no query string.

    urllib3 prints the whole address at DEBUG, and on a retry at WARNING.
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
