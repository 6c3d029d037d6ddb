"""Orders, and the customers who do not want to be texted."""

from __future__ import annotations

from django.db import models


class Order(models.Model):
    """What a customer has ordered."""

    phone = models.CharField(max_length=20, help_text="with + and the country code")
    item = models.CharField(max_length=100)
    is_shipped = models.BooleanField(default=False, editable=False)

    def __str__(self) -> str:
        return f"order {self.pk}"


class OptOut(models.Model):
    """A number that has answered STOP."""

    phone = models.CharField(max_length=20, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.phone
