"""Posts to whatever a test has of its application: a test client, an application, or the URL of a server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from inspect import iscoroutinefunction
from io import BytesIO
from typing import Any
from urllib.parse import urlsplit
from wsgiref.util import setup_testing_defaults

from .._http import guard
from ..webhooks import WebhookAnswer

Headers = dict[str, str]


def kind_of(target: Any) -> str:
    """What a target is: url, django, flask, httpx (also Starlette's client), asgi or wsgi.

    Raises TypeError for something else. No framework is imported for this.
    """
    if is_url(target):
        return "url"
    homes = {base.__module__.partition(".")[0] for base in type(target).__mro__}
    if "django" in homes and hasattr(target, "generic") and not iscoroutinefunction(target.request):
        return "django"
    if not homes.isdisjoint({"flask", "werkzeug"}):
        return "flask"
    if not homes.isdisjoint({"httpx", "httpx2"}):
        return "httpx"
    if callable(target):
        is_async = iscoroutinefunction(target) or iscoroutinefunction(type(target).__call__)
        return "asgi" if is_async else "wsgi"
    raise TypeError(
        f"target is of type {type(target).__name__}; expected a test client of Django, Flask, Starlette or FastAPI, a "
        "WSGI or ASGI application, or the URL of a server, such as 'http://127.0.0.1:8000'."
    )


def is_url(target: Any) -> bool:
    """Whether it is the URL of a server, and not only a path."""
    return isinstance(target, str) and target.startswith(("http://", "https://"))


def post(target: Any, path: str, body: bytes, headers: Headers) -> WebhookAnswer:
    """Post to the target."""
    return _POST[kind_of(target)](target, path, body, headers)


def _to_url(url: str, path: str, body: bytes, headers: Headers) -> WebhookAnswer:
    import requests

    parts = urlsplit(url)
    if guard.is_on:
        guard.check(parts.hostname)
    with requests.Session() as session:
        session.trust_env = False  # no proxy of this machine
        url = url if parts.path.strip("/") else url.rstrip("/") + path
        response = session.post(url, data=body, headers=headers, timeout=30, allow_redirects=False)
    return WebhookAnswer(response.status_code, response.text)


def _to_django(client: Any, path: str, body: bytes, headers: Headers) -> WebhookAnswer:
    response = client.generic("POST", path, body, headers["Content-Type"], **_environ_of(headers))
    return WebhookAnswer(response.status_code, response.getvalue().decode("utf-8", "replace"))


def _to_flask(target: Any, path: str, body: bytes, headers: Headers) -> WebhookAnswer:
    client = target.test_client() if hasattr(target, "test_client") else target
    response = client.post(path, data=body, headers=headers)
    return WebhookAnswer(response.status_code, response.get_data(as_text=True))


def _to_httpx(client: Any, path: str, body: bytes, headers: Headers) -> WebhookAnswer:
    response = client.post(path, content=body, headers=headers)
    return WebhookAnswer(response.status_code, response.text)


def _to_wsgi(application: Callable[..., Iterable[bytes]], path: str, body: bytes, headers: Headers) -> WebhookAnswer:
    environ: dict[str, Any] = {"REQUEST_METHOD": "POST", "PATH_INFO": path, "wsgi.input": BytesIO(body)}
    environ |= {"CONTENT_TYPE": headers["Content-Type"], "CONTENT_LENGTH": str(len(body)), **_environ_of(headers)}
    setup_testing_defaults(environ)
    started: list[str] = []
    written: list[bytes] = []

    def start_response(status: str, _headers: Any, _error: Any = None) -> Callable[[bytes], object]:
        started.append(status)
        return written.append

    answer = application(environ, start_response)
    try:
        written += answer
    finally:
        if close := getattr(answer, "close", None):
            close()
    return WebhookAnswer(int(started[-1].split()[0]), b"".join(written).decode("utf-8", "replace"))


def _to_asgi(application: Any, path: str, body: bytes, headers: Headers) -> WebhookAnswer:
    sent_headers = {"Host": "testserver", "Content-Length": str(len(body)), **headers}
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": [(name.lower().encode(), value.encode()) for name, value in sent_headers.items()],
        "server": ("testserver", 80),
        "client": ("127.0.0.1", 50000),
    }
    sent: list[dict[str, Any]] = []

    async def run() -> None:
        requests = [{"type": "http.request", "body": body, "more_body": False}]
        over = asyncio.Event()

        async def receive() -> dict[str, Any]:
            if not requests:
                await over.wait()  # the client waits for the answer
            return requests.pop() if requests else {"type": "http.disconnect"}

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        await application(scope, receive, send)
        over.set()

    with ThreadPoolExecutor(1) as thread:  # a test that is async has a loop in its own
        thread.submit(asyncio.run, run()).result()
    status = next(message["status"] for message in sent if message["type"] == "http.response.start")
    return WebhookAnswer(status, b"".join(message.get("body", b"") for message in sent).decode("utf-8", "replace"))


def _environ_of(headers: Headers) -> dict[str, str]:
    return {
        f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items() if name != "Content-Type"
    }


_POST: dict[str, Callable[[Any, str, bytes, Headers], WebhookAnswer]] = {
    "url": _to_url,
    "django": _to_django,
    "flask": _to_flask,
    "httpx": _to_httpx,
    "wsgi": _to_wsgi,
    "asgi": _to_asgi,
}
