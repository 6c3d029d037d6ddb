"""Every exception of the library, in one tree.

SMSMobileError
├── ConfigurationError            wrong settings: no credentials, http:// to a remote host …; nothing was sent
├── InvalidRequestError           wrong argument: bad number, empty text …; nothing was sent (also a ValueError)
├── ConnectionFailed              the service could not be reached, or (a read) the connection broke; nothing was sent
├── SendOutcomeUnknown            the message may have been accepted: look it up before you send it again
├── ResponseTimeout               a read, or a token request, timed out
├── DeliveryPending               the message is still queued after the timeout of track(); it may still go out
├── StorageError                  a file, or another store, cannot be used (also an OSError)
├── SendInFlight                  the message is being sent elsewhere under its key: try again later
├── SendPostponed                 a rule lets the message leave only later: call again then; nothing was sent
├── BulkPaused                    the phone is offline, the subscription is over …; the next run sends the rest
├── APIError                      the service answered with an error
│   ├── AuthenticationError       wrong or expired credentials
│   ├── SubscriptionExpired       the account's subscription is over
│   ├── DeviceOffline             the phone is not connected
│   ├── RateLimited               too many requests
│   ├── NotFound                  unknown GUID or URL
│   ├── ServerError               the service failed (5xx)
│   └── UnexpectedResponse        not JSON, an unknown envelope, too large, or a redirect
└── WebhookError                  a webhook was refused
    ├── SignatureMismatch         no signature, or a wrong one
    ├── TimestampOutOfTolerance   the timestamp is too old, or in the future
    └── MalformedPayload          empty, too large, not JSON, or not an event

The texts contain no secrets, phone numbers or message bodies. All exceptions can be pickled.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from ._log_row import SentLogRow

__all__ = [
    "PHONE_ADVICE",
    "APIError",
    "AuthenticationError",
    "BulkPaused",
    "ConfigurationError",
    "ConnectionFailed",
    "DeliveryPending",
    "DeviceOffline",
    "InvalidRequestError",
    "MalformedPayload",
    "NotFound",
    "RateLimited",
    "ResponseTimeout",
    "SMSMobileError",
    "SendInFlight",
    "SendOutcomeUnknown",
    "SendPostponed",
    "SentLogRow",
    "ServerError",
    "SignatureMismatch",
    "StorageError",
    "SubscriptionExpired",
    "TimestampOutOfTolerance",
    "UnexpectedResponse",
    "WebhookError",
]


def __dir__() -> list[str]:
    return __all__


PHONE_ADVICE = (
    "Most often Android's battery optimisation has stopped the app. On the phone, open Settings > Apps > SmsMobileApi "
    "> Battery and choose Unrestricted; then open the app once, so that it connects again."
)


class SMSMobileError(Exception):
    """Base class of this library's exceptions."""


class ConfigurationError(SMSMobileError):
    """The client cannot be built, or cannot do this, with its settings. Nothing was sent."""


class InvalidRequestError(SMSMobileError, ValueError):
    """An argument is wrong: a bad number, an empty text … Nothing was sent. Also a ValueError."""


class ConnectionFailed(SMSMobileError):
    """The service could not be reached. A send can be repeated safely: the request did not leave this machine.

    A read also raises this if the connection broke before the whole answer arrived.
    """


class ResponseTimeout(SMSMobileError):
    """A read, or a token request, did not get its whole answer within the timeout. It can be repeated safely."""


class SendOutcomeUnknown(SMSMobileError):
    """The request left this machine, but no clear answer arrived: the message may have been accepted or not.

    If an exception from outside has interrupted the call, such as a time limit of a task queue, it is the `__cause__`.

    Do not simply send it again. Wait a little, then call `reconcile()`, which looks the message up in the sent log.
    Only SMS have a log; for other messages, `advice` says where to look.

    Another process can look the message up as well, from the pickled error or from its attributes:
    `client.sms.find(error.to, error.message, around=error.attempted_at, **error.options)`.
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
        """The recipient as it was sent: a phone number, a SID or an e-mail address; None for a resend."""
        self.message = message
        """The text as it was sent; None for a resend."""
        self.guid = guid
        """For a resend: the GUID of the message; else None."""
        self.attempted_at = attempted_at
        """When the send began, by this machine's clock, as an aware UTC datetime."""
        self.options = dict(options or {})
        """The options of the send that `client.sms.find` needs too, by name. Unused options are left out."""
        self.advice = advice
        """Where to look instead, if there is no log for `reconcile()`; else None."""
        self._lookup = lookup

    def __str__(self) -> str:
        if self.advice:
            return f"{self.reason} The message may have been accepted: do not simply send it again. {self.advice}"
        return (
            f"{self.reason} The message may have been accepted: do not send it again before reconcile() has "
            "looked it up in the sent log."
        )

    def reconcile(self) -> SentLogRow | None:
        """Look the message up in the sent log: with `client.sms.find`, or by its GUID for a resend.

        Returns the row, or None if there is none yet. A row can appear some time after the send (O), so None right
        after the failure proves nothing: wait, and look again.

        Raises ConfigurationError if there is no log for this message (see `advice`), or if the error has no client
        because it was pickled. Also raises what `client.sms.log` raises.
        """
        if self.advice:
            raise ConfigurationError(f"The service has no log in which to look this message up. {self.advice}")
        if self._lookup is None:
            call = (
                "client.sms.find(error.to, error.message, around=error.attempted_at, **error.options)"
                if self.guid is None
                else "client.sms.log(guid=error.guid)"
            )
            raise ConfigurationError(
                "This error has no client, because it was pickled or created by hand. If `error` is this error, look "
                f"the message up with {call}."
            )
        return self._lookup(self)

    def __reduce__(self) -> tuple[Any, ...]:
        """Leave out the client, which holds secrets and sockets."""
        return type(self), (self.reason,), {**self.__dict__, "_lookup": None}


class DeliveryPending(SMSMobileError):
    """The messages are still queued after the timeout of `track()` or `track_all()`. They may still go out.

    Do not send them again. Check the phone (the text says how), then track them again.
    """

    def __init__(self, text: str, *, guids: Sequence[str] = (), last: Mapping[str, SentLogRow] | None = None) -> None:
        super().__init__(text)
        self.guids = tuple(guids)
        """The GUIDs of the messages that are still queued, in the order in which they were passed."""
        self.last = dict(last or {})
        """The last row of each queued message, by GUID. Messages without a row in the log are left out."""

    @property
    def guid(self) -> str | None:
        """The first GUID in `guids`; None if there is none."""
        return self.guids[0] if self.guids else None


class StorageError(SMSMobileError, OSError):
    """A file, or another store that must survive a restart, cannot be used. Also an OSError.

    It is in use, damaged, not writable, or belongs to another program; the text says what to do. Everything that
    was done is recorded in it.
    """


class SendInFlight(SMSMobileError):
    """The message, or one that the sent log could not tell from it, is being sent elsewhere. Nothing was done.

    Ask again with the same key after `retry_after`: it has an outcome then, or is looked up.
    """

    def __init__(self, text: str, *, retry_after: float = 0.0) -> None:
        super().__init__(text)
        self.retry_after = retry_after
        """Seconds until the other sender counts as gone, if it does not go on. Most are done much earlier."""


class SendPostponed(SMSMobileError):
    """A rule (the send window, or the limits of the SIMs) lets the message leave only later. Nothing was sent.

    Call again with the same key after `retry_after`.
    """

    def __init__(self, text: str, *, retry_after: float = 0.0) -> None:
        super().__init__(text)
        self.retry_after = retry_after
        """Seconds until the message may leave."""


class BulkPaused(SMSMobileError):
    """A bulk run stopped for a reason that concerns all messages, such as a phone that is offline.

    `__cause__` is the error that stopped the run. It marks no message as refused: run again with the same messages and
    the same journal to continue where this run stopped.
    """

    def __init__(self, text: str, *, done: int = 0, left: int | None = None) -> None:
        super().__init__(text)
        self.done = done
        """Number of messages that have an outcome in this run."""
        self.left = left
        """Number of messages without one; None if the total is unknown because the messages come from a generator."""


class APIError(SMSMobileError):
    """The service answered with an error, or with an answer that cannot be read."""

    def __init__(
        self, text: str, *, code: str | None = None, status: int | None = None, note: str | None = None
    ) -> None:
        super().__init__(text)
        self.code = code
        """The service's error code, as text (`"2"`, `"invalid_apikey"`); None if the answer has none.

        Where it is a sentence instead, secrets and phone numbers in it are masked.
        """
        self.status = status
        """The HTTP status. It can be 200: the service also returns errors with that status (O)."""
        self.note = note
        """The service's explanation, with secrets and phone numbers masked; None if the answer has none.

        It is not in the exception's text, since the service may repeat what it was sent.
        """


class AuthenticationError(APIError):
    """The service refused the API key, the client credentials or the token."""


class SubscriptionExpired(APIError):
    """The account's subscription is over."""


class DeviceOffline(APIError):
    """The phone that should send the message is not connected."""


class RateLimited(APIError):
    """Too many requests. If the service asked to wait for at most 60 s, the client has already waited and retried."""

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
        """How long the service asks to wait, in seconds; None if it does not say."""


class NotFound(APIError):
    """The service knows no such GUID, or no such URL."""


class ServerError(APIError):
    """The service failed (5xx)."""


class UnexpectedResponse(APIError):
    """The answer is not JSON, not one of the service's envelopes, too large, or a redirect."""


class WebhookError(SMSMobileError):
    """A webhook was refused."""


class SignatureMismatch(WebhookError):
    """The signature is missing or was not made with one of the secrets. Answer 401."""


class TimestampOutOfTolerance(WebhookError):
    """The signature is right, but its timestamp is too old or in the future. Answer 401.

    The request was replayed, or one of the two clocks is wrong.
    """


class MalformedPayload(WebhookError):
    """The body is empty, too large, not JSON, or not an event. Answer 400."""
