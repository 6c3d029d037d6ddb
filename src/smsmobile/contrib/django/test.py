"""What tests look at: `outbox`, the messages that the backend `locmem` has recorded.

    from smsmobile.contrib.django.test import outbox

    assert outbox[0].recipient == "+33639981234"

In a test run nothing is sent, as with Django's mail: unless `BACKEND` is `sandbox`, it is `locmem`.
"""

from __future__ import annotations

from django.core import mail

from .._message_list import MessageList
from .._offline import RecordedSMS

__all__ = ["Outbox", "RecordedSMS", "outbox"]


def __dir__() -> list[str]:
    return __all__


class Outbox(MessageList[RecordedSMS]):
    """The recorded messages, in the order in which they were sent. It is empty at the start of each test.

    Django's test runner replaces `mail.outbox` before each test, and this one is then empty, too. Under pytest-django,
    which keeps `mail.outbox`, the pytest plugin of this library clears it.
    """

    def __init__(self) -> None:
        self._recorded: list[RecordedSMS] = []
        self._mails: object = None

    def append(self, sms: RecordedSMS) -> None:
        """Record a message. The backend does that."""
        self._messages().append(sms)

    def clear(self) -> None:
        """Forget all messages."""
        self._recorded.clear()

    def _messages(self) -> list[RecordedSMS]:
        mails = getattr(mail, "outbox", None)
        if mails is not self._mails:  # the object is kept, so that no new one has its identity
            self._mails = mails
            self._recorded.clear()
        return self._recorded


outbox = Outbox()
"""The messages of the current test."""
