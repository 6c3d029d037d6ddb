"""The recipe for django.tasks on the page about queues runs with the real package."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import django
import pytest

from smsmobile.contrib._offline import RecordedSMS

from .databases import Database

PAGE = Path(__file__).parents[3] / "docs" / "queues.md"


@pytest.mark.skipif(django.VERSION < (6, 0), reason="django.tasks came with Django 6.0")
def test_the_recipe_for_django_tasks(
    database: Database, settings: Any, sent: list[RecordedSMS], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.TASKS = {"default": {"BACKEND": "django.tasks.backends.immediate.ImmediateBackend"}}
    section = PAGE.read_text("utf-8").partition("\n## django.tasks\n")[2]
    [block] = re.findall(r"^```python\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    recipe = ModuleType("recipe")
    monkeypatch.setitem(sys.modules, "recipe", recipe)
    exec(compile(block, str(PAGE), "exec", dont_inherit=True), recipe.__dict__)
    results = [recipe.confirm.enqueue(4711) for _ in range(2)]
    assert [result.return_value for result in results] == ["sent", "duplicate"]
    assert [(sms.recipient, sms.message) for sms in sent] == [("+33639981234", "Order 4711 is on its way.")]
