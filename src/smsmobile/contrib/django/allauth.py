"""The adapter for phone numbers of django-allauth: a mixin that sends, for an adapter of yours that stores numbers."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from .sending import send_sms

__all__ = ["SMSAdapterMixin"]


def __dir__() -> list[str]:
    return __all__


class SMSAdapterMixin:
    """Sends what allauth has to text. To change a text, set the attribute in your adapter.

    class AccountAdapter(SMSAdapterMixin, DefaultAccountAdapter):
        verification_code_sms = "{code} is your code for Example."

    Each method raises what `send_sms` raises: allauth does not say that a code was sent if it was not.
    """

    verification_code_sms: Any = _("Your verification code is {code}.")
    unknown_account_sms: Any = _("Somebody asked for a code for this number, but it belongs to no account.")
    account_already_exists_sms: Any = _("Somebody tried to sign up with this number, but it has an account already.")

    def send_verification_code_sms(self, user: Any, phone: str, code: str, **_kwargs: Any) -> None:  # noqa: ARG002
        """Text a code to the number of a user."""
        send_sms(phone, str(self.verification_code_sms).format(code=code))

    def send_unknown_account_sms(self, phone: str, **_kwargs: Any) -> None:
        """Text a number, for which somebody asked for a code, that it belongs to no account."""
        send_sms(phone, self.unknown_account_sms)

    def send_account_already_exists_sms(self, phone: str) -> None:
        """Text a number, with which somebody tried to sign up, that it has an account."""
        send_sms(phone, self.account_already_exists_sms)
