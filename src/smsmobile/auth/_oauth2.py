"""Authentication by OAuth2 client credentials: when a token is fetched, by which thread, and when it is replaced."""

from __future__ import annotations

import logging
import os
import re
import time
from concurrent.futures import Future
from copy import copy
from datetime import datetime, timezone
from functools import partial
from typing import TYPE_CHECKING, Any

import requests
from requests.auth import AuthBase

from .._confidential import Unpicklable, without_frames
from .._http.addresses import check_base_url
from .._locks import ForkSafeLock
from .._wire.values import read_int
from ..errors import AuthenticationError, ConfigurationError, SMSMobileError
from ._account import hash_of
from ._credentials import check_credential
from ._tokens import CheckedStore, Token, TokenStore

if TYPE_CHECKING:
    from .._http.transport import Transport

log = logging.getLogger("smsmobile")

_REFRESH_AHEAD = 60.0
"""Seconds before its expiry at which a token is replaced, and between two attempts to do so early."""
_LONGEST_LIFETIME = 10 * 365 * 86_400
"""Seconds. Dates far in the future cannot be stored."""
_TOKEN = re.compile(r"[!-~]+")


class _Fetch:
    """A token request of one thread, whose outcome the others share."""

    def __init__(self, repeat: bool, refused: str) -> None:
        self.repeat = repeat
        self.refused = refused
        """The header with which a 401 came, or an empty text."""
        self.process = os.getpid()
        """A forked child inherits the object, but not the thread."""
        self.outcome: Future[Token] = Future()


class OAuth2ClientCredentials(Unpicklable, AuthBase):
    """OAuth2 client credentials: fetches a token and sends it as `Authorization: Bearer …` (D).

    All threads share one token, and only one of them fetches it; those that wait for it share its failure as well. If
    the store is a LockingTokenStore, all programs that share it fetch one token together. A token is replaced up to a
    minute before it expires, or after a 401 if it has no `expires_in` (A). While it cannot be replaced, it is used
    until it expires. After a 401 the request is repeated once with a new token. This is safe for a send too: the
    service accepted nothing.

    client_id, client_secret: from the service's dashboard.
    store: where to keep tokens; by default in the memory of this process.
    token_url: absolute https URL of the token endpoint; by default `/oauth2/token` below the client's `base_url`.

    Raises ConfigurationError if a credential is empty or contains line breaks, if `token_url` is not https, or if
    `store` is not a TokenStore.
    """

    _raises_only_ours = True
    """All its errors are SMSMobileErrors already."""

    @without_frames
    def __init__(
        self,
        client_id: str,
        client_secret: str,
        *,
        store: TokenStore | None = None,
        token_url: str | None = None,
    ) -> None:
        self._client_id = check_credential("client_id", client_id)
        self._client_secret = check_credential("client_secret", client_secret)
        self._store = CheckedStore(store)
        if token_url is not None:
            check_base_url(token_url, "token_url")
        self._token_url = token_url
        self._transport: Transport | None = None
        self._lock = ForkSafeLock()
        self._fetch: _Fetch | None = None
        """The token request that is under way."""
        self._next_early_refresh = 0.0

    def connect(self, transport: Transport) -> None:
        """Fetch tokens through this transport. The client calls this method.

        Raises ConfigurationError if the object already serves another base URL.
        """
        if self._transport is not None and self._transport.base_url != transport.base_url:
            raise ConfigurationError(
                f"This OAuth2ClientCredentials already serves {self._transport.base_url}; create another one for "
                f"{transport.base_url}."
            )
        self._transport = transport

    @without_frames
    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Set the `Authorization` header. Fetches a token first if there is none.

        Raises StorageError if the store fails, and what a token request raises: ConnectionFailed, ResponseTimeout or an
        APIError. Nothing was sent then.
        """
        repeat = getattr(request, "repeat", True)
        request.headers["Authorization"] = _header(self._token(repeat))
        request.register_hook("response", partial(self._on_response, repeat))
        return request

    @without_frames
    def _on_response(self, repeat: bool, response: requests.Response, **kwargs: Any) -> requests.Response:
        """Repeat the request with a new token after a 401. requests calls this hook for the first answer only."""
        if response.status_code != 401:
            return response
        response.close()
        request = response.request  # not a copy: a later retry is made with the new token
        refused = str(request.headers["Authorization"])
        request.headers["Authorization"] = _header(self._token(repeat, refused))
        return response.connection.send(request, **kwargs)

    def _token(self, repeat: bool, refused: str = "") -> Token:
        """The token to use: from the store, or a new one in place of the one that was refused."""
        token = self._store.get(self._key)
        if token is None or _is_past(token.expires_at) or _header(token) == refused:
            return self._shared_fetch(repeat, refused)
        if _is_past(token.refresh_at) and self._may_refresh_early():
            try:
                token = self._shared_fetch(repeat=False)  # without repetitions, since there is no need to wait
                self._next_early_refresh = 0.0
            except SMSMobileError as error:
                log.warning("The OAuth2 token was not replaced, and is used until it expires: %s", error)
        return token

    def _may_refresh_early(self) -> bool:
        """True for one thread a minute. The others go on with the token that they have."""
        now = time.time()
        with self._lock:
            if now < self._next_early_refresh:
                return False
            self._next_early_refresh = now + _REFRESH_AHEAD
            return True

    def _shared_fetch(self, repeat: bool, refused: str = "") -> Token:
        """Fetch a token. If another thread is fetching one, wait for that, and share its token or its failure."""
        while True:
            with self._lock:
                fetch = self._fetch
                is_mine = fetch is None or fetch.process != os.getpid()
                if fetch is None or is_mine:
                    fetch = self._fetch = _Fetch(repeat, refused)
            if is_mine:
                return self._lead(fetch)
            failure = fetch.outcome.exception()
            if failure is None:
                token = fetch.outcome.result()
                if fetch.refused == refused or _header(token) != refused:  # else it was found, not fetched
                    return token
            # Not another thread's interrupt, nor the failure of a request that was not repeated as this one would be.
            elif isinstance(failure, SMSMobileError) and (fetch.repeat or not repeat):
                raise copy(failure)

    def _lead(self, fetch: _Fetch) -> Token:
        """Fetch a token for this thread and for those that wait."""
        try:
            token = self._store.locked(self._key, partial(self._find_or_fetch, fetch))
        except BaseException as error:
            self._end(fetch).set_exception(error)
            raise
        self._end(fetch).set_result(token)
        return token

    def _find_or_fetch(self, fetch: _Fetch) -> Token:
        """The token that another thread or process has stored meanwhile, or a new one."""
        token = self._store.get(self._key)
        if token is not None and _header(token) == fetch.refused:
            self._store.delete(self._key)  # nobody should use it while another one is fetched
        elif token is not None and not _is_past(token.refresh_at) and not _is_past(token.expires_at):
            return token
        token = self._request_token(fetch.repeat)
        self._store.set(self._key, token)
        return token

    def _end(self, fetch: _Fetch) -> Future[Token]:
        with self._lock:
            self._fetch = None  # before the others wake up and look for it
        return fetch.outcome

    @property
    def _key(self) -> str:
        url = self._token_url or (self._transport.base_url if self._transport else "")
        return f"{url}#{self._client_id.get_secret_value()}"

    def _request_token(self, repeat: bool) -> Token:
        if self._transport is None:
            from .._http.transport import Transport

            self.connect(Transport())
        assert self._transport is not None  # noqa: S101 - connect() has just set it
        answer = self._transport.call(
            "oauth2.token",
            {
                "grant_type": "client_credentials",
                "client_id": self._client_id.get_secret_value(),
                "client_secret": self._client_secret.get_secret_value(),
            },
            url=self._token_url,
            repeat=repeat,
            signed=False,
        )
        access_token = answer.fields.get("access_token")
        if not isinstance(access_token, str) or not _TOKEN.fullmatch(access_token):  # http.client would show a bad one
            raise AuthenticationError("The service returned no valid access_token for the client id.", status=200)
        if str(answer.fields.get("token_type") or "Bearer").lower() != "bearer":
            raise AuthenticationError(
                "The service returned a token of another type than Bearer, which this client cannot use.", status=200
            )
        lifetime = min(read_int(answer.fields.get("expires_in")) or 0, _LONGEST_LIFETIME)
        if lifetime <= 0:
            return Token(access_token=access_token)
        now = time.time()
        # A token that lives for less than a minute would otherwise never be used.
        refresh_at = now + lifetime - min(_REFRESH_AHEAD, lifetime / 2)
        return Token(access_token=access_token, refresh_at=_moment(refresh_at), expires_at=_moment(now + lifetime))

    @property
    def account(self) -> str:
        """A hash of the client id: a name for the account, under which processes can count its messages together."""
        return hash_of("client_id", self._client_id)

    def __repr__(self) -> str:
        return "OAuth2ClientCredentials(***)"


def _header(token: Token) -> str:
    return f"Bearer {token.access_token}"


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, timezone.utc)


def _is_past(moment: datetime | None) -> bool:
    return moment is not None and moment.timestamp() <= time.time()
