"""What every journal promises: a test for each sentence of `smsmobile.delivery.Journal`.

A test module derives a class from `JournalRules` for its journal, and gives it a fixture `journals`.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from typing import Any, Protocol

import pytest

from smsmobile.delivery import ClaimState, Journal, JournalEntry, MessageClaim, SendStatus

from .journal_machine import LEASE, check_against_the_model

NEW, BUSY, ABANDONED, DONE = ClaimState.NEW, ClaimState.BUSY, ClaimState.ABANDONED, ClaimState.DONE
SENT, REFUSED, UNKNOWN = SendStatus.SENT, SendStatus.REFUSED, SendStatus.UNKNOWN
SUPPRESSED, EXPIRED = SendStatus.SUPPRESSED, SendStatus.EXPIRED
NUMBER, OTHER_NUMBER = "33639985678", "33639985432"
ODD_TEXTS = (
    "café ☎ 电话 \U0001f642",
    "e\u0301 is not \u00e9",
    "\u202e\u200f \ufeff \x85\u2028",
    "half of a pair \ud83d",
    "\udc80",
    """it's "quoted" `so` \\' \\""",
    "'; DROP TABLE messages; --",
    "%s {0} :key $1 ? * [a-z] ${x}",
    "a\tb\x01\x7f",
    " ",
    "UPPER",
    "upper",
    "K" * 1000,
)

_tokens = map("token {}".format, itertools.count())


class Journals(Protocol):
    """What the fixture `journals` gives: an empty place for a journal, which several share."""

    def journal(self) -> Journal:
        """A journal on this place with a lease of `LEASE` seconds: another object each time, if that is possible."""
        ...

    def let_pass(self, seconds: float) -> None:
        """Let the clock of the leases go on.

        Where that clock cannot be set, make the recorded times earlier, rather than to wait: then nothing depends on
        how fast a test runs. What is not in flight does not change.
        """
        ...

    def clear(self) -> None:
        """Remove all messages."""
        ...


def entry(key: str, number: str = NUMBER, *, at: float = 1000.0, until: float = 0.0, **fields: Any) -> JournalEntry:
    """A message to be claimed. It looks like no message with another key, and has a token of its own."""
    fields = {"look": f"look of {key}", "token": next(_tokens), **fields}
    return JournalEntry(key, number, f"print of {key}", "text", attempted_at=at, until=until or at, **fields)


def claimed(journal: Journal, key: str, *args: Any, **fields: Any) -> JournalEntry:
    """A message that is planned now."""
    (answer,) = journal.claim([entry(key, *args, **fields)])
    assert answer.state is NEW
    return answer.entry


def started(journal: Journal, key: str, *args: Any, at: float = 2000.0, **fields: Any) -> JournalEntry:
    """A message that is started now."""
    planned = claimed(journal, key, *args, **fields)
    assert journal.start(planned, at)
    return planned._replace(attempted_at=at, until=max(planned.until, at))


def settled(journal: Journal, key: str, outcome: SendStatus, *args: Any, **fields: Any) -> JournalEntry:
    """A message that has an outcome now."""
    details = {name: fields.pop(name, None) for name in ("guid", "reason")}
    sent = started(journal, key, *args, **fields)
    assert journal.settle(sent, outcome, **details)
    return sent._replace(outcome=outcome, **details)


def kept_back(journal: Journal, key: str, outcome: SendStatus = SUPPRESSED, *args: Any, **fields: Any) -> JournalEntry:
    """A message that a rule has kept back now."""
    planned = claimed(journal, key, *args, **fields)
    assert journal.keep_back(planned, outcome, "a rule")
    return planned._replace(outcome=outcome, reason="a rule")


def ask(journal: Journal, key: str, *args: Any, **fields: Any) -> MessageClaim:
    """The answer to one claim."""
    (answer,) = journal.claim([entry(key, *args, **fields)])
    return answer


def states(answers: list[MessageClaim]) -> list[ClaimState]:
    return [answer.state for answer in answers]


def keys(entries: list[JournalEntry]) -> list[str]:
    return sorted(one.key for one in entries)


class JournalRules:
    """Derive from it, and give it a fixture `journals`."""

    @pytest.fixture
    def journal(self, journals: Journals) -> Journal:
        return journals.journal()

    @pytest.fixture
    def other(self, journals: Journals) -> Journal:
        """The journal of somebody else on the same place."""
        return journals.journal()

    def test_it_is_a_journal(self, journal: Journal) -> None:
        assert isinstance(journal, Journal)

    # --- claims by key --------------------------------------------------------------------------------------

    def test_a_new_message_is_claimed_as_it_was_given(self, journal: Journal) -> None:
        message = entry("a", until=9000.5, look="")
        assert journal.claim([message]) == [MessageClaim(NEW, message)]

    def test_a_claim_of_nothing_has_no_answers(self, journal: Journal) -> None:
        assert journal.claim([]) == []

    def test_the_answers_have_the_order_of_the_messages(self, journal: Journal) -> None:
        done = settled(journal, "m", SENT)
        answers = journal.claim([entry("z"), entry("m"), entry("a")])
        assert [(answer.state, answer.entry.key) for answer in answers] == [(NEW, "z"), (DONE, "m"), (NEW, "a")]
        assert answers[1].entry == done

    def test_a_key_in_flight_is_busy_for_everybody(self, journal: Journal, other: Journal) -> None:
        planned = claimed(journal, "a")
        for who in (journal, other):
            answer = ask(who, "a")
            assert (answer.state, answer.entry) == (BUSY, planned)
        assert journal.start(planned, 2000.0)
        for who in (journal, other):
            answer = ask(who, "a")
            assert (answer.state, answer.entry) == (BUSY, planned._replace(attempted_at=2000.0, until=2000.0))

    def test_busy_says_when_to_ask_again(self, journal: Journal, journals: Journals) -> None:
        claimed(journal, "a")
        assert 0 < ask(journal, "a").retry_after <= LEASE
        journals.let_pass(LEASE / 2)
        assert 0 < ask(journal, "a").retry_after <= LEASE / 2 + 0.01
        assert ask(journal, "b").retry_after == 0.0

    def test_a_key_in_flight_is_busy_for_another_number_as_well(self, journal: Journal) -> None:
        planned = claimed(journal, "a", NUMBER)
        answer = ask(journal, "a", OTHER_NUMBER)
        assert (answer.state, answer.entry) == (BUSY, planned)

    def test_a_key_with_an_outcome_is_done_for_everybody(self, journal: Journal, other: Journal) -> None:
        expected = [
            settled(journal, "sent", SENT, guid="g"),
            settled(journal, "without a guid", SENT),
            settled(journal, "refused", REFUSED, reason="why"),
            settled(journal, "unknown", UNKNOWN, reason="nobody knows"),
        ]
        for who in (journal, other):
            assert who.claim([entry(one.key) for one in expected]) == [MessageClaim(DONE, one) for one in expected]

    def test_done_does_not_depend_on_the_number_or_on_what_is_in_flight(self, journal: Journal) -> None:
        done = settled(journal, "a", SENT, look="x")
        started(journal, "b", look="x")
        assert ask(journal, "a", look="x") == MessageClaim(DONE, done)
        assert ask(journal, "a", OTHER_NUMBER) == MessageClaim(DONE, done)

    def test_a_key_that_comes_twice_in_one_call_is_claimed_once(self, journal: Journal) -> None:
        first, second = journal.claim([entry("a"), entry("a")])
        assert (first.state, second.state) == (NEW, BUSY)
        assert second.entry == first.entry
        assert journal.start(first.entry, 2000.0)

    def test_many_messages_are_claimed_in_one_call(self, journal: Journal) -> None:
        messages = [entry(f"key {number}", f"3363998{number % 7:04}") for number in range(300)]
        assert journal.claim(messages) == [MessageClaim(NEW, message) for message in messages]
        assert states(journal.claim([entry(one.key, one.number) for one in messages])) == [BUSY] * 300

    # --- claims by look -------------------------------------------------------------------------------------

    def test_two_messages_that_look_alike_are_not_in_flight_at_one_time(self, journal: Journal, other: Journal) -> None:
        planned = claimed(journal, "a", look="x")
        answer = ask(other, "b", look="x")
        assert (answer.state, answer.entry) == (BUSY, planned)
        assert journal.start(planned, 2000.0)
        assert ask(other, "b", look="x").state is BUSY

    def test_they_are_not_claimed_in_one_call_either(self, journal: Journal) -> None:
        answers = journal.claim([entry("a", look="x"), entry("b", look="x"), entry("c", look="y")])
        assert states(answers) == [NEW, BUSY, NEW]
        assert answers[1].entry == answers[0].entry

    @pytest.mark.parametrize("outcome", [SENT, REFUSED, UNKNOWN])
    def test_the_second_follows_when_the_first_has_an_outcome(self, journal: Journal, outcome: SendStatus) -> None:
        settled(journal, "a", outcome, look="x")
        assert ask(journal, "b", look="x").state is NEW

    def test_the_second_follows_when_the_first_is_withdrawn(self, journal: Journal) -> None:
        journal.withdraw([claimed(journal, "a", look="x")])
        assert ask(journal, "b", look="x").state is NEW

    def test_messages_to_another_number_do_not_look_alike(self, journal: Journal) -> None:
        claimed(journal, "a", NUMBER, look="x")
        assert ask(journal, "b", OTHER_NUMBER, look="x").state is NEW
        claimed(journal, "c", NUMBER + "9", look="")
        assert ask(journal, "d", "1" + NUMBER, look="").state is NEW

    @pytest.mark.parametrize(("first", "second"), [("", "x"), ("x", ""), ("", "")])
    def test_the_empty_look_equals_every_other(self, journal: Journal, first: str, second: str) -> None:
        planned = claimed(journal, "a", look=first)
        answer = ask(journal, "b", look=second)
        assert (answer.state, answer.entry) == (BUSY, planned)
        assert ask(journal, "c", OTHER_NUMBER, look=second).state is NEW

    def test_the_empty_look_waits_for_every_other(self, journal: Journal) -> None:
        ended = [settled(journal, f"ended {number}", SENT, look="x") for number in range(3)]
        flying = {look: claimed(journal, look, look=look) for look in "xyz"}
        for _ in "xyz":
            answer = ask(journal, "encrypted", look="")
            assert answer.state is BUSY
            journal.withdraw([flying.pop(answer.entry.look)])
        assert ask(journal, "encrypted", look="").state is NEW
        assert len(ended) == 3

    def test_one_that_is_over_does_not_hide_another_that_is_not(self, journal: Journal) -> None:
        for over, busy in (("1", "2"), ("4", "3")):
            journal.release([claimed(journal, over, look=over)])
            planned = claimed(journal, busy, look=busy)
            answer = ask(journal, "encrypted", look="")
            assert (answer.state, answer.entry) == (BUSY, planned)
            journal.withdraw([planned])

    def test_a_message_waits_for_its_own_key_and_for_its_twin(self, journal: Journal) -> None:
        own, twin = claimed(journal, "a", OTHER_NUMBER), claimed(journal, "b", NUMBER, look="x")
        journal.release([own])
        answer = ask(journal, "a", NUMBER, look="x")
        assert (answer.state, answer.entry) == (BUSY, twin)

    # --- leases ---------------------------------------------------------------------------------------------

    def test_a_planned_message_is_free_again_when_its_lease_is_over(
        self, journal: Journal, other: Journal, journals: Journals
    ) -> None:
        old = claimed(journal, "a")
        journals.let_pass(LEASE)
        new = claimed(other, "a", OTHER_NUMBER)
        assert not journal.start(old, 2000.0)
        assert other.start(new, 2000.0)

    def test_a_planned_twin_whose_lease_is_over_makes_way(self, journal: Journal, journals: Journals) -> None:
        old = claimed(journal, "a", look="x")
        journals.let_pass(LEASE)
        claimed(journal, "b", look="x")
        assert not journal.start(old, 2000.0)
        assert ask(journal, "a", look="y").state is NEW

    def test_a_lease_that_nobody_noticed_to_be_over_does_no_harm(self, journal: Journal, journals: Journals) -> None:
        planned = claimed(journal, "a")
        journals.let_pass(LEASE)
        assert journal.start(planned, 2000.0)
        assert ask(journal, "a").state is BUSY

    def test_a_started_message_whose_lease_is_over_is_abandoned_for_one_who_asks(
        self, journal: Journal, other: Journal, journals: Journals
    ) -> None:
        flying = started(journal, "a")
        journals.let_pass(LEASE)
        assert ask(other, "a") == MessageClaim(ABANDONED, flying)
        again = ask(journal, "a")
        assert (again.state, again.entry) == (BUSY, flying)
        journals.let_pass(LEASE)
        assert ask(journal, "a") == MessageClaim(ABANDONED, flying)

    def test_a_started_twin_whose_lease_is_over_is_abandoned(self, journal: Journal, journals: Journals) -> None:
        flying = started(journal, "a", look="x")
        journals.let_pass(LEASE)
        assert ask(journal, "b", look="x") == MessageClaim(ABANDONED, flying)
        again = ask(journal, "b", look="x")
        assert (again.state, again.entry) == (BUSY, flying)
        assert ask(journal, "a", look="x").state is BUSY

    def test_one_call_says_once_that_a_message_is_abandoned(self, journal: Journal, journals: Journals) -> None:
        started(journal, "a", look="x")
        journals.let_pass(LEASE)
        answers = journal.claim([entry("a", look="x"), entry("b", look="x"), entry("c", look="")])
        assert states(answers) == [ABANDONED, BUSY, BUSY]

    def test_whoever_looked_an_abandoned_message_up_settles_it(
        self, journal: Journal, other: Journal, journals: Journals
    ) -> None:
        flying = started(journal, "a")
        journals.let_pass(LEASE)
        found = ask(other, "a").entry
        assert other.settle(found, SENT, guid="g")
        assert not journal.settle(flying, UNKNOWN)
        assert ask(journal, "a") == MessageClaim(DONE, flying._replace(outcome=SENT, guid="g"))

    def test_a_start_begins_the_lease_anew(self, journal: Journal, journals: Journals) -> None:
        planned = claimed(journal, "a")
        journals.let_pass(LEASE * 0.75)
        assert journal.start(planned, 2000.0)
        journals.let_pass(LEASE * 0.75)
        assert ask(journal, "a").state is BUSY
        journals.let_pass(LEASE * 0.25)
        assert ask(journal, "a").state is ABANDONED

    def test_a_renewed_lease_begins_anew(self, journal: Journal, other: Journal, journals: Journals) -> None:
        planned, flying = claimed(journal, "planned"), started(journal, "started")
        for _ in range(3):
            journals.let_pass(LEASE * 0.75)
            journal.renew([planned, flying])
            assert states(other.claim([entry("planned"), entry("started")])) == [BUSY, BUSY]
        journals.let_pass(LEASE)
        assert states(other.claim([entry("planned"), entry("started")])) == [NEW, ABANDONED]

    def test_a_released_lease_is_over(self, journal: Journal, other: Journal) -> None:
        planned, flying, kept = claimed(journal, "planned"), started(journal, "started"), claimed(journal, "kept")
        journal.release([planned, flying])
        assert states(other.claim([entry("planned"), entry("started"), entry("kept")])) == [NEW, ABANDONED, BUSY]
        assert not journal.start(planned, 2000.0)
        assert journal.start(kept, 2000.0)

    def test_the_lease_of_one_does_not_end_with_that_of_another(self, journal: Journal, journals: Journals) -> None:
        claimed(journal, "a")
        journals.let_pass(LEASE / 2)
        claimed(journal, "b")
        journals.let_pass(LEASE / 2)
        assert states(journal.claim([entry("a"), entry("b")])) == [NEW, BUSY]

    def test_the_senders_clock_does_not_count_for_leases(self, journal: Journal, journals: Journals) -> None:
        for key, at in (("past", 0.0), ("future", 4e9)):
            started(journal, key, at=at, until=at)
            assert ask(journal, key).state is BUSY
        journals.let_pass(LEASE)
        assert states(journal.claim([entry("past"), entry("future")])) == [ABANDONED, ABANDONED]

    # --- starting and settling ------------------------------------------------------------------------------

    def test_a_message_starts_once(self, journal: Journal, other: Journal) -> None:
        planned = claimed(journal, "a")
        assert journal.start(planned, 2000.0)
        assert not other.start(planned, 3000.0)
        assert ask(journal, "a").entry.attempted_at == 2000.0

    def test_what_was_never_claimed_cannot_start_or_be_settled(self, journal: Journal) -> None:
        assert not journal.start(entry("a"), 2000.0)
        assert not journal.settle(entry("a"), SENT)
        assert ask(journal, "a").state is NEW

    @pytest.mark.parametrize(("planned", "expected"), [(0.0, 2000.25), (2000.0, 2000.25), (9000.5, 9000.5)])
    def test_the_start_is_the_attempt_and_the_end_of_what_is_not_scheduled(
        self, journal: Journal, planned: float, expected: float
    ) -> None:
        assert journal.start(claimed(journal, "a", until=planned), 2000.25)
        found = ask(journal, "a").entry
        assert (found.attempted_at, found.until) == (2000.25, expected)

    def test_a_planned_message_cannot_be_settled(self, journal: Journal) -> None:
        planned = claimed(journal, "a")
        assert not journal.settle(planned, SENT)
        assert journal.start(planned, 2000.0)

    def test_unknown_can_become_sent_or_refused(self, journal: Journal) -> None:
        sent = settled(journal, "sent", UNKNOWN, reason="not in the log")
        assert journal.settle(sent, SENT, guid="g")
        refused = settled(journal, "refused", UNKNOWN)
        assert journal.settle(refused, REFUSED, reason="why")
        assert ask(journal, "sent").entry == sent._replace(outcome=SENT, guid="g", reason=None)
        assert ask(journal, "refused").entry == refused._replace(outcome=REFUSED, reason="why")
        assert journal.unknown() == []

    @pytest.mark.parametrize("first", [SENT, REFUSED])
    @pytest.mark.parametrize("second", [SENT, REFUSED, UNKNOWN])
    def test_sent_and_refused_are_final(self, journal: Journal, first: SendStatus, second: SendStatus) -> None:
        done = settled(journal, "a", first, guid="g", reason="r")
        assert not journal.settle(done, second, guid="h", reason="s")
        assert ask(journal, "a") == MessageClaim(DONE, done)

    def test_unknown_is_recorded_once(self, journal: Journal) -> None:
        unknown = settled(journal, "a", UNKNOWN, reason="first")
        assert not journal.settle(unknown, UNKNOWN, reason="second")
        assert journal.unknown() == [unknown]

    def test_a_message_with_an_outcome_cannot_start_again(self, journal: Journal) -> None:
        for outcome in (SENT, REFUSED, UNKNOWN):
            assert not journal.start(settled(journal, outcome.value, outcome), 3000.0)

    def test_the_lease_of_a_message_with_an_outcome_does_not_count(self, journal: Journal, journals: Journals) -> None:
        done = [settled(journal, outcome.value, outcome) for outcome in (SENT, REFUSED, UNKNOWN)]
        journal.release(done)
        journals.let_pass(10 * LEASE)
        assert [answer.entry for answer in journal.claim([entry(one.key) for one in done])] == done
        assert journal.abandoned(10) == []
        journal.renew(done)
        assert ask(journal, "b", look="").state is NEW

    # --- messages that are kept back ------------------------------------------------------------------------

    @pytest.mark.parametrize("outcome", [SUPPRESSED, EXPIRED])
    def test_a_message_that_is_kept_back_has_that_outcome(
        self, journal: Journal, other: Journal, outcome: SendStatus
    ) -> None:
        planned = claimed(journal, "a", until=9000.5)
        assert other.keep_back(planned, outcome, "why")
        assert journal.get("a") == planned._replace(outcome=outcome, reason="why")

    @pytest.mark.parametrize("outcome", [SUPPRESSED, EXPIRED])
    def test_a_message_that_was_kept_back_can_be_claimed_again(
        self, journal: Journal, other: Journal, outcome: SendStatus
    ) -> None:
        old = kept_back(journal, "a", outcome, until=9000.0)
        new = entry("a", at=1500.0)
        assert other.claim([new]) == [MessageClaim(NEW, new)]
        assert other.get("a") == new
        assert not journal.start(old, 2000.0)
        assert other.start(new, 2000.0)
        assert other.settle(new, SENT, guid="g")
        expected = new._replace(attempted_at=2000.0, until=2000.0, outcome=SENT, guid="g")
        assert ask(journal, "a") == MessageClaim(DONE, expected)

    def test_it_can_be_claimed_under_another_number(self, journal: Journal) -> None:
        old = kept_back(journal, "a", SUPPRESSED, NUMBER)
        new = started(journal, "a", OTHER_NUMBER)
        assert keys(journal.without_guid(NUMBER, 0.0)) == []
        assert journal.without_guid(OTHER_NUMBER, 0.0) == [new]
        assert list(journal.entries()) == [new]
        assert not journal.keep_back(old, EXPIRED, "too late")

    def test_a_key_that_comes_twice_in_one_call_is_taken_up_again_once(self, journal: Journal) -> None:
        kept_back(journal, "a")
        first, second = journal.claim([entry("a", OTHER_NUMBER), entry("a")])
        assert (first.state, second.state) == (NEW, BUSY)
        assert second.entry == first.entry
        assert journal.start(first.entry, 2000.0)

    def test_it_waits_for_its_twin_as_others_do_and_stays_recorded_until_then(
        self, journal: Journal, journals: Journals
    ) -> None:
        kept = kept_back(journal, "a", look="x")
        twin = started(journal, "b", look="x")
        answer = ask(journal, "a", look="x")
        assert (answer.state, answer.entry) == (BUSY, twin)
        assert journal.get("a") == kept
        journals.let_pass(LEASE)
        assert ask(journal, "a", look="x") == MessageClaim(ABANDONED, twin)
        assert journal.get("a") == kept
        assert journal.settle(twin, SENT, guid="g")
        assert ask(journal, "a", look="x").state is NEW

    def test_it_is_in_nobodys_way(self, journal: Journal, journals: Journals) -> None:
        kept = kept_back(journal, "a", look="x")
        assert ask(journal, "b", look="x").state is NEW
        assert ask(journal, "c", OTHER_NUMBER, look="").state is NEW
        journals.let_pass(LEASE)
        assert journal.abandoned(10) == []
        assert journal.get("a") == kept

    def test_it_claims_no_row_of_the_sent_log(self, journal: Journal) -> None:
        kept_back(journal, "a", SUPPRESSED, at=2000.0, until=9000.0)
        kept_back(journal, "b", EXPIRED, at=2000.0, until=9000.0)
        assert journal.without_guid(NUMBER, 0.0) == []
        assert journal.unknown() == []
        assert not journal.has(NUMBER, "")

    @pytest.mark.parametrize("state", ["started", "unknown", "sent", "withdrawn", "claimed by another"])
    def test_only_a_planned_message_can_be_kept_back(self, journal: Journal, journals: Journals, state: str) -> None:
        planned = claimed(journal, "a")
        if state == "withdrawn":
            journal.withdraw([planned])
        elif state == "claimed by another":
            journals.let_pass(LEASE)
            claimed(journal, "a")
        else:
            assert journal.start(planned, 2000.0)
            assert state == "started" or journal.settle(planned, SendStatus(state))
        before = journal.get("a")
        assert not journal.keep_back(planned, SUPPRESSED, "why")
        assert journal.get("a") == before

    def test_it_is_kept_back_once(self, journal: Journal) -> None:
        kept = kept_back(journal, "a", SUPPRESSED)
        assert not journal.keep_back(kept, EXPIRED, "second")
        assert not journal.keep_back(kept, SUPPRESSED, "second")
        assert journal.get("a") == kept

    def test_its_claim_is_over(self, journal: Journal) -> None:
        kept = kept_back(journal, "a")
        assert not journal.start(kept, 2000.0)
        assert not any(journal.settle(kept, outcome) for outcome in (SENT, REFUSED, UNKNOWN))
        for step in (journal.renew, journal.release, journal.withdraw):
            step([kept])
        assert journal.get("a") == kept

    def test_it_can_be_forgotten(self, journal: Journal, other: Journal) -> None:
        kept_back(journal, "a")
        assert other.forget("a")
        assert journal.get("a") is None
        assert not journal.forget("a")
        assert ask(journal, "a").state is NEW

    def test_it_can_be_kept_back_again_and_again(self, journal: Journal) -> None:
        for outcome in (SUPPRESSED, EXPIRED, SUPPRESSED):
            assert journal.get("a") != (kept := kept_back(journal, "a", outcome))
            assert journal.get("a") == kept
        assert list(journal.entries()) == [kept]

    # --- reading --------------------------------------------------------------------------------------------

    def test_a_message_is_read_by_its_key_whatever_its_state(self, journal: Journal, other: Journal) -> None:
        expected = [
            claimed(journal, "planned", until=9000.5),
            started(journal, "started", "33639985000", look=""),
            settled(journal, "sent", SENT, guid="g"),
            settled(journal, "refused", REFUSED, OTHER_NUMBER, reason="why"),
            settled(journal, "unknown", UNKNOWN),
            kept_back(journal, "suppressed", SUPPRESSED),
            kept_back(journal, "expired", EXPIRED),
        ]
        for message in expected:
            assert other.get(message.key) == message
        assert sorted(other.entries()) == sorted(expected)

    def test_a_key_that_is_not_there_has_no_message(self, journal: Journal) -> None:
        assert journal.get("a") is None
        assert list(journal.entries()) == []
        journal.withdraw([claimed(journal, "a")])
        assert journal.get("a") is None
        assert list(journal.entries()) == []

    def test_of_many_messages_each_is_read_once(self, journal: Journal) -> None:
        messages = [entry(f"key {number}", f"3363998{number % 7:04}") for number in range(1501)]
        journal.claim(messages)
        assert sorted(journal.entries()) == sorted(messages)

    def test_while_they_are_read_others_come_and_go_and_change(self, journal: Journal, other: Journal) -> None:
        """A message that is there all the time comes once, also if it was kept back and is claimed again."""
        messages = [entry(f"key {number:04}") for number in range(600)]
        journal.claim(messages)
        kept = [messages[number] for number in (0, 1, 300, 598, 599)]
        for message in kept:
            assert journal.keep_back(message, EXPIRED, "a rule")
        read = journal.entries()
        seen = [next(read)]
        other.claim([entry(message.key, OTHER_NUMBER) for message in kept])
        other.claim([entry("a new one"), entry("z new one")])
        assert other.start(messages[2], 2000.0)
        seen += read
        assert [key for key in keys(seen) if key.startswith("key")] == keys(messages)

    def test_a_reader_that_stops_keeps_nothing_locked(self, journal: Journal, other: Journal) -> None:
        journal.claim([entry(f"key {number}") for number in range(600)])
        read = journal.entries()
        next(read)
        assert other.start(claimed(other, "another"), 2000.0)
        assert other.get("another") is not None

    # --- tokens ---------------------------------------------------------------------------------------------

    @pytest.mark.parametrize("state", ["planned", "started", "unknown"])
    def test_an_old_token_does_nothing(self, journal: Journal, other: Journal, journals: Journals, state: str) -> None:
        """Its owner was delayed past its lease, and somebody else has the claim now."""
        old = claimed(journal, "a")
        journals.let_pass(LEASE)
        new = claimed(other, "a")
        if state != "planned":
            assert other.start(new, 2000.0)
        if state == "unknown":
            assert other.settle(new, UNKNOWN)
        before = ask(other, "a").entry

        assert not journal.start(old, 3000.0)
        assert not journal.settle(old, SENT, guid="g")
        journal.withdraw([old])
        journal.release([old])
        journals.let_pass(LEASE / 2)
        journal.renew([old])
        assert ask(other, "a").entry == before
        assert ask(other, "a").retry_after <= LEASE / 2 + 0.01

    def test_what_others_know_of_a_message_is_its_token_alone(self, journal: Journal) -> None:
        """Who looks an abandoned message up has its entry from the journal; another object, and later times."""
        flying = started(journal, "a")
        old = flying._replace(attempted_at=0.0, until=0.0, look="", fingerprint="")
        assert journal.settle(old, SENT, guid="g")
        assert ask(journal, "a").entry == flying._replace(outcome=SENT, guid="g")

    # --- withdrawing and forgetting -------------------------------------------------------------------------

    def test_what_was_withdrawn_is_as_if_it_had_never_been(self, journal: Journal) -> None:
        messages = [claimed(journal, "planned"), started(journal, "started"), settled(journal, "unknown", UNKNOWN)]
        journal.withdraw(messages)
        assert journal.unknown() == []
        assert journal.without_guid(NUMBER, 0.0) == []
        assert journal.claim(again := [entry(one.key) for one in messages]) == [MessageClaim(NEW, one) for one in again]
        assert not any(journal.start(one, 2000.0) for one in messages)

    def test_sent_and_refused_cannot_be_withdrawn(self, journal: Journal) -> None:
        done = [settled(journal, "sent", SENT, guid="g"), settled(journal, "refused", REFUSED)]
        journal.withdraw(done)
        assert [answer.entry for answer in journal.claim([entry(one.key) for one in done])] == done

    def test_what_is_not_there_is_withdrawn_renewed_and_released_without_an_error(self, journal: Journal) -> None:
        here, gone = claimed(journal, "a"), entry("b")
        for step in (journal.renew, journal.release, journal.withdraw):
            step([])
            step(iter([gone, here]))
        assert states(journal.claim([entry("a"), entry("b")])) == [NEW, NEW]

    @pytest.mark.parametrize("outcome", [SENT, REFUSED, UNKNOWN])
    def test_a_forgotten_message_can_be_sent_again(self, journal: Journal, other: Journal, outcome: SendStatus) -> None:
        done = settled(journal, "a", outcome, guid="g")
        assert other.forget("a")
        assert not other.forget("a")
        assert not journal.has(NUMBER, "g")
        assert not journal.settle(done, SENT)
        assert ask(journal, "a").state is NEW

    def test_what_is_in_flight_cannot_be_forgotten(self, journal: Journal, journals: Journals) -> None:
        flying = started(journal, "started")
        planned = claimed(journal, "planned")
        assert [journal.forget(key) for key in ("planned", "started", "neither")] == [False] * 3
        journals.let_pass(LEASE)
        assert [journal.forget(key) for key in ("planned", "started")] == [False] * 2
        assert journal.start(planned, 2000.0)
        assert journal.settle(flying, SENT)

    # --- what is left to look up ----------------------------------------------------------------------------

    def test_abandoned_messages_are_started_and_their_lease_is_over(
        self, journal: Journal, other: Journal, journals: Journals
    ) -> None:
        claimed(journal, "planned")
        abandoned = started(journal, "started")
        settled(journal, "unknown", UNKNOWN)
        assert journal.abandoned(10) == []
        journals.let_pass(LEASE)
        started(journal, "later")
        assert other.abandoned(10) == [abandoned]

    def test_an_abandoned_message_is_given_to_one(self, journal: Journal, other: Journal, journals: Journals) -> None:
        started(journal, "a")
        journals.let_pass(LEASE)
        assert len(journal.abandoned(10)) == 1
        assert other.abandoned(10) == []
        assert ask(other, "a").state is BUSY
        journals.let_pass(LEASE)
        assert len(other.abandoned(10)) == 1

    def test_of_many_abandoned_messages_each_is_given_once(self, journal: Journal, journals: Journals) -> None:
        for number in range(5):
            started(journal, f"key {number}")
        journals.let_pass(LEASE)
        parts = [journal.abandoned(limit) for limit in (0, 2, 2, 2, 2)]
        assert [len(part) for part in parts] == [0, 2, 2, 1, 0]
        assert keys(list(chain.from_iterable(parts))) == [f"key {number}" for number in range(5)]

    def test_unknown_messages_are_listed_by_the_time_of_their_attempt(self, journal: Journal) -> None:
        settled(journal, "early", UNKNOWN, at=1999.75, until=9000.0)
        settled(journal, "late", UNKNOWN, OTHER_NUMBER, at=2000.0)
        settled(journal, "sent", SENT)
        settled(journal, "refused", REFUSED)
        started(journal, "started")
        claimed(journal, "planned")
        assert keys(journal.unknown()) == ["early", "late"]
        assert keys(journal.unknown(2000.0)) == ["late"]
        assert journal.unknown(2000.25) == []

    def test_a_guid_is_found_among_the_messages_to_its_number(self, journal: Journal, other: Journal) -> None:
        settled(journal, "a", SENT, guid="g")
        settled(journal, "b", UNKNOWN, guid="h")
        settled(journal, "c", SENT)
        started(journal, "d")
        assert [other.has(NUMBER, guid) for guid in ("g", "h", "i", "", "G")] == [True, True, False, False, False]
        assert not other.has(OTHER_NUMBER, "g")
        assert not other.has("", "g")

    def test_messages_that_may_have_a_row_but_no_known_guid(self, journal: Journal) -> None:
        claimed(journal, "planned", until=9000.0)
        started(journal, "started", at=1.0, until=1.0)
        settled(journal, "unknown", UNKNOWN, at=1.0, until=1.0)
        settled(journal, "sent before", SENT, at=1999.75)
        settled(journal, "sent then", SENT, at=2000.0)
        settled(journal, "refused before", REFUSED, at=1999.75)
        settled(journal, "refused then", REFUSED, at=2000.0)
        settled(journal, "scheduled", SENT, at=1.0, until=2000.5)
        settled(journal, "with a guid", SENT, guid="g")
        settled(journal, "unknown with a guid", UNKNOWN, guid="h")
        settled(journal, "another number", SENT, OTHER_NUMBER)
        found = journal.without_guid(NUMBER, 2000.0)
        assert keys(found) == ["refused then", "scheduled", "sent then", "started", "unknown"]
        assert journal.without_guid("", 0.0) == []

    def test_lists_have_whole_entries(self, journal: Journal, other: Journal) -> None:
        unknown = settled(journal, "a", UNKNOWN, until=9000.5, look="", reason="why")
        assert other.unknown() == [unknown]
        assert other.without_guid(NUMBER, 0.0) == [unknown]
        flying = started(journal, "b", until=9000.5)
        journal.release([flying])
        assert other.abandoned(1) == [flying]

    # --- texts ----------------------------------------------------------------------------------------------

    def test_odd_keys_are_keys_of_their_own(self, journal: Journal, other: Journal, subtests: pytest.Subtests) -> None:
        messages = [entry(key) for key in ODD_TEXTS]
        assert journal.claim(messages) == [MessageClaim(NEW, message) for message in messages]
        for message in messages:
            with subtests.test(key=message.key[:40].encode("unicode_escape").decode()):
                assert journal.start(message, 2000.0)
                assert other.settle(message, UNKNOWN, guid="g")
                assert other.settle(message, SENT, guid="g")
                expected = message._replace(attempted_at=2000.0, until=2000.0, outcome=SENT, guid="g")
                assert ask(other, message.key) == MessageClaim(DONE, expected)
                assert other.get(message.key) == expected
                assert [one for one in other.entries() if one.key == message.key] == [expected]
                assert other.forget(message.key)

    def test_every_text_comes_back_as_it_was(self, journal: Journal, subtests: pytest.Subtests) -> None:
        for number, text in enumerate((*ODD_TEXTS, "", "several\nlines\r\nof text\r")):
            with subtests.test(text=text[:40].encode("unicode_escape").decode()):
                key = f"key {number}"
                message = entry(key, look=text, token=f"{text} {number}")._replace(fingerprint=text)
                assert journal.claim([message]) == [MessageClaim(NEW, message)]
                assert journal.start(message, 2000.0)
                assert journal.settle(message, REFUSED, guid=text, reason=text)
                expected = message._replace(attempted_at=2000.0, until=2000.0, outcome=REFUSED, guid=text, reason=text)
                assert ask(journal, key) == MessageClaim(DONE, expected)
                assert journal.has(NUMBER, text)

    def test_every_reason_of_a_rule_comes_back_as_it_was(self, journal: Journal) -> None:
        for number, text in enumerate((*ODD_TEXTS, "")):
            planned = claimed(journal, f"key {number}")
            assert journal.keep_back(planned, EXPIRED, text)
            assert journal.get(planned.key) == planned._replace(outcome=EXPIRED, reason=text)

    def test_odd_looks_are_looks_of_their_own(self, journal: Journal) -> None:
        looks = [text for text in ODD_TEXTS if text]
        assert states(journal.claim([entry(f"{i}", look=look) for i, look in enumerate(looks)])) == [NEW] * len(looks)
        assert states(journal.claim([entry(f"twin {i}", look=look) for i, look in enumerate(looks)])) == [BUSY] * len(
            looks
        )

    @pytest.mark.parametrize("precision", ["text", "text_without_links", "number"])
    def test_every_precision_comes_back(self, journal: Journal, precision: Any) -> None:
        message = entry("a")._replace(precision=precision)
        journal.claim([message])
        assert ask(journal, "a").entry == message

    @pytest.mark.parametrize("moment", [0.0, 0.1, 1e-3 + 1.7e9, 1764537600.123456, 4102444800.0, math.pi])
    def test_every_moment_comes_back_exactly(self, journal: Journal, moment: float) -> None:
        message = claimed(journal, "a", at=moment, until=moment * 1.1)
        assert ask(journal, "a").entry == message
        assert journal.start(message, moment)
        assert ask(journal, "a").entry.attempted_at == moment

    # --- many at one time -----------------------------------------------------------------------------------

    def test_one_of_many_threads_gets_each_message(self, journals: Journals) -> None:
        def claims(journal: Journal) -> Iterator[str]:
            for number in range(20):
                key = f"key {number}"
                (answer,) = journal.claim([entry(key)])
                if answer.state is NEW:
                    assert journal.start(answer.entry, 2000.0)
                    assert journal.settle(answer.entry, SENT)
                    yield key

        users = [journals.journal() for _ in range(4)]
        with ThreadPoolExecutor(8) as pool:
            won = list(pool.map(lambda journal: list(claims(journal)), users * 2))
        assert sorted(chain.from_iterable(won)) == sorted(f"key {number}" for number in range(20))

    def test_twins_of_many_threads_are_in_flight_one_after_another(self, journals: Journals) -> None:
        users = [journals.journal() for _ in range(8)]
        with ThreadPoolExecutor(8) as pool:
            looks = ["x", "", "x", "x", "", "x", "x", "x"]
            claims = [entry(f"key {number}", look=look) for number, look in enumerate(looks)]
            answers = list(pool.map(lambda journal, message: journal.claim([message])[0], users, claims))
        assert sorted(states(answers)) == [BUSY] * 7 + [NEW]

    def test_one_of_many_threads_gets_an_abandoned_message(self, journals: Journals) -> None:
        users = [journals.journal() for _ in range(8)]
        users[0].release([started(users[0], "a")])
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda journal: ask(journal, "a"), users))
        assert sorted(states(answers)) == [ABANDONED] + [BUSY] * 7

    def test_one_of_many_threads_gets_a_message_that_was_kept_back(self, journals: Journals) -> None:
        """Some of them under another number, so that no lock for a number keeps them apart."""
        users = [journals.journal() for _ in range(6)]
        with ThreadPoolExecutor(6) as pool:
            for number in range(10):
                key = f"key {number}"
                kept_back(users[0], key)

                def race(user: int, key: str = key) -> bool:
                    (answer,) = users[user].claim([entry(key, f"3363998567{user % 3}")])
                    return answer.state is NEW and users[user].start(answer.entry, 2000.0 + user)

                won = list(pool.map(race, range(6)))
                assert sorted(won) == [False] * 5 + [True]
                found = users[0].get(key)
                assert found is not None
                assert found.attempted_at == 2000.0 + won.index(True)

    # --- in any order ---------------------------------------------------------------------------------------

    def test_in_any_order_of_steps_it_answers_as_the_model_does(self, journals: Journals) -> None:
        check_against_the_model(journals, examples=5, steps=30)

    @pytest.mark.long
    @pytest.mark.timeout(1200)
    def test_in_many_orders_of_steps_it_answers_as_the_model_does(self, journals: Journals) -> None:
        check_against_the_model(journals, examples=300, steps=80)


class SettableClockRules:
    """For a journal whose clock is that of the machine, which somebody may set back."""

    def test_a_claim_from_the_future_is_over(self, journals: Journals) -> None:
        """Else a clock that was set back by a year would keep messages for a year."""
        journal = journals.journal()
        planned, flying = claimed(journal, "planned"), started(journal, "started")
        journals.let_pass(-10.0)
        assert states(journal.claim([entry("planned"), entry("started")])) == [NEW, ABANDONED]
        assert not journal.start(planned, 2000.0)
        journals.let_pass(-10.0)
        assert journal.abandoned(10) == [flying]
