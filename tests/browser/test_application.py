"""What the application did, on the page: requests, the clock, the subscription, and a fresh start."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from smsmobile import DeviceOffline, SMSMobileClient, SubscriptionExpired
from smsmobile.sandbox import Sandbox

pytest.importorskip("playwright", reason="playwright is not installed")
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.long

NUMBER = "+33639985678"


def test_a_request_is_listed_with_its_parameters_and_its_answer(page: Page, client: SMSMobileClient) -> None:
    sent = client.sms.send(NUMBER, "Your table is booked")
    row = page.locator("#requests-list details").first
    expect(row.locator("summary")).to_contain_text("200")
    expect(row.locator("summary")).to_contain_text("POST /sendsms/")
    row.locator("summary").click()
    expect(row).to_contain_text("Your table is booked")
    expect(row.locator("pre")).to_contain_text(f'"id": "{sent.guid}"')
    expect(row).to_contain_text("Authorised by: API key")


def test_a_refusal_inside_a_200_is_shown_with_its_word(page: Page, box: Sandbox, client: SMSMobileClient) -> None:
    client.sms.send(NUMBER, "accepted")
    box.phone.switch_off()
    with pytest.raises(DeviceOffline):
        client.sms.send(NUMBER, "refused")
    refused, accepted = (page.locator("#requests-list summary").nth(place) for place in (0, 1))
    expect(refused.locator(".badge.bad")).to_have_text("200 refused")
    expect(refused).to_contain_text("2: the mobile is not connected")
    expect(refused).to_contain_text(NUMBER)
    expect(accepted.locator(".badge.good")).to_have_text("200")
    expect(accepted.locator(".log-about")).to_have_text(f"{NUMBER}accepted")


def test_requests_are_searched_and_filtered(page: Page, box: Sandbox, client: SMSMobileClient) -> None:
    client.sms.send(NUMBER, "Your table is booked")
    client.sms.received()
    box.phone.switch_off()
    with pytest.raises(DeviceOffline):
        client.sms.send(NUMBER, "nobody gets this")
    rows = page.locator("#requests-list summary")
    expect(rows).to_have_count(3)
    page.get_by_label("Failed only").check()
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("nobody gets this")
    page.get_by_label("Failed only").uncheck()
    page.get_by_label("Requests to").select_option("/getsms/")
    expect(rows).to_have_count(1)
    page.get_by_label("Search requests").fill("table")
    expect(page.locator("#requests-none")).to_be_visible()
    page.get_by_label("Requests to").select_option("All paths")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("Your table is booked")


def test_an_open_request_stays_where_it_is_when_new_ones_come(page: Page, client: SMSMobileClient) -> None:
    client.sms.send(NUMBER, "read at leisure")
    row = page.locator("#requests-list details").filter(has_text="read at leisure")
    row.locator("summary").click()
    expect(row.locator("pre")).to_be_visible()
    for number in range(60):
        client.sms.send(NUMBER, f"message {number}")
    waiting = page.get_by_role("button", name="50 or more new")
    expect(waiting).to_be_visible()
    expect(row.locator("pre")).to_be_visible()
    expect(row).to_be_in_viewport()
    expect(page.locator("#requests-list details")).to_have_count(1)
    waiting.click()
    expect(page.locator("#requests-list details")).to_have_count(50)
    expect(page.locator("#requests-list summary").first).to_contain_text("message 59")
    expect(page.locator(".log-new:visible")).to_have_count(0)


def test_the_key_is_nowhere_in_the_log_of_requests(page: Page, box: Sandbox, client: SMSMobileClient) -> None:
    client.sms.send(NUMBER, "hello")
    with box.session() as session:
        session.post(
            box.url + "/notification/send", data={"apikey": box.api_key, "sid": box.phone.sid, "message": "it echoes"}
        )
    rows = page.locator("#requests-list details")
    expect(rows).to_have_count(2)
    for row in rows.all():
        row.locator("summary").click()
        expect(row).to_contain_text("apikey")
    assert box.api_key not in page.locator("#panel-requests").inner_html()


def test_the_log_of_requests_turns_its_pages(open_page: Callable[..., Page], client: SMSMobileClient) -> None:
    for number in range(120):
        client.sms.send(NUMBER, f"message {number}")
    page = open_page()
    rows = page.locator("#requests-list details")
    expect(rows).to_have_count(50)
    page.get_by_role("button", name="Older", exact=True).click()
    expect(page.locator("#requests-page")).to_have_text("Page 2")
    page.get_by_role("button", name="Older", exact=True).click()
    expect(page.locator("#requests-page")).to_have_text("Page 3")
    expect(rows).to_have_count(20)
    expect(page.get_by_role("button", name="Older", exact=True)).to_be_disabled()
    expect(page.get_by_role("button", name="Older", exact=True)).to_be_focused()
    page.get_by_role("button", name="Newer").click()
    expect(rows).to_have_count(50)


def test_the_subscription_ends_and_begins_with_one_click(page: Page, client: SMSMobileClient) -> None:
    page.get_by_role("tab", name="Account").click()
    subscription = page.get_by_role("switch", name="Subscription")
    subscription.click()
    expect(subscription).not_to_be_checked()
    with pytest.raises(SubscriptionExpired):
        client.sms.send(NUMBER, "is it over?")
    subscription.click()
    expect(subscription).to_be_checked()
    assert client.sms.send(NUMBER, "it is not").accepted


def test_what_was_counted_is_worded_for_one_and_for_several(page: Page, client: SMSMobileClient) -> None:
    page.get_by_role("tab", name="Account").click()
    client.sms.send(NUMBER, "one")
    expect(page.locator("#counts")).to_contain_text("1 message accepted")
    expect(page.locator("#counts")).to_contain_text("1 request, 0 deliveries.")
    client.sms.send(NUMBER, "two")
    expect(page.locator("#counts")).to_contain_text("2 messages accepted")
    expect(page.locator("#counts")).to_contain_text("2 requests")


def test_what_is_no_number_changes_nothing_and_is_said(page: Page, box: Sandbox) -> None:
    box.log_delay = 5
    page.get_by_role("tab", name="Account").click()
    delay = page.get_by_label("A message appears in the sent log after")
    expect(delay).to_have_value("5")
    delay.select_text()
    page.keyboard.type("-e")
    page.keyboard.press("Tab")
    said = "“A message appears in the sent log after, in seconds”: expected a number."
    expect(page.locator("#account-problem")).to_have_text(said)
    assert box.log_delay == 5

    page.get_by_role("button", name="Phone settings").click()
    dialog = page.get_by_role("dialog", name="Phone settings")
    dialog.get_by_label("Battery, in percent").select_text()
    page.keyboard.type("-e")
    page.keyboard.press("Enter")
    expect(dialog.get_by_role("alert")).to_have_text("“Battery, in percent”: expected a number.")
    expect(dialog.get_by_label("Battery, in percent")).to_have_attribute("aria-invalid", "true")
    assert box.phone.battery == 80


def test_the_clock_is_moved_and_set_back(page: Page, box: Sandbox) -> None:
    before = box.clock.now()
    page.get_by_role("tab", name="Account").click()
    page.get_by_role("button", name="Forward 1 day").click()
    expect(page.locator("#clock-moved")).to_have_text("Clock moved by +1 d")
    assert (box.clock.now() - before).days == 1
    page.get_by_role("button", name="Real time").click()
    expect(page.locator("#clock-moved")).to_be_hidden()
    assert (box.clock.now() - before).days == 0


def test_the_page_says_how_to_connect(page: Page, box: Sandbox) -> None:
    page.get_by_role("tab", name="Connect").click()
    panel = page.get_by_role("tabpanel", name="Connect")
    for text in (box.url, box.api_key, box.client_id, box.client_secret, box.mailbox.key):
        expect(panel.locator("#credentials")).to_contain_text(text)
    expect(panel.get_by_label("curl command", exact=True)).to_contain_text(f"curl {box.url}/sendsms/")
    expect(panel.get_by_role("switch")).to_have_count(0)
    page.get_by_role("tab", name="Faults").click()
    numbers = page.get_by_role("tabpanel", name="Faults").get_by_role("row")
    expect(numbers.filter(has_text="+12025550101")).to_contain_text("refused by the API")


def test_what_the_page_says_about_connecting_works(
    page: Page, box: Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    page.get_by_role("tab", name="Connect").click()

    def code(name: str) -> str:
        return page.get_by_role("tabpanel").get_by_label(name, exact=True).inner_text()

    def set_environment(lines: str) -> None:
        for line in lines.splitlines():
            monkeypatch.setenv(*line.split("="))

    def curl(command: str) -> str:
        return subprocess.run(["sh", "-c", command], check=True, capture_output=True, text=True).stdout

    monkeypatch.chdir(tmp_path)
    set_environment(code(".env lines"))
    exec(code("Python example"))
    exec(code("Python example for an e-mail"))
    monkeypatch.delenv("SMSMOBILEAPI_API_KEY")
    set_environment(code(".env lines for OAuth2"))
    exec(code("Python example"))
    assert box.tokens_issued == 1
    if shutil.which("curl"):
        curl(code("curl command"))
        assert "access_token" in curl(code("curl command for a token"))
        curl(code("curl command for an e-mail"))
        assert box.phone.outbox[-1].message == "Hello from curl"
        assert box.mailbox.sent[-1].body == "Hello from curl"
    assert [sms.message for sms in box.phone.outbox][:2] == ["Hello from Python"] * 2
    assert box.mailbox.sent[0].body == "Hello from Python"


def test_a_subscription_that_is_over_is_told_at_the_top(open_page: Callable[..., Page], box: Sandbox) -> None:
    page = open_page(width=390, height=844)
    pill = page.locator("#subscription-over")
    expect(page.locator("#connection")).to_have_text("Live")
    expect(pill).to_be_hidden()
    box.subscription_active = False
    expect(pill).to_be_visible()
    expect(pill).to_have_accessible_name("Subscription expired")
    pill.click()
    subscription = page.get_by_role("tabpanel", name="Account").get_by_role("switch", name="Subscription")
    expect(subscription).not_to_be_checked()
    subscription.click()
    expect(pill).to_be_hidden()
    assert box.subscription_active


def test_a_copied_text_is_on_the_clipboard(page: Page, box: Sandbox) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy the SID").click()
    expect(page.locator("#announcer")).to_have_text("Copied the SID.")
    page.get_by_label("Search conversations").focus()
    page.keyboard.press("ControlOrMeta+v")
    expect(page.get_by_label("Search conversations")).to_have_value(box.phone.sid)


def test_a_reset_asks_first_and_forgets_everything(page: Page, box: Sandbox, client: SMSMobileClient) -> None:
    client.sms.send(NUMBER, "to be forgotten")
    expect(page.locator("#entries .message")).to_have_count(1)
    page.get_by_role("tab", name="Account").click()
    page.get_by_role("button", name="Reset everything").click()
    question = page.get_by_role("alertdialog", name="Reset the sandbox?")
    question.get_by_role("button", name="Cancel").click()
    expect(question).to_be_hidden()
    assert len(box.phone.outbox) == 1
    page.get_by_role("button", name="Reset everything").click()
    question.get_by_role("button", name="Reset everything").click()
    expect(page.get_by_role("region", name="First steps")).to_be_visible()
    expect(page.locator("#phone-sid")).to_have_text(box.phone.sid)
    assert box.phone.outbox == []
