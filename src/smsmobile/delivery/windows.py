"""`SendWindow`: the hours and days in which messages may leave, by the clock of one place."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time, timedelta
from functools import lru_cache, partial
from typing import Any, Literal, NamedTuple, TypeAlias
from zoneinfo import ZoneInfo

from .._input.arguments import EPOCH, check_choice, check_day, check_moment, describe, shown
from .._input.texts import exact
from ..errors import ConfigurationError, InvalidRequestError

__all__ = ["SendWindow"]


def __dir__() -> list[str]:
    return __all__


Outside: TypeAlias = Literal["wait", "schedule", "expire"]

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_NUMBER_OF = {name[:length]: number for number, name in enumerate(_DAYS) for length in (3, len(name))}
_TIME = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])|24:00")
_DAY = 24 * 60
"""Minutes."""
_HORIZON = 5 * 366 * 86400
"""Seconds in which a window has to open."""
_END_OF_TIME = 253086595200.0
"""Unix seconds: the year 9990, long enough before the last one of a datetime to look for an opening."""


class _Span(NamedTuple):
    """A time in which the window is open all the time, or closed all the time, in Unix seconds."""

    begin: float
    end: float
    """Exclusive. A closed span ends when the window opens; an open one may be followed by another one."""
    is_open: bool


class SendWindow:
    """The hours and days in which messages may leave.

        SendWindow("08:00", "20:00", "Europe/Paris", "mon-sat", holidays="FR")

    The window is open when the clock of its timezone shows a time within it, on one of its days. So it is right when
    that clock is changed: an hour that is skipped is in no window, and one that comes twice is in it twice.

    start, end: when it opens and closes: a `datetime.time`, or text such as `"08:00"`. `end` itself is outside. An
        `end` that is earlier than `start` is on the next day: 22:00 to 06:00 on Fridays ends on Saturday morning. The
        whole day is `"00:00"` to `"24:00"`.
    tz: the timezone of these times, such as `"Europe/Paris"`, or a ZoneInfo.
    days: the days on which it opens: numbers from 0 for Monday to 6, names such as `"mon"` or `"Monday"`, or text such
        as `"mon-fri"` or `"mon-thu, sat"`.
    holidays: days on which it does not open: dates; or a country such as `"FR"`, or a part of one such as `"FR-57"`
        (Moselle), whose public holidays the library `holidays` knows; it comes with the extra `[bulk]`.
    outside: what becomes of a message while the window is closed. With `"wait"`, it leaves when the window opens, if a
        program sends it then. With `"schedule"`, it goes to the service at once, as a message that is scheduled for
        then. With `"expire"`, it is `expired`.

    Windows with equal arguments are equal, and can be pickled. Raises InvalidRequestError for wrong arguments,
    ConfigurationError for a timezone that is not known here and if the library is missing.
    """

    __slots__ = ("_days", "_end", "_holidays", "_outside", "_spans", "_start", "_tz")

    def __init__(
        self,
        start: time | str,
        end: time | str,
        tz: str | ZoneInfo,
        days: Iterable[int | str] | str = range(7),
        *,
        holidays: Iterable[date] | str = (),
        outside: Outside = "wait",
    ) -> None:
        self._start = _minutes_of("start", start)
        self._end = _minutes_of("end", end)
        if self._start in (self._end, _DAY):
            raise InvalidRequestError(
                "A window has to end at another time than it starts. Use '00:00' and '24:00' for the whole day."
            )
        self._end = self._end or _DAY
        self._tz = _zone(tz)
        self._days = _numbers_of(days)
        self._holidays = _checked_holidays(holidays)
        self._outside: Outside = check_choice("outside", outside, ("wait", "schedule", "expire"))  # type: ignore[assignment]
        self._spans: tuple[_Span, ...] = (_Span(math.inf, -math.inf, False),)

    @classmethod
    def french_marketing(cls, outside: Outside = "wait", *, holidays: Iterable[date] | str = "FR") -> SendWindow:
        """The hours for advertising by SMS in metropolitan France: Monday to Saturday, 8:00 to 21:30, no holidays.

        outside: what becomes of a message while the window is closed; see `SendWindow`.
        holidays: see `SendWindow`. Moselle and Alsace have two more than the rest of the country: `"FR-57"`,
            `"FR-6AE"`. The public holidays need the library `holidays`.

        The source is the charter of the French operators' association af2m for business messaging, in its version of
        2026 (<https://af2m.org/charte-business-messaging-2026-laf2m-renforce-les-regles-du-jeu>, of February 2026):
        promotional messages are allowed from 8:00 to 21:30, "recommandés du lundi au samedi" and "tolérés les dimanches
        et jours fériés, mais non recommandés". The version of 2024 allowed working days only, from 8:00 to 22:00. This
        window keeps to the stricter of both in each respect. Some providers stop earlier, at 20:00. Messages that are
        no advertising, such as codes and reminders, are not restricted. This is no legal advice.
        """
        return cls("08:00", "21:30", "Europe/Paris", "mon-sat", holidays=holidays, outside=outside)

    @property
    def outside(self) -> Outside:
        """What becomes of a message while the window is closed."""
        return self._outside

    def opens_at(self, moment: float) -> float:
        """When a message that could leave at `moment` may leave: then, or when the window opens next. Unix seconds.

        Raises ConfigurationError if it does not open within five years.
        """
        for span in self._spans:  # another thread may replace them meanwhile
            if span.begin <= moment < span.end:
                return moment if span.is_open else span.end
        if moment >= _END_OF_TIME:
            return moment
        span = self._span_at(math.floor(moment))
        self._spans = (span, self._spans[0])  # it is asked in turns for now and for a time to come
        return moment if span.is_open else span.end

    def next_opening(self, moment: datetime) -> datetime:
        """When the window opens next; `moment` itself if it is open then.

        moment: an aware datetime. The result is in the timezone of the window. Raises InvalidRequestError for anything
        else, and ConfigurationError if the window does not open within five years.
        """
        at = check_moment("moment", moment)
        opens_at = self.opens_at(at.timestamp())
        return (at if opens_at == at.timestamp() else EPOCH + timedelta(seconds=opens_at)).astimezone(self._tz)

    def _span_at(self, moment: int) -> _Span:
        is_open = self._is_open(moment)
        end = self._next_change(moment)
        while not (is_open or self._is_open(end)):
            if end - moment > _HORIZON:
                raise ConfigurationError("The send window does not open within five years: use fewer holidays.")
            end = self._next_change(end)
        return _Span(moment, end, is_open)

    def _is_open(self, moment: int) -> bool:
        """Whether the clock shows a time in the window. Nothing changes before `_next_change`."""
        local = self._local(moment)
        minute = local.hour * 60 + local.minute
        if self._start < self._end:
            return self._start <= minute < self._end and self._opens_on(local.date())
        if minute < self._end:  # it belongs to the day before
            return self._opens_on(local.date() - timedelta(days=1))
        return minute >= self._start and self._opens_on(local.date())

    def _next_change(self, moment: int) -> int:
        """The next moment at which the clock shows the start, the end or midnight, or is changed."""
        local = self._local(moment)
        seconds = local.hour * 3600 + local.minute * 60 + local.second
        later = moment + min(left for at in (self._start, self._end, _DAY) if (left := at * 60 - seconds) > 0)
        offset = local.utcoffset()
        if self._local(later).utcoffset() == offset:
            return later
        earlier = moment
        while later - earlier > 1:
            middle = (earlier + later) // 2
            if self._local(middle).utcoffset() == offset:
                earlier = middle
            else:
                later = middle
        return later

    def _local(self, moment: int) -> datetime:
        return (EPOCH + timedelta(seconds=moment)).astimezone(self._tz)

    def _opens_on(self, day: date) -> bool:
        if day.weekday() not in self._days:
            return False
        holidays = self._holidays
        return day not in (_public_holidays(holidays, day.year) if isinstance(holidays, str) else holidays)

    @property
    def _value(self) -> tuple[Any, ...]:
        return (self._start, self._end, str(self._tz), self._days, self._holidays, self._outside)

    def __eq__(self, other: object) -> bool:
        return self._value == other._value if isinstance(other, SendWindow) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._value)

    def __reduce__(self) -> tuple[Any, ...]:
        make = partial(type(self), holidays=self._holidays, outside=self._outside)
        return make, (_clock(self._start), _clock(self._end), self._tz, self._days)

    def __repr__(self) -> str:
        days = ", ".join(_DAYS[number][:3] for number in sorted(self._days))
        holidays = self._holidays if isinstance(self._holidays, str) else f"{len(self._holidays)} days"
        return (
            f"SendWindow({_clock(self._start)}-{_clock(self._end)} {self._tz}, {days}, holidays: {holidays}, "
            f"outside={self._outside!r})"
        )


def _minutes_of(name: str, at: object) -> int:
    """A time of day in minutes since midnight."""
    if isinstance(at, time) and at.tzinfo is None and not (at.second or at.microsecond):
        return at.hour * 60 + at.minute
    if isinstance(at, str) and (found := _TIME.fullmatch(exact(at)[:10])):
        return _DAY if found[1] is None else int(found[1]) * 60 + int(found[2])
    what = f"is {shown(exact(at))!r}" if isinstance(at, str) else f"is of type {type(at).__name__}"
    if isinstance(at, time):
        what = "has a timezone" if at.tzinfo is not None else "has seconds"
    raise InvalidRequestError(f"{name} {what}; expected a naive datetime.time in whole minutes, or text as '08:00'.")


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


def _zone(tz: object) -> ZoneInfo:
    if isinstance(tz, ZoneInfo):
        return tz
    if not isinstance(tz, str):
        raise InvalidRequestError(
            f"tz is of type {type(tz).__name__}; expected a name such as 'Europe/Paris', or a ZoneInfo."
        )
    try:
        return ZoneInfo(exact(tz))
    except (KeyError, OSError, ValueError):
        raise ConfigurationError(
            f"tz is {shown(exact(tz))!r}, a timezone that is not known here; expected one such as 'Europe/Paris'. "
            "Windows has no timezones of its own: pip install tzdata."
        ) from None


def _numbers_of(days: object) -> frozenset[int]:
    """The numbers of days, 0 for Monday, from any spelling of them."""
    given = [days] if isinstance(days, str) else days
    if not isinstance(given, Iterable):
        raise InvalidRequestError(f"days {describe(days)}; expected numbers or names of days, or text as 'mon-fri'.")
    numbers: set[int] = set()
    for day in given:
        if isinstance(day, str):
            numbers.update(number for part in exact(day).split(",") for number in _range_of(part))
        elif isinstance(day, int) and not isinstance(day, bool) and 0 <= day <= 6:
            numbers.add(day)
        else:
            raise InvalidRequestError(f"One of the days {describe(day)}; expected 0 (Monday) to 6, or a name as 'mon'.")
    if not numbers:
        raise InvalidRequestError("There are no days; expected at least one, or the window would never open.")
    return frozenset(numbers)


def _range_of(text: str) -> Iterable[int]:
    """The numbers of `mon` or `mon-fri`; `sat-mon` has three as well."""
    words = [word.strip().lower() for word in text.split("-")]
    if len(words) > 2 or not all(word in _NUMBER_OF for word in words):
        raise InvalidRequestError(f"One of the days is {shown(text.strip())!r}; expected one as 'mon', or 'mon-fri'.")
    first, last = _NUMBER_OF[words[0]], _NUMBER_OF[words[-1]]
    return [(first + more) % 7 for more in range((last - first) % 7 + 1)]


def _checked_holidays(holidays: object) -> frozenset[date] | str:
    if isinstance(holidays, str):
        country = exact(holidays).strip()
        _public_holidays(country, 2000)  # its errors
        return country
    if isinstance(holidays, Mapping) or not isinstance(holidays, Iterable):  # one of the library knows no day yet
        raise InvalidRequestError(
            f"holidays is of type {type(holidays).__name__}; expected dates, or a country such as 'FR'."
        )
    return frozenset(date.fromisoformat(check_day("One of the holidays", day)) for day in holidays)


@lru_cache(maxsize=1000)
def _public_holidays(country: str, year: int) -> frozenset[date]:
    try:
        from holidays import country_holidays
    except ImportError:
        raise ConfigurationError(
            "The public holidays of a country need the library holidays: pip install 'smsmobile[bulk]', or pass dates."
        ) from None
    code, _, part = country.partition("-")
    try:
        return frozenset(country_holidays(code, subdiv=part or None, years=year))
    except NotImplementedError:
        raise InvalidRequestError(
            f"holidays is {shown(country)!r}, which the library holidays does not know; expected a country such as "
            "'FR', or a part of one such as 'FR-57'."
        ) from None
