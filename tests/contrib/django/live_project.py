"""A project with a receiver that inserts a row for each SMS, and what the tests of real servers do with it."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from ..deliveries import SECRET, received
from ..live import PATIENCE, Server

SETTINGS = f"""
import json, os
SECRET_KEY = "of the tests"
ALLOWED_HOSTS = ["127.0.0.1"]
USE_TZ = True
ROOT_URLCONF = "live_urls"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "smsmobile.contrib.django", "answers"]
DATABASES = {{"default": json.loads(os.environ["DATABASE"])}}
SMSMOBILE = {{"WEBHOOK_SECRET": "{SECRET}"}}
LOGGING = {{
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {{"all": {{"class": "logging.StreamHandler"}}}},
    "root": {{"handlers": ["all"]}},
}}
"""
URLS = """
from django.urls import include, path
urlpatterns = [path("sms/", include("smsmobile.contrib.django.urls"))]
"""
# The text of an SMS says what its first handling does; later ones just end.
MODELS = """
import os, signal, time
from pathlib import Path
from django.db import models
from django.dispatch import receiver
from smsmobile.contrib.django.signals import sms_received

folder = Path(os.environ["FOLDER"])


class Answer(models.Model):
    guid = models.CharField(max_length=100)


@receiver(sms_received)
def answer(event, **kwargs):
    guid, order = event.data.guid, event.data.message
    Answer.objects.create(guid=guid)
    try:
        with (folder / f"{guid}.seen").open("x") as seen:
            seen.write(str(os.getpid()))
    except FileExistsError:
        return
    if order == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if order == "hang":
        time.sleep(60)
    if order == "wait and fail":
        while not (folder / "may-fail").exists():
            time.sleep(0.01)
    if "fail" in order:
        raise ValueError("as ordered")
    if order.startswith("take "):
        time.sleep(float(order.split()[1]))
"""


def write_project(folder: Path, database: dict[str, object]) -> dict[str, str]:
    """Write the project, and create its tables. Returns the environment of its processes."""
    (folder / "answers").mkdir()
    files = {"live_settings.py": SETTINGS, "live_urls.py": URLS}
    for name, text in {**files, "answers/__init__.py": "", "answers/models.py": MODELS}.items():
        (folder / name).write_text(text)
    environment = {
        **{name: value for name, value in os.environ.items() if name != "DJANGO_ALLOW_ASYNC_UNSAFE"},
        "FOLDER": str(folder),
        "DATABASE": json.dumps(database),
        "DJANGO_SETTINGS_MODULE": "live_settings",
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    Project(folder, "", environment).manage("migrate", "--run-syncdb")
    return environment


def sqlite_in(folder: Path) -> dict[str, object]:
    return {"ENGINE": "django.db.backends.sqlite3", "NAME": str(folder / "db.sqlite")}


@dataclass(frozen=True)
class Project(Server):
    """A running server, and its project."""

    environment: dict[str, str]

    @property
    def address(self) -> str:
        """Host and port."""
        return urlsplit(self.url).netloc

    def answers(self) -> dict[str, int]:
        """How many rows there are for each GUID."""
        code = "from answers.models import Answer; print(*Answer.objects.values_list('guid', flat=True))"
        return Counter(self.manage("shell", "--no-imports", "-c", code).split())

    def manage(self, *words: str) -> str:
        command = [sys.executable, "-m", "django", *words]
        done = subprocess.run(
            command, cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def wait_for_receiver(self, guid: str) -> int:
        """Wait until an SMS is being handled for the first time. The id of the process that does it."""
        seen = self.folder / f"{guid}.seen"
        deadline = time.monotonic() + PATIENCE
        while not (seen.exists() and seen.read_text()):
            assert time.monotonic() < deadline, self.log()
            time.sleep(0.01)
        return int(seen.read_text())


def huge(project: Project, *, chunked: bool) -> int:
    """The answer to a body of 3 MiB. The server may close the connection before it has read all."""
    connection = http.client.HTTPConnection(project.address, timeout=PATIENCE)
    piece = b"a" * (1024 * 1024)
    try:
        connection.putrequest("POST", "/sms/webhook")
        connection.putheader("Transfer-Encoding", "chunked") if chunked else connection.putheader(
            "Content-Length", str(3 * len(piece))
        )
        for name, value in received().headers.items():
            connection.putheader(name, value)
        connection.endheaders()
        try:
            for _ in range(3):
                connection.send(b"%x\r\n%s\r\n" % (len(piece), piece) if chunked else piece)
            if chunked:
                connection.send(b"0\r\n\r\n")
        except OSError:
            pass
        return connection.getresponse().status
    finally:
        connection.close()
