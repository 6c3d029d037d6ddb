"""`manage.py sms_inbox`: polls for received SMS where no webhook can be received. The signals are the same."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import close_old_connections

from .....delivery import Inbox
from .....errors import SMSMobileError
from .....webhooks import SMSReceived, WebhookAnswer
from ...._polling import handle_received
from ...conf import get_client
from ...endpoint import get_endpoint


class Command(BaseCommand):
    """Hands over each received SMS once, until Ctrl-C or SIGTERM."""

    help = "Polls for received SMS, and sends the signal sms_received for each, until Ctrl-C or SIGTERM."

    def add_arguments(self, parser: CommandParser) -> None:
        """Where it goes on, and how often it looks."""
        parser.add_argument(
            "--state", default="sms_inbox.sqlite", help="a file that remembers what was handled (sms_inbox.sqlite)"
        )
        parser.add_argument("--interval", type=float, default=5.0, help="seconds between two looks (5)")

    def handle(self, *_: Any, state: str, interval: float, **__: Any) -> None:
        """Poll."""
        try:
            handle_received(Inbox(get_client(), state), interval, _handle)
        except SMSMobileError as error:
            raise CommandError(f"{type(error).__name__}: {error}") from None


def _handle(event: SMSReceived) -> WebhookAnswer:
    close_old_connections()  # the database may have been restarted since the last message
    return get_endpoint().handle(event)
