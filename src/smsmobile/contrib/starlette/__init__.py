"""For Starlette and FastAPI: a route for webhooks, handlers that are coroutines, and a client for a lifespan.

    from fastapi import FastAPI
    from smsmobile.contrib.starlette import WebhookEndpoint, lifespan, webhook_route

    endpoint = WebhookEndpoint(receiver, store)
    app = FastAPI(lifespan=lifespan, routes=[webhook_route("/sms/webhook", endpoint)])

The library itself is synchronous: what blocks runs in threads. This file holds the public names. Importing it raises
ImportError without Starlette.
"""

try:
    import starlette  # noqa: F401
except ImportError:
    raise ImportError('smsmobile.contrib.starlette needs Starlette: pip install "smsmobile[starlette]".') from None

from ._endpoint import WebhookEndpoint
from ._lifespan import get_client, lifespan
from ._route import webhook_route

__all__ = ["WebhookEndpoint", "get_client", "lifespan", "webhook_route"]


def __dir__() -> list[str]:
    return __all__
