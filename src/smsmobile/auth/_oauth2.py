"""Authentication by OAuth2 client credentials, with tokens that are kept in a `TokenStore`."""

from __future__ import annotations

import re
import time
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import requests
from requests.auth import AuthBase

from .._http.addresses import check_base_url
from .._wire.model import FrozenModel
from .._wire.values import Timestamp, read_int
from ..errors import AuthenticationError, ConfigurationError
from ._credentials import Unpicklable, check_credential

if TYPE_CHECKING:
    from .._http.transport import Transport

_REFRESH_AHEAD = 60.0
"""Seconds before its expiry at which a token is no longer used."""
_TOKEN = re.compile(r"[!-~]+")


class Token(FrozenModel):
    """An OAuth2 access token. The repr hides its text; `model_dump_json()` contains it, so that a store can save it."""

    access_token: str
    """The text after `Bearer` in the `Authorization` header."""
    expires_at: Timestamp = None
    """When to stop using the token, as an aware UTC datetime. None if the service did not say (A): the token is then
    used until a 401."""

    def __repr_args__(self) -> list[tuple[str | None, Any]]:
        return [("expires_at", self.expires_at)]

    __str__ = FrozenModel.__repr__


@runtime_checkable
class TokenStore(Protocol):
    """Keeps tokens, so that threads or processes can share them. Implementations must be thread-safe."""

    def get(self, key: str) -> Token | None:
        """Return the token with this key, or None."""
        ...

    def set(self, key: str, token: Token) -> None:
        """Save the token."""
        ...

    def delete(self, key: str) -> None:
        """Delete the token, if there is one."""
        ...


class MemoryTokenStore(Unpicklable):
    """Keeps tokens in the memory of this process. The default store."""

    def __init__(self) -> None:
        self._tokens: dict[str, Token] = {}

    def get(self, key: str) -> Token | None:
        """Return the token with this key, or None."""
        return self._tokens.get(key)

    def set(self, key: str, token: Token) -> None:
        """Save the token."""
        self._tokens[key] = token

    def delete(self, key: str) -> None:
        """Delete the token, if there is one."""
        self._tokens.pop(key, None)


class OAuth2ClientCredentials(Unpicklable, AuthBase):
    """OAuth2 client credentials: fetches a token and sends it as `Authorization: Bearer …` (D).

    All threads share one token, and only one of them fetches it. A token is replaced up to a minute before it expires,
    or after a 401 if it has no `expires_in` (A). After a 401 the request is repeated once with a new token. This is
    safe for a send too: the service accepted nothing.

    client_id, client_secret: from the service's dashboard.
    store: where to keep tokens; by default in the memory of this process.
    token_url: absolute https URL of the token endpoint; by default `/oauth2/token` below the client's `base_url`.

    Raises ConfigurationError if a credential is empty or contains line breaks, or if `token_url` is not https.
    """

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
        self._store: TokenStore = MemoryTokenStore() if store is None else store
        if token_url is not None:
            check_base_url(token_url, "token_url")
        self._token_url = token_url
        self._transport: Transport | None = None
        self._lock = Lock()

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

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Set the `Authorization` header. Fetches a token first if there is none."""
        repeat = getattr(request, "repeat", True)
        request.headers["Authorization"] = f"Bearer {self._token(repeat).access_token}"
        request.register_hook("response", partial(self._on_response, repeat))
        return request

    def _on_response(self, repeat: bool, response: requests.Response, **kwargs: Any) -> requests.Response:
        """Repeat the request with a new token after a 401. requests calls this hook for the first answer only."""
        if response.status_code != 401:
            return response
        response.close()
        request = response.request  # not a copy: a later retry is made with the new token
        self._drop(str(request.headers["Authorization"]))
        request.headers["Authorization"] = f"Bearer {self._token(repeat).access_token}"
        return response.connection.send(request, **kwargs)

    def _token(self, repeat: bool) -> Token:
        token = self._valid_token()
        if token is None:
            with self._lock:
                token = self._valid_token()  # another thread may have fetched it while this one waited
                if token is None:
                    token = self._fetch(repeat)
                    self._store.set(self._key, token)
        return token

    def _valid_token(self) -> Token | None:
        token = self._store.get(self._key)
        if token is None or (token.expires_at and token.expires_at.timestamp() <= time.time()):
            return None
        return token

    def _drop(self, header: str) -> None:
        """Delete the token that was refused, unless another thread has already replaced it."""
        with self._lock:
            token = self._store.get(self._key)
            if token is not None and header == f"Bearer {token.access_token}":
                self._store.delete(self._key)

    @property
    def _key(self) -> str:
        url = self._token_url or (self._transport.base_url if self._transport else "")
        return f"{url}#{self._client_id.get_secret_value()}"

    def _fetch(self, repeat: bool) -> Token:
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
        lifetime = read_int(answer.fields.get("expires_in"))
        if lifetime is None or lifetime <= 0:
            return Token(access_token=access_token)
        # A token that lives for less than a minute would otherwise never be used.
        usable_for = lifetime - min(_REFRESH_AHEAD, lifetime / 2)
        return Token.model_validate({"access_token": access_token, "expires_at": time.time() + usable_for})

    def __repr__(self) -> str:
        return "OAuth2ClientCredentials(***)"
