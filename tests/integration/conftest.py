"""What these tests share: a sandbox, and a client that speaks HTTP to it with either kind of credentials."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from smsmobile import SMSMobileClient
from smsmobile.sandbox import Sandbox


@pytest.fixture
def box() -> Iterator[Sandbox]:
    with Sandbox() as box:
        yield box


@pytest.fixture(params=["api key", "oauth2"])
def credentials(request: pytest.FixtureRequest, box: Sandbox) -> dict[str, str]:
    if request.param == "api key":
        return {"api_key": box.api_key}
    return {"client_id": box.client_id, "client_secret": box.client_secret}


@pytest.fixture
def client(credentials: dict[str, str], box: Sandbox) -> Iterator[SMSMobileClient]:
    with SMSMobileClient(**credentials, base_url=box.url) as client:
        yield client
