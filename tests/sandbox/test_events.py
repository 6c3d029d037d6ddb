"""What the webhooks are told: every documented type, as the library's own receiver reads it."""

import pytest

from smsmobile.webhooks import WebhookReceiver
from smsmobile.webhooks.events import EVENT_TYPES

PHONE = "+33639985678"


@pytest.fixture
def told(box, receiver):
    """Every event so far by its type, verified and parsed."""
    box.add_webhook(receiver.url, secret="a secret")
    reader = WebhookReceiver(secrets=["a secret"])

    def events():
        box.wait_for_deliveries()
        received = [reader.receive(got.body, got.headers) for got in receiver.requests]
        return {event.type: event for event in received}

    return events


@pytest.fixture
def everything(api, box):
    """Let everything happen that is told."""
    api.send(PHONE)
    api.send(PHONE, waonly="yes")
    box.phone.fail("+33639980000")
    api.send("+33639980000")
    api.send("+33639980000", waonly="yes")
    box.phone.receive(PHONE, "by SMS")
    box.phone.receive_whatsapp(PHONE, "spoken", name="Jordan", voice_seconds=6.8)
    box.phone.send_by_hand(PHONE, "by hand")
    for kind in ("missed", "incoming", "outgoing"):
        box.phone.call(PHONE, "Jordan", kind=kind, seconds=3)
    api.post(
        "/sendemail/",
        apikeybox=box.mailbox.key,
        sender_name="Team",
        sender_email="team@example.org",
        recipient_email="somebody@example.com",
        mail_subject="x",
        mail_body="y",
        allow_self_signed="no",
    )
    box.mailbox.receive("somebody@example.com", "x", "y")


def test_every_documented_type_occurs(told, everything):
    assert sorted(told()) == sorted(EVENT_TYPES)


def test_every_event_is_of_its_type_and_has_a_guid(told, everything):
    for kind, event in told().items():
        assert isinstance(event, EVENT_TYPES[kind])
        assert event.signed is True
        assert event.data.guid


def test_a_voice_message_in_real_types(told, everything):
    events = told()
    message = events["whatsapp.received"].data
    assert (message.sender, message.contact_name, message.is_voice_message) == (PHONE, "Jordan", True)
    spoken = events["whatsapp.voice.transcribed"].data
    assert (spoken.guid, spoken.transcript, spoken.duration_seconds) == (message.guid, "spoken", 6.8)


def test_a_missed_call_in_real_types(told, everything, box):
    call = told()["call.missed"].data
    assert (call.number, call.name, call.duration_seconds, call.device) == (PHONE, "Jordan", 3, box.phone.sid)
    assert call.call_at is not None
