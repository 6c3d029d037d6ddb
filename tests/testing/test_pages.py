"""The tests that the documentation shows pass, each block in a file of its own."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from .conftest import Project

pytestmark = pytest.mark.long

DOCS = Path(__file__).parents[2] / "docs"


def python_of(page: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", (DOCS / page).read_text("utf-8"), re.DOTALL)


def test_the_tests_on_the_page_about_testing_pass(project: Project) -> None:
    blocks = [code for code in python_of("testing.md") if "test" in code]
    assert len(blocks) == 5
    for number, code in enumerate(blocks):
        project.write(f"test_block_{number}.py", code)
    done = project.pytest("")
    assert done.returncode == 0, done.stdout
    assert "9 passed" in done.stdout


@pytest.mark.parametrize("page", ["flask.md", "fastapi.md"])
def test_the_application_of_a_framework_passes_its_tests_each_time(project: Project, page: str) -> None:
    application, *others = python_of(page)
    [tests] = [code for code in others if "from app import" in code]
    project.write("app.py", application)
    for _ in range(2):
        done = project.pytest(tests, "-W", "ignore:Using `httpx`", "-W", "ignore:The anyio.abc.BlockingPortal alias")
        assert "2 passed" in done.stdout, done.stdout
    assert {path.name for path in project.folder.iterdir()} <= {"app.py", "test_application.py", "__pycache__"}


def test_the_alerts_example_confirms_once_although_an_answer_is_lost(project: Project) -> None:
    project.write("app.py", (DOCS.parent / "examples" / "fastapi_alerts" / "app.py").read_text("utf-8"))
    done = project.pytest(
        """
        from app import create_app
        from fastapi.testclient import TestClient
        from smsmobile.webhooks import SMSReceived

        def test(sms_sandbox, sms_webhook, monkeypatch, tmp_path):
            monkeypatch.setenv("SMSMOBILEAPI_RECIPIENT", "+33639981234")
            event = {"sender": "+33639981234", "message": "OK 1", "id": "an-id", "guid": "a-guid"}
            with TestClient(create_app(tmp_path)) as browser:
                browser.post("/alerts", json={"text": "disk full"})
                sms_sandbox.faults.add("reset_after", path="/sendsms/", times=1)
                answers = [sms_webhook(browser, SMSReceived, **event).status for _ in range(3)]
            assert answers[-1] == 200
            assert len(sms_sandbox.phone.outbox) == 2
        """,
        "-W",
        "ignore:Using `httpx`",
        "-W",
        "ignore:The anyio.abc.BlockingPortal alias",
    )
    assert "1 passed" in done.stdout, done.stdout
