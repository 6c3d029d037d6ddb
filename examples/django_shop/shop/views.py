"""The page to order, and the page of an order."""

from __future__ import annotations

from django import forms
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render

from smsmobile import InvalidRequestError
from smsmobile.contrib.django.models import OutgoingSMS

from .models import OptOut, Order
from .sms import text_customer

OrderForm = forms.modelform_factory(Order, fields=["item", "phone"])


def shop(request: HttpRequest) -> HttpResponse:
    """Take an order. The order and its message are stored in one transaction: both, or none."""
    form = OrderForm(request.POST or None)
    if form.is_valid():
        try:
            with transaction.atomic():
                order = form.save()
                text_customer(order.phone, f"Thank you for ordering a {order.item}!", key=f"order-{order.pk}")
        except InvalidRequestError as error:  # no such number
            form.add_error("phone", str(error))
        else:
            return redirect("order", order.pk)
    return render(request, "shop/shop.html", {"form": form})


def order(request: HttpRequest, pk: int) -> HttpResponse:
    """Show an order, and what became of its message."""
    order = get_object_or_404(Order, pk=pk)
    sms = OutgoingSMS.objects.filter(key=f"order-{order.pk}").first()
    has_opted_out = OptOut.objects.filter(phone=order.phone).exists()
    return render(request, "shop/order.html", {"order": order, "sms": sms, "has_opted_out": has_opted_out})
