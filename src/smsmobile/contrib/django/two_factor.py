"""The gateway for django-two-factor-auth.

TWO_FACTOR_SMS_GATEWAY = "smsmobile.contrib.django.two_factor.SMSGateway"
"""

from __future__ import annotations

from typing import Any

from django.template.loader import render_to_string

from .sending import send_sms

__all__ = ["SMSGateway"]


def __dir__() -> list[str]:
    return __all__


class SMSGateway:
    """Sends the tokens of `two_factor.plugins.phonenumber`."""

    def send_sms(self, device: Any, token: str) -> None:
        """Text a token to a device. The text is two_factor's own, of `two_factor/twilio/sms_message.html`.

        device: a PhoneDevice.
        token: the digits.

        Raises what `send_sms` raises. When a phone is set up, two_factor then says that the token could not be sent.
        """
        text = render_to_string("two_factor/twilio/sms_message.html", {"token": token})
        send_sms(device.number, text.strip())
