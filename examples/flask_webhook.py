"""A Flask application that receives signed webhooks, answers as the service expects, and handles no event twice.

Run as it stands, it starts a sandbox, lets somebody text the phone, and stops. With SMSMOBILEAPI_WEBHOOK_SECRET set it
serves on http://127.0.0.1:8000/webhooks/sms for a tunnel or a reverse proxy to reach.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from threading import Thread

from flask import Flask, request
from werkzeug.serving import make_server

from smsmobile import MalformedPayload, Settings, WebhookError
from smsmobile.sandbox import Sandbox
from smsmobile.webhooks import SMSReceived, SQLiteEventStore, WebhookEvent, WebhookReceiver


def create_app(secret: str, events_file: Path) -> Flask:
    """The application. `events_file` remembers, for all workers, which events were handled."""
    app = Flask(__name__)
    receiver = WebhookReceiver(secrets=[secret])
    seen = SQLiteEventStore(events_file)

    @app.post("/webhooks/sms")
    def webhook() -> tuple[str, int]:
        try:
            event = receiver.receive(request.get_data(), request.headers)  # the raw bytes: they are what is signed
        except MalformedPayload as error:
            return str(error), 400
        except WebhookError as error:
            return str(error), 401
        if not seen.add(event.id):
            return "duplicate", 200  # the service delivers at least once
        try:
            handle(event)
        except Exception:
            seen.discard(event.id)  # a 500 makes the service try again
            raise
        return "accepted", 202

    return app


def handle(event: WebhookEvent) -> None:
    """What your application does. A real one would queue the work and return at once."""
    if isinstance(event, SMSReceived):
        print(f"{event.data.sender} wrote: {event.data.message}", flush=True)
    else:
        print(f"{event.type}: {event.data.guid}", flush=True)


def main() -> None:
    """Serve, or show it on a sandbox."""
    configured = Settings.from_env().webhook_secret
    secret = configured.get_secret_value() if configured else "a-secret-for-the-demonstration"
    with tempfile.TemporaryDirectory() as folder:
        app = create_app(secret, Path(folder) / "events.sqlite")
        # In production: gunicorn or waitress.
        server = make_server(
            "127.0.0.1", 8000 if configured else 0, app, threaded=True
        )  # for real: gunicorn or waitress
        if configured:
            server.serve_forever()
            return
        Thread(target=server.serve_forever, daemon=True).start()
        with Sandbox() as box:
            box.add_webhook(f"http://127.0.0.1:{server.server_port}/webhooks/sms", secret=secret)
            box.phone.receive("+33698765432", "Is this the help desk?")
            box.wait_for_deliveries()
            print(f"the service got: HTTP {box.deliveries[-1].status}")


if __name__ == "__main__":
    main()
