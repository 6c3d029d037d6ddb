"""`/sendemail/`, `/getemail/` and the mailbox."""

import base64
import json
from datetime import datetime, timezone

import pytest
import requests

MOMENT = datetime(2026, 3, 20, 21, 0, 0, tzinfo=timezone.utc)
REQUIRED = [
    "apikeybox",
    "recipient_email",
    "mail_subject",
    "mail_body",
    "allow_self_signed",
]


@pytest.fixture
def mail(box):
    return {
        "apikeybox": box.mailbox.key,
        "sender_name": "Example Team",
        "sender_email": "team@example.org",
        "recipient_email": "somebody@example.com",
        "mail_subject": "Order confirmation",
        "mail_body": "Your order has been confirmed.",
        "allow_self_signed": "no",
    }


@pytest.fixture
def folder(api, box):
    def rows(mbox="INBOX", start=0):
        answer = api.get("/getemail/", apikeybox=box.mailbox.key, mbox=mbox, start=start)
        assert answer.status_code == 200, answer.text
        assert answer.json()["count"] == len(answer.json()["items"])
        return answer.json()["items"]

    return rows


def test_an_email_is_sent(api, box, mail):
    answer = api.post("/sendemail/", **mail)

    assert answer.status_code == 200
    (sent,) = box.mailbox.sent
    assert answer.json() == {"success": True, "message": "Email sent successfully.", "id": sent.guid}
    assert (sent.sender_name, sent.sender, sent.recipient) == (
        "Example Team",
        "team@example.org",
        "somebody@example.com",
    )
    assert (sent.subject, sent.body) == ("Order confirmation", "Your order has been confirmed.")
    assert box.mailbox.inbox == []


def test_only_by_post(api, box, mail):
    answer = api.get("/sendemail/", **mail)
    assert (answer.status_code, answer.json()["error"]) == (405, "method_not_allowed")
    assert box.mailbox.sent == []


def test_as_json_like_the_vendors_own_package(box, mail):
    body = {**mail, "apikey": box.api_key, "unsubscribe": 0, "charset": "UTF-8", "from_source": "python"}
    answer = requests.post(
        f"{box.url}/sendemail/", data=json.dumps(body), headers={"Content-Type": "application/json"}, timeout=5
    )
    assert answer.json()["success"] is True
    assert len(box.mailbox.sent) == 1


def test_without_a_sender_as_the_vendors_own_package_may_send_it_is_the_mailbox(api, box, mail):
    del mail["sender_name"], mail["sender_email"]
    assert api.post("/sendemail/", **mail).json()["success"] is True
    (sent,) = box.mailbox.sent
    assert (sent.sender_name, sent.sender) == ("", "mailbox@example.org")


def test_a_missing_parameter_is_named(subtests, api, box, mail):
    for name in REQUIRED:
        with subtests.test(name=name):
            rest = {each: value for each, value in mail.items() if each != name}
            answer = api.post("/sendemail/", **rest)
            assert (answer.status_code, answer.json()["message"]) == (400, f"Missing required param: {name}.")
            assert box.mailbox.sent == []


def test_a_malformed_parameter_is_named(subtests, api, box, mail):
    for name, value in [
        ("sender_email", "team"),
        ("sender_email", "a@b@c"),
        ("recipient_email", "somebody at example.com"),
        ("recipient_email", "a@example.com, b@example.com"),
        ("allow_self_signed", "1"),
        ("unsubscribe", "yes"),
        ("attachmentBase64", "not base64!"),
        ("attachmentBase64", "QUJDR"),
        ("attachmentBase64", "é"),
        ("attachmentBase64", "QU JD"),
    ]:
        with subtests.test(name=name):
            answer = api.post("/sendemail/", **{**mail, name: value})
            assert (answer.status_code, answer.json()["message"]) == (400, f"Invalid param: {name}.")
            assert box.mailbox.sent == []


@pytest.mark.parametrize("encode", [base64.b64encode, base64.encodebytes], ids=["one line", "many lines"])
def test_an_attachment(api, box, mail, encode):
    content = encode(bytes(range(256))).decode()
    api.post("/sendemail/", **mail, attachmentBase64=content, attachmentBase64_name_1="invoice.pdf", unsubscribe="1")
    assert box.mailbox.sent[0].attachments == ("invoice.pdf",)


@pytest.mark.parametrize("kind", ["data", "files"], ids=["form", "multipart, as PHP's curl sends an array"])
def test_an_attachment_of_two_megabytes(box, mail, kind):
    form = {**mail, "apikey": box.api_key, "attachmentBase64": base64.b64encode(b"x" * 2_000_000).decode()}
    if kind == "files":
        form = {name: (None, value) for name, value in form.items()}

    answer = requests.post(f"{box.url}/sendemail/", **{kind: form}, timeout=10)

    assert answer.status_code == 200
    assert box.mailbox.sent[0].attachments == ("attachment",)


@pytest.mark.parametrize("key", ["0" * 48, "é"])
def test_a_wrong_mailbox_key(api, box, mail, key):
    answer = api.post("/sendemail/", **{**mail, "apikeybox": key})
    assert answer.status_code == 403
    assert answer.json() == {"success": False, "error": "invalid_apikeybox"}
    assert api.get("/getemail/", apikeybox=key, mbox="INBOX", start=0).json()["error"] == "invalid_apikeybox"
    assert box.mailbox.sent == []


def test_the_api_key_is_no_mailbox_key(api, box):
    answer = api.get("/getemail/", apikeybox=box.api_key, mbox="INBOX", start=0)
    assert answer.json()["error"] == "invalid_apikeybox"


def test_the_mailbox_key_is_not_kept(api, box, mail):
    api.post("/sendemail/", **mail)
    assert box.mailbox.key not in box.requests[-1].parameters.values()


def test_an_email_that_came_in(box, folder):
    guid = box.mailbox.receive(
        "client@example.com", "Invoice", "See <b>attachment</b>.", sender_name="Kim", attachments=["a.pdf"], at=MOMENT
    )

    (row,) = folder()

    assert row.pop("id").isdecimal()
    assert row == {
        "guid": guid,
        "from_name": "Kim",
        "from_email": "client@example.com",
        "to_email": "mailbox@example.org",
        "subject": "Invoice",
        "body": "See <b>attachment</b>.",
        "attachments": ["a.pdf"],
        "date": "2026-03-20 21:00:00",
        "timestamp_unix": "1774040400",
    }


def test_folders_are_apart(api, box, mail, folder):
    api.post("/sendemail/", **mail)
    box.mailbox.receive("client@example.com", "Hello", "")
    assert [row["subject"] for row in folder("INBOX")] == ["Hello"]
    assert [row["subject"] for row in folder("inbox")] == ["Hello"]
    assert [row["subject"] for row in folder("Sent")] == ["Order confirmation"]


def test_pages_newest_first(api, box, folder):
    for number in range(53):
        box.mailbox.receive("client@example.com", str(number), "")
    assert [row["subject"] for row in folder()] == [str(number) for number in range(52, 2, -1)]
    assert [row["subject"] for row in folder(start=50)] == ["2", "1", "0"]
    assert folder(start=53) == []
    assert api.get("/getemail/", apikeybox=box.mailbox.key, mbox="INBOX", start=50).json()["total"] == "53"


@pytest.mark.parametrize("name", ["apikeybox", "mbox", "start"])
def test_reading_needs_its_parameters(api, box, name):
    params = {"apikeybox": box.mailbox.key, "mbox": "INBOX", "start": 0}
    del params[name]
    answer = api.get("/getemail/", **params)
    assert (answer.status_code, answer.json()["message"]) == (400, f"Missing required param: {name}.")


@pytest.mark.parametrize(("name", "value"), [("mbox", "Trash"), ("start", "-1"), ("start", "first")])
def test_a_malformed_filter_is_named(api, box, name, value):
    params = {"apikeybox": box.mailbox.key, "mbox": "INBOX", "start": 0, name: value}
    answer = api.get("/getemail/", **params)
    assert (answer.status_code, answer.json()["message"]) == (400, f"Invalid param: {name}.")


def test_both_directions_are_told_to_the_webhooks(api, box, mail, receiver):
    box.add_webhook(receiver.url, secret="secret")
    api.post("/sendemail/", **mail)
    box.mailbox.receive("client@example.com", "Hello", "", at=MOMENT)
    box.wait_for_deliveries()

    events = {event["type"]: event["data"] for event in (json.loads(got.body) for got in receiver.requests)}
    assert sorted(events) == ["email.received", "email.sent"]
    assert events["email.sent"].pop("sent_at")
    assert events["email.sent"] == {
        "guid": box.mailbox.sent[0].guid,
        "from": "team@example.org",
        "to": "somebody@example.com",
        "subject": "Order confirmation",
    }
    assert events["email.received"]["received_at"] == "2026-03-20T21:00:00Z"
    assert events["email.received"]["guid"] == box.mailbox.inbox[0].guid


def test_nobody_cannot_write(box):
    with pytest.raises(ValueError, match="sender"):
        box.mailbox.receive("", "x", "y")


def test_a_naive_moment_is_refused(box):
    with pytest.raises(ValueError, match="aware"):
        box.mailbox.receive("a@example.com", "x", "y", at=datetime(2026, 3, 20))  # noqa: DTZ001


def test_copies_the_address_for_replies_and_the_charset_are_kept(api, box, mail, folder):
    extra = {"email_cc1": "a@example.com", "email_cc3": "c@example.com", "reply_email": "context@example.org"}
    assert api.post("/sendemail/", **mail, **extra, reply_name="The PageContext", charset="utf-8").status_code == 200

    (sent,) = box.mailbox.sent
    assert sent.cc == ("a@example.com", "c@example.com")
    assert (sent.reply_to, sent.reply_name, sent.charset) == ("context@example.org", "The PageContext", "utf-8")
    (row,) = folder("Sent")
    assert row["cc"] == ["a@example.com", "c@example.com"]
    assert (row["reply_to"], row["reply_name"], row["charset"]) == ("context@example.org", "The PageContext", "utf-8")


@pytest.mark.parametrize("name", ["email_cc1", "email_cc2", "email_cc3", "reply_email"])
def test_a_copy_or_a_reply_goes_to_an_address(api, box, mail, name):
    answer = api.post("/sendemail/", **mail, **{name: "nobody"})

    assert answer.status_code == 400
    assert name in answer.text
    assert box.mailbox.sent == []
