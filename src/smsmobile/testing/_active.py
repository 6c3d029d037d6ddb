"""The sandbox of a test process, and `activate`, which makes an application use it under unittest."""

from __future__ import annotations

import atexit
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import cache, wraps
from inspect import iscoroutinefunction, signature
from typing import Any, TypeVar, overload
from unittest import TestCase

from .. import _dotenv
from .._http import guard
from ..config import PREFIX
from ..contrib._settings import SANDBOX_KEY
from ..sandbox import Sandbox
from ._secret import VARIABLE, WEBHOOK_SECRET

__all__ = ["activate"]


def __dir__() -> list[str]:
    return __all__


Case = TypeVar("Case", bound=type[TestCase])


@cache
def _sandbox() -> Sandbox:
    """One for the process, at one address: applications keep their clients from test to test."""
    box = Sandbox(api_key=SANDBOX_KEY).start()
    atexit.register(box.close)
    return box


@contextmanager
def active_sandbox() -> Iterator[Sandbox]:
    """The sandbox, as new, and the environment that leads to it. Inside of another one nothing changes."""
    box = _sandbox()
    if _dotenv.is_off:
        yield box
        return
    box.reset()
    before = _variables()
    _set_variables(
        {
            PREFIX + "API_KEY": box.api_key,
            PREFIX + "BASE_URL": box.url,
            PREFIX + "MAILBOX_KEY": box.mailbox.key,
            VARIABLE: before.get(VARIABLE) or WEBHOOK_SECRET,
        }
    )
    _dotenv.is_off = True
    try:
        yield box
    finally:
        _dotenv.is_off = False
        _set_variables(before)


def _variables() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name.startswith(PREFIX)}


def _set_variables(variables: dict[str, str]) -> None:
    for name in _variables():
        del os.environ[name]
    os.environ.update(variables)


@overload
def activate() -> AbstractContextManager[Sandbox]: ...
@overload
def activate(test: Case) -> Case: ...
@overload
def activate(test: Callable[..., Any]) -> Callable[..., Any]: ...
def activate(test: Any = None) -> Any:
    """Let `SMSMobileClient.from_env()` make clients of a sandbox, and let no client reach another machine.

        with activate() as box:
            remind("+33639981234")
            assert_sent(box.phone.outbox, to="+33639981234")

    test: a test function, which gets the sandbox if it has an argument `box`, or a TestCase class, whose tests have it
        as `self.box`, also in `setUp`. None for a context manager, which gives the sandbox.

    Meanwhile there are no other SMSMOBILEAPI_… variables, and no `.env` is read. The sandbox is as new at the start. It
    is the same for the whole process, so clients that an application has cached stay usable.

    Raises ImportError if the extra `[sandbox]` is not installed, and TypeError for a class that is no TestCase.
    """
    if test is None:
        return _activated()
    if not isinstance(test, type):
        return _decorated(test)
    if not issubclass(test, TestCase):
        raise TypeError(f"{test.__name__} is no unittest.TestCase. In a class for pytest, use the fixture sms_sandbox.")
    run = test.run

    @wraps(run)
    def run_activated(self: Any, *args: Any, **kwargs: Any) -> Any:
        with _activated() as self.box:
            return run(self, *args, **kwargs)

    test.run = run_activated  # type: ignore[method-assign]
    return test


@contextmanager
def _activated() -> Iterator[Sandbox]:
    with guard.switched(True), active_sandbox() as box:
        yield box


def _decorated(test: Callable[..., Any]) -> Callable[..., Any]:
    """The test inside of an active sandbox. pytest is told of a test without `box`, which is no fixture."""
    seen = signature(test)
    takes_box = "box" in seen.parameters

    @wraps(test)
    def activated(*args: Any, **kwargs: Any) -> Any:
        with _activated() as box:
            return test(*args, **kwargs, **({"box": box} if takes_box else {}))

    @wraps(test)
    async def activated_async(*args: Any, **kwargs: Any) -> Any:
        with _activated() as box:
            return await test(*args, **kwargs, **({"box": box} if takes_box else {}))

    decorated: Any = activated_async if iscoroutinefunction(test) else activated
    decorated.__signature__ = seen.replace(parameters=[it for it in seen.parameters.values() if it.name != "box"])
    return decorated  # type: ignore[no-any-return]
