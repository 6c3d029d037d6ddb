"""The page about Django is true: its blocks make a new project, which runs, and they are few lines."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[3] / "docs" / "django.md").read_text("utf-8")
BLOCKS = {
    match["file"]: match["code"]
    for match in re.finditer(r"^```python\n# (?P<file>\w+\.py).*\n(?P<code>(?:.*\n)*?)```$", PAGE, re.MULTILINE)
}
ANSWER = PAGE[PAGE.index("from smsmobile.testing import post_webhook") :].partition("```")[0]
GLUE = ("settings.py", "urls.py", "views.py", "models.py", "tests.py")
FILES = {
    "settings.py": "project/settings.py",
    "urls.py": "project/urls.py",
    "views.py": "orders/views.py",
    "models.py": "orders/models.py",
    "opt_outs.py": "orders/models.py",
    "sms_rules.py": "project/sms_rules.py",
    "tests.py": "orders/tests.py",
    "adapter.py": "orders/adapter.py",
}
# What a project has already.
ROUTE = """
from orders.views import order
urlpatterns += [path("order", order)]
"""
# For the adapter.
ALLAUTH = """
INSTALLED_APPS += ["allauth", "allauth.account"]
MIDDLEWARE += ["allauth.account.middleware.AccountMiddleware"]
ACCOUNT_ADAPTER = "orders.adapter.AccountAdapter"
"""
PHONE = """
from django.conf import settings
from django.db import models


class Phone(models.Model):
    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE)
    number = models.CharField(max_length=20, unique=True)
    is_verified = models.BooleanField()
"""
STORED = """
from allauth.account.adapter import get_adapter
from django.contrib.auth.models import User


class AdapterTests(TestCase):
    def test_numbers_are_stored(self):
        user, adapter = User.objects.create_user("ann"), get_adapter()
        self.assertIsNone(adapter.get_phone(user))
        self.assertIsNone(adapter.get_user_by_phone("+33639981234"))
        adapter.set_phone(user, "+33639981234", False)
        self.assertEqual(adapter.get_phone(user), ("+33639981234", False))
        adapter.set_phone_verified(user, "+33639981234")
        self.assertEqual(adapter.get_phone(user), ("+33639981234", True))
        self.assertEqual(adapter.get_user_by_phone("+33639981234"), user)
        self.assertTrue(adapter._has_phone_impl)
"""


def manage(folder: Path, *words: str, **variables: str) -> str:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **variables}
    command = [sys.executable, "-W", "error::ResourceWarning", *words]
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.mark.long
def test_a_new_project_runs_with_the_blocks_of_the_page(tmp_path: Path) -> None:
    manage(tmp_path, "-m", "django", "startproject", "project", ".")
    manage(tmp_path, "manage.py", "startapp", "orders")
    for name, file in FILES.items():
        with (tmp_path / file).open("a") as opened:
            opened.write(BLOCKS[name])
    for file, more in {
        "project/settings.py": 'INSTALLED_APPS += ["orders"]\n' + ALLAUTH,
        "project/urls.py": ROUTE,
        "orders/models.py": PHONE,
        "orders/tests.py": ANSWER + STORED,
    }.items():
        with (tmp_path / file).open("a") as opened:
            opened.write(more)

    manage(tmp_path, "manage.py", "makemigrations", "orders")
    manage(tmp_path, "manage.py", "migrate")
    assert "Ran 4 tests" in manage(tmp_path, "manage.py", "test")
    rules = {"SMSMOBILEAPI_WINDOW": "project.sms_rules.window", "SMSMOBILEAPI_SIMS": "project.sms_rules.sims"}
    manage(tmp_path, "manage.py", "check", **rules)  # rules that cannot be used are an error
    printed = manage(tmp_path, "manage.py", "sms_send", "+33639981234", "Hello")
    assert "sms to +33639981234\n\nHello\n" in printed


def test_the_glue_of_a_project_is_few_lines() -> None:
    lines = [line for name in GLUE for line in BLOCKS[name].splitlines() if line.strip() and "# " not in line]
    own = [line for line in lines if "HttpResponse" in line or "def order" in line]  # without SMS, they are there, too
    assert len(lines) - len(own) <= 25, lines
