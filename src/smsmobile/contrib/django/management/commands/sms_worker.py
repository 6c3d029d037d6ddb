"""`manage.py sms_worker`: sends what `queue_sms` has queued."""

from __future__ import annotations

import signal
from argparse import ArgumentParser
from threading import Event, current_thread, main_thread
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from .....errors import SMSMobileError
from ...worker import drain, work


class Command(BaseCommand):
    """Any number of workers can run at one time, also on several machines."""

    help = "Sends what queue_sms has queued. SIGTERM and Ctrl+C end it after the current message."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The options."""
        parser.add_argument("--once", action="store_true", help="send what is due, and end; status 1 if that failed")
        parser.add_argument(
            "--interval", type=float, default=1.0, help="seconds between two looks for new messages (default: 1)"
        )

    def handle(self, *_: Any, once: bool, interval: float, **__: Any) -> None:
        """Run the command."""
        if not interval > 0:
            raise CommandError(f"--interval is {interval:g}; expected seconds above 0.")
        stopping = Event()
        signals = (signal.SIGTERM, signal.SIGINT) if current_thread() is main_thread() else ()
        before = {number: signal.signal(number, lambda *_: stopping.set()) for number in signals}
        try:
            if once:
                self.stdout.write(f"{drain(stopping)} message(s) were taken from the queue.")
            else:
                self.stdout.write("Sending what is queued. Ctrl+C ends this.")
                work(stopping, interval=interval)
        except SMSMobileError as failure:
            raise CommandError(f"Messages cannot be sent now, and stay queued. {failure}") from failure
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
