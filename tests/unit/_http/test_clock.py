"""The service's clock: how far it is ahead of ours, by the `Date` of its last answer."""

from __future__ import annotations

import pytest

from smsmobile._http.clock import clock_offset


def test_it_is_read_from_the_date_of_an_answer(subtests: pytest.Subtests) -> None:
    for date, offset in [
        ("Fri, 20 Mar 2026 21:07:44 GMT", 0.0),
        ("Fri, 20 Mar 2026 23:07:44 GMT", 7200.0),
        ("Fri, 20 Mar 2026 21:07:34 -0000", -10.0),
        ("Fri, 20 Mar 2026 22:07:44 +0100", 0.0),
        ("yesterday", None),
        ("Fri, 99 Mar 2026 21:07:44 GMT", None),
        ("", None),
    ]:
        with subtests.test(date=date):
            assert clock_offset({"Date": date}, 1774040864.0) == offset


def test_an_answer_without_a_date_does_not_say_it() -> None:
    assert clock_offset({}, 1774040864.0) is None
