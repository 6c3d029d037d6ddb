"""Send one reminder to each person in a CSV file, even if this program is stopped, started again or runs twice at once.

    python examples/bulk_reminders.py [reminders.csv]

The file has the columns `key`, `to`, `name` and `at`. Without a file, two reminders go to SMSMOBILEAPI_RECIPIENT. A
journal records what was sent: if you run the program again, or while it runs, nothing is sent twice. Without
credentials it runs on a sandbox; see _connect.py for the real service.
"""

from __future__ import annotations

import csv
import io
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from _connect import connect, file_for, recipient

from smsmobile import BulkPaused, InvalidRequestError
from smsmobile.delivery import BulkSender, SendStatus
from smsmobile.sandbox import Sandbox

TEMPLATE = "Hello {name}, we expect you tomorrow at {at}."
MADE_UP = "key,to,name,at\nvisit-1,{number},Ann,10:00\nvisit-2,{number},Jordan,11:30\n"


def rows(box: Sandbox | None) -> Iterator[dict[str, str]]:
    """The rows of the file, one at a time, so it can have any size."""
    if len(sys.argv) == 1:
        yield from csv.DictReader(io.StringIO(MADE_UP.format(number=recipient(box))))
        return
    with Path(sys.argv[1]).open(newline="", encoding="utf-8-sig") as file:  # spreadsheets write a BOM
        yield from csv.DictReader(file)


def main() -> int:
    """Check all rows, send the messages, and print each outcome."""
    with connect() as (client, box):
        journal = file_for("reminders", box)  # a new name for each campaign
        bulk = BulkSender(client, journal=journal)  # rate="20/minute" needs the extra [bulk]

        check = bulk.check(rows(box), template=TEMPLATE)
        print(f"{check.messages} reminders, {check.segments} SMS to pay for, {check.invalid} cannot be sent")
        for place, problem in check.problems:
            print(f"row {place}: {problem}")

        counted: Counter[SendStatus] = Counter()
        try:
            for outcome in bulk.send(rows(box), template=TEMPLATE):
                counted[outcome.status] += 1
                print(f"{outcome.key or 'without a key'}: {outcome.status.value} {outcome.reason or ''}".rstrip())
        except BulkPaused as pause:
            print(pause)  # for example: the phone is offline. Run this again when it is back
        except InvalidRequestError as error:
            print(error)  # a row that does not fit the template: correct the file, and run this again
        for status, count in counted.items():
            print(f"{count} {status.value}")
        # Unknown messages may have been sent: ask the recipient, or check the phone. Later runs look them up for a day,
        # and never send them again, unless you `bulk.forget` their keys.
        return 0 if sum(counted.values()) == check.messages else 1


if __name__ == "__main__":
    sys.exit(main())
