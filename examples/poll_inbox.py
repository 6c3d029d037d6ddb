"""Print SMS as they come in, without webhooks, and answer some. Each SMS is handed over once, across restarts.

It answers SMSMOBILEAPI_RECIPIENT only, so that nobody else gets a message from an example. It ends on Ctrl-C; on a
sandbox of its own, after two messages. See _connect.py for the real service.
"""

from __future__ import annotations

from _connect import SOMEBODY, connect, file_for

from smsmobile import (
    InvalidRequestError,
    SendOutcomeUnknown,
    Settings,
    SMSMobileClient,
    SMSMobileError,
    normalize_number,
)
from smsmobile.delivery import Inbox
from smsmobile.webhooks import SMSReceived


def handle(client: SMSMobileClient, event: SMSReceived, correspondent: str | None) -> None:
    """Print the message. If it asks for the opening hours, send them to our correspondent."""
    print(f"{event.data.sender}: {event.data.message}")
    if "open" not in event.data.message.lower():
        return
    if not is_same_number(event.data.sender, correspondent):
        print("not answered: it does not come from SMSMOBILEAPI_RECIPIENT")
        return
    try:
        client.sms.send(event.data.sender, "We are open from nine to five.")
        print("answered")
    except SendOutcomeUnknown:
        print("perhaps answered")  # do not send it again
    except SMSMobileError as error:
        print(f"not answered: {error}")


def is_same_number(sender: str, number: str | None) -> bool:
    """Whether the sender has this number, however it is written. A sender with a name has none."""
    try:
        return number is not None and normalize_number(sender) == normalize_number(number)
    except InvalidRequestError:
        return False


def main() -> None:
    """Handle new messages, from now on or from where the last run stopped."""
    correspondent = Settings.from_env().recipient
    with connect() as (client, box):
        inbox = Inbox(client, state=file_for("inbox", box))  # one for each account
        if box is None:
            print("Waiting for SMS. Stop with Ctrl-C.", flush=True)
        else:
            correspondent = SOMEBODY
            box.phone.receive(SOMEBODY, "When are you open?")
            box.phone.receive("MPESA", "You have received 20.00")

        handled = 0
        for event in inbox.poll(interval=5, signals=True):
            handle(client, event, correspondent)
            handled += 1
            if box is not None and handled == 2:
                inbox.stop()
        print(f"{handled} handled")


if __name__ == "__main__":
    main()
