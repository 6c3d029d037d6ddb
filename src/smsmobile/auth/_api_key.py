"""Authentication by API key."""

from __future__ import annotations

import re
from urllib.parse import quote_plus

import requests
from requests.auth import AuthBase

from .._confidential import Hidden, Unpicklable, without_frames
from .._http.request import text_of
from ._account import hash_of
from ._credentials import check_credential

_HAS_API_KEY = re.compile(r"(?:^|[?&])apikey=")


class ApiKeyAuth(Unpicklable, AuthBase):
    """Adds the API key as the parameter `apikey`: to the form of a POST, to the query of a GET (D).

    api_key: the account's key, from the service's dashboard.

    Raises ConfigurationError if the key is empty or contains line breaks.
    """

    @without_frames
    def __init__(self, api_key: str) -> None:
        key = check_credential("api_key", api_key)
        self._parameter = Hidden(f"apikey={quote_plus(key.get_secret_value())}")

    @without_frames
    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Add the key to the request, unless it already has one."""
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

    @property
    def account(self) -> str:
        """A hash of the key: a name for the account, under which several processes can count its messages together."""
        return hash_of("api_key", self._parameter)

    def __repr__(self) -> str:
        return "ApiKeyAuth(***)"
