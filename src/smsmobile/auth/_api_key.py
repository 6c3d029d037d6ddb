"""Authentication by API key."""

from __future__ import annotations

import re
from urllib.parse import quote_plus

import requests
from pydantic import SecretStr
from requests.auth import AuthBase

from .._http.request import text_of
from ._credentials import Unpicklable, check_credential

_HAS_API_KEY = re.compile(r"(?:^|[?&])apikey=")


class ApiKeyAuth(Unpicklable, AuthBase):
    """Adds the API key as the parameter `apikey`: to the form of a POST, to the query of a GET (D).

    Raises ConfigurationError if the key is empty or contains line breaks.
    """

    def __init__(self, api_key: str) -> None:
        key = check_credential("api_key", api_key)
        self._parameter = SecretStr(f"apikey={quote_plus(key.get_secret_value())}")

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

    def __repr__(self) -> str:
        return "ApiKeyAuth(***)"
