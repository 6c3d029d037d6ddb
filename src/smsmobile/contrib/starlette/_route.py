"""`webhook_route`: an endpoint as a route of an application."""

from __future__ import annotations

from functools import partial

from anyio import CapacityLimiter, to_thread
from anyio.lowlevel import RunVar
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from ...webhooks import WebhookEndpoint
from ...webhooks.events import MAX_BODY_BYTES

_MOST_THREADS = 40
"""How many deliveries are handled at a time; others wait. The application's own threads are not among them: a handler
that is awaited may need one of these."""
_limiter: RunVar[CapacityLimiter] = RunVar("smsmobile_deliveries")


def webhook_route(path: str, endpoint: WebhookEndpoint) -> Route:
    """A route that hands the deliveries of webhooks to an endpoint.

        app = FastAPI(routes=[webhook_route("/sms/webhook", endpoint)])

    path: where it is. For version 1 webhooks with a parameter for the token: `"/sms/webhook/{token}"`.
    endpoint: decides what is answered. Handlers that are coroutine functions need the one of this package.

    At most 1 MiB of a body is read. The endpoint, its store and its handlers run in a thread.
    """

    async def webhook(request: Request) -> Response:
        try:
            body = await _read(request)
        except ClientDisconnect:
            return Response(status_code=400)  # nobody reads it
        token = request.path_params.get("token")
        answer = await to_thread.run_sync(
            partial(endpoint.answer, request.method, body, request.headers, url_token=token), limiter=_threads()
        )
        return Response(answer.text, answer.status, answer.headers)

    return Route(path, webhook, methods=["POST"], name="smsmobile_webhook", include_in_schema=False)


async def _read(request: Request) -> bytes:
    """The body, or as much of it as shows that it is too large."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk[: MAX_BODY_BYTES + 1 - len(body)]
        if len(body) > MAX_BODY_BYTES:
            break
    return bytes(body)


def _threads() -> CapacityLimiter:
    """The limiter of this event loop."""
    try:
        return _limiter.get()
    except LookupError:
        limiter = CapacityLimiter(_MOST_THREADS)
        _limiter.set(limiter)
        return limiter
