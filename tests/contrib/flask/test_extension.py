"""The extension in applications of all kinds: what it is configured with, where messages go, what tests see of them."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from smsmobile import ConfigurationError, InvalidRequestError
from smsmobile.contrib._settings import SANDBOX_KEY
from smsmobile.contrib.flask import SMSMobile
from smsmobile.delivery import MemoryJournal, MemorySuppression, SendStatus
from smsmobile.sandbox import Sandbox

TO = "+33639981234"
KEY = "0123456789abcdef0123456789abcdef0123456789abcdef"

Make = Callable[..., Flask]

# --- registration -------------------------------------------------------------------------------------------


def test_all_state_is_kept_with_the_application(sms: SMSMobile, make_app: Make) -> None:
    before = dict(vars(sms))
    app = make_app(TESTING=True)
    with app.app_context():
        sms.send(TO, "Bonjour")
    assert vars(sms) == before
    assert list(app.extensions) == ["smsmobile"]


def test_an_application_can_be_passed_to_the_constructor() -> None:
    app = Flask("shop")
    app.testing = True
    sms = SMSMobile(app)
    with app.app_context():
        assert sms.send(TO, "Bonjour").guid


@pytest.mark.parametrize("other", [False, True], ids=["the same extension", "another one"])
def test_a_second_registration_is_refused(sms: SMSMobile, make_app: Make, other: bool) -> None:
    app = make_app()
    with pytest.raises(RuntimeError, match="has an SMSMobile already"):
        (SMSMobile() if other else sms).init_app(app)


def test_an_application_that_was_not_registered_is_named_as_the_reason(sms: SMSMobile, make_app: Make) -> None:
    with Flask("shop").app_context(), pytest.raises(RuntimeError, match=r"call sms\.init_app\(app\)"):
        _ = sms.client
    with make_app().app_context(), pytest.raises(RuntimeError, match=r"call sms\.init_app\(app\)"):
        _ = SMSMobile().client
    with pytest.raises(RuntimeError, match="outside of application context"):
        _ = sms.client


def test_nothing_is_opened_before_it_is_used(make_app: Make, tmp_path: Path) -> None:
    make_app(SMSMOBILE_JOURNAL="sent.sqlite", SMSMOBILE_WEBHOOK_SECRET="a secret")
    assert list(tmp_path.iterdir()) == []


def test_the_endpoint_has_a_name_and_a_path_of_the_configuration(make_app: Make) -> None:
    app = make_app(SMSMOBILE_WEBHOOK_PATH="/hooks/phone/")
    with app.test_request_context():
        assert app.url_for("smsmobile.webhook") == "/hooks/phone/"
        assert app.url_for("smsmobile.webhook", token="t") == "/hooks/phone/t"


# --- configuration ------------------------------------------------------------------------------------------


def test_the_configuration_has_all_keys_with_their_defaults(make_app: Make) -> None:
    config = make_app(SMSMOBILE_BACKEND="console").config.get_namespace("SMSMOBILE_")
    assert (config["backend"], config["webhook_path"], config["event_store"]) == (
        "console",
        "/sms/webhook",
        "sms-events.sqlite",
    )
    assert {config[name] for name in ("api_key", "journal", "webhook_secret", "timeout")} == {None}


def test_what_the_configuration_lacks_comes_from_the_environment(
    make_app: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SMSMOBILEAPI_BACKEND", "locmem")
    monkeypatch.setenv("SMSMOBILEAPI_WEBHOOK_PATH", "/hook")
    assert make_app("one").config.get_namespace("SMSMOBILE_WEB") == {
        "hook_path": "/hook",
        "hook_secret": None,
        "hook_url_token": None,
    }
    assert make_app("one").config["SMSMOBILE_BACKEND"] == "locmem"
    assert make_app("two", SMSMOBILE_BACKEND="console").config["SMSMOBILE_BACKEND"] == "console"


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"SMSMOBILE_BACKENDS": "console"}, "unknown key SMSMOBILE_BACKENDS; expected SMSMOBILE_ and one of BACKEND, "),
        ({"SMSMOBILE_BACKEND": "memory"}, "app.config['SMSMOBILE_BACKEND'] is 'memory'; expected one of live, console"),
    ],
)
def test_a_wrong_configuration_is_refused_at_once(make_app: Make, config: dict[str, str], words: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        make_app(**config)
    assert words in str(caught.value)


def test_an_error_about_credentials_shows_none(sms: SMSMobile, make_app: Make) -> None:
    app = make_app(SMSMOBILE_API_KEY=KEY, SMSMOBILE_CLIENT_ID="an-id")
    with app.app_context(), pytest.raises(ConfigurationError) as caught:
        sms.send(TO, "Bonjour")
    shown = "".join(traceback.TracebackException.from_exception(caught.value, capture_locals=True).format())
    assert KEY not in shown


def test_the_client_of_an_application_is_one_for_all_threads(sms: SMSMobile, make_app: Make) -> None:
    app = make_app(SMSMOBILE_API_KEY=KEY)

    def client_of(_: int) -> Any:
        with app.app_context():
            return sms.client

    with ThreadPoolExecutor(6) as pool:
        assert len(set(pool.map(client_of, range(24)))) == 1
    assert client_of(0)._settings.timeout == (3.0, 10.0)
    assert client_of(0)._settings.max_retries == 0


# --- backends -----------------------------------------------------------------------------------------------


def test_a_message_goes_to_the_service_that_is_configured(sms: SMSMobile, make_app: Make) -> None:
    with Sandbox() as box:
        app = make_app(SMSMOBILE_API_KEY=box.api_key, SMSMOBILE_BASE_URL=box.url)
        with app.app_context():
            sent = sms.send(TO, "Bonjour", sim=2)
            sms.client.close()
        assert [(each.guid, each.message, each.sim) for each in box.phone.outbox] == [(sent.guid, "Bonjour", 2)]


@pytest.mark.parametrize("backend", ["live", "console"])
@pytest.mark.parametrize("late", [False, True], ids=["configured", "set later"])
def test_a_test_never_reaches_the_service(
    sms: SMSMobile, make_app: Make, capsys: pytest.CaptureFixture[str], backend: str, late: bool
) -> None:
    with Sandbox() as box:
        config = {"SMSMOBILE_API_KEY": box.api_key, "SMSMOBILE_BASE_URL": box.url, "SMSMOBILE_BACKEND": backend}
        app = make_app(TESTING=not late, **config)
        with app.app_context():
            if late:
                _ = sms.client
                app.testing = True
            with sms.record_messages() as outbox:
                sms.send(TO, "Bonjour")
        assert box.requests == []
    assert [each.message for each in outbox] == ["Bonjour"]
    assert capsys.readouterr().out == ""


def test_a_test_can_choose_the_sandbox(sms: SMSMobile, make_app: Make) -> None:
    with Sandbox(api_key=SANDBOX_KEY) as box:
        app = make_app(
            TESTING=True, SMSMOBILE_BACKEND="sandbox", SMSMOBILE_BASE_URL=box.url, SMSMOBILE_API_KEY="a real key"
        )
        with app.app_context():
            sms.send(TO, "Bonjour")
            sms.client.close()
        assert [each.message for each in box.phone.outbox] == ["Bonjour"]


def test_the_console_shows_messages(sms: SMSMobile, make_app: Make, capsys: pytest.CaptureFixture[str]) -> None:
    with make_app(SMSMOBILE_BACKEND="console").app_context():
        sms.send(TO, "Bonjour")
    assert f"sms to {TO}\n\nBonjour\n" in capsys.readouterr().out


# --- messages under a key -----------------------------------------------------------------------------------


def test_a_message_with_a_key_is_sent_once(sms: SMSMobile, make_app: Make, tmp_path: Path) -> None:
    with Sandbox() as box:
        app = make_app(SMSMOBILE_API_KEY=box.api_key, SMSMOBILE_BASE_URL=box.url, SMSMOBILE_JOURNAL="sent.sqlite")
        with app.app_context():
            outcomes = [sms.send(TO, "Bonjour", key="order-17") for _ in range(2)]
            sms.client.close()
        assert len(box.phone.outbox) == 1
    assert [outcome.status for outcome in outcomes] == [SendStatus.SENT, SendStatus.DUPLICATE]
    assert (tmp_path / "instance/shop/sent.sqlite").is_file()


def test_a_key_without_a_journal_is_refused_also_in_tests(sms: SMSMobile, make_app: Make) -> None:
    with (
        make_app(TESTING=True).app_context(),
        sms.record_messages() as outbox,
        pytest.raises(ConfigurationError, match=r"set app\.config\['SMSMOBILE_JOURNAL'\]"),
    ):
        sms.send(TO, "Bonjour", key="order-17")
    assert outbox == []


def test_what_was_recorded_under_a_key_is_not_taken_for_sent_later(
    sms: SMSMobile, make_app: Make, tmp_path: Path
) -> None:
    app = make_app(TESTING=True, SMSMOBILE_JOURNAL=str(tmp_path / "sent.sqlite"))
    counts = []
    for _ in range(2):  # two tests of one application
        with app.app_context(), sms.record_messages() as outbox:
            sms.send(TO, "Bonjour", key="order-17")
            sms.send(TO, "Bonjour", key="order-17")
        counts.append(len(outbox))
    assert counts == [1, 1]
    assert list(tmp_path.iterdir()) == []


def test_the_sandbox_has_a_journal_of_its_own(sms: SMSMobile, make_app: Make, tmp_path: Path) -> None:
    with Sandbox(api_key=SANDBOX_KEY) as box:
        app = make_app(SMSMOBILE_BACKEND="sandbox", SMSMOBILE_BASE_URL=box.url, SMSMOBILE_JOURNAL="sent.sqlite")
        with app.app_context():
            sms.send(TO, "Bonjour", key="order-17")
            sms.client.close()
    assert (tmp_path / "instance/shop/sent-sandbox.sqlite").is_file()
    assert not (tmp_path / "instance/shop/sent.sqlite").exists()


def test_a_journal_that_was_passed_is_used_as_it_is(sms: SMSMobile, make_app: Make) -> None:
    journal = MemoryJournal()
    with make_app(TESTING=True, SMSMOBILE_JOURNAL=journal).app_context():
        sms.send(TO, "Bonjour", key="order-17")
    assert journal.forget("order-17")


def test_under_a_key_a_message_whose_time_is_over_is_not_sent(sms: SMSMobile, make_app: Make) -> None:
    with (
        make_app(TESTING=True, SMSMOBILE_JOURNAL=MemoryJournal()).app_context(),
        sms.record_messages() as outbox,
    ):
        over, later = (datetime(year, 1, 1, tzinfo=timezone.utc) for year in (2026, 2099))
        statuses = [sms.send(TO, str(at), key=str(at), expires_at=at, urgent=True).status for at in (over, later)]
    assert statuses == [SendStatus.EXPIRED, SendStatus.SENT]
    assert [message.message for message in outbox] == [str(later)]


@pytest.mark.parametrize("option", [{"expires_at": datetime(2099, 1, 1, tzinfo=timezone.utc)}, {"urgent": True}])
def test_without_a_key_an_option_that_needs_one_is_refused(sms: SMSMobile, make_app: Make, option: Any) -> None:
    with make_app(TESTING=True).app_context(), sms.record_messages() as outbox:
        with pytest.raises(InvalidRequestError, match="expected a key"):
            sms.send(TO, "Bonjour", **option)
        assert outbox == []
        sms.send(TO, "Bonjour", expires_at=None, urgent=False)  # type: ignore[call-overload]
    assert len(outbox) == 1


# --- the import ---------------------------------------------------------------------------------------------


def run(script: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, timeout=60, check=True
    ).stdout


def test_the_package_itself_imports_no_framework() -> None:
    loaded = run(
        """
        import sys
        import smsmobile, smsmobile.webhooks, smsmobile.delivery, smsmobile.contrib
        print(sorted({"flask", "starlette", "fastapi", "anyio", "blinker"} & sys.modules.keys()))
        """
    )
    assert loaded == "[]\n"


@pytest.mark.parametrize(
    ("preparation", "words"),
    [
        ("sys.modules['flask'] = None", 'needs Flask 3: pip install "smsmobile[flask]"'),
        ("importlib.metadata.version = lambda name: '2.3.3'", "needs Flask 3, and 2.3.3 is installed: pip install"),
    ],
)
def test_without_flask_3_the_import_says_what_to_install(preparation: str, words: str) -> None:
    printed = run(
        f"""
        import importlib.metadata, sys
        {preparation}
        try:
            import smsmobile.contrib.flask
        except ImportError as error:
            print(error)
        """
    )
    assert words in printed


# --- opt-outs -----------------------------------------------------------------------------------------------


def test_who_has_opted_out_gets_no_message_with_a_key(sms: SMSMobile, make_app: Make, tmp_path: Path) -> None:
    with Sandbox() as box:
        config = {"SMSMOBILE_JOURNAL": "sent.sqlite", "SMSMOBILE_SUPPRESSION": "suppressed.sqlite"}
        app = make_app(SMSMOBILE_API_KEY=box.api_key, SMSMOBILE_BASE_URL=box.url, **config)
        with app.app_context():
            sms.suppression.add(TO)
            assert sms.send(TO, "We open at ten.", key="opening").status is SendStatus.SUPPRESSED
            sms.send(TO, "Your code is 4711.")
            sms.client.close()
        assert [message.message for message in box.phone.outbox] == ["Your code is 4711."]
    assert (tmp_path / "instance/shop/suppressed.sqlite").is_file()


def test_a_test_has_a_list_of_its_own_and_a_list_that_was_passed_is_used(
    sms: SMSMobile, make_app: Make, tmp_path: Path
) -> None:
    path = tmp_path / "suppressed.sqlite"
    with make_app(TESTING=True, SMSMOBILE_SUPPRESSION=str(path)).app_context():
        sms.suppression.add(TO)
    assert not path.exists()
    given = MemorySuppression()
    with make_app(TESTING=True, SMSMOBILE_SUPPRESSION=given).app_context():
        assert sms.suppression is given


@pytest.mark.parametrize("given", [None, {TO}])
def test_what_is_no_list_is_told(sms: SMSMobile, make_app: Make, given: object) -> None:
    with (
        make_app(SMSMOBILE_SUPPRESSION=given).app_context(),
        pytest.raises(ConfigurationError, match=r"SQLiteSuppression|set app\.config"),
    ):
        _ = sms.suppression
