"""Requests: prepared once for each endpoint, copied and signed for each call, and searched for added secrets."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl, quote_plus, urlencode, urlsplit

import requests
from requests.auth import AuthBase

from ..errors import ConfigurationError, ConnectionFailed, SMSMobileError
from .departure import KEPT, READ, Stage, note_answer
from .guard import NetworkBlocked

_PIECE = 64 * 1024


class Request(requests.PreparedRequest):
    """A prepared request that notes when its body is read, with the `repeat` of its caller."""

    repeat = True
    """Whether the request for a token that this one needs may be repeated, too. OAuth2ClientCredentials reads it."""
    stage: Stage = KEPT
    """How far the present try has come."""
    answer: requests.Response | None = None
    """The answer, for as long as hooks look at it."""
    _body: Any = None

    @property
    def body(self) -> Any:
        """The form of a POST. An adapter has to read it here to send it."""
        if self.stage is KEPT:
            self.stage = READ
        return self._body

    @body.setter
    def body(self, body: Any) -> None:  # pyright: ignore[reportIncompatibleVariableOverride]
        self._body = body

    def __reduce_ex__(self, protocol: Any) -> Any:
        """Count a pickle or a copy as a reader of the body."""
        self.stage = max(self.stage, READ)
        return super().__reduce_ex__(protocol)


class Template:
    """What all requests of one endpoint have in common. requests would compute it again for each."""

    def __init__(self, session: requests.Session, method: str, url: str) -> None:
        self._request = Request()
        try:
            self._request.prepare(method, url, headers=session.headers, cookies=session.cookies, hooks=session.hooks)
        except requests.exceptions.InvalidHeader:
            raise ConfigurationError(
                "The session has a header that cannot be sent: expected text without line breaks or spaces before it."
            ) from None  # its text shows the value
        self._request.headers.pop("Content-Length", None)  # sign() sets it
        if method != "GET":
            self._request.headers["Content-Type"] = "application/x-www-form-urlencoded"
        self._headers = frozenset(self._request.headers.items())
        self.host = urlsplit(url).netloc
        """Where the request goes, without the path."""

    def fill(self, params: Mapping[str, str | int], *, repeat: bool) -> Request:
        """A request with these parameters: in the query of a GET, in the form of a POST."""
        template = self._request
        request = Request.__new__(Request)  # a copy; copy() would copy an empty cookie jar as well, and share the hooks
        vars(request).update(vars(template))
        request.headers = template.headers.copy()
        request.hooks = {"response": [note_answer, *template.hooks["response"]]}
        request.repeat = repeat
        encoded = urlencode(params, quote_via=_quote)  # type: ignore[arg-type]  # there are no bytes among them
        if request.method != "GET":
            request.body = encoded
        elif encoded:
            request.url = f"{template.url}?{encoded}"
        return request

    def secrets_in(self, signed: requests.PreparedRequest, url: str, body: object) -> list[str]:
        """What the authentication has added to a request that had this `url` and `body`.

        Headers, the credentials in them, and the values of parameters.
        """
        found: list[str] = []
        for name, value in signed.headers.items():
            if (name, value) not in self._headers and name.lower() not in ("content-length", "content-type"):
                found += [str(value), *str(value).split()[1:]]
        if signed.url != url:
            found += _values_added(urlsplit(url).query, urlsplit(signed.url or "").query)
        if signed.body is not body and (text := text_of(signed.body)) != text_of(body):
            found += _values_added(text_of(body), text)
        return found


def sign(request: Request, auth: AuthBase | None) -> None:
    """Let the authentication sign the request, and set its Content-Length.

    Raises ConfigurationError for a header that http.client would refuse with an error that shows its value. What else
    the authentication raises becomes ConnectionFailed if it is an OSError, as that of a store that is away, or
    ConfigurationError: nothing was sent. OAuth2ClientCredentials turns its errors into ours itself, so what else it
    raises is from outside, such as a task queue's time limit, and passes as it is.
    """
    if auth is not None:
        try:
            signed = auth(request)
        except (SMSMobileError, NetworkBlocked):
            raise
        except Exception as error:
            if "_raises_only_ours" in vars(type(auth)):  # not in those of a subclass
                raise
            kind = ConnectionFailed if isinstance(error, OSError) else ConfigurationError
            raise kind(
                f"The authentication {type(auth).__name__} raised {type(error).__name__}. Nothing was sent."
            ) from None  # its text may contain the secret
        if signed is not request:
            body = signed.body
            vars(request).update(vars(signed))
            request.body = body
        for name, value in request.headers.items():
            if not (isinstance(value, str) and value.isascii() and value.isprintable()):
                raise ConfigurationError(
                    f"The authentication set the header {name} to something that cannot be sent: expected printable "
                    "ASCII."
                )
    body = request.body
    if isinstance(body, str) and body.isascii():
        request.headers["Content-Length"] = str(len(body))
    else:
        request.prepare_content_length(body)
    request.stage = KEPT


def text_of(body: object) -> str:
    """The body of a prepared request as text; "" for no body, and for a stream."""
    if isinstance(body, bytes):
        return body.decode("utf-8", "replace")
    return body if isinstance(body, str) else ""


def _quote(text: str, *how: str) -> str:
    """Quote a key or a value. A long one in pieces: `quote_plus` needs eight times as much memory as its result."""
    if len(text) <= _PIECE:
        return quote_plus(text, *how)
    return "".join(quote_plus(text[start : start + _PIECE], *how) for start in range(0, len(text), _PIECE))


def _values_added(before: str, after: str) -> list[str]:
    if after.startswith(before):
        return list(_values_of(after[len(before) :]))
    known = parse_qsl(before)
    return [value for name, value in parse_qsl(after) if (name, value) not in known]


@lru_cache(maxsize=8)  # an API key is added to each request in the same way
def _values_of(query: str) -> tuple[str, ...]:
    return tuple(value for _, value in parse_qsl(query))
