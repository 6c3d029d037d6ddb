"""Who may talk to the sandbox: foreign host names, other websites, and what the page's answers forbid a browser."""

import socket
from itertools import cycle

import pytest
import requests

from smsmobile import SMSMobileClient
from smsmobile.sandbox import Sandbox

PHONE = "+33639985678"


@pytest.fixture
def remote():
    with Sandbox(allow_remote=True) as box:
        yield box


def status(box, host, path="/getsms/"):
    return requests.get(box.url + path, headers={"Host": host}, timeout=5).status_code


def change(box, path="/_sandbox/account", data="{}", method="POST", **headers):
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    return requests.request(
        method, box.url + path, data=data, headers={"Content-Type": "application/json", **headers}, timeout=5
    )


LOCAL = [
    "localhost",
    "localhost:8420",
    "LOCALHOST",
    "localhost.",
    "sms.localhost:80",
    "127.0.0.1:1",
    "127.9.9.9",
    "[::1]:9",
]
MACHINES = ["192.168.1.7:8420", "[2001:db8::7]:8420", "8.8.8.8", "sandbox:8420"]
FOREIGN = [
    "example.org",
    "rebind.attacker.test:8420",
    "localhost.attacker.test",
    "127.0.0.1.attacker.test",
    "localhost@attacker.test",
    "attacker.test@localhost",
    "localhost/.attacker.test",
    "localhost?attacker.test",
    "localhost:port",
    "",
    ":8420",
    "[::1",
]


def test_this_machine_is_answered_by_any_of_its_names(subtests, box):
    for host in LOCAL:
        with subtests.test(host=host):
            assert status(box, host) == 400


def test_a_foreign_host_name_is_refused_everywhere(subtests, box):
    for host, path in list(
        zip(
            cycle(["rebind.attacker.test:8420", "192.168.1.7:8420"]),
            ["/", "/sendsms/", "/getsms/", "/oauth2/token", "/_sandbox/overview", "/nowhere"],
        )
    ):
        with subtests.test(host=host):
            answer = requests.get(box.url + path, headers={"Host": host}, timeout=5)
            assert answer.status_code == 403
            assert list(answer.json()) == ["error"]
            assert host in answer.json()["error"]


def test_a_name_that_only_looks_like_this_machine_is_refused(subtests, box):
    for host in FOREIGN:
        with subtests.test(host=host):
            assert status(box, host) == 403


@pytest.mark.parametrize("host", MACHINES)
def test_other_machines_names_are_refused_unless_they_are_allowed(box, host):
    assert status(box, host) == 403


def test_with_allow_remote_addresses_and_plain_names_are_answered(subtests, remote):
    for host in [*LOCAL, *MACHINES]:
        with subtests.test(host=host):
            assert status(remote, host) == 400


def test_with_allow_remote_a_name_that_can_be_bought_is_still_refused(subtests, remote):
    for host in FOREIGN:
        with subtests.test(host=host):
            assert status(remote, host) == 403


@pytest.mark.parametrize("name", ["build-7.example.org", "build-7.example.org.local"])
def test_with_allow_remote_this_machines_own_name_is_answered(remote, monkeypatch, name):
    monkeypatch.setattr(socket, "gethostname", lambda: "Build-7.example.org")
    assert status(remote, name) == 400


def test_a_caller_without_a_host_is_answered(box):
    address = box.url.removeprefix("http://").split(":")
    with socket.create_connection((address[0], int(address[1])), timeout=5) as caller:
        caller.sendall(b"GET /getsms/ HTTP/1.0\r\n\r\n")
        assert caller.recv(100).split()[1] == b"400"


def test_two_hosts_are_refused(box):
    address = box.url.removeprefix("http://").split(":")
    with socket.create_connection((address[0], int(address[1])), timeout=5) as caller:
        caller.sendall(b"GET /getsms/ HTTP/1.1\r\nHost: localhost\r\nHost: attacker.test\r\n\r\n")
        assert caller.recv(100).split()[1] in (b"400", b"403")


def test_clients_notice_nothing(box):
    with SMSMobileClient(api_key=box.api_key, base_url=box.url) as client:
        assert client.sms.send(PHONE, "hi").accepted


def test_another_origin_may_use_the_service_as_it_may_the_real_one(box):
    form = {"apikey": box.api_key, "recipients": PHONE, "message": "hi"}
    headers = {"Origin": "http://localhost:3000", "Sec-Fetch-Site": "same-site"}
    answer = requests.post(f"{box.url}/sendsms/", data=form, headers=headers, timeout=5)
    assert answer.json()["result"]["error"] == 0


def test_the_session_without_a_socket_is_not_asked_for_its_host(box):
    with SMSMobileClient(api_key=box.api_key, session=box.session()) as client:
        assert client.sms.send(PHONE, "hi").accepted


@pytest.mark.parametrize("headers", [{}, {"Sec_Fetch_Site": "same-origin"}, {"Sec_Fetch_Site": "none"}])
def test_the_page_itself_and_programs_may_change_things(box, headers):
    assert change(box, data='{"log_delay": 3}', **headers).status_code == 200
    assert box.log_delay == 3


def test_the_pages_own_origin_may_change_things(box):
    assert change(box, data='{"log_delay": 3}', Origin=box.url).status_code == 200
    assert box.log_delay == 3


def test_another_website_may_change_nothing(subtests, box):
    for headers, method, path in [
        ({"Origin": "https://attacker.test"}, "POST", "/_sandbox/account"),
        ({"Origin": "null"}, "DELETE", "/_sandbox/faults"),
        ({"Origin": "http://127.0.0.1:1"}, "POST", "/"),
        ({"Origin": ""}, "POST", "/_sandbox/account"),
        ({"Sec_Fetch_Site": "cross-site"}, "PUT", "/_sandbox/x"),
        ({"Sec_Fetch_Site": "same-site"}, "POST", "/_sandbox/account"),
    ]:
        with subtests.test(headers=headers):
            answer = change(box, path, '{"log_delay": 3}', method, **headers)
            assert answer.status_code == 403
            assert answer.json() == {"error": "Another website may neither ask nor change anything here."}
            assert box.log_delay == 0


@pytest.mark.parametrize(
    ("kind", "path"),
    list(
        zip(
            ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "x/json", ""],
            cycle(["/_sandbox/account", "/_sandbox/nowhere", "/"]),
        )
    ),
)
def test_what_a_form_could_send_is_refused(box, kind, path):
    answer = change(box, path, '{"log_delay": 3}', Content_Type=kind)
    assert answer.status_code == 415
    assert "application/json" in answer.json()["error"]
    assert box.log_delay == 0


def test_a_form_without_fields_is_refused(box):
    answer = change(box, "/_sandbox/reset", data="", Content_Type="application/x-www-form-urlencoded")
    assert answer.status_code == 415


def test_the_charset_of_the_json_may_be_said(box):
    assert change(box, Content_Type="application/json; charset=utf-8").status_code == 200


def test_without_a_body_no_content_type_is_needed(box):
    assert requests.post(f"{box.url}/_sandbox/reset", timeout=5).status_code == 200


@pytest.mark.parametrize("path", ["/sendsms/", "/oauth2/token", "/_sandbox/overview", "/_sandbox/static/main.js"])
def test_a_browser_may_ask_nothing_on_behalf_of_another_website(box, path):
    headers = {"Sec-Fetch-Site": "cross-site"}
    params = {"apikey": box.api_key, "recipients": PHONE, "message": "STOP"}
    answer = requests.get(box.url + path, params=params, headers=headers, timeout=5)
    assert answer.status_code == 403
    assert box.phone.outbox == []


@pytest.mark.parametrize("origin", ["https://attacker.test", "http://localhost.attacker.test:8420", "null", ""])
def test_a_form_of_another_website_is_refused_where_the_browser_only_says_its_origin(subtests, box, origin):
    form = {"apikey": box.api_key, "recipients": PHONE, "message": "STOP"}
    for path in ("/sendsms/", "/oauth2/token", "/notification/send", "/nowhere"):
        with subtests.test(path=path):
            answer = requests.post(box.url + path, data=form, headers={"Origin": origin}, timeout=5)
            assert answer.status_code == 403
            assert answer.json() == {"error": "Another website may neither ask nor change anything here."}
    assert box.phone.outbox == []


@pytest.mark.parametrize("origin", ["http://localhost:3000", "http://127.0.0.1:5173", "https://[::1]:8443"])
def test_a_page_of_this_machine_may_use_the_service(box, origin):
    form = {"apikey": box.api_key, "recipients": PHONE, "message": "hi"}
    answer = requests.post(f"{box.url}/sendsms/", data=form, headers={"Origin": origin}, timeout=5)
    assert answer.json()["result"]["error"] == 0


def test_with_allow_remote_the_origin_may_be_another_machine_but_no_name_that_can_be_bought(remote):
    form = {"apikey": remote.api_key, "recipients": PHONE, "message": "hi"}
    statuses = [
        requests.post(f"{remote.url}/sendsms/", data=form, headers={"Origin": origin}, timeout=5).status_code
        for origin in ("http://192.168.1.7:3000", "https://attacker.test")
    ]
    assert statuses == [200, 403]


def test_a_link_from_another_website_opens_the_page(box):
    headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert requests.get(f"{box.url}/", headers=headers, timeout=5).status_code == 200


@pytest.mark.parametrize("path", ["/", "/_sandbox/overview", "/_sandbox/nowhere"])
def test_the_page_can_load_nothing_from_elsewhere_and_be_framed_by_nobody(box, path):
    headers = requests.get(box.url + path, timeout=5).headers
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    policy = headers["Content-Security-Policy"].split("; ")
    assert {"default-src 'none'", "script-src 'self'", "connect-src 'self'", "frame-ancestors 'none'"} <= set(policy)
    assert "Access-Control-Allow-Origin" not in headers


def test_the_services_answers_are_as_the_services(box):
    assert "Content-Security-Policy" not in requests.get(f"{box.url}/getsms/", timeout=5).headers
