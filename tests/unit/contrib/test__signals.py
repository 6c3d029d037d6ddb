"""The names of the signals."""

from __future__ import annotations

from pathlib import Path

from smsmobile.contrib import _signals
from smsmobile.webhooks import UnknownEvent, events

RECEIVING = Path(__file__).parents[3] / "docs" / "receiving.md"


def test_each_type_of_event_has_a_signal() -> None:
    assert _signals._NAMES.keys() == {*events.EVENT_TYPES.values(), UnknownEvent}


def test_the_documentation_names_the_signal_of_each_type() -> None:
    rows = [line.strip("|").split("|") for line in RECEIVING.read_text().splitlines() if line.startswith("| `")]
    documented = {row[0].strip(" `"): row[2].strip(" `") for row in rows if len(row) == 4}
    assert documented == {kind.__name__: name for kind, name in _signals._NAMES.items()}
