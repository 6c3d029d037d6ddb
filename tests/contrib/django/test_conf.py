"""The setting SMSMOBILE and the shared client."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from django.test.utils import _TestState  # type: ignore[attr-defined]  # which django-stubs do not have

from smsmobile import ConfigurationError
from smsmobile.contrib.django import get_client
from smsmobile.contrib.django.conf import get_backend, get_queue

KEY = "0123456789abcdef0123456789abcdef0123456789abcdef"


@pytest.fixture
def production(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test run."""
    monkeypatch.delattr(_TestState, "saved_data")
    monkeypatch.delattr(mail, "outbox")


def test_the_client_is_made_once_for_all_threads(production: None, settings: Any) -> None:
    settings.SMSMOBILE = {"API_KEY": KEY}
    with ThreadPoolExecutor(8) as pool:
        clients = list(pool.map(lambda _: get_client(), range(32)))
    assert len(set(map(id, clients))) == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_forked_worker_has_a_client(production: None, settings: Any) -> None:
    settings.SMSMOBILE = {"API_KEY": KEY}
    get_client()
    child = os.fork()
    if child == 0:
        os._exit(0 if get_client().sms is not None else 1)
    assert os.waitpid(child, 0)[1] == 0


def test_a_site_whose_emails_are_only_recorded_sends_its_sms(production: None, settings: Any) -> None:
    settings.SMSMOBILE = {"API_KEY": KEY}
    EmailBackend()
    assert hasattr(mail, "outbox")
    assert get_backend() == "live"


def test_another_setting_makes_another_client(production: None, settings: Any) -> None:
    settings.SMSMOBILE = {"API_KEY": KEY}
    before = get_client()
    settings.SMSMOBILE = {"API_KEY": KEY, "TIMEOUT": 5}
    assert get_client() is not before


def test_settings_come_from_the_environment(production: None, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.SMSMOBILE = {}
    monkeypatch.setenv("SMSMOBILEAPI_BACKEND", "console")
    monkeypatch.setenv("SMSMOBILEAPI_QUEUE", "tasks")
    assert (get_backend(), get_queue()) == ("console", "tasks")


def test_without_credentials_the_error_names_the_settings(production: None, settings: Any) -> None:
    settings.SMSMOBILE = {}
    with pytest.raises(ConfigurationError, match="API_KEY"):
        get_client()


def test_in_a_test_run_nothing_is_sent(settings: Any) -> None:
    for backend, used in {"live": "locmem", "console": "locmem", "locmem": "locmem", "sandbox": "sandbox"}.items():
        settings.SMSMOBILE = {"BACKEND": backend, "API_KEY": KEY}
        assert get_backend() == used


def test_the_console_prints_each_message(production: None, settings: Any, capsys: pytest.CaptureFixture[str]) -> None:
    settings.SMSMOBILE = {"BACKEND": "console"}
    get_client().sms.send("+33639980001", "Hello")
    assert "sms to +33639980001\n\nHello\n" in capsys.readouterr().out


@pytest.mark.parametrize("wrong", ["carrier pigeon", 7])
def test_wrong_settings_are_refused(settings: Any, wrong: object) -> None:
    settings.SMSMOBILE = {"BACKEND": wrong, "QUEUE": wrong}
    for get in (get_backend, get_queue):
        with pytest.raises(ConfigurationError, match="expected one of"):
            get()


def test_settings_that_are_no_dict_are_refused(settings: Any) -> None:
    settings.SMSMOBILE = ["API_KEY"]
    with pytest.raises(ConfigurationError, match="expected a dict"):
        get_backend()
