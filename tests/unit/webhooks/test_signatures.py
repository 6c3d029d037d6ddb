"""Signatures, compared with values made by openssl."""

from __future__ import annotations

import copy
import hashlib
import hmac
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from smsmobile import ConfigurationError
from smsmobile.webhooks import sign
from smsmobile.webhooks.signatures import SigningSecrets, find_headers

# printf '1790164801.{"id":"1"}' | openssl dgst -sha256 -hmac topsecret
BY_OPENSSL = "v1=f6ddb52ed47d5764c009d05912bbf1415ab470b744fc69c19cc988b88b668bc4"


def test_a_signature_is_what_openssl_makes_of_timestamp_dot_body() -> None:
    assert sign(b'{"id":"1"}', "topsecret", 1790164801) == BY_OPENSSL


@pytest.mark.parametrize(
    ("body", "secret", "timestamp"),
    [
        (bytearray(b'{"id":"1"}'), "topsecret", 1790164801),
        (memoryview(b'{"id":"1"}'), b"topsecret", "1790164801"),
        (b'{"id":"1"}', SecretStr("topsecret"), 1790164801),
    ],
)
def test_every_kind_of_bytes_secret_and_timestamp_gives_the_same_signature(
    body: bytes | bytearray | memoryview, secret: str | bytes | SecretStr, timestamp: int | str
) -> None:
    assert sign(body, secret, timestamp) == BY_OPENSSL


@given(body=st.binary(), secret=st.binary(min_size=1, max_size=200), timestamp=st.integers(0, 10**12))
def test_signing_is_hmac_sha256_for_any_bytes(body: bytes, secret: bytes, timestamp: int) -> None:
    if not secret.strip() or b"\n" in secret or b"\r" in secret:
        with pytest.raises(ConfigurationError):
            sign(body, secret, timestamp)
        return
    expected = hmac.new(secret, str(timestamp).encode() + b"." + body, hashlib.sha256).hexdigest()
    assert sign(body, secret, timestamp) == "v1=" + expected


def test_signing_text_is_refused_with_the_way_to_the_raw_bytes() -> None:
    with pytest.raises(TypeError, match=r"raw bytes .* not str.*request\.body .*request\.get_data\(\)"):
        sign('{"id":"1"}', "topsecret", 1)  # type: ignore[arg-type]


@pytest.mark.parametrize("timestamp", [1790164801.5, True, None, b"1790164801"])
def test_signing_takes_whole_seconds_only(timestamp: object) -> None:
    with pytest.raises(TypeError, match="whole Unix seconds"):
        sign(b"{}", "topsecret", timestamp)  # type: ignore[arg-type]


def test_secrets_check_but_do_not_show_themselves() -> None:
    secrets = SigningSecrets(["topsecret", b"\xff\x00other"])
    assert secrets.made(BY_OPENSSL, "1790164801", b'{"id":"1"}')
    assert secrets.made(sign(b"{}", b"\xff\x00other", 5), "5", b"{}")
    assert not secrets.made(BY_OPENSSL, "1790164802", b'{"id":"1"}')
    assert repr(secrets) == "<2 webhook secrets>"
    assert repr(SigningSecrets("topsecret")) == "<1 webhook secret>"
    for leave in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="cannot be pickled or copied"):
            leave(secrets)


@given(signature=st.text(), timestamp=st.text())
def test_no_header_value_makes_the_comparison_fail_otherwise_than_false(signature: str, timestamp: str) -> None:
    assert SigningSecrets("topsecret").made(signature, timestamp, b"{}") is False


def test_the_first_of_two_equal_headers_counts() -> None:
    name = "X-SMSMobileAPI-Timestamp"
    assert find_headers([(name, ""), (name.lower(), "5"), (name, "6")]) == {name: "5"}
