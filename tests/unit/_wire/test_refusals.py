"""Which exception an error of the service becomes."""

from __future__ import annotations

import pytest

from smsmobile import APIError, AuthenticationError, DeviceOffline, NotFound, RateLimited, ServerError
from smsmobile import SubscriptionExpired as Expired
from smsmobile._wire.refusals import Reply, refusal_for

CREDENTIALS = (
    "1 missing_apikey invalid_apikey missing_apikeybox invalid_apikeybox invalid_token invalid_client invalid_grant "
    "unauthorized_client unsupported_grant_type"
)


def test_a_code_decides_whatever_the_status_is(subtests: pytest.Subtests) -> None:
    for codes, kind in [
        (CREDENTIALS, AuthenticationError),
        ("2", DeviceOffline),
        ("subscription_expire api_expired", Expired),
        ("server_error", ServerError),
        ("not_found", NotFound),
        ("another", APIError),
    ]:
        with subtests.test(codes=codes):
            for code in codes.split():
                for status in (200, 400):
                    refusal = refusal_for(Reply(status), code, None)
                    assert (type(refusal), refusal.code, refusal.status) == (kind, code, status)


def test_without_a_known_code_the_status_decides(subtests: pytest.Subtests) -> None:
    for status, kind in [
        (400, APIError),
        (401, AuthenticationError),
        (403, AuthenticationError),
        (404, NotFound),
        (429, RateLimited),
        (500, ServerError),
        (503, ServerError),
    ]:
        with subtests.test(status=status):
            assert type(refusal_for(Reply(status), "another", None)) is kind
