"""Where things stand at each size: the page never scrolls as a whole, and what one came for has room."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from smsmobile import SMSMobileClient
from smsmobile.sandbox import Sandbox

pytest.importorskip("playwright", reason="playwright is not installed")
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.long

SIZES = [(320, 256), (390, 844), (844, 390), (900, 800), (1200, 800), (1440, 900)]
TABS = ("Requests", "Webhooks", "Schedule", "Faults", "Connect", "Account")
NUMBER = "+33639985678"
HEBREW = "שלום עולם, זה טקסט ארוך מאוד שלא נכנס בשורה אחת של הרשימה"


@pytest.fixture
def busy(box: Sandbox, client: SMSMobileClient) -> Sandbox:
    """A sandbox with more conversations than fit."""
    for number in range(15):
        box.phone.receive(f"+336399812{number:02d}", "hello")
    client.sms.send(NUMBER, "and hello to you")
    return box


def show(page: Page, view: str) -> None:
    """Show a part of the page that a narrow one has behind a button."""
    button = page.locator(f"#views [data-view={view}]")
    if button.is_visible():
        button.click()


def height(page: Page, selector: str) -> Any:
    box = page.locator(selector).bounding_box()
    return box and box["height"]


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_the_page_as_a_whole_does_not_scroll(
    open_page: Callable[..., Page], busy: Sandbox, width: int, height: int
) -> None:
    page = open_page(width=width, height=height)
    expect(page.locator(".conversation")).to_have_count(16)
    overhang = "document.documentElement.scrollHeight - innerHeight"
    for view in ("list", "thread", "tools"):
        show(page, view)
        assert page.evaluate(overhang) <= 0, view
    for tab in TABS:
        page.get_by_role("tab", name=tab).click()
        expect(page.get_by_role("tabpanel", name=tab)).to_be_visible()
        assert page.evaluate(overhang) <= 0, tab


def test_at_four_times_the_size_a_conversation_is_reached_read_and_answered(
    open_page: Callable[..., Page], busy: Sandbox, client: SMSMobileClient
) -> None:
    page = open_page(width=320, height=256)
    expect(page.locator(".conversation").first).to_be_in_viewport()
    page.locator(".conversation").last.click()
    expect(page.locator("#entries .bubble").last).to_be_in_viewport(ratio=1)
    page.locator("#composer-text").fill("large letters")
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.locator("#entries .bubble").last).to_have_text("large letters")
    assert client.sms.received()[0].message == "large letters"


def test_a_phone_on_its_side_leaves_room_for_the_thread(open_page: Callable[..., Page], busy: Sandbox) -> None:
    page = open_page(width=844, height=390)
    expect(page.locator("#entries .bubble")).to_be_visible()
    assert height(page, "#thread-scroll") > 160


def test_a_newcomer_with_a_phone_sees_the_first_steps_and_then_the_list(
    open_page: Callable[..., Page], box: Sandbox
) -> None:
    page = open_page(width=390, height=844)
    steps = page.get_by_role("region", name="First steps")
    expect(steps.get_by_role("heading", name="Send the first message")).to_be_in_viewport()
    expect(steps).to_contain_text(f"SMSMOBILEAPI_API_KEY={box.api_key}")
    expect(steps.get_by_role("button", name="Text this phone yourself")).to_be_in_viewport(ratio=1)
    box.phone.receive(NUMBER, "hello")
    expect(page.locator(".conversation")).to_be_visible()
    expect(steps).to_be_hidden()


@pytest.mark.parametrize("width", [720, 1180])
def test_the_bar_of_the_phone_is_one_line(
    open_page: Callable[..., Page], box: Sandbox, client: SMSMobileClient, width: int
) -> None:
    box.phone.delay = 600
    client.sms.send(NUMBER, "queued")
    page = open_page(width=width)
    expect(page.locator("#phone-facts")).to_have_text("1 queued · sends after 600 s")
    assert height(page, "#phone-bar") < 60
    add = page.get_by_role("button", name="Add a phone").bounding_box()
    switch = page.get_by_role("switch", name="Phone switched on").bounding_box()
    assert add is not None
    assert switch is not None
    assert add["x"] > switch["x"]


@pytest.mark.parametrize("width", [390, 1280])
def test_the_button_that_clears_the_log_stands_beside_its_filters(open_page: Callable[..., Page], width: int) -> None:
    page = open_page(width=width)
    show(page, "tools")
    failed, clear = (page.locator(one).bounding_box() for one in ("#requests-failed", "#requests-clear"))
    assert failed
    assert clear
    assert clear["y"] < failed["y"] < clear["y"] + clear["height"]


def test_a_dialog_that_scrolls_has_a_bar_in_the_colours_of_the_page(open_page: Callable[..., Page]) -> None:
    page = open_page(width=390, height=844, theme="dark")
    usual = page.locator("#first-steps").evaluate("element => getComputedStyle(element).scrollbarColor")
    assert usual != "auto"
    show(page, "tools")
    page.get_by_role("tab", name="Webhooks").click()
    page.get_by_role("button", name="Add", exact=True).click()
    dialog = page.get_by_role("dialog", name="Add a destination")
    assert dialog.evaluate("element => element.scrollHeight > element.clientHeight")
    expect(dialog).to_have_css("scrollbar-color", usual)


def test_the_controls_of_a_phone_are_large_enough_for_a_finger(
    open_page: Callable[..., Page], busy: Sandbox, receiver: Any
) -> None:
    busy.add_webhook(receiver.url, secret="a secret for tests")
    page = open_page(width=390, height=844)
    small: list[str] = []

    def measure() -> None:
        small.extend(
            page.locator("button, input, select, textarea, summary, label.check").evaluate_all(
                """all => all.filter(e => e.checkVisibility() && !e.matches(".check input"))
                    .filter(e => e.getBoundingClientRect().height < 40).map(e => e.outerHTML.slice(0, 120))"""
            )
        )

    expect(page.locator(".conversation")).to_have_count(16)
    measure()
    page.locator(".conversation").first.click()
    measure()
    show(page, "tools")
    for tab in TABS:
        page.get_by_role("tab", name=tab).click()
        expect(page.locator("[role=tabpanel] :is(li, dd, p):visible").first).to_be_visible()
        if tab == "Faults":
            page.get_by_role("button", name="Latency: always").click()
        measure()
    assert small == []


def test_a_preview_from_right_to_left_begins_at_its_beginning(page: Page, box: Sandbox) -> None:
    box.phone.receive("MPESA", f"{HEBREW} {HEBREW} {HEBREW}")  # longer than a row, with a badge and without
    expect(page.locator(".bubble")).to_be_visible()
    preview = page.locator(".conversation:not(.is-unread) .preview")  # it was seen, and is not drawn anew
    expect(preview).to_have_css("direction", "rtl")
    assert preview.evaluate("e => e.scrollWidth > e.clientWidth && getComputedStyle(e).textOverflow") == "ellipsis"


def test_a_number_beside_a_text_from_right_to_left_keeps_its_plus_in_front(page: Page, client: SMSMobileClient) -> None:
    client.sms.send("+33639985678", HEBREW)
    number = page.locator("#requests-list .whom")
    expect(number).to_have_text("+33639985678")
    expect(number).to_have_css("direction", "ltr")
    expect(page.locator("#requests-list .log-about span").last).to_have_css("direction", "rtl")


FORCED = """element => {
    const of = pseudo => getComputedStyle(element, pseudo).backgroundColor;
    return [of(null), of("::after")];
}"""


def test_forced_colours_tell_what_is_on_and_what_is_chosen(open_page: Callable[..., Page], busy: Sandbox) -> None:
    page = open_page(prepare=lambda page: page.emulate_media(forced_colors="active"))
    row = page.locator(".conversation[aria-current]")
    expect(row).to_be_visible()
    canvas, _ = page.locator("body").evaluate(FORCED)
    chosen, _ = row.evaluate(FORCED)
    assert chosen != canvas
    _, line = page.locator("#tab-requests").evaluate(FORCED)
    assert line not in (canvas, "rgba(0, 0, 0, 0)")
    track = page.locator("#phone-on .switch-track")
    on = track.evaluate(FORCED)
    assert on[0] != on[1]
    page.get_by_role("switch", name="Phone switched on").click()
    expect(page.locator("#phone-on-text")).to_have_text("Off")
    off = track.evaluate(FORCED)
    assert off[0] != off[1]
    assert off[0] != on[0]


def test_a_battery_that_is_nearly_empty_is_red(page: Page, box: Sandbox) -> None:
    expect(page.locator("#phone-battery")).to_have_text("80 %")
    usual = page.locator("#phone-battery").evaluate("element => getComputedStyle(element).color")
    box.phone.battery = 14
    expect(page.locator("#phone-battery")).to_have_text("14 %")
    expect(page.locator("#phone-battery")).not_to_have_css("color", usual)


def test_a_long_key_wraps(open_page: Callable[..., Page], box: Sandbox) -> None:
    page = open_page(width=390, height=844)
    show(page, "tools")
    page.get_by_role("tab", name="Connect").click()
    keys = page.locator("#credentials code, #panel-connect pre")
    expect(keys.first).to_have_text(box.url)
    assert keys.evaluate_all("all => all.filter(e => e.scrollWidth > e.clientWidth).length") == 0
