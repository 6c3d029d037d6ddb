"""Keeps other websites out: a WSGI layer around the server's application, which a browser on this machine may reach.

The application itself lives in app.py, and can be called without a socket and without this.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Iterable
from functools import lru_cache
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from .._http.addresses import is_loopback
from .page_addresses import is_page

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
FOREIGN_WEBSITE = "Another website may neither ask nor change anything here."
PAGE_HEADERS = [
    (
        "Content-Security-Policy",
        (
            "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
            "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        ),
    ),
    ("X-Frame-Options", "DENY"),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
]


def guard(app: WSGIApplication, *, allow_remote: bool = False) -> WSGIApplication:
    """The application without what a foreign website could do with it from this machine's browser.

    Refused are a `Host` that is not this machine's (a website that lets its name point here: DNS rebinding), whatever
    a browser asks on behalf of another website and, at the page's own addresses, changes that come from another port.
    Programs, which send no `Origin`, notice nothing.
    """

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        of_page = is_page(path)

        def begin(status: str, headers: list[tuple[str, str]], *error: Any) -> Any:
            return start_response(status, headers + PAGE_HEADERS if of_page else headers, *error)

        host = environ.get("HTTP_HOST")
        if host is not None and not _is_ours(host, allow_remote=allow_remote):
            return _refuse(
                begin,
                "403 Forbidden",
                f"This sandbox does not answer to the host name {host!r}: use localhost, 127.0.0.1 or [::1]"
                + (", this machine's name or an IP address." if allow_remote else "."),
            )
        # The command's key is known to everybody. A link to the page itself may stand anywhere.
        if path != "/" and _is_for_another_website(environ, allow_remote=allow_remote):
            return _refuse(begin, "403 Forbidden", FOREIGN_WEBSITE)
        if of_page and environ["REQUEST_METHOD"] not in SAFE_METHODS:
            if _is_from_elsewhere(environ):
                return _refuse(begin, "403 Forbidden", FOREIGN_WEBSITE)
            if not _is_json(environ):
                return _refuse(
                    begin, "415 Unsupported Media Type", "Expected a JSON body, with Content-Type: application/json."
                )
        return app(environ, begin)

    return answer


@lru_cache
def _is_ours(host: str, *, allow_remote: bool) -> bool:
    try:
        parts = urlsplit(f"//{host}")
        name, _ = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        return False
    if parts.netloc != host or "@" in host or not name:
        return False
    return is_loopback(name) or (allow_remote and _may_be_this_machine(name))


def _may_be_this_machine(name: str) -> bool:
    """Whether it is a name that nobody can buy: an address, a name without a dot, or what this machine calls itself."""
    own = socket.gethostname().lower()
    if ("." not in name and ":" not in name) or name in (own, f"{own}.local"):
        return True
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _is_for_another_website(environ: WSGIEnvironment, *, allow_remote: bool) -> bool:
    """Whether a browser asks on behalf of a website that is not this machine's."""
    site = environ.get("HTTP_SEC_FETCH_SITE")
    if site is not None:
        return bool(site == "cross-site")
    origin = environ.get("HTTP_ORIGIN")  # all that an old browser says, or one that asks over plain http
    return origin is not None and not _is_ours(origin.partition("://")[2], allow_remote=allow_remote)


def _is_from_elsewhere(environ: WSGIEnvironment) -> bool:
    """Whether a browser says so. `same-site` is another port of this machine."""
    if environ.get("HTTP_SEC_FETCH_SITE") in ("cross-site", "same-site"):
        return True
    origin = environ.get("HTTP_ORIGIN")
    return origin is not None and origin.partition("://")[2].lower() != environ.get("HTTP_HOST", "").lower()


def _is_json(environ: WSGIEnvironment) -> bool:
    """Whether the body is JSON, which no form can send, or there is none."""
    kind: str = environ.get("CONTENT_TYPE", "").partition(";")[0].strip().lower()
    if not kind:
        return environ.get("CONTENT_LENGTH", "") in ("", "0")
    return kind == "application/json"


def _refuse(start_response: StartResponse, status: str, sentence: str) -> Iterable[bytes]:
    body = json.dumps({"error": sentence}).encode()
    start_response(status, [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]
