"""The numbers that behave in chosen ways."""

import pytest

from smsmobile.sandbox.recipients import MAGIC

REFUSED, FAILS, LEFT, ECHOES, FAILS_ONCE, NOT_ON_WHATSAPP = MAGIC


def outcome(row):
    return row["send_from_mobile"], row["send_from_mobile_erreur"], row["error_api"]


def test_the_table():
    assert list(MAGIC) == [f"+1202555010{digit}" for digit in range(1, 7)]
    assert all(behaviour.description for behaviour in MAGIC.values())


def test_refused_by_the_api(api, box):
    answer = api.post("/sendsms/", recipients=REFUSED, message="x")

    assert answer.status_code == 200
    assert answer.json()["result"]["error"] == "recipient_refused"
    assert answer.json()["result"]["sent"] == "api_error"
    assert box.phone.outbox == []
    (row,) = api.log(error_api="1")
    assert outcome(row) == ("0", "", "recipient_refused")


def test_refused_again_when_sent_again(api, box):
    api.post("/sendsms/", recipients=REFUSED, message="x")
    (row,) = api.log()
    assert api.post("/resend/", guid=row["guid"]).json()["result"]["error"] == "recipient_refused"
    assert box.phone.outbox == []
    assert outcome(api.log()[0]) == ("0", "", "recipient_refused")


def test_fails_on_the_phone(api, box):
    assert api.send(FAILS)["error"] == 0
    assert outcome(api.log()[0]) == ("0", "RESULT_ERROR_GENERIC_FAILURE", "0")
    assert box.phone.outbox == []


def test_fails_again_when_sent_again(api):
    guid = api.send(FAILS)["id"]
    assert api.post("/resend/", guid=guid).json()["result"]["error"] == 0
    assert outcome(api.log()[0]) == ("0", "RESULT_ERROR_GENERIC_FAILURE", "0")


def test_never_picked_up(api, box, clock):
    api.send(LEFT)
    clock.forward(7 * 86_400)
    assert outcome(api.log()[0]) == ("0", "", "0")
    assert box.phone.outbox == []


def test_answered_with_an_echo_after_a_second(api, box, clock):
    api.send(ECHOES, "Are you there?")
    assert api.inbox() == []
    clock.forward(1)
    assert [(row["number"], row["message"]) for row in api.inbox()] == [(ECHOES, "Are you there?")]


def test_the_echo_comes_by_itself(api, eventually):
    api.send(ECHOES, "hello")
    eventually(api.inbox)


def test_fails_once_and_is_sent_by_a_resend(api, box):
    guid = api.send(FAILS_ONCE)["id"]
    assert outcome(api.log()[0]) == ("0", "RESULT_ERROR_NO_SERVICE", "0")

    api.post("/resend/", guid=guid)

    assert outcome(api.log()[0]) == ("1", "", "0")
    assert [sent.guid for sent in box.phone.outbox] == [guid]


def test_not_on_whatsapp(api, box):
    guid = api.send(NOT_ON_WHATSAPP, waonly="yes")["id"]

    assert box.phone.outbox == []
    assert api.get("/whatsapp/checknumber/", recipients=NOT_ON_WHATSAPP).json()["contact_found_on_whatsapp"] == "no"
    assert api.post("/resendwa/", guid=guid).json()["result"]["error"] == 0
    assert box.phone.outbox == []


def test_who_is_not_on_whatsapp_can_have_an_sms(api, box):
    api.send(NOT_ON_WHATSAPP)
    assert [sent.recipient for sent in box.phone.outbox] == [NOT_ON_WHATSAPP]


@pytest.mark.parametrize("spelling", ["12025550102", "0012025550102", "+1 (202) 555-0102"])
def test_in_any_spelling(api, box, spelling):
    api.send(spelling)
    assert outcome(api.log()[0])[1] == "RESULT_ERROR_GENERIC_FAILURE"


def test_a_reason_that_a_test_gives_wins(api, box):
    box.phone.fail(FAILS, "RESULT_ERROR_RADIO_OFF")
    api.send(FAILS)
    assert outcome(api.log()[0])[1] == "RESULT_ERROR_RADIO_OFF"


@pytest.mark.parametrize("number", ["+12025550100", "+12025550107", "+33639985678"])
def test_their_neighbours_are_ordinary(api, box, number):
    api.send(number)
    assert outcome(api.log()[0]) == ("1", "", "0")
