"""What the shop texts, and what it does with answers."""

from __future__ import annotations

from typing import Any

from django.dispatch import receiver

from smsmobile.contrib.django import queue_sms
from smsmobile.contrib.django.signals import sms_received
from smsmobile.delivery import is_opt_in, is_opt_out
from smsmobile.webhooks import SMSReceived

from .models import OptOut, Order


def text_customer(phone: str, message: str, *, key: str) -> None:
    """Queue a message, unless the customer does not want any. It is sent only if this transaction is committed."""
    if not OptOut.objects.filter(phone=phone).exists():
        queue_sms(phone, message, key=key)


@receiver(sms_received)
def answer(event: SMSReceived, **_: Any) -> None:
    """STOP ends all messages, START allows them again. Anything else is answered with the state of the last order."""
    phone, message = event.data.sender, event.data.message
    order = Order.objects.filter(phone=phone).last()
    if is_opt_out(message):
        OptOut.objects.get_or_create(phone=phone)
    elif is_opt_in(message):
        OptOut.objects.filter(phone=phone).delete()
    elif order is not None:
        state = "on its way" if order.is_shipped else "being packed"
        text_customer(phone, f"Your {order.item} is {state}. Answer STOP to get no more messages.", key=event.id)
