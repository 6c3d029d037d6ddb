"""Print the SMS that the phone received in the last day.

Without credentials it runs on a sandbox; see _connect.py for the real service.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from _connect import SOMEBODY, connect


def main() -> None:
    """Print the inbox, oldest first."""
    with connect() as (client, box):
        if box is not None:
            box.phone.receive(SOMEBODY, "Are you there?")
            box.phone.receive("MPESA", "You have received 20.00")  # senders need not be numbers

        yesterday = datetime.now(timezone.utc) - timedelta(days=1)
        messages = client.sms.received(after=yesterday)
        for sms in reversed(messages):  # the service lists the newest first
            when = f"{sms.received_at:%Y-%m-%d %H:%M} UTC" if sms.received_at else "at an unknown time"
            print(f"{when}  {sms.alias or sms.sender}: {sms.message}")
        print(f"{len(messages)} received")


if __name__ == "__main__":
    main()
