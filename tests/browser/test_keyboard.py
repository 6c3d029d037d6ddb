"""The keyboard alone: a whole conversation, the tabs, the dialogs, and where the focus is afterwards."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from smsmobile import SMSMobileClient
from smsmobile.sandbox import Sandbox

pytest.importorskip("playwright", reason="playwright is not installed")
from playwright.sync_api import Locator, Page, expect

pytestmark = pytest.mark.long

NUMBER = "+33639985678"


def tab_to(page: Page, target: Locator, key: str = "Tab") -> None:
    """Press Tab until the focus is there, as somebody without a mouse would."""
    expect(target).to_be_visible()
    for _ in range(60):
        page.keyboard.press(key)
        if target.evaluate("element => element === document.activeElement"):
            return
    raise AssertionError(f"Tab does not reach {target}")


def test_a_whole_conversation_without_a_mouse(page: Page, client: SMSMobileClient) -> None:
    tab_to(page, page.get_by_role("button", name="New", exact=True))
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="New conversation")
    expect(dialog.get_by_label("From")).to_be_focused()
    page.keyboard.type("+33639985432")
    page.keyboard.press("Tab")
    page.keyboard.type("Hello?")
    tab_to(page, dialog.get_by_role("button", name="Send to the phone"))
    page.keyboard.press("Enter")
    expect(page.locator("#composer-text")).to_be_focused()
    client.sms.send("+33639985432", "Who is there?")
    expect(page.locator("#entries .bubble")).to_have_count(2)
    page.keyboard.type("It is me")
    page.keyboard.press("Enter")
    expect(page.locator("#entries .bubble")).to_have_count(3)
    expect(page.locator("#composer-text")).to_be_focused()
    assert sorted(sms.message for sms in client.sms.received()) == ["Hello?", "It is me"]


def test_the_first_tab_skips_to_the_conversation(page: Page, box: Sandbox) -> None:
    box.phone.receive("MPESA", "hello")
    expect(page.locator("#entries .bubble")).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the conversation")).to_be_focused()
    expect(page.get_by_role("link", name="Skip to the conversation")).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.locator("#composer-text")).to_be_focused()


def test_without_a_conversation_it_skips_to_the_first_steps(page: Page) -> None:
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("region", name="First steps")).to_be_focused()


def test_the_second_tab_skips_to_what_the_application_did(page: Page) -> None:
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_role("tab", name="Requests")).to_be_focused()


def test_arrows_move_between_the_tabs_and_only_one_is_in_the_order(page: Page) -> None:
    page.get_by_role("tab", name="Requests").focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tab", name="Webhooks")).to_be_focused()
    expect(page.get_by_role("tabpanel", name="Webhooks")).to_be_visible()
    page.keyboard.press("End")
    expect(page.get_by_role("tab", name="Account")).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tab", name="Requests")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("tabpanel", name="Requests")).to_be_focused()


def test_a_list_is_one_place_in_the_order_and_arrows_move_in_it(
    page: Page, box: Sandbox, client: SMSMobileClient
) -> None:
    box.phone.receive("MPESA", "first")
    box.phone.receive("Bank", "second")
    box.phone.receive("Shop", "third")
    client.sms.log()
    client.sms.log()
    rows = page.locator(".conversation")
    expect(rows).to_have_count(3)
    tab_to(page, rows.nth(0))
    page.keyboard.press("Tab")
    expect(page.locator(".conversation:focus")).to_have_count(0)
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("End")
    expect(rows.nth(2)).to_be_focused()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowDown")
    expect(rows.nth(1)).to_be_focused()
    requests = page.locator("#requests-list summary")
    tab_to(page, requests.nth(0))
    page.keyboard.press("ArrowDown")
    expect(requests.nth(1)).to_be_focused()
    rows.nth(2).focus()
    page.keyboard.press("Enter")
    expect(page.locator("#thread-title")).to_have_text("MPESA")
    expect(page.locator("#composer-text")).to_be_focused()


UNDECIDED = """all => all.filter(element => {
    const { overflowX, overflowY } = getComputedStyle(element);
    const scrolls = [overflowX, overflowY].some(how => how === "auto" || how === "scroll");
    return scrolls && !element.matches("textarea, dialog") && !element.hasAttribute("tabindex");
}).map(element => element.outerHTML.slice(0, 80))"""


def test_what_scrolls_is_in_the_order_only_where_the_page_says_so(page: Page, box: Sandbox) -> None:
    # Firefox puts everything that scrolls into the order, unless the page decides.
    box.phone.receive("MPESA", "hello")
    expect(page.locator("#entries .bubble")).to_be_visible()
    assert page.locator("body *").evaluate_all(UNDECIDED) == []


@pytest.mark.parametrize("name", ["New", "Add a phone", "Phone settings"])
def test_escape_closes_a_dialog_and_gives_the_focus_back(page: Page, name: str) -> None:
    opener = page.get_by_role("button", name=name, exact=True)
    opener.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(opener).to_be_focused()


def test_a_fault_is_switched_with_the_space_bar(page: Page, box: Sandbox) -> None:
    page.get_by_role("tab", name="Connect").focus()
    page.keyboard.press("ArrowLeft")
    switch = page.get_by_role("switch", name="Latency")
    tab_to(page, switch)
    page.keyboard.press("Space")
    expect(switch).to_be_checked()
    expect(switch).to_be_focused()
    assert [fault.kind for fault in box.faults] == ["latency"]


def test_every_control_shows_that_it_has_the_focus(page: Page, box: Sandbox) -> None:
    box.phone.receive("MPESA", "hello")
    expect(page.locator("#entries .bubble")).to_be_visible()
    focused = page.locator(":focus")
    controls = 0
    page.keyboard.press("Tab")
    while focused.count() and controls < 100:
        assert focused.evaluate("element => getComputedStyle(element).outlineStyle") == "solid", focused.inner_html()
        controls += 1
        page.keyboard.press("Tab")
    assert 15 < controls < 100


def test_a_narrow_page_goes_from_the_list_to_the_thread_and_back(open_page: Callable[..., Page], box: Sandbox) -> None:
    box.phone.receive("Bank", "first")
    box.phone.receive("MPESA", "second")
    page = open_page(width=390, height=844)
    row = page.locator(".conversation").filter(has_text="Bank")
    expect(page.locator("#thread")).to_be_hidden()
    tab_to(page, page.locator(".conversation").first)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator("#thread-title")).to_be_focused()
    expect(page.locator("#entries .bubble")).to_have_text("first")
    expect(row).to_be_hidden()
    back = page.get_by_role("button", name="All conversations")
    tab_to(page, back, "Shift+Tab")
    page.keyboard.press("Enter")
    expect(row).to_be_focused()
    tab_to(page, page.get_by_role("button", name="Application"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("tab", name="Requests")).to_be_visible()
    expect(row).to_be_hidden()


def test_a_slash_goes_to_the_search_except_where_one_writes(page: Page, box: Sandbox) -> None:
    box.phone.receive("MPESA", "hello")
    expect(page.locator("#entries .bubble")).to_be_visible()
    page.keyboard.press("/")
    expect(page.get_by_label("Search conversations")).to_be_focused()
    page.keyboard.press("/")
    expect(page.get_by_label("Search conversations")).to_have_value("/")


def test_the_focus_stays_near_what_was_removed(page: Page, box: Sandbox, client: SMSMobileClient) -> None:
    client.sms.send(NUMBER, "later", schedule_at=box.clock.now() + timedelta(hours=2))
    page.get_by_role("tab", name="Schedule").click()
    page.get_by_role("button", name="Move the clock there").press("Enter")
    expect(page.locator("#schedule-empty")).to_be_visible()
    expect(page.get_by_role("tabpanel", name="Schedule")).to_be_focused()

    page.get_by_role("button", name="Clear conversation…").press("Enter")
    page.get_by_role("alertdialog").get_by_role("button", name="Clear").press("Enter")
    expect(page.locator("#conversations-empty")).to_be_visible()
    expect(page.get_by_role("main")).to_be_focused()


@pytest.mark.parametrize("width", [390, 900, 1440])
def test_nothing_is_wider_than_the_page(open_page: Callable[..., Page], box: Sandbox, width: int) -> None:
    box.phone.receive("A" * 60, "https://example.com/" + "x" * 300)
    box.add_phone("A phone with a rather long name that somebody thought of at night")
    page = open_page(width=width)
    for view in ("list", "thread", "tools"):
        button = page.locator(f"#views [data-view={view}]")
        if button.is_visible():
            button.click()
        assert too_wide(page) == [], view
    for name in ("Requests", "Webhooks", "Schedule", "Faults", "Connect", "Account"):
        page.get_by_role("tab", name=name).click()
        assert too_wide(page) == [], name


def too_wide(page: Page) -> list[str]:
    """What one would have to scroll sideways to see all of."""
    parts = page.locator("html, .scroll, .phone-bar, .top, #tabs")
    return parts.evaluate_all("all => all.filter(e => e.scrollWidth > e.clientWidth).map(e => e.id || e.className)")


def test_the_theme_is_chosen_and_remembered(page: Page) -> None:
    html = page.locator("html")
    expect(html).to_have_attribute("data-theme", "system")
    page.get_by_role("button", name="Theme: system").click()
    page.get_by_role("button", name="Theme: light").click()
    expect(html).to_have_attribute("data-theme", "dark")
    page.reload()
    expect(html).to_have_attribute("data-theme", "dark")
    expect(page.locator("body")).to_have_css("background-color", "rgb(14, 18, 17)")
