"""Send a message, wait until the phone has sent it, receive the answer as a verified webhook, and delete the message.

Run it with `make demo`. Without credentials it uses a sandbox with a simulated phone, on this machine. With credentials
it sends one SMS to SMSMOBILEAPI_RECIPIENT and waits until the phone has sent it; it deletes nothing there.
"""

from __future__ import annotations

import queue
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

from _connect import SOMEBODY, connect, recipient

from smsmobile import DeliveryPending, Settings, SMSMobileClient, SMSStatus, WebhookError
from smsmobile.sandbox import Sandbox
from smsmobile.webhooks import SMSReceived, WebhookEvent, WebhookReceiver

SECRET = "a-secret-that-only-the-service-and-you-know"

NEXT = f"""
Next: `python -m smsmobile.sandbox` serves a phone on a web page. Put the two lines for .env that it prints, and
SMSMOBILEAPI_RECIPIENT={SOMEBODY}, into a file .env in this folder, and run this again. docs/quickstart.md goes on."""

SKIPPED = """
Skipped: the answer, its webhook and the deletion, which a run without credentials shows. The message stays in the log:
docs/receiving.md describes webhooks, docs/sending.md how to delete a message."""

NEXT_WITH_A_PAGE = """
Next: answer the message on the page {url}
and run examples/read_inbox.py. To use your own phone, put the key of your account into .env and remove
SMSMOBILEAPI_BASE_URL."""

NEXT_WITH_A_PHONE = """
Next: answer the message, and run examples/read_inbox.py. docs/quickstart.md goes on."""


def main() -> int:
    """Send a message and wait for the phone. On a sandbox of its own, also receive an answer and delete the message."""
    with connect() as (client, box):
        somebody = recipient(box)
        print(f"1. Sending an SMS through {client!r}")
        sent = client.sms.send(somebody, "Bonjour! Shall we meet at ten?")
        print(f"   accepted: {sent.accepted}, GUID {sent.guid}")
        if sent.guid is None:
            print("   Without a GUID its log cannot be followed.")
            return 1
        if not has_left(client, sent.guid):
            return 1
        if box is None:
            url = Settings.from_env().base_url
            print(SKIPPED)
            print(NEXT_WITH_A_PAGE.format(url=url) if url.startswith("http:") else NEXT_WITH_A_PHONE)
            return 0

        answer(box, somebody)
        client.sms.delete(sent.guid)
        print(f"4. Deleted from the log; rows left: {len(client.sms.log(guid=sent.guid))}")
        print(NEXT)
        return 0


def has_left(client: SMSMobileClient, guid: str) -> bool:
    """Wait until the log says that the phone has sent the message, and print what it says."""
    try:
        row = client.sms.track(guid, timeout=60)
    except DeliveryPending as pending:
        print(f"2. {pending}\n   docs/troubleshooting.md says what to check on the phone.")
        return False
    print(f"2. The log says: {row.status.value}" + (f" ({row.error})" if row.error else ""))
    if row.status is SMSStatus.FAILED:
        print(f"   {row.advice}")
    return row.status is SMSStatus.SENT


def answer(box: Sandbox, somebody: str) -> None:
    """Somebody answers. The service posts the answer to the webhook, which verifies it."""
    with webhook_server() as (url, events):
        box.add_webhook(url, secret=SECRET)
        box.phone.receive(somebody, "Ten is fine 👍")
        event = events.get(timeout=10)
        print(f"3. A webhook arrived: {event.type}, signature verified: {event.signed}")
        if isinstance(event, SMSReceived):
            print(f"   {event.data.sender} wrote {event.data.message!r}")


@contextmanager
def webhook_server() -> Iterator[tuple[str, queue.Queue[WebhookEvent]]]:
    """A small web server with one webhook. See flask_bot/ for one in a framework."""
    receiver = WebhookReceiver(secrets=[SECRET])
    events: queue.Queue[WebhookEvent] = queue.Queue()

    class Webhook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            try:
                events.put(receiver.receive(body, self.headers))
                self.send_response(202)
            except WebhookError as error:
                print(f"   refused: {error}")
                self.send_response(401)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name in the base class
            """Write no access log."""

    with HTTPServer(("127.0.0.1", 0), Webhook) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/", events
        finally:
            server.shutdown()
            thread.join()


if __name__ == "__main__":
    sys.exit(main())
