"""Paths with and without their slash, unknown ones, wrong methods, and the vendor's own package."""

import logging

import pytest
import requests

PHONE = "+33639985678"
SLASHED = [
    "/sendsms",
    "/resend",
    "/resendwa",
    "/log/sent/sms",
    "/log/sent/frommobile",
    "/getsms",
    "/deletesms",
    "/conversation/sms/list",
    "/gateway/mobile/list",
    "/call/missed/list",
    "/call/incoming/list",
    "/call/outgoing/list",
    "/notification/list",
    "/getwa",
    "/getwa/active",
    "/getwa/synchronisation",
    "/whatsapp/checknumber",
    "/getemail",
]


def test_without_its_slash_a_path_redirects_and_keeps_the_query(subtests, box):
    for path in SLASHED:
        with subtests.test(path=path):
            answer = requests.get(f"{box.url}{path}?message=a%20%2B%26%C3%A9&x=", allow_redirects=False, timeout=5)
            assert answer.status_code == 301
            assert answer.headers["Location"].startswith(f"{box.url}{path}/?")
            assert requests.get(answer.headers["Location"], timeout=5).status_code == 400


def test_without_a_query_the_redirect_has_none(box):
    answer = requests.get(f"{box.url}/getsms", allow_redirects=False, timeout=5)
    assert answer.headers["Location"] == f"{box.url}/getsms/"


def test_the_redirect_keeps_every_character(api, box):
    api.get("/sendsms", recipients=PHONE, message="a +&=%é😀")
    assert box.phone.outbox[-1].message == "a +&=%é😀"


def test_a_redirected_post_loses_its_body(api, box):
    answer = api.post("/sendsms", recipients=PHONE, message="x")
    assert answer.history[0].status_code == 301
    assert (answer.status_code, answer.json()["error"]) == (400, "missing_apikey")
    assert box.phone.outbox == []


def test_what_the_vendors_package_sends(box):
    answer = requests.get(
        f"{box.url}/sendsms",
        params={
            "apikey": box.api_key,
            "recipients": PHONE,
            "message": "hello",
            "from": "python",
            "sendwa": 0,
            "sendsms": 1,
        },
        timeout=5,
    )
    answer.raise_for_status()
    assert answer.json()["result"]["sent"] == "1"
    assert [sms.message for sms in box.phone.outbox] == ["hello"]


def test_what_the_vendors_package_reads(box):
    box.phone.receive("MPESA", "hi")
    answer = requests.get(f"{box.url}/getsms", params={"apikey": box.api_key}, timeout=5)
    assert [row["message"] for row in answer.json()["result"]["sms"]] == ["hi"]


@pytest.mark.parametrize("path", ["/index.php", "/nowhere", "/sendsms//", "/oauth2/token/", "/static/x"])
def test_an_unknown_path(api, path):
    answer = api.get(path)
    assert answer.status_code == 404
    assert set(answer.json()) == {"error", "message"}
    assert answer.json()["error"] == "not_found"


@pytest.mark.parametrize("path", ["/log/sent/sms/", "/getsms/"])
def test_what_is_read_is_not_posted(api, path):
    answer = api.post(path)
    assert answer.status_code == 405
    assert answer.json()["error"] == "method_not_allowed"
    assert "GET" in answer.headers["Allow"]


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
def test_a_method_that_the_service_does_not_have(api, box, method):
    answer = api.session.request(method, f"{box.url}/sendsms/", params={"apikey": box.api_key}, timeout=5)
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, POST")
    assert answer.json()["error"] == "method_not_allowed"


def test_a_head_request_sends_nothing(api, box):
    answer = api.session.head(
        f"{box.url}/sendsms/",
        params={"apikey": box.api_key, "recipients": PHONE, "message": "x"},
        timeout=5,
    )
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, POST")
    assert box.phone.outbox == []


def test_a_mistake_in_the_sandbox_is_a_server_error_without_details(api, box, monkeypatch, caplog):
    def broken():
        raise ZeroDivisionError(box.api_key)

    monkeypatch.setattr(box.clock, "now", broken)
    with caplog.at_level(logging.CRITICAL):
        answer = api.get("/log/sent/sms/")

    assert answer.status_code == 500
    assert answer.json() == {"success": False, "error": "server_error", "detail": "sandbox: ZeroDivisionError"}
