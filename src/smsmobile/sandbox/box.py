"""`Sandbox`: puts the service, its phone, the webhooks and the server together, and stops them together.

What each of these does lives in its own file.
"""

from __future__ import annotations

from types import TracebackType

from flask import Flask

from .app import create_app
from .credentials import Credentials
from .ledger import Ledger
from .phone import Phone
from .server import Server
from .service import Service
from .webhooks import DeliveryAttempt, Webhooks


class Sandbox:
    """A local SMSMobileAPI: a real HTTP server on a free port of 127.0.0.1, with a phone behind it.

        with Sandbox() as box:
            client = SMSMobileClient(api_key=box.api_key, base_url=box.url)
            client.sms.send("+33612345678", "hi")
            box.phone.outbox[-1].message

    It keeps everything in memory, sends nothing to any other machine, and is safe to use from many threads.
    Instead of `with`, `start()` and `close()` can be called. A closed sandbox can still be looked at (outbox,
    deliveries), but is not started again: make another.
    """

    def __init__(self) -> None:
        self._webhooks = Webhooks()
        ledger = Ledger(self._webhooks.publish)
        self._credentials = Credentials(ledger)
        self._server: Server | None = None
        self._state = "not started"
        self.phone = Phone(ledger)
        """The phone that sends and receives: its outbox, its switch, its failures."""
        self.service = Service(ledger, self.phone)
        """The rules of the service, without HTTP."""
        self.app: Flask = create_app(self.service, self._credentials)
        """The service as a WSGI application."""

    def start(self) -> Sandbox:
        """Listen on a free port of 127.0.0.1; returns this sandbox, ready to answer.

        Raises RuntimeError where it was started before.
        """
        if self._state != "not started":
            raise RuntimeError(f"This sandbox is {self._state}: make a new Sandbox() instead.")
        self._server = Server(self.app)
        self._state = "running"
        return self

    def close(self) -> None:
        """Stop: free the port, end all threads. Webhooks that wait for their turn are dropped; repeatable."""
        self._state = "closed"
        if self._server is not None:
            self._server.close()
        self.phone.close()
        self._webhooks.close()

    def __enter__(self) -> Sandbox:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Sandbox at {self.url}>" if self._state == "running" else f"<Sandbox {self._state}>"

    @property
    def url(self) -> str:
        """The base URL, `http://127.0.0.1:PORT`. Raises RuntimeError before the start."""
        if self._server is None:
            raise RuntimeError("This sandbox has no address yet: use `with Sandbox() as box:` or box.start().")
        return f"http://127.0.0.1:{self._server.port}"

    @property
    def api_key(self) -> str:
        """The account's API key: 48 hexadecimal characters, new for each sandbox."""
        return self._credentials.api_key

    @property
    def client_id(self) -> str:
        """The OAuth2 client id."""
        return self._credentials.client_id

    @property
    def client_secret(self) -> str:
        """The OAuth2 client secret."""
        return self._credentials.client_secret

    @property
    def token_lifetime(self) -> float | None:
        """Seconds that the tokens issued from now on are valid (3600).

        None: until they are revoked, and the answer then has no `expires_in`.
        """
        return self._credentials.token_lifetime

    @token_lifetime.setter
    def token_lifetime(self, seconds: float | None) -> None:
        self._credentials.token_lifetime = seconds

    @property
    def tokens_issued(self) -> int:
        """How many OAuth2 tokens were issued so far."""
        return self._credentials.tokens_issued

    def revoke_tokens(self) -> None:
        """Make every OAuth2 token issued so far invalid: using one is answered with 401 invalid_token."""
        self._credentials.revoke_tokens()

    @property
    def subscription_active(self) -> bool:
        """Whether the account's subscription runs (True). Set it to False to see the errors of its end."""
        return self.service.subscription_active

    @subscription_active.setter
    def subscription_active(self, active: bool) -> None:
        self.service.subscription_active = active

    @property
    def page_size(self) -> int:
        """How many rows a page of the sent log has (100)."""
        return self.service.page_size

    @page_size.setter
    def page_size(self, rows: int) -> None:
        self.service.page_size = rows

    def add_webhook(self, url: str, *, secret: str | None = None, version: int = 2) -> None:
        """Push events to `url` from now on, which must be on this machine (a loopback host).

        Version 1 pushes received SMS, unsigned. Version 2 pushes `sms.api.submitted`, `sms.sent`, `sms.failed`
        and `sms.received`, signed with `secret`.

        Raises ValueError for another host or version, and for a missing or needless secret; ConfigurationError
        for a secret that nothing can be signed with.
        """
        self._webhooks.add(url, secret=secret, version=version)

    @property
    def deliveries(self) -> list[DeliveryAttempt]:
        """Every attempt to deliver a webhook, oldest first."""
        return self._webhooks.attempts

    def wait_for_deliveries(self, timeout: float = 5.0) -> None:
        """Wait until every webhook was delivered or given up; for at most `timeout` seconds.

        Raises TimeoutError, which names what is still on its way.
        """
        self._webhooks.wait(timeout)
