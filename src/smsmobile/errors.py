"""Every exception of the library, in one tree.

SMSMobileError
├── ConfigurationError            nothing was sent: no credentials or too many, or http:// to a remote host
├── InvalidRequestError           nothing was sent: bad number, empty text, naive datetime … (also a ValueError)
├── ConnectionFailed              nothing reached the service (a read: no whole answer came back)
├── SendOutcomeUnknown            it may have been accepted: look it up before you send it again
├── ResponseTimeout               a read, or a token request, timed out
├── DeliveryPending               the phone has neither sent nor failed it within the time; it may still go out
├── StorageError                  a file that keeps something across restarts cannot be used (also an OSError)
├── BulkPaused                    the phone is offline, the subscription is over …: the next run sends the rest
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
from typing import Any, Protocol

PHONE_ADVICE = (
    "Most often Android's battery optimisation has stopped the app: open the phone's battery settings and allow "
    "SmsMobileApi unrestricted background use (see docs/troubleshooting.md)."
)


class SentLogRow(Protocol):
    """A row of the log of sent SMS, as errors hand it out: a `smsmobile.LoggedSMS`. Datetimes are aware UTC."""

    @property
    def guid(self) -> str | None:
        """The message's handle."""
        ...

    @property
    def recipient(self) -> str | None:
        """The number it goes to, as the service writes it."""
        ...

    @property
    def message(self) -> str:
        """The text."""
        ...

    @property
    def status(self) -> str:
        """`"queued"`, `"sent"` or `"failed"`: an `SMSStatus`."""
        ...

    @property
    def error(self) -> str | None:
        """Why it failed, in the words of the service or the phone; None if it did not."""
        ...

    @property
    def created_at(self) -> datetime | None:
        """When the service accepted it; None if the row does not say (A)."""
        ...

    @property
    def sent_at(self) -> datetime | None:
        """When the phone sent it; None if the row does not say (A)."""
        ...

    @property
    def device(self) -> str | None:
        """SID of the phone."""
        ...

    @property
    def advice(self) -> str | None:
        """For a failed message, what to look at first; else None."""
        ...


class SMSMobileError(Exception):
    """Base of everything this library raises on purpose."""


class ConfigurationError(SMSMobileError):
    """The client cannot be built, or cannot do this, with the settings it has; nothing was sent."""


class InvalidRequestError(SMSMobileError, ValueError):
    """An argument cannot be sent as it is (a bad number, an empty text …); nothing was sent."""


class ConnectionFailed(SMSMobileError):
    """The service could not be reached. For a send: nothing left this machine, so trying again is safe.

    A read also raises this if the connection broke before the whole answer was there.
    """


class ResponseTimeout(SMSMobileError):
    """A read, or a token request, was not answered in full within the timeout. Trying again is safe."""


class SendOutcomeUnknown(SMSMobileError):
    """The message may or may not have been accepted, and the connection alone cannot tell.

    Do not simply send it again. Wait a little, then call `reconcile()`, which looks into the sent log. Only SMS have
    one; for everything else, `advice` says where to look.

    The error can be pickled, or kept as JSON, and looked up by another process:
    `client.sms.find(doubt.to, doubt.message, around=doubt.attempted_at, **doubt.options)`.
    """

    def __init__(
        self,
        reason: str,
        *,
        to: str | None = None,
        message: str | None = None,
        guid: str | None = None,
        attempted_at: datetime | None = None,
        options: Mapping[str, Any] | None = None,
        lookup: Callable[[SendOutcomeUnknown], SentLogRow | None] | None = None,
        advice: str | None = None,
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        """What went wrong, without secrets and without the message."""
        self.to = to
        """The recipient as it was sent (a number, a SID, an address); None for a resend."""
        self.message = message
        """The text as it was sent; None for a resend."""
        self.guid = guid
        """For a resend: the GUID that was to be sent again."""
        self.attempted_at = attempted_at
        """When the attempt began: an aware UTC datetime of this machine's clock."""
        self.options = dict(options or {})
        """The options of `client.sms.send` that `client.sms.find` needs too, by name; those that were not used are
        missing."""
        self.advice = advice
        """If there is no log for `reconcile()` to look into: what to do instead; else None."""
        self._lookup = lookup

    def __str__(self) -> str:
        if self.advice:
            return f"{self.reason} The message may have been accepted: do not simply send it again. {self.advice}"
        return (
            f"{self.reason} The message may have been accepted: do not send it again before reconcile() has "
            "looked it up in the sent log."
        )

    def reconcile(self) -> SentLogRow | None:
        """Look the message up in the service's sent log: `client.sms.find`, or for a resend the row of its GUID.

        Returns the row, or None while there is none. A row can appear some time after the send (O), so None right after
        the failure proves nothing: wait, and ask again.

        Raises ConfigurationError if there is no log to look into (see `advice`) or the error has lost its client (it
        was pickled), and whatever `client.sms.log` raises.
        """
        if self.advice:
            raise ConfigurationError(f"There is no log in which this message can be looked up. {self.advice}")
        if self._lookup is None:
            call = (
                "client.sms.find(doubt.to, doubt.message, around=doubt.attempted_at, **doubt.options)"
                if self.guid is None
                else "client.sms.log(guid=doubt.guid)"
            )
            raise ConfigurationError(
                "This error is not tied to a client, since it was pickled or made by hand. With `doubt` for this "
                f"error, look the message up with {call}."
            )
        return self._lookup(self)

    def __reduce__(self) -> tuple[Any, ...]:
        """Leave the client behind: it holds secrets and sockets."""
        return type(self), (self.reason,), {**self.__dict__, "_lookup": None}


class DeliveryPending(SMSMobileError):
    """The phone has neither sent nor failed the messages within the time. They stay queued, and may still go out.

    Do not send them again. Check the phone (the text says how), and track them once more.
    """

    def __init__(self, text: str, *, guids: Sequence[str] = (), last: Mapping[str, SentLogRow] | None = None) -> None:
        super().__init__(text)
        self.guids = tuple(guids)
        """The GUIDs of the messages that are still queued, in the order they were given."""
        self.last = dict(last or {})
        """The last row of each message, by GUID. A message that is not in it is not in the log yet."""

    @property
    def guid(self) -> str | None:
        """The GUID, if one message was tracked; else the first one that is still queued."""
        return self.guids[0] if self.guids else None


class StorageError(SMSMobileError, OSError):
    """A file, or another store that must survive a restart, cannot be used; the text says what to do.

    It is in use, is damaged, belongs to another program, or cannot be written. Nothing was done without recording it.
    """


class BulkPaused(SMSMobileError):
    """A bulk run has stopped for a reason that every message would meet, such as a phone that is offline.

    `__cause__` is the error that stopped it. No message is marked as refused because of it: another run with the same
    messages and the same journal continues where this one stopped.
    """

    def __init__(self, text: str, *, done: int = 0, left: int | None = None) -> None:
        super().__init__(text)
        self.done = done
        """How many messages have an outcome in this run."""
        self.left = left
        """How many have none; None if the total is not known (the messages come from a generator)."""


class APIError(SMSMobileError):
    """The service answered and said no."""

    def __init__(
        self, text: str, *, code: str | None = None, status: int | None = None, note: str | None = None
    ) -> None:
        super().__init__(text)
        self.code = code
        """The service's own code or word, as text (`"2"`, `"invalid_apikey"`); None if it gave none."""
        self.status = status
        """The HTTP status; 200 is possible, since errors also come inside a 200 (O)."""
        self.note = note
        """The service's explanation, secrets masked; None if it gave none."""


class AuthenticationError(APIError):
    """The key, the client credentials or the token were refused."""


class SubscriptionExpired(APIError):
    """The account's subscription is over."""


class DeviceOffline(APIError):
    """The phone that should send is not connected."""


class RateLimited(APIError):
    """Too many requests. If the service asked for at most 60 s, the client has already waited and tried again."""

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
        """Seconds the service asks to wait; None if it does not say."""


class NotFound(APIError):
    """The service knows no such GUID, or no such address."""


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
