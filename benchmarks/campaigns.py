"""What the rules of a campaign cost: each per message, and playing a campaign of a million messages through."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from itertools import count
from pathlib import Path
from typing import Any
from unittest import mock

from smsmobile import SMSMobileClient
from smsmobile.delivery import BulkSender, MemorySuppression, OutgoingSMS, SendWindow, Sim, SimPool, bulk

from .measure import Result, ratio
from .server import serve

KEY = "0123456789abcdef" * 3
TEXT = "Bonjour, votre rendez-vous est demain à 10 h."
SENT, CHECKED, MANY = 1000, 10_000, 1_000_000
LATER = datetime.now(timezone.utc) + timedelta(days=1)


def run() -> Iterator[Result]:
    """A row for each rule, and one for each way to play a campaign through."""
    with (
        tempfile.TemporaryDirectory() as folder,
        serve() as url,
        SMSMobileClient(api_key=KEY, base_url=url) as client,
    ):
        for name, options in _rules(Path(folder)).items():
            yield Result(
                f"BulkSender, {SENT:,} messages: {name}",
                "without it",
                ratio(_sending(client, Path(folder), **options), _sending(client, Path(folder)), laps=9),
                1.5,
            )
        for name, options in _campaigns().items():
            checking = BulkSender(client, Path(folder, "campaign.sqlite"), **options)
            yield Result(
                f"a dry run of {CHECKED:,} messages, played through: {name}",
                "a dry run without a forecast",
                ratio(lambda check=checking: check.check(_messages(CHECKED)), _checking_alone(client), laps=9),
                5.0,
            )
        yield _a_million(client)


def _rules(folder: Path) -> dict[str, dict[str, Any]]:
    suppression = MemorySuppression()
    for number in range(10_000):
        suppression.add(f"+4477009{number:05}")
    return {
        "suppression, in memory": {"suppression": suppression},
        "window": {"window": SendWindow("00:00", "24:00", "Europe/Paris")},
        "expires_at": {"expires_at": LATER},
        "10 SIMs, in memory": {"sims": SimPool(_ten_sims())},
        "10 SIMs, in a file": {"sims": SimPool(_ten_sims(), folder / "sims.sqlite")},
    }


def _campaigns() -> dict[str, dict[str, Any]]:
    window = SendWindow("08:00", "20:00", "Europe/Paris", "mon-sat")
    return {
        "rate and window": {"rate": "100/minute", "window": window},
        "10 SIMs and window": {
            "sims": SimPool([Sim(f"phone-{n}", None, 20, 2000) for n in range(10)]),
            "window": window,
        },
    }


def _ten_sims() -> list[Sim]:
    return [Sim(f"phone-{number}", per_minute=1_000_000, per_day=1_000_000) for number in range(10)]


def _messages(number: int, **options: Any) -> Iterator[OutgoingSMS]:
    return (OutgoingSMS(f"+336{one:08}", TEXT, **options) for one in range(number))


_files = count()


def _sending(client: SMSMobileClient, folder: Path, **options: Any) -> Callable[[], object]:
    expiry = {"expires_at": options.pop("expires_at", None)}

    def send() -> None:
        sender = BulkSender(client, folder / f"rules-{next(_files)}.sqlite", workers=1, **options)
        assert sum(outcome.status == "sent" for outcome in sender.send(_messages(SENT, **expiry))) == SENT

    return send


class _NotPlayed:
    """In place of a campaign that is played through."""

    def __init__(self, *_: object) -> None: ...

    def add(self, *_: object) -> None: ...

    def forecast(self) -> None: ...


def _checking_alone(client: SMSMobileClient) -> Callable[[], object]:
    sender = BulkSender(client, "campaign.sqlite")

    def check() -> None:
        with mock.patch.object(bulk, "PlayedCampaign", _NotPlayed):
            sender.check(_messages(CHECKED))

    return check


def _a_million(client: SMSMobileClient) -> Result:
    sender = BulkSender(client, "campaign.sqlite", **_campaigns()["10 SIMs and window"])
    begin = time.perf_counter()
    sender.check(_messages(MANY))
    seconds = time.perf_counter() - begin
    begin = time.perf_counter()
    for _ in range(MANY // CHECKED):
        _checking_alone(client)()
    alone = time.perf_counter() - begin
    return Result(
        f"a dry run of {MANY:,} messages, 10 SIMs and window: {seconds:.0f} s",
        "without a forecast",
        seconds / alone,
        5.0,
    )
