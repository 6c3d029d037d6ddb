"""The client object: its repr, its addresses, proxies and certificates, and closing."""

from __future__ import annotations

import copy
import io
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests
import responses
from requests.adapters import HTTPAdapter
from requests.auth import HTTPBasicAuth
from urllib3 import HTTPResponse

from smsmobile import ConfigurationError, SMSMobileClient, UnexpectedResponse
from smsmobile._http.adapter import DeadlineAdapter
from smsmobile._wire.endpoints import ENDPOINTS

from .cases import each_once

KEY = "0123456789abcdef0123456789abcdef0123456789abcdef"
BASE = "https://api.smsmobileapi.com"

# --- the object -------------------------------------------------------------------------------------------


def test_its_repr_shows_the_address_and_the_kind_of_auth_and_no_secret() -> None:
    by_key = SMSMobileClient(api_key=KEY)
    by_token = SMSMobileClient(client_id="an-id", client_secret=KEY, base_url="https://sms.example/")
    assert repr(by_key) == f"<SMSMobileClient {BASE} ApiKeyAuth>"
    assert repr(by_token) == "<SMSMobileClient https://sms.example OAuth2ClientCredentials>"


def test_it_is_not_pickled_or_copied(client: SMSMobileClient) -> None:
    for leak in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="SMSMobileClient holds secrets and cannot be pickled or copied"):
            leak(client)


@pytest.mark.parametrize("channel", ["sms", "email", "calls"])
def test_its_channels_are_not_pickled_either_whatever_the_authentication(channel: str) -> None:
    client = SMSMobileClient(HTTPBasicAuth("user", KEY), mailbox_key=KEY)
    with pytest.raises(TypeError, match="holds secrets and cannot be pickled or copied"):
        pickle.dumps(getattr(client, channel))


def test_a_subclass_is_built_from_the_environment_as_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    class Client(SMSMobileClient):
        pass

    monkeypatch.setenv("SMSMOBILEAPI_API_KEY", KEY)
    assert type(Client.from_env()) is Client


class Closing(requests.Session):
    closed = False

    def close(self) -> None:
        self.closed = True
        super().close()


def test_a_session_that_was_passed_in_stays_open() -> None:
    session = Closing()
    with SMSMobileClient(api_key=KEY, session=session):
        pass
    assert not session.closed


def test_its_own_session_is_closed_by_the_context_manager_and_by_close(monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[requests.Session] = []
    monkeypatch.setattr(requests.Session, "close", lambda session: closed.append(session))  # noqa: PLW0108 - bound
    one, other = SMSMobileClient(api_key=KEY), SMSMobileClient(api_key=KEY)
    with one as entered:
        assert entered is one
        assert closed == []
    assert len(closed) == 1
    other.close()
    assert len(set(map(id, closed))) == 2


def test_the_context_manager_lets_an_exception_pass() -> None:
    with pytest.raises(KeyError), SMSMobileClient(api_key=KEY):
        raise KeyError


@pytest.mark.parametrize("session", [object(), requests, "session", requests.Session])
def test_a_session_is_one_of_requests(session: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"expected a requests\.Session"):
        SMSMobileClient(api_key=KEY, session=session)


def test_one_client_serves_many_threads(service: responses.RequestsMock, client: SMSMobileClient) -> None:
    def answer(request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        number = str(request.body).partition("message=")[2].partition("&")[0]
        return 200, {}, f'{{"result": {{"error": 0, "sent": "1", "id": "guid-{number}"}}}}'

    service.add_callback("POST", f"{BASE}/sendsms/", callback=answer)
    with ThreadPoolExecutor(16) as pool:
        sent = list(pool.map(lambda n: client.sms.send("+33639985678", str(n)).guid, range(200)))
    assert sent == [f"guid-{n}" for n in range(200)]


# --- where to ---------------------------------------------------------------------------------------------


def test_https_is_taken_and_http_to_loopback(subtests: pytest.Subtests) -> None:
    for written, base_url in [
        ("https://sms.example", "https://sms.example"),
        ("https://sms.example/", "https://sms.example"),
        ("HTTPS://SMS.Example:8443/api//", "https://sms.example:8443/api"),
        (" https://sms.example ", "https://sms.example"),
        ("http://localhost:8420", "http://localhost:8420"),
        ("http://LOCALHOST.", "http://localhost."),
        ("http://sms.localhost", "http://sms.localhost"),
        ("http://127.0.0.1:1", "http://127.0.0.1:1"),
        ("http://127.9.9.9", "http://127.9.9.9"),
        ("http://[::1]:8420/api", "http://[::1]:8420/api"),
        ("https://münchen.example", "https://münchen.example"),
    ]:
        with subtests.test(written=written):
            taken = repr(SMSMobileClient(api_key=KEY, base_url=written)).split()[1]
            assert taken == base_url or taken.startswith("https://xn--")


def test_http_to_another_machine_is_refused(subtests: pytest.Subtests) -> None:
    for base_url in [
        *("http://sms.example", "http://127.0.0.1.evil.com", "http://localhost.evil.com", "http://evil-localhost"),
        *("http://10.0.0.1", "http://0.0.0.0", "http://[::2]", "http://127.1.evil", "http://xlocalhost"),
        "http://127.0.0.1%2eevil.com",
    ]:
        with subtests.test(base_url=base_url), pytest.raises(ConfigurationError, match="unencrypted; use https://"):
            SMSMobileClient(api_key=KEY, base_url=base_url)


def test_an_address_that_is_none_is_refused_with_the_reason(subtests: pytest.Subtests) -> None:
    for base_url, reason in [
        ("", "is empty"),
        ("  ", "is empty"),
        (None, "is None; expected a URL such as"),
        (8420, "is of type int; expected a URL such as"),
        ("api.smsmobileapi.com", "does not begin with https://"),
        ("localhost:8420", "does not begin with https://"),
        ("//sms.example", "does not begin with https://"),
        ("ftp://sms.example", "is not an http"),
        ("file:///etc/passwd", "is not an http"),
        ("https://", "is not an http"),
        ("https:///path", "is not an http"),
        ("http://127.0.0.1\\@evil.com", "is not an http"),
        ("http://localhost:80:80", "is not an http"),
        ("https://[::1", "is not an http"),
        ("http://localhost@evil.com", "has a user"),
        ("https://user:top-secret@sms.example", "has a user"),
        ("https://sms.example/?apikey=top-secret", "has a user, query"),
        ("https://sms.example/#top-secret", "has a user, query or fragment"),
        ("https://*.example", "has an invalid host name"),
    ]:
        with subtests.test(base_url=base_url):
            with pytest.raises(ConfigurationError, match=f"base_url {reason}") as refused:
                SMSMobileClient(api_key=KEY, base_url=base_url)
            assert "top-secret" not in str(refused.value)


def test_a_base_url_with_a_path_keeps_it(service: responses.RequestsMock) -> None:
    service.get("https://sms.example/v2/getsms/", json={"result": {"sms": []}})
    assert SMSMobileClient(api_key=KEY, base_url="https://sms.example/v2/").sms.received() == []


RUN: dict[str, Callable[[SMSMobileClient], object]] = {
    "sms.send": lambda client: client.sms.send("+33639985678", "Bonjour"),
    "sms.resend": lambda client: client.sms.resend("g"),
    "sms.log": lambda client: client.sms.log(),
    "sms.received": lambda client: client.sms.received(),
    "sms.delete": lambda client: client.sms.delete("g"),
    "sms.sent_by_hand": lambda client: client.sms.sent_by_hand(),
    "whatsapp.send": lambda client: client.whatsapp.send("+33639985678", "Bonjour"),
    "whatsapp.resend": lambda client: client.whatsapp.resend("g"),
    "whatsapp.check_number": lambda client: client.whatsapp.check_number("+33639985678"),
    "whatsapp.retrieval": lambda client: client.whatsapp.enable_retrieval(),
    "whatsapp.synchronise": lambda client: client.whatsapp.synchronise(),
    "whatsapp.received": lambda client: client.whatsapp.received(),
    "devices.list": lambda client: client.devices.list(),
    "calls.missed": lambda client: client.calls.missed(),
    "calls.incoming": lambda client: client.calls.incoming(),
    "calls.outgoing": lambda client: client.calls.outgoing(),
    "notifications.send": lambda client: client.notifications.send("SID", "Bonjour"),
    "notifications.list": lambda client: client.notifications.list(),
    "email.send": lambda client: client.email.send(
        "a@b.example", "Hi", "Bonjour", sender_email="c@d.example", sender_name="C", mailbox_key="a mailbox's key"
    ),
    "email.inbox": lambda client: client.email.inbox(mailbox_key="a mailbox's key"),
    "conversations.list": lambda client: client.conversations.list("sent"),
}


def test_every_endpoint_is_known_to_this_test() -> None:
    assert {*RUN, "oauth2.token"} == set(ENDPOINTS)


def test_every_endpoint_can_be_moved(subtests: pytest.Subtests, service: responses.RequestsMock) -> None:
    for name, run in RUN.items():
        with subtests.test(name=name):
            service.reset()
            service.add(ENDPOINTS[name].method, f"{BASE}/moved/", json={"result": {"error": 0, "sent": "1"}})
            run(SMSMobileClient(api_key=KEY, paths={name: "/moved/"}))
            assert (service.calls[0].request.path_url or "").startswith("/moved/")


def test_a_path_that_is_none_is_refused(subtests: pytest.Subtests) -> None:
    for paths, reason in [
        ({"sms.remove": "/x/"}, "paths has 'sms.remove'; expected names among .*, sms.delete, sms.log, "),
        ({"sms.delete": "x/"}, "must begin with one '/'"),
        ({"sms.delete": "//evil.com/"}, "must begin with one '/'"),
        ({"sms.delete": "https://evil.com/"}, "must begin with one '/'"),
        ({"sms.delete": "/x/?a=b"}, "have no query"),
        ({"sms.delete": ""}, "must begin with one '/'"),
        ({"sms.delete": None}, "must begin with one '/'"),
        ("/deletesms/", "paths is of type str; expected a dict"),
    ]:
        with subtests.test(paths=paths), pytest.raises(ConfigurationError, match=reason):
            SMSMobileClient(api_key=KEY, paths=paths)


# --- how --------------------------------------------------------------------------------------------------


class Recording(HTTPAdapter):
    """Keeps what it was told about proxies, certificates and timeouts, and sends nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[dict[str, Any]] = []

    def send(self, request: requests.PreparedRequest, *args: Any, **told: Any) -> requests.Response:
        self.told.append({"url": request.url, "headers": dict(request.headers), **told})
        body = io.BytesIO(b'{"access_token": "t", "result": {"error": 0, "sent": "1", "sms": []}}')
        return self.build_response(request, HTTPResponse(body, status=200, preload_content=False))


def recorded(session: requests.Session, base_url: str = BASE, **arguments: Any) -> dict[str, Any]:
    """What the adapter of this session is told for one call."""
    adapter = Recording()
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    credentials = {} if "client_id" in arguments else {"api_key": KEY}
    SMSMobileClient(session=session, base_url=base_url, **credentials, **arguments).sms.received()
    return adapter.told[0]


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What the client's own adapters are told."""
    recording = Recording()
    monkeypatch.setattr(DeadlineAdapter, "send", lambda self, request, **told: recording.send(request, **told))
    return recording.told


def test_every_request_has_a_timeout_even_one_for_a_token(own: list[dict[str, Any]]) -> None:
    SMSMobileClient(client_id="an-id", client_secret="a-secret").sms.received()
    assert [(told["url"], told["timeout"]) for told in own] == [
        (f"{BASE}/oauth2/token", (5.0, 30.0)),
        (f"{BASE}/getsms/", (5.0, 30.0)),
    ]


def test_the_timeout_can_be_chosen(own: list[dict[str, Any]]) -> None:
    SMSMobileClient(api_key=KEY, timeout=(1, 2.5)).sms.received()
    assert own[0]["timeout"] == (1.0, 2.5)


def test_the_environments_proxies_and_certificates_are_honoured(
    own: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/etc/company.pem")
    SMSMobileClient(api_key=KEY).sms.received()
    assert own[0]["proxies"]["https"] == "http://proxy.example:3128"
    assert own[0]["verify"] == "/etc/company.pem"


def test_without_such_an_environment_certificates_are_verified(own: list[dict[str, Any]]) -> None:
    SMSMobileClient(api_key=KEY).sms.received()
    assert own[0]["verify"] is True
    assert not own[0]["proxies"]


def test_the_environment_is_read_once_for_a_client(own: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> None:
    client = SMSMobileClient(api_key=KEY)
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    client.sms.received()
    assert not own[0]["proxies"]


def test_no_proxy_is_honoured(own: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("NO_PROXY", ".smsmobileapi.com")
    SMSMobileClient(api_key=KEY).sms.received()
    assert "https" not in own[0]["proxies"]


def test_a_netrc_of_the_machine_is_not_sent(
    own: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "netrc").write_text("machine api.smsmobileapi.com login user password word\n")
    monkeypatch.setenv("NETRC", os.fspath(tmp_path / "netrc"))
    SMSMobileClient(api_key=KEY).sms.received()
    assert "Authorization" not in own[0]["headers"]


@pytest.mark.parametrize("verify", [False, "/my/own.pem"])
def test_what_a_session_says_about_certificates_comes_before_the_environment(
    monkeypatch: pytest.MonkeyPatch, verify: bool | str
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/etc/company.pem")
    session = requests.Session()
    session.verify = verify
    session.cert = "/my/client.pem"
    told = recorded(session)
    assert told["verify"] == verify
    assert told["cert"] == "/my/client.pem"


def test_what_a_session_says_about_proxies_comes_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("ALL_PROXY", "http://proxy.example:3128")
    session = requests.Session()
    session.proxies = {"https": "http://mine.example:8080"}
    assert recorded(session)["proxies"] == {"https": "http://mine.example:8080"}


def test_a_session_that_distrusts_the_environment_is_obeyed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/etc/company.pem")
    session = requests.Session()
    session.trust_env = False
    told = recorded(session)
    assert not told["proxies"]
    assert told["verify"] is True


def test_a_sessions_headers_cookies_and_hooks_are_used() -> None:
    seen = []
    session = requests.Session()
    session.headers["X-Team"] = "night shift"
    session.cookies.set("a", "b")
    session.hooks["response"].append(lambda response, **_: seen.append(response.status_code))
    told = recorded(session)
    assert told["headers"]["X-Team"] == "night shift"
    assert told["headers"]["Cookie"] == "a=b"
    assert seen == [200]


def test_a_sessions_own_auth_does_not_replace_the_clients() -> None:
    session = requests.Session()
    session.auth = ("user", "word")
    told = recorded(session)
    assert "Authorization" not in told["headers"]
    assert f"apikey={KEY}" in told["url"]


@pytest.mark.parametrize(
    ("proxy", "variable", "no_proxy"),
    each_once(
        ["http://proxy.example:3128", "proxy.example:3128", "http://user:word@10.0.0.1:3128", "http://proxy:port"],
        ["HTTP_PROXY", "ALL_PROXY"],
        ["", "::1", "fe80::/10,.example"],
    ),
)
def test_loopback_never_goes_through_a_proxy_elsewhere(
    own: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch, proxy: str, variable: str, no_proxy: str
) -> None:
    monkeypatch.setenv(variable, proxy)
    monkeypatch.setenv("NO_PROXY", no_proxy)
    SMSMobileClient(api_key=KEY, base_url="http://sms.localhost:8420").sms.received()
    assert not own[0]["proxies"]


def test_loopback_goes_through_a_proxy_on_the_same_machine(
    own: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:8080")
    SMSMobileClient(api_key=KEY, base_url="http://localhost:8420").sms.received()
    assert own[0]["proxies"]["http"] == "http://127.0.0.1:8080"


def test_a_redirect_is_not_followed(network: Any, client: SMSMobileClient) -> None:
    for run in RUN.values():
        network.will_answer(307, b"", {"Location": f"{BASE}/elsewhere/"})
        with pytest.raises(UnexpectedResponse, match="redirected to"):
            run(client)
    assert len(network.requests) == len(RUN)


def test_a_user_agent_says_who_is_calling(own: list[dict[str, Any]]) -> None:
    SMSMobileClient(api_key=KEY).sms.received()
    assert own[0]["headers"]["User-Agent"].startswith("smsmobile/0.")
    assert own[0]["headers"]["Accept"] == "application/json"


def test_a_program_that_builds_a_client_does_not_wait_for_modules_that_read_answers() -> None:
    script = f"import sys; from smsmobile import SMSMobileClient; SMSMobileClient(api_key={KEY!r}); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout.split()
    assert "smsmobile.client" in loaded
    assert not {"pydantic.types", "pydantic.main", "smsmobile._wire.envelope", "smsmobile.channels.sms"} & {*loaded}
