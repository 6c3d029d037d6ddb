"""The two ways to authenticate, each a `requests.auth.AuthBase`; any other AuthBase can stand in for them.

Where tokens are kept is a `TokenStore`. How a request travels is the transport's business.
"""

from __future__ import annotations

import re
import time
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING, Any, NoReturn, Protocol, runtime_checkable
from urllib.parse import quote_plus

import requests
from pydantic import SecretStr
from requests.auth import AuthBase

from ._http.addresses import check_base_url
from ._redaction import text_of
from ._wire.model import FrozenModel
from ._wire.values import Timestamp, read_int
from .errors import AuthenticationError, ConfigurationError

if TYPE_CHECKING:
    from ._http.transport import Transport

_REFRESH_AHEAD = 60.0
_TOKEN = re.compile(r"[!-~]+")
_HAS_API_KEY = re.compile(r"(?:^|[?&])apikey=")


def check_credential(name: str, value: object) -> SecretStr:
    """A credential that a server could accept; else ConfigurationError, which names it and never shows it."""
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    if not isinstance(value, str):
        raise ConfigurationError(f"{name} is of type {type(value).__name__}; expected text.")
    if not value.strip():
        raise ConfigurationError(f"{name} is empty; copy it from the service's dashboard.")
    if value != value.strip() or any(char in value for char in "\r\n\x00") or not value.isprintable():
        raise ConfigurationError(
            f"{name} holds a line break, a control character or spaces around it; it was probably copied with more "
            "than itself."
        )
    return SecretStr(value)


class _HoldsSecrets:
    """Refuses to be pickled or copied: a pickle would carry the secret into caches, queues and logs."""

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError(
            f"{type(self).__name__} holds secrets and is not pickled or copied; build it where it is needed, for "
            "instance with SMSMobileClient.from_env()."
        )


class ApiKeyAuth(_HoldsSecrets, AuthBase):
    """Puts the API key into the form of a POST and into the query of a GET, as parameter `apikey` (D).

    Raises ConfigurationError for a key that is empty, blank or holds line breaks.
    """

    def __init__(self, api_key: str) -> None:
        key = check_credential("api_key", api_key)
        self._parameter = SecretStr(f"apikey={quote_plus(key.get_secret_value())}")

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Sign the request; one that has the key already is left as it is."""
        parameter = self._parameter.get_secret_value()
        if request.method in ("GET", "HEAD"):
            url = request.url or ""
            if not _HAS_API_KEY.search(url):
                request.url = f"{url}{'&' if '?' in url else '?'}{parameter}"
            return request
        form = text_of(request.body)
        if not _HAS_API_KEY.search(form):
            request.body = f"{form}&{parameter}" if form else parameter
            request.headers["Content-Type"] = "application/x-www-form-urlencoded"
        return request

    def __repr__(self) -> str:
        return "ApiKeyAuth(***)"


class Token(FrozenModel):
    """An access token. Its text shows in no repr; `model_dump_json()` does hold it, for a store to keep."""

    access_token: str
    """What goes behind `Bearer`."""
    expires_at: Timestamp = None
    """Aware UTC; None where the service did not say (A): then the token is kept until a 401."""

    def __repr_args__(self) -> list[tuple[str | None, Any]]:
        return [("expires_at", self.expires_at)]

    __str__ = FrozenModel.__repr__


@runtime_checkable
class TokenStore(Protocol):
    """Where tokens are kept, so that threads or processes can share them. Must be safe among threads."""

    def get(self, key: str) -> Token | None:
        """The token under this key, or None."""
        ...

    def set(self, key: str, token: Token) -> None:
        """Keep the token."""
        ...

    def delete(self, key: str) -> None:
        """Forget the token, if there is one."""
        ...


class MemoryTokenStore(_HoldsSecrets):
    """Tokens of this process; the default."""

    def __init__(self) -> None:
        self._tokens: dict[str, Token] = {}

    def get(self, key: str) -> Token | None:
        """The token under this key, or None."""
        return self._tokens.get(key)

    def set(self, key: str, token: Token) -> None:
        """Keep the token."""
        self._tokens[key] = token

    def delete(self, key: str) -> None:
        """Forget the token, if there is one."""
        self._tokens.pop(key, None)


class OAuth2ClientCredentials(_HoldsSecrets, AuthBase):
    """OAuth2 client credentials: fetches a token and sends it as `Authorization: Bearer …` (D).

    One token request serves any number of threads that start at once. A token is refreshed up to a minute ahead
    of its end; one without `expires_in` is kept until a 401 (A). A 401 drops the token and repeats the request
    once with a new one, also for a send: a 401 was not accepted.

    client_id, client_secret: from the service's dashboard.
    store: where to keep tokens; in this process's memory by default.
    token_url: an absolute https address, where it is not the client's own `base_url` and `/oauth2/token`.

    Raises ConfigurationError for credentials that are empty, blank or hold line breaks.
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
        """Fetch tokens through this transport. The client calls it."""
        if self._transport is not None and self._transport.base_url != transport.base_url:
            raise ConfigurationError(
                f"This OAuth2ClientCredentials already serves {self._transport.base_url}; make another one for "
                f"{transport.base_url}."
            )
        self._transport = transport

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Sign the request, fetching a token first where there is none."""
        repeat = getattr(request, "repeat", True)
        request.headers["Authorization"] = f"Bearer {self._token(repeat).access_token}"
        request.register_hook("response", partial(self._on_response, repeat))
        return request

    def _on_response(self, repeat: bool, response: requests.Response, **kwargs: Any) -> requests.Response:
        """On a 401, the same request once more with a new token. requests calls this for the first answer only."""
        if response.status_code != 401:
            return response
        response.close()
        request = response.request  # no copy: where it is repeated later, it is repeated with the new token
        self._drop(str(request.headers["Authorization"]))
        request.headers["Authorization"] = f"Bearer {self._token(repeat).access_token}"
        return response.connection.send(request, **kwargs)

    def _token(self, repeat: bool) -> Token:
        token = self._usable()
        if token is None:
            with self._lock:
                token = self._usable()  # another thread may have fetched it while this one waited
                if token is None:
                    token = self._fetch(repeat)
                    self._store.set(self._key, token)
        return token

    def _usable(self) -> Token | None:
        token = self._store.get(self._key)
        if token is None or (token.expires_at and token.expires_at.timestamp() <= time.time()):
            return None
        return token

    def _drop(self, header: str) -> None:
        """Forget the token that was refused, unless another thread has already put a new one in its place."""
        with self._lock:
            token = self._store.get(self._key)
            if token is not None and header == f"Bearer {token.access_token}":
                self._store.delete(self._key)

    @property
    def _key(self) -> str:
        where = self._token_url or (self._transport.base_url if self._transport else "")
        return f"{where}#{self._client_id.get_secret_value()}"

    def _fetch(self, repeat: bool) -> Token:
        if self._transport is None:
            from ._http.transport import Transport

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
        if not isinstance(access_token, str) or not _TOKEN.fullmatch(access_token):  # http.client would print it
            raise AuthenticationError("The service gave no usable access_token for the client id.", status=200)
        lifetime = read_int(answer.fields.get("expires_in"))
        if lifetime is None or lifetime <= 0:
            return Token(access_token=access_token)
        # A short-lived token would be refreshed for ever if a whole minute were taken off it.
        usable = lifetime - min(_REFRESH_AHEAD, lifetime / 2)
        return Token.model_validate({"access_token": access_token, "expires_at": time.time() + usable})

    def __repr__(self) -> str:
        return "OAuth2ClientCredentials(***)"
