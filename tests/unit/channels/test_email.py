"""E-mail: parameters of a send, the mailbox key, attachments, and rows of the inbox."""

from __future__ import annotations

import base64
import os
import pickle
import traceback
from collections.abc import Callable
from datetime import datetime, timezone
from enum import Enum
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
import responses
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr
from responses.matchers import query_param_matcher

from smsmobile import (
    APIError,
    AuthenticationError,
    ConfigurationError,
    InvalidRequestError,
    ReceivedEmail,
    SendOutcomeUnknown,
    SentEmail,
    Settings,
    SMSMobileClient,
    SMSMobileError,
)
from smsmobile._input.attachments import LARGEST_ATTACHMENT

BASE = "https://api.smsmobileapi.com"
SEND = f"{BASE}/sendemail/"
INBOX = f"{BASE}/getemail/"
KEY = "0123456789abcdef0123456789abcdef0123456789abcdef"
BOX_KEY = "mailbox/key+of&the=tests~0123"
MOMENT = datetime(2026, 3, 20, 21, 7, 44, tzinfo=timezone.utc)
SENDER = {"sender_email": "team@example.org", "sender_name": "The Team"}


@pytest.fixture
def client() -> SMSMobileClient:
    return SMSMobileClient(api_key=KEY, mailbox_key=BOX_KEY)


@pytest.fixture
def accepted(service: responses.RequestsMock) -> responses.RequestsMock:
    service.post(SEND, json={"success": True, "message": "Email sent successfully.", "id": "guid-1"})
    return service


def form(service: responses.RequestsMock) -> dict[str, str]:
    body = service.calls[-1].request.body
    return dict(parse_qsl(body if isinstance(body, str) else "", keep_blank_values=True, strict_parsing=True))


def send(client: SMSMobileClient, **options: Any) -> SentEmail:
    return client.email.send("ann@example.com", "Order 7", "It is\nready.", **{**SENDER, **options})


# --- sending ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "parameters"),
    [
        ({}, {}),
        ({"unsubscribe": True}, {"unsubscribe": "1"}),
        ({"allow_self_signed": True}, {"allow_self_signed": "yes"}),
        (
            {"attachment": b"\xfb\xff\x00", "attachment_name": "a b.bin"},
            {"attachmentBase64": "+/8A", "attachmentBase64_name_1": "a b.bin"},
        ),
        ({"cc": ["bob@example.com"]}, {"email_cc1": "bob@example.com"}),
        (
            {"cc": ("a@example.com", "b@example.com", "c@example.com")},
            {"email_cc1": "a@example.com", "email_cc2": "b@example.com", "email_cc3": "c@example.com"},
        ),
        ({"reply_email": "desk@example.org"}, {"reply_email": "desk@example.org"}),
        (
            {"reply_email": "desk@example.org", "reply_name": "The Desk"},
            {"reply_email": "desk@example.org", "reply_name": "The Desk"},
        ),
        ({"charset": "iso-8859-1"}, {"charset": "iso-8859-1"}),
        ({"mailbox_key": "another-key"}, {"apikeybox": "another-key"}),
        ({"mailbox_key": SecretStr("another-key")}, {"apikeybox": "another-key"}),
    ],
)
def test_a_send_carries_exactly_these_parameters(
    accepted: responses.RequestsMock, client: SMSMobileClient, options: dict[str, Any], parameters: dict[str, str]
) -> None:
    sent = send(client, **options)
    assert form(accepted) == {
        "apikey": KEY,
        "apikeybox": BOX_KEY,
        "sender_name": "The Team",
        "sender_email": "team@example.org",
        "recipient_email": "ann@example.com",
        "mail_subject": "Order 7",
        "mail_body": "It is\nready.",
        "allow_self_signed": "no",
        **parameters,
    }
    assert type(sent) is SentEmail
    assert (sent.guid, sent.note, sent.accepted) == ("guid-1", "Email sent successfully.", True)


@pytest.mark.parametrize(
    ("body", "guid"),
    [
        ({"success": True, "message": "sent"}, None),
        ({"success": "1", "data": {"guid": "guid-1"}}, "guid-1"),
        ({"result": {"error": 0, "sent": "1", "id": "guid-1"}}, "guid-1"),
        ({"result": {"error": 0, "note": "sent"}}, None),
        ({"error": "0", "messages": "sent"}, None),
    ],
)
def test_every_way_to_accept_one_is_understood(
    service: responses.RequestsMock, client: SMSMobileClient, body: object, guid: str | None
) -> None:
    service.post(SEND, json=body)
    sent = send(client)
    assert (sent.guid, sent.accepted) == (guid, True)


@pytest.mark.parametrize(
    "body",
    [
        {"success": False, "error": "smtp_failed", "message": "SMTP said no."},
        {"error": "smtp_failed", "message": "SMTP said no."},
        {"result": {"error": 0, "sent": "no", "note": "SMTP said no."}},
    ],
)
def test_a_refusal_is_an_api_error(
    service: responses.RequestsMock, client: SMSMobileClient, body: dict[str, Any]
) -> None:
    service.post(SEND, json=body)
    with pytest.raises(APIError) as refused:
        send(client)
    assert refused.value.note == "SMTP said no."


def test_a_send_in_doubt_says_to_look_into_the_mailbox(
    service: responses.RequestsMock, client: SMSMobileClient
) -> None:
    service.post(SEND, status=500, json={"success": False, "error": "server_error"})
    with pytest.raises(SendOutcomeUnknown, match="folder of sent mail") as unknown:
        send(client)
    assert (unknown.value.to, unknown.value.message) == ("ann@example.com", "It is\nready.")
    with pytest.raises(ConfigurationError, match="folder of sent mail"):
        unknown.value.reconcile()
    assert pickle.loads(pickle.dumps(unknown.value)).advice == unknown.value.advice
    assert len(service.calls) == 1


def test_a_bad_argument_is_refused_and_nothing_is_sent(
    subtests: pytest.Subtests, service: responses.RequestsMock, client: SMSMobileClient
) -> None:
    for options, reason in [
        ({"sender_email": "team"}, "The sender_email is not an e-mail address"),
        ({"sender_email": ""}, "The sender_email is empty"),
        ({"sender_email": "team@example.org\nBcc: x@example.org"}, "The sender_email contains a line break"),
        ({"sender_email": None}, "The sender_email is of type NoneType"),
        ({"sender_name": " "}, "The sender_name is empty"),
        ({"sender_name": "a\nb"}, "The sender_name contains a line break"),
        ({"attachment": b"x"}, "pass one with attachment_name="),
        ({"attachment": b"", "attachment_name": "a"}, "The attachment is empty"),
        ({"attachment": 7, "attachment_name": "a"}, "The attachment is of type int"),
        ({"attachment": b"x", "attachment_name": ""}, "The attachment_name is empty"),
        ({"attachment": "absent.pdf"}, "The attachment 'absent.pdf' cannot be read: No such file"),
        ({"attachment": "nul\x00.pdf"}, "cannot be read: ValueError"),
        ({"attachment": "."}, "is a directory, a pipe or a device; expected a file"),
        ({"attachment_name": "a.pdf"}, "there is no attachment"),
        ({"cc": "bob@example.com"}, "cc is of type str; expected a list"),
        ({"cc": None}, "cc is of type NoneType"),
        ({"cc": ["a@example.com"] * 4}, "cc has 4 addresses; the service takes at most 3"),
        ({"cc": ["bob"]}, "The address in cc is not an e-mail address"),
        ({"reply_email": "desk"}, "The reply_email is not an e-mail address"),
        ({"reply_name": "The Desk"}, "reply_name is set, but there is no address"),
        ({"reply_email": "a@example.com", "reply_name": "a\r\nb"}, "The reply_name contains a line break"),
        ({"charset": "utf-8; x=1"}, "The charset is not the name of a character set"),
    ]:
        with subtests.test(options=options):
            service.reset()
            with pytest.raises(InvalidRequestError, match=reason):
                send(client, **options)
            assert len(service.calls) == 0


def test_a_bad_mail_is_refused_without_showing_the_address(
    subtests: pytest.Subtests, service: responses.RequestsMock, client: SMSMobileClient
) -> None:
    for to, subject, body, reason in [
        ("ann", "s", "b", "The recipient is not an e-mail address"),
        ("ann@example.com, bob@example.com", "s", "b", "not an e-mail address"),
        ("Ann <ann@example.com>", "s", "b", "not an e-mail address"),
        ("a@b@c", "s", "b", "not an e-mail address"),
        ("ann@example.com", "", "b", "The subject is empty"),
        ("ann@example.com", "a\r\nBcc: x@example.org", "b", "The subject contains a line break"),
        ("ann@example.com", "s", " ", "The body is empty"),
    ]:
        with subtests.test(to=to):
            service.reset()
            with pytest.raises(InvalidRequestError, match=reason) as refused:
                client.email.send(to, subject, body, **SENDER)
            assert "ann" not in str(refused.value)
            assert len(service.calls) == 0


# --- attachments ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("spell", "name", "called"), [(str, None, "Größe 1.pdf"), (Path, "b.pdf", "b.pdf")])
def test_a_file_is_read_and_called_by_its_name(
    accepted: responses.RequestsMock,
    client: SMSMobileClient,
    tmp_path: Path,
    spell: Callable[[Path], Any],
    name: str | None,
    called: str,
) -> None:
    path = tmp_path / "Größe 1.pdf"
    path.write_bytes(b"%PDF\x00\xff")
    send(client, attachment=spell(path), attachment_name=name)
    assert base64.b64decode(form(accepted)["attachmentBase64"], validate=True) == b"%PDF\x00\xff"
    assert form(accepted)["attachmentBase64_name_1"] == called


def test_an_attachment_is_not_called_by_what_is_no_file_name(
    subtests: pytest.Subtests, service: responses.RequestsMock, client: SMSMobileClient
) -> None:
    for name in [
        *("../../etc/passwd", "/etc/passwd", "..\\..\\boot.ini", "a/b.pdf", ".", "..", "..."),
        *("a\x1b[2Jb.pdf", "a\x00b.pdf", "a\tb.pdf", "a\nb.pdf", "a\x7f.pdf", "a\x9b.pdf"),
        *("a\N{RIGHT-TO-LEFT OVERRIDE}fdp.exe", "a\N{LEFT-TO-RIGHT ISOLATE}.pdf", "a\N{ZERO WIDTH SPACE}.pdf"),
        *("a\N{LINE SEPARATOR}b.pdf", "é" * 128, "\ud83d.pdf"),
    ]:
        with subtests.test(name=name):
            service.reset()
            with pytest.raises(InvalidRequestError, match="The attachment_name "):
                send(client, attachment=b"x", attachment_name=name)
            assert len(service.calls) == 0


@pytest.mark.parametrize(
    "name",
    [
        "invoice 7.pdf",
        ".env",
        "Größe 1 (2).tar.gz",
        "می\N{ZERO WIDTH NON-JOINER}خواهم.pdf",
        "👩\N{ZERO WIDTH JOINER}🚒.png",
    ],
)
def test_an_attachment_is_called_by_any_file_name(
    accepted: responses.RequestsMock, client: SMSMobileClient, name: str
) -> None:
    send(client, attachment=b"x", attachment_name=name)
    assert form(accepted)["attachmentBase64_name_1"] == name


def test_a_path_is_what_its_text_holds(
    accepted: responses.RequestsMock, client: SMSMobileClient, tmp_path: Path
) -> None:
    (tmp_path / "a.pdf").write_bytes(b"%PDF")
    held = Enum("Held", {"PATH": str(tmp_path / "a.pdf")}, type=str)
    send(client, attachment=held.PATH)  # type: ignore[attr-defined]
    assert form(accepted)["attachmentBase64_name_1"] == "a.pdf"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(min_size=1, max_size=500))
def test_any_content_arrives_unchanged(
    accepted: responses.RequestsMock, client: SMSMobileClient, content: bytes
) -> None:
    send(client, attachment=content, attachment_name="a.bin")
    assert base64.b64decode(form(accepted)["attachmentBase64"], validate=True) == content


class Somewhere:
    """A path that is spelled as `spelled`."""

    def __init__(self, spelled: Any) -> None:
        self.spelled = spelled

    def __fspath__(self) -> Any:
        return self.spelled


def test_a_path_of_bytes_is_a_path_too(
    accepted: responses.RequestsMock, client: SMSMobileClient, tmp_path: Path
) -> None:
    (tmp_path / "a.pdf").write_bytes(b"%PDF")
    (entry,) = os.scandir(os.fsencode(tmp_path))
    for attachment in (entry, Somewhere(entry.path)):
        send(client, attachment=attachment)
        assert form(accepted)["attachmentBase64"] == base64.b64encode(b"%PDF").decode()
        assert form(accepted)["attachmentBase64_name_1"] == "a.pdf"


def test_a_path_that_spells_none_is_refused(service: responses.RequestsMock, client: SMSMobileClient) -> None:
    with pytest.raises(InvalidRequestError, match="The attachment is of type Somewhere, which returns no path"):
        send(client, attachment=Somewhere(7))
    assert len(service.calls) == 0


def pipe(path: Path) -> Path:
    os.mkfifo(path)
    return path


@pytest.mark.parametrize(
    "place",
    [
        pytest.param(pipe, marks=pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names here")),
        pytest.param(lambda path: "/dev/zero", marks=pytest.mark.skipif(os.name == "nt", reason="no such device here")),
        lambda path: path.parent,
    ],
)
def test_what_is_no_file_is_not_waited_for(
    service: responses.RequestsMock, client: SMSMobileClient, tmp_path: Path, place: Callable[[Path], Any]
) -> None:
    attachment = place(tmp_path / "a.pdf")
    with pytest.raises(InvalidRequestError, match="is a directory, a pipe or a device; expected a file"):
        send(client, attachment=attachment)
    assert len(service.calls) == 0


@pytest.mark.parametrize("spell", [bytes, bytearray, memoryview, lambda content: memoryview(content * 2)[::2]])
def test_every_kind_of_bytes_is_taken(
    accepted: responses.RequestsMock, client: SMSMobileClient, spell: Callable[[bytes], Any]
) -> None:
    send(client, attachment=spell(b"aaa"), attachment_name="a.txt")
    assert form(accepted)["attachmentBase64"] == "YWFh"


def test_a_memoryview_that_was_released_is_refused(service: responses.RequestsMock, client: SMSMobileClient) -> None:
    view = memoryview(b"abc")
    view.release()
    with pytest.raises(InvalidRequestError, match="a released memoryview"):
        send(client, attachment=view, attachment_name="a.txt")
    assert len(service.calls) == 0


def content_of(size: int, path: Path) -> dict[str, Any]:
    return {"attachment": bytes(size), "attachment_name": "a.bin"}


def file_of(size: int, path: Path) -> dict[str, Any]:
    path.write_bytes(bytes(size))
    return {"attachment": path}


@pytest.mark.parametrize("make", [content_of, file_of])
def test_an_attachment_can_be_as_large_as_the_limit_and_no_larger(
    accepted: responses.RequestsMock,
    client: SMSMobileClient,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    make: Callable[[int, Path], dict[str, Any]],
) -> None:
    assert LARGEST_ATTACHMENT == 25_000_000
    monkeypatch.setattr("smsmobile._input.attachments.LARGEST_ATTACHMENT", 1_000_000)
    send(client, **make(1_000_000, tmp_path / "a.bin"))
    with pytest.raises(InvalidRequestError, match="The attachment is larger than 1 MB, which mail servers refuse"):
        send(client, **make(1_000_001, tmp_path / "a.bin"))
    assert len(accepted.calls) == 1


def test_a_file_that_is_far_too_large_is_not_read(
    service: responses.RequestsMock, client: SMSMobileClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (tmp_path / "a.bin").open("wb") as file:
        file.truncate(1000**4)  # which takes no space
    monkeypatch.setattr(Path, "open", lambda *args: pytest.fail("it was opened"))
    with pytest.raises(InvalidRequestError, match="The attachment is larger than 25 MB"):
        send(client, attachment=tmp_path / "a.bin")
    assert len(service.calls) == 0


def test_the_text_that_half_an_emoji_gets_does_not_talk_of_sms(client: SMSMobileClient) -> None:
    with pytest.raises(InvalidRequestError, match="half of a surrogate pair at position 3, which cannot be sent") as no:
        client.email.send("ann@example.com", "s", "Hi \ud83d", **SENDER)
    assert "SMS" not in str(no.value)


# --- the mailbox's key ------------------------------------------------------------------------------------


def test_the_key_comes_from_the_environment(accepted: responses.RequestsMock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMSMOBILEAPI_API_KEY", KEY)
    monkeypatch.setenv("SMSMOBILEAPI_MAILBOX_KEY", BOX_KEY)
    send(SMSMobileClient.from_env())
    assert form(accepted)["apikeybox"] == BOX_KEY
    send(SMSMobileClient.from_env(mailbox_key="from-argument"))
    assert form(accepted)["apikeybox"] == "from-argument"


@pytest.mark.parametrize("run", [send, lambda client: client.email.inbox()], ids=["send", "inbox"])
def test_without_a_key_it_says_where_to_put_one(
    service: responses.RequestsMock, run: Callable[[SMSMobileClient], object]
) -> None:
    with pytest.raises(ConfigurationError, match=r"pass mailbox_key= .* SMSMOBILEAPI_MAILBOX_KEY"):
        run(SMSMobileClient(api_key=KEY))
    assert len(service.calls) == 0


def test_a_key_that_cannot_be_one_is_refused_and_not_shown(
    subtests: pytest.Subtests, service: responses.RequestsMock, client: SMSMobileClient
) -> None:
    for key, reason in [
        ("", "is empty"),
        (" ", "is empty"),
        (SecretStr(""), "is empty"),
        (f"{BOX_KEY}\n", "contains a line break or a control character, or has spaces"),
        (f" {BOX_KEY}", "contains a line break or a control character, or has spaces"),
        (f"{BOX_KEY}\x00", "contains a line break or a control character, or has spaces"),
        (7, "is of type int"),
        (b"key", "is of type bytes"),
    ]:
        with subtests.test(key=key):
            service.reset()
            with pytest.raises(ConfigurationError, match=f"mailbox_key {reason}") as refused:
                client.email.inbox(mailbox_key=key)
            assert BOX_KEY not in str(refused.value)
            assert len(service.calls) == 0


@pytest.mark.parametrize(
    ("run", "status", "body"),
    [
        (send, 403, {"success": False, "error": "invalid_apikeybox"}),
        (send, 502, {}),
        (lambda client: client.email.inbox(), 502, {}),
    ],
)
def test_the_variables_of_a_traceback_hold_no_key(
    service: responses.RequestsMock, run: Callable[..., object], status: int, body: dict[str, Any]
) -> None:
    service.post(SEND, status=status, json=body)
    service.get(INBOX, status=status, json=body)
    client = SMSMobileClient(api_key=KEY, mailbox_key=BOX_KEY, max_retries=0)
    with pytest.raises(SMSMobileError) as failed:
        run(client)
    printed = "".join(traceback.TracebackException.from_exception(failed.value, capture_locals=True).format())
    assert BOX_KEY not in printed
    assert "<SMSMobileClient" in printed, "the test no longer sees the variables"


def test_a_key_given_to_a_call_is_not_in_the_variables_of_our_frames(service: responses.RequestsMock) -> None:
    service.get(INBOX, status=403, json={"success": False})
    client = SMSMobileClient(api_key=KEY)
    with pytest.raises(APIError) as failed:
        client.email.inbox(mailbox_key=BOX_KEY)
    ours = [
        frame.f_locals
        for frame, _ in traceback.walk_tb(failed.value.__traceback__)
        if frame.f_globals["__name__"].startswith("smsmobile.")
    ]
    assert ours
    assert BOX_KEY not in repr(ours)


def test_a_key_that_is_echoed_is_not_kept(service: responses.RequestsMock, client: SMSMobileClient) -> None:
    service.post(SEND, json={"success": True, "id": "g", "apikeybox": BOX_KEY, "log": f"box={BOX_KEY}"})
    sent = send(client)
    assert sent.model_extra is not None
    assert "apikeybox" not in sent.model_extra
    assert sent.model_extra["log"] == "box=***"


@pytest.mark.parametrize("thing", [SMSMobileClient, Settings])
def test_no_object_shows_the_key(thing: Any) -> None:
    made = thing(api_key=KEY, mailbox_key=BOX_KEY)
    email = made.email if isinstance(made, SMSMobileClient) else made
    assert BOX_KEY not in f"{made} {made!r} {email!r} {vars(email)!r}"


# --- the inbox --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "parameters"),
    [
        ({}, {}),
        ({"folder": "Sent"}, {"mbox": "Sent"}),
        ({"start": 50}, {"start": "50"}),
        ({"mailbox_key": "another-key"}, {"apikeybox": "another-key"}),
    ],
)
def test_the_inbox_is_asked_for_with_all_that_is_required(
    service: responses.RequestsMock, client: SMSMobileClient, options: dict[str, Any], parameters: dict[str, str]
) -> None:
    asked = {"mbox": "INBOX", "start": "0", "apikeybox": BOX_KEY, "apikey": KEY, **parameters}
    service.get(INBOX, json={"success": True, "items": []}, match=[query_param_matcher(asked)])
    assert client.email.inbox(**options) == []


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"folder": ""}, "The folder is empty"),
        ({"start": -1}, "start is -1"),
        ({"start": "0"}, "start is of type str"),
    ],
)
def test_a_bad_folder_is_refused_and_nothing_is_asked(
    service: responses.RequestsMock, client: SMSMobileClient, options: dict[str, Any], reason: str
) -> None:
    with pytest.raises(InvalidRequestError, match=reason):
        client.email.inbox(**options)
    assert len(service.calls) == 0


def test_a_row_becomes_a_typed_model(service: responses.RequestsMock, client: SMSMobileClient) -> None:
    row = {
        "id": "3",
        "guid": "g",
        "from_name": "Ann",
        "from_email": "ann@example.com",
        "to_email": "team@example.org",
        "subject": "Re: Order 7",
        "body": "<p>Thanks</p>",
        "attachments": ["a.pdf"],
        "date": "2026-03-20 21:07:44",
        "timestamp_unix": "1774040864",
    }
    service.get(INBOX, json={"success": True, "count": 1, "items": [row]})
    (mail,) = client.email.inbox()
    assert type(mail) is ReceivedEmail
    assert (mail.guid, mail.sender, mail.sender_name) == ("g", "ann@example.com", "Ann")
    assert (mail.recipient, mail.subject, mail.body) == ("team@example.org", "Re: Order 7", "<p>Thanks</p>")
    assert mail.received_at == MOMENT
    assert mail.model_extra is not None
    assert mail.model_extra["attachments"] == ["a.pdf"]


def test_every_spelling_of_a_row_is_read(subtests: pytest.Subtests) -> None:
    for row, attribute, value in [
        ({"from": "ann@example.com"}, "sender", "ann@example.com"),
        ({"sender_email": "ann@example.com", "from_email": ""}, "sender", "ann@example.com"),
        ({"sender_name": "Ann", "from_name": None}, "sender_name", "Ann"),
        ({"to": "team@example.org"}, "recipient", "team@example.org"),
        ({"mail_subject": "Hi"}, "subject", "Hi"),
        ({"subject": ""}, "subject", None),
        ({"message": "Hi"}, "body", "Hi"),
        ({"body": None}, "body", ""),
        ({"uid": 17}, "guid", "17"),
        ({"udate": 1774040864}, "received_at", MOMENT),
        ({"timestamp_unix": "20260320210744000"}, "received_at", MOMENT),
        ({"date": "2026-03-20", "hour": "21:07:44"}, "received_at", MOMENT),
        ({"date": "2026-03-20T22:07:44+01:00"}, "received_at", MOMENT),
        ({"date": "Fri, 20 Mar 2026 22:07:44 +0100"}, "received_at", MOMENT),
        ({"date": "20 Mar 2026 21:07:44 GMT"}, "received_at", MOMENT),
        ({"datetime": "Fri, 20 Mar 2026 21:07:44 -0000"}, "received_at", MOMENT),
        ({"date": "yesterday"}, "received_at", None),
        ({"date": "Fri, 99 Mar 2026 99:07:44 +0100"}, "received_at", None),
        ({"timestamp_unix": [7]}, "received_at", None),
    ]:
        with subtests.test(row=row):
            assert getattr(ReceivedEmail.from_wire(row), attribute) == value


@given(junk=st.text())
def test_no_date_is_too_strange(junk: str) -> None:
    moment = ReceivedEmail.from_wire({"date": junk}).received_at
    assert moment is None or moment.tzinfo is not None


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (403, {"success": False, "error": "invalid_apikeybox"}),
        (400, {"success": False, "error": "missing_apikeybox"}),
        (403, {"success": False, "message": "Unknown apikeybox."}),
    ],
)
def test_a_wrong_mailbox_key_is_told_from_a_wrong_api_key(
    service: responses.RequestsMock, client: SMSMobileClient, status: int, body: dict[str, object]
) -> None:
    service.get("https://api.smsmobileapi.com/getemail/", status=status, json=body)
    with pytest.raises(AuthenticationError, match="refused the mailbox's key; check mailbox_key= or SMSMOBILEAPI_"):
        client.email.inbox()
