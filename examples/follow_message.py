"""Send a message and follow it until the phone has sent it.

An accepted message is only queued: the phone sends it later. The log says whether it did. If you can receive webhooks,
prefer them. Without credentials it runs on a sandbox; see _connect.py for the real service.
"""

from __future__ import annotations

from _connect import connect, recipient

from smsmobile import DeliveryPending, SendOutcomeUnknown


def main() -> None:
    """Send, then wait until the message is no longer queued."""
    with connect() as (client, box):
        if box is not None:
            box.phone.delay = 0.3  # seconds until the simulated phone picks it up
        try:
            sent = client.sms.send(recipient(box), "Your parcel arrives tomorrow.")
        except SendOutcomeUnknown as doubt:
            # Do not send it again: it may have been accepted.
            row = doubt.reconcile()
            state = row.status.value if row else "nothing yet, try again later"
            print(f"Outcome unknown. The log says: {state}")
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
