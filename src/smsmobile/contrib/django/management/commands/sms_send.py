"""`manage.py sms_send TO MESSAGE`: sends one SMS now, and prints its GUID."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from .....errors import SMSMobileError
from ...conf import get_client


class Command(BaseCommand):
    """Sends one SMS."""

    help = "Sends one SMS now, and prints its GUID."

    def add_arguments(self, parser: CommandParser) -> None:
        """Recipient and text."""
        parser.add_argument("to", help="the number with + and its country code")
        parser.add_argument("message", help="the text")

    def handle(self, *_: Any, to: str, message: str, **__: Any) -> None:
        """Send it."""
        try:
            sent = get_client().sms.send(to, message)
        except SMSMobileError as error:
            raise CommandError(f"{type(error).__name__}: {error}") from None
        self.stdout.write(sent.guid or "accepted, without a GUID")
