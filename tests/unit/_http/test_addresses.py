"""Addresses in error texts name no user and no password."""

from __future__ import annotations

import pytest

from smsmobile._http.addresses import without_user


def test_an_address_is_shown_without_user_and_password(subtests: pytest.Subtests) -> None:
    for address, shown in [
        ("http://proxy.example:3128", "http://proxy.example:3128"),
        ("http://someone:secret@proxy.example:3128/", "http://proxy.example:3128"),
        ("someone:secret@proxy.example:3128", "proxy.example:3128"),
        ("http://someone:sec/ret@proxy.example:3128", "http://proxy.example:3128"),
        ("http://someone:a://secret@proxy.example", "http://proxy.example"),
        ("socks5h://[::1]:1080", "socks5h://[::1]:1080"),
    ]:
        with subtests.test(address=address):
            assert without_user(address) == shown
