"""`SimPool`: which SIM sends to whom and when, by a clock of the tests' own."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from smsmobile import ConfigurationError, InvalidRequestError, StorageError
from smsmobile.delivery import OutgoingSMS, SendWindow, Sim, SimPool, sims
from smsmobile.delivery._sim import Slot

START = 1_800_000_000.0
MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0
MONTH = 31 * DAY
NUMBERS = [f"336399800{number:02d}" for number in range(100)]
ANN, BOB, CAT, DAN = NUMBERS[:4]


class Pool:
    """A pool, and a clock that only the test moves. `restart` makes the pool anew on the same usage."""

    def __init__(self, *members: Sim, usage: Any = None, **options: Any) -> None:
        self.now = START
        self._members, self._usage, self._options = members, usage, options
        self._keys = 0
        self.restart()

    def restart(self) -> None:
        self.pool: SimPool = SimPool(self._members, self._usage, **self._options)

    def ask(
        self,
        number: str,
        key: str | None = None,
        window: SendWindow | None = None,
        *,
        again: bool = False,
        **fields: Any,
    ) -> Slot | None:
        if key is None:
            self._keys += 1
            key = f"key {self._keys}"
        message = OutgoingSMS(f"+{number}", "Hello", key, **fields)
        return self.pool._book(key, number, message, self.now, window, again=again)

    def book(self, number: str, key: str | None = None, **fields: Any) -> tuple[str, float]:
        """The phone of a message, and in how many seconds it may leave."""
        slot = self.ask(number, key, **fields)
        assert slot is not None
        return slot.sim.device, max(slot.at - self.now, 0.0)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The monotonic clock, by which phones are offline."""
    times = SimpleNamespace(now=1000.0)
    times.monotonic = lambda: times.now
    monkeypatch.setattr(sims, "time", times)
    return times


class OpensAt(SendWindow):
    """Opens at the given moments for an hour."""

    def __init__(self, *moments: float) -> None:
        self._moments = moments

    def opens_at(self, moment: float) -> float:
        return next((max(moment, opens) for opens in self._moments if moment < opens + HOUR), math.inf)


# --- what a pool is made of -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Sim(""), "device is empty"),
        (lambda: Sim(7), "device is of type int"),  # type: ignore[arg-type]
        (lambda: Sim("a\nb"), "device contains a line break"),
        (lambda: Sim("a", 3), "expected slot 1 or 2"),
        (lambda: Sim("a", True), "expected slot 1 or 2"),
        (lambda: Sim("a", per_minute=0), "per_minute is 0; expected a whole number from 1"),
        (lambda: Sim("a", per_day=1.5), "per_day is 1.5; expected a whole number"),  # type: ignore[arg-type]
        (lambda: Sim("a", recipients_per_month=-1), "recipients_per_month is -1"),
        (lambda: SimPool([Sim("a")], offline="stop"), "expected 'wait' or 'move'"),  # type: ignore[arg-type]
    ],
)
def test_a_wrong_value_is_refused_with_what_was_expected(make: Callable[[], object], words: str) -> None:
    with pytest.raises(InvalidRequestError, match=words):
        make()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: SimPool([]), "has no SIM"),
        (lambda: SimPool([Sim("a", 1), Sim("a", 1, per_day=5)]), "a SIM twice"),
        (lambda: SimPool(Sim("a")), "of type Sim; expected a list of Sim"),  # type: ignore[arg-type]
        (lambda: SimPool("a"), "of type str; expected a list of Sim"),  # type: ignore[arg-type]
        (lambda: SimPool(["a"]), "of type str; expected a Sim"),  # type: ignore[list-item]
        (lambda: SimPool([Sim("a")], 7), "usage is of type int; expected the name of a file"),  # type: ignore[arg-type]
    ],
)
def test_what_is_no_pool_is_refused(make: Callable[[], object], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        make()


def test_a_request_names_the_phone_and_the_slot_if_there_is_one() -> None:
    assert Sim(" a ").params == {"sIdentifiant": "a"}
    assert Sim("a", 2).params == {"sIdentifiant": "a", "port": 2}


# --- one SIM for each recipient ---------------------------------------------------------------------------


def test_new_recipients_are_shared_out_and_each_stays_with_his_sim() -> None:
    pool = Pool(Sim("a"), Sim("b"))
    assert [pool.book(number)[0] for number in (ANN, BOB, CAT, DAN)] == ["a", "b", "a", "b"]
    assert [pool.book(number)[0] for number in (DAN, CAT, BOB, ANN, ANN)] == ["b", "a", "b", "a", "a"]


def test_a_new_recipient_gets_the_sim_that_can_send_to_him_first() -> None:
    pool = Pool(Sim("a", per_minute=1), Sim("b", per_minute=3))
    assert [pool.book(number) for number in NUMBERS[:6]] == [
        ("a", 0), ("b", 0), ("b", 0), ("b", 0), ("a", MINUTE), ("b", MINUTE),
    ]  # fmt: skip


def test_of_several_that_can_send_now_the_one_with_the_fewest_recipients_gets_him() -> None:
    pool = Pool(Sim("a"), Sim("b"))
    assert [pool.book(number, device="a")[0] for number in NUMBERS[:5]] == ["a"] * 5
    assert [pool.book(number)[0] for number in NUMBERS[5:10]] == ["b"] * 5


def test_a_recipient_stays_with_his_sim_after_a_restart_however_long_ago_it_was(tmp_path: Path) -> None:
    pool = Pool(Sim("a"), Sim("b"), usage=tmp_path / "sims.sqlite")
    assert [pool.book(number)[0] for number in (ANN, BOB)] == ["a", "b"]
    pool.restart()
    pool.now += 100 * MONTH
    assert [pool.book(number)[0] for number in (CAT, BOB, ANN)] == ["a", "b", "a"]


def test_a_recipient_waits_for_his_sim_although_another_is_free() -> None:
    pool = Pool(Sim("a", per_minute=1), Sim("b"))
    assert pool.book(ANN) == ("a", 0)
    assert pool.book(ANN) == ("a", MINUTE)


def test_a_booked_recipient_gets_his_other_messages_from_the_same_sim() -> None:
    pool = Pool(Sim("a", per_minute=1), Sim("b", per_minute=1))
    assert [pool.book(number) for number in (ANN, BOB)] == [("a", 0), ("b", 0)]
    assert [pool.book(number) for number in (CAT, DAN)] == [("a", MINUTE), ("b", MINUTE)]
    assert pool.book(DAN) == ("b", 2 * MINUTE)


# --- messages with a phone of their own -------------------------------------------------------------------


def test_a_message_that_names_a_phone_or_a_slot_is_sent_by_a_sim_of_the_pool_that_matches() -> None:
    pool = Pool(Sim("a", 1), Sim("a", 2, per_minute=1), Sim("b"))
    for fields, params in (
        ({"device": "b"}, {"sIdentifiant": "b"}),
        ({"device": "a", "sim": 2}, {"sIdentifiant": "a", "port": 2}),
        ({"device": " a ", "sim": 1}, {"sIdentifiant": "a", "port": 1}),
        ({"device": "b", "sim": 1}, {"sIdentifiant": "b"}),
    ):
        slot = pool.ask(NUMBERS[9], **fields)
        assert slot is not None
        assert slot.sim.params == params
    assert pool.book(BOB, device="a", sim=2) == ("a", MINUTE)  # its limit counts


@pytest.mark.parametrize("fields", [{"device": "c"}, {"sim": 2}, {"device": "a", "sim": 2}])
def test_a_message_for_another_phone_passes_without_the_pool(fields: dict[str, Any]) -> None:
    assert Pool(Sim("a", 1, per_minute=1)).ask(ANN, **fields) is None


def test_a_message_that_names_a_phone_does_not_change_whose_recipient_he_is() -> None:
    pool = Pool(Sim("a"), Sim("b"))
    assert pool.book(ANN) == ("a", 0)
    pool.now += DAY
    assert pool.book(ANN, device="b") == ("b", 0)
    assert pool.book(ANN) == ("a", 0)


# --- limits -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("limit", "period"), [("per_minute", MINUTE), ("per_day", DAY)])
def test_no_period_has_more_messages_than_its_limit(limit: str, period: float) -> None:
    pool = Pool(Sim("a", **{limit: 2}))
    assert pool.book(ANN) == ("a", 0)
    pool.now += period / 2
    assert pool.book(ANN) == ("a", 0)
    assert pool.book(ANN, "third") == ("a", period / 2)
    pool.now += period / 2
    assert pool.book(ANN, "third") == ("a", 0)
    assert pool.book(ANN) == ("a", period / 2)


def test_no_31_days_have_more_recipients_than_the_limit() -> None:
    pool = Pool(Sim("a", recipients_per_month=2))
    assert [pool.book(number) for number in (ANN, BOB)] == [("a", 0), ("a", 0)]
    pool.now += 30 * DAY
    assert pool.book(BOB) == ("a", 0)  # no new one
    assert pool.book(CAT, "to Cat") == ("a", DAY)
    pool.now += DAY
    assert pool.book(CAT, "to Cat") == ("a", 0)
    assert pool.book(ANN) == ("a", 30 * DAY)  # she is a new one again


def test_a_month_of_a_sim_goes_on_after_restarts(tmp_path: Path) -> None:
    pool = Pool(Sim("a", recipients_per_month=10), usage=tmp_path / "sims.sqlite")
    for number in NUMBERS[:10]:
        assert pool.book(number) == ("a", 0)
        pool.now += DAY
        pool.restart()
    assert pool.book(NUMBERS[10], "eleventh") == ("a", 21 * DAY)
    pool.now += 21 * DAY - 1
    pool.restart()
    assert pool.book(NUMBERS[10], "eleventh") == ("a", 1)
    pool.now += 1
    assert pool.book(NUMBERS[10], "eleventh") == ("a", 0)


def test_limits_in_memory_end_with_the_pool() -> None:
    pool = Pool(Sim("a", per_day=1))
    assert pool.book(ANN) == ("a", 0)
    pool.restart()
    assert pool.book(ANN) == ("a", 0)


def test_two_slots_of_a_phone_have_limits_of_their_own() -> None:
    pool = Pool(Sim("a", 1, per_day=1), Sim("a", 2, per_day=1))
    assert [pool.book(number)[1] for number in (ANN, BOB, CAT)] == [0, 0, DAY]


# --- slots that are booked --------------------------------------------------------------------------------


def test_each_waiting_message_has_a_slot_of_its_own_and_asks_again_once() -> None:
    pool = Pool(Sim("a", per_minute=2))
    slots = {f"key {number}": pool.book(number, f"key {number}")[1] for number in NUMBERS[:8]}
    assert list(slots.values()) == [0, 0, MINUTE, MINUTE, 2 * MINUTE, 2 * MINUTE, 3 * MINUTE, 3 * MINUTE]
    for key, seconds in list(slots.items())[2:]:
        pool.now = START + seconds
        assert pool.book(key.removeprefix("key "), key) == ("a", 0)


def test_a_message_that_asks_before_its_time_keeps_its_slot() -> None:
    pool = Pool(Sim("a", per_minute=1))
    assert [pool.book(number, number) for number in (ANN, BOB, CAT)] == [("a", 0), ("a", 60), ("a", 120)]
    for _ in range(3):
        pool.now += 10
        bob, cat = pool.book(BOB, BOB), pool.book(CAT, CAT)
    assert (bob, cat) == (("a", 30), ("a", 90))


def test_a_slot_that_is_over_for_a_minute_counts_no_more() -> None:
    pool = Pool(Sim("a", per_minute=1))
    assert [pool.book(number)[1] for number in (ANN, BOB, CAT)] == [0, 60, 120]  # and the process of both is killed
    pool.now += 119
    assert pool.book(DAN)[1] == 61
    pool.now += 62 + 60
    assert pool.book(NUMBERS[5], "new")[1] == 0


def test_a_slot_that_was_booked_and_cancelled_and_booked_again_lapses_once() -> None:
    pool = Pool(Sim("a", per_minute=1))
    pool.book(ANN)
    for _ in range(3):
        assert pool.book(BOB, BOB)[1] == 60
        pool.pool._cancel(BOB)
    assert pool.book(BOB, BOB)[1] == 60
    pool.now += DAY
    assert pool.book(CAT)[1] == 0


def test_departures_under_one_key_to_different_numbers_all_count() -> None:
    pool = Pool(Sim("a", per_minute=2))
    assert [pool.book(number, "key")[1] for number in (ANN, BOB, ANN)] == [0, 0, 60]


def test_what_departed_a_day_ago_counts_to_the_last_second() -> None:
    pool = Pool(Sim("a", per_day=1), Sim("b"))
    assert [pool.book(number) for number in (ANN, BOB)] == [("a", 0), ("b", 0)]
    pool.now += DAY - 1
    assert pool.book(BOB) == ("b", 0)
    assert pool.book(ANN) == ("a", 1)


def test_what_has_really_departed_decides_when_a_slot_has_come() -> None:
    pool = Pool(Sim("a", per_minute=1))
    pool.book(ANN)
    assert [pool.book(number, number)[1] for number in (BOB, CAT, DAN)] == [60, 120, 180]
    pool.now += 120  # Bob's sender is late
    assert pool.book(CAT, CAT)[1] == 0
    assert pool.book(BOB, BOB)[1] == 60  # not behind all others
    assert pool.book(DAN, DAN)[1] == 60
    pool.now += 60
    assert pool.book(BOB, BOB)[1] == 0
    assert pool.book(DAN, DAN)[1] == 60


def test_a_slot_that_another_process_needs_no_more_is_free() -> None:
    pool = Pool(Sim("a", per_minute=1))
    pool.book(ANN)
    assert pool.book(BOB, BOB)[1] == 60
    pool.pool._cancel(BOB)
    assert pool.book(CAT)[1] == 60


def test_a_message_that_is_asked_twice_before_it_leaves_counts_once_and_from_then_on() -> None:
    pool = Pool(Sim("a", per_day=2))
    assert pool.book(ANN, "one") == ("a", 0)
    pool.now += 59
    assert pool.book(ANN, "one", again=True) == ("a", 0)
    assert pool.book(ANN, "two") == ("a", 0)
    assert pool.book(ANN, "three") == ("a", DAY)


def test_a_message_that_waits_for_long_before_it_leaves_counts_once() -> None:
    pool = Pool(Sim("a", per_day=2))
    for key in ("one", "two"):
        assert pool.book(ANN, key) == ("a", 0)
        pool.now += 180
        assert pool.book(ANN, key, again=True) == ("a", 0)
    assert pool.book(ANN, "three") == ("a", DAY - 180)


def test_a_recipient_who_was_written_to_meanwhile_counts_although_the_message_that_waited_did_not_leave() -> None:
    pool = Pool(Sim("a", recipients_per_month=1))
    pool.book(ANN, "one")
    pool.now += 1
    pool.book(ANN, "two")
    pool.now += 1
    pool.book(ANN, "one", again=True)
    pool.pool._cancel("one")
    assert pool.book(BOB)[1] == MONTH - 1


def test_a_message_that_has_left_counts_although_another_process_waits_for_it_no_more() -> None:
    pool = Pool(Sim("a", per_minute=1))
    pool.book(ANN, "one")
    pool.book(BOB, "two")
    pool.pool._stop_waiting(["one", "two", "three"])
    assert pool.book(CAT)[1] == 60


def test_a_message_counts_from_when_it_has_left() -> None:
    pool = Pool(Sim("a", per_minute=1))
    pool.book(ANN, "one")
    pool.now += 30
    pool.pool._note_left("one", pool.now)
    assert pool.book(BOB)[1] == 60


def test_a_message_of_another_campaign_with_the_same_key_is_a_departure_of_its_own() -> None:
    pool = Pool(Sim("a", per_minute=2))
    assert [pool.book(ANN, "customer 17")[1] for _ in range(3)] == [0, 0, 60]


def test_a_slot_lies_in_the_window() -> None:
    pool = Pool(Sim("a", per_minute=1))
    window = OpensAt(START - HOUR + 90, START + DAY)
    assert [pool.book(number, window=window)[1] for number in NUMBERS[:4]] == [0, 60, DAY, DAY + 60]


def test_a_message_without_a_window_does_not_wait_behind_those_of_a_window() -> None:
    pool = Pool(Sim("a", per_minute=1))
    tomorrow = OpensAt(START + DAY)
    assert [pool.book(number, window=tomorrow)[1] for number in NUMBERS[:3]] == [DAY, DAY + 60, DAY + 120]
    assert [pool.book(number)[1] for number in NUMBERS[3:6]] == [0, 60, 120]


def test_a_message_that_the_service_is_to_send_later_need_not_wait_for_the_window() -> None:
    at = datetime.fromtimestamp(START + DAY, timezone.utc) + timedelta(minutes=5)
    assert Pool(Sim("a")).book(ANN, window=OpensAt(START + DAY), schedule_at=at) == ("a", 0)


# --- messages that were not sent --------------------------------------------------------------------------


def test_a_cancelled_message_counts_for_no_limit_and_leaves_its_recipient_without_a_sim() -> None:
    pool = Pool(Sim("a", per_minute=1, per_day=1, recipients_per_month=1), Sim("b", per_day=1))
    assert pool.book(ANN, "one") == ("a", 0)
    pool.pool._cancel("one")
    assert pool.book(BOB) == ("a", 0)
    assert pool.book(ANN) == ("b", 0)


def test_a_recipient_stays_with_his_sim_if_another_message_reached_him() -> None:
    pool = Pool(Sim("a", per_minute=1), Sim("b"))
    assert pool.book(ANN) == ("a", 0)
    assert pool.book(ANN, "two") == ("a", 60)
    pool.pool._cancel("two")
    assert pool.book(ANN) == ("a", 60)


def test_a_month_counts_from_the_last_message_that_was_sent() -> None:
    pool = Pool(Sim("a", recipients_per_month=1))
    assert pool.book(ANN) == ("a", 0)
    pool.now += 10 * DAY
    assert pool.book(ANN, "two") == ("a", 0)
    pool.pool._cancel("two")
    assert pool.book(BOB) == ("a", 21 * DAY)


def test_a_cancelled_message_does_not_take_a_later_one_with_it() -> None:
    pool = Pool(Sim("a", recipients_per_month=1))
    assert pool.book(ANN, "one") == ("a", 0)
    pool.now += HOUR
    assert pool.book(ANN, "two") == ("a", 0)
    pool.pool._cancel("one")
    assert pool.book(BOB) == ("a", MONTH)


def test_if_his_first_message_was_not_sent_a_recipient_belongs_to_the_sim_that_wrote_to_him_next() -> None:
    pool = Pool(Sim("a"), Sim("b"), Sim("c"))
    assert pool.book(ANN, "one") == ("a", 0)
    assert pool.book(ANN, device="b") == ("b", 0)
    pool.pool._cancel("one")
    pool.now += HOUR
    assert pool.book(ANN, device="c") == ("c", 0)
    assert pool.book(ANN) == ("b", 0)


def test_what_is_not_there_can_be_cancelled() -> None:
    Pool(Sim("a")).pool._cancel("nothing")


# --- phones that are offline ------------------------------------------------------------------------------


def test_the_recipients_of_an_offline_phone_wait_and_others_go_on(clock: SimpleNamespace) -> None:
    pool = Pool(Sim("a", 1), Sim("b"))
    assert [pool.book(number)[0] for number in (ANN, BOB)] == ["a", "b"]
    assert pool.pool._note_offline({"sIdentifiant": "a", "port": 1})
    assert pool.book(ANN, "to Ann") == ("a", 60)
    assert pool.book(BOB) == ("b", 0)
    assert [pool.book(number) for number in (CAT, DAN)] == [("b", 0), ("b", 0)]
    clock.now += 60
    pool.now += 60
    assert pool.book(ANN, "to Ann") == ("a", 0)


def test_the_recipients_of_an_offline_phone_move_and_stay_there(clock: SimpleNamespace) -> None:
    pool = Pool(Sim("a"), Sim("b"), offline="move")
    assert [pool.book(number)[0] for number in (ANN, BOB)] == ["a", "b"]
    assert pool.pool._note_offline({"sIdentifiant": "a"})
    assert [pool.book(number) for number in (ANN, CAT)] == [("b", 0), ("b", 0)]
    clock.now += 61
    pool.now += 61
    assert [pool.book(number) for number in (ANN, BOB, CAT, DAN)] == [("b", 0), ("b", 0), ("b", 0), ("a", 0)]


def test_a_message_that_waits_for_an_offline_phone_moves_when_it_asks_again(clock: SimpleNamespace) -> None:
    pool = Pool(Sim("a", per_minute=1), Sim("b", per_minute=1), offline="move")
    assert [pool.book(number, number) for number in (ANN, BOB)] == [("a", 0), ("b", 0)]
    assert pool.book(CAT, CAT) == ("a", 60)
    pool.pool._note_offline({"sIdentifiant": "a"})
    assert pool.book(CAT, CAT) == ("b", 60)
    pool.now += 60
    clock.now += 60
    assert pool.book(CAT, CAT) == ("b", 0)


def test_only_the_recipients_that_are_written_to_move(clock: SimpleNamespace) -> None:
    pool = Pool(Sim("a"), Sim("b"), offline="move")
    assert pool.book(ANN) == ("a", 0)
    pool.pool._note_offline({"sIdentifiant": "a"})
    clock.now += 61
    assert pool.book(ANN) == ("a", 0)


@pytest.mark.parametrize("offline", ["wait", "move"])
def test_if_all_phones_are_offline_messages_wait(clock: SimpleNamespace, offline: str) -> None:
    pool = Pool(Sim("a"), Sim("b"), offline=offline)
    assert pool.book(ANN) == ("a", 0)
    for device in "ab":
        assert pool.pool._note_offline({"sIdentifiant": device})
    assert [pool.book(number) for number in (ANN, BOB)] == [("a", 60), ("b", 60)]


def test_a_message_that_names_an_offline_phone_waits_for_it(clock: SimpleNamespace) -> None:
    pool = Pool(Sim("a"), Sim("b"), offline="move")
    pool.pool._note_offline({"sIdentifiant": "a"})
    assert pool.book(ANN, device="a") == ("a", 60)


def test_a_phone_that_stays_offline_is_tried_less_often(clock: SimpleNamespace) -> None:
    pool = Pool(Sim("a"))
    waited = []
    for _ in range(6):
        for _ in range(4):  # those of all workers
            pool.pool._note_offline({"sIdentifiant": "a"})
        waited.append(pool.book(ANN, "one")[1])
        clock.now += waited[-1]
        pool.now += waited[-1]
        assert pool.book(ANN, "one") == ("a", 0)
        pool.pool._cancel("one")
    assert waited == [60, 120, 240, 480, 600, 600]
    clock.now += 601
    pool.pool._note_offline({"sIdentifiant": "a"})
    assert pool.book(ANN, "one") == ("a", 60)


def test_a_booked_slot_moves_behind_the_time_at_which_its_phone_is_tried_again(clock: SimpleNamespace) -> None:
    pool = Pool(Sim("a", per_minute=1))
    pool.book(ANN)
    assert pool.book(BOB, BOB) == ("a", 60)
    clock.now += 30
    pool.now += 30
    pool.pool._note_offline({"sIdentifiant": "a"})
    assert pool.book(BOB, BOB) == ("a", 60)


@pytest.mark.parametrize(
    ("params", "belongs"),
    [
        ({"sIdentifiant": "a", "port": 1}, True),
        ({"sIdentifiant": "b", "port": 1}, True),
        ({"sIdentifiant": "b"}, True),
        ({"sIdentifiant": "a", "port": 2}, False),
        ({"sIdentifiant": "a"}, False),
        ({"sIdentifiant": "c"}, False),
        ({"port": 1}, False),
        ({}, False),
    ],
)
def test_only_a_failure_of_its_own_sims_is_one_of_the_pool(params: dict[str, str | int], belongs: bool) -> None:
    assert SimPool([Sim("a", 1), Sim("b")])._note_offline(params) is belongs


# --- clocks -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("back", [61.0, DAY, 1000 * DAY])
def test_a_clock_that_was_set_back_makes_a_sim_wait_no_longer_than_its_limit(back: float) -> None:
    pool = Pool(Sim("a", per_minute=1, recipients_per_month=2))
    assert pool.book(ANN) == ("a", 0)
    assert pool.book(ANN, "two") == ("a", 60)
    pool.now -= back
    assert pool.book(ANN, "two") == ("a", 60)
    pool.now += 60
    assert pool.book(ANN, "two") == ("a", 0)
    assert pool.book(BOB, "to Bob") == ("a", 60)
    pool.now += 60
    assert pool.book(BOB, "to Bob") == ("a", 0)
    assert pool.book(CAT) == ("a", MONTH - 60)


def test_clocks_of_machines_may_differ_by_a_second() -> None:
    pool = Pool(Sim("a", per_minute=2))
    assert pool.book(ANN) == ("a", 0)
    pool.now -= 1
    assert pool.book(ANN) == ("a", 0)
    assert pool.book(ANN)[1] == 60
    assert pool.book(ANN)[1] == 61


# --- files ------------------------------------------------------------------------------------------------


def test_a_file_that_was_removed_is_a_storage_error(tmp_path: Path) -> None:
    path = tmp_path / "sims.sqlite"
    pool = Pool(Sim("a"), usage=path)
    pool.book(ANN)
    path.unlink()
    with pytest.raises(StorageError, match="was removed or replaced"):
        pool.book(ANN)


def test_a_file_of_another_kind_is_a_storage_error(tmp_path: Path) -> None:
    path = tmp_path / "sims.sqlite"
    path.write_text("to,text\n" * 1000)
    with pytest.raises(StorageError, match="is not a file of SIM usage"):
        Pool(Sim("a"), usage=path).book(ANN)


def test_no_pool_shows_its_phones_or_numbers(tmp_path: Path) -> None:
    pool = Pool(Sim("a-secret"), usage=tmp_path / "sims.sqlite")
    pool.book(ANN)
    assert repr(pool.pool) == "<SimPool: 1 SIM>"
