"""The assertions: what they accept, and that their failures show what was sent."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from smsmobile.contrib._offline import RecordedSMS, offline_client
from smsmobile.sandbox import Sandbox
from smsmobile.testing import Outbox, assert_nothing_sent, assert_sent

ANN, KIM = "+33639981234", "+33639985678"


@pytest.fixture
def outbox() -> list[RecordedSMS]:
    """Two messages, as the outboxes of Django and Flask have them."""
    recorded: list[RecordedSMS] = []
    with offline_client(recorded.append) as client:
        client.sms.send(ANN, "Your code is 123456")
        client.sms.send(KIM, "Tomorrow at 10:00")
    return recorded


def failure_of(*arguments: object, **options: object) -> str:
    with pytest.raises(AssertionError) as failure:
        assert_sent(*arguments, **options)  # type: ignore[arg-type, type-var]
    return str(failure.value)


def test_the_message_that_fits_is_returned(outbox: list[RecordedSMS]) -> None:
    assert assert_sent(outbox, to=ANN).message[-6:] == "123456"
    assert assert_sent(outbox, contains="10:00") is outbox[1]
    assert assert_sent(outbox, message="Tomorrow at 10:00") is outbox[1]


@pytest.mark.parametrize(
    "to",
    ["+33 6 39 98 12 34", "0033639981234", SimpleNamespace(as_e164=ANN)],
    ids=["spaces", "00", "a PhoneNumber"],
)
def test_a_number_may_be_written_in_another_way(outbox: list[RecordedSMS], to: object) -> None:
    assert assert_sent(outbox, to=to) is outbox[0]


@pytest.mark.parametrize(
    "wanted",
    [
        {"to": "+33639980000"},
        {"message": "Tomorrow"},
        {"contains": "11:00"},
        {"to": ANN, "contains": "10:00"},
        {"to": "123456"},
    ],
)
def test_a_failure_lists_what_was_sent(outbox: list[RecordedSMS], wanted: dict[str, str]) -> None:
    text = failure_of(outbox, **wanted)
    for part in (*wanted.values(), ANN, "Your code is 123456", KIM, "Tomorrow at 10:00"):
        assert part in text


def test_a_failure_says_if_nothing_was_sent() -> None:
    assert "nothing was sent" in failure_of([], to=ANN)


def test_a_message_that_was_sent_twice_is_a_failure(outbox: list[RecordedSMS]) -> None:
    twice = [*outbox, outbox[0]]
    assert "2 of these" in failure_of(twice, to=ANN)
    assert assert_sent(twice, to=ANN, times=2) is outbox[0]


def test_no_message_is_not_counted(outbox: list[RecordedSMS]) -> None:
    with pytest.raises(ValueError, match="assert_nothing_sent"):
        assert_sent(outbox, to="+33639980000", times=0)


def test_nothing_was_sent(outbox: list[RecordedSMS]) -> None:
    assert_nothing_sent([])
    assert_nothing_sent(outbox, to="+33639980000")
    with pytest.raises(AssertionError) as failure:
        assert_nothing_sent(outbox)
    assert "Your code is 123456" in str(failure.value)
    with pytest.raises(AssertionError) as failure:
        assert_nothing_sent(outbox, to=KIM)
    assert "Your code is 123456" not in str(failure.value)


def test_they_take_the_outbox_of_a_sandbox() -> None:
    with Sandbox() as box:
        outbox = Outbox(box)
        assert_nothing_sent(outbox)
        assert_nothing_sent(box.phone.outbox)
        box.phone.send_by_hand(ANN, "not sent through the service")
        assert_nothing_sent(outbox)
