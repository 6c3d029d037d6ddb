"""What cannot be chosen in Python is refused at once, with a sentence, and changes nothing."""

import math
from datetime import datetime, timedelta, timezone

import pytest

from smsmobile.sandbox import Sandbox

PHONE = "+33639985678"
DAY = 86_400
TEN_YEARS = 3650 * DAY
NO_NUMBERS = [math.inf, -math.inf, math.nan, 1e300, 10**400, -1, -0.001, "5", b"5", True, None, []]


def state(box):
    with box._store.lock:
        return {table.name: list(table) for table in box._store.tables}


@pytest.fixture
def refused(box):
    """Call something that is refused with this in the sentence, and see that nothing has changed."""

    def check(text, call, *args, **more):
        before = state(box)
        with pytest.raises(ValueError, match=text):
            call(*args, **more)
        assert state(box) == before

    return check


# Delays, lifetimes, pages


def test_a_phone_has_no_such_delay(subtests, api, box, refused):
    for delay in [*NO_NUMBERS, DAY + 0.001]:
        with subtests.test(delay=delay):
            refused("delay .* from 0 to 86400", setattr, box.phone, "delay", delay)
    api.send()
    assert len(box.phone.outbox) == 1


def test_the_log_has_no_such_delay(subtests, api, box, refused):
    for delay in [*NO_NUMBERS, DAY + 0.001]:
        with subtests.test(delay=delay):
            refused("log_delay .* from 0 to 86400", setattr, box, "log_delay", delay)
    assert api.log() == []


def test_a_token_has_no_such_lifetime(subtests, api, box, refused):
    for lifetime in [value for value in NO_NUMBERS if value is not None] + [TEN_YEARS + 1]:
        with subtests.test(lifetime=lifetime):
            refused("token_lifetime .* from 0 to 315360000", setattr, box, "token_lifetime", lifetime)
    assert api.token().json()["expires_in"] == 3600


def test_a_page_has_no_such_size(subtests, api, box, refused):
    for size in [*NO_NUMBERS, 0, 2.5, 2.0, 10**30]:
        with subtests.test(size=size):
            refused("page_size .* whole number from 1 to", setattr, box, "page_size", size)
    assert api.log() == []


def test_a_battery_holds_no_such_percentage(subtests, box, refused):
    for percent in [*NO_NUMBERS, 101, 5.5]:
        with subtests.test(percent=percent):
            refused("battery .* whole number from 0 to 100", setattr, box.phone, "battery", percent)


@pytest.mark.parametrize("active", [0, 2.5, "no", None])
def test_a_subscription_runs_or_not(box, refused, active):
    refused("subscription_active .* True or False", setattr, box, "subscription_active", active)


def test_the_limits_themselves_are_allowed(api, box):
    box.phone.delay = box.log_delay = DAY
    box.token_lifetime = TEN_YEARS
    box.page_size = 1
    api.send()
    assert api.log() == []
    assert api.token().json()["expires_in"] == TEN_YEARS
    box.clock.forward(DAY)
    assert [row["send_from_mobile"] for row in api.log()] == ["1"]


# The clock


def test_the_clock_goes_no_such_step(subtests, api, box):
    for step in [1e12, 1e300, math.inf, math.nan, 10**400, timedelta.max, timedelta(days=40_000), "60", None, True]:
        with subtests.test(step=step):
            before = box.clock.ahead
            with pytest.raises(
                ValueError, match=r"between the years 1980 and 2099|a timedelta, or a number of seconds"
            ):
                box.clock.forward(step)
            assert box.clock.ahead == before
            assert api.send()["error"] == 0


def test_the_clock_moves_to_no_such_moment(subtests, api, box):
    for moment in [
        datetime.max.replace(tzinfo=timezone.utc),
        datetime.max.replace(tzinfo=timezone(timedelta(hours=-14))),
        datetime.min.replace(tzinfo=timezone(timedelta(hours=14))),
        datetime(1979, 12, 31, 23, 59, 59, tzinfo=timezone.utc),
        datetime(2100, 1, 1, tzinfo=timezone.utc),
        "2030-01-01T00:00:00Z",
        1774040864,
        None,
    ]:
        with subtests.test(moment=moment):
            before = box.clock.ahead
            with pytest.raises(ValueError, match=r"between the years 1980 and 2099|aware datetime"):
                box.clock.move_to(moment)
            assert box.clock.ahead == before
            assert api.send()["error"] == 0


@pytest.mark.parametrize("year", [1980, 2099])
def test_the_clock_moves_to_the_first_and_to_the_last_year(api, box, year):
    box.clock.move_to(datetime(year, 1, 1, tzinfo=timezone(timedelta(hours=-1))))
    assert api.send()["datetime"].startswith(f"{year}-01-01T01:00:")


# The kinds of values

NO_TEXT = [5, b"x", None, ["x"]]


@pytest.mark.parametrize("value", NO_TEXT)
def test_what_is_no_text_is_not_received(box, refused, value):
    refused("sender must be text", box.phone.receive, value, "x")
    refused("message must be text", box.phone.receive, PHONE, value)
    refused("sender must be text", box.phone.receive_whatsapp, value, "x")
    refused("message must be text", box.phone.receive_whatsapp, PHONE, value)
    if value is not None:
        refused("name must be text", box.phone.receive_whatsapp, PHONE, "x", name=value)


@pytest.mark.parametrize("value", NO_TEXT)
def test_what_is_no_text_is_not_sent_by_hand(box, refused, value):
    refused("recipient must be text", box.phone.send_by_hand, value, "x")
    refused("message must be text", box.phone.send_by_hand, PHONE, value)


@pytest.mark.parametrize("value", NO_TEXT)
def test_nobody_calls_from_what_is_no_text(box, refused, value):
    refused("number must be text", box.phone.call, value)
    if value is not None:
        refused("name must be text", box.phone.call, PHONE, value)


@pytest.mark.parametrize("value", NO_TEXT)
def test_what_is_no_text_does_not_fail(box, refused, value):
    refused("number must be text", box.phone.fail, value)
    refused("number must be text", box.phone.recover, value)
    refused("reason must be text", box.phone.fail, PHONE, value)


@pytest.mark.parametrize("value", NO_TEXT)
def test_what_is_no_text_does_not_come_into_the_mailbox(box, refused, value):
    mail = {"sender": "a@example.org", "subject": "x", "body": "x", "sender_name": "x"}
    for name in mail:
        refused(f"{name} must be text", box.mailbox.receive, **{**mail, name: value})
    refused("attachments must be text", box.mailbox.receive, **mail, attachments=["a.pdf", value])


def test_a_call_lasts_no_such_time(subtests, box, refused):
    for seconds in [*NO_NUMBERS, 1.5, 30.0, DAY + 1]:
        with subtests.test(seconds=seconds):
            refused("seconds .* whole number from 0 to 86400", box.phone.call, PHONE, seconds=seconds)


def test_a_voice_message_lasts_no_such_time(subtests, box, refused):
    for seconds in [value for value in NO_NUMBERS if value is not None] + [0, DAY + 1]:
        with subtests.test(seconds=seconds):
            refused("voice_seconds", box.phone.receive_whatsapp, PHONE, "x", voice_seconds=seconds)


@pytest.mark.parametrize("value", NO_TEXT)
def test_what_is_no_text_is_no_label(box, refused, value):
    refused("label must be text", box.add_phone, value)


@pytest.mark.parametrize("name", ["api_key", "client_id", "client_secret", "host"])
@pytest.mark.parametrize("value", [5, b"x"])
def test_what_is_no_text_is_no_credential_and_no_host(tmp_path, name, value):
    file = tmp_path / "sandbox.sqlite"
    with pytest.raises(ValueError, match=f"{name} must be text"):
        Sandbox(db=file, **{name: value})
    assert not file.exists()


@pytest.mark.parametrize("port", ["8420", 1.5, None, True])
def test_what_is_no_whole_number_is_no_port(port):
    with pytest.raises(ValueError, match="A port"):
        Sandbox(port=port)
