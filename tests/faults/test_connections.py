"""Kept-alive connections: reused, replaced when they have ended, and never mixing up answers."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from smsmobile import APIError, SendOutcomeUnknown, SentSMS, SMSMobileError

from .raw_server import (
    PATIENT,
    SUCCESS,
    TEXT,
    TO,
    Connection,
    RawServer,
    accepted,
    acknowledge,
    answer,
    close,
    head,
    reset,
    stall,
)

MakeServer = Callable[..., RawServer]
Try = Callable[..., Any]


def test_many_sends_share_one_connection(raw_server: MakeServer, outcome_of: Try) -> None:
    with raw_server((acknowledge,)) as server:
        client = server.client()
        assert [outcome_of(client.sms.send, TO, f"guid-{n}").guid for n in range(50)] == [
            f"guid-{n}" for n in range(50)
        ]
    assert server.connections == 1
    assert server.messages == 50


@pytest.mark.parametrize("refusal", ["400 Bad Request", "403 Forbidden", "404 Not Found"])
def test_a_connection_is_still_good_after_an_error(raw_server: MakeServer, outcome_of: Try, refusal: str) -> None:
    with raw_server((answer({"success": False, "error": "odd"}, refusal),), (acknowledge,)) as server:
        client = server.client()
        assert isinstance(outcome_of(client.sms.send, TO, "first"), APIError)
        assert outcome_of(client.sms.send, TO, "second").guid == "second"
    assert server.connections == 1


@pytest.mark.parametrize("end", [close, reset], ids=lambda step: step.__name__)
def test_a_connection_that_ended_while_idle_is_replaced(
    raw_server: MakeServer, outcome_of: Try, pauses: list[float], end: Callable[[Connection], None]
) -> None:
    read = threading.Event()

    def end_later(connection: Connection) -> None:
        read.wait(PATIENT)
        end(connection)

    with raw_server((acknowledge, end_later), (acknowledge,)) as server:
        client = server.client()
        first = outcome_of(client.sms.send, TO, "first")
        read.set()
        assert server.hung_up.acquire(timeout=PATIENT)
        second = outcome_of(client.sms.send, TO, "second")
    assert (first.guid, second.guid) == ("first", "second")
    assert server.connections == server.messages == 2
    assert pauses == []


@pytest.mark.parametrize("end", [close, reset], ids=lambda step: step.__name__)
def test_a_connection_that_ends_at_any_moment_doubles_nothing(
    raw_server: MakeServer, outcome_of: Try, pauses: list[float], end: Callable[[Connection], None]
) -> None:
    with raw_server((acknowledge, end)) as server:
        client = server.client()
        outcomes = [outcome_of(client.sms.send, TO, f"text-{number}") for number in range(30)]
    assert max(Counter(request.form["message"] for request in server.requests).values()) == 1
    for number, outcome in enumerate(outcomes):
        assert isinstance(outcome, (SentSMS, SendOutcomeUnknown)), repr(outcome)
        assert not isinstance(outcome, SentSMS) or outcome.guid == f"text-{number}"
    assert pauses == []


STALE = answer(accepted("stale"))


@pytest.mark.parametrize(
    "answers",
    [
        answer(accepted("first")) + STALE,
        answer(accepted("first")) + STALE[:-5],
        answer(accepted("first")) + b"\r\n",
        # As much as fits into one buffer, and the second answer behind it, in one piece.
        answer(accepted("first"), "200 OK", "X-Padding: " + "x" * (8192 - 13 - len(answer(accepted("first"))))) + STALE,
        head("200 OK", "Transfer-Encoding: chunked") + b"1a\r\n" + b'{"success":true,"id":"first"}'[:26] + b"\r\n",
        head("103 Early Hints") + answer(accepted("first")),
        head("204 No Content") + STALE,
    ],
    ids=["twice", "one and a half", "a line break", "a buffer full", "half a chunked one", "early hints", "none"],
)
def test_what_comes_behind_an_answer_is_never_the_answer_to_the_next_send(
    raw_server: MakeServer, outcome_of: Try, pauses: list[float], answers: bytes
) -> None:
    with raw_server((answers,), (acknowledge,)) as server:
        client = server.client(1.0)
        first = outcome_of(client.sms.send, TO, "first")
        second = outcome_of(client.sms.send, TO, "second")
    assert isinstance(first, SendOutcomeUnknown) or first.guid == "first"
    assert second.guid == "second"
    assert server.connections == server.messages == 2
    assert pauses == []


def test_an_answer_that_comes_unasked_is_never_the_answer_to_the_next_send(
    raw_server: MakeServer, outcome_of: Try
) -> None:
    said = threading.Event()
    with raw_server((acknowledge, STALE, lambda _: said.set()), (acknowledge,)) as server:
        client = server.client()
        outcome_of(client.sms.send, TO, "first")
        assert said.wait(PATIENT)
        assert outcome_of(client.sms.send, TO, "second").guid == "second"
    assert server.messages == 2


def test_an_answer_that_comes_too_late_is_never_the_answer_to_the_next_send(
    raw_server: MakeServer, outcome_of: Try
) -> None:
    with raw_server((stall,), (acknowledge,)) as server:
        client = server.client(1.0)
        assert isinstance(outcome_of(client.sms.send, TO, "first"), SendOutcomeUnknown)
        assert outcome_of(client.sms.send, TO, "second").guid == "second"
    assert server.connections == 2


def test_threads_that_share_a_client_in_bad_weather_get_their_own_answers_and_double_nothing(
    raw_server: MakeServer, pauses: list[float]
) -> None:
    dice = random.Random(20260923)
    lock = threading.Lock()

    def weather(connection: Connection) -> None:
        with lock:
            luck = dice.random()
        if luck < 0.6:
            acknowledge(connection)
        elif luck < 0.7:
            reset(connection)
        elif luck < 0.8:
            close(connection)
        elif luck < 0.9:
            connection.send(SUCCESS[:-9])
            close(connection)
        else:
            connection.send(answer(b"<h1>Bad Gateway</h1>", "502 Bad Gateway"))

    with raw_server((weather,)) as server:
        client = server.client(max_retries=3)

        def send(text: str) -> object:
            try:
                return client.sms.send(TO, text).guid
            except SMSMobileError as error:
                return error

        texts = [f"text-{number}" for number in range(200)]
        with ThreadPoolExecutor(8) as threads:
            outcomes = dict(zip(texts, threads.map(send, texts), strict=True))
    arrived = Counter(request.form["message"] for request in server.requests)
    assert set(arrived.values()) == {1}
    assert set(arrived) == set(texts)
    for text, outcome in outcomes.items():
        assert outcome == text or isinstance(outcome, SendOutcomeUnknown), repr(outcome)
    assert pauses == []


def test_closing_a_client_hangs_up_even_while_an_error_is_kept(raw_server: MakeServer, outcome_of: Try) -> None:
    with raw_server((answer({"success": False, "error": "odd"}, "400 Bad Request"),)) as server:
        client = server.client()
        kept = outcome_of(client.sms.send, TO, TEXT)
        client.close()
        assert server.has_no_connection(within=PATIENT / 2)
    assert isinstance(kept, APIError)
