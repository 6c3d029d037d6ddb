"""Promise 2, seen from outside: no failure shows a secret, and no log a number or a message."""

from __future__ import annotations

import io
import json
import logging
import pickle
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
import requests
import responses
from requests.auth import AuthBase
from urllib3.exceptions import (
    MaxRetryError,
    NewConnectionError,
    ProtocolError,
    ProxyError,
    ReadTimeoutError,
    ResponseError,
    SSLError,
)

from smsmobile import (
    ApiKeyAuth,
    OAuth2ClientCredentials,
    SendOutcomeUnknown,
    Settings,
    SMSMobileClient,
    SMSMobileError,
    Token,
)

from .cases import each_once

BASE = "https://api.smsmobileapi.com"
API_KEY = "api/key+of&the=tests~0123456789"
CLIENT_ID = "client/id+of&the=tests~0123456789"
CLIENT_SECRET = "client/secret+of&the=tests~0123456789"
ACCESS_TOKEN = "access/token+of&the=tests~0123456789"
MAILBOX_KEY = "mailbox/key+of&the=tests~0123456789"
SECRETS = [API_KEY, CLIENT_ID, CLIENT_SECRET, ACCESS_TOKEN, MAILBOX_KEY]
NUMBER = "+33639985432"
MESSAGE = "The code for the safe is 47119922"
ADDRESS = "ann.smith@example.com"
PERSONAL = [
    *(NUMBER, NUMBER[1:], quote(NUMBER), MESSAGE, quote_plus(MESSAGE), "47119922", "639985432"),
    *(ADDRESS, quote(ADDRESS)),
]


def spellings(secret: str) -> list[str]:
    return [
        secret,
        quote(secret, safe=""),
        quote_plus(secret),
        secret.replace("/", "\\/"),
        secret.replace("/", "\\\\/"),
    ]


@dataclass
class Said:
    """Everything that was said, by anybody, while something failed."""

    errors: list[BaseException] = field(default_factory=list)
    records: list[logging.LogRecord] = field(default_factory=list)
    warnings: list[Any] = field(default_factory=list)
    printed: str = ""

    def of_errors(self) -> str:
        texts = []
        for error in self.errors:
            texts += traceback.format_exception(error)
            link: BaseException | None = error
            while link is not None:
                texts += [str(link), repr(link)]
                link = link.__cause__ or link.__context__
        return "\n".join(texts)

    def of_logs(self) -> str:
        formatter = logging.Formatter("%(name)s %(levelname)s %(message)s")
        return "\n".join([*map(formatter.format, self.records), *(repr(vars(record)) for record in self.records)])

    def everything(self) -> str:
        kept = [repr(vars(error)) + pickle.dumps(error).decode("latin-1") for error in self.errors]
        noise = [str(warning) for warning in self.warnings]
        return "\n".join([self.of_errors(), self.of_logs(), *kept, self.printed, *noise])


def assert_no_secret(text: str) -> None:
    for secret in SECRETS:
        for spelling in spellings(secret):
            assert spelling not in text


def assert_nothing_personal(text: str) -> None:
    for private in PERSONAL:
        assert private not in text


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Iterator[Said]:
    """Listen to every logger at DEBUG, to warnings and to what is printed."""
    said = Said()

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            said.records.append(record)

    root, listener = logging.getLogger(), Listener(0)
    loggers = [root, *(logging.getLogger(name) for name in list(logging.root.manager.loggerDict))]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.DEBUG)
    root.addHandler(listener)
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            yield said
            said.warnings = caught
    finally:
        root.removeHandler(listener)
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


class HeaderAuth(AuthBase):
    """A strategy of a user's own."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["X-Key"] = API_KEY
        return request


AUTHS: dict[str, Callable[[], AuthBase]] = {
    "api key": lambda: ApiKeyAuth(API_KEY),
    "oauth2": lambda: OAuth2ClientCredentials(CLIENT_ID, CLIENT_SECRET),
    "a user's own": HeaderAuth,
}
OPERATIONS: dict[str, Callable[[SMSMobileClient], object]] = {
    "send": lambda client: client.sms.send(NUMBER, MESSAGE),
    "resend": lambda client: client.sms.resend("guid-1"),
    "log": lambda client: client.sms.log(keyword=NUMBER),
    "received": lambda client: client.sms.received(),
    "delete": lambda client: client.sms.delete("guid-1"),
    "send by WhatsApp": lambda client: client.whatsapp.send(NUMBER, MESSAGE),
    "check a number": lambda client: client.whatsapp.check_number(NUMBER),
    "read WhatsApp": lambda client: client.whatsapp.received(),
    "search calls": lambda client: client.calls.incoming(search=NUMBER),
    "search conversations": lambda client: client.conversations.list("sent", number=NUMBER),
    "notify": lambda client: client.notifications.send("SID-1", MESSAGE),
}
MAIL_OPERATIONS: dict[str, Callable[[SMSMobileClient], object]] = {
    "send e-mail": lambda client: client.email.send(
        ADDRESS, MESSAGE, MESSAGE, sender_email=ADDRESS, sender_name="Ann", mailbox_key=MAILBOX_KEY
    ),
    "read e-mail": lambda client: client.email.inbox(mailbox_key=MAILBOX_KEY),
}
OPERATIONS.update(MAIL_OPERATIONS)
PATHS = [
    ("POST", "/sendsms/"),
    ("POST", "/resend/"),
    ("GET", "/log/sent/sms/"),
    ("GET", "/getsms/"),
    ("POST", "/deletesms/"),
    ("GET", "/whatsapp/checknumber/"),
    ("GET", "/getwa/"),
    ("GET", "/call/incoming/list/"),
    ("GET", "/conversation/sms/list/"),
    ("POST", "/notification/send"),
    ("POST", "/sendemail/"),
    ("GET", "/getemail/"),
]


def echo(request: requests.PreparedRequest) -> str:
    """All of a request as a careless service would print it."""
    plain = " ".join([*SECRETS, *map(quote_plus, SECRETS)])
    return f"{request.method} {request.url} {request.body!r} {dict(request.headers)} {plain}"


def as_json(**envelope: Any) -> Callable[[requests.PreparedRequest], bytes]:
    """An answer in which `...` is the echo, slashes escaped as PHP does."""

    def body(request: requests.PreparedRequest) -> bytes:
        filled = json.dumps(envelope, default=str).replace('"Ellipsis"', json.dumps(echo(request)))
        return filled.replace("/", "\\/").encode()

    return body


def as_text(before: str, after: str = "") -> Callable[[requests.PreparedRequest], bytes]:
    return lambda request: (before + echo(request) + after).encode()


ANSWERS: dict[str, tuple[int, Callable[[requests.PreparedRequest], bytes]]] = {
    "200 wrong key": (200, as_json(result={"error": 1, "note": ...})),
    "200 offline": (200, as_json(result={"error": "2", "message": ...})),
    "200 unknown word": (200, as_json(result={"error": ..., "sms": [{"guid": "a"}]})),
    "200 not accepted": (200, as_json(result={"error": 0, "sent": "no", "note": ..., "sms": "no rows"})),
    "200 a word for not accepted": (200, as_json(result={"error": 0, "sent": ..., "note": ..., "sms": "no rows"})),
    "200 neither": (200, as_json(result={"error": 0, "remark": ..., "sms": 1})),
    "200 html": (200, as_text("<html>")),
    "200 no envelope": (200, as_json(remark=...)),
    "200 cut off": (200, lambda request: as_json(result={"sent": "1", "note": ...})(request)[:-3]),
    "200 warning": (200, as_text("<b>Warning</b>: ", '{"result": {"error": 2}}')),
    "302": (302, as_text("moved ")),
    "400 missing": (400, as_json(success=False, message=...)),
    "400 text": (400, as_text("Bad Request ")),
    "401": (401, as_json(error="invalid_token", error_description=...)),
    "403": (403, as_json(success=False, error="invalid_apikey", message=...)),
    "403 word": (403, as_json(success=False, error=...)),
    "403 object": (403, as_json(success=False, error={"code": ..., "message": ...})),
    "404": (404, as_text("<h1>Not Found</h1>")),
    "429": (429, as_json(success=False, error=..., note=...)),
    "500": (500, as_json(success=False, error="server_error", detail=..., message=...)),
    "502": (502, as_text("Bad Gateway ")),
    "503": (503, as_json(error=..., message=...)),
}


@pytest.mark.parametrize(("answer", "operation", "auth"), each_once(ANSWERS, OPERATIONS, AUTHS))
def test_a_service_that_echoes_everything_makes_no_failure_say_it(
    service: responses.RequestsMock,
    said: Said,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    answer: str,
    operation: str,
    auth: str,
) -> None:
    status, body = ANSWERS[answer]

    def play(request: requests.PreparedRequest) -> tuple[int, dict[str, str], bytes]:
        headers = {"Location": f"/{API_KEY}/{ACCESS_TOKEN}?{echo(request)}"} if status == 302 else {}
        return status, headers, body(request)

    service.post(f"{BASE}/oauth2/token", json={"access_token": ACCESS_TOKEN})
    for method, path in PATHS:
        service.add_callback(method, BASE + path, callback=play)
    # What the service says about another account's secrets is not ours to know: each auth guards its own.
    mine = [ACCESS_TOKEN if auth == "oauth2" else API_KEY, *([MAILBOX_KEY] if operation in MAIL_OPERATIONS else [])]
    monkeypatch.setattr(sys.modules[__name__], "SECRETS", mine)
    with SMSMobileClient(AUTHS[auth](), max_retries=1) as client:
        try:
            OPERATIONS[operation](client)
        except SMSMobileError as error:
            said.errors.append(error)
    assert said.errors or status == 200
    said.printed = "".join(capsys.readouterr())
    assert_no_secret(said.everything())
    assert_nothing_personal(said.of_errors())
    assert_nothing_personal(said.of_logs())


def with_address(request: requests.PreparedRequest, reason: Exception) -> MaxRetryError:
    """urllib3's error, which holds the whole path with its query."""
    return MaxRetryError(None, request.path_url, reason)  # type: ignore[arg-type]


NETWORK: dict[str, Callable[[requests.PreparedRequest], Exception]] = {
    "refused": lambda r: requests.ConnectionError(
        with_address(r, NewConnectionError(None, f"refused {r.url}")),
        request=r,  # type: ignore[arg-type]
    ),
    "connect timeout": lambda r: requests.ConnectTimeout(with_address(r, TimeoutError("timed out")), request=r),
    "read timeout": lambda r: requests.ReadTimeout(
        ReadTimeoutError(None, r.url or "", f"Read timed out {r.url} {r.body!r}"),
        request=r,  # type: ignore[arg-type]
    ),
    "reset": lambda r: requests.ConnectionError(
        ProtocolError(f"Connection aborted {r.url}", ConnectionResetError(104, "Connection reset by peer")), request=r
    ),
    "tls": lambda r: requests.exceptions.SSLError(with_address(r, SSLError(f"bad certificate {r.url}")), request=r),
    "proxy": lambda r: requests.exceptions.ProxyError(
        with_address(r, ProxyError(f"no proxy for {r.url}", OSError(111, "refused"))), request=r
    ),
    "too many": lambda r: requests.exceptions.RetryError(with_address(r, ResponseError("too many 503")), request=r),
    "invalid url": lambda r: requests.exceptions.InvalidURL(f"what is {r.url}?", request=r),
    "chunked": lambda r: requests.exceptions.ChunkedEncodingError(f"broken {r.url} {r.body!r}", request=r),
    "anything": lambda r: requests.RequestException(f"{r.url} {r.body!r} {r.headers}", request=r, response=None),
}


@pytest.mark.parametrize(("operation", "failure", "auth"), each_once(OPERATIONS, NETWORK, AUTHS))
def test_a_network_error_that_holds_the_whole_request_makes_no_failure_say_it(
    service: responses.RequestsMock, said: Said, operation: str, failure: str, auth: str
) -> None:
    def play(request: requests.PreparedRequest) -> Any:
        raise NETWORK[failure](request)

    service.post(f"{BASE}/oauth2/token", json={"access_token": ACCESS_TOKEN})
    for method, path in PATHS:
        service.add_callback(method, BASE + path, callback=play)
    with SMSMobileClient(AUTHS[auth]()) as client, pytest.raises(SMSMobileError) as failed:
        OPERATIONS[operation](client)
    said.errors.append(failed.value)
    assert_no_secret(said.everything())
    assert_nothing_personal(said.of_errors())
    assert_nothing_personal(said.of_logs())
    assert failed.value.__cause__ is None
    assert failed.value.__context__ is None


@pytest.mark.parametrize("fail", NETWORK.values(), ids=NETWORK)
def test_a_token_request_that_fails_says_no_client_secret(
    service: responses.RequestsMock, said: Said, fail: Callable[[requests.PreparedRequest], Exception]
) -> None:
    def play(request: requests.PreparedRequest) -> Any:
        raise fail(request)

    service.add_callback("POST", f"{BASE}/oauth2/token", callback=play)
    with pytest.raises(SMSMobileError) as failed:
        SMSMobileClient(client_id=CLIENT_ID, client_secret=CLIENT_SECRET).sms.send(NUMBER, MESSAGE)
    said.errors.append(failed.value)
    assert_no_secret(said.everything())


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
def test_a_token_request_that_is_refused_says_no_client_secret(
    service: responses.RequestsMock,
    said: Said,
    monkeypatch: pytest.MonkeyPatch,
    answer: tuple[int, Callable[[requests.PreparedRequest], bytes]],
) -> None:
    status, body = answer
    monkeypatch.setattr(sys.modules[__name__], "SECRETS", [CLIENT_ID, CLIENT_SECRET])
    service.add_callback(
        "POST",
        f"{BASE}/oauth2/token",
        callback=lambda request: (status, {"Location": f"/{CLIENT_SECRET}/"} if status == 302 else {}, body(request)),
    )
    with pytest.raises(SMSMobileError) as failed:
        SMSMobileClient(client_id=CLIENT_ID, client_secret=CLIENT_SECRET, max_retries=0).sms.received()
    said.errors.append(failed.value)
    assert_no_secret(said.everything())


@pytest.mark.parametrize("token", [f"{ACCESS_TOKEN}\r\nX-Evil: 1", f"{ACCESS_TOKEN}…", f"{ACCESS_TOKEN} x"])
def test_a_token_that_no_header_can_carry_is_not_shown(service: responses.RequestsMock, said: Said, token: str) -> None:
    service.post(f"{BASE}/oauth2/token", json={"access_token": token})
    with pytest.raises(SMSMobileError) as failed:
        SMSMobileClient(client_id=CLIENT_ID, client_secret=CLIENT_SECRET).sms.received()
    said.errors.append(failed.value)
    assert_no_secret(said.everything())


FAILS = ["will_refuse_the_connection", "will_refuse_the_connection", "will_time_out_reading", "will_reset"]


@pytest.mark.parametrize(("operation", "fails", "auth"), each_once(OPERATIONS, FAILS, AUTHS))
def test_the_log_of_a_failing_call_says_that_it_tries_again_and_nothing_secret_or_personal(
    network: Any, pauses: list[float], said: Said, operation: str, fails: str, auth: str
) -> None:
    if auth == "oauth2":
        network.will_answer(200, json.dumps({"access_token": ACCESS_TOKEN}).encode())
    for _ in range(4):
        getattr(network, fails)()
    with SMSMobileClient(AUTHS[auth]()) as client, pytest.raises(SMSMobileError) as failed:
        OPERATIONS[operation](client)
    said.errors.append(failed.value)
    assert_no_secret(said.everything())
    assert_nothing_personal(said.of_logs())
    if not isinstance(failed.value, SendOutcomeUnknown):
        assert any("Trying again" in record.getMessage() for record in said.records)


@pytest.mark.parametrize(("operation", "auth"), each_once(OPERATIONS, AUTHS))
def test_a_call_that_succeeds_logs_neither_secrets_nor_numbers_nor_messages(
    network: Any, said: Said, operation: str, auth: str
) -> None:
    if auth == "oauth2":
        network.will_answer(200, json.dumps({"access_token": ACCESS_TOKEN}).encode())
    row = {"guid": "g", "number": NUMBER, "message": MESSAGE}
    network.will_answer(200, json.dumps({"result": {"error": 0, "sent": "1", "id": "g", "sms": [row]}}).encode())
    OPERATIONS[operation](SMSMobileClient(AUTHS[auth]()))
    assert any(record.name == "smsmobile" for record in said.records), "the test no longer hears us"
    assert_no_secret(said.everything())
    assert_nothing_personal(said.of_logs())


@pytest.mark.parametrize("spell", [str, lambda key: key.replace("/", "\\/")], ids=["plain", "as PHP escapes it"])
def test_a_key_that_is_echoed_in_a_good_answer_is_not_kept(
    service: responses.RequestsMock, spell: Callable[[str], str]
) -> None:
    body = f'{{"result": {{"error": 0, "sent": "1", "id": "g", "log": "key={spell(API_KEY)}"}}}}'
    service.post(f"{BASE}/sendsms/", body=body)
    sent = SMSMobileClient(api_key=API_KEY).sms.send(NUMBER, MESSAGE)
    assert_no_secret(f"{sent!r} {sent.model_dump_json()}")
    assert sent.model_extra is not None
    assert sent.model_extra["log"] == "key=***"


def test_no_object_shows_its_secrets() -> None:
    keys = {"api_key": API_KEY, "client_secret": CLIENT_SECRET, "client_id": CLIENT_ID, "mailbox_key": MAILBOX_KEY}
    settings = Settings(**keys)  # type: ignore[arg-type]
    mail = SMSMobileClient(api_key=API_KEY, mailbox_key=MAILBOX_KEY)
    objects = [
        *(SMSMobileClient(api_key=API_KEY), SMSMobileClient(client_id=CLIENT_ID, client_secret=CLIENT_SECRET)),
        *(ApiKeyAuth(API_KEY), OAuth2ClientCredentials(CLIENT_ID, CLIENT_SECRET), settings),
        *(Token(access_token=ACCESS_TOKEN), mail, mail.email, vars(mail.email)),
    ]
    for thing in objects:
        assert_no_secret(f"{thing} {thing!r} {[thing]}")


def test_a_traceback_with_the_source_of_every_frame_shows_no_secret(service: responses.RequestsMock) -> None:
    service.get(f"{BASE}/getsms/", body=requests.ConnectionError(f"{BASE}/getsms/?apikey={quote_plus(API_KEY)}"))
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    log = logging.getLogger("an application")
    log.addHandler(handler)
    try:
        SMSMobileClient(api_key=API_KEY).sms.received()
    except SMSMobileError:
        log.exception("failed")
    finally:
        log.removeHandler(handler)
    assert "ConnectionFailed" in stream.getvalue()
    assert_no_secret(stream.getvalue())


def test_the_variables_of_a_traceback_which_error_reporters_print_hold_no_secret(
    subtests: pytest.Subtests, service: responses.RequestsMock
) -> None:
    for operation, status, auth in each_once(OPERATIONS, [200, 302, 401, 403, 502], AUTHS):
        with subtests.test(operation=operation):
            service.reset()
            service.post(f"{BASE}/oauth2/token", json={"access_token": ACCESS_TOKEN})
            for method, path in PATHS:
                service.add(method, BASE + path, status=status, body="<html>", headers={"Location": "/login/"})
            with SMSMobileClient(AUTHS[auth](), max_retries=0) as client, pytest.raises(SMSMobileError) as failed:
                OPERATIONS[operation](client)
            printed = traceback.TracebackException.from_exception(failed.value, capture_locals=True).format()
            assert_no_secret("".join(printed))


def test_the_variables_of_a_failed_token_request_hold_no_secret(service: responses.RequestsMock) -> None:
    service.post(f"{BASE}/oauth2/token", status=401)
    client = SMSMobileClient(client_id=CLIENT_ID, client_secret=CLIENT_SECRET)
    with pytest.raises(SMSMobileError) as failed:
        client.sms.received()
    printed = traceback.TracebackException.from_exception(failed.value, capture_locals=True).format()
    assert_no_secret("".join(printed))


def test_a_failure_while_another_one_is_handled_says_neither(service: responses.RequestsMock, said: Said) -> None:
    service.post(f"{BASE}/sendsms/", status=502, body=API_KEY)
    service.get(f"{BASE}/log/sent/sms/", body=requests.ConnectionError(f"?apikey={API_KEY}"))
    with SMSMobileClient(api_key=API_KEY) as client:
        try:
            client.sms.send(NUMBER, MESSAGE)
        except SendOutcomeUnknown as doubt:
            with pytest.raises(SMSMobileError) as failed:
                doubt.reconcile()
            said.errors.append(failed.value)
    assert isinstance(said.errors[0].__context__, SendOutcomeUnknown)
    assert_no_secret(said.everything())
    assert_nothing_personal(said.of_errors())
