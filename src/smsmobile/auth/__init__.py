"""Authentication by API key and by OAuth2. Both are a `requests.auth.AuthBase`, as any other authentication can be.

This file holds the public names; each is imported on first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._lazy import lazy_names

if TYPE_CHECKING:
    from ._api_key import ApiKeyAuth
    from ._oauth2 import OAuth2ClientCredentials
    from ._tokens import LockingTokenStore, MemoryTokenStore, Token, TokenStore

__all__ = [
    "ApiKeyAuth",
    "LockingTokenStore",
    "MemoryTokenStore",
    "OAuth2ClientCredentials",
    "Token",
    "TokenStore",
]

if not TYPE_CHECKING:
    __getattr__, __dir__ = lazy_names(
        __name__,
        {
            "_api_key": ["ApiKeyAuth"],
            "_oauth2": ["OAuth2ClientCredentials"],
            "_tokens": ["LockingTokenStore", "MemoryTokenStore", "Token", "TokenStore"],
        },
    )
