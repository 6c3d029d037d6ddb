"""What the extension keeps of one application, in `app.extensions["smsmobile"]`: its settings and what they make."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from flask import Flask

from ..._confidential import without_frames
from ..._locks import ForkSafeLock
from ...client import SMSMobileClient
from ...delivery.journals import Journal
from ...errors import ConfigurationError, StorageError
from ...webhooks import MemoryEventStore, SQLiteEventStore, WebhookEndpoint, WebhookReceiver, new_url_token
from ...webhooks._handlers import EventHandlers
from ...webhooks.events import AnyEvent
from .._offline import RecordedSMS, print_sms
from .._sending import SendOnceOptions, options_without_key
from .._settings import OFFLINE, SHARED, WebSettings
from ._signals import send_signal

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ...channels.sms import SentSMS
    from ...delivery import SendOutcome, Suppression

PREFIX = "SMSMOBILE_"
DEFAULTS = {
    "BACKEND": "live",
    "WEBHOOK_SECRET": None,
    "WEBHOOK_URL_TOKEN": None,
    "WEBHOOK_PATH": "/sms/webhook",
    "EVENT_STORE": "sms-events.sqlite",
    "JOURNAL": None,
    "SUPPRESSION": None,
}
"""The settings that are read here; the client reads the others."""
SETTINGS = tuple(dict.fromkeys([*SHARED, *DEFAULTS]))
"""All keys of the configuration, without the prefix."""


class State:
    """The client, the endpoint and the stores of one application. Each is made when it is first used."""

    def __init__(self, app: Flask, handlers: EventHandlers) -> None:
        self.app = app
        self.handlers = handlers
        self._lock = ForkSafeLock()
        self._clients: dict[str, SMSMobileClient] = {}
        self._endpoint: WebhookEndpoint | None = None
        self._journal: Journal | None = None
        self._suppression: Suppression | None = None
        self._outboxes: list[list[RecordedSMS]] = []

    def set_defaults(self) -> None:
        """Complete the configuration. Raises ConfigurationError for an unknown key or backend."""
        config = self.app.config
        unknown = sorted(key for key in config if key.startswith(PREFIX) and key[len(PREFIX) :] not in SETTINGS)
        if unknown:
            raise ConfigurationError(
                f"app.config has the unknown key {unknown[0]}; expected {PREFIX} and one of {', '.join(SETTINGS)}."
            )
        settings = self.settings
        for name in SETTINGS:
            # What the client reads from the environment stays there: credentials from one place exclude others.
            value = (settings.get(name) or DEFAULTS[name]) if name in DEFAULTS else None
            config.setdefault(PREFIX + name, value)
        _ = settings.backend

    @property
    def settings(self) -> WebSettings:
        """What the configuration says now."""
        config = self.app.config
        values = {name: value for name in SETTINGS if (value := config.get(PREFIX + name)) not in (None, "")}
        return WebSettings(values, f"app.config['{PREFIX}{{}}']")

    @property
    def backend(self) -> str:
        """The backend of the next message. A test never reaches the service."""
        settings = self.settings
        if self._outboxes:
            return "locmem"
        return settings.backend_of_tests if self.app.testing else settings.backend

    @property
    def client(self) -> SMSMobileClient:
        """The client for this backend. Raises ConfigurationError."""
        backend = self.backend
        with self._lock:
            if backend not in self._clients:
                self._clients[backend] = self.settings.client(backend, partial(self._record, backend))
            return self._clients[backend]

    @property
    def endpoint(self) -> WebhookEndpoint:
        """Where deliveries go. Raises ConfigurationError, and StorageError if the store cannot be opened."""
        with self._lock:
            if self._endpoint is None:
                self._endpoint = self._make_endpoint()
            return self._endpoint

    def endpoint_of_inbox(self) -> WebhookEndpoint:
        """The same for messages that come another way. It needs no secret."""
        return self._endpoint_with(None, new_url_token())  # known to nobody

    def send(
        self, to: str, message: str, key: str | int | None, **options: Unpack[SendOnceOptions]
    ) -> SentSMS | SendOutcome:
        """Send a message, once if it has a key."""
        if key is None:
            return self.client.sms.send(to, message, **options_without_key(**options))
        from ...delivery import send_once

        suppression = None if self.settings.get("SUPPRESSION") is None else self.suppression
        return send_once(self.client, self.journal, key=key, to=to, text=message, suppression=suppression, **options)

    @property
    def journal(self) -> str | os.PathLike[str] | Journal:
        """The memory of what was sent under a key. Raises ConfigurationError if there is none."""
        journal = self.settings.get("JOURNAL")
        if journal is None:
            raise ConfigurationError(
                f"A message with a key needs a journal, which remembers it: set app.config['{PREFIX}JOURNAL'] to the "
                "name of a file, such as 'sent.sqlite', or to a Journal."
            )
        if not isinstance(journal, (str, os.PathLike)):
            return journal  # type: ignore[no-any-return]  # send_once checks it
        if not (self.app.testing or self.backend in OFFLINE):
            return self.file(journal)
        # What was not really sent must not count as sent later, nor in the next test.
        from ...delivery import MemoryJournal

        with self._lock:
            if self._journal is None:
                self._journal = MemoryJournal()
            return self._journal

    @property
    def suppression(self) -> Suppression:
        """The list of opt-outs. Raises ConfigurationError if there is none, StorageError if it cannot be opened."""
        from ...delivery import MemorySuppression, SQLiteSuppression
        from ...delivery.suppression import check_suppression

        given = self.settings.get("SUPPRESSION")
        if given is None:
            raise ConfigurationError(
                f"There is no list of opt-outs: set app.config['{PREFIX}SUPPRESSION'] to the name of a file, such as "
                "'suppressed.sqlite', or to a Suppression."
            )
        if not isinstance(given, (str, os.PathLike)):
            return check_suppression(given)
        with self._lock:
            if self._suppression is None:
                self._suppression = MemorySuppression() if self.app.testing else SQLiteSuppression(self.file(given))
            return self._suppression

    def file(self, name: str | os.PathLike[str]) -> Path:
        """A file of the instance folder, which is made; one of its own for the sandbox. An absolute path stays one.

        Raises StorageError if the folder cannot be made.
        """
        path = Path(self.app.instance_path, name)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StorageError(
                f"The folder {str(path.parent)!r} cannot be made: {error.strerror}. Make it, or name a file elsewhere."
            ) from None
        return path.with_stem(f"{path.stem}-sandbox") if self.backend == "sandbox" else path

    @contextmanager
    def recording(self) -> Iterator[list[RecordedSMS]]:
        """Record messages in place of sending them."""
        outbox: list[RecordedSMS] = []
        with self._lock:
            if not self._outboxes:
                self._journal = None  # the next test sends under the same keys
            self._outboxes.append(outbox)
        try:
            yield outbox
        finally:
            with self._lock:
                self._outboxes = [each for each in self._outboxes if each is not outbox]  # an equal one is another

    def _record(self, backend: str, sms: RecordedSMS) -> None:
        with self._lock:
            for outbox in self._outboxes:
                outbox.append(sms)
        if backend == "console":
            print_sms(sms)

    @without_frames
    def _make_endpoint(self) -> WebhookEndpoint:
        settings = self.settings
        receiver, token = settings.webhook_receiver, settings.get("WEBHOOK_URL_TOKEN")
        if receiver is None and token is None:
            raise ConfigurationError(
                f"Nothing proves that a webhook is genuine: set app.config['{PREFIX}WEBHOOK_SECRET'] to the webhook's "
                f"secret, or {PREFIX}WEBHOOK_URL_TOKEN for version 1 webhooks."
            )
        return self._endpoint_with(receiver, token)

    def _endpoint_with(self, receiver: WebhookReceiver | None, url_token: str | None) -> WebhookEndpoint:
        store = self.settings.get("EVENT_STORE")
        if isinstance(store, (str, os.PathLike)):
            store = MemoryEventStore() if self.app.testing else SQLiteEventStore(self.file(store))
        return WebhookEndpoint(receiver, store, self._handle, url_token=url_token)

    def _handle(self, event: AnyEvent) -> None:
        self.handlers._call_handlers(event)
        send_signal(self.app, event)
