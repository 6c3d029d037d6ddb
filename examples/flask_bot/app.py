"""A Flask application that answers SMS: opening hours, and the state of an order. Run it: `python app.py`.

A local sandbox is then the service and the phone. With a phone of yours, set SMSMOBILEAPI_API_KEY and
SMSMOBILEAPI_WEBHOOK_SECRET, run `flask --app app.py run`, and let the service post to /sms/webhook through a tunnel.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread

from flask import Flask
from werkzeug.serving import make_server

from smsmobile.contrib.flask import SMSMobile
from smsmobile.sandbox import Sandbox
from smsmobile.webhooks import SMSReceived

DEMONSTRATION = "a-secret-for-the-demonstration"
ORDERS = {"17": "is ready", "18": "is on its way"}

sms = SMSMobile()


@sms.on(SMSReceived)
def answer(event: SMSReceived) -> None:
    """Answer a message. If this raises, the service delivers the event again; the key keeps it from sending twice."""
    if event.data.sender.startswith("+"):  # others are names, such as MPESA, which nobody can answer
        sms.send(event.data.sender, reply_to(event.data.message), key=f"answer-{event.data.guid or event.id}")


def reply_to(message: str) -> str:
    """What the bot says."""
    match message.upper().split():
        case ["HOURS", *_]:
            return "We are open from 9:00 to 18:00, Monday to Friday."
        case ["ORDER", number, *_] if number in ORDERS:
            return f"Your order {number} {ORDERS[number]}."
        case _:
            return "Write HOURS for our opening hours, or ORDER and its number."


def create_app(**config: object) -> Flask:
    """The application. What `config` lacks comes from the environment."""
    app = Flask(__name__)
    app.config.from_mapping({"SMSMOBILE_JOURNAL": "sent.sqlite", **config})
    sms.init_app(app)
    return app


def main() -> None:
    """Serve the application together with a sandbox, until Ctrl-C."""
    logging.getLogger("werkzeug").setLevel(logging.WARNING)  # no access log
    with TemporaryDirectory() as folder, Sandbox() as box:
        app = create_app(
            SMSMOBILE_API_KEY=box.api_key,
            SMSMOBILE_BASE_URL=box.url,
            SMSMOBILE_WEBHOOK_SECRET=DEMONSTRATION,
            SMSMOBILE_JOURNAL=Path(folder, "sent.sqlite"),
            SMSMOBILE_EVENT_STORE=Path(folder, "events.sqlite"),
        )
        server = make_server("127.0.0.1", 0, app, threaded=True)
        thread = Thread(target=server.serve_forever)
        thread.start()
        box.add_webhook(f"http://127.0.0.1:{server.server_port}/sms/webhook", secret=DEMONSTRATION)
        print(f"Write HOURS or ORDER 17 to the phone: {box.url}/\nStop with Ctrl-C.", flush=True)
        try:
            while thread.is_alive():
                thread.join(0.5)  # on some systems a wait without a timeout does not hear Ctrl-C
        except KeyboardInterrupt:
            with suppress(TimeoutError):
                box.wait_for_deliveries()  # a handler may be sending just now
            server.shutdown()
            server.server_close()


if __name__ == "__main__":
    main()
