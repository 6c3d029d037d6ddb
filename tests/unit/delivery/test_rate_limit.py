"""When the next request may be sent."""

from __future__ import annotations

import sys
import time
from threading import Event

import pytest
from limits.storage import MemcachedStorage, MemoryStorage

from smsmobile import ConfigurationError, InvalidRequestError, StorageError
from smsmobile.delivery._rate_limit import RateLimiter


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


@pytest.mark.parametrize("rate", ["fast", "", "20", "20/fortnight", "0/minute", 20, "-1/minute", "100/day;1/second"])
def test_a_rate_that_is_none_is_told_what_one_looks_like(rate: str) -> None:
    with pytest.raises(InvalidRequestError, match=r"rate is .*expected"):
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


def test_without_the_library_a_rate_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "limits", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'smsmobile\[bulk\]'"):
        RateLimiter("20/minute", "memory://")
    assert RateLimiter(None, "memory://").acquire(Event())
