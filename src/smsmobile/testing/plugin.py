"""The pytest plugin, which pytest loads by itself: fixtures, the network guard, and an empty outbox for each test.

It is loaded in every test run of an environment with this library, so what takes long is imported in the functions.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

from .._http import guard
from ._secret import VARIABLE, WEBHOOK_SECRET

if TYPE_CHECKING:
    from ..client import SMSMobileClient
    from ..sandbox import Phone, Sandbox
    from ..webhooks import WebhookAnswer
    from ._outbox import Outbox

# pytest looks for all of these with dir().
__all__ = [
    "pytest_addoption",
    "pytest_configure",
    "pytest_runtest_protocol",
    "pytest_runtest_setup",
    "sms_client",
    "sms_outbox",
    "sms_phone",
    "sms_sandbox",
    "sms_webhook",
]


def __dir__() -> list[str]:
    return __all__


_ALLOW = "smsmobile_allow_network"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the option, and turn the guard on. This runs before a conftest.py imports the application."""
    parser.addini(_ALLOW, "let clients of smsmobile reach other machines in all tests", type="bool", default=False)
    os.environ[VARIABLE] = WEBHOOK_SECRET
    guard.is_on = True


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker, and turn the guard off for this session if the configuration allows the network."""
    config.addinivalue_line("markers", f"{_ALLOW}: let clients of smsmobile reach other machines in this test")
    session = ExitStack()
    session.enter_context(guard.switched(not config.getini(_ALLOW)))
    config.add_cleanup(session.close)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Turn the guard off for a test with the marker."""
    with guard.switched(guard.is_on and item.get_closest_marker(_ALLOW) is None):
        yield


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """Let each test begin with an empty outbox in Django, whose test runner would do that."""
    module: Any = sys.modules.get("smsmobile.contrib.django.test")
    if module is not None:
        module.outbox.clear()


@pytest.fixture
def sms_sandbox() -> Iterator[Sandbox]:
    """A running sandbox, as new. `SMSMobileClient.from_env()` makes a client of it.

    While a test uses it, there are no other SMSMOBILEAPI_… variables, and no `.env` is read. A test process has one
    sandbox, which keeps its address and credentials, so clients that an application has cached stay usable.
    """
    try:
        from ._active import active_sandbox
    except ImportError as error:
        if error.name != "flask":
            raise
        pytest.fail(
            "The fixture needs the sandbox, and Flask is not installed: pip install 'smsmobile[sandbox]'",
            pytrace=False,
        )
    with active_sandbox() as box:
        yield box


@pytest.fixture
def sms_client(sms_sandbox: Sandbox) -> Iterator[SMSMobileClient]:
    """A client of the sandbox."""
    from ..client import SMSMobileClient

    with SMSMobileClient(api_key=sms_sandbox.api_key, base_url=sms_sandbox.url) as client:
        yield client


@pytest.fixture
def sms_phone(sms_sandbox: Sandbox) -> Phone:
    """The phone of the sandbox: `sms_phone.receive("+33639985678", "yes")`, `sms_phone.switch_off()` …"""
    return sms_sandbox.phone


@pytest.fixture
def sms_outbox(sms_sandbox: Sandbox) -> Outbox:
    """What the phones of the sandbox have sent, oldest first. It shows what is sent later, too."""
    from ._outbox import Outbox

    return Outbox(sms_sandbox)


@pytest.fixture
def sms_webhook() -> Callable[..., WebhookAnswer]:
    """`smsmobile.testing.post_webhook`: posts an event as the service does, signed and complete."""
    from ._webhooks import post_webhook

    return post_webhook
