"""`app.conf.smsmobile`: which journal, client and rules the tasks use, and what is said of settings that are wrong."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from celery import Celery

from smsmobile import ConfigurationError
from smsmobile.contrib.celery import send_sms
from smsmobile.contrib.redis import RedisJournal, RedisTokenStore
from smsmobile.contrib.sqlalchemy import SQLJournal, SQLSuppression
from smsmobile.delivery import MemoryJournal, MemorySuppression, SQLiteJournal
from smsmobile.sandbox import Sandbox

from .conftest import KEY, NUMBER, TEXT

journal_of_the_shop = MemoryJournal()
suppressed = MemorySuppression()
suppressed.add(NUMBER)
HERE = f"{__name__}:"

Configured = Callable[..., Celery]


def send() -> Any:
    return send_sms.delay(NUMBER, TEXT, KEY).get()


def test_without_a_journal_nothing_is_sent_and_the_error_says_what_to_set(
    eager: Celery, configured: Configured, box: Sandbox
) -> None:
    configured(JOURNAL=None)
    with pytest.raises(ConfigurationError, match=r"set app\.conf\.smsmobile\['JOURNAL'\] to the URL of a database"):
        send()
    assert box.requests == []


@pytest.mark.parametrize(
    ("journal", "kind"),
    [
        ("redis://127.0.0.1:1/0", RedisJournal),
        ("sqlite:///sent.db", SQLJournal),
        ("sent.sqlite", SQLiteJournal),
        (Path("sent.sqlite"), SQLiteJournal),
        (f"{HERE}journal_of_the_shop", MemoryJournal),
    ],
)
def test_a_journal_is_a_url_a_file_or_a_dotted_path(configured: Configured, journal: Any, kind: type) -> None:
    from smsmobile.contrib.celery._setup import setup_of

    setup = setup_of(configured(JOURNAL=journal))
    assert isinstance(setup.journal, kind)
    assert setup_of(configured(JOURNAL=journal)).journal is not None


def test_a_rule_can_be_named_by_its_dotted_path(eager: Celery, configured: Configured, box: Sandbox) -> None:
    configured(SUPPRESSION=f"{HERE}suppressed")
    assert send()["status"] == "suppressed"
    assert box.requests == []


def test_a_list_of_opt_outs_can_be_a_url(eager: Celery, configured: Configured, box: Sandbox) -> None:
    url = f"sqlite:///{Path.cwd()}/shop.db"
    SQLSuppression(url).add(NUMBER)
    configured(SUPPRESSION=url)
    assert send()["status"] == "suppressed"
    assert box.requests == []


def test_workers_share_a_token_store(configured: Configured, eager: Celery, box: Sandbox) -> None:
    store = f"sqlite:///{Path.cwd()}/tokens.db"
    for number in range(2):
        configured(API_KEY=None, CLIENT_ID=box.client_id, CLIENT_SECRET=box.client_secret, TOKEN_STORE=store)
        assert send_sms.delay(NUMBER, TEXT, number).get()["status"] == "sent"
    assert box.tokens_issued == 1


def test_a_token_store_can_be_in_redis(configured: Configured, box: Sandbox) -> None:
    from smsmobile.contrib.celery._setup import _store

    assert isinstance(_store("redis://127.0.0.1:1/0", "TokenStore"), RedisTokenStore)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"JOURNALS": "x"}, "has the key 'JOURNALS'; expected some of BACKEND, API_KEY"),
        ({"RATE": "20/minute"}, r"smsmobile\['RATE'\] needs app\.conf\.smsmobile\['RATE_STORAGE'\]"),
        (
            {"TOKEN_STORE": "redis://127.0.0.1:1"},
            r"\['TOKEN_STORE'\] is for OAuth2: set app\.conf\.smsmobile\['CLIENT_ID'\]",
        ),
        ({"JOURNAL": "no_such_module:journal"}, r"\['JOURNAL'\] is 'no_such_module:journal', which cannot be imported"),
        ({"JOURNAL": ":memory:"}, r"smsmobile\['JOURNAL'\] cannot be used\. A file name is needed"),
        ({"JOURNAL": 7}, "The journal is of type int"),
        ({"WINDOW": 7}, "window is of type int; expected a SendWindow"),
        ({"BACKEND": "life"}, r"\['BACKEND'\] is '.*life.*'; expected one of live"),
    ],
)
def test_a_wrong_setting_is_named(
    eager: Celery, configured: Configured, box: Sandbox, settings: dict[str, Any], said: str
) -> None:
    configured(**settings)
    with pytest.raises(ConfigurationError, match=said):
        send()
    assert box.requests == []


def test_settings_that_are_no_dict_are_refused(eager: Celery) -> None:
    eager.conf.smsmobile = "redis://127.0.0.1"
    with pytest.raises(ConfigurationError, match="smsmobile is of type str; expected a dict"):
        send()


def test_without_settings_the_environment_has_the_credentials(
    eager: Celery, configured: Configured, box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SMSMOBILEAPI_API_KEY", box.api_key)
    monkeypatch.setenv("SMSMOBILEAPI_BASE_URL", box.url)
    configured(API_KEY=None, BASE_URL=None)
    assert send()["status"] == "sent"


def test_the_console_backend_prints_and_leaves_the_journal_alone(
    eager: Celery, configured: Configured, journal: MemoryJournal, capsys: pytest.CaptureFixture[str]
) -> None:
    configured(BACKEND="console")
    assert send()["status"] == "sent"
    assert TEXT in capsys.readouterr().out
    assert journal.get(KEY) is None


def test_importing_the_package_loads_no_framework_of_ours() -> None:
    program = (
        "import sys, smsmobile.contrib.celery\n"
        "print([name for name in sys.modules if name in ('django.apps', 'flask') or 'contrib.django' in name])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_without_celery_the_import_says_what_to_install() -> None:
    program = "import sys\nsys.modules['celery'] = None\nimport smsmobile.contrib.celery"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert 'ImportError: smsmobile.contrib.celery needs Celery: pip install "smsmobile[celery]".' in done.stderr
