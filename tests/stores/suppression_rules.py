"""What every suppression list promises: a test for each sentence of `smsmobile.delivery.Suppression`.

A test module derives a class from `SuppressionRules` for its list, and gives it a fixture `suppressions`.
SMSMOBILE_EXAMPLES sets the number of examples.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smsmobile import InvalidRequestError
from smsmobile.delivery import Suppression

NUMBER, OTHER_NUMBER, SHORT_CODE = "33639980011", "12025550123", "36111"
SPELLINGS = (
    "+33639980011",
    "33639980011",
    "+33 6 39 98 00 11",
    "0033639980011",
    "00 33 6-39-98-00-11",
    " +33.6.39.98.00.11 ",
    "+33\u00a06\u00a039\u00a098\u00a000\u00a011",
)
"""All of NUMBER."""
NO_NUMBERS = (
    "",
    "MPESA",
    "0639980011",
    "06 39 98 00 11",
    "33 6 39 98 00 11",
    "(202) 555-0123",
    "+330639980011",
    "000",
    "12",
    "+36111",
    "1" * 16,
    "+33639980011,+12025550123",
    None,
    33639980011,
    b"33639980011",
    ["33639980011"],
)
"""What may be another number than was meant, or none."""
ODD_SOURCES = (
    "café ☎ 电话 \U0001f642",
    "half of a pair \ud83d",
    "nul \x00 and\r\nlines",
    """it's "quoted" `so` \\' \\""",
    "'; DROP TABLE suppressed; --",
    "%s {0} :source $1 ? * [a-z] ${x}",
    "\\n",
    "\n",
    " ",
    "s" * 1000,
    "UPPER",
    "upper",
)


class Suppressions(Protocol):
    """What the fixture `suppressions` gives: an empty place for a list, which several share."""

    def suppression(self) -> Suppression:
        """A list on this place: another object each time, if that is possible."""
        ...

    def clear(self) -> None:
        """Remove all numbers."""
        ...


class SuppressionRules:
    """Derive from it, and give it a fixture `suppressions`."""

    @pytest.fixture
    def suppression(self, suppressions: Suppressions) -> Suppression:
        return suppressions.suppression()

    @pytest.fixture
    def other(self, suppressions: Suppressions) -> Suppression:
        """The list of somebody else on the same place."""
        return suppressions.suppression()

    def test_it_is_a_suppression_list(self, suppression: Suppression) -> None:
        assert isinstance(suppression, Suppression)

    def test_at_first_nobody_is_on_it(self, suppression: Suppression) -> None:
        assert NUMBER not in suppression
        assert list(suppression) == []

    def test_whom_one_adds_is_on_it_for_everybody(self, suppression: Suppression, other: Suppression) -> None:
        assert suppression.add(NUMBER) is True
        assert [NUMBER in suppression, NUMBER in other, OTHER_NUMBER in other] == [True, True, False]
        assert list(other) == [NUMBER]

    def test_whom_one_removes_is_not_on_it_for_anybody(self, suppression: Suppression, other: Suppression) -> None:
        for number in (NUMBER, OTHER_NUMBER):
            suppression.add(number)
        assert other.remove(NUMBER) is True
        assert [NUMBER in suppression, NUMBER in other, OTHER_NUMBER in suppression] == [False, False, True]
        assert list(suppression) == [OTHER_NUMBER]

    def test_who_is_not_on_it_cannot_be_removed(self, suppression: Suppression, other: Suppression) -> None:
        assert suppression.remove(NUMBER) is False
        suppression.add(NUMBER)
        assert [other.remove(NUMBER), suppression.remove(NUMBER)] == [True, False]

    # --- sources --------------------------------------------------------------------------------------------

    def test_who_is_on_it_is_not_added_again(self, suppression: Suppression, other: Suppression) -> None:
        suppression.add(NUMBER)
        assert [suppression.add(NUMBER), other.add(NUMBER), other.add(NUMBER, source="a")] == [False] * 3
        assert list(suppression) == [NUMBER]

    def test_a_message_that_is_handled_twice_adds_its_sender_both_times(
        self, suppression: Suppression, other: Suppression
    ) -> None:
        adds = [suppression.add(NUMBER, source="a"), suppression.add(NUMBER, source="a"), other.add(NUMBER, source="a")]
        assert adds == [True] * 3
        assert list(suppression) == [NUMBER]

    def test_a_later_message_of_the_same_person_adds_nobody(self, suppression: Suppression, other: Suppression) -> None:
        suppression.add(NUMBER, source="a")
        adds = [suppression.add(NUMBER, source="b"), other.add(NUMBER, source="b"), other.add(NUMBER)]
        assert adds == [False] * 3
        assert other.add(NUMBER, source="a") is True, "that of the first message is what counts"

    def test_a_message_may_add_several_people(self, suppression: Suppression) -> None:
        assert [suppression.add(number, source="a") for number in (NUMBER, OTHER_NUMBER)] == [True] * 2

    def test_who_was_removed_can_be_added_again(self, suppression: Suppression, other: Suppression) -> None:
        suppression.add(NUMBER, source="a")
        other.remove(NUMBER)
        assert suppression.add(NUMBER, source="b") is True
        assert [other.add(NUMBER, source="a"), other.add(NUMBER, source="b")] == [False, True]

    def test_odd_sources_are_sources_of_their_own(self, suppression: Suppression, subtests: pytest.Subtests) -> None:
        for source in ODD_SOURCES:
            with subtests.test(source=source[:40].encode("unicode_escape").decode()):
                assert suppression.add(NUMBER, source=source) is True
                others = [suppression.add(NUMBER, source=other) for other in ODD_SOURCES if other != source]
                assert others == [False] * (len(ODD_SOURCES) - 1)
                assert suppression.add(NUMBER, source=source) is True
                suppression.remove(NUMBER)

    @pytest.mark.parametrize("wrong", [None, 7, b"bytes"], ids=repr)
    def test_what_is_no_source_is_refused(self, suppression: Suppression, wrong: object) -> None:
        with pytest.raises(InvalidRequestError, match="source is of type"):
            suppression.add(NUMBER, source=wrong)  # type: ignore[arg-type]
        assert list(suppression) == []

    # --- numbers --------------------------------------------------------------------------------------------

    def test_all_spellings_of_a_number_are_one(self, suppression: Suppression, subtests: pytest.Subtests) -> None:
        for spelling in SPELLINGS:
            with subtests.test(spelling=ascii(spelling)):
                assert suppression.add(spelling) is True
                assert list(suppression) == [NUMBER]
                assert [each for each in SPELLINGS if each not in suppression] == []
                assert suppression.add(NUMBER) is False
                assert suppression.remove(SPELLINGS[0]) is True
                suppression.add(NUMBER)
                assert suppression.remove(spelling) is True
                assert list(suppression) == []

    def test_a_short_code_is_a_number_too(self, suppression: Suppression) -> None:
        assert suppression.add(SHORT_CODE) is True
        assert SHORT_CODE in suppression
        assert f"+{SHORT_CODE}42" not in suppression
        assert list(suppression) == [SHORT_CODE]
        assert suppression.remove(SHORT_CODE) is True

    def test_the_beginning_or_the_end_of_a_number_is_not_that_number(self, suppression: Suppression) -> None:
        suppression.add(NUMBER)
        assert [other for other in (NUMBER[:-1], NUMBER + "0", NUMBER[:5]) if other in suppression] == []

    def test_what_is_no_phone_number_is_refused_without_showing_it(
        self, suppression: Suppression, subtests: pytest.Subtests
    ) -> None:
        for wrong in NO_NUMBERS:
            for step in (suppression.add, suppression.remove, suppression.__contains__):
                with subtests.test(wrong=repr(wrong), step=step.__name__):
                    with pytest.raises(InvalidRequestError) as caught:
                        step(wrong)  # type: ignore[arg-type]
                    assert "9980011" not in str(caught.value)
        assert list(suppression) == []

    def test_its_repr_shows_no_number_and_no_source(self, suppression: Suppression) -> None:
        suppression.add(NUMBER, source="not-to-be-seen")
        assert NUMBER not in repr(suppression)
        assert "not-to-be-seen" not in repr(suppression)

    # --- many -----------------------------------------------------------------------------------------------

    def test_all_numbers_come(self, suppression: Suppression, other: Suppression) -> None:
        numbers = [f"3363998{number:04}" for number in range(40)]
        for number in numbers:
            suppression.add(number)
        assert sorted(other) == numbers

    def test_numbers_may_come_and_go_while_it_is_read(self, suppression: Suppression, other: Suppression) -> None:
        numbers = [f"3363998{number:04}" for number in range(20)]
        for number in numbers:
            suppression.add(number)
        reading = iter(suppression)
        seen = [next(reading)]
        gone = next(number for number in numbers if number not in seen)
        other.remove(gone)
        other.add(OTHER_NUMBER)
        seen += reading
        assert set(numbers) - {gone} <= set(seen) <= {*numbers, OTHER_NUMBER}

    def test_of_many_threads_one_adds_each_number(self, suppressions: Suppressions) -> None:
        users = [suppressions.suppression() for _ in range(4)] * 2
        numbers = [f"3363998{number:04}" for number in range(10)]

        def add(user: int) -> list[str]:
            return [number for number in numbers if users[user].add(number, source=f"message {user}")]

        with ThreadPoolExecutor(8) as pool:
            added = [number for won in pool.map(add, range(8)) for number in won]
        assert sorted(added) == numbers
        assert sorted(users[0]) == numbers

    def test_it_does_what_a_dict_does(self, suppressions: Suppressions) -> None:
        check_against_a_dict(suppressions, examples=20)


_numbers = st.sampled_from([NUMBER, OTHER_NUMBER, SHORT_CODE])
_steps = st.lists(
    st.tuples(
        st.sampled_from(["add", "add", "remove", "ask"]),
        st.integers(0, 1),
        st.tuples(_numbers, st.booleans()),
        st.sampled_from(["", "a", "b"]),
    ),
    max_size=12,
)


def check_against_a_dict(suppressions: Suppressions, *, examples: int) -> None:
    """Two users add, remove and ask in any order; SMSMOBILE_EXAMPLES has the last word on how often."""
    users = [suppressions.suppression(), suppressions.suppression()]

    @settings(
        max_examples=int(os.environ.get("SMSMOBILE_EXAMPLES", examples)),
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(_steps)
    def check(steps: list[tuple[str, int, tuple[str, bool], str]]) -> None:
        suppressions.clear()
        model: dict[str, str] = {}
        for step, user, (number, has_plus), source in steps:
            spelling = f"+{number}" if has_plus and number != SHORT_CODE else number
            if step == "add":
                expected = number not in model or (source != "" and model[number] == source)
                model.setdefault(number, source)
                assert users[user].add(spelling, source=source) is expected
            elif step == "remove":
                assert users[user].remove(spelling) is (model.pop(number, None) is not None)
            else:
                assert (spelling in users[user]) is (number in model)
        assert sorted(users[0]) == sorted(model)

    check()
