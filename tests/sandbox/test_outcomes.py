"""What an answer means, as the page's list of requests tells it."""

from __future__ import annotations

import contextlib
import json

import pytest
import requests

from smsmobile.sandbox import errors
from smsmobile.sandbox.outcomes import outcome_of

PHONE = "+33639985678"

REFUSALS = [
    (errors.missing_param("message"), "Missing required param: message."),
    (errors.invalid_param("port"), "Invalid param: port."),
    (errors.missing_apikey(), "missing_apikey"),
    (errors.invalid_apikey(), "invalid_apikey"),
    (errors.invalid_token(), "invalid_token"),
    (errors.invalid_apikeybox(), "invalid_apikeybox"),
    (errors.retrieval_off(), "retrieval_inactive"),
    (errors.no_window(), "synchronisation_required"),
    (errors.window_ended("2026-03-20 21:07:44"), "synchronisation_expired"),
    (errors.token_request(401, "invalid_client", "Unknown client."), "invalid_client"),
    (errors.api_expired(), "api_expired"),
    (errors.subscription_expire(), "subscription_expire"),
    (errors.phone_offline(), "2: the mobile is not connected"),
    (errors.not_in_error(), "not_in_error"),
    (errors.refused_recipient("recipient_refused"), "recipient_refused"),
    (errors.not_found(), "not_found"),
]


@pytest.mark.parametrize(("refusal", "word"), REFUSALS, ids=[word for _, word in REFUSALS])
def test_every_refusal_is_refused_with_its_word_whatever_its_status(refusal, word):
    assert outcome_of(refusal.status, json.dumps(refusal.body)) == ("refused", word)


def newest(page):
    row = page.get("/requests", limit=1)["requests"][0]
    return row["outcome"], row["error"]


def test_the_refusals_of_the_service_are_shown_as_such(page, api, box):
    api.send(PHONE, "hi")
    assert newest(page) == ("accepted", "")
    api.post("/sendsms/", recipients=PHONE, message="blocked", sendsms="0")
    assert newest(page) == ("refused", "blocked by sendsms=0")
    box.phone.switch_off()
    api.post("/sendsms/", recipients=PHONE, message="offline")
    assert newest(page) == ("refused", "2: the mobile is not connected")
    api.get("/whatsapp/checknumber/", recipients=PHONE)
    assert newest(page) == ("refused", "2: the mobile is not connected")
    api.get("/getwa/")
    assert newest(page) == ("refused", "retrieval_inactive")
    api.get("/nothing/here/")
    assert newest(page) == ("refused", "not_found")


@pytest.mark.parametrize(
    "path",
    [
        "/log/sent/sms/",
        "/log/sent/frommobile/",
        "/getsms/",
        "/conversation/sms/list/?origineConversation=sent",
        "/gateway/mobile/list/",
        "/call/missed/list/",
        "/call/incoming/list/",
        "/notification/list/",
        "/whatsapp/checknumber/?recipients=33639985678",
        "/getwa/active/?statut=1",
    ],
)
def test_what_was_done_is_accepted(page, api, path):
    api.get(path)
    assert newest(page) == ("accepted", "")


def test_a_message_that_the_log_does_not_know_is_no_refusal(page, api):
    api.get("/log/sent/sms/", guid_message="0" * 40)
    assert newest(page) == ("accepted", "no_message")


def test_a_long_list_is_accepted(page, api, box):
    for number in range(200):
        box.phone.receive(PHONE, f"message {number}")
    assert len(api.get("/getsms/").text) > 20_000
    assert newest(page) == ("accepted", "")


def test_a_redirect_is_neither_accepted_nor_refused(page, api, box):
    api.session.get(f"{box.url}/getsms", params={"apikey": box.api_key}, allow_redirects=False, timeout=5)
    assert newest(page) == ("redirected", "")


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("reset_before", ("broken", "no answer")),
        ("reset_after", ("broken", "no answer")),
        ("error_before", ("broken", "server_error")),
        ("error_after", ("broken", "server_error")),
        ("half_answer", ("broken", "half an answer")),
        ("html_page", ("broken", "no JSON")),
        ("php_warning", ("accepted", "")),
        ("no_guid", ("accepted", "")),
        ("rate_limited", ("refused", "too_many_requests")),
        ("phone_offline", ("refused", "2: the mobile is not connected")),
        ("subscription_over", ("refused", "subscription_expire")),
    ],
)
def test_a_fault_is_shown_by_what_the_application_gets(page, api, box, fault, told):
    box.faults.add(fault)
    with contextlib.suppress(requests.RequestException):
        api.post("/sendsms/", recipients=PHONE, message="hi")
    assert newest(page) == told


def test_a_secret_in_an_error_is_masked(page, api, box):
    api.get(f"/{box.api_key}/")
    assert box.api_key not in page.ask("GET", "/requests").text
