"""A name for an account, under which several processes can count together. It shows nothing of the credentials."""

from __future__ import annotations

import hashlib

from requests.auth import AuthBase

from .._confidential import Hidden

_PREFIX = "smsmobile-account"
"""So that the hash of a key is not the one that another program makes of it."""


def hash_of(kind: str, credential: Hidden) -> str:
    """The `account` of an authentication. A key of 48 hexadecimal digits cannot be found from it."""
    return _short_hash(kind, credential.get_secret_value())


def account_of(auth: AuthBase | None, base_url: str) -> str:
    """A short hash of the service's address and of who calls it.

    Any authentication can have an `account`: a text that is another one for each account. Those without one cannot be
    told apart, and have one name together.
    """
    account = getattr(auth, "account", None)
    return _short_hash(base_url, account if isinstance(account, str) else "")


def _short_hash(*parts: str) -> str:
    return hashlib.sha256("\n".join((_PREFIX, *parts)).encode("utf-8", "surrogatepass")).hexdigest()[:32]
