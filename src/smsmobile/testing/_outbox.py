"""`Outbox`: what the phones of a sandbox have sent, as a sequence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..contrib._message_list import MessageList

if TYPE_CHECKING:
    from ..sandbox import OutboxSMS, Sandbox

__all__ = ["Outbox"]


def __dir__() -> list[str]:
    return __all__


class Outbox(MessageList["OutboxSMS"]):
    """What all phones of a sandbox have sent, oldest first. It shows what is sent later, too.

    sandbox: the sandbox to look at.
    """

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    def _messages(self) -> list[OutboxSMS]:
        return sorted((sms for phone in self._sandbox.phones for sms in phone.outbox), key=lambda sms: sms.id)
