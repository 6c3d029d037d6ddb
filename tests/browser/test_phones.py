"""The phones on the page: switched off and on, with another battery, one more of them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from smsmobile import DeviceOffline, SMSMobileClient
from smsmobile.sandbox import Sandbox

pytest.importorskip("playwright", reason="playwright is not installed")
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.long

NUMBER = "+33639985678"


def test_a_phone_that_is_switched_off_on_the_page_refuses_to_send(page: Page, client: SMSMobileClient) -> None:
    switch = page.get_by_role("switch", name="Phone switched on")
    expect(switch).to_be_checked()
    switch.click()
    expect(switch).not_to_be_checked()
    with pytest.raises(DeviceOffline):
        client.sms.send(NUMBER, "hello?")
    switch.click()
    expect(switch).to_be_checked()
    client.sms.send(NUMBER, "hello!")
    expect(page.locator("#entries .message")).to_contain_text("hello!")


def test_a_phone_that_is_switched_off_by_a_program_shows_it(page: Page, box: Sandbox) -> None:
    box.phone.switch_off()
    expect(page.get_by_role("switch", name="Phone switched on")).not_to_be_checked()


def test_each_phone_has_its_own_conversations(page: Page, box: Sandbox, client: SMSMobileClient) -> None:
    client.sms.send(NUMBER, "from the first phone")
    expect(page.locator("#entries .message")).to_contain_text("from the first phone")
    page.get_by_role("button", name="Add a phone").click()
    page.get_by_role("dialog", name="Add a phone").get_by_label("Its name").fill("Office")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_role("combobox", name="Phone").locator("option:checked")).to_have_text("Office")
    expect(page.locator(".conversation")).to_have_count(0)
    expect(page.get_by_role("region", name="First steps")).to_contain_text(f'device="{box.phones[1].sid}"')
    client.sms.send(NUMBER, "from the second phone", device=box.phones[1].sid)
    expect(page.locator("#entries .message")).to_have_count(1)
    expect(page.locator("#entries .message")).to_contain_text("from the second phone")
    expect(page.locator("#phone-sid")).to_have_text(box.phones[1].sid)


def test_battery_and_delay_are_set_in_a_dialog(page: Page, box: Sandbox, client: SMSMobileClient) -> None:
    page.get_by_role("button", name="Phone settings").click()
    dialog = page.get_by_role("dialog", name="Phone settings")
    dialog.get_by_label("Battery, in percent").fill("7")
    dialog.get_by_label("It sends after, in seconds").fill("30")
    dialog.get_by_role("button", name="Save").click()
    expect(page.locator("#phone-battery")).to_have_text("7 %")
    client.sms.send(NUMBER, "soon")
    expect(page.locator("#phone-facts")).to_have_text("1 queued · sends after 30 s")
    assert (box.phone.battery, box.phone.delay) == (7, 30)


def test_a_phone_is_renamed_and_removed_and_other_pages_follow(
    open_page: Callable[..., Page], box: Sandbox, client: SMSMobileClient
) -> None:
    office = box.add_phone("Office")
    client.sms.send(NUMBER, "from the office", device=office.sid)
    page, other = open_page(), open_page(expected_errors=("status of 404",))
    for each in (page, other):
        each.get_by_role("combobox", name="Phone").select_option(office.sid)
        expect(each.locator("#entries .message")).to_contain_text("from the office")
    page.get_by_role("button", name="Phone settings").click()
    settings = page.get_by_role("dialog", name="Phone settings")
    settings.get_by_label("Its name").fill("Home")
    settings.get_by_role("button", name="Save").click()
    for each in (page, other):
        expect(each.get_by_role("combobox", name="Phone").locator("option:checked")).to_have_text("Home")
    page.get_by_role("button", name="Phone settings").click()
    settings.get_by_role("button", name="Remove phone…").click()
    sure = page.get_by_role("alertdialog", name="Remove this phone?")
    expect(sure).to_contain_text("The conversations and notifications of “Home” are deleted")
    sure.get_by_role("button", name="Remove").click()
    for each in (page, other):
        expect(each.get_by_role("combobox", name="Phone").locator("option")).to_have_text(["Phone 1"])
        expect(each.locator(".conversation")).to_have_count(0)
    assert [phone.label for phone in box.phones] == ["Phone 1"]


def test_the_last_phone_cannot_be_removed(open_page: Callable[..., Page], box: Sandbox) -> None:
    page = open_page(expected_errors=("status of 409",))
    page.get_by_role("button", name="Phone settings").click()
    page.get_by_role("button", name="Remove phone…").click()
    sure = page.get_by_role("alertdialog", name="Remove this phone?")
    sure.get_by_role("button", name="Remove").click()
    expect(sure.get_by_role("alert")).to_contain_text("This is the last phone")
    assert len(box.phones) == 1


def test_a_battery_that_cannot_be_is_refused_with_the_reason(open_page: Callable[..., Page], box: Sandbox) -> None:
    page = open_page(expected_errors=("status of 400",))
    page.get_by_role("button", name="Phone settings").click()
    dialog = page.get_by_role("dialog", name="Phone settings")
    dialog.get_by_label("Battery, in percent").fill("101")
    with page.expect_response(lambda response: response.request.method == "POST") as answered:
        dialog.get_by_role("button", name="Save").click()
    expect(dialog.get_by_role("alert")).to_have_text(answered.value.json()["error"])
    assert box.phone.battery == 80


def test_a_message_on_another_phone_leaves_a_trace(
    open_page: Callable[..., Page], box: Sandbox, client: SMSMobileClient
) -> None:
    office = box.add_phone("Office")
    page = open_page(width=390, height=844)
    phones = page.get_by_role("combobox", name="Phone")
    elsewhere = page.locator("#phone-unread")
    everywhere = page.get_by_role("button", name="Conversations", exact=False).locator(".unread-count")
    expect(phones.locator("option")).to_have_text(["Phone 1", "Office"])
    expect(elsewhere).to_be_hidden()
    page.get_by_role("button", name="Application").click()
    client.sms.send(NUMBER, "from the office", device=office.sid)
    expect(everywhere).to_have_text("1 unread")
    page.get_by_role("button", name="Conversations").click()
    expect(elsewhere).to_have_text("1 unread on other phones")
    expect(phones.locator("option")).to_have_text(["Phone 1", "Office (1 unread)"])
    phones.select_option(office.sid)
    expect(elsewhere).to_be_hidden()
    expect(everywhere).to_be_visible()
    page.locator(".conversation").click()
    expect(everywhere).to_be_hidden()
    page.get_by_role("button", name="All conversations").click()
    phones.select_option(box.phone.sid)
    expect(phones.locator("option")).to_have_text(["Phone 1", "Office"])
