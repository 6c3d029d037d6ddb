"""The backend for django-sms: `SMS_BACKEND = "smsmobile.contrib.django.sms_backend.SmsBackend"`."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from sms.backends.base import BaseSmsBackend
from sms.message import Message

from ...errors import SMSMobileError
from .sending import send_sms

__all__ = ["SmsBackend"]


def __dir__() -> list[str]:
    return __all__


log = logging.getLogger("smsmobile")


class SmsBackend(BaseSmsBackend):  # type: ignore[misc]
    """Sends the messages of django-sms. The originator is not used: it is the number of the phone that sends."""

    def send_messages(self, messages: Sequence[Message]) -> int:
        """Send each message to each of its recipients. Returns how many were accepted.

        Raises what `send_sms` raises, at the first failure: messages before it were accepted, those after it were not
        sent. With `fail_silently` it logs the failures and sends the others.
        """
        accepted = 0
        for message in messages:
            for recipient in message.recipients:
                try:
                    send_sms(recipient, message.body)
                except SMSMobileError as error:
                    if not self.fail_silently:
                        raise
                    log.warning("A message of django-sms failed silently. %s: %s", type(error).__name__, error)
                else:
                    accepted += 1
        return accepted
