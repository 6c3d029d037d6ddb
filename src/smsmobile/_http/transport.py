"""The only door to the network: one session, timeouts, a size cap, no redirects, and what a failure means.

It knows addresses, policies and envelopes; what a message or a phone number is, it does not.
"""

from __future__ import annotations

import logging
import os
import platform
from collections.abc import Callable, Mapping
from functools import partial
from http.client import HTTPException
from ssl import SSLCertVerificationError
from time import monotonic
from typing import Any, TypeVar
from urllib.parse import urlencode, urlsplit

import requests
from pydantic import SecretStr
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase
from urllib3.exceptions import (
    ConnectTimeoutError,
    DecodeError,
    HTTPError,
    LocationValueError,
    MaxRetryError,
    ReadTimeoutError,
)
from urllib3.util import parse_url
from urllib3.util.retry import Retry

from .._redaction import Unsigned, guard_http_logs, mask_secret_bytes, mask_secrets, quiet_http_logs
from .._version import __version__
from .._wire.endpoints import ENDPOINTS, Policy
from .._wire.envelope import Answer, Unreadable, error_for, read_answer
from ..errors import (
    APIError,
    ConfigurationError,
    ConnectionFailed,
    ResponseTimeout,
    SendOutcomeUnknown,
    ServerError,
    SMSMobileError,
    UnexpectedResponse,
)
from .addresses import DEFAULT_BASE_URL, check_base_url, is_loopback
from .deadlines import DeadlineAdapter
from .retries import may_repeat, retry_for

DEFAULT_TIMEOUT = (5.0, 30.0)
DEFAULT_MAX_RETRIES = 3
LARGEST_ANSWER = 32 * 1024 * 1024
"""Bytes, after decompression."""

_PIECE = 64 * 1024
_POOLED_CONNECTIONS = 32
_NETWORK_ERRORS = (requests.RequestException, HTTPError, HTTPException, OSError)
# Not ProxyError, though its text says that the proxy could not be reached: urllib3 also raises it for a connection
# through a proxy that is reset after the request left. Nor InvalidHeader, which may be about the answer's headers.
_NEVER_LEFT = (
    ConnectTimeoutError,  # NewConnectionError and name resolution are kinds of it
    LocationValueError,
    SSLCertVerificationError,
    requests.ConnectTimeout,
    requests.exceptions.InvalidURL,
    requests.exceptions.InvalidSchema,
)
_TIMEOUTS = (ReadTimeoutError, requests.ReadTimeout, TimeoutError)

log = logging.getLogger("smsmobile")


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
        self._session = _new_session() if session is None else session
        self._sessions = {
            (policy, repeats): _with_retries(self._session, policy, max_retries if repeats else 0)
            for policy in Policy
            for repeats in (True, False)
        }
        self._retries = {repeats: retry_for(Policy.READ, max_retries if repeats else 0) for repeats in (True, False)}
        self._environment = _environment_of(self._session, self.base_url)
        self._templates: dict[tuple[str, str], requests.PreparedRequest] = {}
        self._process = os.getpid()
        guard_http_logs()

    def call(
        self,
        name: str,
        params: Mapping[str, str | int],
        *,
        url: str | None = None,
        signed: bool = True,
        about_one: bool = False,
        error_may_mean_empty: bool = False,
        secret: Mapping[str, SecretStr] | None = None,
    ) -> Answer:
        """Call an endpoint of endpoints.py and read its answer.

        `url` replaces the endpoint's address; `signed=False` leaves the authentication out. Whether the answer is
        `about_one` thing or lists rows is told here; every send's is about one. Where `error_may_mean_empty`, a word
        that is no error of the contract means "nothing found". The `secret` parameters are kept out of every text and
        every answer, as the authentication's are.

        Raises what errors.py lists. SendOutcomeUnknown comes only from endpoints whose policy is SEND.
        """
        try:
            return self._call(
                name,
                params,
                secret or {},
                url=url,
                signed=signed,
                about_one=about_one,
                may_be_empty=error_may_mean_empty,
            )
        except (SMSMobileError, KeyboardInterrupt, SystemExit) as error:
            # Without the frames below this one: credentials stand in their variables, which error reporters print.
            failure = error.with_traceback(None)
            failure.__context__ = None
        params = {}  # a request for a token has the client secret in it
        raise failure

    def _call(
        self,
        name: str,
        params: Mapping[str, str | int],
        secret: Mapping[str, SecretStr],
        *,
        url: str | None,
        signed: bool,
        about_one: bool,
        may_be_empty: bool,
    ) -> Answer:
        method, path, policy = ENDPOINTS[name]
        hidden = {key: value.get_secret_value() for key, value in secret.items()}
        prepared = self._prepare(method, url or self.base_url + self._paths.get(name, path), {**params, **hidden})
        unsigned = Unsigned(prepared)
        if signed and self.auth is not None:
            prepared.prepare_auth(self.auth)
            _check_headers(prepared)

        def secrets_of(response: requests.Response) -> list[str]:
            # Without a signature the credentials are the parameters themselves: a request for a token. The response's
            # request, not ours: after a 401 it is the one that was signed anew.
            credentials = unsigned.secrets_of(response.request) if signed else map(str, params.values())
            return [*credentials, *hidden.values()]

        prepared.register_hook("response", partial(_refuse_redirect, secrets_of))
        started = monotonic()
        with quiet_http_logs():
            response, body = self._exchange(policy, prepared)
        log.debug("%s %s answered %s in %.3f s", method, path, response.status_code, monotonic() - started)
        secrets = secrets_of(response)
        return _judge(
            policy,
            response.status_code,
            mask_secret_bytes(body, secrets) if signed else body,  # a token may well begin with the client id
            about_one or policy is Policy.SEND,
            may_be_empty,
            retry_after=_retry_after_of(response),
            secrets=secrets,
            personal=[str(value).removeprefix("+") for value in params.values()],
        )

    def close(self) -> None:
        """Close the pooled connections. A session that the caller brought stays open."""
        if self._own_session:
            self._session.close()

    def _prepare(self, method: str, url: str, params: Mapping[str, str | int]) -> requests.PreparedRequest:
        # requests parses the address and merges headers and cookies anew for each request; once is enough.
        template = self._templates.get((method, url))
        if template is None:
            template = requests.PreparedRequest()
            session = self._session
            template.prepare(method, url, headers=session.headers, cookies=session.cookies, hooks=session.hooks)
            self._templates[method, url] = template
        prepared = template.copy()
        prepared.hooks = {event: list(hooks) for event, hooks in template.hooks.items()}  # copy() shares them
        encoded = urlencode(params)
        if method == "GET":
            prepared.url = f"{template.url}?{encoded}" if encoded else template.url
        else:
            prepared.body = encoded
            prepared.headers["Content-Type"] = "application/x-www-form-urlencoded"
            prepared.headers["Content-Length"] = str(len(encoded))
        return prepared

    def _exchange(self, policy: Policy, prepared: requests.PreparedRequest) -> tuple[requests.Response, bytes]:
        if os.getpid() != self._process:  # forked: the sockets belong to the parent, who would get our answers
            self._process = os.getpid()
            for adapter in self._session.adapters.values():
                adapter.close()
        repeats = may_repeat()
        session, retries = self._sessions[policy, repeats], self._retries[repeats]
        while True:
            response: requests.Response | None = None
            try:
                response = session.send(prepared, timeout=self._timeout, allow_redirects=False, **self._environment)
                return response, _read(response)
            except _NETWORK_ERRORS as error:
                # What requests and urllib3 raise holds the whole address. It must not be chained to ours, not even
                # as __context__, so ours is raised only after this block has let go of it.
                failure = _explain(error, policy, prepared)
                retries = getattr(getattr(response, "raw", None), "retries", None) or retries  # less what it has used
                again = response is not None and policy is Policy.READ and _try_again(retries, prepared, error)
            except _TooLarge:
                failure = _doubt_or(
                    policy, UnexpectedResponse, f"The answer is larger than {LARGEST_ANSWER // 1024**2} MiB."
                )
                again = None
            finally:
                if response is not None:
                    response.close()
            if not again:
                raise failure
            retries = again
            session = _with_retries(self._session, policy, int(retries.total or 0))
            retries.sleep()


def _judge(
    policy: Policy, status: int, body: bytes, about_one: bool, error_may_mean_empty: bool, **details: Any
) -> Answer:
    """An answer that says yes, or the exception that says what it is instead."""
    answer: Answer | None
    try:
        answer = read_answer(body, about_one=about_one)
    except Unreadable:
        answer = None
    if policy is Policy.SEND and status >= 500:
        raise SendOutcomeUnknown(f"The service failed with HTTP {status} after it had the request.")
    if status >= 400:
        if policy is Policy.SEND and answer is not None and answer.accepted:
            raise SendOutcomeUnknown(f"The service answered HTTP {status} and that the message was accepted.")
        raise error_for(status, answer, **details)
    if answer is None:
        start = body.lstrip()[:1]
        what = "empty" if not start else "none of the service's envelopes" if start in b"{[" else "not JSON"
        raise _doubt_or(policy, UnexpectedResponse, f"The service's answer is {what} (HTTP {status}).", status)
    if answer.code is None or (error_may_mean_empty and answer.may_mean_empty):
        return answer
    refusal = error_for(status, answer, **details)
    if policy is Policy.SEND and isinstance(refusal, ServerError):
        raise SendOutcomeUnknown(f"The service failed with {refusal.code} after it had the request.")
    if policy is Policy.SEND and answer.accepted:
        raise SendOutcomeUnknown("The service's answer says both that it accepted the message and that it did not.")
    raise refusal


FailureType = TypeVar("FailureType", bound=SMSMobileError)


def _doubt_or(
    policy: Policy, kind: type[FailureType], text: str, status: int | None = None
) -> FailureType | SendOutcomeUnknown:
    if policy is Policy.SEND:
        return SendOutcomeUnknown(text)
    return kind(text, status=status) if issubclass(kind, APIError) else kind(text)


def _explain(error: Exception, policy: Policy, prepared: requests.PreparedRequest) -> SMSMobileError:
    """Our exception for theirs: did the request leave, and what is at the bottom of it, in one line."""
    chain = _chain(error)
    host = urlsplit(prepared.url or "").netloc
    reason = next((str(link) for link in reversed(chain) if _is_plain(link)), "")
    because = f": {reason}" if reason else f" ({type(chain[-1]).__name__})"
    if any(isinstance(link, _NEVER_LEFT) for link in chain):
        return ConnectionFailed(f"Could not reach {host}{because}. Nothing was sent.")
    if any(isinstance(link, _TIMEOUTS) for link in chain):
        return _doubt_or(policy, ResponseTimeout, f"{host} did not answer in full within the timeout.")
    return _doubt_or(policy, ConnectionFailed, f"The connection to {host} broke before the answer was there{because}.")


def _is_plain(link: BaseException) -> bool:
    """Whether the text of this error is the system's own, with no address in it."""
    return isinstance(link, OSError) and not isinstance(link, (requests.RequestException, HTTPError))


def _chain(error: BaseException) -> list[BaseException]:
    """The error and everything it was made of, outermost first."""
    chain: list[BaseException] = []
    rest = [error]
    while rest and len(chain) < 20:
        link = rest.pop(0)
        if not any(link is seen for seen in chain):
            chain.append(link)
            parts = [getattr(link, "reason", None), getattr(link, "original_error", None), link.__cause__]
            # Not __context__: what was tried before this attempt says nothing about this attempt.
            rest += [part for part in (*parts, *link.args) if isinstance(part, BaseException)]
    return chain


def _try_again(retries: Retry, prepared: requests.PreparedRequest, error: Exception) -> Retry | None:
    """urllib3 repeats what fails before the headers; this counts what fails while the body is read."""
    try:
        return retries.increment(prepared.method, urlsplit(prepared.url or "").path, error=error)
    except MaxRetryError:
        return None


def _read(response: requests.Response) -> bytes:
    if "," in response.headers.get("Content-Encoding", ""):
        # Nested, two kilobytes can become gigabytes in one step, and older versions of urllib3 do take that step.
        raise DecodeError("more than one Content-Encoding")
    pieces: list[bytes] = []
    size = 0
    while piece := response.raw.read(_PIECE, decode_content=True):
        size += len(piece)
        if size > LARGEST_ANSWER:
            raise _TooLarge
        pieces.append(piece)
    return b"".join(pieces)


def _retry_after_of(response: requests.Response) -> float | None:
    return retry_for(Policy.READ, 0).get_retry_after(response.raw) if response.status_code == 429 else None


def _check_headers(prepared: requests.PreparedRequest) -> None:
    """Refuse what http.client would refuse as well, but with the header's value in its error."""
    for name, value in prepared.headers.items():
        if not (isinstance(value, str) and value.isascii() and value.isprintable()):
            raise ConfigurationError(
                f"The authentication set the header {name} to something that cannot be sent: expected printable ASCII."
            )


def _refuse_redirect(
    secrets_of: Callable[[requests.Response], list[str]], response: requests.Response, **_: Any
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


def _new_session() -> requests.Session:
    session = requests.Session()
    session.headers["User-Agent"] = f"smsmobile/{__version__} Python/{platform.python_version()}"
    session.headers["Accept"] = "application/json"
    session.headers["Accept-Encoding"] = "gzip, deflate"
    adapter = DeadlineAdapter(pool_maxsize=_POOLED_CONNECTIONS)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session


def _with_retries(session: requests.Session, policy: Policy, max_retries: int) -> requests.Session:
    """The same session (pools, cookies, hooks and all) whose adapters retry by `policy` and by nothing else.

    A session that the caller brought may well retry a POST on a 502; for a send that must not happen.
    """
    twin = _shallow_copy(session)
    twin.adapters = type(session.adapters)()
    for prefix, adapter in session.adapters.items():
        if isinstance(adapter, HTTPAdapter):
            adapter = _shallow_copy(adapter)  # noqa: PLW2901
            adapter.max_retries = retry_for(policy, max_retries)
        twin.adapters[prefix] = adapter
    return twin


Thing = TypeVar("Thing")


def _shallow_copy(thing: Thing) -> Thing:
    """Like copy.copy, which for sessions and adapters goes through pickle and loses pools and subclass attributes."""
    twin = object.__new__(type(thing))
    twin.__dict__.update(vars(thing))
    return twin


def _environment_of(session: requests.Session, base_url: str) -> dict[str, Any]:
    """Proxies and CA bundle, looked up once; what the session says itself comes before the environment.

    requests does it the other way round: REQUESTS_CA_BUNDLE beats `session.verify = False`, and HTTPS_PROXY beats
    `session.proxies`.
    """
    verify = None if session.verify is True else session.verify
    settings: dict[str, Any] = session.merge_environment_settings(base_url, dict(session.proxies), True, verify, None)
    if session.proxies:
        settings["proxies"] = dict(session.proxies)
    elif urlsplit(base_url).scheme == "http":
        # Only loopback may be called without TLS; through a proxy elsewhere the key would leave in the clear.
        settings["proxies"] = {scheme: proxy for scheme, proxy in settings["proxies"].items() if _is_local(proxy)}
    return settings


def _is_local(proxy: str) -> bool:
    try:
        return is_loopback(parse_url(proxy).host)
    except LocationValueError:  # requests keeps the list of NO_PROXY among the proxies
        return False


def _check_paths(paths: Mapping[str, Any]) -> dict[str, str]:
    for name, path in paths.items():
        if name not in ENDPOINTS:
            raise ConfigurationError(f"paths has {name!r}; expected names among {', '.join(sorted(ENDPOINTS))}.")
        if not isinstance(path, str) or not path.startswith("/") or path.startswith("//") or "?" in path:
            raise ConfigurationError(f"paths[{name!r}] must begin with one '/' and have no query: '/deletesms/'.")
    return dict(paths)
