"""What a claim is told, decided without a store. What each journal makes of it is tested in tests/stores."""

from __future__ import annotations

import pytest

from smsmobile.delivery._claiming import Claiming, Record
from smsmobile.delivery.journals import ClaimState, JournalEntry, SendStatus

LEASE = 60.0
ENTRY = JournalEntry("key", "33639980011", "fingerprint", "text", "look", 1.0, 1.0, "token")


def over() -> float:
    return 0.0


def lasting() -> float:
    return 7.0


def never_asked() -> float:
    raise AssertionError("a lease that does not matter was asked for")


def test_a_lease_is_asked_for_only_if_the_message_is_in_the_way() -> None:
    records = [
        Record(ENTRY._replace(key="decided", outcome=SendStatus.SENT), True, never_asked),
        Record(ENTRY._replace(key="another look", look="another"), True, never_asked),
        Record(ENTRY._replace(key="another number", number="33639980012"), True, never_asked),
    ]
    claiming = Claiming(records, lease=LEASE)
    answers = claiming.claim([ENTRY, ENTRY._replace(key="decided")])
    assert [answer.state for answer in answers] == [ClaimState.NEW, ClaimState.DONE]
    assert (claiming.added, claiming.renewed, claiming.removed) == ([ENTRY], [], [])


def test_a_later_claim_of_a_batch_sees_an_earlier_one() -> None:
    twin = ENTRY._replace(key="twin", token="another")
    answers = Claiming([], lease=LEASE).claim([ENTRY, twin])
    assert (answers[1].state, answers[1].entry, answers[1].retry_after) == (ClaimState.BUSY, ENTRY, LEASE)


def test_one_of_a_batch_looks_an_abandoned_message_up_and_the_others_wait() -> None:
    started = ENTRY._replace(key="started", token="of the dead")
    claiming = Claiming([Record(started, True, over)], lease=LEASE)
    answers = claiming.claim([ENTRY, ENTRY._replace(key="twin")])
    assert [answer.state for answer in answers] == [ClaimState.ABANDONED, ClaimState.BUSY]
    assert (claiming.added, claiming.renewed, claiming.removed) == ([], [started], [])


def test_a_planned_message_whose_lease_is_over_makes_room() -> None:
    planned = ENTRY._replace(token="of the dead")
    claiming = Claiming([Record(planned, False, over)], lease=LEASE)
    assert claiming.claim([ENTRY])[0].state is ClaimState.NEW
    assert (claiming.added, claiming.renewed, claiming.removed) == ([ENTRY], [], [planned])


@pytest.mark.parametrize(
    ("repeated", "is_started", "state"),
    [
        (True, False, ClaimState.NEW),
        (True, True, ClaimState.BUSY),
        (False, False, ClaimState.BUSY),
    ],
)
def test_a_batch_that_is_repeated_finds_its_own_claims(repeated: bool, is_started: bool, state: ClaimState) -> None:
    claiming = Claiming([Record(ENTRY, is_started, lasting)], lease=LEASE, repeated=repeated)
    assert claiming.claim([ENTRY])[0].state is state
    assert claiming.added == []
