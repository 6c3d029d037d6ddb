"""The details of a message: from its bubble to its request, its webhooks and its fault, and back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from smsmobile import SMSMobileClient
from smsmobile.sandbox import Sandbox

pytest.importorskip("playwright", reason="playwright is not installed")
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.long

NUMBER = "+33639985678"


def test_the_details_of_a_message_lead_to_its_fault_its_webhook_and_its_request_and_back(
    open_page: Callable[..., Page], box: Sandbox, client: SMSMobileClient, receiver: Any
) -> None:
    box.add_webhook(receiver.url, secret="a secret for tests")
    box.faults.add("latency", times=1, seconds=0.01)
    guid = client.sms.send(NUMBER, "ê" * 71).guid
    box.wait_for_deliveries()
    for _ in range(51):  # so that the request is not on the newest page of the log
        client.sms.received()
    page = open_page(width=390, height=844)
    page.locator(".conversation").click()
    page.locator("#entries .bubble").click()
    dialog = page.get_by_role("dialog", name="Message")
    for fact in (guid, NUMBER, "Phone 1", "Sent", "UCS-2", "2 (71 UTF-16 units, 67 in each)"):
        expect(dialog.locator("#details-facts")).to_contain_text(fact)
    assert dialog.evaluate("element => element.scrollWidth <= element.clientWidth")

    dialog.get_by_role("button", name="Latency").click()
    expect(page.get_by_role("switch", name="Latency")).to_be_focused()
    page.go_back()
    dialog.get_by_role("button", name="sms.sent").click()
    expect(page.locator("#deliveries-list details[open] summary")).to_contain_text("sms.sent")
    expect(page.locator("#deliveries-list details[open] summary")).to_be_focused()
    page.locator("#deliveries-list").get_by_role("button", name="Show in its conversation").click()
    dialog.get_by_role("button", name="POST /sendsms/").click()
    expect(page.locator("#requests-list details[open] summary")).to_contain_text("/sendsms/")
    expect(page.locator("#requests-list details[open] summary")).to_be_focused()
    page.locator("#requests-list").get_by_role("button", name="Show in its conversation").click()
    expect(dialog).to_contain_text(guid)
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(page.get_by_role("button", name="Details")).to_be_focused()


def test_the_details_are_opened_and_closed_with_the_keyboard(page: Page, box: Sandbox, client: SMSMobileClient) -> None:
    box.phone.call(NUMBER)
    box.phone.receive(NUMBER, "hello")
    buttons = page.get_by_role("button", name="Details")
    expect(buttons).to_have_count(2)
    page.locator("#thread-scroll").focus()
    page.keyboard.press("Tab")
    expect(buttons.last).to_be_focused()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Message")
    expect(dialog).to_contain_text("1 (5 of 160 septets)")
    expect(dialog.get_by_role("heading", name="Requests")).to_be_hidden()
    page.keyboard.press("Escape")
    expect(buttons.last).to_be_focused()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog", name="Call")).to_contain_text("Missed call")
    page.get_by_role("button", name="Close").click()
    expect(buttons.first).to_be_focused()


def test_the_details_show_what_becomes_of_a_message_meanwhile(
    page: Page, box: Sandbox, client: SMSMobileClient
) -> None:
    box.phone.delay = 60
    client.sms.send(NUMBER, "hello")
    page.locator("#entries .bubble").click()
    dialog = page.get_by_role("dialog", name="Message")
    expect(dialog).to_contain_text("Queued")
    copy = dialog.get_by_role("button", name="Copy the GUID")
    copy.focus()
    box.clock.forward(60)
    expect(dialog).not_to_contain_text("Queued")
    expect(copy).to_be_focused()


def test_a_cleared_conversation_is_gone_on_all_pages_and_what_leads_to_it_says_so(
    open_page: Callable[..., Page], box: Sandbox, client: SMSMobileClient
) -> None:
    box.phone.receive("MPESA", "of another conversation")
    client.sms.send(NUMBER, "to be cleared")
    page, other = open_page(), open_page(expected_errors=("status of 404",))
    other.locator("#entries .bubble").click()
    page.get_by_role("button", name="Clear conversation…").click()
    sure = page.get_by_role("alertdialog", name="Clear this conversation?")
    expect(sure).to_contain_text(f"All messages and calls of “{NUMBER}” are deleted")
    sure.get_by_role("button", name="Clear").click()
    expect(page.locator("#thread-title")).to_have_text("MPESA")
    expect(page.locator(".conversation")).to_have_count(1)
    expect(other.get_by_role("dialog", name="Message").get_by_role("alert")).to_contain_text("it was forgotten")
    other.keyboard.press("Escape")
    expect(other.locator("#thread-title")).to_have_text("MPESA")
    other.locator("#requests-list summary").click()
    other.get_by_role("button", name="Show in its conversation").click()
    expect(other.locator("#requests-list").get_by_role("alert")).to_contain_text("it was forgotten")
    assert client.sms.log() == []


def test_the_log_of_requests_is_cleared_on_whichever_page_and_whatever_is_open(
    open_page: Callable[..., Page], box: Sandbox, client: SMSMobileClient
) -> None:
    for _ in range(51):
        client.sms.received()
    page, other = open_page(), open_page()
    other.get_by_role("button", name="Older").click()
    expect(other.locator("#requests-list > li")).to_have_count(1)
    page.locator("#requests-list summary").first.click()
    page.get_by_role("button", name="Clear the log…").click()
    page.get_by_role("alertdialog", name="Clear the log?").get_by_role("button", name="Clear").click()
    for each in (page, other):
        expect(each.get_by_text("Your application has not asked for anything yet.")).to_be_visible()
    client.sms.received()
    for each in (page, other):
        expect(each.locator("#requests-list > li")).to_have_count(1)
    assert len(box.requests) == 1
