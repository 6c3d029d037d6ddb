"""The public modules show their public names alone, and explain every parameter."""

from __future__ import annotations

import inspect
import pkgutil
import re
from importlib import import_module

import pytest

import smsmobile.contrib.django as package

NAMES = [f"{package.__name__}.{module.name}" for module in pkgutil.iter_modules(package.__path__)]
MODULES = [
    package.__name__,
    *(
        name
        for name in NAMES
        if not name.rpartition(".")[2].startswith("_") and not name.endswith((".management", ".migrations"))
    ),
]


@pytest.mark.parametrize("name", MODULES)
def test_dir_of_a_public_module_shows_its_public_names_alone(name: str) -> None:
    module = import_module(name)
    assert sorted(dir(module)) == sorted(module.__all__)
    assert [public for public in module.__all__ if not hasattr(module, public)] == []


@pytest.mark.parametrize("name", ["send_sms", "queue_sms", "get_client", "record_opt_out"])
def test_every_parameter_is_explained(name: str) -> None:
    function = getattr(package, name)
    for parameter in inspect.signature(function).parameters:
        assert re.search(rf"^ *(\w+, )*{parameter}(, \w+)*:", function.__doc__, re.MULTILINE), parameter


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'send_mail'"):
        getattr(package, "send_mail")  # noqa: B009 - type checkers know that it is not there
