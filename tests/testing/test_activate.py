"""`activate` under unittest, as a context manager and as a decorator of functions, methods and classes."""

from __future__ import annotations

import pytest

from .conftest import Project

APPLICATION = """
from smsmobile import SMSMobileClient

def remind(number):
    with SMSMobileClient.from_env() as client:
        return client.sms.send(number, "Tomorrow at 10:00")
"""
HEAD = """
import asyncio
import os
import unittest

from application import remind
from smsmobile import SMSMobileClient
from smsmobile.testing import NetworkBlocked, activate, assert_nothing_sent, assert_sent
"""

FORMS = {
    "a context manager": """
class Tests(unittest.TestCase):
    def test_a_reminder(self):
        with activate() as box:
            remind("+33639981234")
            assert_sent(box.phone.outbox, to="+33639981234")
""",
    "a method that gets the sandbox": """
class Tests(unittest.TestCase):
    @activate
    def test_a_reminder(self, box):
        remind("+33639981234")
        assert_sent(box.phone.outbox, to="+33639981234")
""",
    "a method that does not need the sandbox": """
class Tests(unittest.TestCase):
    @activate
    def test_a_reminder(self):
        self.assertTrue(remind("+33639981234").accepted)
""",
    "an asynchronous method": """
class Tests(unittest.IsolatedAsyncioTestCase):
    @activate
    async def test_a_reminder(self, box):
        await asyncio.to_thread(remind, "+33639981234")
        assert_sent(box.phone.outbox, to="+33639981234")
""",
    "a class": """
@activate
class Tests(unittest.TestCase):
    def setUp(self):
        assert_nothing_sent(self.box.phone.outbox)
        remind("+33639985678")

    def test_one(self):
        remind("+33639981234")
        assert_sent(self.box.phone.outbox, to="+33639981234")

    def test_two(self):
        remind("+33639981234")
        assert_sent(self.box.phone.outbox, to="+33639981234")
        self.assertEqual(len(self.box.phone.outbox), 2)
""",
    "a method of a class that has it already": """
@activate
class Tests(unittest.TestCase):
    def setUp(self):
        remind("+33639985678")

    @activate
    def test_a_reminder(self, box):
        assert_sent(box.phone.outbox, to="+33639985678")
        self.assertIs(box, self.box)
""",
}
DEVELOPER = {"SMSMOBILEAPI_API_KEY": "the-key-of-the-developer", "SMSMOBILEAPI_DEVICE_SID": "a-phone"}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_an_application_sends_to_the_sandbox(project: Project, form: str) -> None:
    project.write("application.py", APPLICATION)
    project.write("test_application.py", HEAD + form)
    project.write(".env", "SMSMOBILEAPI_CLIENT_ID=the-id\nSMSMOBILEAPI_CLIENT_SECRET=the-secret\n")
    done = project.python("-m", "unittest", "-v", **DEVELOPER)
    assert done.returncode == 0, done.stdout
    assert done.stdout.rstrip().endswith("OK")


def test_the_guard_is_on_inside_and_off_outside_of_it(project: Project) -> None:
    project.write("application.py", APPLICATION)
    project.write(
        "test_application.py",
        HEAD
        + """
from smsmobile._http import guard

class Tests(unittest.TestCase):
    def test_a_client_with_its_own_credentials(self):
        with activate(), SMSMobileClient(api_key="a-key-of-the-tests") as client:
            with self.assertRaises(NetworkBlocked):
                client.sms.send("+33639981234", "hi")
        self.assertFalse(guard.is_on)
        self.assertEqual(os.environ["SMSMOBILEAPI_API_KEY"], "the-key-of-the-developer")
""",
    )
    done = project.python("-m", "unittest", **DEVELOPER)
    assert done.returncode == 0, done.stdout


@pytest.mark.long
def test_under_pytest_a_decorated_function_takes_fixtures_as_well(project: Project) -> None:
    project.write("application.py", APPLICATION)
    done = project.pytest(
        HEAD
        + """
@activate
def test_a_reminder(tmp_path, box):
    remind("+33639981234")
    assert_sent(box.phone.outbox, to="+33639981234")
    assert tmp_path.is_dir()

@activate
class TestReminders(unittest.TestCase):
    def test_a_reminder(self):
        remind("+33639981234")
        assert_sent(self.box.phone.outbox, to="+33639981234")
"""
    )
    assert done.returncode == 0, done.stdout
    assert "2 passed" in done.stdout


def test_a_class_that_is_no_test_case_is_refused(project: Project) -> None:
    project.write("test_application.py", HEAD.replace("from application import remind", "") + "@activate\nclass A: ...")
    done = project.python("-m", "unittest")
    assert "TypeError: A is no unittest.TestCase" in done.stdout


def test_without_flask_the_error_says_what_to_install(project: Project) -> None:
    code = "import sys; sys.modules['flask'] = None; from smsmobile.testing import activate"
    assert "pip install flask" in project.python("-c", code).stdout


def test_the_assertions_need_no_sandbox(project: Project) -> None:
    code = "import sys; sys.modules['flask'] = None; from smsmobile.testing import assert_sent, post_webhook"
    assert project.python("-c", code).stdout == ""
