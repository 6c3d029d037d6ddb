"""Every channel but the SMS against the sandbox, with a key and with OAuth2: what a user does in a day."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from smsmobile import (
    APIError,
    AuthenticationError,
    ConfigurationError,
    DeviceOffline,
    InvalidRequestError,
    NotFound,
    SendOutcomeUnknown,
    SMSMobileClient,
    SubscriptionExpired,
)
from smsmobile.sandbox import Sandbox

TO = "+33639985678"
NOT_ON_WHATSAPP = "+12025550106"
NOW = datetime(2026, 3, 20, 21, 7, 44, tzinfo=timezone.utc)
SENDER = {"sender_email": "team@example.org", "sender_name": "The Team"}


@pytest.fixture
def box() -> Iterator[Sandbox]:
    box = Sandbox()
    box.clock.move_to(NOW)
    yield box
    box.close()


@pytest.fixture
def client(box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[SMSMobileClient]:
    monkeypatch.setattr("urllib3.util.retry.time.sleep", lambda seconds: None)
    with SMSMobileClient(api_key=box.api_key, mailbox_key=box.mailbox.key, session=box.session()) as client:
        yield client


# --- WhatsApp ---------------------------------------------------------------------------------------------


def test_a_whatsapp_message_goes_out_by_whatsapp_and_not_as_an_sms(client: SMSMobileClient, box: Sandbox) -> None:
    sent = client.whatsapp.send("00 33 6 39 98 56 78", "Bonjour *toi* 😀", media_url="https://files.example/a.PDF?x=1")

    (message,) = box.phone.outbox
    assert (message.guid, message.channel, message.message) == (sent.guid, "whatsapp", "Bonjour *toi* 😀")
    assert message.recipient == "33639985678"
    assert client.sms.log() == []


def test_every_option_of_a_whatsapp_message_is_understood(client: SMSMobileClient, box: Sandbox) -> None:
    second = box.add_phone("Shop")
    client.whatsapp.send(
        TO,
        "later",
        media_url="https://files.example/a.pdf",
        pdf_preview=True,
        short_media_url=True,
        device=second.sid,
        schedule_at=NOW + timedelta(hours=1),
        shorten_urls=True,
        encrypt=True,
    )
    assert second.outbox == []
    box.clock.forward(3601)
    assert [message.message for message in second.outbox] == ["later"]


def test_a_failed_whatsapp_message_is_sent_again_once(client: SMSMobileClient, box: Sandbox) -> None:
    box.phone.fail(TO)
    sent = client.whatsapp.send(TO, "hi")
    assert sent.guid is not None
    box.phone.recover(TO)

    resent = client.whatsapp.resend(sent.guid)

    assert resent.guid == sent.guid
    assert [message.guid for message in box.phone.outbox] == [sent.guid]
    with pytest.raises(APIError):
        client.whatsapp.resend(sent.guid)
    with pytest.raises(NotFound):
        client.sms.resend(sent.guid)


def test_a_number_can_be_checked(client: SMSMobileClient) -> None:
    assert client.whatsapp.check_number(TO).on_whatsapp is True
    check = client.whatsapp.check_number(NOT_ON_WHATSAPP)
    assert (check.number, check.on_whatsapp) == (NOT_ON_WHATSAPP[1:], False)


def test_receiving_takes_three_steps_and_each_error_says_the_next(client: SMSMobileClient, box: Sandbox) -> None:
    box.phone.receive_whatsapp(TO, "Are you there?", name="Jordan", at=NOW)

    with pytest.raises(APIError, match=r"enable_retrieval\(\) once") as off:
        client.whatsapp.received()
    assert off.value.code == "retrieval_inactive"
    with pytest.raises(APIError, match=r"enable_retrieval\(\) once"):
        client.whatsapp.synchronise()

    assert client.whatsapp.enable_retrieval().active is True
    with pytest.raises(APIError, match=r"synchronise\(\), which opens a window") as closed:
        client.whatsapp.received()
    assert closed.value.code == "synchronisation_required"

    window = client.whatsapp.synchronise()
    assert window.ends_at is not None
    assert NOW < window.ends_at <= NOW + timedelta(minutes=11)
    (message,) = client.whatsapp.received()
    assert (message.sender, message.contact_name, message.message) == ("33639985678", "Jordan", "Are you there?")
    assert (message.kind, message.received_at, message.device) == ("text", NOW, box.phone.sid)

    box.clock.move_to(window.ends_at + timedelta(seconds=1))
    with pytest.raises(APIError, match="Newer messages need a new window"):
        client.whatsapp.received()
    assert client.whatsapp.disable_retrieval().active is False


def test_received_whatsapp_messages_are_filtered_and_paged(client: SMSMobileClient, box: Sandbox) -> None:
    for number in range(3):
        box.phone.receive_whatsapp(TO, f"text {number}")
    box.phone.receive_whatsapp(TO, "yesterday", at=NOW - timedelta(days=1))
    box.phone.receive_whatsapp(TO, "spoken", voice_seconds=2)
    client.whatsapp.enable_retrieval()
    client.whatsapp.synchronise()
    box.page_size = 2

    first = client.whatsapp.received(kind="text", day=NOW.date())
    second = client.whatsapp.received(kind="text", day="2026-03-20", before=first[-1].id)

    assert [message.message for message in first + second] == ["text 2", "text 1", "text 0"]
    assert [message.message for message in client.whatsapp.received(kind="audio")] == ["spoken"]


def test_a_phone_that_is_off_is_said_to_be(client: SMSMobileClient, box: Sandbox) -> None:
    box.phone.switch_off()
    for run in (lambda: client.whatsapp.send(TO, "hi"), lambda: client.whatsapp.check_number(TO)):
        with pytest.raises(DeviceOffline, match="battery"):
            run()
    assert box.phone.outbox == []


# --- never twice ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["error_after", "reset_after", "half_answer", "html_page"])
def test_what_may_have_been_accepted_is_sent_once_and_left_in_doubt(
    client: SMSMobileClient, box: Sandbox, fault: str
) -> None:
    client.devices.list()  # the token is there before the fault
    box.faults.add(fault)
    for run in (
        lambda: client.whatsapp.send(TO, "hi"),
        lambda: client.notifications.send(box.phone.sid, "hi"),
        lambda: client.email.send("ann@example.com", "Order 7", "hi", **SENDER),
    ):
        with pytest.raises(SendOutcomeUnknown) as unknown:
            run()
        assert unknown.value.message == "hi"
        with pytest.raises(ConfigurationError, match="no log"):
            unknown.value.reconcile()
    box.faults.clear()
    assert len(box.phone.outbox) == len(box.phone.notifications) == len(box.mailbox.sent) == 1


def test_what_provably_did_not_arrive_is_sent_again(client: SMSMobileClient, box: Sandbox) -> None:
    for path in ("/sendsms/", "/notification/send", "/sendemail/"):
        box.faults.add("rate_limited", times=2, path=path)
    client.whatsapp.send(TO, "hi")
    client.notifications.send(box.phone.sid, "hi")
    client.email.send("ann@example.com", "Order 7", "hi", **SENDER)
    assert len(box.phone.outbox) == len(box.phone.notifications) == len(box.mailbox.sent) == 1


def test_a_read_gets_over_a_passing_failure(client: SMSMobileClient, box: Sandbox) -> None:
    client.devices.list()
    box.faults.add("error_before", times=2, status=503)
    assert [device.sid for device in client.devices.list()] == [box.phone.sid]


# --- devices ----------------------------------------------------------------------------------------------


def test_the_phones_are_listed_found_and_counted(client: SMSMobileClient, box: Sandbox) -> None:
    shop = box.add_phone("Shop")
    shop.battery = 42
    shop.switch_off()

    assert [(device.sid, device.online) for device in client.devices.list()] == [
        (box.phone.sid, True),
        (shop.sid, False),
    ]
    device = client.devices.get(shop.sid)
    assert (device.label, device.battery, device.online, device.last_seen_at) == ("Shop", 42, False, NOW)
    assert [device.label for device in client.devices.list(search="shop")] == ["Shop"]
    capacity = client.devices.capacity()
    assert (capacity.connected, capacity.limit, capacity.available) == (1, 2, 1)
    with pytest.raises(NotFound):
        client.devices.get("no such SID")


# --- calls ------------------------------------------------------------------------------------------------


def test_calls_of_each_kind_are_listed_in_real_types(client: SMSMobileClient, box: Sandbox) -> None:
    for kind in ("missed", "incoming", "outgoing"):
        box.phone.call(TO, "Ann", kind=kind, seconds=7, at=NOW)

    for calls in (client.calls.missed(), client.calls.incoming(), client.calls.outgoing()):
        (call,) = calls
        assert (call.number, call.name, call.duration_seconds, call.call_at) == (TO, "Ann", 7, NOW)
        assert call.device == box.phone.sid


def test_every_filter_of_calls_is_understood(client: SMSMobileClient, box: Sandbox) -> None:
    for hour in range(4):
        for kind in ("missed", "incoming"):
            box.phone.call(TO, f"Ann {hour}", kind=kind, seconds=9 - hour, at=NOW - timedelta(days=1, hours=hour))

    found = client.calls.missed(search="ann 2", first_day="2026-03-19", last_day=NOW.date(), limit=500)
    assert [call.name for call in found] == ["Ann 2"]
    assert client.calls.missed(first_day="2026-03-20") == []
    assert [call.name for call in client.calls.missed(offset=1, limit=2)] == ["Ann 1", "Ann 2"]

    since, until = NOW - timedelta(days=1, hours=2), NOW - timedelta(days=1, hours=1)
    assert [call.name for call in client.calls.incoming(since=since, until=until)] == ["Ann 1", "Ann 2"]
    shortest = client.calls.incoming(sort_by="duration_sec", ascending=True, offset=1, limit=1)
    assert [call.name for call in shortest] == ["Ann 2"]
    assert [call.name for call in client.calls.incoming(search="ann 3")] == ["Ann 3"]
    assert client.calls.outgoing() == []


def test_all_calls_are_walked_through(client: SMSMobileClient, box: Sandbox) -> None:
    for number in range(450):
        box.phone.call(TO, f"Ann {number}", kind="outgoing", at=NOW - timedelta(minutes=number))
        box.phone.call(TO, f"Ann {number}", at=NOW - timedelta(minutes=number))
    names = [f"Ann {number}" for number in range(450)]

    assert [call.name for call in client.calls.iter_outgoing()] == names
    assert [call.name for call in client.calls.iter_outgoing(ascending=True)] == names[::-1]
    assert [call.name for call in client.calls.iter_missed()] == names
    assert list(client.calls.iter_incoming()) == []


# --- notifications ----------------------------------------------------------------------------------------


def test_a_notification_reaches_the_phone_and_is_listed(client: SMSMobileClient, box: Sandbox) -> None:
    sent = client.notifications.send(box.phone.sid, "It is\nready & waiting", title="Order 7", kind="order")

    (shown,) = box.phone.notifications
    assert (shown.title, shown.message, shown.type) == ("Order 7", "It is\nready & waiting", "order")
    assert (sent.device, sent.id) == (box.phone.sid, str(shown.id))
    (listed,) = client.notifications.list()
    assert (listed.id, listed.device, listed.kind) == (sent.id, box.phone.sid, "order")
    assert (listed.title, listed.message, listed.distributed) == ("Order 7", "It is\nready & waiting", True)
    assert listed.sent_at == listed.distributed_at == NOW


def test_the_key_that_a_notification_echoes_is_nowhere(client: SMSMobileClient, box: Sandbox) -> None:
    sent = client.notifications.send(box.phone.sid, "hi")
    assert box.api_key not in f"{sent!r} {sent.model_dump_json()} {client!r}"
    assert "apikey" not in (sent.model_extra or {})


def test_notifications_are_filtered(client: SMSMobileClient, box: Sandbox) -> None:
    off = box.add_phone("Shop")
    off.switch_off()
    client.notifications.send(box.phone.sid, "shown")
    client.notifications.send(off.sid, "waiting")

    assert [row.message for row in client.notifications.list(distributed=False)] == ["waiting"]
    assert [row.message for row in client.notifications.list(device=box.phone.sid)] == ["shown"]
    assert client.notifications.list(last_day="2026-03-19") == []
    assert len(client.notifications.list(first_day=NOW.date(), last_day=NOW.date())) == 2
    (waiting,) = client.notifications.list(distributed=False)
    assert (waiting.distributed, waiting.distributed_at) == (False, None)


def test_a_notification_to_no_phone_is_refused(client: SMSMobileClient) -> None:
    with pytest.raises(APIError) as refused:
        client.notifications.send("no such SID", "hi")
    assert refused.value.note == "Invalid param: sid."


# --- e-mail -----------------------------------------------------------------------------------------------


def test_an_email_with_a_file_is_sent(client: SMSMobileClient, box: Sandbox, tmp_path: Path) -> None:
    file = tmp_path / "invoice 7.pdf"
    file.write_bytes(bytes(range(256)))

    sent = client.email.send("ann@example.com", "Order 7", "It is ready.", attachment=file, unsubscribe=True, **SENDER)

    (mail,) = box.mailbox.sent
    assert (mail.guid, mail.sender, mail.sender_name) == (sent.guid, "team@example.org", "The Team")
    assert (mail.recipient, mail.subject, mail.body) == ("ann@example.com", "Order 7", "It is ready.")
    assert mail.attachments == ("invoice 7.pdf",)


def test_the_inbox_is_read_page_after_page(client: SMSMobileClient, box: Sandbox) -> None:
    for number in range(60):
        box.mailbox.receive("ann@example.com", f"Mail {number}", "Hi", sender_name="Ann", at=NOW)

    mails = client.email.inbox()
    mails += client.email.inbox(start=len(mails))

    assert [mail.subject for mail in mails] == [f"Mail {number}" for number in range(59, -1, -1)]
    assert {(mail.sender, mail.sender_name, mail.body, mail.received_at) for mail in mails} == {
        ("ann@example.com", "Ann", "Hi", NOW)
    }
    assert client.email.inbox(folder="Sent") == []


def test_a_wrong_mailbox_key_is_an_authentication_error_that_does_not_show_it(client: SMSMobileClient) -> None:
    wrong = "not-the-key-of-the-mailbox"
    with pytest.raises(AuthenticationError, match="invalid_apikeybox") as refused:
        client.email.inbox(mailbox_key=wrong)
    assert wrong not in f"{refused.value} {refused.value!r} {vars(refused.value)}"


# --- conversations and SMS by hand ------------------------------------------------------------------------


def test_conversations_hold_their_messages(client: SMSMobileClient, box: Sandbox) -> None:
    client.sms.send(TO, "Are you there?")
    box.clock.forward(60)
    box.phone.receive(TO, "yes", at=NOW + timedelta(minutes=1))
    box.phone.receive("MPESA", "20.00 received", at=NOW - timedelta(days=1))

    with_ann, with_bank = client.conversations.list("received")

    assert (with_ann.number, with_ann.message_count, with_ann.last_message) == (TO, 2, "yes")
    assert with_ann.last_at == NOW + timedelta(minutes=1)
    assert [(sms.direction, sms.message) for sms in with_ann.messages] == [
        ("sent", "Are you there?"),
        ("received", "yes"),
    ]
    assert with_ann.messages[0].at == NOW
    assert with_bank.number == "MPESA"
    assert [row.number for row in client.conversations.list("sent")] == [TO]
    assert [row.number for row in client.conversations.list("received", oldest_first=True, limit=1)] == ["MPESA"]
    assert [row.number for row in client.conversations.list("received", number="MPESA")] == ["MPESA"]
    assert [row.number for row in client.conversations.list("received", last_day="2026-03-19")] == ["MPESA"]


def test_what_was_written_on_the_phone_is_listed(client: SMSMobileClient, box: Sandbox) -> None:
    box.phone.send_by_hand(TO, "old")
    box.clock.forward(8 * 86400)
    guid = box.phone.send_by_hand(TO, "new")

    (sms,) = client.sms.sent_by_hand(period="last_7days")

    assert (sms.guid, sms.recipient, sms.message, sms.device) == (guid, TO, "new", box.phone.sid)
    assert sms.sent_at == NOW + timedelta(days=8)
    assert [sms.message for sms in client.sms.sent_by_hand(limit=1)] == ["new"]
    assert len(client.sms.sent_by_hand()) == 2


# --- for all of them --------------------------------------------------------------------------------------


def test_an_expired_subscription_is_said_to_be_everywhere(client: SMSMobileClient, box: Sandbox) -> None:
    box.subscription_active = False
    for run in (
        lambda: client.whatsapp.send(TO, "hi"),
        client.whatsapp.received,
        client.devices.list,
        client.calls.missed,
        client.notifications.list,
        client.email.inbox,
        lambda: client.conversations.list("sent"),
        client.sms.sent_by_hand,
    ):
        with pytest.raises(SubscriptionExpired):
            run()


def test_a_bad_argument_reaches_nobody(client: SMSMobileClient, box: Sandbox) -> None:
    for run in (
        lambda: client.whatsapp.send(TO, "hi", media_url="http://files.example/a.pdf"),
        lambda: client.whatsapp.received(day=NOW),
        lambda: client.devices.get(""),
        lambda: client.calls.missed(limit=501),
        lambda: client.notifications.send(box.phone.sid, ""),
        lambda: client.email.send("nobody", "Order 7", "hi", **SENDER),
        lambda: client.conversations.list("both"),  # type: ignore[arg-type]
        lambda: client.sms.sent_by_hand(limit=0),
    ):
        with pytest.raises(InvalidRequestError):
            run()
    assert box.requests == []
