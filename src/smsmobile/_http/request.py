"""Requests: prepared once for each endpoint, copied and signed for each call, and searched for added secrets."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from urllib.parse import parse_qsl, urlencode, urlsplit

import requests
from requests.auth import AuthBase

from ..errors import ConfigurationError


class Request(requests.PreparedRequest):
    """A prepared request, with the `repeat` of its caller."""

    repeat = True
    """Whether the request for a token that this one needs may be repeated, too. OAuth2ClientCredentials reads it."""


class Template:
    """What all requests of one endpoint have in common. requests would compute it again for each."""

    def __init__(self, session: requests.Session, method: str, url: str) -> None:
        self._request = Request()
        self._request.prepare(method, url, headers=session.headers, cookies=session.cookies, hooks=session.hooks)
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
        request.hooks = {"response": list(template.hooks["response"])}
        request.repeat = repeat
        encoded = urlencode(params)
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

    Raises ConfigurationError for a header that http.client would refuse with an error that shows its value.
    """
    if auth is not None:
        signed = auth(request)
        if signed is not request:
            vars(request).update(vars(signed))
        for name, value in request.headers.items():
            if not (isinstance(value, str) and value.isascii() and value.isprintable()):
                raise ConfigurationError(
                    f"The authentication set the header {name} to something that cannot be sent: expected printable "
                    "ASCII."
                )
    if isinstance(request.body, str) and request.body.isascii():
        request.headers["Content-Length"] = str(len(request.body))
    else:
        request.prepare_content_length(request.body)


def text_of(body: object) -> str:
    """The body of a prepared request as text; "" for no body, and for a stream."""
    if isinstance(body, bytes):
        return body.decode("utf-8", "replace")
    return body if isinstance(body, str) else ""


def _values_added(before: str, after: str) -> list[str]:
    if after.startswith(before):
        return list(_values_of(after[len(before) :]))
    known = parse_qsl(before)
    return [value for name, value in parse_qsl(after) if (name, value) not in known]


@lru_cache(maxsize=8)  # an API key is added to each request in the same way
def _values_of(query: str) -> tuple[str, ...]:
    return tuple(value for _, value in parse_qsl(query))
