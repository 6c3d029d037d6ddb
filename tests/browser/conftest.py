"""Fixtures for the phone page in Chromium: the browser, a sandbox, a client and a webhook receiver.

Every page that a test opens is watched: it must log no error and send no request to another host. All tests that need
the browser are long.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from smsmobile import SMSMobileClient, WebhookError
from smsmobile.sandbox import Sandbox
from smsmobile.webhooks import WebhookReceiver

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from smsmobile.webhooks import WebhookEvent

PATIENCE = 20_000
"""Milliseconds until an expectation of the browser fails. Usually it holds within 1,000."""
SECRET = "a secret for tests"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The installed Chromium, headless and with a fresh profile."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    found = (shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome"))
    executable = next(filter(None, found), None)
    if executable is None:
        pytest.skip("no Chromium is installed: apt-get install chromium")
    playwright.expect.set_options(timeout=PATIENCE)
    with playwright.sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=executable, args=ARGUMENTS)
        yield running
        running.close()


@pytest.fixture
def box() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def client(box: Sandbox) -> Iterator[SMSMobileClient]:
    with SMSMobileClient(api_key=box.api_key, base_url=box.url, max_retries=0) as client:
        yield client


@dataclass
class Watch:
    """Errors and foreign requests of a page."""

    page: Page
    errors: list[str] = field(default_factory=list)
    """Errors that the page logged or did not catch."""
    foreign: list[str] = field(default_factory=list)
    """URLs of requests to other hosts than the sandbox."""
    expected: tuple[str, ...] = ()
    """Parts of error messages that the test expects."""


@pytest.fixture
def open_page(browser: Browser, box: Sandbox) -> Iterator[Callable[..., Page]]:
    """Opens the page in a new window, for example `open_page(width=390, theme="dark")`."""
    playwright = pytest.importorskip("playwright.sync_api")
    watches: list[Watch] = []

    def open_(
        *,
        width: int = 1440,
        height: int = 900,
        theme: Any = "light",
        locale: str = "en-US",
        expected_errors: tuple[str, ...] = (),
        prepare: Callable[[Page], None] = lambda page: None,
    ) -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme=theme,
            locale=locale,
            reduced_motion="reduce",
            timezone_id="Asia/Kolkata",
        )
        context.set_default_timeout(PATIENCE)
        page = context.new_page()
        watch = Watch(page, expected=expected_errors)
        watches.append(watch)
        origin = urlsplit(box.url).netloc
        page.on("pageerror", lambda error: watch.errors.append(str(error)))
        page.on("console", lambda line: line.type in ("error", "warning") and watch.errors.append(line.text))
        page.on(
            "request",
            lambda request: urlsplit(request.url).netloc not in (origin, "") and watch.foreign.append(request.url),
        )
        prepare(page)
        page.goto(box.url)
        playwright.expect(page.locator("#phone-sid")).not_to_be_empty()
        return page

    yield open_
    for watch in watches:
        watch.page.context.close()
    for watch in watches:
        assert [error for error in watch.errors if not any(words in error for words in watch.expected)] == []
        assert watch.foreign == []


@pytest.fixture
def page(open_page: Callable[..., Page]) -> Page:
    """The page on a wide screen."""
    return open_page()


@dataclass
class Receiver:
    """A webhook of an application that verifies its events."""

    url: str = ""
    events: list[WebhookEvent] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    """Status codes of the next answers; after these, 202."""
    answers: list[bytes] = field(default_factory=list)
    """Bodies of the next answers; after these, none."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    known = Receiver()
    verifier = WebhookReceiver(secrets=[SECRET])

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status = known.statuses.pop(0) if known.statuses else 202
            try:
                event = verifier.receive(body, self.headers)
            except WebhookError:
                status = 401
            else:
                if status < 300:
                    known.events.append(event)
            self.send_response(status)
            self.end_headers()
            self.wfile.write(known.answers.pop(0) if known.answers else b"")

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = False  # so that server_close() waits for them
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    known.url = f"http://127.0.0.1:{server.server_port}/webhooks/sms"
    yield known
    server.shutdown()
    thread.join(5)
    server.server_close()
