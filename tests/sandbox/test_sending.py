"""`/sendsms/` and `/resend/`."""

import re
from datetime import datetime, timezone

import pytest

from smsmobile.sandbox import OutboxSMS

PHONE = "+33639985678"


def test_the_answer_is_the_contracts(api, clock):
    result = api.send()

    assert re.fullmatch("[0-9a-f]{40}", result.pop("id"))
    assert result == {
        "error": 0,
        "sent": "1",
        "note": "sent by mobile",
        "datetime": "2026-03-20T21:07:44Z",
        "datetimeLocal": "2026-03-20T22:07:44+01:00",
        "port": None,
        "iac_control": "1",
        "iac_authorized": "1",
        "send_with_whatsapp": "0",
        "encrypted": {"status": "0"},
        "trial_account": {"status": "0", "sms_sent": 0},
    }


def test_the_phone_has_sent_it_when_the_answer_is_there(api, box, clock):
    result = api.send(message="hi")

    (sms,) = box.phone.outbox
    assert isinstance(sms, OutboxSMS)
    assert (sms.guid, sms.recipient, sms.message, sms.sim) == (result["id"], PHONE, "hi", None)
    assert sms.sent_at.replace(microsecond=0) == datetime(2026, 3, 20, 21, 7, 44, tzinfo=timezone.utc)


def test_what_the_phone_sent_cannot_be_changed(api, box):
    api.send()
    with pytest.raises(AttributeError):
        box.phone.outbox[0].message = "else"
    box.phone.outbox.clear()
    assert len(box.phone.outbox) == 1


def test_get_and_post_both_send(api, box):
    api.get("/sendsms/", recipients=PHONE, message="by GET")
    api.post("/sendsms/", recipients=PHONE, message="by POST")

    assert [sms.message for sms in box.phone.outbox] == ["by GET", "by POST"]


@pytest.mark.parametrize(
    "text",
    ["é € 😀", "a\nb\r\nc", "x&y=z+1%20;#?", "0", " spaces ", "😀" * 5_000, "x" * 10_000, "<script>", '"\\'],
)
@pytest.mark.parametrize("method", ["get", "post"])
def test_the_text_arrives_unchanged(api, box, method, text):
    getattr(api, method)("/sendsms/", recipients=PHONE, message=text)

    assert box.phone.outbox[-1].message == text
    assert api.log()[0]["message"] == text


@pytest.mark.parametrize(("port", "sim"), [("1", 1), ("2", 2)])
def test_the_sim_slot_is_echoed_as_text(api, box, port, sim):
    assert api.send(port=port)["port"] == port
    assert box.phone.outbox[-1].sim == sim
    assert api.log()[0]["port"] == port


def test_encryption_and_whatsapp_are_echoed(api):
    assert api.send(encrypt_message="yes")["encrypted"] == {"status": "1"}
    assert api.send(encrypt_message="no")["encrypted"] == {"status": "0"}
    assert api.send(sendwa="1")["send_with_whatsapp"] == "1"
    assert api.send(sendwa="0", sendsms="1")["send_with_whatsapp"] == "0"


def test_parameters_that_change_nothing_here_are_accepted(api, box):
    api.send(shorturl="1", message="see https://example.org", **{"from": "python", "unheard_of": "1"})
    assert box.phone.outbox[-1].message == "see https://example.org"


def test_empty_optional_parameters_count_as_missing(api, box):
    result = api.send(port="", schedule_timestamp="", sIdentifiant="", encrypt_message="")
    assert result["port"] is None
    assert len(box.phone.outbox) == 1


def test_sendsms_0_blocks_the_sms_beside_error_0(api, box):
    result = api.send(sendsms="0")

    assert (result["error"], result["sent"]) == (0, "0")
    assert box.phone.outbox == []
    (row,) = api.log(error_api="1")
    assert (row["guid"], row["error_api"]) == (result["id"], "sms_blocked")


@pytest.mark.parametrize("only", [{"sendsms": "0", "sendwa": "1"}, {"waonly": "yes"}])
def test_whatsapp_alone_sends_no_sms(api, box, only):
    result = api.send(**only)

    assert (result["sent"], result["send_with_whatsapp"]) == ("1", "1")
    assert [sent.channel for sent in box.phone.outbox] == ["whatsapp"]


def test_the_phone_can_be_named(api, box):
    assert api.send(sIdentifiant=box.phone.sid)["error"] == 0
    assert len(box.phone.outbox) == 1


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("name", ["recipients", "message"])
@pytest.mark.parametrize("given", [{}, {"empty": ""}, {"blank": "  "}], ids=["absent", "empty", "blank"])
def test_a_missing_parameter_is_named(api, box, method, name, given):
    params = {"recipients": PHONE, "message": "x"}
    del params[name]
    params |= dict.fromkeys([name] if given else [], next(iter(given.values()), ""))

    answer = getattr(api, method)("/sendsms/", **params)

    assert answer.status_code == 400
    assert answer.json() == {"success": False, "message": f"Missing required param: {name}."}
    assert box.phone.outbox == []


def test_a_malformed_parameter_is_named(subtests, api, box):
    for name, value in [
        ("recipients", "Alice"),
        ("recipients", "+"),
        ("recipients", "12"),
        ("recipients", "+1234567890123456"),
        ("recipients", "+33639985678,+33639985432"),
        ("recipients", "٣٣٦١٢٣٤٥٦٧٨"),
        ("port", "0"),
        ("port", "3"),
        ("port", "two"),
        ("schedule_timestamp", "tomorrow"),
        ("schedule_timestamp", "1.5"),
        ("schedule_timestamp", "-1"),
        ("schedule_timestamp", "1774040864000"),
        ("schedule_timestamp", "9999999999"),
        ("shorturl", "yes"),
        ("encrypt_message", "1"),
        ("sendsms", "no"),
        ("sendwa", "2"),
        ("waonly", "1"),
        ("sIdentifiant", "somebody-elses-phone"),
    ]:
        with subtests.test(name=name):
            answer = api.post("/sendsms/", **{"recipients": PHONE, "message": "x", name: value})

            assert answer.status_code == 400
            assert answer.json() == {"success": False, "message": f"Invalid param: {name}."}
            assert box.phone.outbox == []
            assert api.log() == []


@pytest.mark.parametrize("number", ["+33639985678", "0033639985678", "+33 6 39.98-56/(78)", "36105", " 33639985678"])
def test_spellings_of_a_number_that_are_accepted(api, box, number):
    api.send(number)
    assert box.phone.outbox[-1].recipient == number.strip()


def test_a_json_body_is_not_read(api, box):
    answer = api.session.post(
        f"{box.url}/sendsms/", json={"apikey": box.api_key, "recipients": PHONE, "message": "x"}, timeout=5
    )
    assert (answer.status_code, answer.json()["error"]) == (400, "missing_apikey")


def test_a_body_beyond_what_a_form_may_be_is_refused(api):
    answer = api.post("/sendsms/", recipients=PHONE, message="x" * (8 * 1024 * 1024))
    assert answer.status_code == 413
    assert answer.json()["error"] == "request_entity_too_large"


def test_a_failed_message_is_sent_again_under_its_guid(api, box):
    box.phone.fail(PHONE)
    guid = api.send(message="again", port="2")["id"]
    box.phone.recover(PHONE)

    answer = api.post("/resend/", guid=guid).json()["result"]

    assert (answer["error"], answer["sent"], answer["id"], answer["port"]) == (0, "1", guid, "2")
    assert set(answer) == set(api.send())
    assert [sms.message for sms in box.phone.outbox if sms.guid == guid] == ["again"]
    (row,) = api.log(guid_message=guid)
    assert (row["send_from_mobile"], row["send_from_mobile_erreur"]) == ("1", "")


def test_a_message_can_fail_again_when_sent_again(api, box):
    box.phone.fail(PHONE, "RESULT_ERROR_NO_SERVICE")
    guid = api.send()["id"]
    assert api.get("/resend/", guid=guid).status_code == 200
    assert [row["send_from_mobile_erreur"] for row in api.log()] == ["RESULT_ERROR_NO_SERVICE"]


def test_a_blocked_message_is_in_an_error_state_and_can_be_sent_after_all(api, box):
    guid = api.send(sendsms="0")["id"]
    assert api.post("/resend/", guid=guid).json()["result"]["sent"] == "1"
    assert len(box.phone.outbox) == 1
    assert api.log(error_api="1") == []


def test_only_a_failed_message_is_sent_again(api, box):
    guid = api.send()["id"]

    answer = api.post("/resend/", guid=guid)

    assert answer.status_code == 200
    assert answer.json()["result"]["error"] == "not_in_error"
    assert len(box.phone.outbox) == 1


def test_a_queued_message_is_not_sent_again(api, box):
    box.phone.delay = 60
    assert api.post("/resend/", guid=api.send()["id"]).json()["result"]["error"] == "not_in_error"


def test_sending_an_unknown_guid_again_is_not_found(api):
    answer = api.post("/resend/", guid="f" * 40)
    assert answer.status_code == 404
    assert answer.json() == {"success": False, "error": "not_found", "message": "No message has this guid."}


def test_sending_again_needs_a_guid(api):
    answer = api.post("/resend/")
    assert answer.status_code == 400
    assert answer.json()["message"] == "Missing required param: guid."
