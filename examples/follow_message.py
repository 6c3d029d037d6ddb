"""Send a message and follow it until the phone has sent it.

"Accepted" only means queued: the phone sends it later, and the log tells. Prefer a webhook where you can receive one.
Runs on a sandbox as it stands; see _connect.py for the real service.
"""

from __future__ import annotations

from _connect import connect

from smsmobile import DeliveryPending, SendOutcomeUnknown


def main() -> None:
    """Send, then wait until the message is no longer queued."""
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

        print(f"{sent.guid}: queued")
        try:
            row = client.sms.track(sent, timeout=60, poll=0.5)
        except DeliveryPending as pending:
            print(pending)  # it may still go out: do not send it again
            return
        print(f"{row.guid}: {row.status.value}")
        if row.error:
            print(f"{row.error}. {row.advice}")


if __name__ == "__main__":
    main()
