"""The tree of exceptions, and pickling them."""

from __future__ import annotations

import copy
import pickle
from datetime import datetime, timezone

import pytest

import smsmobile
from smsmobile import (
    APIError,
    AuthenticationError,
    BulkPaused,
    ConfigurationError,
    ConnectionFailed,
    DeliveryPending,
    DeviceOffline,
    InvalidRequestError,
    LoggedSMS,
    MalformedPayload,
    NotFound,
    RateLimited,
    ResponseTimeout,
    SendInFlight,
    SendOutcomeUnknown,
    SendPostponed,
    ServerError,
    SignatureMismatch,
    SMSMobileError,
    StorageError,
    SubscriptionExpired,
    TimestampOutOfTolerance,
    UnexpectedResponse,
    WebhookError,
    errors,
)

API = [
    *(AuthenticationError, SubscriptionExpired, DeviceOffline, RateLimited, NotFound, ServerError),
    UnexpectedResponse,
]
WEBHOOK = [SignatureMismatch, TimestampOutOfTolerance, MalformedPayload]
DIRECT = [
    *(ConfigurationError, InvalidRequestError, ConnectionFailed, SendOutcomeUnknown, ResponseTimeout),
    *(DeliveryPending, StorageError, SendInFlight, SendPostponed, BulkPaused, APIError, WebhookError),
]


def test_the_tree_is_the_one_that_is_documented() -> None:
    assert all(kind.__bases__ == (APIError,) for kind in API)
    assert all(kind.__bases__ == (WebhookError,) for kind in WEBHOOK)
    assert all(kind.__bases__[0] is SMSMobileError for kind in DIRECT)
    assert SMSMobileError.__bases__ == (Exception,)


def test_every_exception_is_public_and_drawn_in_the_documentation() -> None:
    kinds = {kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Exception)}
    assert kinds == {SMSMobileError, *DIRECT, *API, *WEBHOOK}
    for kind in kinds - {SMSMobileError}:
        assert getattr(smsmobile, kind.__name__) is kind
        assert f"── {kind.__name__}" in (errors.__doc__ or "")


def test_a_file_that_cannot_be_used_is_an_os_error_too() -> None:
    assert [kind for kind in [*DIRECT, *API, *WEBHOOK] if issubclass(kind, OSError)] == [StorageError]


def test_only_a_bad_argument_is_a_value_error() -> None:
    assert [kind for kind in [*DIRECT, *API, *WEBHOOK] if issubclass(kind, ValueError)] == [InvalidRequestError]


SAMPLES: list[SMSMobileError] = [
    *(kind("text") for kind in (SMSMobileError, ConfigurationError, InvalidRequestError, ConnectionFailed)),
    *(kind("text") for kind in (ResponseTimeout, DeliveryPending, StorageError, WebhookError, *WEBHOOK)),
    DeliveryPending("text", guids=["g", "h"], last={"g": LoggedSMS(guid="g", recipient="+33639985678")}),
    BulkPaused("text", done=7, left=3),
    SendInFlight("text", retry_after=7.5),
    SendPostponed("text", retry_after=7.5),
    *(kind("text", code="2", status=200, note="why") for kind in (APIError, *API)),
    RateLimited("text", code="rate", status=429, note="why", retry_after=7.5),
    SendOutcomeUnknown(
        "text", to="+33639985678", message="m", guid="g", attempted_at=datetime(2026, 1, 1, tzinfo=timezone.utc)
    ),
    SendOutcomeUnknown("text"),
]


def test_every_exception_survives_pickle_and_copy_with_all_it_says(subtests: pytest.Subtests) -> None:
    for error in SAMPLES:
        with subtests.test(error=error):
            for again in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
                assert type(again) is type(error)
                assert str(again) == str(error)
                assert vars(again) == vars(error)


def test_what_a_lookup_needs_is_not_pickled() -> None:
    error = SendOutcomeUnknown("text", lookup=lambda doubt: None)
    assert error.reconcile() is None
    with pytest.raises(ConfigurationError):
        pickle.loads(pickle.dumps(error)).reconcile()


def test_what_an_api_error_does_not_know_is_none(subtests: pytest.Subtests) -> None:
    for kind in [APIError, *API]:
        with subtests.test(kind=kind):
            error = kind("text")
            assert (error.code, error.status, error.note) == (None, None, None)
            assert getattr(error, "retry_after", None) is None
