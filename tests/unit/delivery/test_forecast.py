"""When a campaign will be over, as a dry run says, and as a run shows."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smsmobile import InvalidRequestError
from smsmobile.delivery import (
    BulkSender,
    Forecast,
    MemoryJournal,
    MemorySuppression,
    OutgoingSMS,
    SendStatus,
    SendWindow,
    Sim,
    SimForecast,
    SimPool,
    _workers,
)

from .scripted_service import ScriptedService, numbered

MORNING = datetime(2026, 12, 1, 8, 0, tzinfo=timezone.utc)
EVENING = datetime(2026, 12, 1, 21, 0, tzinfo=timezone.utc)
NEXT_MORNING = datetime(2026, 12, 2, 8, 0, tzinfo=timezone.utc)
ONE = "+33639980011"
minutes = lambda number: timedelta(minutes=number)  # noqa: E731


def forecast(messages: Iterable[Any], starts_at: datetime = MORNING, **options: Any) -> Forecast:
    bulk = BulkSender(ScriptedService().client, MemoryJournal(), **options)
    return bulk.check(messages, starts_at=starts_at).forecast


def window(outside: str = "wait", **options: Any) -> SendWindow:
    return SendWindow("08:00", "20:00", "UTC", outside=outside, **options)  # type: ignore[arg-type]


def by(device: str, count: int, **options: Any) -> list[OutgoingSMS]:
    """Messages that name a phone."""
    return [OutgoingSMS(to, f"{device} hi", device=device, **options) for to, _ in numbered(count)]


def test_without_a_limit_a_campaign_is_over_at_once() -> None:
    assert forecast(numbered(100)) == Forecast(
        MORNING, MORNING, 100, 0, 0, "none", (SimForecast(None, None, 100, MORNING),)
    )


def test_nothing_to_send_takes_no_time() -> None:
    assert forecast([]) == Forecast(MORNING, MORNING, 0, 0, 0, "none", ())


def test_what_cannot_be_sent_takes_no_time() -> None:
    assert forecast([("06", "hi"), (ONE, "hi")], rate="1/minute").ends_at == MORNING


def test_it_starts_now_unless_told_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", EVENING.timestamp)
    bulk = BulkSender(ScriptedService().client, MemoryJournal(), rate="1/minute")
    found = bulk.check(numbered(2)).forecast
    assert (found.begins_at, found.ends_at) == (EVENING, EVENING + minutes(1))


def test_a_naive_start_is_refused() -> None:
    with pytest.raises(InvalidRequestError, match="starts_at is a naive datetime"):
        forecast([], datetime(2026, 12, 1))  # noqa: DTZ001


def test_thousands_that_wait_for_a_sim_do_not_keep_others_from_leaving() -> None:
    sims = SimPool([Sim("a", per_minute=10), Sim("b", per_minute=10)])
    found = forecast([*by("a", 2000), *by("b", 20)], sims=sims)
    assert [(sim.device, sim.ends_at) for sim in found.sims] == [
        ("a", MORNING + minutes(199)),
        ("b", MORNING + minutes(1)),
    ]


# --- the rate ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("count", "ends_after"), [(1, 0), (20, 0), (21, 1), (50, 2), (60, 2), (61, 3)])
@pytest.mark.parametrize("workers", [1, 4, 30])
def test_a_rate_lets_so_many_leave_in_each_period(count: int, ends_after: int, workers: int) -> None:
    found = forecast(numbered(count), rate="20/minute", workers=workers)
    assert found.ends_at == MORNING + minutes(ends_after)
    assert found.bottleneck == ("rate 20/minute" if ends_after else "none")


def test_a_paced_rate_lets_them_leave_evenly() -> None:
    found = forecast(numbered(50), rate="20/minute", rate_paced=True)
    assert found.ends_at == MORNING + 49 * timedelta(seconds=3)


def test_a_rate_of_segments_counts_segments() -> None:
    messages = [(to, "x" * 161) for to, _ in numbered(50)]  # two segments each
    assert forecast(messages, rate="20/minute", rate_unit="segments").ends_at == MORNING + minutes(4)
    assert forecast(messages, rate="20/minute").ends_at == MORNING + minutes(2)


def test_a_text_with_more_segments_than_the_rate_waits_for_all_of_it() -> None:
    messages = [(to, "x" * 400) for to, _ in numbered(3)]  # three segments each
    assert forecast(messages, rate="2/minute", rate_unit="segments").ends_at == MORNING + minutes(2)


def test_each_phone_has_a_rate_of_its_own_and_the_last_one_decides() -> None:
    found = forecast(by("a", 10) + by("b", 30), rate="10/minute", workers=1)
    assert found.bottleneck == "rate 10/minute of phone b"
    assert found.sims == (SimForecast("b", None, 30, MORNING + minutes(2)), SimForecast("a", None, 10, MORNING))


def test_workers_that_wait_for_one_phone_keep_those_of_another_one_waiting() -> None:
    messages = [*by("a", 3), *by("b", 1)]
    assert dict_of(forecast(messages, rate="1/minute", workers=1))["b"] == MORNING + minutes(2)
    assert dict_of(forecast(messages, rate="1/minute", workers=3))["b"] == MORNING


def dict_of(found: Forecast) -> dict[str | None, datetime | None]:
    return {sim.device: sim.ends_at for sim in found.sims}


def test_what_would_take_thousands_of_years_never_ends() -> None:
    found = forecast(numbered(12), rate="1 per 1000 years")
    assert (found.ends_at, found.bottleneck, found.sent) == (None, "rate 1 per 1000 years", 12)


# --- the window --------------------------------------------------------------------------------------------


def test_a_closed_window_lets_all_wait_for_the_opening() -> None:
    found = forecast(numbered(5000), EVENING, window=window())
    assert (found.begins_at, found.ends_at, found.bottleneck) == (NEXT_MORNING, NEXT_MORNING, "window")


def test_a_rate_in_a_window_goes_on_the_next_day() -> None:
    # 720 minutes of 20 messages on the first day; of the other 5,600, the last 20 leave after 279 minutes.
    found = forecast(numbered(20_000), window=window(), rate="20/minute")
    assert (found.begins_at, found.ends_at) == (MORNING, NEXT_MORNING + minutes(279))
    assert found.bottleneck == "rate 20/minute"


def test_a_night_before_a_short_campaign_is_the_bottleneck() -> None:
    found = forecast(numbered(40), EVENING, window=window(), rate="20/minute")
    assert (found.ends_at, found.bottleneck) == (NEXT_MORNING + minutes(1), "window")


def test_an_urgent_message_leaves_before_the_window_opens() -> None:
    found = forecast([(ONE, "hi"), OutgoingSMS(ONE, "code", urgent=True)], EVENING, window=window())
    assert (found.begins_at, found.ends_at) == (EVENING, NEXT_MORNING)


def test_messages_that_are_scheduled_for_the_opening_arrive_then() -> None:
    found = forecast(numbered(5), EVENING, window=window("schedule"))
    assert (found.begins_at, found.ends_at, found.bottleneck) == (EVENING, NEXT_MORNING, "window")


def test_a_message_that_is_scheduled_for_later_ends_the_campaign() -> None:
    later = MORNING + timedelta(days=3)
    found = forecast([*numbered(5), OutgoingSMS(ONE, "hi", schedule_at=later)], rate="1/minute")
    assert (found.ends_at, found.bottleneck) == (later, "schedule_at")


def test_a_closed_window_can_let_messages_expire() -> None:
    found = forecast([*numbered(5), OutgoingSMS(ONE, "hi", urgent=True)], EVENING, window=window("expire"))
    assert (found.sent, found.expired, found.ends_at) == (1, 5, EVENING)


def test_a_window_that_never_opens_has_no_end() -> None:
    never = [date(2026, 12, 1) + timedelta(days=number) for number in range(3000)]
    found = forecast(numbered(3), window=window(holidays=never))
    assert found == Forecast(MORNING, None, 0, 0, 0, "window", ())


# --- messages that do not leave ----------------------------------------------------------------------------


def test_messages_whose_time_is_over_before_the_rate_lets_them_leave_expire() -> None:
    messages = [OutgoingSMS(to, "hi", expires_at=MORNING + timedelta(seconds=90)) for to, _ in numbered(30)]
    found = forecast(messages, rate="10/minute")
    assert (found.sent, found.expired, found.ends_at) == (20, 10, MORNING + minutes(1))


def test_messages_whose_time_is_over_before_the_window_opens_expire() -> None:
    message = OutgoingSMS(ONE, "hi", expires_at=NEXT_MORNING)
    assert forecast([message], EVENING, window=window()).expired == 1


def test_recipients_on_the_suppression_list_get_nothing() -> None:
    suppression = MemorySuppression()
    suppression.add(ONE)
    found = forecast([(ONE, "hi"), *numbered(3)], rate="2/minute", suppression=suppression)
    assert (found.sent, found.suppressed, found.ends_at) == (3, 1, MORNING + minutes(1))


# --- the SIMs ----------------------------------------------------------------------------------------------


def test_sims_share_the_messages() -> None:
    found = forecast(numbered(100), sims=SimPool([Sim("a", 1, per_minute=10), Sim("b", per_minute=10)]))
    ends_at = MORNING + minutes(4)
    assert found == Forecast(
        MORNING,
        ends_at,
        100,
        0,
        0,
        "per_minute of SIM 1 of phone a",
        (SimForecast("a", 1, 50, ends_at), SimForecast("b", None, 50, ends_at)),
    )


def test_the_limit_of_a_day_decides_if_it_is_the_lower_one() -> None:
    sim = Sim("a", per_minute=10, per_day=100)
    found = forecast(numbered(250), sims=SimPool([sim]))
    assert found.ends_at == MORNING + timedelta(days=2, minutes=4)
    assert found.bottleneck == "per_day of phone a"


def test_the_recipients_of_a_month_decide_if_they_are_the_lowest() -> None:
    found = forecast(numbered(250), sims=SimPool([Sim("a", 2, per_minute=10, recipients_per_month=100)]))
    assert found.ends_at == MORNING + timedelta(days=62, minutes=4)
    assert found.bottleneck == "recipients_per_month of SIM 2 of phone a"


def test_a_second_message_to_a_recipient_comes_from_the_same_sim_and_is_no_new_recipient() -> None:
    messages = [(to, text) for text in ("hi", "bye") for to, _ in numbered(10)]
    found = forecast(messages, sims=SimPool([Sim("a", recipients_per_month=5), Sim("b", recipients_per_month=5)]))
    assert found.ends_at == MORNING
    assert [sim.messages for sim in found.sims] == [10, 10]


def test_a_message_that_names_no_sim_of_the_pool_does_not_wait_for_one() -> None:
    found = forecast(by("other", 5), sims=SimPool([Sim("a", per_day=1)]))
    assert found.sims == (SimForecast("other", None, 5, MORNING),)


def test_what_the_sims_have_sent_so_far_counts() -> None:
    pool = SimPool([Sim("a", per_day=3)])
    for key in range(2):
        pool._book(str(key), f"3363998001{key}", OutgoingSMS(ONE, "hi"), MORNING.timestamp() - 3600, None)
    found = forecast(numbered(2), sims=pool)
    assert found.ends_at == MORNING + timedelta(hours=23)
    assert found.bottleneck == "per_day of phone a"


def test_a_forecast_takes_no_places_of_the_sims() -> None:
    pool = SimPool([Sim("a", per_day=3)])
    assert forecast(numbered(4), sims=pool) == forecast(numbered(4), sims=pool)
    slot = pool._book("1", ONE[1:], OutgoingSMS(ONE, "hi"), MORNING.timestamp(), None)
    assert slot is not None
    assert slot.at == MORNING.timestamp()


# --- against a run -----------------------------------------------------------------------------------------


class Clock(Event):
    """An event that is never set, and at which waiting moves the time of everything forward."""

    now = MORNING.timestamp()

    def wait(self, timeout: float | None = None) -> bool:
        Clock.now += timeout or 0.0
        return self.is_set()


Run = Callable[..., tuple[Forecast, list[tuple[SendStatus, float]]]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    """Asks for a forecast, then runs the campaign: the statuses, and when each outcome came."""
    monkeypatch.setattr(time, "time", lambda: Clock.now)
    monkeypatch.setattr(time, "monotonic", lambda: Clock.now)
    monkeypatch.setattr(_workers, "Event", Clock)

    def run(
        messages: list[Any], starts_at: datetime = MORNING, **options: Any
    ) -> tuple[Forecast, list[tuple[SendStatus, float]]]:
        Clock.now = starts_at.timestamp()
        journal = MemoryJournal(clock=lambda: Clock.now)
        bulk = BulkSender(ScriptedService().client, journal, workers=1, **options)
        found = bulk.check(messages).forecast
        return found, [(outcome.status, Clock.now) for outcome in bulk.send(messages)]

    return run


def assert_came_true(found: Forecast, outcomes: list[tuple[SendStatus, float]]) -> None:
    left = [at for status, at in outcomes if status is SendStatus.SENT]
    assert len(left) == found.sent
    assert sum(status is SendStatus.EXPIRED for status, _ in outcomes) == found.expired
    if left:
        assert found.ends_at is not None
        # A rate asks a little after a period has ended.
        assert left[-1] - found.ends_at.timestamp() == pytest.approx(0, abs=2)
        assert left[0] - found.begins_at.timestamp() == pytest.approx(0, abs=2)


CAMPAIGNS: dict[str, tuple[int, datetime, dict[str, Any]]] = {
    "a rate": (70, MORNING, {"rate": "20/minute"}),
    "a paced rate": (70, MORNING, {"rate": "20/minute", "rate_paced": True}),
    "a night": (300, EVENING, {"window": window()}),
    "a rate over a night": (300, MORNING + timedelta(hours=11, minutes=50), {"window": window(), "rate": "20/minute"}),
    "SIMs": (300, MORNING, {"sims": [Sim("a", per_minute=20), Sim("b", per_minute=10, per_day=40)]}),
    "SIMs over nights": (300, EVENING, {"window": window(), "sims": [Sim("a", per_minute=9, per_day=100)]}),
    "the recipients of months": (90, MORNING, {"window": window(), "sims": [Sim("a", recipients_per_month=40)]}),
    "a SIM under a slow rate": (8, MORNING, {"rate": "1 per 3 minutes", "sims": [Sim("a", per_day=8)]}),
    "SIMs under a rate": (100, MORNING, {"rate": "10/minute", "sims": [Sim("a", per_minute=20), Sim("b")]}),
}


@pytest.mark.parametrize(("count", "starts_at", "options"), CAMPAIGNS.values(), ids=CAMPAIGNS)
def test_a_campaign_ends_when_the_forecast_says(run: Run, count: int, starts_at: datetime, options: Any) -> None:
    if "sims" in options:
        options = {**options, "sims": SimPool(options["sims"])}
    assert_came_true(*run(numbered(count), starts_at, **options))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_campaign_ends_when_the_forecast_says(run: Run, data: st.DataObject) -> None:
    starts_at = MORNING + minutes(data.draw(st.sampled_from([0, 715, 719, 900])))
    expiries = st.sampled_from([None, 1, 3, 600]).map(lambda after: after and starts_at + minutes(after) + minutes(0.5))
    has_sims = data.draw(st.booleans())
    urgent = st.just(False) if has_sims else st.booleans()  # where SIMs are short, those overtake others
    messages = [
        OutgoingSMS(to, f"{text} {number}", expires_at=data.draw(expiries), urgent=data.draw(urgent))
        for number, (to, text) in enumerate(numbered(data.draw(st.integers(1, 25))))
    ]
    options: dict[str, Any] = {}
    if data.draw(st.booleans()):
        options["window"] = window(data.draw(st.sampled_from(["wait", "expire"])))
    if has_sims:
        limits = st.sampled_from([None, 1, 2, 5])
        sims = [Sim(device, None, data.draw(limits), data.draw(limits), data.draw(limits)) for device in "ab"]
        options["sims"] = SimPool(sims)
    else:
        options["rate"] = data.draw(st.sampled_from([None, "3/minute", "1 per 20 seconds", "9/hour"]))
        options["rate_paced"] = data.draw(st.booleans())
    assert_came_true(*run(messages, starts_at, **options))


@pytest.mark.long
def test_a_long_forecast_needs_no_more_memory_than_a_short_one(tmp_path: Path) -> None:
    import tracemalloc

    def peak(count: int) -> int:
        tracemalloc.start()
        forecast(((f"+336{n:08d}", "hi") for n in range(count)), EVENING, window=window(), rate="100/minute")
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return peak

    peak(12_000)
    assert peak(60_000) < peak(12_000) * 1.1
