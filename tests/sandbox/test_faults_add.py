"""Which faults there are, and when one is injected. What it then does: test_faults.py and test_webhook_faults.py."""

from __future__ import annotations

import math
import re
from typing import Any

import pytest

from smsmobile.sandbox import Fault, Faults, Sandbox
from smsmobile.sandbox.fault_kinds import KINDS


@pytest.fixture
def faults() -> Faults:
    return Sandbox().faults


def injections(faults: Faults, kind: str, requests: int, path: str | None = "/sendsms/") -> list[bool]:
    return [faults.inject(kind, path) is not None for _ in range(requests)]


def test_a_new_sandbox_has_none(faults: Faults) -> None:
    assert list(faults) == []
    assert len(faults) == 0
    assert not any(injections(faults, kind, 1)[0] for kind in KINDS)


def test_every_kind_can_be_added_and_is_injected_until_it_is_removed(subtests: pytest.Subtests, faults: Faults) -> None:
    for kind in KINDS:
        with subtests.test(kind=kind):
            fault = faults.add(kind)

            assert injections(faults, kind, 50) == [True] * 50

            faults.remove(fault)
            assert injections(faults, kind, 1) == [False]


def test_only_its_own_kind_is_injected(faults: Faults) -> None:
    faults.add("latency")

    assert [kind for kind in KINDS if faults.inject(kind, "/sendsms/")] == ["latency"]


def test_a_fault_for_some_times_is_then_gone(faults: Faults) -> None:
    faults.add("rate_limited", times=2)

    assert injections(faults, "rate_limited", 4) == [True, True, False, False]
    assert list(faults) == []


def test_how_often_it_was_met_and_injected_is_counted(faults: Faults) -> None:
    faults.add("error_after", probability=0.5, seed=3, times=10)

    injected = injections(faults, "error_after", 8)

    (fault,) = faults
    assert (fault.matched, fault.injected, fault.times) == (8, sum(injected), 10 - sum(injected))


def test_the_times_of_a_fault_count_only_when_it_is_injected(faults: Faults) -> None:
    faults.add("latency", times=3, probability=0.2, seed=1)

    assert sum(injections(faults, "latency", 200)) == 3


def test_the_same_seed_chooses_the_same_requests() -> None:
    one, other = Sandbox().faults, Sandbox().faults
    one.add("reset_after", probability=0.3, seed=7)
    other.add("reset_after", probability=0.3, seed=7)

    course = injections(one, "reset_after", 200)

    assert course == injections(other, "reset_after", 200)
    assert 30 < sum(course) < 90


def test_a_seed_means_the_same_with_every_python(faults: Faults) -> None:
    faults.add("reset_after", probability=0.3, seed=7)

    injected = [number for number, is_injected in enumerate(injections(faults, "reset_after", 20)) if is_injected]

    assert injected == [5, 9, 13, 15, 17, 19]


def test_another_seed_chooses_other_requests() -> None:
    courses = []
    for seed in (1, 2):
        faults = Sandbox().faults
        faults.add("reset_after", probability=0.5, seed=seed)
        courses.append(injections(faults, "reset_after", 100))

    assert courses[0] != courses[1]


@pytest.mark.parametrize(("probability", "injected"), [(0, 0), (0.0, 0), (1, 100), (1.0, 100)])
def test_never_and_always_are_probabilities(faults: Faults, probability: float, injected: int) -> None:
    faults.add("latency", probability=probability)

    assert sum(injections(faults, "latency", 100)) == injected


def test_without_a_seed_it_is_a_matter_of_luck(faults: Faults) -> None:
    faults.add("latency", probability=0.5)

    assert 50 < sum(injections(faults, "latency", 400)) < 350


def test_of_two_faults_of_a_kind_the_first_that_is_injected_counts(faults: Faults) -> None:
    faults.add("error_before", status=501, times=1)
    faults.add("error_before", status=502)

    injected = [faults.inject("error_before", "/sendsms/") for _ in range(3)]

    assert [fault.status for fault in injected if fault] == [501, 502, 502]


def test_a_path_limits_it(faults: Faults) -> None:
    faults.add("latency", path="/getsms/")

    assert injections(faults, "latency", 1, "/sendsms/") == [False]
    assert injections(faults, "latency", 1, "/getsms/") == [True]


def test_a_missing_final_slash_is_forgiven(faults: Faults) -> None:
    assert faults.add("latency", path="/getsms").path == "/getsms/"


def test_a_token_request_gets_a_fault_only_by_name(faults: Faults) -> None:
    faults.add("latency", seconds=1)
    assert injections(faults, "latency", 1, "/oauth2/token") == [False]

    faults.add("latency", seconds=2, path="/oauth2/token")
    injected = faults.inject("latency", "/oauth2/token")
    assert injected is not None
    assert injected.seconds == 2


def test_a_kind_has_its_own_seconds_and_status(subtests: pytest.Subtests, faults: Faults) -> None:
    for kind in KINDS:
        with subtests.test(kind=kind):
            fault = faults.add(kind)

            assert fault.seconds == (KINDS[kind].seconds or 0)
            assert fault.status == KINDS[kind].status


@pytest.mark.parametrize("seconds", [0, 0.5, 3600])
def test_seconds_can_be_chosen(faults: Faults, seconds: float) -> None:
    assert faults.add("latency", seconds=seconds).seconds == seconds


def test_faults_are_listed_oldest_first(faults: Faults) -> None:
    added = [faults.add("latency"), faults.add("no_guid"), faults.add("latency")]

    assert list(faults) == added
    assert len(faults) == 3


def test_a_fault_is_removed_by_itself_or_by_its_id(faults: Faults) -> None:
    one, two, three = (faults.add("latency") for _ in range(3))

    faults.remove(one)
    faults.remove(two.id)
    faults.remove(one)

    assert list(faults) == [three]


def test_a_fault_that_was_injected_since_can_still_be_removed(faults: Faults) -> None:
    fault = faults.add("latency")
    faults.inject("latency", "/sendsms/")

    faults.remove(fault)

    assert list(faults) == []


def test_all_are_removed_at_once(faults: Faults) -> None:
    faults.add("latency")
    faults.add("no_guid")

    faults.clear()

    assert list(faults) == []


def test_a_fault_is_a_value_that_does_not_change(faults: Faults) -> None:
    fault = faults.add("latency", times=2)
    faults.inject("latency", "/sendsms/")

    assert (fault.times, fault.matched, fault.injected) == (2, 0, 0)
    assert isinstance(fault, Fault)


# Changing one


def test_a_changed_fault_keeps_its_id_its_place_its_counts_and_what_was_not_named(faults: Faults) -> None:
    first = faults.add("error_before", status=503, times=9, seed=7, path="/sendsms/")
    other = faults.add("latency")
    assert injections(faults, "error_before", 2) == [True, True]

    changed = faults.change(first, probability=0.5, times=None)

    assert changed == Fault(first.id, "error_before", None, 0.5, 7, "/sendsms/", 0.0, 503, matched=2, injected=2)
    assert list(faults) == [changed, other]


def test_a_seeded_fault_goes_on_in_its_course_when_it_is_changed() -> None:
    one, other = Sandbox().faults, Sandbox().faults
    for faults in (one, other):
        faults.add("reset_after", probability=0.3, seed=7)
    course = injections(one, "reset_after", 50)

    begun = injections(other, "reset_after", 25)
    (fault,) = other
    other.change(fault.id, path="/sendsms")

    assert begun + injections(other, "reset_after", 25) == course


def test_none_gives_a_fault_its_kinds_own_seconds_and_status_again(faults: Faults) -> None:
    late, error = faults.add("latency", seconds=9), faults.add("error_after", status=503)

    assert faults.change(late, seconds=None).seconds == KINDS["latency"].seconds
    assert faults.change(error, status=None).status == KINDS["error_after"].status


def test_a_fault_that_is_gone_cannot_be_changed(faults: Faults) -> None:
    fault = faults.add("latency", times=1)
    faults.inject("latency", "/sendsms/")

    with pytest.raises(LookupError, match=f"There is no fault {fault.id}, or it is over"):
        faults.change(fault, times=2)

    assert list(faults) == []


NOT_NUMBERS: list[Any] = [True, "1", [], {}, math.nan]
WRONG: list[tuple[dict[str, Any], str]] = [
    ({"kind": "explosion"}, "There is no fault 'explosion'. There are: latency, rate_limited, "),
    ({"kind": None}, "There is no fault None."),
    ({"kind": ["latency"]}, "There is no fault ['latency']."),
    *[
        ({"times": times}, f"times is {times!r}; expected a whole number from 1")
        for times in (0, -1, 1.0, *NOT_NUMBERS)
    ],
    *[
        ({"probability": value}, f"probability is {value!r}; expected a number between 0 and 1")
        for value in (-0.1, 1.1, math.inf, None, *NOT_NUMBERS)
    ],
    *[({"seed": seed}, f"seed is {seed!r}; expected a whole number") for seed in (1.5, *NOT_NUMBERS)],
    *[
        ({"seconds": seconds}, f"seconds is {seconds!r}; expected a number between 0 and 3600")
        for seconds in (-1, 3601, math.inf, *NOT_NUMBERS)
    ],
    ({"kind": "reset_before", "seconds": 1}, "reset_before takes no time: leave seconds out."),
    *[
        (
            {"kind": "error_after", "status": status},
            f"status is {status!r}; expected a whole number between 500 and 599",
        )
        for status in (499, 600, 200, 503.0, *NOT_NUMBERS)
    ],
    ({"kind": "latency", "status": 500}, "latency has no status to choose: leave status out."),
    ({"path": "/nowhere/"}, "The service has no path '/nowhere/'. It has: /sendsms/, "),
    ({"path": "sendsms/"}, "The service has no path 'sendsms/'."),
    ({"path": "/"}, "The service has no path '/'."),
    ({"path": "/_sandbox/overview"}, "The service has no path '/_sandbox/overview'."),
    ({"path": 5}, "The service has no path 5."),
    ({"path": ["/sendsms/"]}, "The service has no path ['/sendsms/']."),
    ({"kind": "webhook_late", "path": "/sendsms/"}, "webhook_late is about webhooks, not about a path"),
]


def test_a_fault_that_cannot_be_is_refused_with_the_reason(subtests: pytest.Subtests, faults: Faults) -> None:
    for wrong, text in WRONG:
        with subtests.test(wrong=wrong):
            with pytest.raises(ValueError, match=re.escape(text)):
                faults.add(**{"kind": "latency", **wrong})

            assert list(faults) == []


def test_a_change_that_cannot_be_is_refused_with_the_same_reason(subtests: pytest.Subtests, faults: Faults) -> None:
    for wrong, text in [*WRONG, ({"time": 1}, "There is no parameter 'time'. There are: times, probability, ")]:
        kind = wrong.get("kind", "latency")
        if not isinstance(kind, str) or kind not in KINDS:
            continue  # a kind cannot be changed
        with subtests.test(wrong=wrong):
            fault = faults.add(kind)
            with pytest.raises(ValueError, match=re.escape(text)):
                faults.change(fault, **{name: value for name, value in wrong.items() if name != "kind"})

            assert list(faults) == [fault]
            faults.clear()
