"""Settings of a web framework: where each value comes from, and the client that they make."""

from __future__ import annotations

import traceback
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from smsmobile import ConfigurationError, SMSMobileClient
from smsmobile.contrib._offline import RecordedSMS, print_sms
from smsmobile.contrib._settings import SANDBOX_KEY, SANDBOX_URL, WebSettings
from smsmobile.sandbox.__main__ import API_KEY, PORT
from smsmobile.testing import activate

KEY = "0123456789abcdef0123456789abcdef0123456789abcdef"


def settings(**values: Any) -> WebSettings:
    return WebSettings(values, "SMSMOBILE['{}']")


def ignore(sms: RecordedSMS) -> None:
    raise AssertionError


def key_of(client: SMSMobileClient) -> str:
    key: str = client._settings.api_key.get_secret_value()  # type: ignore[union-attr]
    return key


# --- where a value comes from -------------------------------------------------------------------------------


def test_a_value_comes_from_the_framework_then_the_environment_then_a_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("SMSMOBILEAPI_BACKEND=console\nSMSMOBILEAPI_DEVICE_SID=of-the-file\n")
    assert settings().get("BACKEND") == "console"
    monkeypatch.setenv("SMSMOBILEAPI_BACKEND", "locmem")
    assert settings().get("BACKEND") == "locmem"
    assert settings(BACKEND="sandbox").get("BACKEND") == "sandbox"
    assert settings().get("DEVICE") == "of-the-file"
    assert settings().get("MAILBOX_KEY") is None


def test_an_empty_variable_counts_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMSMOBILEAPI_BACKEND", "")
    assert settings().get("BACKEND") is None
    assert settings().backend == "live"


def test_missing_credentials_are_named_as_the_framework_does(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"set SMSMOBILE\['API_KEY'\], or the variable SMSMOBILEAPI_API_KEY"):
        settings().client("live", ignore)


def test_an_unknown_backend_is_refused_under_the_name_of_the_framework() -> None:
    with pytest.raises(ConfigurationError) as caught:
        _ = settings(BACKEND="memory").backend
    assert str(caught.value) == "SMSMOBILE['BACKEND'] is 'memory'; expected one of live, console, locmem, sandbox."


@pytest.mark.parametrize(
    ("given", "secrets"),
    [
        (None, []),
        ("one", ["one"]),
        (b"one", [b"one"]),
        (SecretStr("one"), [SecretStr("one")]),
        (["old", "new"], ["old", "new"]),
        (("old", "new"), ["old", "new"]),
    ],
)
def test_a_webhook_has_one_secret_or_several(given: Any, secrets: list[Any]) -> None:
    assert settings(WEBHOOK_SECRET=given).webhook_secrets == secrets


@pytest.mark.parametrize(
    ("values", "has"),
    [
        ({}, False),
        ({"API_KEY": KEY}, True),
        ({"CLIENT_ID": "id"}, False),
        ({"CLIENT_ID": "id", "CLIENT_SECRET": "secret"}, True),
    ],
)
def test_credentials_are_a_key_or_a_pair(values: dict[str, str], has: bool) -> None:
    assert settings(**values).has_credentials is has


def test_settings_are_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    given = settings(API_KEY=KEY, BACKEND="memory")
    assert repr(given) == "<WebSettings: API_KEY, BACKEND>"
    for fail in (lambda: given.backend, lambda: settings(API_KEY=KEY, TIMEOUT="soon").client("live", ignore)):
        with pytest.raises(ConfigurationError) as caught:
            fail()
        shown = "".join(traceback.TracebackException.from_exception(caught.value, capture_locals=True).format())
        assert KEY not in shown


# --- the client ---------------------------------------------------------------------------------------------


def test_the_live_client_has_all_settings_of_the_framework() -> None:
    values = {"API_KEY": KEY, "BASE_URL": "https://sms.example", "TIMEOUT": 5, "MAX_RETRIES": 1, "DEVICE": "a-phone"}
    with settings(**values, BACKEND="live", WEBHOOK_SECRET="another", DEFAULT_REGION="FR").client(
        "live", ignore
    ) as client:
        found = client._settings
    assert (found.base_url, found.timeout, found.max_retries) == ("https://sms.example", (5.0, 5.0), 1)
    assert (found.device, found.default_region) == ("a-phone", "FR")
    assert key_of(client) == KEY


@pytest.mark.parametrize("backend", ["live", "sandbox"])
def test_a_client_of_a_request_handler_gives_up_early_unless_it_is_told_otherwise(
    backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def limits(**values: Any) -> tuple[Any, int]:
        with settings(API_KEY=KEY, **values).client(backend, ignore) as client:
            return client._settings.timeout, client._settings.max_retries

    assert limits() == ((3.0, 10.0), 0)
    assert limits(TIMEOUT=(1, 2), MAX_RETRIES=3) == ((1.0, 2.0), 3)
    monkeypatch.setenv("SMSMOBILEAPI_TIMEOUT", "5,30")
    monkeypatch.setenv("SMSMOBILEAPI_MAX_RETRIES", "2")
    assert limits() == ((5.0, 30.0), 2)


def test_a_wrong_variable_is_named_as_it_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMSMOBILEAPI_TIMEOUT", "soon")
    with pytest.raises(ConfigurationError, match=r"^SMSMOBILEAPI_TIMEOUT must be"):
        settings(API_KEY=KEY).client("live", ignore)


def test_credentials_of_the_framework_replace_those_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMSMOBILEAPI_CLIENT_ID", "an-id")
    monkeypatch.setenv("SMSMOBILEAPI_CLIENT_SECRET", "a-secret")
    with settings(API_KEY=KEY).client("live", ignore) as client:
        assert key_of(client) == KEY


def test_the_sandbox_is_the_one_that_is_started_by_hand_and_gets_nothing_of_the_account(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert (f"http://127.0.0.1:{PORT}", API_KEY) == (SANDBOX_URL, SANDBOX_KEY)
    for name in ("CLIENT_ID", "CLIENT_SECRET", "DEVICE_SID", "MAILBOX_KEY"):
        monkeypatch.setenv(f"SMSMOBILEAPI_{name}", f"the real {name}")
    monkeypatch.setenv("SMSMOBILEAPI_BASE_URL", "https://sms.example")
    with settings(API_KEY=KEY, DEVICE="a-phone").client("sandbox", ignore) as client:
        found = client._settings
    assert (found.base_url, found.device, found.mailbox_key, found.client_id) == (SANDBOX_URL, None, None, None)
    assert key_of(client) == SANDBOX_KEY


def test_the_sandbox_can_be_at_another_address(monkeypatch: pytest.MonkeyPatch) -> None:
    def address(**values: str) -> str:
        with settings(**values).client("sandbox", ignore) as client:
            return client._settings.base_url

    monkeypatch.setenv("SMSMOBILEAPI_BASE_URL", "http://127.0.0.1:9001")
    assert address() == "http://127.0.0.1:9001"
    assert address(BASE_URL="http://127.0.0.1:9002") == "http://127.0.0.1:9002"


@pytest.mark.parametrize("backend", ["console", "locmem"])
@pytest.mark.parametrize("source", ["framework", "environment"])
def test_a_client_that_sends_nothing_reads_numbers_as_the_live_one(
    backend: str, source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded: list[RecordedSMS] = []
    values = {"DEFAULT_REGION": "FR", "DEVICE": "a-phone"} if source == "framework" else {}
    if source == "environment":
        monkeypatch.setenv("SMSMOBILEAPI_DEFAULT_REGION", "FR")
        monkeypatch.setenv("SMSMOBILEAPI_DEVICE_SID", "a-phone")
    with settings(**values).client(backend, recorded.append) as client:
        client.sms.send("06 39 98 12 34", "Bonjour")
    assert [(sms.recipient, sms.device) for sms in recorded] == [("+33639981234", "a-phone")]


# --- webhooks -----------------------------------------------------------------------------------------------


def test_the_sandbox_signs_with_the_first_secret_or_puts_the_token_into_the_url() -> None:
    url = "http://127.0.0.1:8000/sms/webhook"
    for given in ("a-secret", ["a-secret", "an-older-one"], SecretStr("a-secret")):
        words = settings(WEBHOOK_SECRET=given).webhook_of_sandbox(url)
        assert words == [f"--webhook={url}", "--webhook-secret=a-secret"]
    for path in ("", "/"):
        words = settings(WEBHOOK_URL_TOKEN=SecretStr("a-token")).webhook_of_sandbox(url + path)
        assert words == [f"--webhook={url}/a-token"]
    assert settings().webhook_of_sandbox(url) == []


# --- the console --------------------------------------------------------------------------------------------


def test_the_console_shows_a_message_with_all_that_matters(capsys: pytest.CaptureFixture[str]) -> None:
    at = datetime(2026, 12, 24, 18, tzinfo=timezone.utc)
    line = "-" * 79
    print_sms(RecordedSMS("+33639981234", "Bonjour", "a-guid"))
    assert capsys.readouterr().out == f"{line}\nsms to +33639981234\n\nBonjour\n{line}\n"
    later = RecordedSMS("+33639981234", "Bonjour", "a-guid", channel="whatsapp", schedule_at=at)
    print_sms(later)
    assert "whatsapp to +33639981234, at 2026-12-24 18:00:00 UTC\n\nBonjour" in capsys.readouterr().out


# --- tests --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("given", ["live", "console", "locmem"])
def test_in_tests_messages_are_recorded(given: str) -> None:
    assert settings(BACKEND=given).backend_of_tests == "locmem"


@pytest.mark.parametrize("given", ["live", "locmem", "sandbox"])
def test_a_sandbox_that_a_test_has_activated_gets_the_messages(given: str) -> None:
    found = settings(BACKEND=given, API_KEY=KEY, BASE_URL="https://api.smsmobileapi.com", DEVICE="of-the-account")
    with activate() as box, found.client(found.backend_of_tests, ignore) as client:
        client.sms.send("+33639981234", "Bonjour")
        assert [sms.message for sms in box.phone.outbox] == ["Bonjour"]
