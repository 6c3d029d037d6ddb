"""Carries out the faults of requests: what is refused instead of being done, and what becomes of an answer on its way.

Which faults there are, and when one is injected, is decided in faults.py. What ends a connection lives with who serves:
server.py over sockets, adapter.py without.
"""

from __future__ import annotations

import errno
import time
from collections.abc import Iterator
from math import ceil
from typing import TYPE_CHECKING, ClassVar, NoReturn, Protocol, TypeVar

from flask import Response, jsonify

from .errors import Refusal, api_expired, phone_offline, subscription_expire
from .faults import Faults
from .rows import Fault

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

CONNECTION = "smsmobile.connection"
"""The key in the WSGI environment under which a server that can break connections puts its `Connection`."""

_MOST_PIECES = 100
_DETAIL = "SQLSTATE[HY000]: General error: 2006 MySQL server has gone away (SELECT id FROM account WHERE apikey = ?)"
_WARNING = (
    b"<br />\n<b>Warning</b>:  Undefined array key &quot;port&quot; in <b>/var/www/html/index.php</b> on line "
    b"<b>42</b><br />\n"
)
_PAGE = b"<!DOCTYPE html>\n<html><head><title>One moment</title></head><body><h1>We are back soon</h1></body></html>\n"
_SERVER_ERROR: dict[str, object] = {"success": False, "error": "server_error", "detail": _DETAIL}

_FaultT = TypeVar("_FaultT", bound="_RequestFault")


class Connection(Protocol):
    """What a request came in on, as far as faults touch it."""

    def pause(self, seconds: float) -> None:
        """Let this much time pass before anything more is sent."""
        ...

    def reset(self) -> NoReturn:
        """End it at once, as a machine does that crashed (a RST), and this request with it."""
        ...

    def cut(self) -> NoReturn:
        """End it behind what was sent so far (a FIN), and this request with it."""
        ...


class FaultInjection:
    """What goes wrong with one request, from its beginning to the last byte of its answer."""

    def __init__(self, faults: Faults, path: str, *, sends: bool = False) -> None:
        self.injected: tuple[str, ...] = ()
        """The names of the faults that were injected so far."""
        self.seconds = 0.0
        """How much later its answer will be there in full."""
        self.is_reset = False
        """Whether it gets no answer at all."""
        self._faults = faults
        self._path = path
        self._sends = sends
        self._is_decided = False

    def before(self) -> None:
        """Raise what a request is told in place of being looked at."""
        for fault in self._inject(_BEFORE, is_send=self._sends):
            raise fault.refusal()

    def before_operation(self) -> None:
        """Raise what a caller with the right credentials is told in place of what was asked for."""
        for fault in self._inject(_BEFORE_OPERATION, is_send=self._sends):
            raise fault.refusal()

    def after(self, answer: Response) -> Response:
        """What the caller gets in place of this answer."""
        if len(self._faults):
            for fault in self._inject(_AFTER, is_send=self._sends and _is_accepted(answer)):
                answer = fault.change(answer)
                self.seconds += fault.row.seconds if fault.slows else 0.0
        return _Reset() if self.is_reset else answer

    def _inject(self, kinds: tuple[type[_FaultT], ...], *, is_send: bool) -> Iterator[_FaultT]:
        """The faults of these kinds that concern this request now."""
        for kind in kinds:
            if self.is_reset or (kind.decides and self._is_decided) or (kind.only_sends and not is_send):
                continue
            if row := self._faults.inject(kind.name, self._path):
                self.injected += (kind.name,)
                self.is_reset = kind.resets
                self._is_decided |= kind.decides
                yield kind(row, is_send=is_send)


class _RequestFault:
    """A fault in one request. Its subclasses, one for each kind, stand in the order in which they are injected."""

    name: ClassVar[str]
    decides: ClassVar[bool] = False
    """Whether it is the outcome of the request, of which there is only one."""
    resets: ClassVar[bool] = False
    only_sends: ClassVar[bool] = False

    def __init__(self, row: Fault, *, is_send: bool) -> None:
        self.row = row
        self.is_send = is_send


class _Refusing(_RequestFault):
    """In place of what was asked for."""

    decides = True

    def refusal(self) -> Refusal:
        return Refusal(self.row.status or 500, _SERVER_ERROR)


class _RateLimited(_Refusing):
    name = "rate_limited"

    def refusal(self) -> Refusal:
        body = {"success": False, "error": "too_many_requests", "message": "Too many requests."}
        return Refusal(429, body, {"Retry-After": str(ceil(self.row.seconds))})


class _ErrorBefore(_Refusing):
    name = "error_before"


class _ResetBefore(_Refusing):
    name = "reset_before"
    resets = True


class _PhoneOffline(_Refusing):
    name = "phone_offline"
    only_sends = True

    def refusal(self) -> Refusal:
        return phone_offline()


class _SubscriptionOver(_Refusing):
    name = "subscription_over"

    def refusal(self) -> Refusal:
        return subscription_expire() if self.is_send else api_expired()


class _Changing(_RequestFault):
    """Everything is done; something happens to the answer."""

    slows: ClassVar[bool] = False

    def change(self, answer: Response) -> Response:
        return answer


class _ErrorAfter(_Changing):
    name = "error_after"
    decides = True

    def change(self, answer: Response) -> Response:
        return _with_json(answer, _SERVER_ERROR, self.row.status or 500)


class _ResetAfter(_Changing):
    name = "reset_after"
    decides = resets = True


class _NoGUID(_Changing):
    name = "no_guid"
    decides = only_sends = True

    def change(self, answer: Response) -> Response:
        return _with_json(answer, {"success": True, "message": "SMS sent successfully"})


class _PHPWarning(_Changing):
    name = "php_warning"

    def change(self, answer: Response) -> Response:
        return _with_html(answer, _WARNING + answer.get_data())  # PHP had begun before it named another type


class _HTMLPage(_Changing):
    name = "html_page"

    def change(self, answer: Response) -> Response:
        return _with_html(answer, _PAGE)


class _HalfAnswer(_Changing):
    name = "half_answer"

    def change(self, answer: Response) -> Response:
        return _Travelling.of(answer, is_cut=True)


class _SlowDrip(_Changing):
    name = "slow_drip"
    slows = True

    def change(self, answer: Response) -> Response:
        return _Travelling.of(answer, dripping=self.row.seconds)


class _Latency(_Changing):
    name = "latency"
    slows = True

    def change(self, answer: Response) -> Response:
        return _Travelling.of(answer, waiting=self.row.seconds)


_BEFORE: tuple[type[_Refusing], ...] = (_RateLimited, _ErrorBefore, _ResetBefore)
_BEFORE_OPERATION: tuple[type[_Refusing], ...] = (_PhoneOffline, _SubscriptionOver)
_AFTER: tuple[type[_Changing], ...] = (
    *(_ErrorAfter, _ResetAfter, _NoGUID),
    *(_PHPWarning, _HTMLPage),
    *(_HalfAnswer, _SlowDrip, _Latency),
)


class _Reset(Response):
    """In place of an answer."""

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> NoReturn:  # noqa: ARG002
        _connection_of(environ).reset()


class _Travelling(Response):
    """An answer to which something happens on its way."""

    waiting = 0.0
    dripping: float | None = None
    is_cut = False

    @classmethod
    def of(cls, answer: Response, **how: float) -> _Travelling:
        """This answer, to which one thing more happens."""
        one = answer if isinstance(answer, cls) else cls(answer.get_data(), answer.status, answer.headers)
        vars(one).update(how)
        return one

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterator[bytes]:
        start_response(self.status, self.get_wsgi_headers(environ).to_wsgi_list())
        # Servers send the headers with the first piece, and Flask is done with the request when it is asked for.
        return self._pieces(_connection_of(environ))

    def _pieces(self, connection: Connection) -> Iterator[bytes]:
        connection.pause(self.waiting)
        body = self.get_data()
        if self.is_cut:
            body = body[: len(body) // 2]
        size = len(body) if self.dripping is None else ceil(len(body) / _MOST_PIECES)
        starts = range(0, len(body), size or 1)
        for start in starts:
            if start and self.dripping:
                connection.pause(self.dripping / (len(starts) - 1))
            yield body[start : start + size]
        if self.is_cut:
            connection.cut()


class _AnyConnection:
    """What any WSGI server allows: waiting, and an error, at which it hangs up or answers 500."""

    def pause(self, seconds: float) -> None:
        time.sleep(seconds)

    def reset(self) -> NoReturn:
        raise ConnectionResetError(errno.ECONNRESET, "A fault of the sandbox resets this connection")

    def cut(self) -> NoReturn:
        raise ConnectionAbortedError(errno.ECONNABORTED, "A fault of the sandbox ends this answer in its middle")


def _connection_of(environ: WSGIEnvironment) -> Connection:
    return environ.get(CONNECTION) or _AnyConnection()


def _with_json(answer: Response, body: dict[str, object], status: int = 200) -> Response:
    fresh = jsonify(body)
    fresh.status_code = status
    fresh.date = answer.date
    return fresh


def _with_html(answer: Response, page: bytes) -> Response:
    answer.set_data(page)
    answer.content_type = "text/html; charset=UTF-8"
    return answer


def _is_accepted(answer: Response) -> bool:
    body = answer.get_json(silent=True)
    result = body.get("result") if isinstance(body, dict) else None
    return isinstance(result, dict) and result.get("sent") == "1"
