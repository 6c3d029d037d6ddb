"""The time to read pages of the sent log as models, against reading the same bytes as plain JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator

from smsmobile import LoggedSMS
from smsmobile._wire.envelope import read_answer

from .measure import Result, ratio


def rows(count: int, start: int = 0) -> list[dict[str, object]]:
    """Rows of the sent log, as the service writes them."""
    return [
        {
            "guid": f"c319d3b35e8f8712cde20dae39ac3c19{number:08x}",
            "number": f"+3363998{number:04d}",
            "message": f"Bonjour, votre rendez-vous n° {number} est demain à 10 h.",
            "send_from_mobile": "1",
            "send_from_mobile_erreur": "",
            "error_api": "0",
            "datetime": "2026-03-20T21:07:44Z",
            "send_from_mobile_datetime": "2026-03-20T21:07:50Z",
            "sIdentifiant": "office-phone-1",
            "port": None,
        }
        for number in range(start, start + count)
    ]


def run() -> Iterator[Result]:
    """One row."""
    pages = [json.dumps({"result": {"error": 0, "sms": rows(100, start)}}).encode() for start in range(0, 100_000, 100)]

    def as_models() -> None:
        for body in pages:
            read_answer(body).rows(LoggedSMS)

    def as_json() -> None:
        for body in pages:
            json.loads(body)

    yield Result(
        "1,000 answers of 100 logged SMS to models",
        "json.loads of the same bytes",
        ratio(as_models, as_json, laps=15),
        3.0,
    )
