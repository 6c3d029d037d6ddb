"""Ten thousand messages: the page opens at the newest, loads older ones as one scrolls, and holds only some of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from smsmobile.sandbox import Sandbox

pytest.importorskip("playwright", reason="playwright is not installed")
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.long

NUMBER = "+33639985678"
MOST_BUBBLES = 150
MOST_ELEMENTS = 5_000


@pytest.fixture
def box() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        for number in range(9_500):
            sandbox.phone.receive(NUMBER, f"message {number}")
        for number in range(500):
            sandbox.phone.receive(f"+3363998{number:04d}", f"conversation {number}")
        yield sandbox


def newest_of(page: Page) -> Any:
    return page.locator("#entries .bubble").last


@pytest.fixture
def thread(page: Page) -> Page:
    """The page with the long conversation open."""
    page.get_by_label("Search conversations").fill("message 9499")
    page.locator(".conversation").filter(has_text="message 9499").click()
    expect(newest_of(page)).to_have_text("message 9499")
    return page


def scroll_to_top(page: Page) -> None:
    page.locator("#thread-scroll").evaluate("element => { element.scrollTop = 0; }")


def test_the_page_opens_at_the_newest_message(thread: Page) -> None:
    expect(newest_of(thread)).to_be_in_viewport()
    expect(thread.locator("#entries .bubble")).to_have_count(50)


def test_older_messages_load_as_one_scrolls_and_the_page_stays_small(thread: Page) -> None:
    oldest = thread.locator("#entries .bubble").first
    for seen in range(9_450, 8_900, -50):
        expect(oldest).to_have_text(f"message {seen}")
        scroll_to_top(thread)
    bubbles = thread.locator("#entries .bubble")
    assert bubbles.count() <= MOST_BUBBLES
    assert thread.locator("*").count() < MOST_ELEMENTS
    expect(bubbles.filter(has_text="message 9499")).to_have_count(0)


def test_what_one_reads_stays_where_it_is_while_older_messages_load(thread: Page) -> None:
    first = thread.locator("#entries li").filter(has_text="message 9450")
    scroll_to_top(thread)
    expect(thread.locator("#entries .bubble").first).to_have_text("message 9400")
    expect(first).to_be_in_viewport()


def test_a_new_message_shows_at_once(thread: Page, box: Sandbox) -> None:
    box.phone.receive(NUMBER, "brand new")
    expect(newest_of(thread)).to_have_text("brand new", timeout=5_000)
    expect(newest_of(thread)).to_be_in_viewport()
    assert thread.locator("#entries .bubble").count() <= MOST_BUBBLES


def test_a_reader_further_up_is_told_of_new_messages_and_not_moved(thread: Page, box: Sandbox) -> None:
    scroll_to_top(thread)
    expect(thread.locator("#entries .bubble").first).to_have_text("message 9400")
    reading = thread.locator("#entries li").filter(has_text="message 9450")
    expect(reading).to_be_in_viewport()
    before = reading.bounding_box()
    box.phone.receive(NUMBER, "one")
    box.phone.receive(NUMBER, "two")
    button = thread.get_by_role("button", name="2 new messages")
    expect(button).to_be_visible()
    assert reading.bounding_box() == before
    button.click()
    expect(newest_of(thread)).to_have_text("two")
    expect(newest_of(thread)).to_be_in_viewport()
    expect(button).to_be_hidden()


def test_one_gets_back_down_by_scrolling(thread: Page) -> None:
    oldest = thread.locator("#entries .bubble").first
    for seen in (9_400, 9_350, 9_300, 9_250):
        scroll_to_top(thread)
        expect(oldest).to_have_text(f"message {seen}")
    for _ in range(10):
        thread.locator("#thread-scroll").evaluate("element => { element.scrollTop = element.scrollHeight; }")
        if newest_of(thread).text_content() == "message 9499":
            break
    expect(newest_of(thread)).to_have_text("message 9499")


def test_a_flood_of_messages_ends_with_the_newest_in_sight(thread: Page, box: Sandbox) -> None:
    for number in range(2_000):
        box.phone.receive(NUMBER, f"flood {number}")
    expect(newest_of(thread)).to_have_text("flood 1999", timeout=5_000)
    assert thread.locator("#entries .bubble").count() <= MOST_BUBBLES


def test_many_conversations_load_as_one_scrolls(page: Page) -> None:
    rows = page.locator(".conversation")
    expect(rows).to_have_count(30)
    expect(rows.first).to_contain_text("conversation 499")
    rows.last.scroll_into_view_if_needed()
    expect(rows).to_have_count(60)
