"""Bounded memory, whatever the answer says about its own size."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest

from smsmobile import SendOutcomeUnknown, SMSMobileError, UnexpectedResponse

from .raw_server import LOG, QUICK, TEXT, TO, RawServer, Script, answer, flood, head
from .test_send_once import ENORMOUS, PIECE

MakeServer = Callable[..., RawServer]
Try = Callable[..., Any]
LARGEST_ANSWER = 32 * 1024 * 1024
MARGIN = 48 * 1024 * 1024


@pytest.fixture
def peak() -> Callable[[Callable[[], object]], int]:
    """How much memory Python takes for a call, in bytes."""

    def measure(call: Callable[[], object]) -> int:
        tracemalloc.start()
        try:
            call()
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    return measure


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(script, id=name, marks=[] if name in ("undeclared", "a gzip bomb") else pytest.mark.long)
        for name, script in ENORMOUS.items()
    ],
)
def test_an_answer_without_end_takes_little_more_memory_than_the_largest_one(
    outcome_of: Try, pauses: list[float], peak: Callable[..., int], script: Script
) -> None:
    outcomes: list[object] = []
    with RawServer(script) as server:
        client = server.client(max_retries=3)
        used = peak(lambda: outcomes.append(outcome_of(client.sms.send, TO, TEXT)))
    assert isinstance(outcomes[0], SendOutcomeUnknown), repr(outcomes)
    assert used < LARGEST_ANSWER + MARGIN


@pytest.mark.parametrize(
    "script",
    [
        (head("503 Busy"), flood(PIECE)),
        (head("429 Too Many Requests", f"Content-Length: {10**15}"), flood(PIECE)),
        (head("503 Busy", "Transfer-Encoding: chunked"), b"-1\r\n", flood(PIECE)),
    ],
    ids=["undeclared", "declared", "a negative chunk"],
)
def test_an_endless_answer_that_is_going_to_be_repeated_takes_no_memory(
    outcome_of: Try, pauses: list[float], peak: Callable[..., int], script: Script
) -> None:
    outcomes: list[object] = []
    with RawServer(script) as server:
        client = server.client(QUICK, max_retries=1)
        used = peak(lambda: outcomes.append(outcome_of(client.sms.log)))
    assert isinstance(outcomes[0], SMSMobileError), repr(outcomes)
    assert used < LARGEST_ANSWER + MARGIN
    assert len(server.requests) <= 2


@pytest.mark.parametrize("raw_server", ["https"], indirect=True)
def test_the_largest_answer_is_read_and_one_byte_more_is_not(raw_server: MakeServer, outcome_of: Try) -> None:
    body = LOG.partition(b"\r\n\r\n")[2]
    fits, bursts = body.ljust(LARGEST_ANSWER), body.ljust(LARGEST_ANSWER + 1)
    with raw_server((answer(fits),), (answer(bursts),)) as server:
        client = server.client()
        assert [row.message for row in outcome_of(client.sms.log)] == [TEXT]
        refusal = outcome_of(client.sms.log)
    assert type(refusal) is UnexpectedResponse, repr(refusal)
    assert "32 MiB" in str(refusal)
    assert len(server.requests) == 2
