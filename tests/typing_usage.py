"""Typed usage of the public API: `mypy --strict tests/typing_usage.py` accepts it. It is never run."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import requests
from requests.auth import AuthBase, HTTPBasicAuth
from typing_extensions import assert_type

from smsmobile import (
    APIError,
    ApiKeyAuth,
    AuthenticationError,
    ConfigurationError,
    ConnectionFailed,
    DeletedSMS,
    DeviceOffline,
    InvalidRequestError,
    LoggedSMS,
    MalformedPayload,
    NotFound,
    OAuth2ClientCredentials,
    RateLimited,
    ReceivedSMS,
    ResentSMS,
    ResponseTimeout,
    SendOutcomeUnknown,
    SentSMS,
    ServerError,
    Settings,
    SignatureMismatch,
    SMSMobileClient,
    SMSMobileError,
    SMSStatus,
    SubscriptionExpired,
    TimestampOutOfTolerance,
    Token,
    TokenStore,
    UnexpectedResponse,
    WebhookError,
    __version__,
)

assert_type(__version__, str)


class Shelf:
    """A token store of a user's own, which needs no base class."""

    def get(self, key: str) -> Token | None:
        return None

    def set(self, key: str, token: Token) -> None: ...

    def delete(self, key: str) -> None: ...


class HeaderAuth(AuthBase):
    """A strategy of a user's own."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        return request


class Client(SMSMobileClient):
    """A subclass comes back from `from_env` as itself."""


def build() -> None:
    store: TokenStore = Shelf()
    SMSMobileClient(api_key="…")
    SMSMobileClient(client_id="…", client_secret="…")
    SMSMobileClient(ApiKeyAuth("…"))
    SMSMobileClient(auth=HTTPBasicAuth("user", "word"))
    SMSMobileClient(HeaderAuth())
    SMSMobileClient(OAuth2ClientCredentials("…", "…", store=store, token_url="https://id.example/token"))
    SMSMobileClient(
        api_key="…",
        base_url="http://localhost:8420",
        timeout=(5, 30.5),
        max_retries=0,
        default_region="FR",
        session=requests.Session(),
        paths={"sms.delete": "/deletesms/"},
        device="SID",
    )
    SMSMobileClient(api_key="…", timeout=10)
    assert_type(SMSMobileClient.from_env(), SMSMobileClient)
    assert_type(Client.from_env(Path(".env"), timeout=3), Client)
    assert_type(Settings.from_env("production.env"), Settings)
    with Client(api_key="…") as client:
        assert_type(client, Client)
    client.close()


def refused_by_the_type_checker(client: SMSMobileClient) -> None:
    client.sms.send(33612345678, "hi")  # type: ignore[arg-type]
    client.sms.send(["+33612345678"], "hi")  # type: ignore[arg-type]
    client.sms.send("+33612345678", b"hi")  # type: ignore[arg-type]
    client.sms.send("+33612345678")  # type: ignore[call-arg]
    client.sms.send("+33612345678", "hi", schedule_at="tomorrow")  # type: ignore[arg-type]
    client.sms.send("+33612345678", "hi", 2)  # type: ignore[call-arg]
    client.sms.resend(None)  # type: ignore[arg-type]
    SMSMobileClient(auth="key")  # type: ignore[arg-type]
    SMSMobileClient(apikey="key")  # type: ignore[call-arg]
    OAuth2ClientCredentials("…", "…", store=object())  # type: ignore[arg-type]
    client.sms.received()[0].guid = "other"  # type: ignore[misc]
    client.sms.fly()  # type: ignore[attr-defined]


def send(client: SMSMobileClient) -> None:
    sent = client.sms.send(
        "+33612345678",
        "Bonjour",
        sim=2,
        device="SID",
        schedule_at=datetime.now(timezone.utc),
        shorten_urls=True,
        encrypt=True,
        whatsapp=True,
    )
    assert_type(sent, SentSMS)
    assert_type(sent.guid, str | None)
    assert_type(sent.accepted, bool)
    assert_type(sent.note, str | None)
    assert_type(sent.created_at, datetime | None)
    assert_type(sent.sim, int | None)
    assert_type(sent.whatsapp, bool | None)
    assert_type(sent.encrypted, bool | None)
    assert_type(sent.model_extra, dict[str, Any] | None)
    if sent.guid is not None:
        resent = client.sms.resend(sent.guid)
        assert_type(resent, ResentSMS)
        assert_type(resent.guid, str | None)
        deleted = client.sms.delete(sent.guid)
        assert_type(deleted, DeletedSMS)
        assert_type(deleted.note, str | None)


def read(client: SMSMobileClient) -> None:
    assert_type(client.sms.log(guid="g"), list[LoggedSMS])
    assert_type(client.sms.log(before=datetime.now(timezone.utc), keyword="hi", api_errors=True), list[LoggedSMS])
    assert_type(client.sms.iter_log(before=1774040864, phone_errors=True), Iterator[LoggedSMS])
    for entry in client.sms.iter_log(before="guid"):
        assert_type(entry.guid, str | None)
        assert_type(entry.recipient, str | None)
        assert_type(entry.message, str)
        assert_type(entry.status, SMSStatus)
        assert_type(entry.error, str | None)
        assert_type(entry.created_at, datetime | None)
        assert_type(entry.sent_at, datetime | None)
        assert_type(entry.device, str | None)
        assert_type(entry.advice, str | None)
    messages = client.sms.received(after=datetime.now(timezone.utc), unread_only=True, device="SID")
    assert_type(messages, list[ReceivedSMS])
    assert_type(messages[0].sender, str | None)
    assert_type(messages[0].message, str)
    assert_type(messages[0].received_at, datetime | None)
    assert_type(messages[0].device, str | None)
    assert_type(messages[0].alias, str | None)


def fail(client: SMSMobileClient) -> None:
    try:
        client.sms.send("+33612345678", "Bonjour")
    except SendOutcomeUnknown as doubt:
        assert_type(doubt.to, str | None)
        assert_type(doubt.message, str | None)
        assert_type(doubt.guid, str | None)
        assert_type(doubt.attempted_at, datetime | None)
        assert_type(doubt.reconcile(), LoggedSMS | None)
    except RateLimited as limited:
        assert_type(limited.retry_after, float | None)
    except (
        AuthenticationError,
        SubscriptionExpired,
        DeviceOffline,
        NotFound,
        ServerError,
        UnexpectedResponse,
    ) as error:
        assert_type(error.code, str | None)
        assert_type(error.status, int | None)
        assert_type(error.note, str | None)
    except APIError as error:
        assert_type(error.code, str | None)
    except (ConfigurationError, ConnectionFailed, ResponseTimeout):
        pass
    except (SignatureMismatch, TimestampOutOfTolerance, MalformedPayload) as refused:
        webhook: WebhookError = refused
        parent: SMSMobileError = webhook
        print(parent)
    except InvalidRequestError as invalid:
        value_error: ValueError = invalid
        print(value_error)


def tokens() -> None:
    token = Token(access_token="…", expires_at=datetime.now(timezone.utc))
    assert_type(token.access_token, str)
    assert_type(token.expires_at, datetime | None)
    Token(access_token="…")
