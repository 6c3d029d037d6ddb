"""Applications with a route for the tests, and how a test posts to them."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.routing import Mount

from ..deliveries import Delivery

with warnings.catch_warnings():  # Starlette says that it prefers another package than httpx
    warnings.simplefilter("ignore")
    from starlette.testclient import TestClient

__all__ = ["PATH", "TestClient", "each_application", "post"]

PATH = "/sms/webhook"
APPLICATIONS: list[Callable[[Any], Starlette]] = [
    lambda route: Starlette(routes=[route]),
    lambda route: FastAPI(routes=[route]),
    lambda route: Starlette(routes=[Mount("/", routes=[route])]),
]
each_application = pytest.mark.parametrize("application", APPLICATIONS, ids=["Starlette", "FastAPI", "mounted"])


def post(app: Starlette, it: Delivery, path: str = PATH) -> int:
    status: int = TestClient(app).post(path, content=it.body, headers=it.headers).status_code
    return status
