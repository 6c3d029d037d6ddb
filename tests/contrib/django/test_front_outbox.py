"""The outbox in the tests of a project: under Django's own test runner, and under pytest-django."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core import mail

from smsmobile.contrib.django import get_client
from smsmobile.contrib.django.test import Outbox, outbox

SETTINGS = """
SECRET_KEY = "of the tests"
USE_TZ = True
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
INSTALLED_APPS = ["smsmobile.contrib.django"]
"""
# Each test finds the outbox empty, whichever ran before.
TESTS = """
from django.test import SimpleTestCase, TestCase
from smsmobile.contrib.django import get_client
from smsmobile.contrib.django.test import outbox

class Tests:
    def send(self):
        self.assertEqual(len(outbox), 0)
        get_client().sms.send("+33639981234", "Hello")
        self.assertEqual([(sms.recipient, sms.message) for sms in outbox], [("+33639981234", "Hello")])

    test_one = test_two = send

class WithDatabase(Tests, TestCase): ...
class WithoutDatabase(Tests, SimpleTestCase): ...
"""
PYTEST = """
import pytest
from smsmobile.contrib.django import get_client
from smsmobile.contrib.django.test import outbox

@pytest.mark.parametrize("number", range(2))
def test_without_database(number):
    assert len(outbox) == 0
    get_client().sms.send("+33639981234", "Hello")
    assert [(sms.recipient, sms.message) for sms in outbox] == [("+33639981234", "Hello")]

@pytest.mark.django_db
def test_with_database():
    test_without_database(0)
"""


def run(folder: Path, *command: str) -> str:
    (folder / "project_settings.py").write_text(SETTINGS)
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "project_settings", "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-W", "error::ResourceWarning", *command],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_the_outbox_is_empty_at_the_start_of_each_test_under_djangos_runner(tmp_path: Path) -> None:
    (tmp_path / "tests.py").write_text(TESTS)
    assert "Ran 4 tests" in run(tmp_path, "-m", "django", "test")


def test_the_outbox_is_empty_at_the_start_of_each_test_under_pytest_django(tmp_path: Path) -> None:
    (tmp_path / "test_pytest.py").write_text(PYTEST)
    assert "3 passed" in run(
        tmp_path, "-m", "pytest", "-q", "-p", "no:cacheprovider"
    )  # with the plugin, which it finds


@pytest.fixture
def sent() -> Outbox:
    """The outbox with two messages in it."""
    outbox.clear()
    for text in ("one", "two"):
        get_client().sms.send("+33639981234", text)
    return outbox


def test_the_outbox_is_like_a_list(sent: Outbox) -> None:
    assert len(sent) == 2
    assert [sms.message for sms in sent] == ["one", "two"]
    assert sent[-1].message == "two"
    assert [sms.message for sms in sent[:1]] == ["one"]
    assert sent == [sent[0], sent[1]]
    assert sent != []
    assert repr(sent) == repr([sent[0], sent[1]])
    sent.clear()
    assert not sent


def test_a_new_outbox_of_django_empties_this_one(sent: Outbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail, "outbox", [])
    assert len(sent) == 0
    get_client().sms.send("+33639981234", "three")
    assert [sms.message for sms in sent] == ["three"]
