"""The backend for django-phone-verify: `"BACKEND": "smsmobile.contrib.django.phone_verify.SMSBackend"`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from phone_verify.backends.base import BaseBackend

from .sending import send_sms

__all__ = ["SMSBackend"]


def __dir__() -> list[str]:
    return __all__


class SMSBackend(BaseBackend):  # type: ignore[misc]
    """Sends the security codes of `PHONE_VERIFICATION`. It needs no `OPTIONS`."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        # phone_verify logs the exceptions of this class, with the number, and answers as if the code had been sent.
        # No exception is of the class (), so each one reaches whoever asked for the code.
        self.exception_class = ()

    def send_sms(self, number: Any, message: Any) -> None:
        """Text a message to a number. Raises what `send_sms` raises."""
        send_sms(number, message)

    def send_bulk_sms(self, numbers: Iterable[Any], message: Any) -> None:
        """Text a message to several numbers, one after the other. The first failure ends it, and is raised."""
        for number in numbers:
            send_sms(number, message)
