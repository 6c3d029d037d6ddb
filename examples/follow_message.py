"""Send a message and follow it until the phone has sent it.

"Accepted" only means queued: the phone sends it later, and the log tells. Prefer a webhook where you can receive one.
Runs on a sandbox as it stands; see _connect.py for the real service.
"""

from __future__ import annotations

import time

from _connect import connect

from smsmobile import SendOutcomeUnknown, SMSStatus

LOOKS = 30


def main() -> None:
    """Send, then look into the log until the message is no longer queued."""
    with connect() as (client, box, somebody):
        if box is not None:
            box.phone.delay = 0.3  # seconds until the simulated phone picks it up
        try:
            sent = client.sms.send(somebody, "Your parcel arrives tomorrow.")
        except SendOutcomeUnknown as doubt:
            # Never just send it again: it may be on its way.
            row = doubt.reconcile()
            print(f"In doubt. The log says: {row.status.value if row else 'nothing yet, ask again later'}")
            return

        pause = 0.1 if box is not None else 2.0
        for _ in range(LOOKS):
            rows = client.sms.log(guid=sent.guid)  # a row can be missing for some moments
            status = rows[0].status if rows else SMSStatus.QUEUED
            print(f"{sent.guid}: {status.value}")
            if status is not SMSStatus.QUEUED:
                if rows[0].error:
                    print(f"{rows[0].error}. {rows[0].advice}")
                return
            time.sleep(pause)
        print("Still queued: see docs/troubleshooting.md, 'Accepted, but never sent'.")


if __name__ == "__main__":
    main()
