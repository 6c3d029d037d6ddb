"""What the functions of the frameworks that send have in common."""

from __future__ import annotations

from datetime import datetime
from typing import TypedDict


class SendOptions(TypedDict, total=False):
    """The options of a message, which are those of `client.sms.send`."""

    sim: int | None
    device: str | None
    schedule_at: datetime | None
    shorten_urls: bool
    encrypt: bool
    whatsapp: bool
