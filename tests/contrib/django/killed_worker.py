"""The program that the test kills: `manage.py sms_worker` of the project, which waits for short times only."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from threading import Thread

sys.path.insert(0, str(Path(__file__).parent))
os.environ["DJANGO_SETTINGS_MODULE"] = "django_project.settings"

import django

django.setup()

from django.conf import settings  # noqa: E402 - Django is set up
from django.core.management import execute_from_command_line  # noqa: E402
from django.db import connections  # noqa: E402

from smsmobile import LoggedSMS, SentSMS  # noqa: E402
from smsmobile.contrib.django import journal, worker  # noqa: E402
from smsmobile.contrib.django.management.commands import sms_worker  # noqa: E402, F401 - import it before the fork
from smsmobile.contrib.django.models import OutgoingSMS, State  # noqa: E402
from smsmobile.delivery import once  # noqa: E402

for model in (SentSMS, LoggedSMS):
    model.model_rebuild()  # build them before the fork


def main(url: str, api_key: str, lease: float, until_empty: bool = False) -> None:
    """Send what is queued, until SIGTERM; or until nothing is left."""
    settings.SMSMOBILE = {"API_KEY": api_key, "BASE_URL": url, "TIMEOUT": (2, 0.3)}
    for function, name, value in ((journal.DjangoJournal.__init__, "lease", lease), (once.send_once, "patience", 0.1)):
        assert function.__kwdefaults__ is not None
        function.__kwdefaults__[name] = value
    worker.LEASE, worker.FIRST_PAUSE, worker.LONGEST_PAUSE = lease, 0.02, 0.2
    if until_empty:
        Thread(target=end_when_empty, daemon=True).start()
    sys.stdout = sys.stderr  # who has started this process reads the other one
    execute_from_command_line(["manage.py", "sms_worker", "--interval=0.05", "--skip-checks"])
    connections.close_all()


def end_when_empty() -> None:
    """Stop the worker as a supervisor does."""
    while OutgoingSMS.objects.filter(state=State.QUEUED).exists():
        time.sleep(0.1)
    connections.close_all()
    os.kill(os.getpid(), signal.SIGTERM)
