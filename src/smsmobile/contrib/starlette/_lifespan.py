"""`lifespan` opens a client for as long as the application runs, and `get_client` finds it in a request."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.requests import HTTPConnection

from ...client import SMSMobileClient
from .._offline import RecordedSMS, print_sms
from .._settings import WebSettings

_NAME = "sms_client"


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[dict[str, Any]]:
    """Open a client when the application starts, and close it when it stops.

        app = FastAPI(lifespan=lifespan)

    app: a Starlette or FastAPI application. The client is `app.state.sms_client`, and in requests
        `get_client(request)`.

    In a lifespan of your own, pass on what it yields:

        @asynccontextmanager
        async def my_lifespan(app):
            async with lifespan(app) as state, open_database() as database:
                yield {**state, "database": database}

    The client is configured by the environment and `.env`, as by `SMSMobileClient.from_env`, with timeouts that fit a
    request (3 and 10 seconds) and without retries unless these are set. `SMSMOBILEAPI_BACKEND` chooses where messages
    go: `live`, `sandbox`, `console` or `locmem`.

    Raises ConfigurationError when the application starts.
    """
    settings = WebSettings({}, "SMSMOBILEAPI_{}")
    backend = settings.backend
    with settings.client(backend, print_sms if backend == "console" else _drop) as client:
        setattr(app.state, _NAME, client)
        yield {_NAME: client}


def get_client(connection: HTTPConnection) -> SMSMobileClient:
    """The client that `lifespan` has opened.

        Client = Annotated[SMSMobileClient, Depends(get_client)]        # in FastAPI

    connection: a request or a WebSocket.

    Raises RuntimeError if there is none.
    """
    client = getattr(connection.state, _NAME, None)
    if client is None:
        raise RuntimeError(
            "There is no client: the application needs the lifespan of smsmobile.contrib.starlette, and a test has to "
            "run it: `with TestClient(app) as browser:`."
        )
    return client  # type: ignore[no-any-return]


def _drop(_: RecordedSMS) -> None:
    pass
