"""Carries out the faults of requests: what is refused instead of being done, and what becomes of an answer on its way.

Which faults there are, and when they strike, is decided in faults.py. What ends a connection lives with who serves:
server.py over sockets, adapter.py without.
"""

from __future__ import annotations

import errno
import time
from collections.abc import Iterator
from math import ceil
from typing import TYPE_CHECKING, NoReturn, Protocol

from flask import Response, jsonify

from .faults import Faults
from .refusals import Refusal, api_expired, phone_offline, subscription_expire
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
_SHORT = {"success": True, "message": "SMS sent successfully"}


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


class Breakage:
    """What goes wrong with one request, from its beginning to the last byte of its answer."""

    def __init__(self, faults: Faults, path: str, *, sends: bool = False) -> None:
        self.struck: tuple[str, ...] = ()
        """The names of the faults that struck so far."""
        self.seconds = 0.0
        """How much later its answer will be there in full."""
        self.is_reset = False
        """Whether it gets no answer at all."""
        self._faults = faults
        self._path = path
        self._sends = sends
        self._is_refused = False

    def before(self) -> None:
        """Raise what a request is told in place of being looked at."""
        if fault := self._strike("rate_limited"):
            self._is_refused = True
            body = {"success": False, "error": "too_many_requests", "message": "Too many requests."}
            raise Refusal(429, body, {"Retry-After": str(ceil(fault.seconds))})
        if fault := self._strike("error_before"):
            self._is_refused = True
            raise Refusal(fault.status or 500, _server_error())
        if self._strike("reset_before"):
            self._is_refused = self.is_reset = True
            raise Refusal(500, _server_error())  # never seen

    def before_operation(self) -> None:
        """Raise what a caller with the right credentials is told in place of what was asked for."""
        if self._sends and self._strike("phone_offline"):
            self._is_refused = True
            raise phone_offline()
        if self._strike("subscription_over"):
            self._is_refused = True
            raise subscription_expire() if self._sends else api_expired()

    def after(self, answer: Response) -> Response:
        """What the caller gets in place of this answer."""
        if not (self.struck or len(self._faults)):
            return answer
        if not self._is_refused:
            if fault := self._strike("error_after"):
                answer = jsonify(_server_error())
                answer.status_code = fault.status or 500
            elif self._strike("reset_after"):
                self.is_reset = True
            elif self._sends and _is_accepted(answer) and self._strike("no_guid"):
                answer = jsonify(_SHORT)
        if self.is_reset:
            return _Reset()
        if self._strike("php_warning"):
            answer.set_data(_WARNING + answer.get_data())
            answer.content_type = "text/html; charset=UTF-8"  # PHP had begun to answer before it named another
        if self._strike("html_page"):
            answer.set_data(_PAGE)
            answer.content_type = "text/html; charset=UTF-8"
        half = self._strike("half_answer")
        drip = self._strike("slow_drip")
        late = self._strike("latency")
        if not (half or drip or late):
            return answer
        self.seconds = sum(fault.seconds for fault in (drip, late) if fault)
        return _Travelling(
            answer,
            waiting=late.seconds if late else 0.0,
            dripping=drip.seconds if drip else None,
            half=half is not None,
        )

    def _strike(self, kind: str) -> Fault | None:
        fault = self._faults.strike(kind, self._path)
        if fault is not None:
            self.struck += (kind,)
        return fault


class _Reset(Response):
    """In place of an answer."""

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> NoReturn:  # noqa: ARG002
        _connection_of(environ).reset()


class _Travelling(Response):
    """An answer to which something happens on its way."""

    def __init__(self, answer: Response, *, waiting: float, dripping: float | None, half: bool) -> None:
        super().__init__(answer.get_data(), answer.status, answer.headers)
        self._waiting = waiting
        self._dripping = dripping
        self._half = half

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterator[bytes]:
        start_response(self.status, self.get_wsgi_headers(environ).to_wsgi_list())
        # Servers send the headers with the first piece, and Flask is done with the request when it is asked for.
        return self._pieces(_connection_of(environ))

    def _pieces(self, connection: Connection) -> Iterator[bytes]:
        connection.pause(self._waiting)
        body = self.get_data()
        if self._half:
            body = body[: len(body) // 2]
        size = len(body) if self._dripping is None else ceil(len(body) / _MOST_PIECES)
        starts = range(0, len(body), size or 1)
        for start in starts:
            if start and self._dripping:
                connection.pause(self._dripping / (len(starts) - 1))
            yield body[start : start + size]
        if self._half:
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


def _server_error() -> dict[str, object]:
    return {"success": False, "error": "server_error", "detail": _DETAIL}


def _is_accepted(answer: Response) -> bool:
    body = answer.get_json(silent=True)
    result = body.get("result") if isinstance(body, dict) else None
    return isinstance(result, dict) and result.get("sent") == "1"
