"""Send one reminder to each person in a CSV file, even if this program is stopped and started again.

    python examples/bulk_reminders.py [reminders.csv]

The file has the columns `key`, `to`, `name` and `at`. Without a file, two reminders go to your own number. A journal
records what was sent: if you run the program again, it sends nothing twice. Without credentials it runs on a sandbox;
see _connect.py for the real service.
"""

from __future__ import annotations

import csv
import io
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from _connect import connect

from smsmobile import BulkPaused
from smsmobile.delivery import BulkSender, BulkStatus

TEMPLATE = "Hello {name}, we expect you tomorrow at {at}."
MADE_UP = "key,to,name,at\nvisit-1,{number},Ann,10:00\nvisit-2,{number},Jordan,11:30\n"


def rows(number: str) -> Iterator[dict[str, str]]:
    """The rows of the file, one at a time, so it can have any size."""
    if len(sys.argv) == 1:
        yield from csv.DictReader(io.StringIO(MADE_UP.format(number=number)))
        return
    with Path(sys.argv[1]).open(newline="", encoding="utf-8-sig") as file:  # spreadsheets write a BOM
        yield from csv.DictReader(file)


def main() -> int:
    """Check all rows, send the messages, and print each outcome."""
    with connect() as (client, box, number):
        journal = "reminders.sqlite" if box is None else "reminders-sandbox.sqlite"  # one for each campaign
        bulk = BulkSender(client, journal=journal)  # rate="20/minute" needs the extra [bulk]

        check = bulk.check(rows(number), template=TEMPLATE)
        print(f"{check.messages} reminders, {check.segments} SMS to pay for, {check.invalid} cannot be sent")
        for place, problem in check.problems:
            print(f"row {place}: {problem}")

        counted: Counter[BulkStatus] = Counter()
        try:
            for outcome in bulk.send(rows(number), template=TEMPLATE):
                counted[outcome.status] += 1
                print(f"{outcome.key or 'without a key'}: {outcome.status.value} {outcome.reason or ''}".rstrip())
        except BulkPaused as pause:
            print(pause)  # for example: the phone is offline. Run this again when it is back
        for status, count in counted.items():
            print(f"{count} {status.value}")
        # Unknown messages may have been sent: ask the recipient, or check the phone. They are not sent again.
        return 0 if sum(counted.values()) == check.messages else 1


if __name__ == "__main__":
    sys.exit(main())
