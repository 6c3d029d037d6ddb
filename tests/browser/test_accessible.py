"""axe finds nothing: on each tab, in each view, with each dialog open, in both themes. And what is announced."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from smsmobile import APIError, SMSMobileClient, SMSMobileError
from smsmobile.sandbox import Sandbox

pytest.importorskip("axe_playwright_python", reason="axe-playwright-python is not installed")
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.long

THEMES = ["light", "dark"]
LOW, PHONE, WIDE = (320, 256), (390, 844), (1440, 900)
TABS = ["Requests", "Webhooks", "Schedule", "Faults", "Connect", "Account"]
NUMBER = "+33639985678"


@pytest.fixture
def busy(box: Sandbox, client: SMSMobileClient, receiver: Any) -> Sandbox:
    """A sandbox with something of every kind."""
    receiver.statuses = [500, 202, 401]
    box.add_webhook(receiver.url, secret="a secret for tests").rotate_secret("another secret for tests")
    box.add_webhook(receiver.url, version=1)
    box.phone.receive("MPESA", "Confirmed.")
    box.phone.call(NUMBER, "Léa")
    box.phone.send_by_hand(NUMBER, "by hand")
    box.phone.receive_whatsapp("33639985432", "salut", voice_seconds=3.0)
    client.sms.send("+12025550102", "fails on the phone")
    with pytest.raises(APIError):
        client.sms.send("+12025550101", "refused by the API")
    client.sms.send(NUMBER, "sent", sim=1)
    client.sms.send(NUMBER, "later", schedule_at=box.clock.now() + timedelta(hours=2))
    box.phone.delay = 600
    client.sms.send(NUMBER, "queued")
    box.faults.add("php_warning")
    box.faults.add("webhook_late")
    client.sms.log()
    box.clock.forward(1)
    return box


def check(page: Page, what: str) -> None:
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    assert [
        f"{what}: {violation['id']}: {node['html']}: {node['failureSummary']}"
        for violation in found
        for node in violation["nodes"]
    ] == []


@pytest.mark.parametrize(("size", "theme"), [(LOW, "light"), (PHONE, "dark"), (WIDE, "light"), (WIDE, "dark")])
def test_each_part_of_the_page(
    open_page: Callable[..., Page], busy: Sandbox, size: tuple[int, int], theme: str
) -> None:
    width, height = size
    page = open_page(width=width, height=height, theme=theme)
    if size != WIDE:
        check(page, "the list")
        page.locator(".conversation").filter(has_text=NUMBER).click()
    expect(page.locator("#entries .bubble").last).to_be_visible()
    check(page, "the thread")
    if size != WIDE:
        page.get_by_role("button", name="Application").click()
    for tab in TABS:
        page.get_by_role("tab", name=tab).click()
        panel = page.get_by_role("tabpanel", name=tab)
        expect(panel.locator("li, dd, .setting").first).to_be_visible()
        for rows in panel.locator("ul:has(summary)").all():
            rows.locator("summary").first.click()
        if tab == "Faults":
            panel.get_by_role("button", name="429: always").click()
        check(page, tab)


def open_details(page: Page) -> None:
    page.locator("#entries li").filter(has_text="sent").get_by_role("button", name="Details").first.click()
    expect(page.locator("#details-requests li")).to_have_count(1)


OPENERS = {
    "New conversation": lambda page: page.get_by_role("button", name="New", exact=True).click(),
    "Simulate call": lambda page: page.get_by_role("button", name="Call…", exact=True).click(),
    "Message": open_details,
    "Add a phone": lambda page: page.get_by_role("button", name="Add a phone").click(),
    "Phone settings": lambda page: page.get_by_role("button", name="Phone settings").click(),
    "Add a destination": lambda page: page.get_by_role("button", name="Add", exact=True).click(),
    "Change the secret": lambda page: page.get_by_role("button", name="Change secret").click(),
    "Remove this destination?": lambda page: page.get_by_role("button", name="Remove").first.click(),
}


@pytest.mark.parametrize("theme", THEMES)
def test_each_dialog(open_page: Callable[..., Page], busy: Sandbox, theme: str) -> None:
    busy.webhooks[0].finish_rotation()
    page = open_page(theme=theme)
    page.get_by_role("tab", name="Webhooks").click()
    page.locator("#destinations summary").first.click()
    for title, opens in OPENERS.items():
        opens(page)
        dialog = page.locator("dialog[open]")
        expect(dialog.get_by_role("heading", level=2)).to_have_text(title)
        check(page, title)
        page.keyboard.press("Escape")
        expect(dialog).to_have_count(0)


@pytest.mark.parametrize(("width", "theme"), [(390, "light"), (1440, "dark")])
def test_the_empty_page(open_page: Callable[..., Page], width: int, theme: str) -> None:
    page = open_page(width=width, theme=theme)
    expect(page.get_by_role("region", name="First steps")).to_contain_text("SMSMOBILEAPI_API_KEY")
    check(page, "the empty page")


def test_a_new_message_is_announced_once(open_page: Callable[..., Page], box: Sandbox) -> None:
    box.phone.receive("Bank", "from before")
    page = open_page()
    expect(page.locator("#entries .bubble")).to_be_visible()
    box.phone.receive("MPESA", "something new")
    expect(page.get_by_role("status")).to_have_text("New message. MPESA: something new")


def test_many_new_messages_are_announced_as_a_number(open_page: Callable[..., Page], box: Sandbox) -> None:
    box.phone.receive("Bank", "from before")
    page = open_page()
    expect(page.locator("#entries .bubble")).to_be_visible()
    for number in range(20):
        box.phone.receive(f"sender {number}", "hello")
    expect(page.get_by_role("status")).to_have_text("20 new messages.")


def test_what_the_application_sends_is_announced_with_what_became_of_it(
    page: Page, box: Sandbox, client: SMSMobileClient
) -> None:
    told = page.get_by_role("status")
    expect(page.get_by_role("region", name="First steps")).to_be_visible()
    client.sms.send(NUMBER, "your table is booked")
    expect(told).to_have_text(f"Sent. {NUMBER}: your table is booked")
    client.sms.send("+12025550102", "nobody gets this")
    expect(told).to_have_text("Failed. +12025550102: nobody gets this")
    with pytest.raises(APIError):
        client.sms.send("+12025550101", "nor this")
    expect(told).to_have_text("Refused. +12025550101: nor this")
    box.phone.delay = 60
    client.sms.send(NUMBER, "in a minute")
    expect(told).to_have_text(f"Queued. {NUMBER}: in a minute")
    box.clock.forward(60)
    expect(told).to_have_text(f"Sent. {NUMBER}: in a minute")


def test_a_failed_request_is_announced_where_no_message_tells_of_it(
    page: Page, box: Sandbox, client: SMSMobileClient
) -> None:
    told = page.get_by_role("status")
    expect(page.get_by_role("region", name="First steps")).to_be_visible()
    box.phone.switch_off()
    with pytest.raises(APIError):
        client.sms.send(NUMBER, "hello?")
    expect(told).to_have_text("Request refused. /sendsms/: 2: the mobile is not connected")
    box.faults.add("error_before", times=1)
    for _ in range(3):
        with pytest.raises(SMSMobileError):
            client.sms.send(NUMBER, "hello?")
    expect(told).to_have_text("2 requests refused, 1 broken answer.")


def test_what_happens_at_once_is_announced_by_kind(page: Page, box: Sandbox, client: SMSMobileClient) -> None:
    expect(page.get_by_role("region", name="First steps")).to_be_visible()
    for number in range(3):
        client.sms.send(f"+3363998000{number}", "hello")
    client.sms.send("+12025550102", "nobody gets this")
    expect(page.get_by_role("status")).to_have_text("3 messages sent, 1 message failed.")


def test_ones_own_answer_is_not_announced_and_the_reply_to_it_is(
    page: Page, box: Sandbox, client: SMSMobileClient
) -> None:
    client.sms.send(NUMBER, "do you come?")
    told = page.get_by_role("status")
    expect(told).to_have_text(f"Sent. {NUMBER}: do you come?")
    page.evaluate(
        """() => {
            window.told = [];
            const see = () => window.told.push(document.getElementById("announcer").textContent);
            new MutationObserver(see).observe(document.getElementById("announcer"), { childList: true });
        }"""
    )
    page.locator("#composer-text").fill("yes, at nine")
    page.locator("#composer-text").press("Enter")
    box.wait_for(lambda: len(client.sms.received()) == 1)
    client.sms.send(NUMBER, "see you there")
    expect(told).to_have_text(f"Sent. {NUMBER}: see you there")
    assert page.evaluate("window.told") == [f"Sent. {NUMBER}: see you there"]
