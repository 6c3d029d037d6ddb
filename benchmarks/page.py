"""What the sandbox's page takes with 20,000 messages in 2,000 conversations: its answers, and itself in Chromium.

Of the milliseconds in Chromium, which have no peer, the best of several tries counts: a busy machine only adds to them.
"""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import requests

from smsmobile.sandbox import Sandbox

from .measure import Result, ratio

if TYPE_CHECKING:
    from playwright.sync_api import Page

REQUESTS = 2_000
"""Messages that requests have sent, all to one number."""
ANSWERED = 8_000
"""Messages from that number."""
OTHERS = 10_000
"""Messages from all others."""
CONVERSATIONS = 2_000
SMALLER = 100
"""So many times less is in the small sandbox."""
NUMBER = "+33639989999"
ANSWERS: tuple[tuple[str, str, dict[str, str], str, float], ...] = (
    ("list of 2,000 conversations", "conversations?phone={phone}&limit=20", {}, "of 20", 12.0),
    ("search in 20,000 messages", "conversations?phone={phone}&limit=20", {"search": "nowhere"}, "in 200", 30.0),
    ("phones, with 18,000 unread messages", "phones", {}, "with 180", 20.0),
    ("thread of 10,000 messages", "thread?phone={phone}&limit=20", {"peer": NUMBER}, "of 100", 3.0),
    ("log of 2,000 requests", "requests?limit=20", {}, "of 20", 3.0),
    ("log of 2,000 requests, failed only", "requests?limit=20", {"failed": "1"}, "of 20", 2.5),
)
"""What is measured, the endpoint, its query, against what, and the limit."""

VISITS = 5
NEWS = 9
PAUSE = 0.5
"""Seconds between two new messages."""
BURSTS = 3
BURST = 5
"""Seconds."""
A_SECOND = 64
USABLE = """new Promise((resolve, reject) => {
    setTimeout(reject, 20_000, new Error("The page is not usable."));
    const look = () => document.querySelector(".conversation") && document.querySelector("#entries .bubble")
        ? resolve(performance.now()) : requestAnimationFrame(look);
    look();
})"""
"""Milliseconds from the beginning of the navigation until list and thread are there."""
SHOWN = """(text) => ({at: new Promise((resolve, reject) => {
    setTimeout(reject, 20_000, new Error("The message is not shown."));
    const look = () => document.getElementById("entries").textContent.includes(text)
        ? resolve(Date.now()) : requestAnimationFrame(look);
    look();
})})"""
"""When the thread shows a text."""
OBSERVE = """() => {
    window.tasks = [];
    new PerformanceObserver((list) => tasks.push(...list.getEntries().map((task) => task.duration)))
        .observe({ type: "longtask" });
}"""


def run() -> Iterator[Result]:
    """Six rows; three more if Chromium is installed."""
    with Sandbox() as small, Sandbox() as large:
        _fill(small, SMALLER)
        _fill(large, 1)
        yield from _answers(large, small)
        yield from _browser(large)


def _fill(box: Sandbox, smaller: int) -> None:
    service = box.app.test_client()
    for number in range(REQUESTS // smaller):
        message = {"apikey": box.api_key, "recipients": NUMBER, "message": f"Reminder {number}"}
        assert service.post("/sendsms/", data=message).status_code == 200
    for number in range(OTHERS // smaller):
        conversation = number % (CONVERSATIONS // smaller - 1)
        box.phone.receive(f"+3363998{conversation:04d}", f"Answer {number}")
    for number in range(ANSWERED // smaller):  # its thread is the newest, which the page opens
        box.phone.receive(NUMBER, f"Answer {number}")


def _answers(large: Sandbox, small: Sandbox) -> Iterator[Result]:
    with requests.Session() as session:

        def asking(box: Sandbox, endpoint: str, query: dict[str, str]) -> Callable[[], None]:
            url = f"{box.url}/_sandbox/{endpoint}".format(phone=box.phone.sid)
            return lambda: session.get(url, params=query).raise_for_status()

        for measure, endpoint, query, against, at_most in ANSWERS:
            ours, theirs = (asking(box, endpoint, query) for box in (large, small))
            yield Result(f"page: {measure}", against, ratio(ours, theirs, laps=15), at_most)


def _browser(box: Sandbox) -> Iterator[Result]:
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        print("… no figures of the page in a browser: playwright is not installed", file=sys.stderr)
        return
    found = (shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome"))
    executable = next(filter(None, found), None)
    if executable is None:
        print("… no figures of the page in a browser: no Chromium is installed", file=sys.stderr)
        return
    with (
        sync_playwright() as driver,
        driver.chromium.launch(executable_path=executable, args=["--no-sandbox"]) as chromium,
    ):
        visits = []
        for _ in range(VISITS):
            page = chromium.new_context(viewport={"width": 1440, "height": 900}).new_page()
            page.goto(box.url, wait_until="commit")
            visits.append(page.evaluate(USABLE))
            if len(visits) < VISITS:
                page.context.close()
        yield _within("page: list and thread are usable after", min(visits), 1_000)
        yield _within("page: a new message is visible after", _until_visible(box, page), 200)
        yield _within(f"page: longest task over 50 ms at {A_SECOND} messages a second", _longest_task(box, page), 50)


def _within(measure: str, milliseconds: float, at_most: float) -> Result:
    return Result(f"{measure}: {milliseconds:.0f} ms", f"{at_most:,} ms", milliseconds / at_most, 1.0)


def _until_visible(box: Sandbox, page: Page) -> float:
    took = []
    for number in range(NEWS):
        time.sleep(PAUSE)
        shown = page.evaluate_handle(SHOWN, f"New {number}.")
        began = time.time()
        box.phone.receive(NUMBER, f"New {number}.")
        at: float = shown.evaluate("({ at }) => at")
        took.append(at - began * 1000)
    return min(took)


def _longest_task(box: Sandbox, page: Page) -> float:
    """Half of the messages are for the thread that is open, each other one for another conversation."""
    page.evaluate(OBSERVE)
    longest = []
    for burst in range(BURSTS):
        time.sleep(PAUSE)
        page.evaluate("() => { window.tasks.length = 0; }")
        began = time.perf_counter()
        for number in range(BURST * A_SECOND):
            time.sleep(max(0.0, began + number / A_SECOND - time.perf_counter()))
            box.phone.receive(NUMBER if number % 2 else f"+3363998{number:04d}", f"Burst {burst}.{number}.")
        page.evaluate(f"({SHOWN})('Burst {burst}.{number}.').at")
        longest.append(max(page.evaluate("window.tasks"), default=0.0))
    return min(longest)
