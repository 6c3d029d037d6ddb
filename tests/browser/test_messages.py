"""Messages on the phone page: sent by the client they appear, typed on the page they arrive."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from smsmobile import SMSMobileClient
from smsmobile.sandbox import Sandbox

pytest.importorskip("playwright", reason="playwright is not installed")
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.long

NUMBER = "+33639985678"
KOLKATA = timedelta(hours=5, minutes=30)
"""How far the browser of the tests is ahead of UTC, in summer and in winter."""


def bubble(page: Page, text: str) -> Any:
    return page.locator("#entries .message").filter(has_text=text)


def answer(page: Page, text: str) -> None:
    page.locator("#composer-text").fill(text)
    page.locator("#composer-text").press("Enter")


def test_a_message_of_the_client_appears_and_turns_from_queued_to_sent(
    page: Page, box: Sandbox, client: SMSMobileClient
) -> None:
    box.phone.delay = 60
    client.sms.send(NUMBER, "Your table is booked", sim=2)
    expect(bubble(page, "Your table is booked")).to_contain_text("Queued")
    expect(bubble(page, "Your table is booked")).to_contain_text("SIM 2")
    box.clock.forward(60)
    expect(bubble(page, "Your table is booked")).to_contain_text("Sent")
    expect(bubble(page, "Your table is booked")).not_to_contain_text("Queued")


def test_a_failed_message_shows_its_reason(page: Page, box: Sandbox, client: SMSMobileClient) -> None:
    box.phone.fail(NUMBER, "RESULT_ERROR_NO_SERVICE")
    client.sms.send(NUMBER, "nobody gets this")
    expect(bubble(page, "nobody gets this")).to_contain_text("Failed")
    expect(bubble(page, "nobody gets this")).to_contain_text("RESULT_ERROR_NO_SERVICE")


def test_time_and_state_stand_once_below_messages_of_one_minute(
    page: Page, box: Sandbox, client: SMSMobileClient
) -> None:
    box.clock.move_to(datetime(2026, 3, 20, 12, 0, 10, tzinfo=timezone.utc))
    box.phone.receive(NUMBER, "hello")
    box.phone.receive(NUMBER, "anybody there?")
    for text in ("first", "two"):
        client.sms.send(NUMBER, text)
    box.phone.fail(NUMBER)
    client.sms.send(NUMBER, "it fails")
    box.phone.recover(NUMBER)
    client.sms.send(NUMBER, "three")
    box.phone.send_by_hand(NUMBER, "by hand")
    box.clock.forward(60)
    box.phone.send_by_hand(NUMBER, "a minute later")
    expect(bubble(page, "a minute later")).to_be_visible()
    visible = "items => items.filter(e => !e.closest('.unseen')).map(e => e.closest('.message').firstElementChild"
    texts = page.locator("#entries .meta time").evaluate_all(f"{visible}.nextElementSibling.textContent)")
    assert texts == ["anybody there?", "two", "it fails", "three", "by hand", "a minute later"]
    box.phone.send_by_hand(NUMBER, "and at once")
    expect(bubble(page, "a minute later").locator(".unseen time")).to_have_count(1)
    expect(bubble(page, "first")).to_contain_text("Sent")  # said to a screen reader
    bubble(page, "first").get_by_role("button", name="Details").focus()
    expect(bubble(page, "first").locator(".meta")).to_have_css("opacity", "1")


def test_a_scheduled_message_shows_its_time_and_can_be_brought_about(
    page: Page, box: Sandbox, client: SMSMobileClient
) -> None:
    noon = (box.clock.now() + KOLKATA).replace(hour=12, minute=0, second=0, microsecond=0) - KOLKATA
    box.clock.move_to(noon + timedelta(days=1))
    due = noon + timedelta(days=2, minutes=-5)
    client.sms.send(NUMBER, "see you tomorrow", schedule_at=due)
    local = f"{due + KOLKATA:%H:%M}"
    times = bubble(page, "see you tomorrow").locator("time")
    expect(bubble(page, "see you tomorrow")).to_contain_text("Scheduled for")
    expect(times).to_have_count(1)
    expect(times).to_contain_text(f", {local}")
    expect(page.locator(".conversation time")).to_have_attribute("datetime", f"{due:%Y-%m-%dT%H:%M:%S}.000Z")
    page.get_by_role("tab", name="Schedule").click()
    card = page.locator("#schedule-list .card").filter(has_text="see you tomorrow")
    expect(card).to_contain_text("in 23 h")
    card.get_by_role("button", name="Move the clock there").click()
    expect(bubble(page, "see you tomorrow")).to_contain_text("Sent")
    expect(card).to_have_count(0)
    expect(page.locator("#clock-moved")).to_contain_text("+")
    expect(times).to_have_count(1)
    expect(times).to_contain_text(f", {local}")
    expect(page.locator(".conversation time")).to_have_text(local)


def test_days_are_those_of_the_sandbox_when_its_clock_moves_and_at_midnight(page: Page, box: Sandbox) -> None:
    noon = datetime(2026, 3, 20, 12, tzinfo=timezone.utc) - KOLKATA
    box.clock.move_to(noon)
    box.phone.receive(NUMBER, "today")
    with box.session() as session:
        session.get(f"{box.url}/getsms/", params={"apikey": box.api_key})
    day = page.locator("#entries .day")
    row = page.locator(".conversation time")
    request = page.locator("#requests-list time")
    expect(day).to_have_text("Today")
    expect(row).to_have_text("12:00")
    expect(request).to_have_text("12:00:00")
    box.clock.move_to(noon + timedelta(hours=11, minutes=59, seconds=55))
    expect(day).to_have_text("Yesterday", timeout=12_000)  # before the page asks again for the time
    expect(row).to_have_text("20 Mar")
    expect(request).to_have_text("20 Mar, 12:00:00")
    box.clock.forward(86400)
    expect(day).to_have_text("Friday 20 March")


def test_a_scheduled_message_that_waits_for_its_phone_stops_being_scheduled(
    page: Page, box: Sandbox, client: SMSMobileClient
) -> None:
    client.sms.send(NUMBER, "late", schedule_at=box.clock.now() + timedelta(hours=1))
    page.get_by_role("tab", name="Schedule").click()
    card = page.locator("#schedule-list .card")
    expect(card).to_have_count(1)
    expect(bubble(page, "late")).to_contain_text("Scheduled for")
    box.phone.switch_off()
    box.clock.forward(3597)
    expect(bubble(page, "late")).to_contain_text("Queued")
    expect(card).to_have_count(0)
    expect(page.locator(".conversation .state-queued")).to_have_count(1)


def test_a_time_is_local_and_its_tooltip_is_the_moment_in_utc(
    page: Page, box: Sandbox, client: SMSMobileClient
) -> None:
    box.phone.receive(NUMBER, "what time is it?")
    (row,) = client.sms.received()
    stamp = bubble(page, "what time is it?").locator("time")
    expect(stamp).to_have_text((row.received_at + KOLKATA).strftime("%H:%M"))
    assert (stamp.get_attribute("title") or "").startswith(f"{row.received_at:%Y-%m-%d %H:%M:%S}")
    assert (stamp.get_attribute("title") or "").endswith(" UTC")


def test_a_typed_answer_arrives_in_the_inbox_and_at_the_webhook(
    page: Page, box: Sandbox, client: SMSMobileClient, receiver: Any
) -> None:
    box.add_webhook(receiver.url, secret="a secret for tests", types=["sms.received"])
    client.sms.send(NUMBER, "Do you come?")
    expect(bubble(page, "Do you come?")).to_be_visible()
    answer(page, "Yes, at 9 o'clock 👍")
    expect(bubble(page, "Yes, at 9 o'clock 👍")).to_be_visible()
    expect(page.locator("#composer-text")).to_have_value("")
    assert [(sms.sender, sms.message) for sms in client.sms.received()] == [(NUMBER, "Yes, at 9 o'clock 👍")]
    box.wait_for_deliveries()
    assert [(event.type, event.signed, event.data.message) for event in receiver.events] == [
        ("sms.received", True, "Yes, at 9 o'clock 👍")
    ]


def test_the_other_person_keeps_the_international_spelling_whatever_the_channel(
    page: Page, box: Sandbox, client: SMSMobileClient
) -> None:
    client.whatsapp.send(NUMBER, "by WhatsApp")
    client.sms.send(NUMBER, "by SMS")
    box.phone.receive_whatsapp(NUMBER.removeprefix("+"), "me too")
    expect(bubble(page, "me too")).to_be_visible()
    expect(page.locator("#thread-title")).to_have_text(NUMBER)
    expect(page.locator(".conversation-name")).to_have_text(NUMBER)
    page.get_by_label("What is written").select_option("SMS")
    expect(page.locator("#composer-label")).to_have_text(f"Reply as {NUMBER}")
    answer(page, "and back by SMS")
    expect(bubble(page, "and back by SMS")).to_be_visible()
    assert [sms.sender for sms in client.sms.received()] == [NUMBER]


def test_the_composer_says_who_writes(page: Page, client: SMSMobileClient) -> None:
    client.sms.send(NUMBER, "hello")
    expect(page.locator("#composer-label")).to_have_text(f"Reply as {NUMBER}")
    page.get_by_label("What is written").select_option("By hand on the phone")
    expect(page.locator("#composer-label")).to_have_text(f"As the owner of Phone 1, to {NUMBER}")
    expect(page.locator("#composer-note")).to_contain_text("your application does not send it")
    answer(page, "typed on the phone")
    expect(bubble(page, "typed on the phone")).to_contain_text("Written by hand on the phone")
    page.get_by_label("What is written").select_option("SMS")
    expect(page.locator("#composer-note")).to_be_hidden()


def test_the_composer_says_whether_the_application_can_fetch_what_is_written_by_whatsapp(
    page: Page, box: Sandbox, client: SMSMobileClient
) -> None:
    note = page.locator("#composer-note")
    box.phone.receive(NUMBER, "by SMS")
    expect(bubble(page, "by SMS")).to_be_visible()
    expect(note).to_be_hidden()
    page.get_by_label("What is written").select_option("WhatsApp")
    expect(note).to_contain_text("Retrieval is off")
    client.whatsapp.enable_retrieval()
    expect(note).to_contain_text("No synchronisation window")
    ends_at = client.whatsapp.synchronise().ends_at
    expect(note).to_contain_text(f"can fetch it until {ends_at + KOLKATA:%H:%M}")
    box.clock.forward(601)
    expect(note).to_contain_text("The synchronisation window ended")


def test_a_contact_titles_its_conversation_and_the_number_stays_in_sight(
    page: Page, box: Sandbox, client: SMSMobileClient
) -> None:
    client.sms.send(NUMBER, "Who is that?")
    expect(page.locator("#thread-title")).to_have_text(NUMBER)
    expect(page.locator("#thread-number")).to_be_hidden()
    box.phone.receive_whatsapp(NUMBER.removeprefix("+"), "It is me", name="Taylor Smith")
    expect(page.locator("#thread-title")).to_have_text("Taylor Smith")
    expect(page.locator("#thread-number")).to_contain_text(NUMBER)
    expect(page.get_by_role("button", name="Copy the number")).to_be_visible()
    expect(page.locator(".conversation-name")).to_have_text(f"Taylor Smith {NUMBER}")
    expect(page.locator("#composer-label")).to_have_text(f"Reply as Taylor Smith ({NUMBER})")
    page.get_by_label("What is written").select_option("SMS")
    answer(page, "and by SMS too")
    expect(bubble(page, "and by SMS too")).to_be_visible()
    assert [sms.sender for sms in client.sms.received()] == [NUMBER]


def test_shift_and_enter_begin_a_new_line(page: Page, client: SMSMobileClient) -> None:
    client.sms.send(NUMBER, "hello")
    field = page.locator("#composer-text")
    field.fill("one")
    field.press("Shift+Enter")
    page.keyboard.type("two")
    field.press("Enter")
    expect(bubble(page, "two")).to_be_visible()
    assert client.sms.received()[0].message == "one\ntwo"


def test_an_empty_answer_is_not_sent_and_says_so(page: Page, client: SMSMobileClient) -> None:
    client.sms.send(NUMBER, "hello")
    answer(page, "   ")
    expect(page.locator("#composer-problem")).to_have_text("Write something first.")
    expect(page.locator("#composer-text")).to_have_attribute("aria-invalid", "true")
    assert client.sms.received() == []
    page.keyboard.type("now")
    expect(page.locator("#composer-problem")).to_be_empty()
    expect(page.locator("#composer-text")).not_to_have_attribute("aria-invalid", "true")


def test_after_the_send_button_the_next_answer_can_be_typed(page: Page, client: SMSMobileClient) -> None:
    client.sms.send(NUMBER, "hello")
    page.locator("#composer-text").fill("one")
    page.get_by_role("button", name="Send", exact=True).click()
    expect(bubble(page, "one")).to_be_visible()
    page.keyboard.type("two")
    expect(page.locator("#composer-text")).to_have_value("two")


def test_a_new_conversation_without_a_text_is_not_begun(page: Page, client: SMSMobileClient) -> None:
    page.get_by_role("button", name="New", exact=True).click()
    dialog = page.get_by_role("dialog", name="New conversation")
    dialog.get_by_label("From").fill("MPESA")
    dialog.get_by_role("button", name="Send to the phone").click()
    expect(dialog.get_by_role("alert")).to_have_text("“Message” is empty: fill it in.")
    expect(dialog.get_by_label("Message")).to_be_focused()
    expect(dialog.get_by_label("Message")).to_have_attribute("aria-invalid", "true")
    assert client.sms.received() == []
    page.keyboard.type("Confirmed.")
    expect(dialog.get_by_role("alert")).to_be_hidden()
    page.keyboard.press("Control+Enter")
    expect(bubble(page, "Confirmed.")).to_be_visible()


def begin_conversation(page: Page) -> None:
    page.get_by_role("button", name="New", exact=True).click()
    dialog = page.get_by_role("dialog", name="New conversation")
    dialog.get_by_label("From").fill("MPESA")
    dialog.get_by_label("Message").fill("Confirmed.")
    dialog.get_by_role("button", name="Send to the phone").click()
    expect(page.locator(".conversation[aria-current]")).to_contain_text("MPESA")


def test_a_new_conversation_opens_with_its_row_in_view(page: Page, box: Sandbox) -> None:
    for number in range(25):
        box.phone.receive(f"+336399812{number:02d}", "before")
    rows = page.locator(".conversation")
    expect(rows).to_have_count(25)
    rows.last.scroll_into_view_if_needed()
    begin_conversation(page)
    expect(page.locator(".conversation[aria-current]")).to_be_in_viewport()


@pytest.mark.parametrize("begin", ["New", "Call…"])
def test_a_new_conversation_opens_also_where_the_application_answers_at_once(
    page: Page, box: Sandbox, begin: str
) -> None:
    box.phone.receive("MPESA", "of another conversation")
    expect(page.locator("#thread-title")).to_have_text("MPESA")

    def answer_first(route: Any) -> None:
        response = route.fetch()
        box.phone.send_by_hand(NUMBER, "the answer")
        route.fulfill(response=response)

    page.route(re.compile("/_sandbox/phones/.*/(messages|calls)$"), answer_first)
    page.get_by_role("button", name=begin, exact=True).click()
    dialog = page.get_by_role("dialog")
    if begin == "New":
        dialog.get_by_label("From").fill(NUMBER)
        dialog.get_by_label("Message").fill("hello")
    else:
        dialog.get_by_label("Number").fill(NUMBER)
    dialog.locator("[type=submit]").click()
    expect(page.locator("#thread-title")).to_have_text(NUMBER)
    expect(page.locator("#entries")).to_contain_text("the answer")


def test_a_search_that_would_hide_a_new_conversation_is_over(page: Page, box: Sandbox) -> None:
    box.phone.receive(NUMBER, "a question")
    page.get_by_label("Search conversations").fill("question")
    begin_conversation(page)
    expect(page.get_by_label("Search conversations")).to_have_value("")


def test_what_was_begun_in_one_conversation_waits_there(page: Page, box: Sandbox) -> None:
    box.phone.receive("MPESA", "first")
    box.phone.receive("Bank", "second")
    rows = page.locator(".conversation")
    rows.filter(has_text="MPESA").click()
    page.locator("#composer-text").fill("half a sent")
    rows.filter(has_text="Bank").click()
    expect(page.locator("#composer-text")).to_have_value("")
    rows.filter(has_text="MPESA").click()
    expect(page.locator("#composer-text")).to_have_value("half a sent")


def test_a_new_conversation_may_come_from_a_name(page: Page, client: SMSMobileClient) -> None:
    page.get_by_role("button", name="New", exact=True).click()
    dialog = page.get_by_role("dialog", name="New conversation")
    dialog.get_by_label("From").fill("MPESA")
    dialog.get_by_label("Message").fill("Confirmed. You have received Ksh 200.")
    dialog.get_by_role("button", name="Send to the phone").click()
    expect(dialog).to_be_hidden()
    expect(page.locator("#thread-title")).to_have_text("MPESA")
    expect(bubble(page, "You have received Ksh 200.")).to_be_visible()
    assert client.sms.received()[0].sender == "MPESA"


def test_a_refused_conversation_says_why_and_the_dialog_stays(
    open_page: Callable[..., Page], client: SMSMobileClient
) -> None:
    page = open_page(expected_errors=("status of 400",))
    page.get_by_role("button", name="New", exact=True).click()
    dialog = page.get_by_role("dialog", name="New conversation")
    dialog.get_by_label("From").fill(NUMBER)
    dialog.get_by_label("Message").fill("x" * 200_000)
    with page.expect_response(lambda response: response.request.method == "POST") as answered:
        dialog.get_by_role("button", name="Send to the phone").click()
    expect(dialog.get_by_role("alert")).to_have_text(answered.value.json()["error"])
    expect(dialog.get_by_label("From")).to_have_value(NUMBER)
    assert client.sms.received() == []


def test_a_missed_call_is_in_the_thread_and_in_the_call_log(page: Page, box: Sandbox, client: SMSMobileClient) -> None:
    client.sms.send(NUMBER, "call me")
    expect(bubble(page, "call me")).to_be_visible()
    page.get_by_role("button", name="Call…").click()
    dialog = page.get_by_role("dialog", name="Simulate call")
    expect(dialog.get_by_label("Number")).to_have_value(NUMBER)
    dialog.get_by_label("Name in the phone's contacts").fill("Léa")
    dialog.get_by_role("button", name="Simulate call").click()
    expect(page.locator("#entries .call")).to_contain_text("Missed call · Léa")
    with box.session() as session:
        calls = session.get(f"{box.url}/call/missed/list/", params={"apikey": box.api_key}).json()
    assert [row["number"] for row in calls["data"]] == [NUMBER]


def test_a_whatsapp_message_carries_its_badge(page: Page, box: Sandbox) -> None:
    box.phone.receive_whatsapp("33639985432", "salut")
    expect(bubble(page, "salut").locator(".badge")).to_have_text("WhatsApp")
    expect(page.get_by_label("What is written")).to_have_value("whatsapp")
    answer(page, "ça va ?")
    expect(bubble(page, "ça va ?").locator(".badge")).to_have_text("WhatsApp")


def test_conversations_are_found_by_number_and_by_text(page: Page, box: Sandbox) -> None:
    box.phone.receive("MPESA", "a transfer")
    box.phone.receive(NUMBER, "a question about parking")
    rows = page.locator(".conversation")
    expect(rows).to_have_count(2)
    page.get_by_label("Search conversations").fill("parking")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text(NUMBER)
    page.get_by_label("Search conversations").fill("nothing like it")
    expect(page.locator("#conversations-none")).to_have_text("Nothing found for “nothing like it”.")
    page.get_by_label("Search conversations").fill("")
    expect(rows).to_have_count(2)


def test_a_search_shows_the_message_that_says_it_and_opens_the_conversation_there(page: Page, box: Sandbox) -> None:
    for number in range(40):
        box.phone.receive(NUMBER, f"before {number}")
    box.phone.receive(NUMBER, "The key is with Élodie.")
    for number in range(300):
        box.phone.receive(NUMBER, f"later {number}")
    expect(bubble(page, "later 299")).to_be_visible()
    page.get_by_label("Search conversations").fill("elodie")
    row = page.locator(".conversation")
    expect(row.locator(".conversation-last")).to_have_text("…key is with Élodie.")
    expect(row.locator("mark")).to_have_text("Élodie")
    row.click()
    found = page.locator("#entries .is-found")
    expect(found).to_have_count(1)
    expect(found).to_contain_text("Élodie")
    expect(found).to_be_in_viewport()
    expect(bubble(page, "later 299")).to_have_count(0)
    page.get_by_label("Search conversations").fill("")
    expect(row.locator(".conversation-last")).to_have_text("later 299")
    row.click()
    expect(bubble(page, "later 299")).to_be_in_viewport()
    expect(found).to_have_count(0)


def test_the_empty_page_teaches_the_first_message(page: Page, box: Sandbox) -> None:
    steps = page.get_by_role("region", name="First steps")
    expect(steps).to_contain_text(f"SMSMOBILEAPI_API_KEY={box.api_key}")
    expect(steps).to_contain_text(f"SMSMOBILEAPI_BASE_URL={box.url}")
    expect(steps).to_contain_text("SMSMobileClient.from_env()")


def test_what_was_not_seen_yet_is_bold_and_counted_until_it_is_shown(
    page: Page, box: Sandbox, client: SMSMobileClient
) -> None:
    def row(text: str) -> Any:
        return page.locator(".conversation").filter(has_text=text)

    box.phone.receive("MPESA", "Confirmed.")
    expect(bubble(page, "Confirmed.")).to_be_visible()
    expect(page).to_have_title("smsmobile sandbox")
    box.phone.receive("Bank", "A code")
    client.sms.send(NUMBER, "Do you come?")
    box.phone.receive(NUMBER, "Yes")
    expect(row(NUMBER).locator(".unread-count")).to_have_text("2 unread")
    expect(row(NUMBER).locator(".conversation-name")).to_have_css("font-weight", "700")
    expect(row("MPESA").locator(".conversation-name")).to_have_css("font-weight", "500")
    expect(page).to_have_title("(3) smsmobile sandbox")
    page.reload()
    expect(page).to_have_title("(3) smsmobile sandbox")
    row(NUMBER).click()
    expect(page).to_have_title("(1) smsmobile sandbox")
    expect(page.locator(".unread-count:visible")).to_have_count(1)
    row("Bank").click()
    expect(page).to_have_title("smsmobile sandbox")
    expect(page.locator(".is-unread")).to_have_count(0)
    box.phone.receive("MPESA", "Confirmed again.")
    expect(page).to_have_title("(1) smsmobile sandbox")
    box.reset()
    expect(page).to_have_title("smsmobile sandbox")


def test_a_message_below_what_one_reads_is_unread_until_one_gets_there(page: Page, box: Sandbox) -> None:
    for number in range(40):
        box.phone.receive(NUMBER, f"before {number}")
    expect(bubble(page, "before 39")).to_be_in_viewport()
    page.locator("#thread-scroll").evaluate("scroll => { scroll.scrollTop = 0; }")
    box.phone.receive(NUMBER, "below")
    expect(page).to_have_title("(1) smsmobile sandbox")
    expect(page.locator(".conversation .unread-count")).to_have_text("1 unread")
    page.get_by_role("button", name="1 new message").click()
    expect(page).to_have_title("smsmobile sandbox")
    expect(page.locator(".conversation .unread-count")).to_have_count(0)


def test_a_message_that_comes_while_one_looks_at_another_page_is_in_the_title(
    open_page: Callable[..., Page], box: Sandbox
) -> None:
    def may_be_away(page: Page) -> None:
        page.add_init_script("Object.defineProperty(document, 'hidden', { get: () => window.isAway ?? false });")

    box.phone.receive(NUMBER, "before")
    page = open_page(prepare=may_be_away)
    expect(bubble(page, "before")).to_be_visible()
    expect(page).to_have_title("smsmobile sandbox")
    go = "away => { window.isAway = away; document.dispatchEvent(new Event('visibilitychange')); }"
    page.evaluate(go, True)
    box.phone.receive(NUMBER, "meanwhile")
    expect(page).to_have_title("(1) smsmobile sandbox")
    page.evaluate(go, False)
    expect(bubble(page, "meanwhile")).to_be_visible()
    expect(page).to_have_title("smsmobile sandbox")


def test_what_the_phone_gets_from_nobody_has_its_own_conversations(
    page: Page, box: Sandbox, client: SMSMobileClient
) -> None:
    box.phone.switch_off()
    client.notifications.send(box.phone.sid, "Pick it up until nine.", title="Order 1042")
    notice = bubble(page, "Pick it up until nine.")
    expect(page.locator("#thread-title")).to_have_text("Notifications")
    expect(notice).to_contain_text("Order 1042")
    expect(notice).to_contain_text("Queued")
    expect(page.locator("#composer")).to_be_hidden()
    expect(page.get_by_role("button", name="Call…")).to_be_hidden()
    box.phone.switch_on()
    expect(notice).to_contain_text("Sent")
    box.mailbox.receive("somebody@example.com", "Re: Order 1042", "Thank you!", attachments=["photo.jpg"])
    page.locator(".conversation").filter(has_text="E-mail").click()
    mail = bubble(page, "Thank you!")
    for words in ("From somebody@example.com", "Re: Order 1042", "photo.jpg"):
        expect(mail).to_contain_text(words)
    expect(page.locator("#thread-title")).to_be_focused()
    page.reload()
    expect(page.locator("#thread-title")).to_have_text("E-mail")
    expect(mail).to_be_visible()
