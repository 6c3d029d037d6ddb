"""When the next request may be sent."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from threading import Event
from typing import Any, TypeAlias

import pytest
from limits.storage import MemcachedStorage, MemoryStorage

from smsmobile import ConfigurationError, InvalidRequestError, StorageError
from smsmobile.delivery._rate_limit import RateLimiter

Params: TypeAlias = Mapping[str, str | int]


class Clock(Event):
    """An event that is never set, and at which waiting moves the time of everything forward."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1_774_040_864.0
        self.started = self.now

    def wait(self, timeout: float | None = None) -> bool:
        self.now += timeout or 0.0
        return self.is_set()

    @property
    def passed(self) -> float:
        return self.now - self.started


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(time, "time", lambda: clock.now)
    monkeypatch.setattr(time, "monotonic", lambda: clock.now)
    return clock


@pytest.mark.parametrize(("rate", "seconds"), [("20/minute", 120), ("1 per 5 seconds", 245), ("10/second", 4)])
def test_no_more_leave_than_the_rate_allows(clock: Clock, rate: str, seconds: float) -> None:
    limiter = RateLimiter(rate, "memory://")
    for _ in range(50):
        assert limiter.acquire(clock)
    assert seconds <= clock.passed <= seconds * 1.02 + 0.1


def test_without_a_rate_nothing_waits(clock: Clock) -> None:
    limiter = RateLimiter(None, "memory://")
    assert all(limiter.acquire(clock) for _ in range(1000))
    assert clock.passed == 0


def test_two_with_one_storage_share_one_rate(clock: Clock) -> None:
    storage = MemoryStorage()
    one, other = RateLimiter("2/minute", storage), RateLimiter("2/minute", storage)
    for limiter in (one, other, one, other):
        assert limiter.acquire(clock)
    assert 60 <= clock.passed < 61


def test_two_with_storages_of_their_own_do_not(clock: Clock) -> None:
    for limiter in (RateLimiter("2/minute", "memory://"), RateLimiter("2/minute", "memory://")):
        assert limiter.acquire(clock)
        assert limiter.acquire(clock)
    assert clock.passed == 0


# --- whose messages are counted together -------------------------------------------------------------------

ONE_PHONE = {"recipients": "+33639980011", "message": "hi", "sIdentifiant": "phone-1", "port": 1}


@pytest.mark.parametrize(
    "other", [{"sIdentifiant": "phone-2"}, {"port": 2}], ids=["another phone", "another SIM of the same phone"]
)
def test_a_phone_and_a_sim_have_a_rate_of_their_own(clock: Clock, other: Params) -> None:
    limiter = RateLimiter("2/minute", MemoryStorage())
    for _ in range(2):
        assert limiter.acquire(clock, ONE_PHONE)
        assert limiter.acquire(clock, {**ONE_PHONE, **other})
    assert clock.passed == 0
    assert limiter.acquire(clock, {**ONE_PHONE, **other})
    assert 60 <= clock.passed < 61


def test_messages_that_name_no_phone_have_a_rate_of_their_own(clock: Clock) -> None:
    limiter = RateLimiter("1/minute", MemoryStorage())
    for params in (ONE_PHONE, {"message": "hi"}, {"message": "hi", "port": 1}, {"message": "hi", "sIdentifiant": "1"}):
        assert limiter.acquire(clock, params)
    assert clock.passed == 0


def test_recipient_and_text_make_no_difference(clock: Clock) -> None:
    limiter = RateLimiter("1/minute", MemoryStorage())
    assert limiter.acquire(clock, ONE_PHONE)
    assert limiter.acquire(clock, {**ONE_PHONE, "recipients": "+33639980012", "message": "bye"})
    assert clock.passed >= 60


def test_two_accounts_in_one_storage_do_not_use_up_each_others_rate(clock: Clock) -> None:
    storage = MemoryStorage()
    for account in ("one", "other"):
        limiter = RateLimiter("2/minute", storage, account=account)
        assert limiter.acquire(clock, ONE_PHONE)
        assert limiter.acquire(clock, ONE_PHONE)
    assert clock.passed == 0
    assert RateLimiter("2/minute", storage, account="one").acquire(clock, ONE_PHONE)
    assert clock.passed >= 60


def test_a_full_sim_does_not_keep_the_worker_of_another_one_waiting() -> None:
    class Waiting(Event):
        """Says that somebody waits."""

        def __init__(self) -> None:
            super().__init__()
            self.somebody_waits = Event()

        def wait(self, timeout: float | None = None) -> bool:
            self.somebody_waits.set()
            return super().wait(timeout)

    limiter, stopping = RateLimiter("1/day", MemoryStorage()), Waiting()
    assert limiter.acquire(stopping, ONE_PHONE)
    with ThreadPoolExecutor(1) as pool:
        waits = pool.submit(limiter.acquire, stopping, ONE_PHONE)
        assert stopping.somebody_waits.wait(30)
        assert limiter.acquire(stopping, {**ONE_PHONE, "port": 2})
        assert not waits.done()
        stopping.set()
        assert not waits.result(30)


def test_the_storage_gets_neither_the_account_nor_the_phone_in_words(clock: Clock) -> None:
    storage = MemoryStorage()
    RateLimiter("2/minute", storage, account="an-account").acquire(clock, ONE_PHONE)
    (name,) = storage.events
    assert name.startswith("LIMITER/smsmobile-bulk-")
    assert not any(word in name for word in ("an-account", "phone-1", "+33639980011"))


# --- segments ----------------------------------------------------------------------------------------------

THREE_PARTS = {**ONE_PHONE, "message": "x" * 400}


def test_segments_are_counted_where_they_are_the_unit(clock: Clock) -> None:
    limiter = RateLimiter("7/minute", "memory://", unit="segments")
    for params in (THREE_PARTS, THREE_PARTS, ONE_PHONE):
        assert limiter.acquire(clock, params)
    assert clock.passed == 0
    assert limiter.acquire(clock, THREE_PARTS)
    assert 60 <= clock.passed < 61


def test_a_message_is_one_message_however_long_it_is(clock: Clock) -> None:
    limiter = RateLimiter("7/minute", "memory://")
    assert all(limiter.acquire(clock, THREE_PARTS) for _ in range(7))
    assert clock.passed == 0


def test_a_message_waits_until_all_its_segments_have_room(clock: Clock) -> None:
    limiter = RateLimiter("4/minute", "memory://", unit="segments")
    for _ in range(4):
        assert limiter.acquire(clock, ONE_PHONE)
        clock.now += 10
    assert limiter.acquire(clock, THREE_PARTS)  # the third of the four is a minute old
    assert 80 <= clock.passed < 81


def test_a_message_longer_than_the_limit_waits_for_all_of_it_and_leaves(clock: Clock) -> None:
    limiter = RateLimiter("2/minute", "memory://", unit="segments")
    assert limiter.acquire(clock, THREE_PARTS)
    assert clock.passed == 0
    assert limiter.acquire(clock, THREE_PARTS)
    assert 60 <= clock.passed < 61
    assert limiter.acquire(clock, ONE_PHONE)
    assert 120 <= clock.passed < 122


def test_messages_and_segments_are_counted_apart(clock: Clock) -> None:
    storage = MemoryStorage()
    assert RateLimiter("1/minute", storage).acquire(clock, ONE_PHONE)
    assert RateLimiter("1/minute", storage, unit="segments").acquire(clock, ONE_PHONE)
    assert clock.passed == 0


# --- pace --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rate", "seconds"), [("10/5 seconds", 0.5), ("20/minute", 3), ("7/second", 1 / 7), ("1/2 seconds", 2)]
)
def test_paced_messages_leave_one_after_the_other(clock: Clock, rate: str, seconds: float) -> None:
    limiter = RateLimiter(rate, "memory://", paced=True)
    left = []
    for _ in range(30):
        assert limiter.acquire(clock, ONE_PHONE)
        left.append(clock.passed)
    gaps = [later - earlier for earlier, later in pairwise(left)]
    assert left[0] == 0
    assert min(gaps) >= seconds - 1e-6
    assert max(gaps) <= seconds + 0.03


def test_without_a_pace_they_leave_at_once_and_then_wait(clock: Clock) -> None:
    limiter = RateLimiter("10/5 seconds", "memory://")
    assert all(limiter.acquire(clock, ONE_PHONE) for _ in range(10))
    assert clock.passed == 0
    assert limiter.acquire(clock, ONE_PHONE)
    assert clock.passed >= 5


def test_after_a_rest_paced_messages_do_not_catch_up(clock: Clock) -> None:
    limiter = RateLimiter("10/5 seconds", "memory://", paced=True)
    assert limiter.acquire(clock, ONE_PHONE)
    clock.now += 60
    rested = clock.passed
    assert limiter.acquire(clock, ONE_PHONE)
    assert clock.passed == rested
    assert limiter.acquire(clock, ONE_PHONE)
    assert clock.passed >= rested + 0.5


def test_a_long_message_takes_the_time_of_its_segments(clock: Clock) -> None:
    limiter = RateLimiter("10/5 seconds", "memory://", unit="segments", paced=True)
    assert limiter.acquire(clock, THREE_PARTS)
    assert limiter.acquire(clock, ONE_PHONE)
    assert clock.passed == pytest.approx(1.5)
    assert limiter.acquire(clock, ONE_PHONE)
    assert clock.passed == pytest.approx(2.0)


def test_each_sim_has_a_pace_of_its_own(clock: Clock) -> None:
    limiter = RateLimiter("20/minute", "memory://", paced=True)
    for sim in (1, 2):
        assert limiter.acquire(clock, {**ONE_PHONE, "port": sim})
    assert clock.passed == 0


def test_a_pace_holds_for_all_who_share_the_storage_where_it_is_whole_seconds(clock: Clock) -> None:
    storage = MemoryStorage()
    limiters = [RateLimiter("20/minute", storage, paced=True) for _ in range(4)]
    for limiter in limiters:
        assert limiter.acquire(clock, ONE_PHONE)
    assert 9 <= clock.passed < 9.1


def test_paced_and_other_senders_with_one_storage_share_the_limit(clock: Clock) -> None:
    storage = MemoryStorage()
    hasty = RateLimiter("20/30 seconds", storage)
    assert all(hasty.acquire(clock, ONE_PHONE) for _ in range(20))
    assert RateLimiter("20/30 seconds", storage, paced=True).acquire(clock, ONE_PHONE)
    assert 30 <= clock.passed < 30.1


def test_a_full_limit_does_not_cost_a_paced_message_its_turn_as_well(clock: Clock) -> None:
    storage = MemoryStorage()
    hasty = RateLimiter("20/minute", storage)
    assert all(hasty.acquire(clock, ONE_PHONE) for _ in range(20))
    clock.now += 59
    assert RateLimiter("20/minute", storage, paced=True).acquire(clock, ONE_PHONE)
    assert 60 <= clock.passed < 60.1


def test_long_messages_of_all_who_share_the_storage_are_paced_too_and_all_segments_counted(clock: Clock) -> None:
    storage = MemoryStorage()
    limiters = [RateLimiter("6/minute", storage, unit="segments", paced=True) for _ in range(3)]
    left = []
    for limiter in limiters:
        assert limiter.acquire(clock, THREE_PARTS)
        left.append(clock.passed)
    assert left == pytest.approx([0, 10, 60], abs=0.1)


def test_a_pause_is_longer_than_the_pace(clock: Clock) -> None:
    limiter = RateLimiter("10/5 seconds", "memory://", paced=True)
    assert limiter.acquire(clock, ONE_PHONE)
    limiter.pause(20)
    assert limiter.acquire(clock, ONE_PHONE)
    assert clock.passed == pytest.approx(20)


@pytest.mark.parametrize("unit", ["", "message", "Segments", 1, None])
def test_a_unit_that_is_none_is_refused(unit: Any) -> None:
    with pytest.raises(InvalidRequestError, match=r"rate_unit .*expected 'messages' or 'segments'"):
        RateLimiter("20/minute", "memory://", unit=unit)


@pytest.mark.parametrize("paced", ["yes", 1, None])
def test_a_pace_is_true_or_false(paced: Any) -> None:
    with pytest.raises(InvalidRequestError, match="rate_paced"):
        RateLimiter("20/minute", "memory://", paced=paced)


# --- pauses, stops and mistakes ----------------------------------------------------------------------------


@pytest.mark.parametrize("rate", [None, "1000/second"])
def test_a_pause_holds_everything_and_a_shorter_one_does_not_end_it(clock: Clock, rate: str | None) -> None:
    limiter = RateLimiter(rate, "memory://")
    limiter.pause(90)
    limiter.pause(5)
    assert limiter.acquire(clock)
    assert clock.passed == pytest.approx(90)
    assert limiter.acquire(clock)
    assert clock.passed == pytest.approx(90)


@pytest.mark.parametrize("rate", [None, "1/day"])
def test_who_waits_is_told_to_stop(clock: Clock, rate: str | None) -> None:
    limiter = RateLimiter(rate, "memory://")
    limiter.acquire(clock)
    clock.set()
    assert not limiter.acquire(clock)


def test_a_rate_that_is_none_is_told_what_one_looks_like(subtests: pytest.Subtests) -> None:
    for rate in ["fast", "", "20", "20/fortnight", "0/minute", 20, "-1/minute", "100/day;1/second"]:
        with subtests.test(rate=rate), pytest.raises(InvalidRequestError, match=r"rate is .*expected"):
            RateLimiter(rate, "memory://")


@pytest.mark.parametrize("storage", ["nowhere://user:hunter2@host", "redis+nothing://x", 7, None])
def test_a_storage_that_cannot_be_used_is_refused_without_its_password(storage: str) -> None:
    with pytest.raises(ConfigurationError, match="rate_storage") as refused:
        RateLimiter("20/minute", storage)
    assert "hunter2" not in f"{refused.value!r} {refused.value.__cause__!r} {refused.value.__context__!r}"


def test_a_storage_without_moving_windows_is_refused() -> None:
    class Plain(MemcachedStorage):
        def __init__(self) -> None:
            pass

    with pytest.raises(ConfigurationError, match="moving windows"):
        RateLimiter("20/minute", Plain())


def test_a_storage_that_fails_lets_nothing_leave(clock: Clock) -> None:
    class Gone(MemoryStorage):
        def acquire_entry(self, *args: object, **kwargs: object) -> bool:
            raise ConnectionError("redis://user:hunter2@host is gone")

    with pytest.raises(StorageError, match=r"cannot be reached \(ConnectionError\)") as failed:
        RateLimiter("20/minute", Gone()).acquire(clock)
    assert "hunter2" not in f"{failed.value.__cause__!r} {failed.value.__context__!r}"


def test_without_the_library_a_rate_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "limits", None)
    with pytest.raises(ConfigurationError, match="pip install limits"):
        RateLimiter("20/minute", "memory://")
    assert RateLimiter(None, "memory://").acquire(Event())
