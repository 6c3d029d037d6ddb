"""Settings: argument, then environment variable, then `.env`. A bad value is refused under its user's name for it."""

from __future__ import annotations

import copy
import dataclasses
import os
import pickle
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import pytest
from pydantic import SecretStr
from requests.auth import HTTPBasicAuth

from smsmobile import ConfigurationError, Settings, SMSMobileClient

from .cases import each_once

KEY = "0123456789abcdef0123456789abcdef0123456789abcdef"
VARIABLES: list[tuple[str, str, str, object]] = [
    ("api_key", "API_KEY", KEY, KEY),
    ("client_id", "CLIENT_ID", "an-id", "an-id"),
    ("client_secret", "CLIENT_SECRET", "a-secret", "a-secret"),
    ("base_url", "BASE_URL", "https://sms.example/api/", "https://sms.example/api"),
    ("timeout", "TIMEOUT", "3, 20", (3.0, 20.0)),
    ("timeout", "TIMEOUT", "7", (7.0, 7.0)),
    ("max_retries", "MAX_RETRIES", "0", 0),
    ("default_region", "DEFAULT_REGION", "fr", "FR"),
    ("recipient", "RECIPIENT", "+33639985678", "+33639985678"),
    ("device", "DEVICE_SID", "SID-1", "SID-1"),
    ("mailbox_key", "MAILBOX_KEY", "a-box", "a-box"),
    ("webhook_secret", "WEBHOOK_SECRET", "a-hook", "a-hook"),
]


def plain(value: object) -> object:
    return value.get_secret_value() if isinstance(value, SecretStr) else value


def refusal(**values: Any) -> str:
    with pytest.raises(ConfigurationError) as refused:
        Settings(**values)
    return str(refused.value)


# --- where values come from -------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "suffix", "written", "value"), VARIABLES)
def test_every_setting_has_a_variable(
    monkeypatch: pytest.MonkeyPatch, name: str, suffix: str, written: str, value: object
) -> None:
    monkeypatch.setenv(f"SMSMOBILEAPI_{suffix}", written)
    assert plain(getattr(Settings.from_env(), name)) == value


def test_every_setting_can_stand_in_the_file(subtests: pytest.Subtests) -> None:
    for name, suffix, written, value in VARIABLES:
        with subtests.test(name=name):
            Path(".env").write_text(f'SMSMOBILEAPI_{suffix}="{written}"\n')
            assert plain(getattr(Settings.from_env(), name)) == value


def test_an_argument_comes_before_the_environment_and_that_before_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").write_text("SMSMOBILEAPI_TIMEOUT=1\nSMSMOBILEAPI_MAX_RETRIES=1\nSMSMOBILEAPI_DEVICE_SID=file\n")
    monkeypatch.setenv("SMSMOBILEAPI_TIMEOUT", "2")
    monkeypatch.setenv("SMSMOBILEAPI_MAX_RETRIES", "2")
    settings = Settings.from_env(timeout=3)
    assert (settings.timeout, settings.max_retries, settings.device) == ((3.0, 3.0), 2, "file")


def test_an_argument_of_none_is_no_argument(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMSMOBILEAPI_API_KEY", KEY)
    assert plain(Settings.from_env(api_key=None).api_key) == KEY


def test_an_empty_variable_counts_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").write_text(f"SMSMOBILEAPI_API_KEY={KEY}\nSMSMOBILEAPI_TIMEOUT=\nSMSMOBILEAPI_DEVICE_SID\n")
    monkeypatch.setenv("SMSMOBILEAPI_API_KEY", "")
    settings = Settings.from_env()
    assert plain(settings.api_key) == KEY
    assert settings.timeout == (5.0, 30.0)
    assert settings.device is None


def test_the_file_is_found_upwards_from_the_working_directory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(f"SMSMOBILEAPI_API_KEY={KEY}\n")
    (tmp_path / "a" / "b").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "a" / "b")
    assert plain(Settings.from_env().api_key) == KEY


@pytest.mark.parametrize("kind", [str, Path])
def test_another_file_can_be_named(tmp_path: Path, kind: Any) -> None:
    (tmp_path / ".env").write_text("SMSMOBILEAPI_API_KEY=of-the-first-file\n")
    other = tmp_path / "production.env"
    other.write_text(f"export SMSMOBILEAPI_API_KEY='{KEY}'  # a comment\n")
    assert plain(Settings.from_env(kind(other)).api_key) == KEY


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    for path in (tmp_path / "nowhere.env", tmp_path, str(tmp_path / "production.env")):
        with pytest.raises(ConfigurationError, match="does not exist, or is a folder; check dotenv_path") as refused:
            Settings.from_env(path)
        assert repr(os.fspath(path)) in str(refused.value)


def test_a_key_in_the_place_of_the_file_is_not_shown() -> None:
    with pytest.raises(
        ConfigurationError, match=r"does not exist, or is a folder; check dotenv_path.* a key is passed as api_key="
    ) as e:
        SMSMobileClient.from_env(KEY)
    assert KEY not in str(e.value)


@pytest.mark.parametrize("path", ["", 7, {"a": 1}, "a\0b"])
def test_what_can_be_no_file_is_refused(path: Any) -> None:
    with pytest.raises(ConfigurationError, match="dotenv_path"):
        Settings.from_env(path)


def test_a_file_that_is_not_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "x.env").write_bytes(b"SMSMOBILEAPI_API_KEY=\xff\xfe")
    with pytest.raises(ConfigurationError, match=r"x\.env' cannot be read: it is not UTF-8") as refused:
        Settings.from_env(tmp_path / "x.env")
    assert refused.value.__cause__ is refused.value.__context__ is None


def of_latin_1(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes("SMSMOBILEAPI_DEVICE_SID=Café".encode("latin-1"))


def of_a_folder_that_is_gone(tmp_path: Path) -> None:
    (tmp_path / "gone").mkdir()
    os.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()


TROUBLES = [(of_latin_1, r"\.env' cannot be read: it is not UTF-8")]
if sys.platform != "win32":  # where the working directory cannot be removed
    TROUBLES += [(of_a_folder_that_is_gone, "The working directory does not exist any more")]


@pytest.mark.parametrize(("make", "said"), TROUBLES)
def test_a_file_that_cannot_be_read_does_not_matter_where_the_environment_suffices(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    make: Callable[[Path], None],
    said: str,
) -> None:
    make(tmp_path)
    SMSMobileClient.from_env(api_key=KEY).close()
    monkeypatch.setenv("SMSMOBILEAPI_API_KEY", KEY)
    SMSMobileClient.from_env().close()
    assert re.search(said, caplog.text), "a setting in that file may be missed later"


@pytest.mark.parametrize(("make", "said"), TROUBLES)
@pytest.mark.parametrize("timeout", [None, "5"])
def test_a_file_that_cannot_be_read_is_named_where_something_is_missing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, make: Callable[[Path], None], said: str, timeout: str | None
) -> None:
    if timeout:
        monkeypatch.setenv("SMSMOBILEAPI_TIMEOUT", timeout)
    make(tmp_path)
    with pytest.raises(ConfigurationError, match=said):
        SMSMobileClient.from_env()


def test_a_url_in_a_file_that_was_found_is_for_the_credentials_in_it_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("SMSMOBILEAPI_BASE_URL=https://evil.example\n")
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "project")
    monkeypatch.setenv("SMSMOBILEAPI_API_KEY", KEY)
    with pytest.raises(ConfigurationError, match=r"BASE_URL in '.*\.env' would redirect SMSMOBILEAPI_API_KEY, which"):
        SMSMobileClient.from_env()


@pytest.mark.parametrize("name", ["api_key", "client_id", "client_secret", "mailbox_key"])
def test_no_credential_from_elsewhere_goes_to_the_url_of_a_file_that_was_found(name: str) -> None:
    Path(".env").write_text("SMSMOBILEAPI_BASE_URL=https://evil.example\nSMSMOBILEAPI_WEBHOOK_SECRET=x\n")
    with pytest.raises(ConfigurationError, match=f"would redirect {name}, which that file does not contain"):
        Settings.from_env(**{name: "x"})


def test_an_authentication_does_not_go_to_the_url_of_a_file_that_was_found() -> None:
    Path(".env").write_text("SMSMOBILEAPI_BASE_URL=https://evil.example\n")
    with pytest.raises(ConfigurationError, match="would redirect auth, which"):
        Settings.from_env(auth=BASIC)


def test_a_url_and_credentials_of_one_place_belong_together(monkeypatch: pytest.MonkeyPatch) -> None:
    url, named = "https://sms.example", Path("production.env")
    Path(".env").write_text(f"SMSMOBILEAPI_BASE_URL={url}\nSMSMOBILEAPI_API_KEY={KEY}\n")
    named.write_text(f"SMSMOBILEAPI_BASE_URL={url}\n")
    assert Settings.from_env().base_url == url
    assert Settings.from_env(api_key=KEY, base_url="https://other.example").base_url == "https://other.example"
    assert Settings.from_env(named, api_key=KEY).base_url == url, "a file that was named was meant"
    monkeypatch.setenv("SMSMOBILEAPI_BASE_URL", "https://other.example")
    assert Settings.from_env().base_url == "https://other.example"
    assert Settings.from_env(api_key=KEY).base_url == "https://other.example"


def test_the_service_itself_is_a_url_for_everybody() -> None:
    Path(".env").write_text("SMSMOBILEAPI_BASE_URL=https://api.smsmobileapi.com/\n")
    assert Settings.from_env(api_key=KEY).base_url == "https://api.smsmobileapi.com"


def test_the_environment_is_not_changed() -> None:
    Path(".env").write_text(f"SMSMOBILEAPI_API_KEY={KEY}\nSMSMOBILEAPI_TIMEOUT=9\nELSE=1\n")
    before = dict(os.environ)
    SMSMobileClient.from_env().close()
    assert dict(os.environ) == before


def test_variables_of_others_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_KEY", KEY)
    monkeypatch.setenv("SMSMOBILEAPI_SOMETHING_NEW", "x")
    assert Settings.from_env().api_key is None


def test_credentials_as_arguments_replace_all_of_the_environments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMSMOBILEAPI_API_KEY", KEY)
    monkeypatch.setenv("SMSMOBILEAPI_TIMEOUT", "9")
    settings = Settings.from_env(client_id="an-id", client_secret="a-secret")
    assert settings.api_key is None
    assert settings.timeout == (9.0, 9.0)
    assert "OAuth2ClientCredentials" in repr(SMSMobileClient.from_env(client_id="an-id", client_secret="a-secret"))
    assert "HTTPBasicAuth" in repr(SMSMobileClient.from_env(auth=HTTPBasicAuth("a", "b")))


def test_a_setting_that_does_not_exist_is_named() -> None:
    with pytest.raises(ConfigurationError, match=r"Unknown setting 'apikey'; expected one of auth, api_key, client_id"):
        Settings.from_env(apikey=KEY)


@pytest.mark.parametrize("name", ["apikey", "recipient", "webhook_secret"])
def test_an_argument_that_the_client_would_ignore_is_refused(name: str) -> None:
    with pytest.raises(
        ConfigurationError, match=f"no argument '{name}'; expected one of session, paths, auth, api_key"
    ):
        SMSMobileClient.from_env(**{"api_key": KEY, name: "x"})  # type: ignore[typeddict-item]


# --- what values may be -----------------------------------------------------------------------------------


CREDENTIALS = ["api_key", "client_id", "client_secret", "mailbox_key", "webhook_secret"]
BAD_CREDENTIALS: list[tuple[object, str]] = [
    ("", "is empty"),
    ("   ", "is empty"),
    ("top-secret\n", "contains a line break or a control character, or has spaces around it"),
    (" top-secret", "spaces around it"),
    ("top\rsecret", "contains a line break"),
    ("top\x00secret", "a control character"),
    ("top\x1bsecret", "a control character"),
    (b"top-secret", "is of type bytes"),
    (SecretStr(""), "is empty"),
    (
        '"top-secret"',
        "is in quotes; remove them. A shell and a .env file drop quotes, but Docker's --env-file does not",
    ),
    ("'top-secret'", "is in quotes"),
    ("“top-secret”", "is in quotes"),
    ("`top-secret`", "is in quotes"),
]


def test_a_bad_credential_is_named_and_not_shown(subtests: pytest.Subtests) -> None:
    for case, name in each_once(BAD_CREDENTIALS, CREDENTIALS):
        with subtests.test(case=case):
            value, reason = case
            said = refusal(**{name: value})
            assert said.startswith(f"{name} ")
            assert reason in said
            assert "top" not in said


MALFORMED = [
    ("API_KEY", " "),
    ("CLIENT_SECRET", "top-secret\nsecond line"),
    ("WEBHOOK_SECRET", "top-secret "),
    ("BASE_URL", "http://sms.example"),
    ("BASE_URL", "https://user:top-secret@sms.example"),
    ("TIMEOUT", "soon"),
    ("TIMEOUT", "0"),
    ("MAX_RETRIES", "-1"),
    ("MAX_RETRIES", "three"),
    ("DEFAULT_REGION", "France"),
    ("RECIPIENT", "\x07"),
    ("DEVICE_SID", "   "),
]


@pytest.mark.parametrize(("suffix", "value"), MALFORMED)
def test_a_malformed_value_names_its_variable_and_never_a_secret(
    monkeypatch: pytest.MonkeyPatch, suffix: str, value: str
) -> None:
    monkeypatch.setenv(f"SMSMOBILEAPI_{suffix}", value)
    with pytest.raises(ConfigurationError, match=f"SMSMOBILEAPI_{suffix}") as refused:
        SMSMobileClient.from_env()
    assert "top-secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("timeout", "pair"),
    [(5, (5.0, 5.0)), (0.5, (0.5, 0.5)), ((3, 27), (3.0, 27.0)), ([3, 27.5], (3.0, 27.5)), ("3,27", (3.0, 27.0))],
)
def test_a_timeout_is_one_number_or_two(timeout: Any, pair: tuple[float, float]) -> None:
    assert Settings(timeout=timeout).timeout == pair


@pytest.mark.parametrize(
    "timeout",
    [
        *(None, 0, -1, "", "5,", "1,2,3", (), (1, 2, 3), (5, None), (5, 0), True, (True, 5), float("nan"), {}),
        *(float("inf"), pytest.param(10**400, id="huge"), (5, 1e300)),  # a socket raises OverflowError for the last
    ],
)
def test_no_timeout_lets_a_request_wait_for_ever(timeout: Any) -> None:
    assert "timeout must be one or two numbers above 0" in refusal(timeout=timeout)


def test_retries_are_a_whole_number(subtests: pytest.Subtests) -> None:
    for retries in [-1, 1.5, "", "x", None, True, [3]]:
        with subtests.test(retries=retries):
            assert refusal(max_retries=retries) == "max_retries must be a whole number, 0 or more."


def test_a_region_is_a_country_of_two_letters(subtests: pytest.Subtests) -> None:
    for region in ["", "F", "FRA", "33", "F1", "ÉÉ", 33, ["FR"]]:
        with subtests.test(region=region):
            assert refusal(default_region=region).startswith("default_region must be a country code of two letters")


@pytest.mark.parametrize("name", ["recipient", "device"])
def test_quotes_are_no_part_of_a_setting(name: str) -> None:
    assert refusal(**{name: '"SID-1"'}).startswith(f"{name} is in quotes; remove them.")


@pytest.mark.parametrize(("value", "name"), each_once(["", " ", "a\nb", 7], ["recipient", "device"]))
def test_a_recipient_or_device_is_one_line(name: str, value: Any) -> None:
    assert refusal(**{name: value}).startswith(f"{name} is empty or contains a line break")


def test_a_file_that_the_system_does_not_let_us_read_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def refused(*_: object, **__: object) -> NoReturn:
        raise PermissionError(13, "Permission denied")

    (tmp_path / ".env").write_text(f"SMSMOBILEAPI_API_KEY={KEY}")
    monkeypatch.setattr("smsmobile._dotenv.dotenv_values", refused)
    with pytest.raises(ConfigurationError, match=r"\.env' cannot be read: Permission denied"):
        Settings.from_env()


def test_settings_are_the_same_from_wherever_they_come(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMSMOBILEAPI_API_KEY", KEY)
    from_env, from_arguments = Settings.from_env(), Settings(api_key=SecretStr(KEY))
    assert from_env == from_arguments
    assert repr(from_env) == repr(from_arguments)


def test_settings_cannot_be_pickled_or_copied() -> None:
    settings = Settings(api_key=SecretStr(KEY))
    for leak in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="Settings holds secrets and cannot be pickled or copied"):
            leak(settings)
    assert plain(dataclasses.replace(settings, max_retries=0).api_key) == KEY


def test_settings_show_no_secret_and_do_not_change() -> None:
    settings = Settings(
        api_key=SecretStr(KEY),
        client_secret="top-secret-1",
        mailbox_key="top-secret-2",
        webhook_secret="top-secret-3",  # type: ignore[arg-type]
    )
    for text in (repr(settings), str(settings)):
        assert KEY not in text
        assert "top-secret" not in text
    with pytest.raises(AttributeError):
        settings.timeout = (1, 1)  # type: ignore[misc]


# --- credentials ------------------------------------------------------------------------------------------

BASIC = HTTPBasicAuth("user", "top-secret")
EXPECTED = "expected exactly one of auth, api_key, or client_id together with client_secret"


def test_exactly_one_form_of_credentials_is_expected(subtests: pytest.Subtests) -> None:
    for given, got in [
        ({}, "got none"),
        ({"client_id": "top-secret"}, "got client_id;"),
        ({"client_secret": "top-secret"}, "got client_secret;"),
        ({"api_key": "top-secret", "client_id": "x"}, "got api_key and client_id;"),
        (
            {"api_key": "top-secret", "client_id": "x", "client_secret": "top-secret"},
            "got api_key and client_id and client_secret;",
        ),
        ({"auth": BASIC, "api_key": "top-secret"}, "got auth and api_key;"),
        ({"auth": BASIC, "client_id": "x", "client_secret": "top-secret"}, "got auth and client_id and client_secret;"),
    ]:
        with subtests.test(given=given):
            with pytest.raises(ConfigurationError) as refused:
                SMSMobileClient(**given)
            assert got in str(refused.value)
            assert EXPECTED in str(refused.value)
            assert "top-secret" not in str(refused.value)


def test_credentials_that_contradict_each_other_are_named_by_their_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMSMOBILEAPI_API_KEY", KEY)
    Path(".env").write_text("SMSMOBILEAPI_CLIENT_ID=x\n")
    with pytest.raises(ConfigurationError, match="got SMSMOBILEAPI_API_KEY and SMSMOBILEAPI_CLIENT_ID;"):
        SMSMobileClient.from_env()


def test_without_any_credentials_the_error_says_where_they_are_read_from() -> None:
    with pytest.raises(ConfigurationError, match="SMSMOBILEAPI_API_KEY, or SMSMOBILEAPI_CLIENT_ID and"):
        SMSMobileClient.from_env()


def test_without_any_credentials_the_error_says_what_was_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=f"It found no .env in '{tmp_path}' or above"):
        SMSMobileClient.from_env()
    Path(".env").write_text("SMSMOBILEAPI_TIMEOUT=5\n")
    with pytest.raises(ConfigurationError, match=rf"got none.* It read the file '{tmp_path}/\.env'\.$"):
        SMSMobileClient.from_env()
    Path("production.env").write_text("")
    with pytest.raises(ConfigurationError, match=r"It read the file 'production\.env'\.$"):
        SMSMobileClient.from_env("production.env")
    with pytest.raises(ConfigurationError) as refused:
        SMSMobileClient()
    assert "It read" not in str(refused.value)


@pytest.mark.parametrize(
    ("variable", "meant"),
    [
        ("SMSMOBILEAPI_APIKEY", "SMSMOBILEAPI_API_KEY"),
        ("SMSMOBILEAPI_KEY", "SMSMOBILEAPI_API_KEY"),
        ("SMSMOBILE_API_KEY", "SMSMOBILEAPI_API_KEY"),
        ("smsmobileapi_api_key", "SMSMOBILEAPI_API_KEY"),
        ("SMSMOBILEAPI_API_KEY ", "SMSMOBILEAPI_API_KEY"),
        ("SMSMOBILEAPI_CLIENTID", "SMSMOBILEAPI_CLIENT_ID"),
    ],
)
def test_a_variable_that_is_nearly_right_is_pointed_out(
    monkeypatch: pytest.MonkeyPatch, variable: str, meant: str
) -> None:
    monkeypatch.setenv(variable, KEY)
    with pytest.raises(ConfigurationError, match=f"'{variable}' is set; did you mean {meant}\\?") as refused:
        SMSMobileClient.from_env()
    assert KEY not in str(refused.value)


def test_a_variable_of_the_file_that_is_nearly_right_is_pointed_out_and_a_key_alone_on_a_line_is_not() -> None:
    Path(".env").write_text(f"SMSMOBILEAPI_APIKEY={KEY}\n{KEY}\nSMSMOBILEAPI_TIMEOUT=5\n")
    with pytest.raises(ConfigurationError, match="'SMSMOBILEAPI_APIKEY' is set; did you mean") as refused:
        SMSMobileClient.from_env()
    assert KEY not in str(refused.value)
    assert "SMSMOBILEAPI_TIMEOUT" not in str(refused.value)


def test_a_variable_of_another_setting_is_no_misspelling() -> None:
    Path(".env").write_text("SMSMOBILEAPI_RECIPIENT=\nSMSMOBILEAPI_DEVICE_SID=abc\nSMSMOBILEAPI_MAILBOX_KEY=abc\n")
    with pytest.raises(ConfigurationError, match="Credentials: got none") as refused:
        SMSMobileClient.from_env()
    assert "did you mean" not in str(refused.value)


def test_a_variable_that_nobody_has_filled_in_is_pointed_out() -> None:
    Path(".env").write_text("SMSMOBILEAPI_API_KEY=\n")
    with pytest.raises(ConfigurationError, match=r"SMSMOBILEAPI_API_KEY is there, but empty\.$"):
        SMSMobileClient.from_env()


@pytest.mark.parametrize("auth", [KEY, ("user", "word"), object(), lambda request: request])
def test_auth_is_a_strategy_of_requests(auth: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"expected a requests\.auth\.AuthBase") as refused:
        SMSMobileClient(auth)
    assert KEY not in str(refused.value)


def test_a_byte_order_mark_does_not_hide_the_first_variable_of_the_file(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(f"SMSMOBILEAPI_API_KEY={KEY}\n", encoding="utf-8-sig")

    assert plain(Settings.from_env().api_key) == KEY
