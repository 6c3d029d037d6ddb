"""`SMSMobile`, the extension: what an application registers, and what its views call."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, overload

from flask import Flask, current_app

from ...client import SMSMobileClient
from ...webhooks._handlers import EventHandlers
from .._offline import RecordedSMS
from .._sending import SendOnceOptions, SendOptions
from ._blueprint import make_blueprint
from ._state import State

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ...channels.sms import SentSMS
    from ...delivery import SendOutcome, Suppression

NAME = "smsmobile"
"""The key of `app.extensions`, and the name of the blueprint."""


class SMSMobile(EventHandlers):
    """Sends SMS and receives webhooks in a Flask application, or in several.

        sms = SMSMobile()
        sms.init_app(app)

    app: an application for which `init_app` is called at once.

    The configuration is read from `app.config`, with the prefix `SMSMOBILE_`, or from the environment and `.env`, with
    the prefix `SMSMOBILEAPI_`. `@sms.on(SMSReceived)` registers a handler of events, as `WebhookEndpoint.on` does,
    before or after `init_app`, for all applications of this object. A handler runs in the application context of the
    request. If it raises, the event is delivered again.
    """

    def __init__(self, app: Flask | None = None) -> None:
        super().__init__()
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask) -> None:
        """Set the defaults of the configuration, and register the webhook and the commands `flask sms …`.

        app: an application that has no SMSMobile yet. Nothing is opened or connected.

        Raises RuntimeError if it has one, ConfigurationError for an unknown key `SMSMOBILE_…` or an unknown backend.
        """
        if NAME in app.extensions:
            raise RuntimeError("This application has an SMSMobile already; init_app is called once for each.")
        state = State(app, self)
        state.set_defaults()
        app.extensions[NAME] = state
        app.register_blueprint(make_blueprint(NAME, app.config["SMSMOBILE_WEBHOOK_PATH"]))

    @property
    def client(self) -> SMSMobileClient:
        """The client of the current application, which all threads share. It is made on first use.

        Raises ConfigurationError if credentials are missing, RuntimeError outside of an application context.
        """
        return self._state().client

    @property
    def suppression(self) -> Suppression:
        """The list of opt-outs of the current application, for `record_opt_out`. `send` with a key asks it.

        Raises ConfigurationError without `SMSMOBILE_SUPPRESSION`, StorageError if the list cannot be opened.
        """
        return self._state().suppression

    @overload
    def send(self, to: str, message: str, key: None = None, **options: Unpack[SendOptions]) -> SentSMS: ...
    @overload
    def send(self, to: str, message: str, key: str | int, **options: Unpack[SendOnceOptions]) -> SendOutcome: ...
    def send(
        self, to: str, message: str, key: str | int | None = None, **options: Unpack[SendOnceOptions]
    ) -> SentSMS | SendOutcome:
        """Send an SMS.

        to: one phone number with `+` and country code, or as `client.sms.send` takes it.
        message: any text.
        key: your name for the message, such as `"order-4711"`. However often this is called with one key, the message
            is sent once. Needs `SMSMOBILE_JOURNAL`. With `SMSMOBILE_SUPPRESSION`, nobody on that list gets it.
        options: `sim`, `device`, `schedule_at`, `shorten_urls`, `encrypt` and `whatsapp`, as for `client.sms.send`.
            With a key also `expires_at` and `urgent`, as for `smsmobile.delivery.send_once`.

        Returns a SentSMS and raises what `client.sms.send` raises; with a key, a SendOutcome and what `send_once`
        raises.
        """
        return self._state().send(to, message, key, **options)

    def record_messages(self, app: Flask | None = None) -> AbstractContextManager[list[RecordedSMS]]:
        """Record what the application sends, in all threads, and send nothing: `with sms.record_messages() as outbox:`.

        app: the application; by default the current one. Give it outside of an application context.

        The list grows as messages are sent. One inside of another works: both record. A client that was taken from
        `sms.client` before goes on sending.
        """
        return self._state(app).recording()

    def _state(self, app: Flask | None = None) -> State:
        app = app or current_app
        state = app.extensions.get(NAME)
        if state is None or state.handlers is not self:
            raise RuntimeError("This application has not been registered with this SMSMobile: call sms.init_app(app).")
        return state  # type: ignore[no-any-return]
