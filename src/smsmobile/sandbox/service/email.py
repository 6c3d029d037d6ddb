"""Sending an e-mail and reading a mailbox. How one comes in lives in mailbox.py."""

from __future__ import annotations

import base64
import re
from itertools import islice
from secrets import compare_digest

from .. import events
from ..errors import invalid_apikeybox, invalid_param
from ..mailbox import OWNER, SENT
from ..parameters import Parameters, flag, integer, optional, required
from ..routes import POST, READ, Answer, Route
from ..rows import INBOX, Mail
from ..timestamps import day_and_clock, seconds
from .core import Service

PAGE = 50
"""So many e-mails are read at once."""

_ADDRESS = re.compile(r"[^@\s<>]+@[^@\s<>]+")
_CC = ("email_cc1", "email_cc2", "email_cc3")
_FOLDERS = {box.casefold(): box for box in (INBOX, SENT)}


def send(service: Service, given: Parameters) -> Answer:
    """Send an e-mail: it lies in the folder `Sent` from then on, and goes nowhere else.

    The vendor's own package leaves the sender out, though it is documented as required: then it is the mailbox.
    """
    key = required(given, "apikeybox")
    sender_name = optional(given, "sender_name") or ""
    sender = _address(given, "sender_email") if optional(given, "sender_email") else OWNER
    recipient = _address(given, "recipient_email")
    subject, body = required(given, "mail_subject"), required(given, "mail_body")
    required(given, "allow_self_signed")
    flag(given, "allow_self_signed", "no", "yes")
    flag(given, "unsubscribe")
    attachments = _attachments(given)
    cc = tuple(_address(given, name) for name in _CC if optional(given, name))
    reply_to = _address(given, "reply_email") if optional(given, "reply_email") else ""
    service.check_subscription()
    _check_box(service, key)
    store = service.store
    now = store.now()
    guid = store.new_guid()
    mail = Mail(
        *(store.new_id(), guid, SENT, sender_name, sender, recipient, subject, body, now, attachments),
        cc=cc,
        reply_to=reply_to,
        reply_name=optional(given, "reply_name") or "",
        charset=optional(given, "charset") or "",
    )
    store.mails.put(mail)
    service.publish(events.email_sent(mail, now))
    return {"success": True, "message": "Email sent successfully.", "id": guid}


def read(service: Service, given: Parameters) -> Answer:
    """E-mails of a folder, newest first, from the one numbered `start` on."""
    key = required(given, "apikeybox")
    box = _FOLDERS.get(required(given, "mbox").casefold())
    if box is None:
        raise invalid_param("mbox")
    required(given, "start")
    start = integer(given, "start", 0)
    service.check_subscription()
    _check_box(service, key)
    mails = [mail for mail in reversed(service.store.mails) if mail.box == box]
    rows = [_row(mail) for mail in islice(mails, start, start + PAGE)]
    return {"success": True, "count": len(rows), "total": str(len(mails)), "items": rows}


def _check_box(service: Service, key: str) -> None:
    if not compare_digest(key.encode(), service.store.account.mailbox_key.encode()):
        raise invalid_apikeybox()


def _address(given: Parameters, name: str) -> str:
    value = required(given, name).strip()
    if not _ADDRESS.fullmatch(value):
        raise invalid_param(name)
    return value


def _attachments(given: Parameters) -> tuple[str, ...]:
    content = optional(given, "attachmentBase64")
    if content is None:
        return ()
    try:
        # An unencoded "+" arrives as a space, which is an error here: the file would be another one.
        base64.b64decode(re.sub(r"[\r\n]", "", content), validate=True)
    except ValueError:
        raise invalid_param("attachmentBase64") from None
    return (optional(given, "attachmentBase64_name_1") or "attachment",)


def _row(mail: Mail) -> Answer:
    return {
        "id": str(mail.id),
        "guid": mail.guid,
        "from_name": mail.sender_name,
        "from_email": mail.sender,
        "to_email": mail.recipient,
        "subject": mail.subject,
        "body": mail.body,
        "attachments": list(mail.attachments),
        "date": day_and_clock(mail.at),
        "timestamp_unix": str(seconds(mail.at)),
        **{name: value for name, value in _beside(mail).items() if value},
    }


def _beside(mail: Mail) -> Answer:
    """What only some e-mails have."""
    return {
        "cc": list(mail.cc),
        "reply_to": mail.reply_to,
        "reply_name": mail.reply_name,
        "charset": mail.charset,
    }


ROUTES = (
    # The vendor's own package for e-mail sends JSON, though only notifications are documented to take it.
    Route("/sendemail/", POST, send, takes_json=True),
    Route("/getemail/", READ, read),
)
