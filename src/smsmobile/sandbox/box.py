"""`Sandbox`: puts the service, its phones, the webhooks and the server together, and stops them together.

What each of these does lives in its own file.
"""

from __future__ import annotations

from dataclasses import replace
from types import TracebackType

from flask import Flask

from .app import create_app
from .clock import Clock
from .credentials import Credentials, new_account
from .faults import Faults
from .ledger import Ledger
from .phone import Phone
from .phones import Phones
from .rows import RecordedRequest
from .server import Server
from .service import Service
from .ticker import Ticker
from .webhooks import DeliveryAttempt, Webhooks


class Sandbox:
    """A local SMSMobileAPI: a real HTTP server on a free port of 127.0.0.1, with a phone behind it.

        with Sandbox() as box:
            client = SMSMobileClient(api_key=box.api_key, base_url=box.url)
            client.sms.send("+33612345678", "hi")
            box.phone.outbox[-1].message

    It sends nothing to any other machine, and is safe to use from many threads. Instead of `with`, `start()` and
    `close()` can be called. A closed sandbox can still be looked at (outbox, deliveries), but is not started again:
    make another.

    `api_key`, `client_id` and `client_secret` are the account's credentials; those left out are random.
    """

    def __init__(
        self, *, api_key: str | None = None, client_id: str | None = None, client_secret: str | None = None
    ) -> None:
        self.clock = Clock(self._wake)
        """The sandbox's time, which tests can move."""
        self._ledger = Ledger(self.clock)
        self._ledger.accounts.put(new_account(api_key, client_id, client_secret))
        self.faults = Faults(self._ledger)
        """What is to go wrong."""
        self._webhooks = Webhooks()
        self._ticker = Ticker(self._ledger)
        self._phones = Phones(self._ledger, self._ticker, self._webhooks.publish)
        self._credentials = Credentials(self._ledger)
        self._server: Server | None = None
        self._state = "not started"
        self.app: Flask = create_app(Service(self._ledger, self._phones, self._webhooks.publish), self._credentials)
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
        self._ticker.close()
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
    def phone(self) -> Phone:
        """The first phone: its outbox, its switch, its failures."""
        return self.phones[0]

    @property
    def phones(self) -> list[Phone]:
        """All phones of the account, the first one first."""
        return list(self._phones)

    def add_phone(self, label: str) -> Phone:
        """One more phone, switched on. A send that names no device goes through the first phone that is on."""
        return self._phones.add(label)

    @property
    def requests(self) -> list[RecordedRequest]:
        """What was asked of the service, oldest first; of more than 10,000 the oldest are forgotten."""
        with self._ledger.lock:
            return list(self._ledger.requests)

    @property
    def api_key(self) -> str:
        """The account's API key: 48 hexadecimal characters, random unless one was given."""
        return self._ledger.account.api_key

    @property
    def client_id(self) -> str:
        """The OAuth2 client id."""
        return self._ledger.account.client_id

    @property
    def client_secret(self) -> str:
        """The OAuth2 client secret."""
        return self._ledger.account.client_secret

    @property
    def token_lifetime(self) -> float | None:
        """Seconds that the tokens issued from now on are valid (3600).

        None: until they are revoked, and the answer then has no `expires_in`.
        """
        return self._ledger.account.token_lifetime

    @token_lifetime.setter
    def token_lifetime(self, seconds: float | None) -> None:
        self._change(token_lifetime=seconds)

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
        return self._ledger.account.subscription_active

    @subscription_active.setter
    def subscription_active(self, active: bool) -> None:
        self._change(subscription_active=active)

    @property
    def page_size(self) -> int:
        """How many rows a page of the sent log has (100)."""
        return self._ledger.account.page_size

    @page_size.setter
    def page_size(self, rows: int) -> None:
        self._change(page_size=rows)

    @property
    def log_delay(self) -> float:
        """Seconds until a message appears in the sent log (0). On the service a row can be missing for a while."""
        return self._ledger.account.log_delay

    @log_delay.setter
    def log_delay(self, seconds: float) -> None:
        self._change(log_delay=seconds)

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

    def _change(self, **changes: object) -> None:
        with self._ledger.lock:
            self._ledger.accounts.put(replace(self._ledger.account, **changes))  # type: ignore[arg-type]

    def _wake(self) -> None:
        """The clock was moved: let happen what would have happened."""
        self._ticker.tick()
