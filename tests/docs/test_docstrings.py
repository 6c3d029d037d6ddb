"""Every parameter and field of the public API is explained, by its own docstring, its function's or its class's."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Iterator
from dataclasses import is_dataclass
from importlib import import_module
from typing import Any

MODULES = [
    "smsmobile",
    "smsmobile.auth",
    "smsmobile.client",
    "smsmobile.config",
    "smsmobile.channels.calls",
    "smsmobile.channels.conversations",
    "smsmobile.channels.devices",
    "smsmobile.channels.email",
    "smsmobile.channels.notifications",
    "smsmobile.channels.sms",
    "smsmobile.channels.whatsapp",
    "smsmobile.contrib.celery",
    "smsmobile.contrib.flask",
    "smsmobile.contrib.redis",
    "smsmobile.contrib.sqlalchemy",
    "smsmobile.contrib.starlette",
    "smsmobile.delivery",
    "smsmobile.delivery.journals",
    "smsmobile.errors",
    "smsmobile.sandbox",
    "smsmobile.webhooks",
]

PASSED_BY_THE_LIBRARY = {"transport", "default_region", "default_device", "repeat", "lookup", "text"} | {
    "store",
    "ticker",
    "publish",
    "paths",
    "sid",
}
"""Parameters of classes that the library builds itself: channels, errors, what belongs to a sandbox."""
SAME_AS = {
    **dict.fromkeys(("MemoryJournal", "SQLiteJournal", "RedisJournal", "SQLJournal"), "Journal"),
    **dict.fromkeys(("MemoryEventStore", "SQLiteEventStore", "RedisEventStore", "SQLEventStore"), "EventStore"),
    "MemoryTokenStore": "TokenStore",
    **dict.fromkeys(("RedisTokenStore", "SQLTokenStore"), "LockingTokenStore"),
    "SQLiteInboxState": "InboxState",
    **dict.fromkeys(("MemorySuppression", "SQLiteSuppression", "RedisSuppression", "SQLSuppression"), "Suppression"),
}
"""Classes that do what a protocol says, whose docstrings explain the parameters."""


def public_objects() -> dict[str, Any]:
    found = {}
    for module in map(import_module, MODULES):
        for name in module.__all__:
            value = getattr(module, name)
            if inspect.isclass(value) or inspect.isfunction(value):
                found[f"{value.__module__}.{value.__qualname__}"] = value
    return found


def names_in(text: str | None) -> set[str]:
    return set(re.findall(r"\w+", text or ""))


def described_fields(kind: type) -> Iterator[tuple[str, bool]]:
    """The public fields that the class's own body declares, and whether a text follows each."""
    (body,) = ast.parse(textwrap.dedent(inspect.getsource(kind))).body
    assert isinstance(body, ast.ClassDef)
    for statement, following in zip(body.body, [*body.body[1:], None], strict=True):
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            text = isinstance(following, ast.Expr) and isinstance(following.value, ast.Constant)
            if not statement.target.id.startswith("_"):
                yield statement.target.id, text


def described_attributes(kind: type) -> set[str]:
    """The attributes that the constructor sets and describes, as those of exceptions."""
    if "__init__" not in vars(kind) or is_dataclass(kind) or not kind.__module__.startswith("smsmobile"):
        return set()
    return set(re.findall(r'self\.(\w+) = .*\n +"""', inspect.getsource(kind.__init__)))


def unexplained(name: str, value: Any) -> Iterator[str]:
    if inspect.isfunction(value):
        yield from (f"{name}({each})" for each in parameters(value) - names_in(value.__doc__))
        return
    about = names_in(value.__doc__) | names_in(value.__init__.__doc__)
    for base in value.__mro__:
        if base.__module__.startswith("smsmobile"):
            about.update(field for field, is_described in described_fields(base) if is_described)
    yield from (f"{name}.{field}" for field, _ in described_fields(value) if field not in about)
    for method_name, method in list(vars(value).items()):
        function = inspect.unwrap(getattr(method, "__func__", method))
        if not inspect.isfunction(function) or getattr(function, "__module__", "") != value.__module__:
            continue
        if method_name == "__init__":
            for each in parameters(function) - about:
                if not any(each in described_attributes(base) for base in value.__mro__):
                    yield f"{name}({each})"
        # The only parameter of a method is what its sentence is about.
        elif not method_name.startswith("_") and len(parameters(function)) > 1 and value.__name__ not in SAME_AS:
            # "Arguments and errors as in `log`"
            others = re.findall(r"as (?:in|for) `([a-z]\w*)`", function.__doc__ or "")
            known = names_in(function.__doc__).union(*(names_in(getattr(value, other).__doc__) for other in others))
            yield from (f"{name}.{method_name}({each})" for each in parameters(function) - known)


def parameters(function: Any) -> set[str]:
    named = {name for name in inspect.signature(function).parameters if not name.startswith("_")}
    return named - {"self", "cls", "args", "kwargs"} - PASSED_BY_THE_LIBRARY


def test_every_parameter_and_field_is_explained() -> None:
    objects = public_objects()
    assert len(objects) > 100
    assert [each for name, value in objects.items() for each in unexplained(name, value)] == []
