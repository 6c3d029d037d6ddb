"""Webhooks on the page: a destination is added, each delivery is listed with its attempts, and one is sent again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from smsmobile.sandbox import Sandbox
from smsmobile.sandbox.events import TYPES

pytest.importorskip("playwright", reason="playwright is not installed")
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.long

NUMBER = "+33639985432"
SECRET = "a secret for tests"


def open_webhooks(page: Page) -> Any:
    page.get_by_role("tab", name="Webhooks").click()
    return page.locator("#deliveries-list details")


def open_card(page: Page) -> Any:
    card = page.locator("#destinations .card")
    card.locator("summary").click()
    return card


def test_a_destination_that_is_added_on_the_page_gets_signed_events(page: Page, box: Sandbox, receiver: Any) -> None:
    open_webhooks(page)
    page.get_by_role("button", name="Add", exact=True).click()
    dialog = page.get_by_role("dialog", name="Add a destination")
    dialog.get_by_label("Address on this machine").fill(receiver.url)
    dialog.get_by_label("Secret").fill(SECRET)
    dialog.get_by_label("sms.received").check()
    dialog.get_by_role("button", name="Add").click()
    card = page.locator("#destinations .card")
    expect(card).to_contain_text(receiver.url)
    expect(card).to_contain_text("Signed")
    expect(card.get_by_text("Events: sms.received")).to_be_visible()
    box.phone.receive(NUMBER, "hello")
    box.phone.call(NUMBER)
    box.wait_for_deliveries()
    assert [event.type for event in receiver.events] == ["sms.received"]


def test_a_destination_opens_and_closes_and_stays_so_when_it_fails(page: Page, box: Sandbox, receiver: Any) -> None:
    receiver.statuses = [500, 202, 500]
    box.add_webhook(receiver.url, secret=SECRET)
    open_webhooks(page)
    card = page.locator("#destinations .card")
    remove = card.get_by_role("button", name="Remove")
    expect(card.get_by_text("Signed")).to_be_visible()
    expect(remove).to_be_hidden()
    box.phone.receive(NUMBER, "it fails")
    expect(page.locator("#deliveries-list summary")).to_contain_text("500 · 202")
    expect(remove).to_be_hidden()
    card.locator("summary").press("Enter")
    expect(remove).to_be_visible()
    box.clock.forward(1)
    box.phone.receive(NUMBER, "it fails again")
    expect(page.locator("#deliveries-list summary").first).to_contain_text("500 · 202")
    expect(remove).to_be_visible()


def test_an_address_on_another_machine_is_refused_with_the_reason(open_page: Callable[..., Page], box: Sandbox) -> None:
    page = open_page(expected_errors=("status of 400",))
    open_webhooks(page)
    page.get_by_role("button", name="Add", exact=True).click()
    dialog = page.get_by_role("dialog", name="Add a destination")
    dialog.get_by_label("Address on this machine").fill("https://example.com/webhook")
    with page.expect_response(lambda response: response.request.method == "POST") as answered:
        dialog.get_by_role("button", name="Add").click()
    expect(dialog.get_by_role("alert")).to_have_text(answered.value.json()["error"])
    assert box.webhooks == []


def test_every_attempt_is_listed_with_its_outcome(page: Page, box: Sandbox, receiver: Any) -> None:
    receiver.statuses, receiver.answers = [500, 202], [b"<h1>It broke</h1>", b'{"stored": true}']
    box.add_webhook(receiver.url, secret=SECRET)
    box.phone.receive(NUMBER, "try twice")
    row = open_webhooks(page)
    expect(row).to_have_count(1)
    box.wait_for_deliveries()
    expect(row.locator("summary")).to_contain_text("delivered")
    expect(row.locator("summary")).to_contain_text("sms.received")
    row.locator("summary").click()
    expect(row.locator("tbody tr")).to_have_count(2)
    expect(row.locator("tbody tr").nth(0)).to_contain_text("500")
    expect(row.locator("tbody tr").nth(1)).to_contain_text("202")
    expect(row.locator("pre", has_text='"message": "try twice"')).to_be_visible()
    first, second = box.deliveries
    expect(row).to_contain_text('"stored": true')
    expect(row.locator("dl")).to_contain_text(f"Signature{second.headers['X-SMSMobileAPI-Signature']}")
    row.get_by_role("button", name="Show headers and answer of attempt 1").click()
    expect(row).to_contain_text("<h1>It broke</h1>")
    expect(row).not_to_contain_text('"stored": true')
    expect(row.locator("dl")).to_contain_text(f"Signature{first.headers['X-SMSMobileAPI-Signature']}")
    expect(row.locator("dl")).to_contain_text(f"Timestamp{first.headers['X-SMSMobileAPI-Timestamp']}")
    assert SECRET not in page.content()


def test_each_row_shows_whose_event_it_is_and_its_text(page: Page, box: Sandbox, receiver: Any) -> None:
    hook = box.add_webhook(receiver.url, secret=SECRET)
    for name in TYPES:
        hook.send_test(name)
    box.add_webhook(receiver.url, version=1).send_test("sms.received")
    rows = open_webhooks(page).locator(".log-about")
    expect(rows).to_have_count(len(TYPES) + 1)
    shown = dict(zip(reversed([*TYPES, "version 1"]), rows.all_inner_texts(), strict=True))
    lines = {name: " ".join(text.split()) for name, text in shown.items()}
    text = "Hello, this is a test."
    assert lines == {
        **dict.fromkeys(TYPES, f"+33639981234 {text}"),
        **dict.fromkeys(("whatsapp.submitted", "whatsapp.sent"), f"33639981234 {text}"),
        **dict.fromkeys(("call.missed", "call.incoming", "call.outgoing"), "+33639981234"),
        "sms.failed": f"RESULT_ERROR_NO_SERVICE +33639981234 {text}",
        "whatsapp.failed": f"RESULT_ERROR_NO_SERVICE 33639981234 {text}",
        "email.sent": f"you@example.com {text}",
        "email.received": f"jordan@example.com {text}",
        "version 1": f"+33639981234 {text}",
    }


def test_a_delivery_is_sent_again(page: Page, box: Sandbox, receiver: Any) -> None:
    box.add_webhook(receiver.url, secret=SECRET)
    box.phone.receive(NUMBER, "once more")
    box.wait_for_deliveries()
    row = open_webhooks(page).last
    row.locator("summary").click()
    row.get_by_role("button", name="Send again").click()
    box.wait_for(lambda: len(receiver.events) == 2)
    assert receiver.events[0].id == receiver.events[1].id
    expect(row).to_contain_text("Sent again at")
    page.get_by_role("button", name="1 new").click()
    expect(page.locator("#deliveries-list details")).to_have_count(2)


def test_a_test_event_of_any_type_is_sent_to_a_destination(page: Page, box: Sandbox, receiver: Any) -> None:
    receiver.statuses = [500]
    box.add_webhook(receiver.url, secret=SECRET)
    open_webhooks(page)
    card = open_card(page)
    types = card.get_by_label("Type of the test event")
    expect(types.locator("option")).to_have_text(list(TYPES))
    types.select_option("call.missed")
    card.get_by_role("button", name="Send test event").click()
    box.wait_for(lambda: receiver.events)
    assert [event.type for event in receiver.events] == ["call.missed"]
    expect(page.locator("#deliveries-list summary")).to_contain_text("500 · 202")
    expect(types).to_have_value("call.missed")  # although the card was drawn anew, because of the failure


@pytest.mark.parametrize("width", [390, 1180])
def test_the_event_of_a_delivery_that_was_given_up_is_never_cut(
    open_page: Callable[..., Page], box: Sandbox, width: int
) -> None:
    box.add_webhook("http://127.0.0.1:9/where/nobody/answers", secret=SECRET)
    box.phone.receive(NUMBER, "it fails")
    box.wait_for_deliveries()
    page = open_page(width=width)
    if width == 390:
        page.get_by_role("button", name="Application").click()
    event = open_webhooks(page).locator(".log-what")
    expect(open_webhooks(page).locator("summary")).to_contain_text("given up")
    expect(event).to_have_text("sms.received")
    assert event.evaluate("element => element.scrollWidth <= element.clientWidth")


def test_the_tab_counts_the_destinations_that_fail(page: Page, box: Sandbox, receiver: Any) -> None:
    box.add_webhook(receiver.url, secret=SECRET)
    failing = box.add_webhook("http://127.0.0.1:9/where/nobody/answers", secret=SECRET)
    expect(page.get_by_role("tab", name="Requests")).to_have_attribute("aria-selected", "true")
    tab = page.get_by_role("tab", name="Webhooks")
    expect(tab).to_have_accessible_name("Webhooks")
    box.phone.receive(NUMBER, "it fails")
    expect(tab).to_have_accessible_name("Webhooks 1 failing")
    expect(tab.locator(".tab-count")).to_have_text("1")
    failing.remove()
    expect(tab).to_have_accessible_name("Webhooks")
    expect(tab.locator(".tab-count")).to_be_hidden()


def test_the_focus_stays_on_a_button_while_what_it_belongs_to_changes(page: Page, box: Sandbox, receiver: Any) -> None:
    receiver.statuses = [500] * 20
    box.add_webhook(receiver.url, secret=SECRET)
    open_webhooks(page)
    card = open_card(page)
    card.get_by_role("button", name="Remove").focus()
    box.phone.receive(NUMBER, "it fails")
    expect(card).to_contain_text("failed in a row")
    expect(card.get_by_role("button", name="Remove")).to_be_focused()


def test_a_secret_is_changed_in_two_steps(page: Page, box: Sandbox, receiver: Any) -> None:
    box.add_webhook(receiver.url, secret="an older secret for tests")
    open_webhooks(page)
    card = open_card(page)
    card.get_by_role("button", name="Change secret").click()
    dialog = page.get_by_role("dialog", name="Change the secret")
    dialog.get_by_label("Next secret").fill(SECRET)
    dialog.get_by_role("button", name="Begin").click()
    expect(card).to_contain_text("Secret is changing")
    card.get_by_role("button", name="Finish the change").click()
    expect(card.get_by_role("button", name="Change secret")).to_be_visible()
    box.phone.receive(NUMBER, "signed with the new one")
    box.wait_for_deliveries()
    assert [event.data.message for event in receiver.events] == ["signed with the new one"]


def test_a_destination_is_removed_after_a_question(page: Page, box: Sandbox, receiver: Any) -> None:
    box.add_webhook(receiver.url, secret=SECRET)
    open_webhooks(page)
    open_card(page).get_by_role("button", name="Remove").click()
    page.get_by_role("alertdialog", name="Remove this destination?").get_by_role("button", name="Remove").click()
    expect(page.locator("#destinations .card")).to_have_count(0)
    assert box.webhooks == []
