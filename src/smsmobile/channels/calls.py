"""Calls that the phones missed, answered and made. The app reports them about every 10 minutes (D)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator
from datetime import date, datetime
from typing import ClassVar

from pydantic import AliasChoices, Field

from .._http.transport import Transport
from .._input.arguments import check_bool, check_days, check_line, check_whole, unix_milliseconds
from .._wire.model import DayAndHour, WireModel
from .._wire.values import DEVICE_KEYS, Guid, OptionalInt, OptionalText, Timestamp
from ..errors import InvalidRequestError

__all__ = ["Call", "CallsChannel"]


def __dir__() -> list[str]:
    return __all__


MOST_MISSED = 500
"""Maximum number of missed calls on a page (D)."""
MOST_ANSWERED = 200
"""Maximum number of incoming or outgoing calls on a page (D)."""

Params = dict[str, str | int]


class Call(WireModel):
    """A call that a phone missed, answered or made (D). Undocumented keys of its row are assumed (A)."""

    _day_and_hour: ClassVar[DayAndHour] = {"call_at": ("date", "hour", "time")}

    guid: Guid = Field(None, validation_alias=AliasChoices("guid", "id"))
    """The call's GUID; None if the service returns none."""
    number: OptionalText = Field(
        None, validation_alias=AliasChoices("number", "phone_number", "phone", "from", "recipients")
    )
    """The other party's number, as the network reported it; None if it was withheld."""
    name: OptionalText = Field(None, validation_alias=AliasChoices("name", "cached_name"))
    """The other party's name in the phone's contacts; None if there is none."""
    duration_seconds: OptionalInt = Field(
        None, validation_alias=AliasChoices("duration_sec", "duration_seconds", "duration")
    )
    """Duration in seconds. For a missed call: how long it rang."""
    call_at: Timestamp = Field(
        None,
        validation_alias=AliasChoices("call_date_ms", "call_datetime_utc", "call_at", "timestamp_unix", "datetime"),
    )
    """When the call began, as an aware UTC datetime. Missed calls have no timezone and are read as UTC (A)."""
    device: OptionalText = Field(None, validation_alias=AliasChoices(*DEVICE_KEYS))
    """SID of the phone."""


class CallsChannel:
    """`client.calls`."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def missed(
        self,
        *,
        search: str | None = None,
        first_day: date | str | None = None,
        last_day: date | str | None = None,
        offset: int = 0,
        limit: int = 100,
    ) -> list[Call]:
        """Return one page of the calls that nobody answered, newest first (D).

        search: only calls whose number or name contains this text.
        first_day, last_day: only calls of these days and the days between, by the service's clock; a date, or a text
            such as `2026-03-20`.
        offset: number of calls to skip.
        limit: maximum number of calls to return, up to 500.

        Raises InvalidRequestError, ConnectionFailed, ResponseTimeout or an APIError.
        """
        return self._page("calls.missed", _filters_by_day(search, first_day, last_day), offset, limit, MOST_MISSED)

    def incoming(
        self,
        *,
        search: str | None = None,
        since: datetime | float | None = None,
        until: datetime | float | None = None,
        sort_by: str | None = None,
        ascending: bool = False,
        offset: int = 0,
        limit: int = 50,
    ) -> list[Call]:
        """Return one page of the calls that were answered on the phone, by default newest first (D).

        search: only calls whose number or name contains this text.
        since, until: only calls between these times; aware datetimes or Unix times in seconds, precise to a
            millisecond.
        sort_by: the key of the service's rows to sort by; `call_date_ms` by default (D).
        ascending: sort the oldest, or smallest, first.
        offset: number of calls to skip.
        limit: maximum number of calls to return, up to 200.

        Raises InvalidRequestError, ConnectionFailed, ResponseTimeout or an APIError.
        """
        filters = _filters(search, since, until, sort_by, ascending=ascending)
        return self._page("calls.incoming", filters, offset, limit, MOST_ANSWERED)

    def outgoing(
        self,
        *,
        search: str | None = None,
        since: datetime | float | None = None,
        until: datetime | float | None = None,
        sort_by: str | None = None,
        ascending: bool = False,
        offset: int = 0,
        limit: int = 50,
    ) -> list[Call]:
        """Return one page of the calls that were made from the phone (D). Arguments and errors as in `incoming`."""
        filters = _filters(search, since, until, sort_by, ascending=ascending)
        return self._page("calls.outgoing", filters, offset, limit, MOST_ANSWERED)

    def iter_missed(
        self, *, search: str | None = None, first_day: date | str | None = None, last_day: date | str | None = None
    ) -> Iterator[Call]:
        """Iterate over all missed calls, page by page. Arguments and errors as in `missed`."""
        return self._all_pages("calls.missed", _filters_by_day(search, first_day, last_day), MOST_MISSED)

    def iter_incoming(
        self,
        *,
        search: str | None = None,
        since: datetime | float | None = None,
        until: datetime | float | None = None,
        sort_by: str | None = None,
        ascending: bool = False,
    ) -> Iterator[Call]:
        """Iterate over all calls that were answered on the phone. Arguments and errors as in `incoming`."""
        filters = _filters(search, since, until, sort_by, ascending=ascending)
        return self._all_pages("calls.incoming", filters, MOST_ANSWERED)

    def iter_outgoing(
        self,
        *,
        search: str | None = None,
        since: datetime | float | None = None,
        until: datetime | float | None = None,
        sort_by: str | None = None,
        ascending: bool = False,
    ) -> Iterator[Call]:
        """Iterate over all calls that were made from the phone. Arguments and errors as in `incoming`."""
        filters = _filters(search, since, until, sort_by, ascending=ascending)
        return self._all_pages("calls.outgoing", filters, MOST_ANSWERED)

    def _page(self, name: str, filters: Params, offset: int, limit: int, most: int) -> list[Call]:
        bounds = {"offset": check_whole("offset", offset), "limit": check_whole("limit", limit, least=1, most=most)}
        return self._transport.call(name, {**filters, **bounds}).rows(Call)

    def _all_pages(self, name: str, filters: Params, limit: int) -> Iterator[Call]:
        """Iterate over all calls. The end is a page without new calls: the service then ignores the offset.

        Only a GUID tells that a call is new. Calls without one may look the same; so a page with such calls has nothing
        new if an earlier page had exactly the same calls, in any order. A page with less than `limit` calls is not the
        end, since the service may have a lower limit. A GUID is yielded once, even if a new call has moved it to the
        next page.
        """
        seen_pages: set[Hashable] = set()
        seen_guids: set[str | None] = set()
        offset = 0
        while page := self._page(name, filters, offset, limit, limit):
            content = frozenset(Counter(map(_identity, page)).items())
            if content in seen_pages or seen_guids.issuperset(call.guid for call in page):
                return
            seen_pages.add(content)
            for call in page:
                if call.guid not in seen_guids:
                    yield call
                    seen_guids.update(filter(None, [call.guid]))
            offset += len(page)


def _filters_by_day(search: str | None, first_day: date | str | None, last_day: date | str | None) -> Params:
    first, last = check_days(first_day, last_day)
    params: Params = {}
    if search is not None:
        params["search"] = check_line("search", search)
    if first is not None:
        params["date_start"] = first
    if last is not None:
        params["date_end"] = last
    return params


def _filters(
    search: str | None,
    since: datetime | float | None,
    until: datetime | float | None,
    sort_by: str | None,
    *,
    ascending: bool,
) -> Params:
    params: Params = {}
    if search is not None:
        params["q"] = check_line("search", search)
    if sort_by is not None:
        params["sort_by"] = check_line("sort_by", sort_by)
    if check_bool("ascending", ascending):
        params["sort_dir"] = "asc"
    first = None if since is None else unix_milliseconds("since", since)
    last = None if until is None else unix_milliseconds("until", until)
    if first is not None and last is not None and last < first:
        raise InvalidRequestError("until is before since; expected the same time or a later one.")
    if first is not None:
        params["date_from_ms"] = first
    if last is not None:
        params["date_to_ms"] = last
    return params


def _identity(call: Call) -> Hashable:
    """The values of a call that never change. Its name, and its duration during the call, can change."""
    return call.guid or (call.number, call.call_at, call.device)
