"""The name of an account: the same in every process, another one for each account, and no secret."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from requests.auth import AuthBase, HTTPBasicAuth

from smsmobile import ApiKeyAuth, OAuth2ClientCredentials
from smsmobile.auth._account import account_of

BASE = "https://api.smsmobileapi.com"
API_KEY = "0123456789abcdef0123456789abcdef0123456789abcdef"
OTHER_KEY = "f" * 48


class Named(AuthBase):
    """A user's authentication that says which account it is for."""

    def __init__(self, account: Any) -> None:
        self.account = account


def test_each_account_has_a_name_of_its_own() -> None:
    names = [
        account_of(auth, base_url)
        for base_url in (BASE, "http://127.0.0.1:8420")
        for auth in (
            *(ApiKeyAuth(API_KEY), ApiKeyAuth(OTHER_KEY)),
            *(OAuth2ClientCredentials("one-id", "secret"), OAuth2ClientCredentials("other-id", "secret")),
            *(OAuth2ClientCredentials(API_KEY, "secret"), Named("one"), Named("other"), HTTPBasicAuth("user", "word")),
        )
    ]
    assert len(set(names)) == len(names)


def test_an_account_has_one_name_whoever_builds_the_client() -> None:
    assert account_of(ApiKeyAuth(API_KEY), BASE) == account_of(ApiKeyAuth(API_KEY), BASE)
    auths = [OAuth2ClientCredentials("one-id", secret) for secret in ("secret", "the-next-secret")]
    assert account_of(auths[0], BASE) == account_of(auths[1], BASE)


def test_another_process_finds_the_same_name() -> None:
    program = f"""
from smsmobile import ApiKeyAuth
from smsmobile.auth._account import account_of
print(account_of(ApiKeyAuth({API_KEY!r}), {BASE!r}))
"""
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == account_of(ApiKeyAuth(API_KEY), BASE)


@pytest.mark.parametrize(
    "auth", [ApiKeyAuth(API_KEY), OAuth2ClientCredentials("one-id", "secret"), Named(API_KEY), Named("one-id")]
)
def test_a_name_contains_no_credential(auth: AuthBase) -> None:
    for name in (account_of(auth, BASE), "" if isinstance(auth, Named) else auth.account):  # type: ignore[attr-defined]
        assert not any(credential in name for credential in (API_KEY, API_KEY[:8], "one-id", "secret"))


@pytest.mark.parametrize("auth", [None, HTTPBasicAuth("user", "word"), Named(7), Named(None)])
def test_authentications_that_do_not_name_their_account_share_a_name(auth: AuthBase | None) -> None:
    assert account_of(auth, BASE) == account_of(None, BASE)
