"""Keeps query strings out of urllib3's log records: the key on a GET, the phone number, the words searched for."""

from __future__ import annotations

import logging
import re

from .._redaction import MASK
from .departure import request_of_this_call


class _QueryStringFilter(logging.Filter):
    """In our calls, no record of urllib3 carries a query string, or the text of an exception.

    urllib3 prints the whole address at DEBUG, on a retry at WARNING, and what it cannot read of an answer: that may be
    an echo of the request.
    """

    _QUERY = re.compile(r"\?[^\s'\"<>]+")

    def filter(self, record: logging.LogRecord) -> bool:
        if request_of_this_call.get() is not None:
            if isinstance(record.args, tuple):
                record.args = tuple(
                    type(value).__name__ if isinstance(value, BaseException) else value for value in record.args
                )
            record.msg = self._QUERY.sub(f"?{MASK}", record.getMessage())
            record.args = ()
            record.exc_info = record.exc_text = record.stack_info = None
        return True


_FILTER = _QueryStringFilter()


def guard_http_logs() -> None:
    """Put the filter on every logger of urllib3. Calls of other code in the process are left as they are."""
    for name in list(logging.root.manager.loggerDict):
        if name == "urllib3" or name.startswith("urllib3."):
            logging.getLogger(name).addFilter(_FILTER)
