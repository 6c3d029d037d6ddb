"""Turns a network error into an exception of this library: whether the request left, and what broke."""

from __future__ import annotations

from http.client import HTTPException
from ssl import SSLCertVerificationError

import requests
from urllib3.exceptions import (
    ClosedPoolError,
    ConnectTimeoutError,
    HTTPError,
    LocationValueError,
    MaxRetryError,
    ReadTimeoutError,
)

from ..errors import ConfigurationError, ConnectionFailed, ResponseTimeout, SendOutcomeUnknown, SMSMobileError
from .departure import KEPT, LEFT, READ, Stage

NETWORK_ERRORS = (requests.RequestException, HTTPError, HTTPException, OSError)
"""All that requests, urllib3, http.client and sockets raise."""

# Not ProxyError, though its text says that the proxy could not be reached: urllib3 also raises it for a connection
# through a proxy that is reset after the request left. Nor InvalidHeader, which may be about the answer's headers.
_NEVER_LEFT = (
    ConnectTimeoutError,  # NewConnectionError and name resolution are kinds of it
    LocationValueError,
    ClosedPoolError,  # close() in another thread, before this one had a connection
    SSLCertVerificationError,
    requests.ConnectTimeout,
    requests.exceptions.InvalidURL,
    requests.exceptions.InvalidSchema,
)
_TIMEOUTS = (ReadTimeoutError, requests.ReadTimeout, TimeoutError)
_LONGEST_CHAIN = 20


def explain(error: Exception, route: str, *, sends: bool, stage: Stage) -> SMSMobileError:
    """The exception to raise for a network error. Its text has the system's reason, in one line.

    route: where the request was to go. stage: how far it came.
    """
    links = _chain(error)
    reason = next((str(link) for link in reversed(links) if _is_plain(link)), "")
    because = f": {reason}" if reason else f" ({type(links[-1]).__name__})"
    if stage is KEPT and "invalid path" in reason:  # requests looks for the files of certificates itself
        return ConfigurationError(f"{reason.rstrip('.')}. Nothing was sent: check REQUESTS_CA_BUNDLE, verify and cert.")
    if any(isinstance(link, requests.exceptions.InvalidSchema) for link in links) and "SOCKS" in str(links[-1]):
        return ConfigurationError(
            f"{route} needs the package PySocks, which is not installed: pip install PySocks. Nothing was sent."
        )
    if not _may_have_left(links, stage):
        return ConnectionFailed(f"Could not reach {route}{because}. Nothing was sent.")
    kind: type[SMSMobileError]
    if any(isinstance(link, _TIMEOUTS) for link in links):
        kind, text = ResponseTimeout, f"{route} did not answer in full within the timeout."
    else:
        kind, text = ConnectionFailed, f"The connection to {route} broke before the answer was there{because}."
    return SendOutcomeUnknown(text) if sends else kind(text)


def _may_have_left(links: list[BaseException], stage: Stage) -> bool:
    if stage is READ:  # by an adapter whose connections are not ours
        return not any(isinstance(link, _NEVER_LEFT) for link in links)
    return stage is LEFT


def urllib3_cause(error: Exception) -> HTTPError | None:
    """The urllib3 error that caused this one, for a `Retry` to judge; None if there is none."""
    causes = (link for link in _chain(error) if isinstance(link, HTTPError) and not isinstance(link, MaxRetryError))
    return next(causes, None)


def _is_plain(link: BaseException) -> bool:
    """Whether the text of this error comes from the system. The texts of requests and urllib3 contain the URL."""
    return isinstance(link, OSError) and not isinstance(link, (requests.RequestException, HTTPError))


def _chain(error: BaseException) -> list[BaseException]:
    """The error and its causes, outermost first."""
    links: list[BaseException] = []
    rest = [error]
    while rest and len(links) < _LONGEST_CHAIN:
        link = rest.pop(0)
        if not any(link is seen for seen in links):
            links.append(link)
            parts = [getattr(link, "reason", None), getattr(link, "original_error", None), link.__cause__]
            # Not __context__: what was tried before this attempt says nothing about this attempt.
            rest += [part for part in (*parts, *link.args) if isinstance(part, BaseException)]
    return links
