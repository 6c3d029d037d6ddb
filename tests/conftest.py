"""What every test needs: no proxy of this machine, no waiting, and a client of a service that `responses` plays."""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
import responses as responses_library

from smsmobile import SMSMobileClient

# Failing assertions in rules show their values, as those in tests do. Several folders use the rules.
pytest.register_assert_rewrite(
    *(f"tests.stores.{kind}_rules" for kind in ("event", "journal", "suppression", "token")),
    "tests.stores.journal_machine",
    "tests.contrib.server_rules",
)

# A shell lets what it runs in the background ignore Ctrl-C, and programs that tests start and interrupt inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

API_KEY = "0123456789abcdef0123456789abcdef0123456789abcdef"
BASE_URL = "https://api.smsmobileapi.com"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs a PostgreSQL or a Redis: `make test` runs the same rules on SQLite and in memory."""
    for item in items:
        if item.nodeid.startswith(("tests/stores", "tests/contrib/django", "tests/integration")) and re.search(
            "postgresql|redis", item.nodeid, re.IGNORECASE
        ):
            item.add_marker("servers")


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    """No settings, proxies or `.env` of this machine."""
    for name in list(os.environ):
        if name.startswith("SMSMOBILEAPI_") or name.lower().endswith("_proxy") or name.endswith("_CA_BUNDLE"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(str(tmp_path))


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that retries would have waited; nothing waits."""
    waited: list[float] = []
    monkeypatch.setattr("urllib3.util.retry.time", SimpleNamespace(sleep=waited.append, time=time.time))
    return waited


@pytest.fixture
def service() -> Iterator[responses_library.RequestsMock]:
    """The service's side of the wire; a request that was not foreseen fails."""
    with responses_library.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


@pytest.fixture
def client() -> Iterator[SMSMobileClient]:
    """A client with an API key."""
    with SMSMobileClient(api_key=API_KEY) as client:
        yield client
