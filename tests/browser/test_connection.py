"""How the page learns of changes: from events, by polling if those are refused, and after the sandbox was away."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from smsmobile.sandbox import Sandbox

pytest.importorskip("playwright", reason="playwright is not installed")
from playwright.sync_api import Page, Route, expect

pytestmark = pytest.mark.long

NUMBER = "+33639985678"


def test_the_page_is_live(page: Page, box: Sandbox) -> None:
    expect(page.locator("#connection")).to_have_text("Live")


def refuse(page: Page) -> None:
    page.route("**/_sandbox/live", lambda route: route.fulfill(status=503, json={"error": "Four are open."}))


def test_where_events_are_refused_the_page_asks_every_second(open_page: Callable[..., Page], box: Sandbox) -> None:
    page = open_page(prepare=refuse, expected_errors=("status of 503",))
    expect(page.locator("#connection")).to_have_text("Every second")
    box.phone.receive(NUMBER, "still heard")
    expect(page.locator("#entries .bubble")).to_have_text("still heard")


def test_a_phone_has_room_for_what_the_connection_is_like(open_page: Callable[..., Page]) -> None:
    page = open_page(width=390, locale="fr-FR", prepare=refuse, expected_errors=("status of 503",))
    expect(page.locator("#connection")).to_have_text("Chaque seconde")
    expect(page.locator("#theme")).to_be_in_viewport(ratio=1)


def test_more_pages_than_the_sandbox_has_streams_for_all_go_on(open_page: Callable[..., Page], box: Sandbox) -> None:
    pages = [open_page(expected_errors=("status of 503",)) for _ in range(6)]
    box.phone.receive(NUMBER, "heard by all")
    for page in pages:
        expect(page.locator("#entries .bubble")).to_have_text("heard by all")


def test_a_sandbox_that_is_away_is_told_and_the_page_goes_on_when_it_is_back(
    open_page: Callable[..., Page], box: Sandbox
) -> None:
    page = open_page(expected_errors=("net::ERR",))
    away: Any = page.locator("#banner")

    def cut(route: Route) -> None:
        route.abort()

    expect(page.locator("#connection")).to_have_text("Live")
    page.route("**/_sandbox/**", cut)
    page.get_by_role("switch", name="Phone switched on").click()
    expect(away).to_be_visible()
    expect(page.locator("#connection")).to_have_text("Not connected")
    expect(page.locator("#phone-problem")).to_have_text("The sandbox does not answer. Is it still running?")
    box.phone.receive(NUMBER, "meanwhile")
    page.unroute("**/_sandbox/**", cut)
    expect(away).to_be_hidden()
    expect(page.locator("#phone-problem")).to_be_empty()
    expect(page.locator("#entries .bubble")).to_have_text("meanwhile")
    expect(page.locator("#connection")).to_have_text("Live")
