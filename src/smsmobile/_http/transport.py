"""All requests to the service: one session, one retry loop, timeouts, no redirects. answer.py reads the bodies.

It knows endpoints. It does not know what a message or a phone number is.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from contextvars import Token
from functools import partial
from time import monotonic, time
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias
from urllib.parse import urlsplit

import requests
from requests.auth import AuthBase
from requests.utils import select_proxy
from urllib3 import BaseHTTPResponse

from .._confidential import Hidden, Unpicklable, without_frames
from .._redaction import mask_secret_bytes, mask_secrets
from .._wire.endpoints import ENDPOINTS, Kind
from ..errors import ConfigurationError, SendOutcomeUnknown, SMSMobileError, UnexpectedResponse
from . import guard
from .addresses import DEFAULT_BASE_URL, check_base_url, without_user
from .answer import TooLarge, read_body, urllib3_response
from .clock import clock_offset
from .deadlines import ForeignTimeout
from .departure import CONNECTING, KEPT, LEFT, READ, Stage, note_refusal, request_of_this_call
from .failures import NETWORK_ERRORS, explain, urllib3_cause
from .guard import NetworkBlocked
from .log_filter import guard_http_logs
from .request import Request, Template, sign
from .retries import NO_RETRIES, RetryPolicy, retry_policy
from .session import close_twin, environment_of, new_session, twin_of

if TYPE_CHECKING:
    from .._wire.envelope import Answer

DEFAULT_TIMEOUT = (5.0, 30.0)
"""Seconds to connect, and for the whole answer."""
DEFAULT_MAX_RETRIES = 3

log = logging.getLogger("smsmobile")

Params: TypeAlias = Mapping[str, str | int]


class Transport(Unpicklable):
    """Calls endpoints of the service over one pooled session. Safe to share among threads."""

    def __init__(
        self,
        base_url: str = DEFAULT_BASE_URL,
        *,
        timeout: tuple[float, float] = DEFAULT_TIMEOUT,
        max_retries: int = DEFAULT_MAX_RETRIES,
        session: requests.Session | None = None,
        paths: Mapping[str, str] | None = None,
    ) -> None:
        self.base_url = check_base_url(base_url)
        self.auth: AuthBase | None = None
        self._timeout = timeout
        self._paths = _check_paths(paths or {})
        self._own_session = session is None
        self._session = new_session() if session is None else twin_of(session)
        self._environment = environment_of(self._session, self.base_url)
        self._policies = {
            (sends, repeat): retry_policy(sends=sends, max_retries=max_retries if repeat else 0)
            for sends in (True, False)
            for repeat in (True, False)
        }
        self._templates: dict[tuple[str, str], Template] = {}
        self._last_answer: tuple[Mapping[str, str], float] = ({}, 0.0)
        """The headers of the last answer, and the Unix time of this machine at which it came."""
        guard_http_logs()

    @without_frames
    def call(
        self,
        name: str,
        params: Params,
        *,
        secret: Mapping[str, Hidden] | None = None,
        repeat: bool = True,
        signed: bool = True,
        url: str | None = None,
    ) -> Answer:
        """Call an endpoint of `ENDPOINTS`, and return its answer if that is not an error.

        The `secret` parameters are masked in all texts and answers, like the credentials. Callers that have their own
        retry loop pass `repeat=False`. A request for a token has no authentication (`signed=False`), and can have
        another `url` than the endpoint's.

        Raises ConfigurationError, ConnectionFailed, ResponseTimeout or an APIError; SendOutcomeUnknown only for an
        endpoint that sends. An exception from outside, such as a task queue's time limit, becomes SendOutcomeUnknown if
        a message may have left, and passes as it is otherwise.
        """
        # Loaded with the first call, so that a program that builds a client starts faster.
        from .._wire.outcome import judge
        from .._wire.refusals import Reply

        method, path, kind = ENDPOINTS[name]
        template = self._template(method, url or self.base_url + self._paths.get(name, path))
        hidden = {key: value.get_secret_value() for key, value in (secret or {}).items()}
        request = template.fill({**params, **hidden}, repeat=repeat)
        unsigned_url, unsigned_body = request.url or "", request.body
        sign(request, self.auth if signed else None)

        def secrets_of(response: requests.Response) -> tuple[str, ...]:
            # Without a signature the credentials are the parameters themselves: a request for a token. The response's
            # request, not ours: after a 401 it is the one that was signed anew.
            if not signed:
                return tuple(map(str, params.values()))
            return (*template.secrets_in(response.request, unsigned_url, unsigned_body), *hidden.values())

        request.register_hook("response", partial(_refuse_redirect, secrets_of))
        token = request_of_this_call.set(request)
        try:
            started = monotonic()
            response, body = self._exchange(kind, request, template.host, repeat=repeat)
            self._last_answer = response.headers, time()
            log.debug("%s %s answered %s in %.3f s", method, path, response.status_code, monotonic() - started)
            request.stage = READ  # from here on, errors of ours say what happened to it
            secrets = secrets_of(response)
            reply = Reply(response.status_code, retry_after=_retry_after(response), secrets=secrets)
            # The answer to a request for a token is not masked: a token may well begin with the client id.
            return judge(kind, reply, mask_secret_bytes(body, secrets) if signed else body)
        except Exception as error:  # noqa: BLE001 - raised again, or chained
            if kind.sends:
                failure = _unless_it_left(request.stage, error)
            else:  # within another call, of which this fetches the token, urllib3 still has to let it pass
                failure = error if token.old_value not in (None, Token.MISSING) else _original(error)
            raise failure from failure.__cause__
        finally:
            request_of_this_call.reset(token)

    def clock_offset(self) -> float | None:
        """Seconds that the service's clock is ahead of this machine's, by the last answer; None if it did not say."""
        return clock_offset(*self._last_answer)

    def close(self) -> None:
        """Close the pooled connections. A session that the caller brought stays open."""
        if self._own_session:
            self._session.close()
        else:
            close_twin(self._session)

    def _template(self, method: str, url: str) -> Template:
        template = self._templates.get((method, url))
        if template is None:
            template = self._templates[method, url] = Template(self._session, method, url)
        return template

    def _exchange(self, kind: Kind, request: Request, host: str, *, repeat: bool) -> tuple[requests.Response, bytes]:
        """The retry loop: send, read, and try again as the policy says."""
        policy = self._policies[kind.sends, repeat]
        while True:
            result = self._try(kind, request, host, policy)
            if not isinstance(result, _Again):
                return result
            request.stage = KEPT
            log.info("%s to %s: %s Trying again", request.method, host, result.reason)
            policy = result.policy
            policy.sleep(result.response)

    def _try(
        self, kind: Kind, request: Request, host: str, policy: RetryPolicy
    ) -> tuple[requests.Response, bytes] | _Again:
        """Make one request. Returns the answer, or what the next try needs; raises if there is no next try."""
        response: requests.Response | None = None
        try:
            response = self._send(request)
            answer = urllib3_response(response)
            if again := policy.after_answer(answer):
                return _Again(again, f"HTTP {response.status_code}.", answer)
            return response, read_body(response)
        except SMSMobileError:  # of a hook, or of the authentication: a StorageError is an OSError as well
            raise
        except NETWORK_ERRORS as error:
            # What requests and urllib3 raise holds the whole address. It must not be chained to ours, not even
            # as __context__, so ours is raised only after this block has let go of it.
            # Nobody waits for an answer before the request has left: interceptors need no body to simulate it.
            is_late = isinstance(error, requests.ReadTimeout) and request.answer is None
            stage = LEFT if is_late else request.stage
            failure = explain(error, self._route(request, host), sends=kind.sends, stage=stage)
            in_doubt = isinstance(failure, SendOutcomeUnknown)  # though a hook may have failed to connect elsewhere
            again = None if in_doubt else policy.after_failure(urllib3_cause(error))
        except TooLarge as error:
            failure = SendOutcomeUnknown(str(error)) if kind.sends else UnexpectedResponse(str(error))
            again = None
        finally:
            got, request.answer = request.answer if response is None else response, None
            if got is not None and got.raw is not None:
                got.close()
        if again is None:
            raise failure
        return _Again(again, str(failure))

    def _send(self, request: Request) -> requests.Response:
        if guard.is_on:
            guard.watch_lookups()
        try:
            return self._session.send(request, timeout=self._timeout, allow_redirects=False, **self._environment)
        except requests.HTTPError as error:
            answer = error.response
            if answer is not None and answer.request is request:  # a hook of the session called raise_for_status()
                return answer
            raise

    def _route(self, request: Request, host: str) -> str:
        """Where a request goes, for an error text: the host, and the proxy without its password."""
        proxy = select_proxy(request.url or "", self._environment["proxies"])
        return f"{host} through the proxy {without_user(proxy)}" if proxy else host


class _Again(NamedTuple):
    """What the next try needs."""

    policy: RetryPolicy
    reason: str
    response: BaseHTTPResponse | None = None


def _original(error: Exception) -> Exception:
    return error.error if isinstance(error, ForeignTimeout) else error


def _unless_it_left(stage: Stage, error: Exception) -> Exception:
    """What to raise for an exception in a call that sends: SendOutcomeUnknown if the message may have been accepted."""
    error = _original(error)
    is_ours = isinstance(error, SMSMobileError | NetworkBlocked)
    is_settled = stage is not LEFT or isinstance(error, SendOutcomeUnknown)
    if (is_ours and is_settled) or stage in (KEPT, CONNECTING):
        return error
    doubt = SendOutcomeUnknown(f"{type(error).__name__} was raised before the answer was there.")
    doubt.__cause__ = error
    return doubt


def _retry_after(response: requests.Response) -> float | None:
    return NO_RETRIES.get_retry_after(urllib3_response(response)) if response.status_code == 429 else None


def _refuse_redirect(
    secrets_of: Callable[[requests.Response], tuple[str, ...]], response: requests.Response, **_: Any
) -> None:
    if response.is_redirect:
        note_refusal()
        response.close()
        try:
            target = urlsplit(response.headers["location"])
            where = f"{target.scheme and target.scheme + '://'}{target.netloc.rpartition('@')[2]}{target.path}"
        except ValueError:
            where = "an address that cannot be read"
        raise UnexpectedResponse(
            f"The service redirected to {mask_secrets(where, secrets_of(response))}. Redirects are not followed, since "
            "they would carry the credentials along or lose the message; nothing was done. Check base_url and paths "
            "(the service's paths end in '/').",
            code="redirect",
            status=response.status_code,
        )


def _check_paths(paths: Mapping[str, Any]) -> dict[str, str]:
    if not isinstance(paths, Mapping):
        raise ConfigurationError(f"paths is of type {type(paths).__name__}; expected a dict of names and paths.")
    for name, path in paths.items():
        if name not in ENDPOINTS:
            raise ConfigurationError(f"paths has {name!r}; expected names among {', '.join(sorted(ENDPOINTS))}.")
        if not isinstance(path, str) or not path.startswith("/") or path.startswith("//") or "?" in path:
            raise ConfigurationError(f"paths[{name!r}] must begin with one '/' and have no query: '/deletesms/'.")
    return dict(paths)
