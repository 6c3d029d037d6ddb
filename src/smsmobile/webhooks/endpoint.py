"""The webhook endpoint beneath all frameworks: the only place that decides how a delivery is answered.

receiver.py verifies and parses, stores.py remembers, _handlers.py has the handlers. A framework's view passes a request
on and returns the answer.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import tzinfo
from typing import ClassVar, NamedTuple

from pydantic import SecretStr

from .._confidential import Unpicklable, safe_repr, without_frames
from .._wire.values import UTC
from ..errors import ConfigurationError, MalformedPayload, SignatureMismatch, WebhookError
from ._handlers import EventHandlers, described
from ._url_tokens import URLToken
from .events import MAX_BODY_BYTES, AnyEvent, SMSReceived, WebhookEvent
from .receiver import WebhookReceiver
from .signatures import SIGNATURE_HEADER, TIMESTAMP_HEADER, Headers, find_headers, raw_bytes
from .stores import Claim, EventStore
from .v1 import read_v1

__all__ = ["WebhookAnswer", "WebhookEndpoint"]


def __dir__() -> list[str]:
    return __all__


log = logging.getLogger("smsmobile")

RETRY_AFTER = 10
"""Seconds that a sender is asked to wait before it delivers a busy event again."""


class WebhookAnswer(NamedTuple):
    """What a view returns for a delivery. It unpacks as `status, text`."""

    status: int
    """The HTTP status."""
    text: str
    """A few words for a person who reads the log of the service. They say nothing of the request."""

    @property
    def headers(self) -> dict[str, str]:
        """The headers that belong to the answer: its type, `Retry-After` with 503 and `Allow` with 405."""
        return {"Content-Type": "text/plain; charset=utf-8", **_MORE_HEADERS.get(self.status, {})}


_MORE_HEADERS = {405: {"Allow": "POST"}, 503: {"Retry-After": str(RETRY_AFTER)}}

_HANDLED = WebhookAnswer(202, "handled")
_DUPLICATE = WebhookAnswer(200, "duplicate: this event is handled already")
_NO_EVENT = WebhookAnswer(400, "the body is not an event")
_NOT_PROVEN = WebhookAnswer(401, "the signature or the token in the URL is missing, wrong or too old")
_NOT_POST = WebhookAnswer(405, "only POST is allowed")
_TOO_LARGE = WebhookAnswer(413, f"the body is larger than {MAX_BODY_BYTES} bytes")
_FAILED = WebhookAnswer(500, "the event could not be handled: deliver it again")
_BUSY = WebhookAnswer(503, "this event is being handled: deliver it again later")
_NO_STORE = WebhookAnswer(503, "the event cannot be stored now: deliver it again later")


class WebhookEndpoint(EventHandlers, Unpicklable):
    """Handles each event once, and answers each delivery as the service expects.

        endpoint = WebhookEndpoint(receiver, SQLiteEventStore("events.sqlite"))

        @endpoint.on(SMSReceived)
        def reply(event: SMSReceived) -> None:
            ...

        answer = endpoint.answer(request.method, request.get_data(), request.headers)      # in the view of a framework

    A new event goes to its handlers, and is acknowledged with 202 when they have finished. If one of them raises, the
    answer is 500 and the next delivery of the event is handled again. A delivery that comes meanwhile is answered 503,
    a later one 200. An event without a handler is acknowledged.

    Events are told apart by their `id`, but `sms.received` by the message's GUID, where it has one. Unsigned events are
    told apart from each other only: they never make a signed one a duplicate.

    Threads can share an endpoint. It cannot be pickled or copied.
    """

    _instead: ClassVar[str] = "share it among threads, and make one in each process"

    @without_frames
    def __init__(
        self,
        receiver: WebhookReceiver | None,
        store: EventStore,
        handler: Callable[[AnyEvent], object] | None = None,
        *,
        url_token: str | SecretStr | None = None,
        timezone: tzinfo = UTC,
    ) -> None:
        """Make an endpoint.

        receiver: verifies and parses signed events. None if there are only version 1 webhooks.
        store: remembers what was handled.
        handler: is called with every event, before those of `on`.
        url_token: also accept version 1 webhooks, for which the view passes this secret of its URL to `answer`. At
            least 20 letters, digits and `-._~`; `new_url_token()` makes one. Unsigned requests without it are refused,
            also if the receiver allows them.
        timezone: the zone of version 1 webhooks, whose times have no offset. The service does not document it, and UTC
            is assumed (A).

        Raises ConfigurationError for anything that cannot be used.
        """
        if receiver is not None and not callable(getattr(receiver, "receive", None)):
            raise ConfigurationError(f"receiver is of type {type(receiver).__name__}; expected a WebhookReceiver.")
        if receiver is None and url_token is None:
            raise ConfigurationError(
                "A WebhookEndpoint needs a WebhookReceiver, for signed events, or url_token=… for version 1 webhooks."
            )
        if isinstance(store, type) or not isinstance(store, EventStore):
            raise ConfigurationError(
                f"store is {described(store)}; expected an EventStore, with the methods claim, done and release."
            )
        if not isinstance(timezone, tzinfo):
            raise ConfigurationError(
                f"timezone is of type {type(timezone).__name__}; expected a tzinfo such as ZoneInfo('Europe/Paris')."
            )
        self._receiver = receiver
        self._store = store
        self._url_token = None if url_token is None else URLToken(url_token)
        self._timezone = timezone
        super().__init__()
        if handler is not None:
            self._register((WebhookEvent,), handler)

    def answer(
        self,
        method: str,
        body: bytes | bytearray | memoryview,
        headers: Headers,
        *,
        url_token: str | None = None,
    ) -> WebhookAnswer:
        """Handle one delivery, and say how to answer it. What this returns is all that a view needs.

        method: of the request, `POST`.
        body: the raw bytes of the request.
        headers: as for `WebhookReceiver.receive`.
        url_token: what the URL of the request has in the place of the token. Signed events do not need it.

        | status | when |
        | --- | --- |
        | 202 | the event was handled now |
        | 200 | it was handled before |
        | 400 | the body is not an event |
        | 401 | the signature or the token is missing or wrong, or the request is too old |
        | 405 | the method is not POST |
        | 413 | the body is larger than 1 MiB |
        | 500 | a handler failed, or the store did when the handlers had finished: a later delivery is handled again |
        | 503 | the event is being handled, or the store cannot be used |

        What failed is logged by the logger `smsmobile`.

        Raises TypeError for arguments of another type. An exception that is no Exception, such as SystemExit when a
        server ends a worker, releases the event and is raised again.
        """
        if not isinstance(url_token, str | None):
            raise TypeError(f"url_token is text of the URL of the request, not {type(url_token).__name__}.")
        has_token = self._url_token is not None and self._url_token.equals(url_token)
        del url_token  # this frame is in the traceback of whatever fails below
        if not isinstance(method, str):
            raise TypeError(f"method is the method of the request as text, not {type(method).__name__}.")
        if method != "POST":
            return _NOT_POST
        if len(raw := raw_bytes(body)) > MAX_BODY_BYTES:
            return _TOO_LARGE
        try:
            event = self._read(raw, headers, has_token=has_token)
        except MalformedPayload as error:
            return _refused(_NO_EVENT, error)
        except WebhookError as error:
            return _refused(_NOT_PROVEN, error)
        del headers  # they can be a WSGI environ, which has the URL
        return self._handle_once(event, identity(event, is_trusted=event.signed))

    def handle(self, event: AnyEvent) -> WebhookAnswer:
        """Handle an event that did not come in a request, such as one of an `Inbox`: once, as `answer` does.

        event: you vouch for it. An SMS with the same GUID that came in a signed request is the same event.

        Returns 202, 200, 500 or 503, with the meaning that they have in `answer`. After 500 and 503, hand it over again
        later. Raises what `answer` raises.
        """
        if not isinstance(event, WebhookEvent):
            raise TypeError(f"event is an event of smsmobile.webhooks, not {described(event)}.")
        return self._handle_once(event, identity(event, is_trusted=True))

    def _read(self, body: bytes, headers: Headers, *, has_token: bool) -> AnyEvent:
        is_signed = bool(find_headers(headers).keys() - {TIMESTAMP_HEADER})
        if self._receiver is not None and (is_signed or self._url_token is None):
            return self._receiver.receive(body, headers)
        if is_signed:
            raise SignatureMismatch("This endpoint has no receiver, which could verify a signature.")
        if not has_token:
            raise SignatureMismatch(
                f"The header {SIGNATURE_HEADER} is missing, and the URL does not have the token that version 1 "
                "webhooks need. Is it passed as answer(…, url_token=…)?"
            )
        return read_v1(body, self._timezone)

    def _handle_once(self, event: AnyEvent, key: str) -> WebhookAnswer:
        try:
            claim = Claim(self._store.claim(key))
        except Exception:
            log.exception("The event store cannot be used. The delivery is answered 503.")
            return _NO_STORE
        if claim is not Claim.NEW:
            return _DUPLICATE if claim is Claim.DONE else _BUSY

        failure = "A handler of %s failed. The event is handled again when it is delivered again."
        try:
            self._call_handlers(event)
            failure = "%s was handled, which could not be stored. It is handled again when it is delivered again."
            self._store.done(key)
        except Exception:
            log.exception(failure, type(event).__name__)
            self._release(key)
            return _FAILED
        except BaseException:  # the worker is being stopped
            self._release(key)
            raise
        return _HANDLED

    def _release(self, key: str) -> None:
        try:
            self._store.release(key)
        except Exception:
            log.exception("An event could not be released. It can be handled again when its lease is over.")

    @safe_repr
    def __repr__(self) -> str:
        token = "" if self._url_token is None else ", with a token in the URL"
        return f"<WebhookEndpoint: {type(self._store).__name__}, {len(self._handlers)} handler(s){token}>"


def identity(event: AnyEvent, *, is_trusted: bool) -> str:
    """What makes two deliveries one event."""
    # Ids and GUIDs can be any texts: each kind has a beginning of its own, so that none of one kind is equal to one of
    # another, nor to what a store makes of a long text.
    key = f"event:{event.id}"
    if isinstance(event, SMSReceived) and event.data.guid:  # the service may tell of one message under several ids
        key = f"sms:{event.data.guid}"
    # Anybody may be able to write an unsigned event, so it must not take the name of a signed one.
    return key if is_trusted else f"unsigned:{key}"


def _refused(answer: WebhookAnswer, error: WebhookError) -> WebhookAnswer:
    log.warning("A webhook delivery is answered %s. %s", answer.status, error)
    return answer
