"""`client.sms` over HTTP against the sandbox, with an API key and with OAuth2."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone

import pytest

from smsmobile import (
    APIError,
    AuthenticationError,
    DeviceOffline,
    NotFound,
    OAuth2ClientCredentials,
    SMSMobileClient,
    SMSStatus,
    SubscriptionExpired,
)
from smsmobile.sandbox import Sandbox
from smsmobile.webhooks import SMSReceived, parse_v1

TO = "+33639985678"


@pytest.fixture(params=["api key", "oauth2"])
def client(request: pytest.FixtureRequest, box: Sandbox) -> Iterator[SMSMobileClient]:
    credentials = {
        "api key": {"api_key": box.api_key},
        "oauth2": {"client_id": box.client_id, "client_secret": box.client_secret},
    }
    with SMSMobileClient(**credentials[request.param], base_url=box.url) as client:
        yield client


@pytest.mark.parametrize(
    "text", ["hi", "é à ü ß 中文 😀👨‍👩‍👧", "a&b=c+d%20e?f#g", "two\nlines\r\nand\ttabs", "  kept  ", "x" * 10_000]
)
def test_a_text_arrives_on_the_phone_unchanged(client: SMSMobileClient, box: Sandbox, text: str) -> None:
    sent = client.sms.send(TO, text)

    assert [(sms.guid, sms.recipient, sms.message) for sms in box.phone.outbox] == [(sent.guid, TO, text)]


def test_a_send_is_described_in_real_types(client: SMSMobileClient) -> None:
    before = datetime.now(timezone.utc) - timedelta(seconds=1)

    sent = client.sms.send(TO, "hi", sim=2, encrypt=True, whatsapp=True)

    assert sent.accepted is True
    assert sent.sim == 2
    assert sent.encrypted is True
    assert sent.whatsapp is True
    assert sent.created_at is not None
    assert before <= sent.created_at <= datetime.now(timezone.utc)


def test_the_log_follows_a_message_from_queued_to_sent(client: SMSMobileClient, box: Sandbox) -> None:
    box.phone.delay = 3600
    sent = client.sms.send(TO, "hi")
    queued = client.sms.log(guid=sent.guid)

    box.phone.delay = 0
    (logged,) = client.sms.log(guid=sent.guid)

    assert [row.status for row in queued] == [SMSStatus.QUEUED]
    assert (logged.status, logged.recipient, logged.message, logged.error) == (SMSStatus.SENT, TO, "hi", None)
    assert logged.sent_at is not None
    assert logged.created_at == sent.created_at
    assert logged.device == box.phone.sid


def test_a_failed_message_says_why_and_can_be_sent_again(client: SMSMobileClient, box: Sandbox) -> None:
    box.phone.fail(TO, "RESULT_ERROR_NO_SERVICE")
    sent = client.sms.send(TO, "hi")
    assert sent.guid is not None
    (failed,) = client.sms.log(phone_errors=True)
    box.phone.recover(TO)

    resent = client.sms.resend(sent.guid)

    assert (failed.status, failed.error) == (SMSStatus.FAILED, "RESULT_ERROR_NO_SERVICE")
    assert "had no network" in (failed.advice or "")
    assert resent.guid == sent.guid
    assert [row.status for row in client.sms.log(guid=sent.guid)] == [SMSStatus.SENT]


def test_a_message_that_did_not_fail_is_not_sent_again(client: SMSMobileClient, box: Sandbox) -> None:
    sent = client.sms.send(TO, "hi")
    assert sent.guid is not None

    with pytest.raises(APIError):
        client.sms.resend(sent.guid)

    assert len(box.phone.outbox) == 1


def test_a_deleted_message_is_no_longer_in_the_log(client: SMSMobileClient) -> None:
    sent = client.sms.send(TO, "hi")
    assert sent.guid is not None

    deleted = client.sms.delete(sent.guid)

    assert deleted.guid == sent.guid
    assert client.sms.log(guid=sent.guid) == []
    with pytest.raises(NotFound):
        client.sms.delete(sent.guid)


def test_the_whole_log_is_walked_through_newest_first(client: SMSMobileClient, box: Sandbox) -> None:
    box.page_size = 4
    guids = [client.sms.send(TO, f"message {number}").guid for number in range(10)]

    assert [row.guid for row in client.sms.iter_log()] == guids[::-1]
    assert [row.message for row in client.sms.iter_log(keyword="message 7")] == ["message 7"]


def test_received_messages_can_be_asked_for_since_a_moment(client: SMSMobileClient, box: Sandbox) -> None:
    noon = datetime(2026, 3, 20, 12, 0, tzinfo=timezone.utc)
    box.phone.receive("+33639985432", "early", at=noon)
    box.phone.receive("MPESA", "late", at=noon + timedelta(hours=1))

    (received,) = client.sms.received(after=noon + timedelta(minutes=30))

    assert (received.sender, received.message, received.device) == ("MPESA", "late", box.phone.sid)
    assert received.received_at == noon + timedelta(hours=1)
    assert received.alias is None


def test_an_unread_message_is_unread_once(client: SMSMobileClient, box: Sandbox) -> None:
    box.phone.receive("+33639985432", "hello")

    assert len(client.sms.received(unread_only=True)) == 1
    assert client.sms.received(unread_only=True) == []


def test_a_phone_that_is_off_is_said_to_be_and_nothing_is_queued(client: SMSMobileClient, box: Sandbox) -> None:
    box.phone.switch_off()

    with pytest.raises(DeviceOffline, match="battery"):
        client.sms.send(TO, "hi")

    box.phone.switch_on()
    assert box.phone.outbox == []


def test_an_expired_subscription_is_said_to_be(client: SMSMobileClient, box: Sandbox) -> None:
    box.subscription_active = False

    with pytest.raises(SubscriptionExpired):
        client.sms.send(TO, "hi")
    with pytest.raises(SubscriptionExpired):
        client.sms.log()


def test_a_scheduled_message_waits(client: SMSMobileClient, box: Sandbox) -> None:
    sent = client.sms.send(TO, "later", schedule_at=datetime.now(timezone.utc) + timedelta(hours=1))

    assert box.phone.outbox == []
    assert [row.status for row in client.sms.log(guid=sent.guid)] == [SMSStatus.QUEUED]


def test_thirty_two_threads_share_a_client_and_lose_nothing(client: SMSMobileClient, box: Sandbox) -> None:
    texts = [f"message {number}" for number in range(96)]

    with ThreadPoolExecutor(32) as threads:
        guids = [sent.guid for sent in threads.map(lambda text: client.sms.send(TO, text), texts)]

    assert sorted(sms.message for sms in box.phone.outbox) == sorted(texts)
    assert {sms.guid: sms.message for sms in box.phone.outbox} == dict(zip(guids, texts, strict=True))
    assert box.tokens_issued <= 1


def test_a_wrong_key_is_an_authentication_error(box: Sandbox) -> None:
    with (
        SMSMobileClient(api_key="f" * 48, base_url=box.url) as client,
        pytest.raises(AuthenticationError, match="invalid_apikey"),
    ):
        client.sms.send(TO, "hi")


def test_revoked_tokens_are_replaced_without_anybody_noticing(box: Sandbox) -> None:
    auth = OAuth2ClientCredentials(box.client_id, box.client_secret)
    with SMSMobileClient(auth, base_url=box.url) as client:
        client.sms.send(TO, "one")
        box.revoke_tokens()
        client.sms.send(TO, "two")

    assert [sms.message for sms in box.phone.outbox] == ["one", "two"]
    assert box.tokens_issued == 2


def test_a_wrong_client_secret_is_an_authentication_error_and_sends_nothing(box: Sandbox) -> None:
    with (
        SMSMobileClient(client_id=box.client_id, client_secret="wrong-secret", base_url=box.url) as client,
        pytest.raises(AuthenticationError) as caught,
    ):
        client.sms.send(TO, "hi")

    assert caught.value.code == "invalid_client"
    assert box.phone.outbox == []


def test_an_answer_by_webhook_and_one_by_polling_tell_the_same(client: SMSMobileClient, box: Sandbox) -> None:
    guid = box.phone.receive("MPESA", "20.00 received")
    (polled,) = client.sms.received()

    body = (
        f'{{"date": "2026-03-20", "hour": "10:15:00", "time_received": "2026-03-20 10:14:50", '
        f'"message": "{polled.message}", "number": "{polled.sender}", "guid": "{polled.guid}"}}'
    )
    pushed = parse_v1(body.encode())

    assert isinstance(pushed, SMSReceived)
    assert (pushed.data.guid, pushed.data.sender, pushed.data.message) == (guid, polled.sender, polled.message)
