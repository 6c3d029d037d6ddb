"""Confirm an order by SMS, once, however often the request for it is repeated.

    python examples/send_once.py [order]

The order's number is the message's key. A journal remembers it: the second call, and each later run of this program
with the same number, sends nothing. Without credentials it runs on a sandbox; see _connect.py for the real service.
"""

from __future__ import annotations

import sys

from _connect import connect, file_for, recipient

from smsmobile import SendInFlight, SMSMobileClient, SMSMobileError
from smsmobile.delivery import Journal, SendStatus, SQLiteJournal, send_once


def confirm(client: SMSMobileClient, journal: Journal, order: str, number: str) -> str:
    """Send the confirmation, and say what became of it. A web request or a task may call this again and again."""
    try:
        outcome = send_once(
            client, journal, key=f"order-{order}", to=number, text=f"Thank you! We have received your order {order}."
        )
    except SendInFlight as error:
        return f"somebody else is sending it; ask again in {error.retry_after:.0f} s"
    except SMSMobileError as error:
        return f"not yet, so ask again later: {error}"
    if outcome.status is SendStatus.DUPLICATE:
        return f"nothing to do: it is {outcome.recorded}"
    if outcome.status is SendStatus.UNKNOWN:
        return "nobody knows whether it was sent, so it is not sent again"
    return f"{outcome.status} {outcome.reason or ''}".rstrip()


def main() -> None:
    """Confirm one order, as two requests for it would."""
    order = sys.argv[1] if len(sys.argv) > 1 else "4711"
    with connect() as (client, box):
        number = recipient(box)
        journal = SQLiteJournal(file_for("orders", box))  # the workers of a server share it
        for request in ("the first request", "the same request again"):
            print(f"{request}: {confirm(client, journal, order, number)}")
        journal.close()


if __name__ == "__main__":
    main()
