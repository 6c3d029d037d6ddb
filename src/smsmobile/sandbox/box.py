"""`Sandbox`: puts the service, its phones, the webhooks and the server together, and stops them together.

What each of these does lives in its own file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import timedelta
from os import PathLike
from types import TracebackType
from typing import TYPE_CHECKING, TypeVar

from flask import Flask

from .._http.addresses import is_loopback
from .app import create_app
from .clock import Clock
from .credentials import Credentials, new_account
from .faults import Faults
from .guard import guard
from .mailbox import Mailbox
from .page import PageContext, add_page
from .phone import Phone
from .phones import Phones
from .rows import RecordedRequest
from .server import Server
from .service import ROUTES, Service
from .store import Store
from .ticker import Ticker
from .validation import MOST_ROWS, TEN_YEARS, check_seconds, check_text, check_text_or_none, check_whole, is_whole
from .waiting import wait_for
from .webhooks import DeliveryAttempt, Webhook, Webhooks

if TYPE_CHECKING:
    import requests

T = TypeVar("T")


class Sandbox:
    """A local SMSMobileAPI: a real HTTP server on a free port of 127.0.0.1, with a phone behind it.

        with Sandbox() as box:
            client = SMSMobileClient(api_key=box.api_key, base_url=box.url)
            client.sms.send("+33639980011", "hi")
            box.phone.outbox[-1].message

    It sends nothing to any other machine, and is safe to use from many threads. Instead of `with`, `start()` and
    `close()` can be called. A closed sandbox can still be looked at (outbox, deliveries), but is not started again:
    make another.

    `host` and `port` are where it listens; port 0 takes a free one. Another host than this machine's loopback needs
    `allow_remote`: everybody who reaches the port can then read and send everything, with or without a key.

    `db` is a file (SQLite) that keeps everything, for another sandbox with the same file to go on with: messages,
    queues, webhooks, faults, the clock. Without it everything is gone after `close()`.

    `api_key`, `client_id` and `client_secret` are the account's credentials; those left out are the file's, or random.

    Raises ValueError for a host or port that cannot be, and OSError for a file that cannot be used, with a text that
    says what to do.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        db: str | PathLike[str] | None = None,
        allow_remote: bool = False,
        api_key: str | None = None,
        client_id: str | None = None,
        client_secret: str | None = None,
    ) -> None:
        credentials = {"api_key": api_key, "client_id": client_id, "client_secret": client_secret}
        check_text_or_none(**credentials)
        _check_address(host, port, allow_remote=allow_remote)
        self._address = (host, port)
        self._allow_remote = allow_remote
        self.clock = Clock(self._move_clock)
        """The sandbox's time, which tests can move."""
        self._store = Store(self.clock, db)
        is_new = not len(self._store.accounts)
        given = {name: value for name, value in credentials.items() if value}
        if is_new:
            self._store.accounts.put(new_account(**given))
        elif given:
            self._change(**given)
        self.faults = Faults(self._store, [route.path for route in ROUTES])
        """What is to go wrong."""
        self._webhooks = Webhooks(self._store, self.faults, allow_remote=allow_remote)
        self._ticker = Ticker(self._store)
        self._phones = Phones(self._store, self._ticker, self._webhooks.publish)
        self.mailbox = Mailbox(self._store, self._webhooks.publish)
        """The e-mail account that is connected to the service."""
        self._credentials = Credentials(self._store)
        self._server: Server | None = None
        self._state = "not started"
        self.app: Flask = create_app(
            Service(self._store, self._phones, self._webhooks.publish), self._credentials, self.faults
        )
        """The service as a WSGI application, with the phone page."""
        self._page_context = PageContext(
            self,
            store=self._store,
            webhooks=self._webhooks,
            change_account=self._change,
            port=lambda: None if self._server is None else self._server.port,
        )
        add_page(self.app, self._page_context)
        if is_new:
            self._set_up(first=True)

    def start(self) -> Sandbox:
        """Listen; returns this sandbox, ready to answer.

        Raises RuntimeError where it was started before, and OSError where the port is in use or cannot be had.
        """
        if self._state != "not started":
            raise RuntimeError(f"This sandbox is {self._state}: make a new Sandbox() instead.")
        self._server = Server(guard(self.app, allow_remote=self._allow_remote), *self._address)
        self._state = "running"
        self._go_on()  # with what an earlier run has left in the file
        return self

    def close(self) -> None:
        """Stop: free the port, end all threads. Webhooks that wait for their turn are not delivered; repeatable."""
        self._state = "closed"
        self._page_context.live.close()
        if self._server is not None:
            self._server.close()
        self._ticker.close()
        self._webhooks.close()
        with self._store.lock:
            self._store.database.close()

    def reset(self) -> None:
        """Make everything as it was when the sandbox was new, for the next test.

        No messages, calls, requests, webhooks, deliveries, faults and tokens; one phone with the SID of the first one
        (a `Phone` at hand goes on working), switched on and without a delay; the clock as this machine's; the account
        as at the start. Credentials and address stay. What is on its way to a phone or to a webhook is dropped. The
        ids of rows go on growing.
        """
        store = self._store
        with store.lock:
            account = store.account
            self.clock.ahead = timedelta(0)
            for table in store.tables:
                if table not in (store.accounts, store.phones):
                    table.clear()
            store.accounts.put(new_account(account.api_key, account.client_id, account.client_secret))
            self._phones.reset()
            self._set_up(first=False)
            self._move_clock(timedelta(0))
        self._credentials.tokens_issued = 0

    def wait_for(self, condition: Callable[[], T], timeout: float = 5.0) -> T:
        """Wait until `condition()` is true, and return what it returned.

            sms = box.wait_for(lambda: box.phone.outbox)[0]

        It is called again whenever something has changed in the sandbox, and every 50 ms. `timeout` is in seconds by
        this machine's clock. An exception of the condition goes through.

        Raises TimeoutError, whose text tells where the condition stands and what the sandbox holds.
        """
        return wait_for(self._store, condition, timeout)

    def __enter__(self) -> Sandbox:
        try:
            return self.start()
        except OSError:
            self.close()  # nobody else would let go of the file
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Sandbox at {self.url}>" if self._state == "running" else f"<Sandbox {self._state}>"

    @property
    def url(self) -> str:
        """The base URL for programs on this machine, `http://127.0.0.1:PORT`. Raises RuntimeError before the start."""
        if self._server is None:
            raise RuntimeError("This sandbox has no address yet: use `with Sandbox() as box:` or box.start().")
        return self._server.url

    def session(self) -> requests.Session:
        """A `requests` session that this sandbox answers itself, at every address: nothing leaves the process.

            box = Sandbox()                                 # need not be started: no socket, no thread
            client = SMSMobileClient(api_key=box.api_key, session=box.session())

        It behaves as over a network, faults and timeouts included, but nobody waits: an answer that comes later than
        the read timeout is a timeout at once. Once the sandbox is closed, connections are refused.
        """
        from .adapter import session_of  # with requests, which a sandbox with a socket need not load

        self._go_on()
        return session_of(self.app, lambda: self._state != "closed")

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
        check_text(label=label)
        return self._phones.add(label)

    @property
    def requests(self) -> list[RecordedRequest]:
        """What was asked of the service, oldest first; of more than 10,000 the oldest are forgotten."""
        with self._store.lock:
            return list(self._store.requests)

    @property
    def api_key(self) -> str:
        """The account's API key: 48 hexadecimal characters, random unless one was given."""
        return self._store.account.api_key

    @property
    def client_id(self) -> str:
        """The OAuth2 client id."""
        return self._store.account.client_id

    @property
    def client_secret(self) -> str:
        """The OAuth2 client secret."""
        return self._store.account.client_secret

    @property
    def token_lifetime(self) -> float | None:
        """Seconds that the tokens issued from now on are valid (3600), up to ten years.

        None: until they are revoked, and the answer then has no `expires_in`.
        """
        return self._store.account.token_lifetime

    @token_lifetime.setter
    def token_lifetime(self, seconds: float | None) -> None:
        if seconds is not None:
            check_seconds("token_lifetime", seconds, TEN_YEARS)
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
        return self._store.account.subscription_active

    @subscription_active.setter
    def subscription_active(self, active: bool) -> None:
        if not isinstance(active, bool):
            raise ValueError(f"subscription_active is {active!r}; expected True or False.")  # noqa: TRY004
        self._change(subscription_active=active)

    @property
    def page_size(self) -> int:
        """How many rows a page of the sent log has (100)."""
        return self._store.account.page_size

    @page_size.setter
    def page_size(self, rows: int) -> None:
        check_whole("page_size", rows, 1, MOST_ROWS)
        self._change(page_size=rows)

    @property
    def log_delay(self) -> float:
        """Seconds until a message appears in the sent log (0), up to a day.

        On the service a row can be missing for a while.
        """
        return self._store.account.log_delay

    @log_delay.setter
    def log_delay(self, seconds: float) -> None:
        check_seconds("log_delay", seconds)
        self._change(log_delay=float(seconds))

    def add_webhook(
        self, url: str, *, secret: str | None = None, version: int = 2, types: Iterable[str] | None = None
    ) -> Webhook:
        """Push events to `url` from now on, which must be on this machine (a loopback host).

        Version 1 pushes received SMS, unsigned. Version 2 pushes every event, or those of the chosen `types` (such
        as `sms.received`), signed with `secret`. The webhook that is returned rotates the secret and ends pauses.

        Raises ValueError for another host or version, an unknown type, and for a missing, needless or unusable
        secret.
        """
        return self._webhooks.add(url, secret=secret, version=version, types=types)

    @property
    def webhooks(self) -> list[Webhook]:
        """All webhooks, the first one first."""
        return self._webhooks.all()

    @property
    def deliveries(self) -> list[DeliveryAttempt]:
        """Every attempt to deliver a webhook, oldest first; of more than 10,000 deliveries the oldest are forgotten."""
        return self._webhooks.attempts

    def wait_for_deliveries(self, timeout: float = 5.0) -> None:
        """Wait until every webhook was delivered or given up; for at most `timeout` seconds, by this machine's clock.

        A failed one is tried again for some three seconds by the sandbox's clock: `box.clock.forward(10)` before it
        saves them. Raises TimeoutError, which names what is still on its way, and which webhook is paused.
        """
        self._webhooks.wait(timeout)

    def _change(self, **changes: object) -> None:
        with self._store.lock:
            self._store.accounts.put(replace(self._store.account, **changes))  # type: ignore[arg-type]

    def _set_up(self, *, first: bool) -> None:
        """For those who want other beginnings (see __main__.py): called at the first start, and after each reset."""

    def _move_clock(self, ahead: timedelta) -> None:
        """Move the clock, and let happen what would have happened."""
        with self._store.lock:
            self.clock.ahead = ahead
            self._change(clock_ahead=ahead.total_seconds())
            self._go_on()

    def _go_on(self) -> None:
        self._ticker.tick()
        self._webhooks.wake()


def _check_address(host: str, port: int, *, allow_remote: bool) -> None:
    check_text(host=host)
    if not allow_remote and not is_loopback(host):
        raise ValueError(
            f"Other machines would reach the sandbox on {host!r}, and read and send everything there. If that is "
            "meant, allow it (allow_remote=True, or --allow-remote); else leave the host as 127.0.0.1."
        )
    if not (is_whole(port) and 0 <= port <= 65535):
        raise ValueError(f"A port lies between 1 and 65535, or is 0 for a free one; not {port!r}.")
