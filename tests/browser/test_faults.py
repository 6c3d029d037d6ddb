"""Faults on the page: their switches, their options, and that it shows what the sandbox has."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from smsmobile import RateLimited, SendOutcomeUnknown, ServerError, SMSMobileClient
from smsmobile.sandbox import Fault, Sandbox

pytest.importorskip("playwright", reason="playwright is not installed")
from playwright.sync_api import APIResponse, Page, Request, Route, expect

pytestmark = pytest.mark.long

NUMBER = "+33639985678"


class Row:
    """A fault on the page."""

    def __init__(self, page: Page, kind: str) -> None:
        self.item = page.locator(".fault-row").filter(has=page.locator(f"#fault-{kind}"))
        self.switch = self.item.get_by_role("switch")
        self.title = self.item.locator(".fault-title")
        self.alert = self.item.locator(".problem[role=alert]")
        self.times = self.item.get_by_label("First n")
        self.probability = self.item.get_by_label("Probability")
        self.seconds = self.item.get_by_label("Seconds")
        self.status = self.item.get_by_label("Status")
        self.path = self.item.get_by_label("Path")

    def expand(self) -> None:
        self.item.get_by_title("How often").click()


def row(page: Page, kind: str, *, expand: bool = True) -> Row:
    page.get_by_role("tab", name="Faults").click()
    found = Row(page, kind)
    expect(found.switch).to_be_visible()
    if expand:
        found.expand()
    return found


def the(box: Sandbox) -> Fault:
    (fault,) = box.faults
    return fault


def test_a_fault_that_is_switched_on_with_one_click_is_injected(page: Page, client: SMSMobileClient) -> None:
    reset = row(page, "reset_after", expand=False)
    expect(page.get_by_role("switch", name="Reset after processing", exact=True)).not_to_be_checked()
    reset.switch.click()
    expect(reset.switch).to_be_checked()
    with pytest.raises(SendOutcomeUnknown):
        client.sms.send(NUMBER, "did it arrive?")
    expect(reset.item).to_contain_text("Injected into 1 of 1 request")
    reset.switch.click()
    expect(reset.switch).not_to_be_checked()
    assert client.sms.send(NUMBER, "this one did").accepted


def test_a_fault_may_be_for_the_next_request_only_and_leaves_its_options(page: Page, client: SMSMobileClient) -> None:
    fast = row(page, "rate_limited")
    fast.times.fill("1")
    fast.seconds.fill("90")
    fast.switch.click()
    expect(fast.switch).to_be_checked()
    with pytest.raises(RateLimited) as caught:
        client.sms.send(NUMBER, "too fast")
    assert caught.value.retry_after == 90
    expect(fast.switch).not_to_be_checked()
    assert client.sms.send(NUMBER, "slower").accepted
    expect(fast.times).to_have_value("1")
    expect(fast.seconds).to_have_value("90")


def test_a_fault_is_told_beside_the_request_that_met_it(page: Page, box: Sandbox, client: SMSMobileClient) -> None:
    box.faults.add("php_warning")
    client.sms.send(NUMBER, "warned")
    expect(page.locator("#requests-list summary").first).to_contain_text("php_warning")


def test_options_that_are_typed_one_after_the_other_all_count(page: Page, box: Sandbox) -> None:
    error = row(page, "error_before")
    error.switch.click()
    expect(error.switch).to_be_checked()
    number = the(box).id
    error.times.focus()
    page.keyboard.type("3")
    page.keyboard.press("Tab")
    page.keyboard.type("11")
    page.keyboard.press("Tab")
    page.keyboard.type("503")
    page.keyboard.press("Tab")
    error.path.select_option("/sendsms/")
    expect(error.item.get_by_role("button")).to_contain_text("first 3, 11 %, /sendsms/")
    expect(error.title).to_have_text("503 before processing")
    assert the(box) == Fault(number, "error_before", 3, 0.11, None, "/sendsms/", 0.0, 503)
    expect(error.alert).to_be_empty()


def test_a_fault_keeps_its_counts_and_its_seed_when_an_option_is_changed(
    page: Page, box: Sandbox, client: SMSMobileClient
) -> None:
    before = box.faults.add("error_before", times=5, seed=7)
    for _ in range(2):
        with pytest.raises(ServerError):
            client.sms.log()
    error = row(page, "error_before")
    expect(error.times).to_have_value("5")
    error.times.fill("3")
    error.times.press("Enter")
    expect(error.item.get_by_role("button")).to_contain_text("first 3")
    expect(error.item).to_contain_text("Injected into 2 of 2 requests")
    assert the(box) == Fault(before.id, "error_before", 1, 1.0, 7, None, 0.0, 500, matched=2, injected=2)
    error.times.fill("2")
    error.times.press("Tab")
    expect(error.alert).to_have_text("First n requests: expected a whole number of 3 or more.")
    assert the(box).times == 1


def test_what_is_being_typed_survives_an_answer_that_comes_in_between(
    page: Page, box: Sandbox, client: SMSMobileClient
) -> None:
    late = row(page, "latency")
    fault = box.faults.add("latency", seconds=0)
    expect(late.seconds).to_have_value("0")
    late.probability.fill("4")
    client.sms.log()
    expect(late.item).to_contain_text("Injected into 1 of 1 request")
    box.faults.change(fault, path="/getsms/")
    expect(late.path).to_have_value("/getsms/")
    expect(late.probability).to_be_focused()
    page.keyboard.type("2")
    page.keyboard.press("Tab")
    expect(late.item.get_by_role("button")).to_contain_text("42 %, /getsms/")
    assert (the(box).id, the(box).probability) == (fault.id, 0.42)


@pytest.mark.parametrize("is_on", [True, False])
def test_an_invalid_value_is_said_at_its_field_and_changes_nothing(page: Page, box: Sandbox, is_on: bool) -> None:
    error = row(page, "error_before")
    if is_on:
        box.faults.add("error_before", status=503)
        expect(error.switch).to_be_checked()
    before = list(box.faults)
    error.status.fill("200")
    error.status.press("Tab")
    expect(error.alert).to_have_text("Status: expected a whole number from 500 to 599.")
    expect(error.status).to_have_attribute("aria-invalid", "true")
    expect(error.status).to_have_accessible_description("Status: expected a whole number from 500 to 599.")
    expect(error.status).to_be_focused()
    page.keyboard.press("Tab")
    expect(error.path).to_be_focused()  # nobody is trapped
    if not is_on:
        error.expand()
        error.switch.click()
        expect(error.status).to_be_focused()
        expect(error.switch).not_to_be_checked()
    error.probability.fill("50")
    error.probability.press("Enter")
    expect(error.item.get_by_role("button")).to_contain_text("50 %")
    expect(error.alert).to_contain_text("Status")
    assert [fault.status for fault in box.faults] == [fault.status for fault in before]
    error.status.fill("504")
    expect(error.status).to_have_attribute("aria-invalid", "false")
    expect(error.alert).to_be_empty()
    error.status.press("Enter")
    expect(error.title).to_have_text("504 before processing")


def test_a_double_click_makes_one_fault_however_slow_it_is(page: Page, box: Sandbox) -> None:
    late = row(page, "webhook_late", expand=False)
    late.switch.click()
    expect(late.switch).to_be_checked()
    page.mouse.down(click_count=2)
    page.mouse.up(click_count=2)
    row(page, "webhook_forged", expand=False).switch.dblclick()
    expect(page.get_by_role("tab", name="Faults")).to_have_text("Faults2, 2 switched on")
    expect(late.switch).to_be_checked()
    assert [fault.kind for fault in box.faults] == ["webhook_late", "webhook_forged"]


def test_an_answer_that_was_overtaken_by_a_newer_one_is_not_shown(page: Page, box: Sandbox) -> None:
    overtaken: list[tuple[Route, APIResponse]] = []

    def hold(route: Route) -> None:
        overtaken.append((route, route.fetch()))

    late = row(page, "webhook_late", expand=False)
    page.route("**/_sandbox/faults", hold, times=1)
    with page.expect_request("**/_sandbox/faults"):
        box.faults.remove(box.faults.add("latency"))
    late.switch.click()
    expect(late.switch).to_be_checked()
    late.switch.evaluate(
        """(element) => {
          window.shown = new Set();
          const note = () => window.shown.add(element.getAttribute("aria-checked"));
          new MutationObserver(note).observe(element, { attributes: true });
        }"""
    )
    route, answer = overtaken[0]
    with page.expect_response("**/_sandbox/faults"), page.expect_response("**/_sandbox/faults"):
        route.fulfill(response=answer)
        box.faults.add("latency")
    expect(page.get_by_role("tab", name="Faults")).to_have_text("Faults2, 2 switched on")
    assert page.evaluate("[...window.shown]") == ["true"]


def test_clicks_that_come_before_the_answer_make_one_fault(page: Page, box: Sandbox) -> None:
    put: list[Route] = []
    page.route("**/_sandbox/faults", lambda route: put.append(route) if is_put(route.request) else route.continue_())
    late = row(page, "webhook_late", expand=False)
    with page.expect_request(is_put):
        late.switch.click()
    late.switch.click()
    put[0].continue_()
    expect(late.switch).to_be_checked()
    expect(page.get_by_role("tab", name="Faults")).to_have_text("Faults1, 1 switched on")
    assert len(put) == len(box.faults) == 1


def is_put(request: Request) -> bool:
    return request.method == "PUT"


def test_two_tabs_that_switch_a_fault_on_at_once_make_one(open_page: Callable[..., Page], box: Sandbox) -> None:
    late = row(open_page(), "webhook_late", expand=False)

    def switch_on_first(route: Route) -> None:
        if route.request.method != "GET":
            box.faults.add("webhook_late")  # by the other tab, after this one has looked
        route.continue_()

    late.switch.page.route("**/_sandbox/faults", switch_on_first)
    late.switch.click()
    expect(late.switch).to_be_checked()
    expect(late.switch.page.get_by_role("tab", name="Faults")).to_have_text("Faults1, 1 switched on")
    assert len(box.faults) == 1


def test_two_tabs_agree(open_page: Callable[..., Page], box: Sandbox) -> None:
    one, other = (row(open_page(), "error_after") for _ in range(2))
    one.times.fill("4")
    one.switch.click()
    expect(other.switch).to_be_checked()
    expect(other.times).to_have_value("4")
    other.status.fill("502")
    other.status.press("Enter")
    expect(one.title).to_have_text("502 after processing")
    expect(one.status).to_have_value("502")
    other.switch.click()
    expect(one.switch).not_to_be_checked()
    assert len(box.faults) == 0


def test_all_faults_are_switched_off_at_once(page: Page, box: Sandbox) -> None:
    box.faults.add("latency", seconds=0.1)
    box.faults.add("webhook_late")
    tab = page.get_by_role("tab", name="Faults")
    expect(tab).to_have_text("Faults2, 2 switched on")
    tab.click()
    page.get_by_role("button", name="All off").click()
    expect(page.get_by_role("switch", checked=True)).to_have_count(1)  # the phone's
    assert len(box.faults) == 0
