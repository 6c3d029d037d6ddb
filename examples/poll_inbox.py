"""Answer SMS as they come in, without webhooks. Each SMS is handed over once, across restarts.

It ends on Ctrl-C; on the sandbox, after two messages. See _connect.py for the real service.
"""

from __future__ import annotations

from _connect import SOMEBODY, connect

from smsmobile import SendOutcomeUnknown, SMSMobileClient, SMSMobileError
from smsmobile.delivery import Inbox
from smsmobile.webhooks import SMSReceived


def handle(client: SMSMobileClient, event: SMSReceived) -> None:
    """Send the opening hours to everybody who asks for them."""
    print(f"{event.data.sender}: {event.data.message}")
    if "open" not in event.data.message.lower():
        return
    try:
        client.sms.send(event.data.sender, "We are open from nine to five.")
        print("answered")
    except SendOutcomeUnknown:
        print("perhaps answered")  # do not send it again
    except SMSMobileError as error:
        print(f"not answered: {error}")  # a name such as MPESA cannot be answered


def main() -> None:
    """Handle new messages, from now on or from where the last run stopped."""
    with connect() as (client, box, _):
        state = "inbox.sqlite" if box is None else "inbox-sandbox.sqlite"  # one for each account
        inbox = Inbox(client, state=state)
        if box is not None:
            box.phone.receive(SOMEBODY, "When are you open?")
            box.phone.receive("MPESA", "You have received 20.00")

        handled = 0
        for event in inbox.poll(interval=5, signals=True):
            handle(client, event)
            handled += 1
            if box is not None and handled == 2:
                inbox.stop()
        print(f"{handled} handled")


if __name__ == "__main__":
    main()
