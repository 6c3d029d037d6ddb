"""All requests to the service: one session, one retry loop, timeouts, a limit of size, no redirects.

It knows endpoints. It does not know what a message or a phone number is.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from functools import partial
from time import monotonic
from typing import Any, NamedTuple, TypeAlias
from urllib.parse import urlsplit

import requests
from pydantic import SecretStr
from requests.auth import AuthBase
from urllib3 import BaseHTTPResponse
from urllib3.exceptions import DecodeError, ProtocolError

from .._redaction import mask_secret_bytes, mask_secrets
from .._wire.endpoints import ENDPOINTS, Kind
from .._wire.envelope import Answer
from .._wire.outcome import judge
from .._wire.refusals import Reply
from ..errors import ConfigurationError, SendOutcomeUnknown, SMSMobileError, UnexpectedResponse
from .addresses import DEFAULT_BASE_URL, check_base_url
from .failures import NETWORK_ERRORS, explain, urllib3_cause
from .log_filter import guard_http_logs, quiet_http_logs
from .request import Request, Template, sign
from .retries import NO_RETRIES, RetryPolicy, retry_policy
from .session import environment_of, new_session, without_retries

DEFAULT_TIMEOUT = (5.0, 30.0)
"""Seconds to connect, and for the whole answer."""
DEFAULT_MAX_RETRIES = 3
LARGEST_ANSWER = 32 * 1024 * 1024
"""Bytes, after decompression."""

_PIECE = 64 * 1024

log = logging.getLogger("smsmobile")

Params: TypeAlias = Mapping[str, str | int]


class _TooLarge(Exception):
    """More than LARGEST_ANSWER. Never leaves this module."""


class Transport:
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
        self._session = new_session() if session is None else without_retries(session)
        self._environment = environment_of(self._session, self.base_url)
        self._policies = {
            (sends, repeat): retry_policy(sends=sends, max_retries=max_retries if repeat else 0)
            for sends in (True, False)
            for repeat in (True, False)
        }
        self._templates: dict[tuple[str, str], Template] = {}
        self._process = os.getpid()
        guard_http_logs()

    def call(
        self,
        name: str,
        params: Params,
        *,
        secret: Mapping[str, SecretStr] | None = None,
        repeat: bool = True,
        signed: bool = True,
        url: str | None = None,
    ) -> Answer:
        """Call an endpoint of `ENDPOINTS`, and return its answer if that is not an error.

        The `secret` parameters are masked in all texts and answers, like the credentials. Callers that have their own
        retry loop pass `repeat=False`. A request for a token has no authentication (`signed=False`), and can have
        another `url` than the endpoint's.

        Raises ConfigurationError, ConnectionFailed, ResponseTimeout or an APIError; SendOutcomeUnknown only for an
        endpoint that sends.
        """
        try:
            return self._call(name, params, secret or {}, repeat=repeat, signed=signed, url=url)
        except (SMSMobileError, KeyboardInterrupt, SystemExit) as error:
            # Drop the frames below this one: their variables hold credentials, and error reporters show them.
            failure = error.with_traceback(None)
            failure.__context__ = None
        params = {}  # a request for a token has the client secret in it
        raise failure

    def close(self) -> None:
        """Close the pooled connections. A session that the caller brought stays open."""
        if self._own_session:
            self._session.close()

    def _call(
        self,
        name: str,
        params: Params,
        secret: Mapping[str, SecretStr],
        *,
        repeat: bool,
        signed: bool,
        url: str | None,
    ) -> Answer:
        method, path, kind = ENDPOINTS[name]
        template = self._template(method, url or self.base_url + self._paths.get(name, path))
        hidden = {key: value.get_secret_value() for key, value in secret.items()}
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
        started = monotonic()
        with quiet_http_logs():
            response, body = self._exchange(kind, request, template.host, repeat=repeat)
        log.debug("%s %s answered %s in %.3f s", method, path, response.status_code, monotonic() - started)
        secrets = secrets_of(response)
        reply = Reply(
            response.status_code,
            retry_after=_retry_after(response),
            secrets=secrets,
            personal=tuple(params.values()),
        )
        # The answer to a request for a token is not masked: a token may well begin with the client id.
        return judge(kind, reply, mask_secret_bytes(body, secrets) if signed else body)

    def _template(self, method: str, url: str) -> Template:
        template = self._templates.get((method, url))
        if template is None:
            template = self._templates[method, url] = Template(self._session, method, url)
        return template

    def _exchange(self, kind: Kind, request: Request, host: str, *, repeat: bool) -> tuple[requests.Response, bytes]:
        """The retry loop: send, read, and try again as the policy says."""
        self._forget_parents_connections()
        policy = self._policies[kind.sends, repeat]
        while True:
            result = self._try(kind, request, host, policy)
            if not isinstance(result, _Again):
                return result
            log.info("%s to %s: %s Trying again", request.method, host, result.reason)
            policy = result.policy
            policy.sleep(result.response)

    def _try(
        self, kind: Kind, request: Request, host: str, policy: RetryPolicy
    ) -> tuple[requests.Response, bytes] | _Again:
        """Make one request. Returns the answer, or what the next try needs; raises if there is no next try."""
        response: requests.Response | None = None
        answer: BaseHTTPResponse | None = None
        try:
            response = self._session.send(request, timeout=self._timeout, allow_redirects=False, **self._environment)
            if again := policy.after_answer(response.raw):
                return _Again(again, f"HTTP {response.status_code}.", response.raw)
            return response, _read(response)
        except NETWORK_ERRORS as error:
            # What requests and urllib3 raise holds the whole address. It must not be chained to ours, not even
            # as __context__, so ours is raised only after this block has let go of it.
            failure = explain(error, host, sends=kind.sends)
            again = policy.after_failure(urllib3_cause(error))
            judged = error.response if isinstance(error, requests.HTTPError) else None
            if judged is not None and judged.request is request:  # a hook of the session called raise_for_status()
                response, again, answer = judged, policy.after_answer(judged.raw), judged.raw
        except _TooLarge:
            text = f"The answer is larger than {LARGEST_ANSWER // 1024**2} MiB."
            failure, again = SendOutcomeUnknown(text) if kind.sends else UnexpectedResponse(text), None
        finally:
            if response is not None:
                response.close()
        if again is None:
            raise failure
        return _Again(again, str(failure), answer)

    def _forget_parents_connections(self) -> None:
        """After a fork, close the parent's connections, over which it would get our answers."""
        if os.getpid() != self._process:
            for adapter in self._session.adapters.values():
                adapter.close()
            self._process = os.getpid()  # last: until then, other threads must not send on them


class _Again(NamedTuple):
    """What the next try needs."""

    policy: RetryPolicy
    reason: str
    response: BaseHTTPResponse | None = None


def _retry_after(response: requests.Response) -> float | None:
    return NO_RETRIES.get_retry_after(response.raw) if response.status_code == 429 else None


def _read(response: requests.Response) -> bytes:
    if "," in response.headers.get("Content-Encoding", ""):
        # Nested, two kilobytes can become gigabytes in one step, and older versions of urllib3 do take that step.
        raise DecodeError("more than one Content-Encoding")
    if "Content-Encoding" not in response.headers and 0 < (response.raw.length_remaining or 0) <= LARGEST_ANSWER:
        body: bytes = response.raw.read(decode_content=False)  # in one step
        if response.raw.length_remaining:
            raise ProtocolError("the answer was cut short")
        return body
    pieces: list[bytes] = []
    size = 0
    try:
        while piece := response.raw.read(_PIECE, decode_content=True):
            size += len(piece)
            if size > LARGEST_ANSWER:
                raise _TooLarge
            pieces.append(piece)
    except ValueError as error:  # what http.client makes of a chunk of negative length
        raise ProtocolError("the answer cannot be read") from error
    return b"".join(pieces)


def _refuse_redirect(
    secrets_of: Callable[[requests.Response], tuple[str, ...]], response: requests.Response, **_: Any
) -> None:
    if response.is_redirect:
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
    for name, path in paths.items():
        if name not in ENDPOINTS:
            raise ConfigurationError(f"paths has {name!r}; expected names among {', '.join(sorted(ENDPOINTS))}.")
        if not isinstance(path, str) or not path.startswith("/") or path.startswith("//") or "?" in path:
            raise ConfigurationError(f"paths[{name!r}] must begin with one '/' and have no query: '/deletesms/'.")
    return dict(paths)
