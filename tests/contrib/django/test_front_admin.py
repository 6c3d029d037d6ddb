"""The admin as its users see it: over its pages, with the permissions that they have."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timezone
from functools import partial
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.core.management import call_command
from django.db import connection
from django.test import Client

from smsmobile import SMSMobileClient
from smsmobile.contrib._settings import SANDBOX_KEY
from smsmobile.contrib.django import queue_sms, tasks, worker
from smsmobile.contrib.django._resending import resend
from smsmobile.contrib.django.models import IncomingMessage, OutgoingSMS, State, SuppressedNumber
from smsmobile.contrib.django.suppression import DjangoSuppression
from smsmobile.delivery import send_once
from smsmobile.sandbox import Sandbox

pytestmark = pytest.mark.django_db

OUTGOING, INCOMING = "/admin/smsmobile/outgoingsms/", "/admin/smsmobile/incomingmessage/"
SUPPRESSED = "/admin/smsmobile/suppressednumber/"
NUMBER = "+33639981234"


@pytest.fixture
def admin() -> Client:
    return logged_in(get_user_model().objects.create_superuser("admin"))


@pytest.fixture
def box(settings: Any) -> Iterator[Sandbox]:
    with Sandbox(api_key=SANDBOX_KEY) as box:
        settings.SMSMOBILE = {"BACKEND": "sandbox", "BASE_URL": box.url, "WEBHOOK_SECRET": "a-secret-of-the-tests"}
        yield box


def logged_in(user: Any) -> Client:
    browser = Client()
    browser.force_login(user)
    return browser


def member(*permissions: str) -> Client:
    user = get_user_model().objects.create_user("ann", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    return logged_in(user)


def outgoing(state: State = State.FAILED, **values: Any) -> OutgoingSMS:
    return OutgoingSMS.objects.create(**{"to": NUMBER, "message": "Hello", "state": state, **values})


def act(browser: Client, action: str, *rows: OutgoingSMS) -> str:
    """Choose an action for rows. The page that follows."""
    data = {"action": action, "_selected_action": [row.pk for row in rows]}
    page: str = browser.post(OUTGOING, data, follow=True).content.decode()
    return page


def state_of(row: OutgoingSMS) -> tuple[str, str]:
    row.refresh_from_db()
    return row.state, row.reason


def test_the_lists_show_what_was_sent_and_what_came_in(admin: Client) -> None:
    outgoing(State.ACCEPTED)
    IncomingMessage.objects.create(sender="MPESA", message="You have received 20.00")
    page = admin.get(OUTGOING).content.decode()
    assert NUMBER in page
    assert "accepted by the service" in page
    assert "MPESA" in admin.get(INCOMING).content.decode()


def test_messages_are_found(admin: Client) -> None:
    outgoing(message="The first", guid="guid-1", key="order-1")
    outgoing(State.SENT, message="The second", to="+447700900123", key="order-2")
    for query in ("q=order-1", "q=guid-1", "q=The+first", "q=639981234", "state__exact=failed"):
        page = admin.get(f"{OUTGOING}?{query}").content.decode()
        assert ("The first" in page, "The second" in page) == (True, False), query
    IncomingMessage.objects.create(sender="MPESA", message="You have received 20.00")
    assert "MPESA" in admin.get(f"{INCOMING}?q=received&channel__exact=sms").content.decode()


def test_nothing_is_added_or_edited(admin: Client) -> None:
    row = outgoing()
    assert admin.get(f"{OUTGOING}add/").status_code == 403
    page = admin.get(f"{OUTGOING}{row.pk}/change/").content.decode()
    assert NUMBER in page
    assert 'name="_save"' not in page
    assert admin.post(f"{OUTGOING}{row.pk}/change/", {"to": "+447700900123"}).status_code == 403


def test_who_may_only_view_cannot_send_again() -> None:
    browser = member("view_outgoingsms")
    row = outgoing()
    page = browser.get(OUTGOING).content.decode()
    assert NUMBER in page
    assert 'value="resend"' not in page
    act(browser, "resend", row)
    assert state_of(row) == (State.FAILED, "")


def test_who_may_change_can_send_again(box: Sandbox) -> None:
    browser = member("change_outgoingsms")
    assert 'value="resend"' not in browser.get(INCOMING).content.decode()
    row = failed_on_the_phone(box)
    assert "1 message(s) sent again" in act(browser, "resend", row)


def test_who_has_no_permission_sees_nothing() -> None:
    browser = member()
    assert [browser.get(page).status_code for page in (OUTGOING, INCOMING)] == [403, 403]


def failed_on_the_phone(box: Sandbox) -> OutgoingSMS:
    """On the sandbox, this number fails at first; a resend is sent."""
    with SMSMobileClient(api_key=box.api_key, base_url=box.url) as client:
        guid = client.sms.send("+12025550105", "Hello").guid
    return outgoing(to="+12025550105", guid=guid, reason="RESULT_ERROR_GENERIC_FAILURE")


def test_a_message_that_failed_on_the_phone_is_sent_again(admin: Client, box: Sandbox) -> None:
    row = failed_on_the_phone(box)
    assert "1 message(s) sent again" in act(admin, "resend", row)
    assert state_of(row) == (State.ACCEPTED, "")
    assert [sms.guid for sms in box.phone.outbox] == [row.guid]


def test_a_failed_message_is_not_sent_again_to_who_has_opted_out_since(admin: Client, box: Sandbox) -> None:
    row = failed_on_the_phone(box)
    SuppressedNumber.objects.create(number=row.to)
    assert "asked for no more messages" in act(admin, "resend", row)
    assert state_of(row) == (State.FAILED, "RESULT_ERROR_GENERIC_FAILURE")
    assert not box.phone.outbox


def test_the_answer_to_an_opt_out_is_sent_again(admin: Client, box: Sandbox) -> None:
    row = failed_on_the_phone(box)
    OutgoingSMS.objects.update(confirms_opt_out=True)
    SuppressedNumber.objects.create(number=row.to)
    assert "1 message(s) sent again" in act(admin, "resend", row)


def test_a_resend_that_is_refused_leaves_the_message_failed(admin: Client, box: Sandbox) -> None:
    row = failed_on_the_phone(box)
    box.phone.switch_off()
    page = act(admin, "resend", row)
    assert "1 message(s)" not in page
    assert state_of(row) == (State.FAILED, "RESULT_ERROR_GENERIC_FAILURE")


def test_a_resend_in_doubt_makes_the_message_unknown(admin: Client, box: Sandbox) -> None:
    row = failed_on_the_phone(box)
    box.faults.add("reset_after", path="/resend/")
    act(admin, "resend", row)
    state, reason = state_of(row)
    assert state == State.UNKNOWN
    assert "in doubt" in reason


def test_a_resend_in_doubt_is_looked_up_in_the_log(admin: Client, box: Sandbox) -> None:
    row = queue_sms("+12025550105", "Hello", key="order-1")  # of the first send, the journal says that it succeeded
    call_command("sms_worker", once=True)
    OutgoingSMS.objects.update(state=State.FAILED)
    box.faults.add("reset_after", path="/resend/")
    act(admin, "resend", row)
    assert state_of(row)[0] == State.UNKNOWN

    assert "1 message(s) looked up" in act(admin, "look_up", row)
    assert state_of(row) == (State.SENT, "")


def test_a_resend_that_never_left_can_be_made_again(admin: Client, box: Sandbox) -> None:
    row = failed_on_the_phone(box)
    OutgoingSMS.objects.update(state=State.UNKNOWN)  # a process has died before its request left
    act(admin, "look_up", row)
    assert state_of(row)[0] == State.FAILED
    act(admin, "resend", row)
    assert state_of(row)[0] == State.ACCEPTED


def test_of_two_who_send_a_message_again_at_once_one_does(box: Sandbox) -> None:
    row = failed_on_the_phone(box)
    seen_by_two = [OutgoingSMS.objects.get(), OutgoingSMS.objects.get()]
    assert [resend(each) for each in seen_by_two] == ["", "Somebody else has changed it meanwhile."]
    assert [request.path for request in box.requests].count("/resend/") == 1
    assert state_of(row)[0] == State.ACCEPTED


def test_a_failed_message_without_a_guid_cannot_be_sent_again(admin: Client) -> None:
    row = outgoing()
    assert "no GUID" in act(admin, "resend", row)
    assert state_of(row) == (State.FAILED, "")


@pytest.mark.parametrize("atomic_requests", [False, pytest.param(True, marks=pytest.mark.django_db(transaction=True))])
def test_a_refused_message_is_queued_again(
    admin: Client, box: Sandbox, atomic_requests: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", atomic_requests)
    row = queue_sms("+12025550101", "Hello", key="order-1")  # the sandbox refuses this number
    call_command("sms_worker", once=True)
    assert state_of(row)[0] == State.REFUSED

    OutgoingSMS.objects.update(to=NUMBER)  # as if the reason had gone
    assert "1 message(s) sent again" in act(admin, "resend", row)
    assert state_of(row) == (State.QUEUED, "")
    call_command("sms_worker", once=True)
    assert state_of(row)[0] in {State.ACCEPTED, State.SENT}
    assert [sms.recipient for sms in box.phone.outbox] == [NUMBER]


def test_a_suppressed_message_is_sent_again_only_when_its_recipient_is_not_on_the_list_any_more(
    admin: Client, box: Sandbox
) -> None:
    row = queue_sms(NUMBER, "Hello", key="order-1")
    DjangoSuppression().add(NUMBER)
    call_command("sms_worker", once=True)
    assert state_of(row)[0] == State.SUPPRESSED

    assert "1 message(s) sent again, or queued to be" in act(admin, "resend", row)
    assert state_of(row) == (State.QUEUED, "")
    call_command("sms_worker", once=True)
    assert state_of(row)[0] == State.SUPPRESSED
    assert box.phone.outbox == []

    DjangoSuppression().remove(NUMBER)
    act(admin, "resend", row)
    call_command("sms_worker", once=True)
    assert state_of(row)[0] in {State.ACCEPTED, State.SENT}
    assert len(box.phone.outbox) == 1


def test_an_expired_message_that_is_sent_again_does_not_expire_again(admin: Client, box: Sandbox) -> None:
    row = queue_sms(NUMBER, "Hello", key="order-1", expires_at=datetime(2026, 1, 1, tzinfo=timezone.utc))
    call_command("sms_worker", once=True)
    assert state_of(row)[0] == State.EXPIRED
    assert "1 message(s) sent again" in act(admin, "resend", row)
    assert (*state_of(row), row.expires_at, row.finished_at) == (State.QUEUED, "", None, None)
    call_command("sms_worker", once=True)
    assert len(box.phone.outbox) == 1


def test_a_message_that_expired_early_still_has_an_end_when_it_is_sent_again(admin: Client) -> None:
    end = datetime(2099, 1, 1, tzinfo=timezone.utc)
    row = outgoing(State.EXPIRED, expires_at=end)  # since the window was closed
    act(admin, "resend", row)
    assert (*state_of(row), row.expires_at) == (State.QUEUED, "", end)


@pytest.mark.parametrize("state", [State.SUPPRESSED, State.EXPIRED])
def test_of_two_who_queue_a_message_again_at_once_one_does(state: State) -> None:
    outgoing(state)
    seen_by_two = [OutgoingSMS.objects.get(), OutgoingSMS.objects.get()]
    assert [resend(each) for each in seen_by_two] == ["", "Somebody else has changed it meanwhile."]


@pytest.mark.parametrize(
    ("action", "state"),
    [("resend", State.REFUSED), ("resend", State.SUPPRESSED), ("resend", State.EXPIRED), ("look_up", State.UNKNOWN)],
)
def test_what_is_queued_again_is_handed_to_the_task_queue(
    admin: Client,
    action: str,
    state: State,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: Any,
) -> None:
    settings.SMSMOBILE = {"QUEUE": "celery"}
    handed_over: list[int] = []
    monkeypatch.setattr(tasks, "hand_over", handed_over.append)
    row = outgoing(state)
    with django_capture_on_commit_callbacks(execute=True):
        act(admin, action, row)
    assert handed_over == [row.pk]


@pytest.mark.parametrize("state", [State.QUEUED, State.ACCEPTED, State.SENT])
def test_what_did_not_fail_is_not_sent_again(admin: Client, state: State) -> None:
    row = outgoing(state, guid="a-guid")
    assert "Only failed, refused, suppressed and expired messages are sent again." in act(admin, "resend", row)
    assert state_of(row) == (state, "")


def test_an_unknown_message_is_never_sent_again_but_looked_up(
    admin: Client, box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "send_once", partial(send_once, patience=0))  # it would look for half a minute
    row = queue_sms(NUMBER, "Hello", key="order-1")
    box.log_delay = 3600
    box.faults.add("reset_after", path="/sendsms/")
    call_command("sms_worker", once=True)
    assert state_of(row)[0] == State.UNKNOWN
    assert "It may have been sent" in act(admin, "resend", row)
    assert state_of(row)[0] == State.UNKNOWN

    box.log_delay = 0
    box.clock.forward(3600)
    assert "1 message(s) looked up, or queued to be" in act(admin, "look_up", row)
    call_command("sms_worker", once=True)
    assert state_of(row)[0] in {State.ACCEPTED, State.SENT}
    assert row.guid
    assert len(box.phone.outbox) == 1


def test_what_is_not_unknown_is_not_looked_up(admin: Client) -> None:
    row = outgoing(State.SENT)
    assert "Only unknown messages are looked up." in act(admin, "look_up", row)
    assert state_of(row)[0] == State.SENT


# --- the list of opt-outs -------------------------------------------------------------------------------------------


def add_by_hand(browser: Client, number: str) -> str:
    page: str = browser.post(f"{SUPPRESSED}add/", {"number": number, "source": "a call"}, follow=True).content.decode()
    return page


def test_opt_outs_are_shown_and_found(admin: Client) -> None:
    for number, source in ((NUMBER, "guid-1"), ("+447700900123", "guid-2")):
        DjangoSuppression().add(number, source=source)
    for query in ("q=%2B33639981234", "q=639981234", "q=guid-1"):
        page = admin.get(f"{SUPPRESSED}?{query}").content.decode()
        assert (NUMBER in page, "+447700900123" in page) == (True, False), query


def test_a_number_is_added_by_hand_however_it_is_written(admin: Client) -> None:
    add_by_hand(admin, "0033 6 39 98 12 34")
    assert NUMBER in DjangoSuppression()
    assert SuppressedNumber.objects.get().source == "a call"
    assert "already exists" in add_by_hand(admin, "+33 6.39.98.12.34")
    assert SuppressedNumber.objects.count() == 1


def test_a_number_that_may_be_another_one_is_not_added(admin: Client) -> None:
    assert "national number" in add_by_hand(admin, "06 39 98 12 34")
    assert not SuppressedNumber.objects.exists()


def test_a_number_is_removed_by_hand_and_never_changed(admin: Client) -> None:
    DjangoSuppression().add(NUMBER)
    row = SuppressedNumber.objects.get()
    assert admin.post(f"{SUPPRESSED}{row.pk}/change/", {"number": "+447700900123"}).status_code == 403
    admin.post(f"{SUPPRESSED}{row.pk}/delete/", {"post": "yes"})
    assert NUMBER not in DjangoSuppression()


def test_who_may_only_view_opt_outs_adds_and_removes_none() -> None:
    DjangoSuppression().add(NUMBER)
    browser = member("view_suppressednumber")
    assert NUMBER in browser.get(SUPPRESSED).content.decode()
    assert browser.get(f"{SUPPRESSED}add/").status_code == 403
    assert browser.post(f"{SUPPRESSED}{SuppressedNumber.objects.get().pk}/delete/", {"post": "yes"}).status_code == 403


def test_the_log_of_the_admin_shows_no_whole_number(admin: Client) -> None:
    add_by_hand(admin, NUMBER)
    assert [NUMBER in entry.object_repr for entry in LogEntry.objects.all()] == [False]
