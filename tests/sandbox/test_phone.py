"""The phone: its delay, its schedule, its switch, its failures; and many callers at once."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

PHONE = "+33639985678"


def test_with_a_delay_the_phone_sends_later(api, box, eventually):
    box.phone.delay = 60
    guid = api.send()["id"]
    assert api.log()[0]["send_from_mobile"] == "0"

    box.clock.forward(60)
    eventually(lambda: box.phone.outbox)

    assert box.phone.outbox[0].guid == guid
    assert api.log()[0]["send_from_mobile"] == "1"


def test_a_delayed_message_can_fail(api, box, eventually):
    box.phone.delay = 0.01
    box.phone.fail(PHONE)
    api.send()
    eventually(lambda: api.log(error_mobile="1"))
    assert box.phone.outbox == []


def test_delayed_messages_go_out_in_their_order(api, box, eventually):
    box.phone.delay = 0.02
    for number in range(10):
        api.send(message=str(number))
    eventually(lambda: len(box.phone.outbox) == 10)
    assert [sms.message for sms in box.phone.outbox] == [str(number) for number in range(10)]


def test_taking_the_delay_away_sends_what_waited(api, box):
    box.phone.delay = 60
    assert box.phone.delay == 60
    api.send()
    assert box.phone.outbox == []
    box.phone.delay = 0
    assert len(box.phone.outbox) == 1


def test_a_scheduled_message_waits_for_its_time(api, box, clock):
    api.send(schedule_timestamp=int(clock.now().timestamp()) + 3600)
    clock.forward(3590)
    box.phone.delay = 0
    assert box.phone.outbox == []

    clock.forward(10)
    box.phone.delay = 0

    assert len(box.phone.outbox) == 1
    assert box.phone.outbox[0].sent_at <= clock.now()


def test_a_scheduled_message_goes_out_by_itself(api, box, clock, eventually):
    clock.forward(0.87)  # to a few hundredths before the next full second
    api.send(schedule_timestamp=int(clock.now().timestamp()) + 1)
    eventually(lambda: box.phone.outbox)


def test_a_message_due_earlier_overtakes_one_due_later(api, box, clock):
    api.send(message="later", schedule_timestamp=int(clock.now().timestamp()) + 3600)
    api.send(message="sooner", schedule_timestamp=int(clock.now().timestamp()) + 1800)
    api.send(message="now")
    clock.forward(1800)
    assert [sms.message for sms in box.phone.outbox] == ["now", "sooner"]


@pytest.mark.parametrize("ago", [0, 1, 100_000])
def test_a_schedule_in_the_past_means_now(api, box, clock, ago):
    api.send(schedule_timestamp=int(clock.now().timestamp()) - ago)
    assert len(box.phone.outbox) == 1


def test_a_phone_that_is_off_is_an_error_and_queues_nothing(api, box):
    box.phone.switch_off()

    answer = api.post("/sendsms/", recipients=PHONE, message="x")

    assert answer.status_code == 200
    assert answer.json()["result"]["error"] == 2
    assert answer.json()["result"]["sent"] == "no"
    assert api.log() == []
    box.phone.switch_on()
    assert box.phone.outbox == []
    assert api.send()["error"] == 0


def test_sending_again_needs_the_phone_too(api, box):
    box.phone.fail(PHONE)
    guid = api.send()["id"]
    box.phone.switch_off()

    assert api.post("/resend/", guid=guid).json()["result"]["error"] == 2
    assert [row["guid"] for row in api.log(error_mobile="1")] == [guid]


def test_what_is_queued_waits_while_the_phone_is_off(api, box):
    box.phone.delay = 60
    api.send()
    box.phone.switch_off()
    assert box.phone.is_on is False
    box.phone.delay = 0
    assert box.phone.outbox == []
    assert api.log()[0]["send_from_mobile"] == "0"

    box.phone.switch_on()

    assert len(box.phone.outbox) == 1


def test_what_came_due_while_the_phone_was_off_goes_out_afterwards(api, box, eventually):
    box.phone.delay = 0.01
    box.phone.switch_on()
    api.send()
    box.phone.switch_off()
    waiting = len(box.phone.outbox) == 0  # the worker may have been faster
    box.phone.switch_on()
    eventually(lambda: box.phone.outbox)
    assert waiting or len(box.phone.outbox) == 1


@pytest.mark.parametrize("spelling", ["+33 6 39 98 56 78", "0033639985678", "33639985678", "(+33) 639-985-678"])
def test_a_number_fails_in_any_spelling(api, box, spelling):
    box.phone.fail(spelling, "RESULT_ERROR_NO_SERVICE")

    api.send(PHONE)
    api.send("+33639985432")

    assert [sms.recipient for sms in box.phone.outbox] == ["+33639985432"]
    (row,) = api.log(error_mobile="1")
    assert (row["number"], row["send_from_mobile_erreur"]) == (PHONE, "RESULT_ERROR_NO_SERVICE")


def test_a_healed_number_works_again(api, box):
    box.phone.fail(PHONE)
    box.phone.recover("00 33 639 98 56 78")
    box.phone.recover("+1 555 0100")
    api.send()
    assert len(box.phone.outbox) == 1


@pytest.mark.parametrize("number", ["", "MPESA"])
def test_something_without_digits_cannot_fail(box, number):
    with pytest.raises(ValueError, match="digit"):
        box.phone.fail(number)
    with pytest.raises(ValueError, match="digit"):
        box.phone.recover(number)


def test_a_failure_has_a_reason(box):
    with pytest.raises(ValueError, match="reason"):
        box.phone.fail(PHONE, " ")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_mistake_on_the_thread_that_lets_time_pass_is_not_the_end_of_it(api, box, eventually, monkeypatch):
    others = set(threading.enumerate())

    def ticking():
        ours = set(threading.enumerate()) - others
        return {thread for thread in ours if thread.name == "smsmobile-sandbox-ticker"}

    def work(now, work=box.phone.work):
        if threading.current_thread() in ticking():
            raise ZeroDivisionError
        work(now)

    box.phone.delay = 0.02
    with monkeypatch.context() as patched:
        patched.setattr(box.phone, "work", work)
        api.send()
        eventually(lambda: not ticking())

    api.send()

    eventually(lambda: len(box.phone.outbox) == 2)


@pytest.mark.parametrize("delay", [0, 0.001])
def test_32_threads_at_once_lose_nothing(api, box, eventually, delay):
    box.phone.delay = delay

    def send(number):
        answer = api.session.post(
            f"{box.url}/sendsms/",
            data={"apikey": box.api_key, "recipients": PHONE, "message": str(number)},
            timeout=30,
        )
        return answer.json()["result"]["id"]

    with ThreadPoolExecutor(32) as pool:
        guids = list(pool.map(send, range(96)))
    eventually(lambda: len(box.phone.outbox) == 96)

    assert len(set(guids)) == 96
    assert {sms.guid for sms in box.phone.outbox} == set(guids)
    assert {sms.message for sms in box.phone.outbox} == {str(number) for number in range(96)}
    box.page_size = 1000
    assert {row["guid"] for row in api.log() if row["send_from_mobile"] == "1"} == set(guids)


def test_32_threads_at_once_get_32_tokens(api, box):
    with ThreadPoolExecutor(32) as pool:
        tokens = {answer.json()["access_token"] for answer in pool.map(lambda _: api.token(), range(32))}
    assert len(tokens) == box.tokens_issued == 32
