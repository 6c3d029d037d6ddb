"""Text is text: whatever somebody sends shows as characters, and runs nothing."""

from __future__ import annotations

from typing import Any

import pytest

from smsmobile import SMSMobileClient
from smsmobile.sandbox import Sandbox

pytest.importorskip("playwright", reason="playwright is not installed")
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.long

SCRIPT = "<script>window.ran = 1</script>"
IMAGE = "<img src=x onerror='window.ran = 2'>"
LINK = "<a href=javascript:window.ran=3>https://example.com/</a>"


@pytest.fixture
def hostile(page: Page, box: Sandbox, client: SMSMobileClient, receiver: Any) -> Page:
    """A page on which everything that can be chosen by somebody else is markup."""
    box.add_webhook(receiver.url + "/" + IMAGE.replace(" ", "%20"), secret=f"secret {SCRIPT}")
    box.add_phone(f"Phone {IMAGE}")
    box.phone.receive(f"{IMAGE} sender", f"{SCRIPT} {IMAGE} {LINK}")
    box.phone.call(f"caller {IMAGE}", SCRIPT)
    client.sms.send("+33639985678", f"{LINK} {SCRIPT}")
    with box.session() as session:
        session.get(f"{box.url}/{SCRIPT}")
        session.post(f"{box.url}/sendsms/", data={"apikey": box.api_key, IMAGE: SCRIPT})
    return page


def check_nothing_ran(page: Page) -> None:
    assert page.evaluate_handle("window").get_property("ran").json_value() is None
    expect(page.locator("main script, main img, main a, dialog script, dialog img, dialog a")).to_have_count(0)


def test_a_message_of_markup_shows_as_characters(hostile: Page) -> None:
    hostile.locator(".conversation").filter(has_text="sender").click()
    expect(hostile.locator("#thread-title")).to_have_text(f"{IMAGE} sender")
    expect(hostile.locator("#entries .bubble")).to_have_text(f"{SCRIPT} {IMAGE} {LINK}")
    expect(hostile.locator("#composer-label")).to_contain_text(IMAGE)
    check_nothing_ran(hostile)


def test_a_call_of_markup_shows_as_characters(hostile: Page) -> None:
    hostile.locator(".conversation").filter(has_text="caller").click()
    expect(hostile.locator("#entries .call")).to_contain_text(SCRIPT)
    hostile.get_by_role("button", name="Call…", exact=True).click()
    expect(hostile.get_by_role("dialog").get_by_label("Number")).to_have_value(f"caller {IMAGE}")
    check_nothing_ran(hostile)


def test_a_phone_called_like_markup_shows_as_characters(hostile: Page) -> None:
    hostile.get_by_role("combobox", name="Phone").select_option(f"Phone {IMAGE}")
    expect(hostile.get_by_role("combobox", name="Phone").locator("option:checked")).to_have_text(f"Phone {IMAGE}")
    check_nothing_ran(hostile)


def test_requests_of_markup_show_as_characters(hostile: Page) -> None:
    rows = hostile.locator("#requests-list details")
    expect(rows.nth(1)).to_contain_text(f"/{SCRIPT}")
    for row in rows.all():
        row.locator("summary").click()
    expect(rows.first.locator("dl")).to_contain_text(f"{IMAGE}{SCRIPT}")
    check_nothing_ran(hostile)


def test_webhooks_of_markup_show_as_characters(hostile: Page, box: Sandbox) -> None:
    hostile.get_by_role("tab", name="Webhooks").click()
    card = hostile.locator("#destinations summary")
    expect(card).to_contain_text("%20onerror")
    card.click()
    for row in hostile.locator("#deliveries-list details").all():
        row.locator("summary").click()
        expect(row.locator("pre")).to_contain_text("window.ran")
    hostile.locator("#destinations").get_by_role("button", name="Remove").click()
    expect(hostile.get_by_role("alertdialog")).to_contain_text("%20onerror")
    check_nothing_ran(hostile)


def test_an_address_in_a_message_is_no_link(page: Page, box: Sandbox) -> None:
    box.phone.receive("MPESA", "see https://example.com/ now")
    expect(page.locator("#entries .bubble")).to_have_text("see https://example.com/ now")
    expect(page.locator("#entries a")).to_have_count(0)
