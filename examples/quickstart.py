"""Send a message, receive the answer as a verified webhook, and delete the message.

Run it with `make demo`. Without credentials it uses a sandbox with a simulated phone, on this machine. With credentials
of the real service it sends one real SMS to SMSMOBILEAPI_RECIPIENT.
"""

from __future__ import annotations

import queue
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

from _connect import connect

from smsmobile import SMSMobileClient, SMSStatus, WebhookError
from smsmobile.sandbox import Sandbox
from smsmobile.webhooks import SMSReceived, WebhookEvent, WebhookReceiver

SECRET = "a-secret-that-only-the-service-and-you-know"


def main() -> None:
    """Send a message. On the sandbox, also receive an answer."""
    with connect() as (client, box, somebody):
        print(f"1. Sending an SMS through {client!r}")
        sent = client.sms.send(somebody, "Bonjour! Shall we meet at ten?")
        print(f"   accepted: {sent.accepted}, GUID {sent.guid}")

        if box is not None:
            print(f"2. The phone sent it: {box.phone.outbox[-1].message!r}")
            answer(box, somebody)
        if sent.guid is not None:
            report(client, sent.guid)


def answer(box: Sandbox, somebody: str) -> None:
    """Somebody answers. The service posts the answer to the webhook, which verifies it."""
    with webhook_server() as (url, events):
        box.add_webhook(url, secret=SECRET)
        box.phone.receive(somebody, "Ten is fine 👍")
        event = events.get(timeout=10)
        print(f"3. A webhook arrived: {event.type}, signature verified: {event.signed}")
        if isinstance(event, SMSReceived):
            print(f"   {event.data.sender} wrote {event.data.message!r}")


def report(client: SMSMobileClient, guid: str) -> None:
    """Print the message's row in the log, and delete it."""
    for entry in client.sms.log(guid=guid):
        print(f"4. The log says: {entry.status.value}" + (f" ({entry.error})" if entry.error else ""))
        if entry.status is SMSStatus.FAILED:
            print(f"   {entry.advice}")
    client.sms.delete(guid)
    print(f"5. Deleted from the log; rows left: {len(client.sms.log(guid=guid))}")


@contextmanager
def webhook_server() -> Iterator[tuple[str, queue.Queue[WebhookEvent]]]:
    """A small web server with one webhook. See flask_webhook.py for one in a framework."""
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
    main()
