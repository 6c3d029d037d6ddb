"""The system checks: warnings for what is missing, errors for what is wrong or insecure."""

from __future__ import annotations

import sys
from datetime import time
from types import ModuleType
from typing import Any

import django
import pytest
from django.core import checks
from django.db import connections

from smsmobile.contrib.django import checks as ours
from smsmobile.delivery import SendWindow, Sim, SimPool

KEY = "0123456789abcdef0123456789abcdef0123456789abcdef"
SECRET = "a-secret-of-the-tests"
window = SendWindow(time(8), time(20), "Europe/Paris")
scheduling = SendWindow(time(8), time(20), "Europe/Paris", outside="schedule")
"""It does not go together with SIMs."""
sims = SimPool([Sim("a-phone")])


def ids(*, deploy: bool = False) -> list[str]:
    """The ids of what the checks of this application say."""
    found = checks.run_checks(include_deployment_checks=deploy)
    return sorted(str(message.id) for message in found if str(message.id).startswith("smsmobile."))


def test_complete_settings_are_fine(settings: Any) -> None:
    settings.SMSMOBILE = {"API_KEY": KEY, "WEBHOOK_SECRET": [SECRET, SECRET * 2]}
    assert ids(deploy=True) == []


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, ["smsmobile.W001"]),
        ({"CLIENT_ID": "id"}, ["smsmobile.W001"]),
        ({"API_KEY": KEY, "APIKEY": KEY}, ["smsmobile.E001"]),
        ({"BACKEND": "carrier pigeon"}, ["smsmobile.E002"]),
        ({"BACKEND": "console", "QUEUE": "letters"}, ["smsmobile.E002"]),
        ({"API_KEY": KEY, "BASE_URL": "http://example.com"}, ["smsmobile.E002"]),
        ({"API_KEY": KEY, "TIMEOUT": -1}, ["smsmobile.E002"]),
        ({"API_KEY": KEY, "WEBHOOK_URL_TOKEN": "short"}, ["smsmobile.E003"]),
        ({"API_KEY": KEY, "WEBHOOK_SECRET": 7}, ["smsmobile.E003"]),
        ({"API_KEY": KEY, "WEBHOOK_SECRET": "secret"}, ["smsmobile.E004"]),
        ({"API_KEY": KEY, "WINDOW": f"{__name__}.window", "SIMS": f"{__name__}.sims"}, []),
        ({"API_KEY": KEY, "WINDOW": f"{__name__}.missing"}, ["smsmobile.E006"]),
        ({"API_KEY": KEY, "WINDOW": SendWindow}, ["smsmobile.E006"]),
        ({"API_KEY": KEY, "WINDOW": "no path"}, ["smsmobile.E006"]),
        ({"API_KEY": KEY, "SIMS": f"{__name__}.window"}, ["smsmobile.E006"]),
        ({"API_KEY": KEY, "SIMS": [Sim("a-phone")]}, ["smsmobile.E006"]),
        ({"API_KEY": KEY, "WINDOW": f"{__name__}.scheduling", "SIMS": f"{__name__}.sims"}, ["smsmobile.E006"]),
    ],
    ids=str,
)
def test_what_is_missing_or_wrong_has_an_id(settings: Any, values: dict[str, Any], expected: list[str]) -> None:
    settings.SMSMOBILE = {"WEBHOOK_SECRET": SECRET, **values}
    assert ids() == expected


def test_settings_that_are_no_dict_are_an_error(settings: Any) -> None:
    settings.SMSMOBILE = [KEY]
    assert "smsmobile.E002" in ids(deploy=True)


def test_a_secret_that_can_be_guessed_is_allowed_in_development(settings: Any) -> None:
    settings.SMSMOBILE = {"API_KEY": KEY, "WEBHOOK_SECRET": "secret"}
    settings.DEBUG = True
    assert ids() == []


def test_a_webhook_without_a_secret_is_a_warning(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.SMSMOBILE = {"API_KEY": KEY}
    name = "smsmobile.contrib.django.urls"
    monkeypatch.setitem(sys.modules, name, ModuleType(name))
    assert ids() == ["smsmobile.W002"]
    monkeypatch.delitem(sys.modules, name)
    assert ids() == []


@pytest.mark.parametrize("backend", ["console", "locmem", "sandbox"])
def test_a_deployment_that_sends_nothing_is_a_warning(settings: Any, backend: str) -> None:
    settings.SMSMOBILE = {"BACKEND": backend, "WEBHOOK_SECRET": SECRET}
    assert (ids(), ids(deploy=True)) == ([], ["smsmobile.W003"])


def test_another_kind_of_database_is_a_warning(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.SMSMOBILE = {"API_KEY": KEY, "WEBHOOK_SECRET": SECRET}
    monkeypatch.setattr(type(connections["default"]), "vendor", "oracle")
    assert [message.id for message in ours.check_database()] == ["smsmobile.W004"]


def test_a_queue_that_is_not_installed_is_an_error(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ours, "find_spec", lambda _: None)
    monkeypatch.setattr(django, "VERSION", (5, 2))
    for queue in ("celery", "tasks"):
        settings.SMSMOBILE = {"API_KEY": KEY, "QUEUE": queue, "WEBHOOK_SECRET": SECRET}
        assert ids() == ["smsmobile.E005"]


def test_no_check_shows_a_secret(settings: Any) -> None:
    settings.SMSMOBILE = {"API_KEY": KEY + "\n", "WEBHOOK_SECRET": "secret", "WEBHOOK_URL_TOKEN": "tok"}
    for message in checks.run_checks():
        assert not any(secret in str(message) for secret in (KEY, "'secret'", "tok'"))
