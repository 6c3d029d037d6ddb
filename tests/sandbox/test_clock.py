"""Moving the sandbox's time instead of waiting."""

from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime

import pytest

START = datetime(2026, 3, 20, 21, 7, 44, 100_000, tzinfo=timezone.utc)


def unix(moment):
    return int(moment.timestamp())


def test_time_runs_on_from_the_chosen_moment(clock):
    assert timedelta(0) <= clock.now() - START < timedelta(minutes=1)


@pytest.mark.parametrize("step", [90, timedelta(seconds=90)])
def test_forward_in_seconds_or_as_a_timedelta(clock, step):
    before = clock.now()
    clock.forward(step)
    assert timedelta(seconds=90) <= clock.now() - before < timedelta(seconds=150)


def test_backwards_only_to_a_chosen_moment(clock):
    with pytest.raises(ValueError, match="move_to"):
        clock.forward(-1)
    clock.move_to(START - timedelta(days=1))
    assert clock.now() < START


def test_a_naive_moment_is_refused(clock):
    with pytest.raises(ValueError, match="aware"):
        clock.move_to(datetime(2026, 3, 20))  # noqa: DTZ001


def test_back_to_this_machines_time(clock):
    clock.reset()
    assert abs(datetime.now(timezone.utc) - clock.now()) < timedelta(minutes=1)


def test_a_scheduled_message_goes_out_as_its_time_comes(api, box, clock):
    api.send(schedule_timestamp=unix(clock.now()) + 3600)

    clock.forward(3590)
    assert box.phone.outbox == []
    clock.forward(10)

    (sent,) = box.phone.outbox
    assert sent.sent_at >= START + timedelta(hours=1) - timedelta(seconds=1)


def test_scheduled_messages_go_out_in_the_order_of_their_times(api, box, clock):
    for hours in (3, 1, 2):
        api.send(message=str(hours), schedule_timestamp=unix(clock.now()) + hours * 3600)
    clock.forward(timedelta(hours=4))
    assert [sent.message for sent in box.phone.outbox] == ["1", "2", "3"]


def test_a_delay_passes_without_waiting(api, box, clock):
    box.phone.delay = 60
    api.send()
    clock.forward(59)
    assert box.phone.outbox == []
    clock.forward(1)
    assert len(box.phone.outbox) == 1


def test_delay_and_schedule_add_up(api, box, clock):
    box.phone.delay = 60
    api.send(schedule_timestamp=unix(clock.now()) + 3600)
    clock.forward(3600)
    assert box.phone.outbox == []
    clock.forward(60)
    assert len(box.phone.outbox) == 1


def test_what_came_due_while_the_phone_was_off_waits_for_it(api, box, clock):
    api.send(schedule_timestamp=unix(clock.now()) + 3600)
    box.phone.switch_off()
    clock.forward(7200)
    assert box.phone.outbox == []
    box.phone.switch_on()
    assert len(box.phone.outbox) == 1


def test_a_row_that_is_late_in_the_log(api, box, clock):
    box.log_delay = 5
    guid = api.send()["id"]

    assert len(box.phone.outbox) == 1
    assert api.log() == []
    assert api.get("/log/sent/sms/", guid_message=guid).json()["result"] == {"error": "no_message", "sms": []}

    clock.forward(5)
    assert [row["guid"] for row in api.log()] == [guid]
    assert [row["send_from_mobile"] for row in api.log(guid_message=guid)] == ["1"]


def test_a_late_row_hides_none_that_is_older(api, box, clock):
    box.log_delay = 5
    first = api.send()["id"]
    clock.forward(5)
    api.send()
    assert [row["guid"] for row in api.log()] == [first]


@pytest.mark.parametrize("delay", [0, 5])
def test_what_was_sent_while_the_clock_was_ahead_is_in_the_log_once_it_is_back(api, box, clock, delay):
    box.log_delay = delay
    clock.forward(3600)
    guid = api.send()["id"]
    clock.move_to(START)
    assert [row["guid"] for row in api.log()] == [guid]
    assert [row["guid"] for row in api.log(guid_message=guid)] == [guid]


def test_a_late_row_can_be_sent_again_all_the_same(api, box):
    box.log_delay = 5
    box.phone.fail("+33639985678")
    guid = api.send()["id"]
    assert api.post("/resend/", guid=guid).json()["result"]["error"] == 0


def test_an_expired_token_is_refused_and_a_new_one_is_not(api, box, clock):
    old = api.token().json()["access_token"]
    clock.forward(box.token_lifetime)
    assert api.with_token(old).json()["error"] == "invalid_token"
    assert api.with_token(api.token().json()["access_token"]).status_code == 200


def test_a_token_of_another_lifetime_keeps_its_own(api, box, clock):
    long = api.token().json()["access_token"]
    box.token_lifetime = 10
    short = api.token().json()["access_token"]
    clock.forward(10)
    assert (api.with_token(long).status_code, api.with_token(short).status_code) == (200, 401)


def test_received_messages_bear_the_sandboxs_time(api, box, clock):
    box.phone.receive("MPESA", "x")
    assert api.inbox()[0]["time_received"] == "2026-03-20 21:07:44"
    assert api.inbox(after_timestamp_unix=unix(START) + 60) == []


def test_answers_are_dated_by_the_sandboxs_time(api, box, clock):
    for answer in (api.get("/getsms/"), api.get("/nowhere/")):
        assert abs(clock.now() - parsedate_to_datetime(answer.headers["Date"])) < timedelta(minutes=1)
