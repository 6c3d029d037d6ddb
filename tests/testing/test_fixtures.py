"""The pytest plugin in projects of their own: what its fixtures give, and what they keep from a test."""

from __future__ import annotations

import pytest

from .conftest import Project

pytestmark = pytest.mark.long

SETTINGS_OF_THE_DEVELOPER = """
SMSMOBILEAPI_CLIENT_ID=the-id-of-the-developer
SMSMOBILEAPI_CLIENT_SECRET=the-secret-of-the-developer
SMSMOBILEAPI_DEVICE_SID=the-phone-of-the-developer
SMSMOBILEAPI_DEFAULT_REGION=FR
SMSMOBILEAPI_WEBHOOK_SECRET=the-webhook-secret-of-the-developer
"""
ENVIRONMENT_OF_THE_DEVELOPER = {
    "SMSMOBILEAPI_API_KEY": "the-key-of-the-developer",
    "SMSMOBILEAPI_BASE_URL": "https://sms.example.test",
    "SMSMOBILEAPI_TIMEOUT": "0.001",
    "SMSMOBILEAPI_WEBHOOK_SECRET": "another-webhook-secret-of-the-developer",
}


def test_the_fixtures_belong_to_one_sandbox_and_need_no_configuration(project: Project) -> None:
    done = project.pytest("""
        def test_a_conversation(sms_sandbox, sms_client, sms_phone, sms_outbox):
            assert sms_outbox == []
            sms_client.sms.send("+33639981234", "Are you there?")
            assert sms_outbox[-1].message == "Are you there?"
            assert sms_outbox == sms_phone.outbox == sms_sandbox.phone.outbox
            sms_phone.receive("+33639981234", "Yes")
            assert sms_client.sms.received()[0].message == "Yes"
    """)
    assert done.returncode == 0, done.stdout


def test_the_outbox_has_the_messages_of_all_phones_in_their_order(project: Project) -> None:
    done = project.pytest("""
        def test_two_phones(sms_sandbox, sms_client, sms_outbox):
            office = sms_sandbox.add_phone("Office")
            sms_client.sms.send("+33639981234", "one", device=office.sid)
            sms_client.sms.send("+33639981234", "two")
            assert [sms.message for sms in sms_outbox] == ["one", "two"]
    """)
    assert done.returncode == 0, done.stdout


def test_each_test_begins_with_a_new_sandbox_at_the_same_address(project: Project) -> None:
    done = project.pytest("""
        from functools import cache

        from smsmobile import SMSMobileClient

        @cache
        def get_client():
            return SMSMobileClient.from_env()

        def test_one(sms_sandbox, sms_outbox):
            sms_sandbox.phone.delay = 60
            get_client().sms.send("+33639981234", "one")
            sms_sandbox.phone.delay = 0
            assert [sms.message for sms in sms_outbox] == ["one"]

        def test_two(sms_outbox):
            assert sms_outbox == []
            get_client().sms.send("+33639981234", "two")
            assert [sms.message for sms in sms_outbox] == ["two"]
            get_client().close()
    """)
    assert done.returncode == 0, done.stdout


def test_a_test_does_not_see_the_settings_of_the_developer(project: Project) -> None:
    project.write(".env", SETTINGS_OF_THE_DEVELOPER)
    project.write("production.env", SETTINGS_OF_THE_DEVELOPER)
    done = project.pytest(
        """
        import os

        import pytest

        from smsmobile import Settings, SMSMobileClient

        @pytest.mark.parametrize("dotenv_path", [None, "production.env"])
        def test_an_application(sms_sandbox, sms_outbox, dotenv_path):
            with SMSMobileClient.from_env(dotenv_path) as client:
                client.sms.send("+33639981234", "hi")
            assert len(sms_outbox) == 1
            assert Settings.from_env().default_region is None
            assert "developer" not in repr(os.environ)

        def test_what_a_test_sets_is_read(sms_sandbox, monkeypatch):
            monkeypatch.setenv("SMSMOBILEAPI_TIMEOUT", "7")
            assert Settings.from_env().timeout == (7, 7)

        def test_afterwards_they_are_there_again():
            assert os.environ["SMSMOBILEAPI_API_KEY"] == "the-key-of-the-developer"
            assert os.environ["SMSMOBILEAPI_TIMEOUT"] == "0.001"
            assert Settings.from_env().device == "the-phone-of-the-developer"
        """,
        **ENVIRONMENT_OF_THE_DEVELOPER,
    )
    assert done.returncode == 0, done.stdout


def test_a_framework_with_the_backend_sandbox_uses_the_one_of_the_test(project: Project) -> None:
    done = project.pytest("""
        from smsmobile.contrib._settings import WebSettings

        def test_a_framework(sms_outbox):
            with WebSettings({"BACKEND": "sandbox"}, "{}").client("sandbox", print) as client:
                client.sms.send("+33639981234", "hi")
            assert len(sms_outbox) == 1
    """)
    assert done.returncode == 0, done.stdout


@pytest.mark.long
def test_each_worker_of_xdist_has_a_sandbox(project: Project) -> None:
    done = project.pytest(
        """
        import pytest

        @pytest.mark.parametrize("number", range(8))
        def test_one_of_many(sms_client, sms_outbox, number):
            sms_client.sms.send("+33639981234", str(number))
            assert [sms.message for sms in sms_outbox] == [str(number)]
        """,
        *("-p", "xdist", "-n", "2"),
    )
    assert done.returncode == 0, done.stdout
    assert "8 passed" in done.stdout


def test_without_flask_the_fixture_says_what_to_install(project: Project) -> None:
    project.write("conftest.py", "import sys\nsys.modules['flask'] = None\n")
    done = project.pytest("def test_something(sms_outbox): ...")
    assert done.returncode == 1
    assert "pip install 'smsmobile[sandbox]'" in done.stdout
    assert "Traceback" not in done.stdout


def test_a_webhook_needs_no_sandbox(project: Project) -> None:
    project.write("conftest.py", "import sys\nsys.modules['flask'] = None\n")
    done = project.pytest("""
        import os

        from smsmobile.webhooks import MemoryEventStore, SMSReceived, WebhookEndpoint, WebhookReceiver

        endpoint = WebhookEndpoint(WebhookReceiver(os.environ["SMSMOBILEAPI_WEBHOOK_SECRET"]), MemoryEventStore())

        def application(environ, start_response):
            answer = endpoint.answer(environ["REQUEST_METHOD"], environ["wsgi.input"].read(), environ)
            start_response(f"{answer.status} as it is", list(answer.headers.items()))
            return [answer.text.encode()]

        def test_an_event(sms_webhook):
            assert sms_webhook(application, SMSReceived).status == 202
    """)
    assert done.returncode == 0, done.stdout


def test_the_secret_of_tests_is_there_before_the_application_is_imported(project: Project) -> None:
    project.write(".env", SETTINGS_OF_THE_DEVELOPER)
    project.write(
        "conftest.py",
        """
        import os

        from smsmobile import Settings

        assert Settings.from_env().webhook_secret.get_secret_value() == os.environ["SMSMOBILEAPI_WEBHOOK_SECRET"]
        assert "developer" not in os.environ["SMSMOBILEAPI_WEBHOOK_SECRET"]
        """,
    )
    done = project.pytest("def test_something(): ...", **ENVIRONMENT_OF_THE_DEVELOPER)
    assert done.returncode == 0, done.stdout


def test_a_secret_that_a_conftest_sets_is_kept_and_used(project: Project) -> None:
    project.write("conftest.py", "import os\nos.environ['SMSMOBILEAPI_WEBHOOK_SECRET'] = 'of-the-conftest'\n")
    done = project.pytest("""
        import os

        from smsmobile.webhooks import SMSReceived, WebhookReceiver

        def application(environ, start_response):
            WebhookReceiver("of-the-conftest").receive(environ["wsgi.input"].read(), environ)
            start_response("202 Accepted", [])
            return []

        def test_an_event(sms_sandbox, sms_webhook):
            assert os.environ["SMSMOBILEAPI_WEBHOOK_SECRET"] == "of-the-conftest"
            assert sms_webhook(application, SMSReceived).status == 202
    """)
    assert done.returncode == 0, done.stdout


def test_the_outbox_of_django_is_empty_at_the_start_of_each_test(project: Project) -> None:
    project.write("manage_settings.py", "SECRET_KEY = 'of-the-tests'\nUSE_TZ = True\n")
    project.write(
        "conftest.py",
        """
        import sys
        from types import ModuleType

        module = sys.modules["smsmobile.contrib.django.test"] = ModuleType("smsmobile.contrib.django.test")
        module.outbox = []
        """,
    )
    done = project.pytest("""
        import sys

        import pytest

        @pytest.fixture
        def a_message_in_a_fixture():
            sys.modules["smsmobile.contrib.django.test"].outbox.append("one")

        @pytest.mark.parametrize("number", range(2))
        def test_the_outbox(a_message_in_a_fixture, number):
            assert sys.modules["smsmobile.contrib.django.test"].outbox == ["one"]
    """)
    assert done.returncode == 0, done.stdout


def test_a_run_that_does_not_use_the_library_loads_next_to_nothing_of_it(project: Project) -> None:
    done = project.pytest("""
        import sys

        def test_something():
            assert not sys.modules.keys() & {"requests", "urllib3", "pydantic", "dotenv", "flask", "smsmobile.client"}
            assert "watched_by_smsmobile" not in dir(sys.modules["socket"].getaddrinfo)
    """)
    assert done.returncode == 0, done.stdout


def test_pytest_runs_without_the_plugin(project: Project) -> None:
    project.write("test_application.py", "def test_something(sms_outbox): ...\n")
    done = project.python("-m", "pytest", "-p", "no:cacheprovider", "-p", "no:smsmobile")
    assert "fixture 'sms_outbox' not found" in done.stdout


def test_pytest_finds_the_plugin_by_itself(project: Project) -> None:
    project.write("test_application.py", "def test_something(sms_outbox):\n    assert sms_outbox == []\n")
    done = project.python("-W", "default", "-m", "pytest", "-p", "no:cacheprovider")
    assert done.returncode == 0, done.stdout


def test_pytest_lists_the_fixtures_with_what_they_are(project: Project) -> None:
    listed = project.pytest("", "--fixtures").stdout.partition("fixtures defined from smsmobile.testing.plugin")[2]
    for name in ("sms_sandbox", "sms_client", "sms_phone", "sms_outbox", "sms_webhook"):
        assert f"{name} -- " in listed
    assert "no docstring" not in listed
