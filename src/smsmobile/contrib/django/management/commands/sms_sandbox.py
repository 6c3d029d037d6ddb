"""`manage.py sms_sandbox`: the sandbox for `BACKEND` "sandbox", which delivers webhooks to a running `runserver`."""

from __future__ import annotations

from typing import Any
from urllib.parse import urljoin, urlsplit

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.urls import NoReverseMatch, reverse

from ...conf import get_settings

SERVER = "http://127.0.0.1:8000"


class Command(BaseCommand):
    """Runs the sandbox until Ctrl-C."""

    help = 'Runs the sandbox that SMSMOBILE["BACKEND"] = "sandbox" sends to. It delivers webhooks to this project.'

    def add_arguments(self, parser: CommandParser) -> None:
        """Both addresses."""
        parser.add_argument("--port", type=int, help="the port; by default the one of BASE_URL, else 8420")
        parser.add_argument("--server", default=SERVER, metavar="URL", help=f"where runserver runs ({SERVER})")

    def handle(self, *_: Any, port: int | None, server: str, **__: Any) -> None:
        """Run it."""
        try:
            from .....sandbox.__main__ import main
        except ImportError:
            raise CommandError('The sandbox needs an extra: pip install "smsmobile[sandbox]".') from None
        words = self._webhook(server)
        if port := port or urlsplit(get_settings().sandbox_url).port:
            words.append(f"--port={port}")
        if main(words):
            raise CommandError("The sandbox did not start.")

    def _webhook(self, server: str) -> list[str]:
        try:
            url = urljoin(server, reverse("smsmobile:webhook"))
        except NoReverseMatch:
            self.stderr.write("No webhooks: smsmobile.contrib.django.urls is not in the URLs of this project.")
            return []
        words = get_settings().webhook_of_sandbox(url)
        if not words:
            self.stderr.write("No webhooks: SMSMOBILE['WEBHOOK_SECRET'] is not set.")
        return words
