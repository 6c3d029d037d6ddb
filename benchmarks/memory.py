"""How much `iter_log` grows while it walks through a thousand pages."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Iterator

from smsmobile import LoggedSMS, SMSMobileClient

from .decoding import rows
from .measure import Result
from .server import PAGE, PAGES, serve


def run() -> Iterator[Result]:
    """One row: growth from page 10 to page 1,000, in pages."""
    page = rows(PAGE)
    with serve() as url, SMSMobileClient(api_key="0123456789abcdef" * 3, base_url=url) as client:
        tracemalloc.start()
        before = _traced()
        models = [LoggedSMS.from_wire(row) for row in page]
        one_page = _traced() - before
        del models
        traced = {
            number: _traced()
            for number, _ in enumerate(client.sms.iter_log(), 1)
            if number in (10 * PAGE, PAGE * PAGES)
        }
        growth = traced[PAGE * PAGES] - traced[10 * PAGE]
        tracemalloc.stop()
    yield Result("iter_log, growth from page 10 to page 1,000", "one page of 100 models", growth / one_page, 1.0)


def _traced() -> int:
    gc.collect()
    return tracemalloc.get_traced_memory()[0]
