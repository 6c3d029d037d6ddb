"""Asks a WSGI application: builds the environment of a request, and takes the answer piece by piece.

What carries both lives in server.py over sockets, and in adapter.py without.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from email.utils import formatdate
from io import BytesIO
from itertools import chain
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote_to_bytes

from werkzeug.wsgi import ClosingIterator

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment

IDENT = "smsmobile-sandbox"
"""The `Server` header of every answer."""

_ASCII = "".join(map(chr, range(128)))
_UNPREFIXED = ("CONTENT_TYPE", "CONTENT_LENGTH")
_WITHOUT_BODY = ("1", "204", "304")


@dataclass(frozen=True)
class Answer:
    """What an application answers, with all headers. Its pieces must be closed."""

    status: int
    reason: str
    headers: list[tuple[str, str]]
    pieces: ClosingIterator


BAD_REQUEST = Answer(400, "Bad Request", [("Connection", "close"), ("Content-Length", "0")], ClosingIterator(()))
"""To what is no HTTP."""


def environment(
    method: str, target: str, headers: Iterable[tuple[str, str]], body: bytes, **more: Any
) -> WSGIEnvironment:
    """The environment of one request. `target` is its path and query, as in the request line; `more` comes on top."""
    path, _, query = target.partition("?")
    environ: WSGIEnvironment = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(path.encode("latin-1")).decode("latin-1"),
        "QUERY_STRING": quote(query.encode("latin-1"), safe=_ASCII),
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "0",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        **more,
    }
    for name, value in headers:
        key = name.upper().replace("-", "_")
        if "_" in name or key == "TRANSFER_ENCODING":  # one passes for another header, and no chunks are left
            continue
        key = key if key in _UNPREFIXED else f"HTTP_{key}"
        environ[key] = f"{environ[key]},{value}" if key in environ else value
    if body:  # which may have come in chunks
        environ["CONTENT_LENGTH"] = str(len(body))
    return environ


def ask(application: WSGIApplication, environ: WSGIEnvironment) -> Answer:
    """Call the application, up to the first piece of its answer."""
    begun: list[Any] = []

    def start_response(status: str, headers: list[tuple[str, str]], _: Any = None) -> Any:
        begun[:] = status, headers

    pieces = ClosingIterator(application(environ, start_response))
    try:
        first = next(pieces, b"")
    except BaseException:
        pieces.close()
        raise
    (code, _, reason), headers = begun[0].partition(" "), [*begun[1], ("Server", IDENT)]
    if not any(name.lower() == "date" for name, _ in headers):
        headers.append(("Date", formatdate(usegmt=True)))
    if environ.get("HTTP_CONNECTION", "").lower() == "close":
        headers.append(("Connection", "close"))
    has_body = environ["REQUEST_METHOD"] != "HEAD" and not code.startswith(_WITHOUT_BODY)
    rest = chain((first,), pieces) if has_body else ()
    return Answer(int(code), reason, headers, ClosingIterator(rest, pieces.close))
