"""What sending in bulk costs: against a bare loop of sends, and in memory when the messages are very many.

`python -m benchmarks.bulk COUNT` is a dry run in a process of its own: it prints the most memory that it took, in
kilobytes.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from smsmobile import SMSMobileClient
from smsmobile.delivery import BulkSender

from .measure import Result, ratio
from .server import serve

KEY = "0123456789abcdef" * 3
CAMPAIGNS = {1000: 9, 4000: 5}
"""Messages, and how often they are sent: opening and closing the journal is paid once for each campaign."""
FEW, MANY = 1_000, 1_000_000


def run() -> Iterator[Result]:
    """A row for each size of campaign, and one for memory."""
    with (
        tempfile.TemporaryDirectory() as folder,
        serve() as url,
        SMSMobileClient(api_key=KEY, base_url=url) as client,
    ):
        for count, laps in CAMPAIGNS.items():
            yield Result(
                f"BulkSender, {count:,} messages, one worker, journal included",
                "a bare loop of client.sms.send",
                _against_a_loop(client, Path(folder), count, laps),
                1.25,
            )
    yield Result(
        f"peak memory of a dry run of {MANY:,} messages", f"of {FEW:,} messages", _peak_of(MANY) / _peak_of(FEW), 1.10
    )


def _against_a_loop(client: SMSMobileClient, folder: Path, count: int, laps: int) -> float:
    messages = [(f"+3363998{number:04d}", "Bonjour, votre rendez-vous est demain à 10 h.") for number in range(count)]
    journals = (folder / f"{count}-{number}.sqlite" for number in range(1000))

    def in_bulk() -> None:
        outcomes = BulkSender(client, next(journals), workers=1).send(iter(messages))
        assert sum(outcome.status == "sent" for outcome in outcomes) == count

    def in_a_loop() -> None:
        for to, text in messages:
            client.sms.send(to, text)

    return ratio(in_bulk, in_a_loop, laps=laps)


def _peak_of(count: int) -> int:
    command = [sys.executable, "-m", "benchmarks.bulk", str(count)]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def main(count: int) -> None:
    """A dry run of so many messages, of which every hundredth cannot be sent."""
    with SMSMobileClient(api_key=KEY) as client:
        messages = (
            (f"+3363998{number:04d}" if number % 100 else "06", f"Bonjour n° {number}") for number in range(count)
        )
        found = BulkSender(client, "campaign.sqlite").check(messages)
    assert (found.messages, found.invalid) == (count, count // 100)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


if __name__ == "__main__":
    main(int(sys.argv[1]))
