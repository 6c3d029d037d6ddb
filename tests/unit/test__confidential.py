"""Every public function that takes a secret: whatever is wrong, neither the error nor its frames show the secret."""

from __future__ import annotations

import inspect
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

import smsmobile
import smsmobile.auth
import smsmobile.webhooks
from smsmobile import (
    ApiKeyAuth,
    ConfigurationError,
    OAuth2ClientCredentials,
    Settings,
    SMSMobileClient,
    SMSMobileError,
    Token,
)
from smsmobile._confidential import without_frames
from smsmobile._storage import SQLiteFile
from smsmobile.auth import MemoryTokenStore
from smsmobile.channels.email import EmailChannel
from smsmobile.delivery import Inbox, SQLiteInboxState, SQLiteJournal
from smsmobile.webhooks import MemoryEventStore, SQLiteEventStore, WebhookEndpoint, WebhookReceiver, sign
from smsmobile.webhooks.signatures import SigningSecrets

from .cases import each_once

SECRET = "the/secret+of&these=tests~0123456789"
NAMES_OF_SECRETS = {"api_key", "client_id", "client_secret", "secret", "secrets", "mailbox_key", "access_token"}


class UserAuth(ApiKeyAuth):
    """An authentication that fails when it gets its transport."""

    def connect(self, transport: object) -> None:
        secret = SECRET
        try:
            raise KeyError(len(secret))
        except KeyError as error:
            raise ValueError("cannot connect") from error


OF_A_CLIENT: list[dict[str, Any]] = [
    *({"timeout": 0}, {"timeout": "soon"}, {"max_retries": -1}, {"default_region": "x"}, {"device": ""}),
    *({"base_url": "ftp://sms.example"}, {"base_url": f"https://user:{SECRET}@sms.example"}, {"mailbox_key": " "}),
    *({"client_id": "an id"}, {"auth": object()}, {"auth": SECRET, "api_key": None}),
    *({"api_key": f"{SECRET}\n"}, {"api_key": [SECRET]}, {"api_key": SECRET.encode()}, {"api_key": f'"{SECRET}"'}),
    {"mailbox_key": f"{SECRET}\n"},
]
OF_THE_CLIENT_ALONE: list[dict[str, Any]] = [
    *({"session": object()}, {"paths": {"nowhere": "/"}}, {"apikey": 1}),
    {"auth": UserAuth(SECRET), "api_key": None},
]
OF_A_PATH: list[dict[str, Any]] = [{"dotenv_path": SECRET}, {"dotenv_path": {"api_key": SECRET}}]
OF_AN_EMAIL: list[dict[str, Any]] = [{"mailbox_key": f"{SECRET}\n"}, {"mailbox_key": [SECRET]}, {"mailboxkey": 1}]


def email() -> EmailChannel:
    return SMSMobileClient(api_key="another key").email


def send_email(**given: Any) -> object:
    mail = {"to": "a@b.example", "subject": "s", "body": "b", "sender_email": "c@d.example", "sender_name": "n"}
    return email().send(**{**mail, "mailbox_key": SECRET, **given})


TAKES_SECRETS: dict[str, tuple[Callable[..., object], list[dict[str, Any]]]] = {
    "SMSMobileClient.__init__": (
        lambda **given: SMSMobileClient(**{"api_key": SECRET, **given}),
        OF_A_CLIENT + OF_THE_CLIENT_ALONE,
    ),
    "SMSMobileClient.from_env": (
        lambda **given: SMSMobileClient.from_env(**{"api_key": SECRET, **given}),
        OF_A_CLIENT + OF_THE_CLIENT_ALONE + OF_A_PATH,
    ),
    "Settings.__init__": (
        lambda **given: Settings(**{"client_secret": SECRET, "webhook_secret": SECRET, **given}),
        [bad for bad in OF_A_CLIENT if "client_id" not in bad],  # it takes any credentials
    ),
    "Settings.from_env": (
        lambda **given: Settings.from_env(**{"webhook_secret": SECRET, **given}),
        [{"timeout": 0}, {"apikey": SECRET}, {"webhook_secret": f"{SECRET}\n"}, *OF_A_PATH],
    ),
    "ApiKeyAuth.__init__": (
        lambda **given: ApiKeyAuth(**{"api_key": SECRET, **given}),
        [{"api_key": f"{SECRET}\n"}, {"api_key": SECRET.encode()}, {"key": SECRET}],
    ),
    "ApiKeyAuth.__call__": (ApiKeyAuth(SECRET), [{"request": None}, {}]),
    "OAuth2ClientCredentials.__init__": (
        lambda **given: OAuth2ClientCredentials(**{"client_id": SECRET, "client_secret": SECRET, **given}),
        [
            *({"client_secret": ""}, {"client_id": None}, {"client_secret": f"{SECRET}\r"}, {"store": object()}),
            *({"token_url": "http://id.example"}, {"token_url": f"https://x:{SECRET}@id.example"}),
        ],
    ),
    "Token.__init__": (Token, [{"accesstoken": SECRET}, {"access_token": [SECRET]}]),
    "Token.model_validate": (lambda **given: Token.model_validate(given), [{"token": SECRET}]),
    "Token.model_validate_json": (
        Token.model_validate_json,
        [{"json_data": f'{{"access_token": "{SECRET}'}, {"json_data": f'"{SECRET}"'}],
    ),
    "WebhookReceiver.__init__": (
        lambda **given: WebhookReceiver(**{"secrets": [SECRET], **given}),
        [
            *({"secrets": [SECRET, ""]}, {"secrets": [SECRET, 1]}, {"secrets": f"{SECRET}\n"}, {"secrets": [[SECRET]]}),
            *({"tolerance": -1}, {"tolerance": SECRET}, {"secrets": f"'{SECRET}'"}, {"secret": SECRET}),
        ],
    ),
    "sign": (
        lambda **given: sign(**{"body": b"{}", "secret": SECRET, "timestamp": 1, **given}),
        [
            *({"body": "{}"}, {"timestamp": 1.5}, {"secret": f"{SECRET}\n"}, {"secret": [SECRET]}),
            *({"timestamp": "\ud800"}, {"secret": SecretStr(f"{SECRET}\r")}),
        ],
    ),
    "EmailChannel.send": (
        send_email,
        [
            *({"to": "nobody"}, {"subject": ""}, {"body": 1}, {"unsubscribe": 2}, {"attachment": b""}),
            *({"attachment": "/nowhere"}, {"attachment_name": "x"}, *OF_AN_EMAIL),
        ],
    ),
    "EmailChannel.inbox": (
        lambda **given: email().inbox(**{"mailbox_key": SECRET, **given}),
        [{"folder": ""}, {"start": -1}, *OF_AN_EMAIL],
    ),
}


def links_of(error: BaseException) -> Iterator[BaseException]:
    """The error, its causes and its contexts."""
    rest: list[BaseException | None] = [error]
    while rest:
        link = rest.pop()
        if link is not None:
            yield link
            rest += [link.__cause__, link.__context__]


def shown_by(error: BaseException) -> str:
    """What an error reporter can print: the errors, and the variables of all frames but those of this file."""
    shown = []
    for link in links_of(error):
        shown += [str(link), repr(link), repr(vars(link))]
        for frame, _ in traceback.walk_tb(link.__traceback__):
            if frame.f_code.co_filename != __file__:
                for value in frame.f_locals.values():
                    shown += [repr(value), str(value), repr(getattr(value, "__dict__", ""))]
    summary = traceback.TracebackException.from_exception(error, capture_locals=True)
    shown += [repr(frame.locals) for frame in summary.stack if frame.filename != __file__]
    assert len(list(summary.format())) > 1
    return "\n".join(shown)


@pytest.mark.parametrize("name", TAKES_SECRETS)
def test_whatever_is_wrong_beside_a_secret_no_frame_of_the_library_shows_it(
    subtests: pytest.Subtests, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("SMSMOBILEAPI_MAILBOX_KEY", SECRET)
    call, wrong = TAKES_SECRETS[name]
    for given, where in each_once(wrong, ["outside", "while another error is handled"]):
        with subtests.test(given=given):
            error = error_of(call, given, where)
            assert error is not None, "nothing was wrong"
            assert SECRET not in shown_by(error)
            if where != "outside" and not error.__suppress_context__:
                assert any(str(link) == "of the caller" for link in links_of(error))


def error_of(call: Callable[..., object], given: dict[str, Any], where: str) -> BaseException | None:
    try:
        if where == "outside":
            call(**given)
        else:
            try:
                raise LookupError("of the caller")
            except LookupError:
                call(**given)
    except (SMSMobileError, TypeError, ValueError, AttributeError) as raised:
        return raised
    return None


def test_the_environment_is_in_no_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMSMOBILEAPI_API_KEY", SECRET)
    monkeypatch.setenv("A_PASSWORD_OF_ANOTHER_PROGRAM", "of-another-program")
    Path(".env").write_text("SMSMOBILEAPI_TIMEOUT=0\nANOTHER_PASSWORD=in-the-file\n")
    for build in (SMSMobileClient.from_env, Settings.from_env):
        with pytest.raises(ConfigurationError, match="SMSMOBILEAPI_TIMEOUT") as refused:
            build()
        shown = shown_by(refused.value)
        for password in (SECRET, "of-another-program", "in-the-file"):
            assert password not in shown


def takers() -> dict[str, Callable[..., object]]:
    """The public functions and methods with a parameter that is a secret by its name."""
    found: dict[str, Callable[..., object]] = {}
    homes = [smsmobile, smsmobile.auth, smsmobile.webhooks]
    things = {name: getattr(home, name) for home in homes for name in home.__all__} | {"EmailChannel": EmailChannel}
    for name, thing in things.items():
        methods = {f"{name}.{part}": method for part, method in inspect.getmembers(thing, callable)}
        for path, function in (methods if inspect.isclass(thing) else {name: thing}).items():
            public = path.endswith("__init__") or not path.split(".")[-1].startswith("_")
            if public and inspect.isroutine(function) and not (inspect.isclass(thing) and issubclass(thing, Exception)):
                try:
                    parameters = inspect.signature(function).parameters
                except ValueError:
                    continue
                if NAMES_OF_SECRETS & parameters.keys():
                    found[path] = function
    return found


def test_every_public_function_that_takes_a_secret_is_known_here() -> None:
    internal = {"EmailChannel.__init__"}  # the client makes it, and its key is a SecretStr
    assert takers().keys() - internal <= TAKES_SECRETS.keys()
    assert len(takers()) > 6


def test_what_was_handled_before_goes() -> None:
    @without_frames
    def fail(secret: str) -> None:
        try:
            raise KeyError(secret)
        except KeyError:
            raise ValueError("no") from None

    with pytest.raises(ValueError, match="no") as failed:
        fail(SECRET)
    assert failed.value.__context__ is None


def test_a_cause_stays_without_its_frames() -> None:
    @without_frames
    def fail(secret: str) -> None:
        try:
            raise KeyError(len(secret))
        except KeyError as error:
            raise ValueError("no") from error

    with pytest.raises(ValueError, match="no") as failed:
        fail(SECRET)
    assert isinstance(failed.value.__cause__, KeyError)
    assert failed.value.__cause__.__traceback__ is None


def test_an_error_that_is_its_own_cause_ends() -> None:
    @without_frames
    def fail() -> None:
        error = ValueError("no")
        raise error from error

    with pytest.raises(ValueError, match="no"):
        fail()


# --- objects that are half built --------------------------------------------------------------------------


class OwnClient(SMSMobileClient):
    def __init__(self, **given: Any) -> None:
        super().__init__(timeout=0, **given)


class OwnSettings(Settings):
    def __init__(self, **given: Any) -> None:
        super().__init__(client_id="", webhook_secret=SECRET, **given)  # type: ignore[arg-type]


class OwnReceiver(WebhookReceiver):
    def __init__(self, **given: Any) -> None:
        super().__init__(tolerance=0, secrets=list(given.values()))


class OwnAuth(OAuth2ClientCredentials):
    def __init__(self, **given: Any) -> None:
        super().__init__(SECRET, SECRET, token_url="ftp://id.example")


@pytest.mark.parametrize("kind", [OwnClient, OwnSettings, OwnReceiver, OwnAuth])
def test_what_a_failed_constructor_leaves_behind_can_be_printed_and_shows_no_secret(kind: Any) -> None:
    with pytest.raises(ConfigurationError) as failed:
        kind(api_key=SECRET)
    (left,) = [
        frame.f_locals["self"]
        for frame, _ in traceback.walk_tb(failed.value.__traceback__)
        if frame.f_code.co_name == "__init__"
    ]
    for text in (repr(left), str(left), f"{left}", repr(vars(left))):
        assert SECRET not in text
    assert list(traceback.TracebackException.from_exception(failed.value, capture_locals=True).format())


def test_an_object_that_was_never_built_can_be_printed(subtests: pytest.Subtests) -> None:
    for kind in [
        *(SMSMobileClient, Settings, ApiKeyAuth, OAuth2ClientCredentials, Token, MemoryTokenStore, WebhookReceiver),
        *(SigningSecrets, EmailChannel, MemoryEventStore, SQLiteEventStore, SQLiteFile, WebhookEndpoint),
        *(Inbox, SQLiteInboxState, SQLiteJournal),
    ]:
        with subtests.test(kind=kind):
            assert kind.__name__ in repr(kind.__new__(kind))


def test_a_token_that_is_no_token_is_not_shown() -> None:
    with pytest.raises(ValidationError, match="access_token") as refused:
        Token(access_token=[SECRET])  # type: ignore[arg-type]
    assert SECRET not in str(refused.value)
    assert SECRET not in repr(refused.value)


def test_a_function_without_frames_looks_like_itself() -> None:
    assert list(inspect.signature(SMSMobileClient).parameters)[:2] == ["auth", "api_key"]
    assert inspect.signature(SMSMobileClient.from_env).parameters["dotenv_path"].default is None
