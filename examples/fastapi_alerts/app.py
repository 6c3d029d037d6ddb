"""A FastAPI application that texts alerts to the person on call, who answers OK. Run it: `python app.py`.

A local sandbox is then the service and the phone. With a phone of yours, set SMSMOBILEAPI_API_KEY,
SMSMOBILEAPI_WEBHOOK_SECRET and SMSMOBILEAPI_RECIPIENT, run `uvicorn --factory app:create_app`, and let the service post
to /sms/webhook through a tunnel.
"""

from __future__ import annotations

import os
import re
import socket
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import uvicorn
from fastapi import Depends, FastAPI
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel

from smsmobile import Settings, SMSMobileClient
from smsmobile.contrib.starlette import WebhookEndpoint, get_client, lifespan, webhook_route
from smsmobile.delivery import send_once
from smsmobile.sandbox import Sandbox
from smsmobile.webhooks import SMSReceived, SQLiteEventStore, WebhookReceiver

DEMONSTRATION = "a-secret-for-the-demonstration"
Client = Annotated[SMSMobileClient, Depends(get_client)]


class NewAlert(BaseModel):
    """What a monitoring system posts."""

    text: str


class Alert(NewAlert):
    """An alert, and whether the person on call has answered it."""

    number: int
    acknowledged: bool = False


def create_app(folder: Path = Path()) -> FastAPI:
    """The application. It keeps the alerts in memory: a real one has a database."""
    settings = Settings.from_env()
    on_call = settings.recipient
    if on_call is None:
        raise SystemExit("Set SMSMOBILEAPI_RECIPIENT to the number of the person on call.")
    endpoint = WebhookEndpoint(WebhookReceiver(settings.webhook_secret), SQLiteEventStore(folder / "events.sqlite"))
    app = FastAPI(lifespan=lifespan, routes=[webhook_route("/sms/webhook", endpoint)])
    alerts: list[Alert] = []

    @app.post("/alerts", status_code=201)
    async def add(new: NewAlert, client: Client) -> Alert:
        alert = Alert(text=new.text, number=len(alerts) + 1)
        alerts.append(alert)
        text = f"Alert {alert.number}: {alert.text}. Answer OK {alert.number}."
        await run_in_threadpool(client.sms.send, on_call, text)
        return alert

    @app.get("/alerts")
    async def all_alerts() -> list[Alert]:
        return alerts

    def confirm(key: str, alert: Alert) -> None:
        """The key keeps it from being sent twice if the event comes again."""
        text = f"Alert {alert.number} is yours."
        send_once(app.state.sms_client, folder / "sent.sqlite", key=key, to=on_call, text=text)

    @endpoint.on(SMSReceived)
    async def acknowledge(event: SMSReceived) -> None:
        answer = re.fullmatch(r"\s*ok\s+(\d+)\s*", event.data.message, re.IGNORECASE)
        if answer and event.data.sender == on_call and 0 < int(answer[1]) <= len(alerts):
            alert = alerts[int(answer[1]) - 1]
            alert.acknowledged = True
            await run_in_threadpool(confirm, f"confirm-{event.data.guid or event.id}", alert)

    return app


def main() -> None:
    """Serve the application together with a sandbox, until Ctrl-C."""
    with TemporaryDirectory() as folder, Sandbox() as box, socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        box.add_webhook(f"{url}/sms/webhook", secret=DEMONSTRATION)
        os.environ.update(
            SMSMOBILEAPI_API_KEY=box.api_key,
            SMSMOBILEAPI_BASE_URL=box.url,
            SMSMOBILEAPI_WEBHOOK_SECRET=DEMONSTRATION,
            SMSMOBILEAPI_RECIPIENT="+33639981234",
        )
        print(f"Post an alert: {url}/docs\nAnswer it on the phone: {box.url}/\nStop with Ctrl-C.", flush=True)
        app = create_app(Path(folder))
        with suppress(KeyboardInterrupt):
            uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listener])


if __name__ == "__main__":
    main()
