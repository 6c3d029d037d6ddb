"""`manage.py demo`: the shop, its worker and a sandbox, with one command."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from contextlib import closing
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from smsmobile.sandbox import Sandbox
from smsmobile.sandbox.__main__ import API_KEY


class Command(BaseCommand):
    """Runs everything until Ctrl-C."""

    help = "Runs the shop, its worker and a sandbox, until Ctrl-C."

    def add_arguments(self, parser: CommandParser) -> None:
        """Where the shop listens."""
        parser.add_argument("--port", type=int, default=8000, help="of the shop (8000)")
        parser.add_argument("--sandbox-port", type=int, default=8420, help="of the sandbox (8420)")

    def handle(self, *_: Any, port: int, sandbox_port: int, **__: Any) -> None:
        """Run it."""
        call_command("migrate", verbosity=0)
        if not User.objects.filter(username="admin").exists():
            User.objects.create_superuser("admin", password="admin")  # noqa: S106

        signal.signal(signal.SIGTERM, lambda *_: sys.exit())  # as Ctrl-C, so that the worker ends, too
        shop = f"http://127.0.0.1:{port}"
        with closing(self._started(port, sandbox_port)) as box:
            box.phone.delay = 1.5  # so that a message can be seen waiting
            box.add_webhook(f"{shop}/sms/webhook", secret=settings.SMSMOBILE["WEBHOOK_SECRET"])
            settings.SMSMOBILE["BASE_URL"] = box.url
            worker = subprocess.Popen(  # noqa: S603
                [sys.executable, sys.argv[0], "sms_worker"], env={**os.environ, "SHOP_SANDBOX": box.url}
            )
            try:
                self.stdout.write(
                    f"The shop:   {shop}/\nThe phone:  {box.url}/\nThe admin:  {shop}/admin/ (admin, admin)\n\n"
                    "Order something, answer as the customer on the page of the phone, then look into the admin.\n"
                )
                call_command("runserver", f"127.0.0.1:{port}", use_reloader=False)
            finally:
                worker.terminate()
                worker.wait()

    def _started(self, port: int, sandbox_port: int) -> Sandbox:
        try:
            socket.create_server(("127.0.0.1", port)).close()  # runserver would end without ending the worker
            return Sandbox(port=sandbox_port, api_key=API_KEY).start()
        except OSError as error:
            raise CommandError(f"{error}. Choose others with --port and --sandbox-port.") from None
