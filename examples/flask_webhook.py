"""A Flask application that receives signed webhooks, answers as the service expects, and handles each event once.

Without settings it starts a sandbox, sends a text to the phone, and stops. If SMSMOBILEAPI_WEBHOOK_SECRET is set, it
serves http://127.0.0.1:8000/webhooks/sms; put a tunnel or a reverse proxy in front.
"""

from __future__ import annotations

import logging
import tempfile
from pathlib import Path
from threading import Thread

from flask import Flask, request
from werkzeug.serving import make_server

from smsmobile import Settings
from smsmobile.sandbox import Sandbox
from smsmobile.webhooks import (
    MalformedPayload,
    SMSReceived,
    SQLiteEventStore,
    WebhookError,
    WebhookEvent,
    WebhookReceiver,
)


def create_app(secret: str, events_file: Path) -> Flask:
    """The application. `events_file` stores the ids of handled events, for all workers."""
    app = Flask(__name__)
    receiver = WebhookReceiver(secrets=[secret])
    seen = SQLiteEventStore(events_file)

    @app.post("/webhooks/sms")
    def webhook() -> tuple[str, int]:
        try:
            event = receiver.receive(request.get_data(), request.headers)  # the raw bytes, as they were signed
        except MalformedPayload as error:
            return str(error), 400
        except WebhookError as error:
            return str(error), 401
        if not seen.add(event.id):
            return "duplicate", 200  # the service delivers at least once
        try:
            handle(event)
        except Exception:
            seen.discard(event.id)  # the answer is a 500, and the service may try again
            raise
        return "accepted", 202

    return app


def handle(event: WebhookEvent) -> None:
    """The work of your application. If it takes long, put it into a queue and return at once."""
    if isinstance(event, SMSReceived):
        print(f"{event.data.sender} wrote: {event.data.message}", flush=True)
    else:
        print(f"{event.type}: {event.data.guid}", flush=True)


def main() -> None:
    """Serve the application, or run it with a sandbox."""
    configured = Settings.from_env().webhook_secret
    secret = configured.get_secret_value() if configured else "a-secret-for-the-demonstration"
    with tempfile.TemporaryDirectory() as folder:
        app = create_app(secret, Path(folder) / "events.sqlite")
        # In production use gunicorn or waitress.
        server = make_server("127.0.0.1", 8000 if configured else 0, app, threaded=True)
        if configured:
            server.serve_forever()
            return
        logging.getLogger("werkzeug").setLevel(logging.WARNING)  # no access log
        Thread(target=server.serve_forever, daemon=True).start()
        with Sandbox() as box:
            box.add_webhook(f"http://127.0.0.1:{server.server_port}/webhooks/sms", secret=secret)
            box.phone.receive("+33639985678", "Is this the help desk?")
            box.wait_for_deliveries()
            print(f"the answer to the service: HTTP {box.deliveries[-1].status}")


if __name__ == "__main__":
    main()
