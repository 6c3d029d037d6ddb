"""`SMSMobileClient`: puts authentication and transport together, and has an attribute for each channel."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, TypedDict

import requests
from requests.auth import AuthBase

from ._confidential import Unpicklable, safe_repr, without_frames
from ._http.addresses import DEFAULT_BASE_URL
from ._http.transport import DEFAULT_MAX_RETRIES, DEFAULT_TIMEOUT, Transport
from .auth._api_key import ApiKeyAuth
from .config import CREDENTIALS, PREFIX, Settings
from .errors import ConfigurationError

if TYPE_CHECKING:
    from typing_extensions import Self, Unpack

    from .channels.calls import CallsChannel
    from .channels.conversations import ConversationsChannel
    from .channels.devices import DevicesChannel
    from .channels.email import EmailChannel
    from .channels.notifications import NotificationsChannel
    from .channels.sms import SMSChannel
    from .channels.whatsapp import WhatsAppChannel

__all__ = ["SMSMobileClient"]


def __dir__() -> list[str]:
    return __all__


class ClientOptions(TypedDict, total=False):
    """The arguments of `SMSMobileClient` that can come from the environment as well."""

    auth: AuthBase | None
    api_key: str | None
    client_id: str | None
    client_secret: str | None
    base_url: str | None
    timeout: float | tuple[float, float] | None
    max_retries: int | None
    default_region: str | None
    device: str | None
    mailbox_key: str | None


class SMSMobileClient(Unpicklable):
    """A client of SMSMobileAPI. One is enough for a program: it is safe to share among threads.

    Exactly one kind of credentials:

    auth: any `requests.auth.AuthBase`;
    api_key: the account's API key (D);
    client_id, client_secret: OAuth2 client credentials (D).

    All other arguments are optional:

    base_url: https, or http to a loopback host.
    timeout: seconds to connect and seconds for the whole answer, or one number for both.
    max_retries: how often a failed request is repeated, if that cannot send a message twice; 0 for never.
    default_region: country of the numbers that are written as at home: two letters, such as `"FR"`. Needs the extra
        `[phone-numbers]`.
    session: a requests session of yours, for its proxies, certificates, headers, hooks or adapters. The retries of its
        adapters are replaced by this client's, and `close()` leaves it open.
    paths: paths of endpoints that differ from the default, such as `{"sms.delete": "/…/"}`, whose default is assumed
        (A).
    device: SID of the phone to send from, if a send does not name one.
    mailbox_key: the key of the account's mailbox (`apikeybox`, D), for `client.email`.

    Building a client sends nothing. Raises ConfigurationError if an argument is missing or wrong.
    """

    @without_frames
    def __init__(
        self,
        auth: AuthBase | None = None,
        *,
        api_key: str | None = None,
        client_id: str | None = None,
        client_secret: str | None = None,
        base_url: str = DEFAULT_BASE_URL,
        timeout: float | tuple[float, float] = DEFAULT_TIMEOUT,
        max_retries: int = DEFAULT_MAX_RETRIES,
        default_region: str | None = None,
        session: requests.Session | None = None,
        paths: Mapping[str, str] | None = None,
        device: str | None = None,
        mailbox_key: str | None = None,
    ) -> None:
        self._build(
            Settings(
                auth=auth,
                api_key=api_key,  # type: ignore[arg-type]  # Settings makes secrets of these
                client_id=client_id,  # type: ignore[arg-type]
                client_secret=client_secret,  # type: ignore[arg-type]
                base_url=base_url,
                timeout=timeout,  # type: ignore[arg-type]  # and a pair of this
                max_retries=max_retries,
                default_region=default_region,
                device=device,
                mailbox_key=mailbox_key,  # type: ignore[arg-type]
            ),
            session,
            paths,
        )

    @classmethod
    @without_frames
    def from_env(
        cls,
        dotenv_path: str | os.PathLike[str] | None = None,
        *,
        session: requests.Session | None = None,
        paths: Mapping[str, str] | None = None,
        **overrides: Unpack[ClientOptions],
    ) -> Self:
        """Build a client from arguments, then the environment, then `.env`; `os.environ` is not changed.

        The variables are `SMSMOBILEAPI_API_KEY`, `SMSMOBILEAPI_CLIENT_ID`, `SMSMOBILEAPI_TIMEOUT` (`5,30`) …, as
        `Settings.from_env` lists them.

        dotenv_path: a file to read in place of the first `.env` found from the working directory upwards.
        session, paths: as for the client; they have no variable.
        overrides: arguments of the client. Credentials among them replace all credentials of the environment.

        Raises ConfigurationError, which names the variable at fault.
        """
        if unused := sorted(overrides.keys() - ClientOptions.__annotations__.keys()):
            raise ConfigurationError(
                f"The client has no argument {unused[0]!r}; expected one of session, paths, "
                f"{', '.join(ClientOptions.__annotations__)}."
            )
        client = cls.__new__(cls)
        client._build(Settings.from_env(dotenv_path, **overrides), session, paths)
        return client

    def _build(self, settings: Settings, session: requests.Session | None, paths: Mapping[str, str] | None) -> None:
        if session is not None and not isinstance(session, requests.Session):
            raise ConfigurationError(f"session is of type {type(session).__name__}; expected a requests.Session.")
        auth = _authentication(settings)
        if settings.default_region is not None:
            from ._input.regions import check_region

            check_region(settings.named("default_region"), settings.default_region)
        self._transport = Transport(
            settings.base_url,
            timeout=settings.timeout,
            max_retries=settings.max_retries,
            session=session,
            paths=paths,
        )
        self._transport.auth = auth
        if connect := getattr(auth, "connect", None):  # OAuth2ClientCredentials fetches its tokens through it
            connect(self._transport)
        self._settings = settings

    # Each channel is loaded on first use: most programs need one of them.

    @cached_property
    def sms(self) -> SMSChannel:
        """Send, resend, find, track and delete SMS, and read the logs of sent and received ones."""
        from .channels.sms import SMSChannel

        settings = self._settings
        return SMSChannel(self._transport, default_region=settings.default_region, default_device=settings.device)

    @cached_property
    def whatsapp(self) -> WhatsAppChannel:
        """Send and resend by WhatsApp alone, check a number, and receive in three steps."""
        from .channels.whatsapp import WhatsAppChannel

        settings = self._settings
        return WhatsAppChannel(self._transport, default_region=settings.default_region, default_device=settings.device)

    @cached_property
    def devices(self) -> DevicesChannel:
        """The account's phones, and how many more can be connected."""
        from .channels.devices import DevicesChannel

        return DevicesChannel(self._transport)

    @cached_property
    def calls(self) -> CallsChannel:
        """Missed, incoming and outgoing calls."""
        from .channels.calls import CallsChannel

        return CallsChannel(self._transport)

    @cached_property
    def notifications(self) -> NotificationsChannel:
        """Push a notification to a phone, and list those that were sent."""
        from .channels.notifications import NotificationsChannel

        return NotificationsChannel(self._transport)

    @cached_property
    def email(self) -> EmailChannel:
        """Send e-mail through the account's mailbox, and read it."""
        from .channels.email import EmailChannel

        return EmailChannel(self._transport, mailbox_key=self._settings.mailbox_key)

    @cached_property
    def conversations(self) -> ConversationsChannel:
        """SMS grouped by the other party."""
        from .channels.conversations import ConversationsChannel

        return ConversationsChannel(self._transport)

    def close(self) -> None:
        """Close the pooled connections. A session that was passed in stays open."""
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    @safe_repr
    def __repr__(self) -> str:
        return f"<SMSMobileClient {self._transport.base_url} {type(self._transport.auth).__name__}>"


def _authentication(settings: Settings) -> AuthBase:
    """The authentication for the credentials. Raises ConfigurationError unless they are of exactly one kind."""
    given = {name: value for name in CREDENTIALS if (value := settings._hidden(name)) is not None}
    if list(given) == ["auth"] and settings.auth is not None:
        return settings.auth
    if list(given) == ["api_key"]:
        return ApiKeyAuth(given["api_key"].get_secret_value())
    if list(given) == ["client_id", "client_secret"]:
        from .auth._oauth2 import OAuth2ClientCredentials

        return OAuth2ClientCredentials(given["client_id"].get_secret_value(), given["client_secret"].get_secret_value())
    got = " and ".join(settings.named(name) for name in given) or "none"
    raise ConfigurationError(
        f"Credentials: got {got}; expected exactly one of auth, api_key, or client_id together with client_secret. "
        f"from_env() reads them from {PREFIX}API_KEY, or {PREFIX}CLIENT_ID and {PREFIX}CLIENT_SECRET. "
        f"{settings._hint}".rstrip()
    )
