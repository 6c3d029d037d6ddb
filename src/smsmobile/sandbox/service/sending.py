"""Sending and sending again, by SMS and by WhatsApp. What the phone then does lives in phone.py."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from .. import events
from ..errors import invalid_param, not_found, not_in_error, refused_recipient
from ..parameters import Parameters, flag, instant, number, optional, required
from ..recipients import behaviour_of
from ..routes import WRITE, Answer, Route
from ..rows import Channel, Message
from ..timestamps import iso, iso_local
from .core import Service

_MEDIA = re.compile(
    r"https://[^\s/]+/\S*\.(?:pdf|xml|docx?|odt|rtf|txt|tex|xlsx?|csv|ods|pptx?|odp|zip|rar|7z|tar|gz|jpe?g|png)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class _Wanted:
    number: str
    message: str
    sim: int | None
    device: str | None
    scheduled_at: datetime | None
    encrypted: bool
    channels: tuple[Channel, ...]
    media_url: str | None


def send(service: Service, given: Parameters) -> Answer:
    """Queue a message by SMS, by WhatsApp, or by both: then the answer is about the SMS.

    What `sendsms=0` blocks is in the log as refused by the API.
    """
    wanted = _read(given)
    store = service.store
    phone = service.choose_phone(wanted.device)
    now = store.now()
    refused = behaviour_of(wanted.number).api_error
    messages = [
        store.messages.put(
            Message(
                id=store.new_id(),
                guid=store.new_guid(),
                phone=phone,
                number=wanted.number,
                text=wanted.message,
                submitted_at=now,
                ready_at=max(now, wanted.scheduled_at or now),
                channel=channel,
                sim=wanted.sim,
                encrypted=wanted.encrypted,
                by_whatsapp="whatsapp" in wanted.channels,
                media_url=wanted.media_url,
                api_error=refused or ("" if wanted.channels else "sms_blocked"),
            )
        )
        for channel in wanted.channels or ("sms",)
    ]
    service.handled = tuple(message.guid for message in messages)
    if refused:
        raise refused_recipient(refused)
    for message in messages:
        if not message.failed:
            _submit(service, message)
    return _accepted(messages[0], now)


def resend(service: Service, given: Parameters) -> Answer:
    """Queue a failed SMS once more, under its old GUID."""
    return _resend(service, given, "sms")


def resend_by_whatsapp(service: Service, given: Parameters) -> Answer:
    """Queue a failed WhatsApp message once more, under its old GUID."""
    return _resend(service, given, "whatsapp")


def _resend(service: Service, given: Parameters, channel: Channel) -> Answer:
    guid = required(given, "guid")
    store = service.store
    service.check_subscription_to_send()
    message = store.messages.get(guid)
    if message is None or message.channel != channel:
        raise not_found()
    service.handled = (guid,)
    if not message.failed:
        raise not_in_error()
    service.choose_phone(message.phone)
    if refused := behaviour_of(message.number).api_error:
        raise refused_recipient(refused)
    now = store.now()
    message = store.messages.put(replace(message, ready_at=now, phone_error="", api_error="", resent=True))
    _submit(service, message)
    return _accepted(message, now)


def _submit(service: Service, message: Message) -> None:
    service.publish(events.submitted(message, service.store.now()))
    service.phones[message.phone].wake()


def _read(given: Parameters) -> _Wanted:
    """`from` and `shorturl` are accepted, and change nothing here."""
    recipient = number(given, "recipients")
    message = required(given, "message")
    port = optional(given, "port")
    if port not in (None, "1", "2"):
        raise invalid_param("port")
    media_url = optional(given, "url_media")
    if media_url is not None and not _MEDIA.fullmatch(media_url.partition("?")[0]):
        raise invalid_param("url_media")
    flag(given, "shorturl")
    flag(given, "pdf_with_image", "no", "yes")
    flag(given, "url_media_shorted", "no", "yes")
    only_whatsapp = flag(given, "waonly", "no", "yes")
    by_sms = flag(given, "sendsms", default=True) and not only_whatsapp
    by_whatsapp = flag(given, "sendwa") or only_whatsapp
    channels: dict[Channel, bool] = {"sms": by_sms, "whatsapp": by_whatsapp}
    return _Wanted(
        number=recipient,
        message=message,
        sim=None if port is None else int(port),
        device=optional(given, "sIdentifiant"),
        scheduled_at=instant(given, "schedule_timestamp"),
        encrypted=flag(given, "encrypt_message", "no", "yes"),
        channels=tuple(channel for channel, wanted in channels.items() if wanted),
        media_url=media_url,
    )


def _accepted(message: Message, at: datetime) -> Answer:
    blocked = bool(message.api_error)
    result: dict[str, Any] = {
        "error": 0,
        "sent": "0" if blocked else "1",
        "id": message.guid,
        "note": "blocked by sendsms=0" if blocked else "sent by mobile",
        "datetime": iso(at),
        "datetimeLocal": iso_local(at),
        "port": None if message.sim is None else str(message.sim),
        "iac_control": "1",
        "iac_authorized": "1",
        "send_with_whatsapp": "1" if message.by_whatsapp else "0",
        "encrypted": {"status": "1" if message.encrypted else "0"},
        "trial_account": {"status": "0", "sms_sent": 0},
    }
    return {"result": result}


ROUTES = (
    Route("/sendsms/", WRITE, send, sends=True),
    Route("/resend/", WRITE, resend, sends=True),
    Route("/resendwa/", WRITE, resend_by_whatsapp, sends=True),
)
