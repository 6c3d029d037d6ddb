"""The commands `flask sms send`, `flask sms inbox` and `flask sms sandbox`."""

from __future__ import annotations

import sys

import click
from flask import current_app
from flask.cli import with_appcontext

from ...channels.sms import SentSMS
from ...delivery import Inbox, SendStatus
from ...errors import SMSMobileError
from ...webhooks import SMSReceived, WebhookAnswer
from .._polling import handle_received
from ._state import State


@click.command()
@click.argument("to")
@click.argument("message")
@click.option("--key", help="Send it once, however often the command runs with this key.")
@with_appcontext
def send(to: str, message: str, key: str | None) -> None:
    """Send MESSAGE to the number TO."""
    try:
        sent = _state().send(to, message, key)
    except SMSMobileError as error:
        raise _failed(error) from None
    if isinstance(sent, SentSMS):
        click.echo(f"accepted: {sent.guid}")
    else:
        click.echo(": ".join(filter(None, [sent.status, sent.guid, sent.reason])))
        if sent.status in {SendStatus.REFUSED, SendStatus.UNKNOWN}:
            sys.exit(1)


@click.command()
@click.option("--interval", default=5.0, show_default=True, help="Seconds between two looks.")
@click.option("--state", "file", default="sms-inbox.sqlite", show_default=True, help="A file of the instance folder.")
@with_appcontext
def inbox(interval: float, file: str) -> None:
    """Poll for received SMS, where no webhook can be received. They go to the same handlers, each once.

    Ctrl-C and SIGTERM end it after the current message.
    """
    state = _state()

    def handle(event: SMSReceived) -> WebhookAnswer:
        with state.app.app_context():  # as for a request: what a handler has opened is closed after each message
            return endpoint.handle(event)

    try:
        endpoint, messages = state.endpoint_of_inbox(), Inbox(state.client, state.file(file))
        click.echo("Waiting for SMS. Stop with Ctrl-C.")
        handle_received(messages, interval, handle)
    except SMSMobileError as error:
        raise _failed(error) from None


@click.command()
@click.option("--port", default=8420, show_default=True, help="The port of the sandbox; 0 takes a free one.")
@click.option(
    "--app-url", default="http://127.0.0.1:5000", show_default=True, help="Where this application runs, for webhooks."
)
@with_appcontext
def sandbox(port: int, app_url: str) -> None:
    """Run a local service with a phone, to develop with, that delivers its webhooks to this application."""
    state = _state()
    url = app_url.rstrip("/") + state.app.config["SMSMOBILE_WEBHOOK_PATH"]
    webhook = state.settings.webhook_of_sandbox(url)
    if not webhook:
        click.echo("Without SMSMOBILE_WEBHOOK_SECRET no webhooks are delivered.", err=True)
    try:
        from ...sandbox.__main__ import main
    except ImportError as error:
        raise click.ClickException(str(error)) from None
    sys.exit(main([f"--port={port}", *webhook]))


COMMANDS = (send, inbox, sandbox)


def _state() -> State:
    return current_app.extensions["smsmobile"]  # type: ignore[no-any-return]


def _failed(error: SMSMobileError) -> click.ClickException:
    return click.ClickException(f"{type(error).__name__}: {error}")
