"""The network guard in projects of their own: which tests it stops, and how a test is let through."""

from __future__ import annotations

import pytest

from .conftest import Project

pytestmark = pytest.mark.long

FORGOTTEN = """
    from smsmobile import SMSMobileClient, SMSMobileError

    def remind(number):
        try:
            with SMSMobileClient.from_env() as client:
                client.sms.send(number, "Tomorrow at 10:00")
        except SMSMobileError:
            pass

    def test_a_test_without_its_fixture():
        remind("+33639981234")
"""
KEY_OF_THE_DEVELOPER = "SMSMOBILEAPI_API_KEY=the-real-key-of-the-developer\n"


def test_a_test_that_forgot_its_fixture_fails_and_nothing_is_sent(project: Project) -> None:
    project.write(".env", KEY_OF_THE_DEVELOPER)
    done = project.pytest(FORGOTTEN, "--showlocals")
    assert done.returncode == 1
    assert "NetworkBlocked: A client of smsmobile tried to reach api.smsmobileapi.com" in done.stdout
    assert "Nothing was sent" in done.stdout
    assert "the-real-key" not in done.stdout


def test_an_application_that_sends_when_a_conftest_imports_it_is_stopped(project: Project) -> None:
    project.write(
        "conftest.py",
        """
        from smsmobile import SMSMobileClient

        SMSMobileClient(api_key="a-key-of-the-tests").sms.send("+33639981234", "hi")
        """,
    )
    done = project.pytest("def test_something(): ...")
    assert "NetworkBlocked" in done.stdout
    assert "1 passed" not in done.stdout


OFF = """
    import socket

    import pytest

    from smsmobile import ConnectionFailed, SMSMobileClient

    {mark}
    def test_the_guard_is_off(monkeypatch):
        def fail(*_, **__):
            raise socket.gaierror(socket.EAI_NONAME, "no such name")

        monkeypatch.setattr(socket, "getaddrinfo", fail)
        with SMSMobileClient(api_key="a-key-of-the-tests", max_retries=0) as client, pytest.raises(ConnectionFailed):
            client.sms.send("+33639981234", "hi")
"""


def test_a_test_with_the_marker_may_use_the_network(project: Project) -> None:
    done = project.pytest(OFF.format(mark="@pytest.mark.smsmobile_allow_network"), "--strict-markers")
    assert done.returncode == 0, done.stdout


def test_the_marker_of_one_test_does_not_count_for_the_next(project: Project) -> None:
    marked = OFF.format(mark="@pytest.mark.smsmobile_allow_network")
    project.write("test_before.py", marked)
    done = project.pytest(OFF.format(mark=""))
    assert "1 failed, 1 passed" in done.stdout


def test_the_configuration_can_allow_the_network_to_all_tests(project: Project) -> None:
    project.write("pytest.ini", "[pytest]\nsmsmobile_allow_network = true\n")
    done = project.pytest(OFF.format(mark=""), "--strict-config")
    assert done.returncode == 0, done.stdout


def test_a_test_that_uses_the_sandbox_may_not_use_the_network_either(project: Project) -> None:
    done = project.pytest("""
        from smsmobile import SMSMobileClient

        def test_a_client_with_credentials_of_its_own(sms_sandbox):
            with SMSMobileClient(api_key="a-key-of-the-tests") as client:
                client.sms.send("+33639981234", "hi")
    """)
    assert "NetworkBlocked" in done.stdout
