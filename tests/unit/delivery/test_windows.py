"""When a send window is open, whatever the clock does."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, time, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smsmobile import ConfigurationError, InvalidRequestError
from smsmobile.delivery import SendWindow
from smsmobile.delivery import windows as windows_module

PARIS = "Europe/Paris"


def moment(local: str, tz: str = PARIS, *, fold: int = 0) -> float:
    return datetime.fromisoformat(local).replace(tzinfo=ZoneInfo(tz), fold=fold).timestamp()


def opening(window: SendWindow, local: str, tz: str = PARIS, *, fold: int = 0) -> str:
    """When it opens, as the clock shows it, with the offset from UTC where it matters."""
    opens_at = window.opens_at(moment(local, tz, fold=fold))
    return datetime.fromtimestamp(opens_at, ZoneInfo(tz)).isoformat(" ", "minutes")


@pytest.mark.parametrize(
    ("at", "opens_at"),
    [
        ("2026-12-01 07:59", "2026-12-01 08:00+01:00"),
        ("2026-12-01 08:00", "2026-12-01 08:00+01:00"),
        ("2026-12-01 12:34", "2026-12-01 12:34+01:00"),
        ("2026-12-01 19:59", "2026-12-01 19:59+01:00"),
        ("2026-12-01 20:00", "2026-12-02 08:00+01:00"),
        ("2026-12-05 20:00", "2026-12-07 08:00+01:00"),  # a Saturday
        ("2026-12-06 12:00", "2026-12-07 08:00+01:00"),
    ],
)
def test_a_message_leaves_when_the_window_is_open_or_opens(at: str, opens_at: str) -> None:
    assert opening(SendWindow("08:00", "20:00", PARIS, "mon-sat"), at) == opens_at


def test_a_moment_within_the_window_is_returned_as_it_is() -> None:
    at = moment("2026-12-01 12:00") + 0.123456
    assert SendWindow("08:00", "20:00", PARIS).opens_at(at) == at


@pytest.mark.parametrize(
    ("at", "opens_at"),
    [
        ("2026-12-04 21:59", "2026-12-04 22:00"),  # a Friday
        ("2026-12-04 23:30", "2026-12-04 23:30"),
        ("2026-12-05 00:00", "2026-12-05 00:00"),
        ("2026-12-05 05:59", "2026-12-05 05:59"),
        ("2026-12-05 06:00", "2026-12-11 22:00"),
        ("2026-12-04 03:00", "2026-12-04 22:00"),  # that night is Thursday's
    ],
)
def test_a_window_over_midnight_belongs_to_the_day_on_which_it_begins(at: str, opens_at: str) -> None:
    assert opening(SendWindow("22:00", "06:00", PARIS, ["fri"]), at) == f"{opens_at}+01:00"


def test_a_night_after_a_holiday_is_open_and_that_of_the_holiday_is_not() -> None:
    window = SendWindow("22:00", "06:00", PARIS, holidays=[date(2026, 12, 25)])
    assert opening(window, "2026-12-25 05:59") == "2026-12-25 05:59+01:00"
    assert opening(window, "2026-12-25 06:00") == "2026-12-26 22:00+01:00"


@pytest.mark.parametrize("end", ["24:00", "00:00", time(0)])
def test_midnight_is_the_end_of_the_day(end: Any) -> None:
    window = SendWindow("18:00", end, PARIS, ["mon"])
    assert opening(window, "2026-12-07 23:59") == "2026-12-07 23:59+01:00"
    assert opening(window, "2026-12-08 00:00") == "2026-12-14 18:00+01:00"


def test_the_whole_day_is_open_from_midnight_to_midnight() -> None:
    window = SendWindow("00:00", "24:00", PARIS, ["sat", "sun"])
    assert opening(window, "2026-12-04 23:59") == "2026-12-05 00:00+01:00"
    assert opening(window, "2026-12-06 23:59") == "2026-12-06 23:59+01:00"
    assert opening(window, "2026-12-07 00:00") == "2026-12-12 00:00+01:00"


# --- the two nights of the year, and stranger ones ---------------------------------------------------------


def test_an_opening_that_the_clock_skips_is_the_end_of_the_gap() -> None:
    window = SendWindow("02:30", "05:00", PARIS)
    assert opening(window, "2026-03-29 01:59") == "2026-03-29 03:00+02:00"


def test_a_window_that_the_clock_skips_does_not_open_that_night() -> None:
    window = SendWindow("02:00", "03:00", PARIS)
    assert opening(window, "2026-03-29 01:00") == "2026-03-30 02:00+02:00"


def test_an_hour_that_comes_twice_is_in_the_window_twice() -> None:
    window = SendWindow("02:00", "03:00", PARIS)
    assert opening(window, "2026-10-25 02:30") == "2026-10-25 02:30+02:00"
    assert opening(window, "2026-10-25 02:30", fold=1) == "2026-10-25 02:30+01:00"
    first, last = moment("2026-10-25 02:00"), moment("2026-10-25 03:00")
    assert last - first == 2 * 3600
    assert window.opens_at(last - 1) == last - 1


def test_a_window_that_ends_in_the_hour_that_comes_twice_closes_and_opens_again() -> None:
    window = SendWindow("01:00", "02:30", PARIS)
    assert opening(window, "2026-10-25 02:29") == "2026-10-25 02:29+02:00"
    assert opening(window, "2026-10-25 02:30") == "2026-10-25 02:00+01:00"
    assert opening(window, "2026-10-25 02:30", fold=1) == "2026-10-26 01:00+01:00"


@pytest.mark.parametrize(
    ("tz", "at", "opens_at"),
    [
        ("Australia/Lord_Howe", "2026-10-04 01:59", "2026-10-04 02:30+11:00"),  # forward by half an hour at 2:00
        ("America/Santiago", "2026-09-05 23:59", "2026-09-06 01:00-03:00"),  # forward at midnight
        ("America/Havana", "2026-03-07 23:59", "2026-03-08 01:00-04:00"),
        ("Pacific/Apia", "2011-12-29 23:59", "2011-12-31 00:00+14:00"),  # a day is skipped
    ],
)
def test_a_day_that_begins_late_opens_late(tz: str, at: str, opens_at: str) -> None:
    start = "02:10" if "Lord" in tz else "00:00"
    assert opening(SendWindow(start, "23:00", tz), at, tz) == opens_at


def test_an_hour_that_comes_twice_before_midnight_is_in_the_window_twice() -> None:
    window = SendWindow("23:00", "24:00", "America/Santiago", ["sat"])
    begin = moment("2026-04-04 23:00", "America/Santiago")
    assert window.opens_at(begin - 60) == begin
    assert window.opens_at(begin + 7199) == begin + 7199
    assert window.opens_at(begin + 7200) == begin + 7200 + 7 * 86400 - 3600


CHANGES = [
    (PARIS, "2026-03-29", 120),
    (PARIS, "2026-10-25", 120),
    ("America/New_York", "2026-03-08", 120),
    ("America/New_York", "2026-11-01", 60),
    ("Australia/Lord_Howe", "2026-04-05", 90),
    ("Australia/Lord_Howe", "2026-10-04", 120),
    ("America/Santiago", "2026-04-04", 1380),
    ("America/Santiago", "2026-09-06", 0),
    ("America/Havana", "2026-03-08", 0),
    ("Pacific/Apia", "2011-12-30", 0),
    ("Asia/Kathmandu", "1986-01-01", 0),  # forward by a quarter of an hour
    ("UTC", "2026-01-01", 0),
]
"""Where, when, and in which minute of the day a clock is changed."""


def slow_openings(
    start: int, end: int, tz: str, days: set[int], holidays: list[date], first: int, minutes: int
) -> list[int | None]:
    """For each minute from `first` on, when a message leaves; None if that is later than all of them."""
    zone, a_day = ZoneInfo(tz), timedelta(days=1)
    walls = [
        datetime.fromtimestamp(first + 60 * number, zone).replace(tzinfo=None, fold=0) for number in range(minutes)
    ]
    day, spans = walls[0].date() - 2 * a_day, []
    while day <= walls[-1].date():
        if day.weekday() in days and day not in holidays:
            midnight = datetime.combine(day, time())
            last = end if end > start else end + 1440
            spans.append((midnight + timedelta(minutes=start), midnight + timedelta(minutes=last)))
        day += a_day
    openings: list[int | None] = []
    opens_at = None
    for number in reversed(range(minutes)):
        if any(begin <= walls[number] < finish for begin, finish in spans):
            opens_at = first + 60 * number
        openings.append(opens_at)
    return openings[::-1]


@settings(max_examples=50)
@given(st.data())
def test_it_opens_when_a_clock_that_is_read_every_minute_says_so(data: st.DataObject) -> None:
    tz, day, minute = data.draw(st.sampled_from(CHANGES))
    around = date.fromisoformat(day)
    near = st.sampled_from([-90, -60, -30, -15, 0, 10, 20, 30, 45, 60, 90]).map(lambda more: (minute + more) % 1440)
    times = st.one_of(near, st.integers(0, 1439))
    start, end = data.draw(st.tuples(near, times).filter(lambda pair: pair[0] != pair[1]))
    end = end or 1440
    days = data.draw(st.sets(st.integers(0, 6), min_size=3))
    holidays = data.draw(st.lists(st.integers(-1, 1).map(lambda more: around + timedelta(days=more)), max_size=1))
    begin, finish = (f"{at // 60:02}:{at % 60:02}" for at in (start, end))
    window = SendWindow(begin, finish, tz, days, holidays=holidays)
    first = int(datetime.combine(around - timedelta(days=1), time(), timezone.utc).timestamp()) + 6 * 3600
    expected = slow_openings(start, end, tz, days, holidays, first, 3 * 1440)
    for number in data.draw(st.sampled_from([range(3 * 1440), range(3 * 1440 - 1, 0, -7)])):
        opens_at = window.opens_at(first + 60 * number)
        if expected[number] is None:
            assert opens_at >= first + 3 * 86400
        else:
            assert opens_at == expected[number]


# --- holidays ----------------------------------------------------------------------------------------------


def test_the_holidays_of_a_country_are_known() -> None:
    window = SendWindow("08:00", "20:00", PARIS, holidays="FR")
    assert opening(window, "2026-12-25 09:00") == "2026-12-26 08:00+01:00"
    assert opening(window, "2027-03-29 09:00") == "2027-03-30 08:00+02:00"  # Easter Monday


def test_a_part_of_a_country_has_holidays_of_its_own() -> None:
    window = SendWindow("08:00", "20:00", PARIS, holidays="FR-57")
    assert opening(window, "2026-12-26 09:00") == "2026-12-27 08:00+01:00"


def test_holidays_can_be_dates_or_texts() -> None:
    window = SendWindow("08:00", "20:00", PARIS, holidays=[date(2026, 12, 1), "2026-12-02"])  # type: ignore[list-item]
    assert opening(window, "2026-12-01 09:00") == "2026-12-03 08:00+01:00"


@pytest.mark.parametrize("country", ["XX", "FR-99", "", "france"])
def test_a_country_that_is_none_is_refused(country: str) -> None:
    with pytest.raises(InvalidRequestError, match="such as 'FR'"):
        SendWindow("08:00", "20:00", PARIS, holidays=country)


def test_without_the_library_the_error_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "holidays", None)
    windows_module._public_holidays.cache_clear()
    with pytest.raises(ConfigurationError, match=r"pip install 'smsmobile\[bulk\]'"):
        SendWindow.french_marketing()
    assert opening(SendWindow.french_marketing(holidays=()), "2026-12-25 09:00") == "2026-12-25 09:00+01:00"


def test_holidays_of_the_library_that_know_no_year_yet_are_refused() -> None:
    from holidays import country_holidays

    with pytest.raises(InvalidRequestError, match="a country such as 'FR'"):
        SendWindow("08:00", "20:00", PARIS, holidays=country_holidays("FR"))


def test_a_window_that_does_not_open_for_years_is_an_error() -> None:
    every_day = [date(2026, 1, 1) + timedelta(days=number) for number in range(4000)]
    window = SendWindow("08:00", "20:00", PARIS, holidays=every_day)
    with pytest.raises(ConfigurationError, match="does not open within five years"):
        window.opens_at(moment("2026-12-01 09:00"))


@pytest.mark.parametrize(
    ("at", "opens_at"),
    [
        ("2026-12-01 07:59", "2026-12-01 08:00+01:00"),
        ("2026-12-01 21:29", "2026-12-01 21:29+01:00"),
        ("2026-12-01 21:30", "2026-12-02 08:00+01:00"),
        ("2026-12-05 21:30", "2026-12-07 08:00+01:00"),  # over Sunday
        ("2026-07-13 21:30", "2026-07-15 08:00+02:00"),  # over the 14th of July
    ],
)
def test_french_marketing_leaves_in_the_hours_of_the_charter(at: str, opens_at: str) -> None:
    assert opening(SendWindow.french_marketing(), at) == opens_at


# --- its arguments -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "days",
    [
        range(5),
        [4, 3, 2, 1, 0],
        "mon-fri",
        "Monday-Friday",
        " MON - wed ,thu,  fri",
        ["mon-thu", "Friday"],
        ["mon", 1, 2, "thursday", 4],
    ],
)
def test_days_come_in_any_spelling(days: Any) -> None:
    assert SendWindow("08:00", "20:00", PARIS, days) == SendWindow("08:00", "20:00", PARIS, {0, 1, 2, 3, 4})


def test_a_range_of_days_goes_over_the_end_of_the_week() -> None:
    assert SendWindow("08:00", "20:00", PARIS, "sat-mon") == SendWindow("08:00", "20:00", PARIS, [5, 6, 0])


def test_times_and_zones_come_in_any_spelling() -> None:
    assert SendWindow(time(8), time(20, 30), ZoneInfo(PARIS)) == SendWindow("8:00", "20:30", PARIS)


A_WRONG_WINDOW: dict[str, tuple[dict[str, Any], str]] = {
    "a start that is no time": ({"start": "8 o'clock"}, "start is"),
    "a start after the day": ({"start": "24:00"}, "at another time than it starts"),
    "an end that is no time": ({"end": "25:00"}, "end is '25:00'"),
    "an hour alone": ({"end": 20}, "end is of type int"),
    "a time with a zone": ({"start": time(8, tzinfo=timezone.utc)}, "start has a timezone"),
    "a time with seconds": ({"start": time(8, 0, 1)}, "start has seconds"),
    "no time in between": ({"start": "08:00", "end": "08:00"}, "'00:00' and '24:00' for the whole day"),
    "no time in between at midnight": ({"start": "00:00", "end": time(0)}, "'00:00' and '24:00' for the whole day"),
    "a zone that is none": ({"tz": timezone.utc}, "tz is of type timezone"),
    "no days": ({"days": []}, "There are no days"),
    "an eighth day": ({"days": [7]}, "One of the days is 7"),
    "a bool for a day": ({"days": [True]}, "One of the days is True"),
    "a day that is none": ({"days": "mon-frui"}, "One of the days is 'mon-frui'"),
    "a range of three": ({"days": "mon-wed-fri"}, "One of the days is"),
    "an empty text": ({"days": ""}, "One of the days is ''"),
    "days that are a number": ({"days": 5}, "days is 5"),
    "a holiday that is a datetime": ({"holidays": [datetime(2026, 12, 25)]}, "One of the holidays is a datetime"),  # noqa: DTZ001
    "a holiday that is none": ({"holidays": ["Christmas"]}, "One of the holidays is 'Christmas'"),
    "holidays that are a date": ({"holidays": date(2026, 12, 25)}, "holidays is of type date"),
    "a policy that is none": ({"outside": "drop"}, "outside is 'drop'"),
}


@pytest.mark.parametrize(("arguments", "error"), A_WRONG_WINDOW.values(), ids=A_WRONG_WINDOW)
def test_wrong_arguments_are_refused(arguments: dict[str, Any], error: str) -> None:
    with pytest.raises(InvalidRequestError, match=error):
        SendWindow(**{"start": "08:00", "end": "20:00", "tz": PARIS, **arguments})


@pytest.mark.parametrize("tz", ["Europe/Pariss", "", "../etc/passwd", "Europe", "\0"])
def test_a_timezone_that_is_not_known_is_an_error_that_names_tzdata(tz: str) -> None:
    with pytest.raises(ConfigurationError, match="pip install tzdata"):
        SendWindow("08:00", "20:00", tz)


# --- its ways as a value -----------------------------------------------------------------------------------


@pytest.mark.parametrize("copy", [pickle.dumps, repr], ids=["pickle", "repr"])
def test_a_used_window_is_a_value(copy: Callable[[object], object]) -> None:
    window = SendWindow("22:00", "24:00", PARIS, "mon-sat", holidays="FR", outside="expire")
    before = copy(window)
    window.opens_at(moment("2026-12-01 09:00"))
    assert copy(window) == before


def test_a_pickled_window_is_equal_and_works() -> None:
    window = SendWindow("22:00", "06:00", PARIS, "mon-sat", holidays=[date(2026, 12, 25)], outside="expire")
    again = pickle.loads(pickle.dumps(window))
    assert again == window
    assert hash(again) == hash(window)
    assert again.outside == "expire"
    assert opening(again, "2026-12-01 09:00") == "2026-12-01 22:00+01:00"


@pytest.mark.parametrize(
    "other",
    [
        SendWindow("08:01", "20:00", PARIS),
        SendWindow("08:00", "20:01", PARIS),
        SendWindow("08:00", "20:00", "UTC"),
        SendWindow("08:00", "20:00", PARIS, "mon"),
        SendWindow("08:00", "20:00", PARIS, holidays=[date(2026, 12, 1)]),
        SendWindow("08:00", "20:00", PARIS, outside="schedule"),
    ],
    ids=["start", "end", "tz", "days", "holidays", "outside"],
)
def test_windows_that_differ_are_not_equal(other: SendWindow) -> None:
    assert other != SendWindow("08:00", "20:00", PARIS)


def test_its_repr_says_what_it_is() -> None:
    window = SendWindow("08:00", "24:00", PARIS, "mon-fri", holidays=[date(2026, 12, 25)])
    assert repr(window) == (
        "SendWindow(08:00-24:00 Europe/Paris, mon, tue, wed, thu, fri, holidays: 1 days, outside='wait')"
    )


def test_it_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        SendWindow("08:00", "20:00", PARIS).outside = "expire"  # type: ignore[misc]


def test_questions_about_now_and_about_later_in_turns_are_answered_from_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    window = SendWindow("08:00", "20:00", PARIS)
    now, later = moment("2026-12-01 09:00"), moment("2026-12-03 05:00")
    answers = [window.opens_at(now), window.opens_at(later)]
    monkeypatch.setattr(SendWindow, "_span_at", None)
    assert [window.opens_at(now + 1), window.opens_at(later + 1)] == [answers[0] + 1, answers[1]]


def test_threads_can_share_a_window() -> None:
    window = SendWindow("08:00", "20:00", PARIS, "mon-sat")
    moments = [moment("2026-12-01 00:00") + 1800 * number for number in range(700)]
    expected = [SendWindow("08:00", "20:00", PARIS, "mon-sat").opens_at(at) for at in moments]
    with ThreadPoolExecutor(4) as pool:
        for answers in pool.map(lambda _: [window.opens_at(at) for at in moments], range(8)):
            assert answers == expected


# --- for people --------------------------------------------------------------------------------------------


def test_the_next_opening_is_told_in_the_time_of_the_window() -> None:
    window = SendWindow("08:00", "20:00", PARIS)
    opens_at = window.next_opening(datetime(2026, 12, 1, 20, 30, tzinfo=timezone.utc))
    assert opens_at.isoformat() == "2026-12-02T08:00:00+01:00"


def test_an_open_window_opens_at_the_moment_itself() -> None:
    at = datetime(2026, 12, 1, 12, 30, 0, 123457, tzinfo=timezone.utc)
    assert SendWindow("08:00", "20:00", PARIS).next_opening(at) == at


def test_a_naive_moment_is_refused() -> None:
    with pytest.raises(InvalidRequestError, match="naive"):
        SendWindow("08:00", "20:00", PARIS).next_opening(datetime(2026, 12, 1))  # noqa: DTZ001


def test_the_end_of_time_is_no_error() -> None:
    at = datetime(9999, 12, 31, 23, tzinfo=timezone.utc).timestamp()
    assert SendWindow("08:00", "20:00", "Pacific/Kiritimati").opens_at(at) == at
