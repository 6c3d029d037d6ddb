"""An endpoint and an application, for the tests of the route and of handlers."""

from __future__ import annotations

import pytest
from fastapi import FastAPI

from smsmobile.contrib.starlette import WebhookEndpoint, webhook_route
from smsmobile.webhooks import MemoryEventStore, WebhookReceiver

from ..deliveries import SECRET, TOKEN
from .applications import PATH


@pytest.fixture
def endpoint() -> WebhookEndpoint:
    return WebhookEndpoint(WebhookReceiver(SECRET), MemoryEventStore(), url_token=TOKEN)


@pytest.fixture
def app(endpoint: WebhookEndpoint) -> FastAPI:
    return FastAPI(routes=[webhook_route(PATH, endpoint), webhook_route(PATH + "/{token}", endpoint)])
