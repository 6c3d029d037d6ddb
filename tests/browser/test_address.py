"""What is shown is in the address of the page: a reload, Back and a link come to the same place."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from smsmobile import SMSMobileClient
from smsmobile.sandbox import Sandbox

pytest.importorskip("playwright", reason="playwright is not installed")
from playwright.sync_api import Page, Route, expect

pytestmark = pytest.mark.long

NUMBER = "+33639985678"
OTHER = "+33639985432"


def test_a_reload_and_back_keep_the_phone_the_conversation_and_the_tab(page: Page, box: Sandbox) -> None:
    office = box.add_phone("Office")
    office.receive(NUMBER, "one")
    office.receive(OTHER, "two")
    title = page.locator("#thread-title")
    page.get_by_label("Phone", exact=True).select_option(office.sid)
    expect(title).to_have_text(OTHER)
    page.locator(".conversation").filter(has_text=NUMBER).click()
    page.get_by_role("tab", name="Faults").click()
    page.reload()
    expect(title).to_have_text(NUMBER)
    expect(page.locator("#phone-sid")).to_have_text(office.sid)
    expect(page.locator("#composer-label")).to_have_text(f"Reply as {NUMBER}")
    expect(page.get_by_role("tab", name="Faults")).to_have_attribute("aria-selected", "true")
    page.go_back()
    expect(page.get_by_role("tab", name="Requests")).to_have_attribute("aria-selected", "true")
    expect(title).to_have_text(NUMBER)
    page.go_back()
    expect(title).to_have_text(OTHER)
    page.go_forward()
    expect(title).to_have_text(NUMBER)


def test_back_goes_from_the_details_to_the_thread_and_to_the_list_on_a_narrow_page(
    open_page: Callable[..., Page], box: Sandbox
) -> None:
    box.phone.receive(NUMBER, "hello")
    page = open_page(width=390, height=844)
    page.locator(".conversation").click()
    page.get_by_role("button", name="Details").click()
    expect(page.get_by_role("dialog", name="Message")).to_contain_text(NUMBER)
    page.go_back()
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(page.locator("#thread-title")).to_be_visible()
    page.go_back()
    expect(page.locator(".conversation")).to_be_visible()
    expect(page.locator("#thread-title")).to_be_hidden()


def test_a_link_to_a_message_opens_it_where_it_is_in_its_conversation(
    open_page: Callable[..., Page], box: Sandbox, client: SMSMobileClient
) -> None:
    guid = client.sms.send(NUMBER, "long ago").guid
    for index in range(120):
        box.phone.receive(NUMBER, f"message {index}")
    box.phone.receive(OTHER, "the newest")
    page = open_page()
    expect(page.locator("#thread-title")).to_have_text(OTHER)
    page.goto(f"{box.url}/#message={guid}")
    expect(page.get_by_role("dialog", name="Message")).to_contain_text(guid)
    page.keyboard.press("Escape")
    expect(page.locator("#thread-title")).to_have_text(NUMBER)
    expect(page.locator("#entries .is-found .bubble")).to_have_text("long ago")
    expect(page.locator("#entries .is-found .bubble")).to_be_in_viewport()


def test_a_link_to_what_is_not_there_any_more_says_so_and_shows_the_rest(
    open_page: Callable[..., Page], box: Sandbox
) -> None:
    box.phone.receive(NUMBER, "hello")
    page = open_page(expected_errors=("status of 404",))
    page.goto(f"{box.url}/#phone={'0' * 32}&peer=1&message=abc")
    expect(page.get_by_role("dialog").get_by_role("alert")).to_contain_text("No message or call has this GUID")
    page.keyboard.press("Escape")
    expect(page.locator("#thread-title")).to_have_text(NUMBER)


@pytest.mark.parametrize("is_gone", [False, True], ids=["late", "late and gone"])
def test_of_two_quick_steps_the_last_one_counts(
    open_page: Callable[..., Page], box: Sandbox, client: SMSMobileClient, is_gone: bool
) -> None:
    first, second = client.sms.send(NUMBER, "first").guid, client.sms.send(NUMBER, "second").guid
    page = open_page(expected_errors=("status of 404",))
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route(f"**/_sandbox/entries/{first}", hold)
    page.evaluate("guid => { location.hash = `message=${guid}`; }", first)
    page.evaluate("guid => { location.hash = `message=${guid}`; }", second)
    dialog = page.get_by_role("dialog", name="Message")
    expect(dialog).to_contain_text(second)
    if is_gone:
        client.sms.delete(first)
    with page.expect_response(f"**/_sandbox/entries/{first}"):
        held[0].continue_()
    page.evaluate("async () => (await fetch('/_sandbox/changes')).text()")  # by then the page has taken the answer in
    expect(dialog).to_contain_text(second)
    expect(page).to_have_url(re.compile(f"message={second}"))
