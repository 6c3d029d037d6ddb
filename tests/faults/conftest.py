"""Fixtures of the fault tests: certificates, the two servers, and a call that searches all output for secrets."""

from __future__ import annotations

import logging
import pickle
import socket
import ssl
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import trustme

from smsmobile import SMSMobileClient, SMSMobileError
from smsmobile.sandbox import Sandbox

from .flaky_server import FlakyServer
from .raw_server import API_KEY, CLIENT_SECRET, PATIENT, PROXY_PASSWORD, TEXT, TO, TOKENS, RawServer, Script

SECRETS = (API_KEY, CLIENT_SECRET, PROXY_PASSWORD, *TOKENS)
PERSONAL = (TO.lstrip("+"), TEXT, TEXT.replace(" ", "+"))


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="session")
def bundle(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tls") / "authority.pem"
    authority.cert_pem.write_to_path(str(path))
    return path


@pytest.fixture
def trusted(bundle: Path, _clean_environment: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Clients that this test makes trust the certificates of `tls`."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(bundle))


@pytest.fixture(scope="session")
def tls_for(authority: trustme.CA) -> Callable[[str], ssl.SSLContext]:
    """Makes the TLS context of a server with a certificate for this name."""

    def make(name: str) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(name).configure_cert(context)
        return context

    return make


@pytest.fixture(scope="session")
def _tls_here(tls_for: Callable[[str], ssl.SSLContext]) -> ssl.SSLContext:
    return tls_for("127.0.0.1")


@pytest.fixture
def tls(_tls_here: ssl.SSLContext, trusted: None) -> ssl.SSLContext:
    return _tls_here


@pytest.fixture(params=["http", "https"])
def raw_server(request: pytest.FixtureRequest) -> Callable[..., RawServer]:
    """Makes a raw server, over HTTP and over HTTPS."""
    context = request.getfixturevalue("tls") if request.param == "https" else None

    def make(*scripts: Script, **options: Any) -> RawServer:
        return RawServer(*scripts, tls=context, **options)

    return make


@pytest.fixture(params=["over HTTP", "without a socket"])
def flaky(request: pytest.FixtureRequest) -> Iterator[FlakyServer]:
    """A sandbox whose faults can be switched on, and its client."""
    box = Sandbox(api_key=API_KEY)
    options: dict[str, Any] = (
        {"base_url": box.start().url} if request.param == "over HTTP" else {"session": box.session()}
    )
    with SMSMobileClient(api_key=API_KEY, timeout=PATIENT, max_retries=3, **options) as client:
        yield FlakyServer(box, client)
    box.close()


@pytest.fixture
def closed_sockets(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Closes the sockets of this test: some libraries leave theirs to the garbage collector, and so to another test."""
    made: list[socket.socket] = []

    class Socket(socket.socket):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            made.append(self)

    monkeypatch.setattr(socket, "socket", Socket)
    yield
    for each in made:
        each.close()


class _Listener(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(self.format(record))


@contextmanager
def _everything_logged() -> Iterator[list[str]]:
    root, listener = logging.getLogger(), _Listener()
    level = root.level
    root.addHandler(listener)
    root.setLevel(logging.DEBUG)
    try:
        yield listener.said
    finally:
        root.removeHandler(listener)
        root.setLevel(level)


def _try(call: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    said: list[str]
    with _everything_logged() as said:
        try:
            outcome = call(*arguments, **options)
        except SMSMobileError as error:
            outcome = error
    if isinstance(outcome, SMSMobileError):
        assert outcome.__cause__ is None
        assert outcome.__context__ is None
        printed = [str(outcome), repr(outcome), *traceback.format_exception(outcome)]
        variables = "".join(traceback.TracebackException.from_exception(outcome, capture_locals=True).format())
        assert not any(secret in variables for secret in SECRETS), variables
        assert not any(secret.encode() in pickle.dumps(outcome) for secret in SECRETS)
    else:
        printed = [str(outcome), repr(outcome)] if not isinstance(outcome, list) else []
    for text in [*printed, *said]:
        assert not any(secret in text for secret in SECRETS), text
        assert isinstance(outcome, list) or not any(detail in text for detail in PERSONAL), text
    return outcome


@pytest.fixture(scope="session")
def outcome_of() -> Callable[..., Any]:
    """Makes a call and returns its result or its SMSMobileError; any other exception fails the test.

    The test also fails if a secret shows up in `str`, `repr`, the traceback (with the variables of each frame, as error
    reporters print it), the pickle, or a DEBUG log record, or if a text holds a phone number or a message.
    """
    return _try
