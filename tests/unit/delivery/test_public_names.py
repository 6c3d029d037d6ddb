"""The public names of smsmobile.delivery, and what importing them loads."""

from __future__ import annotations

import subprocess
import sys

import pytest

from smsmobile import delivery


def test_every_public_name_can_be_imported_and_says_what_it_is() -> None:
    things = {name: getattr(delivery, name) for name in delivery.__all__}
    assert [name for name, thing in things.items() if getattr(delivery, name) is not thing] == []
    assert [name for name, thing in things.items() if not thing.__doc__] == []
    assert [name for name, thing in things.items() if not thing.__module__.startswith("smsmobile.delivery.")] == []
    assert things.keys() <= set(dir(delivery))


def test_no_public_name_is_there_twice() -> None:
    assert len(set(delivery.__all__)) == len(delivery.__all__)


def test_a_name_that_does_not_exist_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match=r"module 'smsmobile.delivery' has no attribute 'BulkSenders'"):
        delivery.BulkSenders  # noqa: B018


def test_no_name_imports_an_extra_and_segments_load_next_to_nothing() -> None:
    def loaded_by(statement: str) -> set[str]:
        script = f"{statement}\nimport sys\nprint(*sys.modules)"
        return set(
            subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout.split()
        )

    assert "limits" not in loaded_by("from smsmobile.delivery import *")
    assert not loaded_by("from smsmobile.delivery import count_segments") & {"requests", "pydantic", "sqlite3"}
