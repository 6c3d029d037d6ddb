"""`WebhookEndpoint` whose handlers can be coroutines."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import anyio.from_thread

from ... import webhooks


class WebhookEndpoint(webhooks.WebhookEndpoint):
    """`smsmobile.webhooks.WebhookEndpoint`, whose handlers can also be coroutine functions.

    `webhook_route` runs the endpoint in a thread, and plain functions there. A coroutine function is awaited on the
    event loop of the application. The event is acknowledged when it has finished. If it raises or is cancelled, the
    event is delivered again.
    """

    def _adapt(self, handler: Callable[[Any], object]) -> Callable[[Any], object]:
        call = getattr(handler, "__call__", None)  # noqa: B004 - of an object whose method is a coroutine function
        if not (inspect.iscoroutinefunction(handler) or inspect.iscoroutinefunction(call)):
            return super()._adapt(handler)

        def run(event: Any) -> object:
            return anyio.from_thread.run(handler, event)  # type: ignore[arg-type]  # which returns a coroutine

        return run
