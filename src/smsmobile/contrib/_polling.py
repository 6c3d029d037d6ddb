"""What the commands that poll for received SMS do, in all frameworks."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing, suppress

from ..delivery import Inbox
from ..delivery.inbox import SHORTEST_INTERVAL
from ..webhooks import SMSReceived, WebhookAnswer


def handle_received(inbox: Inbox, interval: float, handle: Callable[[SMSReceived], WebhookAnswer]) -> None:
    """Hand over each received SMS, until SIGINT or SIGTERM. One that cannot be handled now comes again.

    interval: seconds between two looks, and from a failure to the next attempt. Less than 0.1 counts as 0.1.
    handle: passes an event to an endpoint.

    Raises what `Inbox.poll` and `handle` raise.
    """
    with suppress(KeyboardInterrupt):  # of a second signal, or in the pause
        while not _handled_until_stopped(inbox, interval, handle):
            time.sleep(max(interval, SHORTEST_INTERVAL))


def _handled_until_stopped(inbox: Inbox, interval: float, handle: Callable[[SMSReceived], WebhookAnswer]) -> bool:
    with closing(inbox.poll(interval, signals=True)) as events:
        return all(handle(event).status < 500 for event in events)
