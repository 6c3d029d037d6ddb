"""Every exception of the library, in one tree. What raises them lives elsewhere.

SMSMobileError
├── ConfigurationError            nothing was sent: credentials missing, doubled, or http:// to a remote host
├── InvalidRequestError           nothing was sent: bad number, empty text, naive datetime … (also a ValueError)
├── ConnectionFailed              nothing reached the service (a read: no whole answer came back)
├── SendOutcomeUnknown            it may have been accepted: look it up before sending it again
├── ResponseTimeout               a read, or a token request, timed out
├── DeliveryPending               the phone has neither sent nor failed it within the time; it may still go out
├── StorageError                  a file that keeps something across restarts cannot be used (also an OSError)
├── BulkPaused                    the phone is offline, the subscription is over …: a later run sends the rest
├── APIError                      the service answered and said no
│   ├── AuthenticationError
│   ├── SubscriptionExpired
│   ├── DeviceOffline
│   ├── RateLimited
│   ├── NotFound
│   ├── ServerError
│   └── UnexpectedResponse        not JSON, not an envelope we know, or a redirect
└── WebhookError
    ├── SignatureMismatch
    ├── TimestampOutOfTolerance
    └── MalformedPayload

No text of these holds a secret, a phone number or a message body, and all of them can be pickled.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .channels.sms import LoggedSMS

PHONE_ADVICE = (
    "Most often Android's battery optimisation has stopped the app: open the phone's battery settings and allow "
    "SmsMobileApi unrestricted background use (see docs/troubleshooting.md)."
)


class SMSMobileError(Exception):
    """Base of everything this library raises on purpose."""


class ConfigurationError(SMSMobileError):
    """The client cannot be built from what it was given; nothing was sent."""


class InvalidRequestError(SMSMobileError, ValueError):
    """An argument cannot be sent as it is (a bad number, an empty text …); nothing was sent."""


class ConnectionFailed(SMSMobileError):
    """The service could not be reached. For a send: nothing left this machine, so trying again is safe.

    For a read it also covers a connection that broke before the whole answer was there.
    """


class ResponseTimeout(SMSMobileError):
    """A read, or a token request, was not answered in full within the timeout. Trying again is safe."""


class SendOutcomeUnknown(SMSMobileError):
    """The message may or may not have been accepted, and nobody can know from the connection alone.

    Do not simply send it again. Wait a little, then ask `reconcile()`: it looks into the sent log. There is one of SMS
    only; for anything else `advice` says where to look.
    """

    def __init__(
        self,
        reason: str,
        *,
        to: str | None = None,
        message: str | None = None,
        guid: str | None = None,
        attempted_at: datetime | None = None,
        lookup: Callable[[SendOutcomeUnknown], LoggedSMS | None] | None = None,
        advice: str | None = None,
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        """What went wrong on the way, without secrets and without the message."""
        self.to = to
        """The recipient as it was sent (a number, a SID, an address); None for a resend."""
        self.message = message
        """The text as it was sent; None for a resend."""
        self.guid = guid
        """For a resend: the GUID that was to be sent again."""
        self.attempted_at = attempted_at
        """When the attempt began: an aware UTC datetime of this machine's clock."""
        self.advice = advice
        """Where there is no log for `reconcile()` to look into: what to do in its place; else None."""
        self._lookup = lookup

    def __str__(self) -> str:
        if self.advice:
            return f"{self.reason} The message may have been accepted: do not simply send it again. {self.advice}"
        return (
            f"{self.reason} The message may have been accepted: do not send it again before reconcile() has "
            "looked it up in the sent log."
        )

    def reconcile(self) -> LoggedSMS | None:
        """Look the message up in the service's sent log, by recipient, text and time.

        Returns the log's row, or None while there is none. A row can appear some moments after the send (O),
        so None right after the failure proves nothing: wait, and ask again.

        Raises ConfigurationError where there is no log to look into (see `advice`) or the error has lost its client
        (it was pickled), and whatever `client.sms.log` raises.
        """
        if self.advice:
            raise ConfigurationError(f"There is no log in which this could be looked up. {self.advice}")
        if self._lookup is None:
            raise ConfigurationError(
                "This error is no longer tied to a client (it was pickled or made by hand). Look the message up "
                "with client.sms.iter_log(), using its .to, .message and .attempted_at."
            )
        return self._lookup(self)

    def __reduce__(self) -> tuple[Any, ...]:
        """Leave the client behind: it holds secrets and sockets."""
        return type(self), (self.reason,), {**self.__dict__, "_lookup": None}


class DeliveryPending(SMSMobileError):
    """The phone has neither sent nor failed the messages within the time. They stay queued, and may still go out.

    Do not send them again; look after the phone (see `PHONE_ADVICE` in the text), and track them once more.
    """

    def __init__(self, text: str, *, guids: Sequence[str] = (), last: Mapping[str, LoggedSMS] | None = None) -> None:
        super().__init__(text)
        self.guids = tuple(guids)
        """The GUIDs of all that are still queued, in the order they were given."""
        self.last = dict(last or {})
        """What the log last said of each, by GUID. One that is not in here is not in the log yet."""

    @property
    def guid(self) -> str | None:
        """The GUID, where one message was tracked (else the first of them)."""
        return self.guids[0] if self.guids else None


class StorageError(SMSMobileError, OSError):
    """A file (or another store) that keeps something across restarts cannot be used; the text says what to do.

    It is in use, damaged, another program's, or cannot be written. Nothing was done that it would not remember.
    """


class BulkPaused(SMSMobileError):
    """A bulk run has stopped for a reason that concerns every message, such as a phone that is offline.

    `__cause__` is the error that stopped it. No message is marked as refused for it: another run with the same
    messages and the same journal goes on where this one stopped.
    """

    def __init__(self, text: str, *, done: int = 0, left: int | None = None) -> None:
        super().__init__(text)
        self.done = done
        """How many messages had an outcome in this run."""
        self.left = left
        """How many had none; None where nobody knows how many there are (a generator)."""


class APIError(SMSMobileError):
    """The service answered and said no."""

    def __init__(
        self, text: str, *, code: str | None = None, status: int | None = None, note: str | None = None
    ) -> None:
        super().__init__(text)
        self.code = code
        """The service's own code or word, as text (`"2"`, `"invalid_apikey"`); None where it gave none."""
        self.status = status
        """The HTTP status; 200 is possible, since errors also come inside a 200 (O)."""
        self.note = note
        """The service's explanation, secrets masked; None where it gave none."""


class AuthenticationError(APIError):
    """The key, the client credentials or the token were refused."""


class SubscriptionExpired(APIError):
    """The account's subscription is over."""


class DeviceOffline(APIError):
    """The phone that should send is not connected."""


class RateLimited(APIError):
    """Too many requests. The client already waited and tried again where the service asked for at most 60 s."""

    def __init__(
        self,
        text: str,
        *,
        code: str | None = None,
        status: int | None = None,
        note: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(text, code=code, status=status, note=note)
        self.retry_after = retry_after
        """Seconds the service asks to wait; None where it does not say."""


class NotFound(APIError):
    """There is nothing under this GUID, or no such address on the service."""


class ServerError(APIError):
    """The service failed (5xx)."""


class UnexpectedResponse(APIError):
    """The answer is not JSON, not an envelope of the service, too large, or a redirect."""


class WebhookError(SMSMobileError):
    """A webhook was not accepted."""


class SignatureMismatch(WebhookError):
    """The signature is missing or was not made with one of the secrets. Answer 401."""


class TimestampOutOfTolerance(WebhookError):
    """The signature is right but too old, or from the future: a replay, or a wrong clock. Answer 401."""


class MalformedPayload(WebhookError):
    """The body is too large, not JSON, or not an event. Answer 400."""
