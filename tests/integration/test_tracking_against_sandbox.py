"""`client.sms.track` and `track_all` against the sandbox, whose clock moves while they wait."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone

import pytest

from smsmobile import DeliveryPending, DeviceOffline, SMSMobileClient, SMSStatus
from smsmobile._sent_log import tracking
from smsmobile.sandbox import Sandbox

TO = "+33639985678"


@pytest.fixture
def client(box: Sandbox) -> Iterator[SMSMobileClient]:
    with SMSMobileClient(api_key=box.api_key, session=box.session(), max_retries=0) as client:
        yield client


@pytest.fixture(autouse=True)
def _waiting_moves_the_sandboxes_clock(box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    class Clock:
        now = 0.0

        def monotonic(self) -> float:
            return self.now

        def sleep(self, seconds: float) -> None:
            self.now += seconds
            box.clock.forward(seconds)

    monkeypatch.setattr(tracking, "_clock", Clock())


def looks(box: Sandbox) -> int:
    return sum(request.path == "/log/sent/sms/" for request in box.requests)


def test_a_message_is_followed_until_the_phone_has_sent_it(client: SMSMobileClient, box: Sandbox) -> None:
    box.phone.delay = 20
    box.log_delay = 3

    row = client.sms.track(client.sms.send(TO, "hi"))

    assert (row.status, row.recipient, row.message) == (SMSStatus.SENT, TO, "hi")
    assert [sms.guid for sms in box.phone.outbox] == [row.guid]
    assert looks(box) < 10


def test_a_message_that_fails_and_is_sent_again_is_followed_both_times(client: SMSMobileClient, box: Sandbox) -> None:
    box.phone.delay = 5
    box.phone.fail(TO, "RESULT_ERROR_NO_SERVICE")
    failed = client.sms.track(client.sms.send(TO, "hi"))
    box.phone.recover(TO)
    assert failed.guid is not None

    row = client.sms.track(client.sms.resend(failed.guid))

    assert (failed.status, failed.error) == (SMSStatus.FAILED, "RESULT_ERROR_NO_SERVICE")
    assert (row.status, row.guid) == (SMSStatus.SENT, failed.guid)


def test_a_phone_that_went_away_is_told_of_in_the_end_and_can_be_waited_for_again(
    client: SMSMobileClient, box: Sandbox
) -> None:
    box.phone.delay = 1
    sent = client.sms.send(TO, "hi")
    box.phone.switch_off()

    with pytest.raises(DeliveryPending, match="battery"):
        client.sms.track(sent)

    box.phone.switch_on()
    assert client.sms.track(sent).status is SMSStatus.SENT


def test_a_scheduled_message_is_pending_until_its_time(client: SMSMobileClient, box: Sandbox) -> None:
    sent = client.sms.send(TO, "hi", schedule_at=box.clock.now() + timedelta(hours=1))
    with pytest.raises(DeliveryPending):
        client.sms.track(sent, timeout=600)
    assert client.sms.track(sent, timeout=3600).status is SMSStatus.SENT


def test_many_messages_are_followed_with_few_looks(client: SMSMobileClient, box: Sandbox) -> None:
    box.phone.delay = 10
    box.log_delay = 4
    box.phone.fail("+33639980007")
    sent = [client.sms.send(f"+3363998{number:04}", "hi") for number in range(250)]

    rows = list(client.sms.track_all(sent))

    assert {row.guid for row in rows} == {each.guid for each in sent}
    assert [row.recipient for row in rows if row.status is SMSStatus.FAILED] == ["+33639980007"]
    assert looks(box) < 30


def test_faults_on_the_way_are_waited_out(client: SMSMobileClient, box: Sandbox) -> None:
    box.phone.delay = 60
    sent = [client.sms.send(TO, "hi").guid for _ in range(20)]
    for kind in ("error_before", "reset_after", "half_answer", "php_warning", "html_page", "rate_limited"):
        box.faults.add(kind, probability=0.3, seed=7, path="/log/sent/sms/")

    rows = list(client.sms.track_all([guid for guid in sent if guid], timeout=600))

    assert sorted(str(row.guid) for row in rows) == sorted(map(str, sent))


def test_the_services_clock_may_be_far_from_ours(client: SMSMobileClient, box: Sandbox) -> None:
    box.clock.move_to(datetime(2030, 1, 1, tzinfo=timezone.utc))
    box.phone.delay = 10
    box.log_delay = 5
    box.page_size = 5
    sent = [client.sms.send(TO, "hi").guid for _ in range(30)]
    assert len(list(client.sms.track_all([guid for guid in sent if guid]))) == 30


def test_a_phone_that_is_off_when_asked_is_no_message_to_follow(client: SMSMobileClient, box: Sandbox) -> None:
    box.phone.switch_off()
    with pytest.raises(DeviceOffline):
        client.sms.track(client.sms.send(TO, "hi"))
