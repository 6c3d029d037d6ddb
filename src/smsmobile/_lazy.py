"""Public names that are imported on first use, so that a program loads only what it needs."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module


def lazy_names(
    package: str, modules: Mapping[str, Sequence[str]]
) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """A package's `__getattr__` and `__dir__`, from the names in each of its modules.

    Hide both from type checkers, which would otherwise take every name for one that exists.
    """
    homes = {name: module for module, names in modules.items() for name in names}

    def load(name: str) -> object:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value: object = getattr(import_module(f"{package}.{homes[name]}"), name)
        setattr(sys.modules[package], name, value)
        return value

    def names() -> list[str]:
        return sorted(sys.modules[package].__all__)

    return load, names


def _finish_imports() -> None:
    """Before a fork, wait for what other threads are importing: in the child nobody would go on with it."""
    for name, module in list(sys.modules.items()):
        if name.startswith("smsmobile.") and getattr(module.__spec__, "_initializing", False):
            import_module(name)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_finish_imports)
