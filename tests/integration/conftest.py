"""A sandbox, and a client that speaks HTTP to it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from smsmobile import SMSMobileClient
from smsmobile.sandbox import Sandbox


@pytest.fixture
def box() -> Iterator[Sandbox]:
    with Sandbox() as box:
        yield box


@pytest.fixture
def client(box: Sandbox) -> Iterator[SMSMobileClient]:
    with SMSMobileClient(api_key=box.api_key, base_url=box.url) as client:
        yield client
