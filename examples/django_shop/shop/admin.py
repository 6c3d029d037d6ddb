"""The admin: orders, which are shipped here, beside the messages of smsmobile."""

from __future__ import annotations

from django.contrib import admin
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest

from .models import OptOut, Order
from .sms import text_customer


@admin.register(Order)
class OrderAdmin(admin.ModelAdmin):
    """Orders."""

    list_display = ("pk", "item", "phone", "is_shipped")
    actions = ("ship",)

    @admin.action(description="Ship, and tell the customer", permissions=["change"])
    def ship(self, _request: HttpRequest, orders: QuerySet[Order]) -> None:
        """Ship. The key keeps a customer from being told twice, whoever clicks how often."""
        with transaction.atomic():
            for order in orders.filter(is_shipped=False):
                text_customer(order.phone, f"Your {order.item} is on its way.", key=f"shipped-{order.pk}")
            orders.update(is_shipped=True)


admin.site.register(OptOut)
