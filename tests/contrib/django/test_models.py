"""The tables."""

from __future__ import annotations

import pytest
from django.core.management import call_command

from smsmobile.contrib.django.models import OutgoingSMS

pytestmark = pytest.mark.django_db


def test_the_migrations_are_complete(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("makemigrations", "smsmobile", check=True, dry_run=True)


def test_the_text_of_a_row_shows_no_number() -> None:
    row = OutgoingSMS.objects.create(to="+33639980001", message="Hello")
    assert str(row) == f"SMS {row.pk} (queued)"
