"""Calls: those the phones missed, took and made. In the background a phone tells of them about every 10 minutes (D)."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from datetime import date, datetime
from typing import ClassVar

from pydantic import AliasChoices, Field

from .._http.transport import Transport
from .._input.arguments import check_bool, check_days, check_line, check_whole, unix_milliseconds
from .._wire.model import WireModel
from .._wire.values import DEVICE_KEYS, Guid, OptionalInt, OptionalText, Timestamp
from ..errors import InvalidRequestError

MOST_MISSED = 500
"""So many missed calls a page can have (D)."""
MOST_ANSWERED = 200
"""So many calls a page of the other two lists can have (D)."""

Params = dict[str, str | int]


class Call(WireModel):
    """A call that a phone missed, took or made (D). Keys other than the documented ones are assumed (A)."""

    _day_and_hour: ClassVar = {"call_at": ("date", "hour", "time")}

    guid: Guid = Field(None, validation_alias=AliasChoices("guid", "id"))
    """The call's GUID, if the service gives one."""
    number: OptionalText = Field(
        None, validation_alias=AliasChoices("number", "phone_number", "phone", "from", "recipients")
    )
    """The other side's number, as the network gave it; None if it was withheld."""
    name: OptionalText = Field(None, validation_alias=AliasChoices("name", "cached_name"))
    """The other side's name in the phone's contacts; None if there is none."""
    duration_seconds: OptionalInt = Field(
        None, validation_alias=AliasChoices("duration_sec", "duration_seconds", "duration")
    )
    """How long it lasted, in seconds; for a missed call, how long it rang."""
    call_at: Timestamp = Field(
        None,
        validation_alias=AliasChoices("call_date_ms", "call_datetime_utc", "call_at", "timestamp_unix", "datetime"),
    )
    """When it began, aware UTC. For missed calls the service gives no timezone: it is read as UTC (A)."""
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
        """Calls that nobody answered: one page, newest first (D).

        search: only with this text in the number or the name.
        first_day, last_day: dates, or text as `2026-03-20`; only of these days and those between, by the service's
        clock.
        offset: how many to skip. limit: how many at most, up to 500.

        Raises InvalidRequestError, ConnectionFailed, ResponseTimeout, or APIError and its kinds.
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
        """Calls that were answered on the phone: one page, newest first unless told otherwise (D).

        search: only with this text in the number or the name.
        since, until: aware datetimes or Unix times in seconds, precise to a millisecond; only calls between them.
        sort_by: the service's name of a key of its rows; `call_date_ms` without it (D). ascending: oldest, or
        smallest, first.
        offset: how many to skip. limit: how many at most, up to 200.

        Raises InvalidRequestError, ConnectionFailed, ResponseTimeout, or APIError and its kinds.
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
        """Calls that were made from the phone (D). Arguments and errors as in `incoming`."""
        filters = _filters(search, since, until, sort_by, ascending=ascending)
        return self._page("calls.outgoing", filters, offset, limit, MOST_ANSWERED)

    def iter_missed(
        self, *, search: str | None = None, first_day: date | str | None = None, last_day: date | str | None = None
    ) -> Iterator[Call]:
        """All missed calls, page after page. Arguments and errors as in `missed`."""
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
        """All calls that were answered on the phone, page after page. Arguments and errors as in `incoming`."""
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
        """All calls that were made from the phone, page after page. Arguments and errors as in `incoming`."""
        filters = _filters(search, since, until, sort_by, ascending=ascending)
        return self._all_pages("calls.outgoing", filters, MOST_ANSWERED)

    def _page(self, name: str, filters: Params, offset: int, limit: int, most: int) -> list[Call]:
        bounds = {"offset": check_whole("offset", offset), "limit": check_whole("limit", limit, least=1, most=most)}
        return self._transport.call(name, {**filters, **bounds}).rows(Call)

    def _all_pages(self, name: str, filters: Params, limit: int) -> Iterator[Call]:
        """Every call, until nothing comes, or a page that was there before: then the service ignores the offset.

        A short page is not the end: it may be the service's own limit. A call that a newer one has pushed onto the next
        page does not come twice, where it has a handle.
        """
        pages: set[int] = set()
        told: set[str] = set()
        offset = 0
        while page := self._page(name, filters, offset, limit, limit):
            looks = hash(tuple(map(_identity, page)))
            if looks in pages:
                return
            pages.add(looks)
            for call in page:
                if call.guid not in told:
                    yield call
                    told.update(filter(None, [call.guid]))
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
        raise InvalidRequestError("until is before since: no call can lie between them.")
    if first is not None:
        params["date_from_ms"] = first
    if last is not None:
        params["date_to_ms"] = last
    return params


def _identity(call: Call) -> Hashable:
    """What stays the same however often a call is listed: not its name, nor its duration while it lasts."""
    return call.guid or (call.number, call.call_at, call.device)
