"""Who may call: keys, tokens, and a subscription that is over."""

import threading
from itertools import cycle

import pytest
import requests

PHONE = "+33639985678"
SENDS = ("/sendsms/", "/resend/", "/resendwa/")
ENDPOINTS = [
    ("get", "/sendsms/"),
    ("post", "/sendsms/"),
    ("get", "/resend/"),
    ("post", "/resend/"),
    ("get", "/log/sent/sms/"),
    ("get", "/getsms/"),
    ("get", "/deletesms/"),
    ("post", "/deletesms/"),
    ("get", "/resendwa/"),
    ("post", "/resendwa/"),
    ("get", "/log/sent/frommobile/"),
    ("get", "/conversation/sms/list/"),
    ("get", "/gateway/mobile/list/"),
    ("get", "/call/missed/list/"),
    ("get", "/call/incoming/list/"),
    ("get", "/call/outgoing/list/"),
    ("get", "/notification/send"),
    ("post", "/notification/send"),
    ("get", "/notification/list/"),
    ("get", "/whatsapp/checknumber/"),
    ("get", "/getwa/active/"),
    ("get", "/getwa/synchronisation/"),
    ("get", "/getwa/"),
    ("post", "/sendemail/"),
    ("get", "/getemail/"),
]
OTHERS = [endpoint for endpoint in ENDPOINTS if endpoint[1] != "/getsms/"]


def test_no_key(subtests, box):
    for method, path in ENDPOINTS:
        if path.startswith("/notification/"):
            continue  # they say it in words: test_notifications.py
        with subtests.test(path=path):
            answer = requests.request(method, box.url + path, timeout=5)
            assert answer.status_code == 400
            assert answer.json() == {"success": False, "error": "missing_apikey"}


@pytest.mark.parametrize(("method", "path"), [("get", "/log/sent/sms/"), ("post", "/sendsms/")])
def test_an_empty_key_is_no_key(box, method, path):
    params = {"apikey": ""}
    answer = requests.request(method, box.url + path, params=params, timeout=5)
    assert answer.status_code == 400
    assert answer.json() == {"success": False, "error": "missing_apikey"}


def test_an_unknown_key(subtests, api):
    for method, path in OTHERS:
        with subtests.test(path=path):
            answer = getattr(api, method)(path, apikey="0" * 48)
            assert answer.status_code == 403
            assert answer.json() == {"success": False, "error": "invalid_apikey"}


def test_with_an_unknown_key_the_inbox_looks_empty(api, box):
    box.phone.receive("MPESA", "x")
    answer = api.get("/getsms/", apikey="0" * 48)
    assert answer.status_code == 200
    assert answer.json() == {"result": {"error": "0", "sms": []}}
    assert len(api.inbox(onlyunread="yes")) == 1


def test_a_key_in_the_query_of_a_post_is_accepted_as_php_would(api, box):
    answer = api.session.post(
        f"{box.url}/sendsms/",
        params={"apikey": box.api_key},
        data={"recipients": PHONE, "message": "x"},
        timeout=5,
    )
    assert answer.json()["result"]["error"] == 0


def test_in_a_post_the_form_wins_over_the_query(api, box):
    answer = api.session.post(
        f"{box.url}/sendsms/",
        params={"apikey": "wrong", "message": "query"},
        data={"apikey": box.api_key, "recipients": PHONE, "message": "form"},
        timeout=5,
    )
    assert answer.json()["result"]["error"] == 0
    assert box.phone.outbox[-1].message == "form"


def test_of_two_equal_names_the_last_one_counts(api, box):
    api.session.post(
        f"{box.url}/sendsms/",
        data=[("apikey", box.api_key), ("recipients", PHONE), ("message", "a"), ("message", "b")],
        timeout=5,
    )
    assert box.phone.outbox[-1].message == "b"


def test_the_body_of_a_get_is_not_read(box):
    answer = requests.get(f"{box.url}/getsms/", data={"apikey": box.api_key}, timeout=5)
    assert answer.json()["error"] == "missing_apikey"


def test_a_token_as_in_rfc_6749(api, box):
    answer = api.token()

    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    token = answer.json()
    assert set(token) == {"access_token", "token_type", "expires_in"}
    assert (token["token_type"], token["expires_in"]) == ("Bearer", 3600)
    assert box.tokens_issued == 1


@pytest.mark.parametrize(
    ("form", "status", "error"),
    [
        ({"client_secret": "wrong"}, 401, "invalid_client"),
        ({"client_id": "wrong"}, 401, "invalid_client"),
        ({"client_secret": None}, 401, "invalid_client"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"grant_type": None}, 400, "invalid_request"),
    ],
)
def test_a_token_that_is_not_given(api, box, form, status, error):
    answer = api.token(**form)
    assert answer.status_code == status
    assert answer.json()["error"] == error
    assert box.tokens_issued == 0


def test_client_credentials_in_the_query_are_not_read(box):
    answer = requests.post(
        f"{box.url}/oauth2/token",
        params={
            "grant_type": "client_credentials",
            "client_id": box.client_id,
            "client_secret": box.client_secret,
        },
        timeout=5,
    )
    assert answer.json()["error"] == "invalid_request"


def test_tokens_are_asked_for_by_post(box):
    answer = requests.get(f"{box.url}/oauth2/token", timeout=5)
    assert answer.status_code == 405
    assert answer.json()["error"] == "method_not_allowed"
    assert "POST" in answer.headers["Allow"]


def test_a_token_opens_every_endpoint(subtests, api, box):
    for (method, path), scheme in zip(ENDPOINTS, cycle(["Bearer", "bearer", "BEARER"])):
        with subtests.test(path=path):
            token = api.token().json()["access_token"]
            answer = requests.request(
                method, box.url + path, headers={"Authorization": f"{scheme} {token}"}, data={"x": "y"}, timeout=5
            )
            assert answer.status_code in (200, 400)
            assert answer.json().get("error") in (None, "0", "retrieval_inactive")


def test_a_message_sent_with_a_token(api, box):
    token = api.token().json()["access_token"]
    answer = api.with_token(token, "/sendsms/", recipients=PHONE, message="x")
    assert answer.json()["result"]["error"] == 0
    assert len(box.phone.outbox) == 1


@pytest.mark.parametrize("path", ["/log/sent/sms/", "/getsms/"])
def test_an_unknown_token(api, path):
    answer = api.with_token("unknown", path)
    assert answer.status_code == 401
    assert answer.json()["error"] == "invalid_token"
    assert answer.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'


def test_a_wrong_token_is_not_saved_by_a_right_key(api, box):
    assert api.with_token("unknown", apikey=box.api_key).status_code == 401


def test_another_scheme_is_no_token(box):
    answer = requests.get(f"{box.url}/log/sent/sms/", auth=("user", "password"), timeout=5)
    assert answer.json()["error"] == "missing_apikey"


def test_a_token_ends_with_its_lifetime(api, box, clock):
    box.token_lifetime = 60
    answer = api.token().json()
    assert answer["expires_in"] == 60

    clock.forward(59)
    assert api.with_token(answer["access_token"]).status_code == 200
    clock.forward(1)
    assert api.with_token(answer["access_token"]).status_code == 401


def test_a_token_without_a_lifetime_stays_until_it_is_revoked(api, box, clock):
    box.token_lifetime = None
    answer = api.token().json()
    assert "expires_in" not in answer

    clock.forward(10_000_000)
    assert api.with_token(answer["access_token"]).status_code == 200
    box.revoke_tokens()
    assert api.with_token(answer["access_token"]).status_code == 401


def test_revoked_tokens_can_be_replaced(api, box):
    old = api.token().json()["access_token"]
    box.revoke_tokens()
    new = api.token().json()["access_token"]

    assert api.with_token(old).status_code == 401
    assert api.with_token(new).status_code == 200
    assert box.tokens_issued == 2
    assert box.token_lifetime == 3600


@pytest.mark.parametrize("path", SENDS)
def test_a_send_after_the_subscription_is_over(api, box, path):
    box.subscription_active = False

    answer = api.post(path, recipients=PHONE, message="x", guid="f" * 40)

    assert answer.status_code == 200
    assert answer.json()["result"]["error"] == "subscription_expire"
    assert box.phone.outbox == []


def test_anything_else_after_the_subscription_is_over(subtests, api, box):
    for method, path in [e for e in ENDPOINTS if e[1] not in SENDS]:
        with subtests.test(path=path):
            box.subscription_active = False
            mail = dict.fromkeys(("sender_email", "recipient_email"), "a@example.org") | {"allow_self_signed": "no"}
            mail |= dict.fromkeys(("apikeybox", "sender_name", "mail_subject", "mail_body"), "x")
            params = {
                "guid": "f" * 40,
                "sid": "x",
                "message": "x",
                "recipients": PHONE,
                "mbox": "INBOX",
                "start": "0",
                **mail,
            }
            answer = getattr(api, method)(path, origineConversation="sent", **params)
            assert answer.status_code == 403
            assert answer.json() == {"success": False, "error": "api_expired"}


def test_the_subscription_can_be_renewed(api, box):
    box.subscription_active = False
    assert box.subscription_active is False
    box.subscription_active = True
    assert api.send()["error"] == 0
    assert len(api.log()) == 1


# --- what is written down ---------------------------------------------------------------------------------


def everything_recorded(box):
    return repr([vars(request) for request in box.requests])


@pytest.mark.parametrize(
    "ask",
    [
        lambda box: ("/sendsms", {"apikey": box.api_key, "recipients": PHONE}),
        lambda box: ("/sendsms/", {"api_key": box.api_key}),
        lambda box: ("/sendsms/", {"apikey[]": box.api_key}),
        lambda box: (f"/{box.api_key}/", {"x": "1"}),
        lambda box: ("/getsms/", {"apikey": "x", box.api_key: "1"}),
        lambda box: ("/gateway/mobile/list/", {"apikey": box.api_key, "search": box.api_key}),
        lambda box: ("/sendsms/", {"apikey": box.api_key, "recipients": PHONE, "message": box.client_secret}),
    ],
)
def test_wherever_a_caller_puts_a_secret_it_is_not_written_down(box, api, ask):
    path, params = ask(box)
    api.session.get(box.url + path, params=params, timeout=5, allow_redirects=False)
    assert len(box.requests) == 1
    assert box.api_key not in everything_recorded(box)
    assert box.client_secret not in everything_recorded(box)


def test_the_redirect_to_the_final_slash_shows_what_was_asked_and_repeats_no_key(box, api):
    params = {"apikey": box.api_key, "recipients": PHONE, "message": "hi"}
    answer = api.session.get(f"{box.url}/sendsms", params=params, timeout=5, allow_redirects=False)
    assert (answer.status_code, answer.content) == (301, b"")
    assert box.requests[0].parameters == {"apikey": "***", "recipients": PHONE, "message": "hi"}


def test_no_credentials_in_the_repr_of_what_is_remembered(box, api):
    token = api.token().json()["access_token"]
    shown = repr(box._store.account) + repr(list(box._store.tokens))
    assert [secret for secret in (box.api_key, box.client_secret, token) if secret in shown] == []


def test_expired_tokens_are_forgotten(box, api):
    box.token_lifetime = 60
    for _ in range(3):
        api.token()
    box.clock.forward(61)
    api.token()
    assert len(box._store.tokens) == 1


def test_moving_the_clock_undoes_no_change_made_at_the_same_time(box):
    stop = threading.Event()

    def move() -> None:
        while not stop.is_set():
            box.clock.forward(0)

    mover = threading.Thread(target=move)
    mover.start()
    lost = 0
    for active in [False, True] * 500:
        box.subscription_active = active
        lost += box.subscription_active is not active
    stop.set()
    mover.join(5)
    assert lost == 0
