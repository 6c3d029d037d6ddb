"""The admin: what was sent and what came in, which nobody edits there, and the list of those who want nothing more."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Model, QuerySet
from django.forms import ModelForm, TextInput
from django.http import HttpRequest, HttpResponse
from django.utils.decorators import method_decorator
from django.utils.text import Truncator

from ...errors import InvalidRequestError
from ._resending import look_up, resend
from .models import IncomingMessage, OutgoingSMS, SuppressedNumber
from .suppression import as_stored

__all__ = ["IncomingMessageAdmin", "OutgoingSMSAdmin", "SuppressedNumberAdmin"]


def __dir__() -> list[str]:
    return __all__


if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
    NumberForm = ModelForm[SuppressedNumber]
else:
    ModelAdmin = admin.ModelAdmin
    NumberForm = ModelForm


class _ReadOnlyAdmin(ModelAdmin):
    """Rows are looked at, and perhaps deleted."""

    date_hierarchy = "created_at"
    ordering = ("-created_at", "-pk")

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002
        """Nobody: rows are made by the application."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:  # noqa: ARG002
        """Nobody: rows say what happened."""
        return False

    @admin.display(description="message")
    def beginning(self, row: Any) -> str:
        """The first words of a message."""
        return Truncator(row.message).chars(60)


@admin.register(OutgoingSMS)
class OutgoingSMSAdmin(_ReadOnlyAdmin):
    """Messages that the application has queued."""

    list_display = ("to", "beginning", "state", "reason", "attempts", "created_at", "finished_at")
    list_filter = ("state", "created_at")
    search_fields = ("to", "message", "key", "guid")
    actions = ("resend", "look_up")

    def has_resend_permission(self, request: HttpRequest) -> bool:
        """Who may change outgoing messages may send them again."""
        return admin.ModelAdmin.has_change_permission(self, request)

    @admin.action(description="Send again what failed or was not sent", permissions=["resend"])
    def resend(self, request: HttpRequest, rows: QuerySet[OutgoingSMS]) -> None:
        """Send again."""
        self._do(request, rows, resend, "sent again, or queued to be")

    @admin.action(description="Look up again what is unknown", permissions=["resend"])
    def look_up(self, request: HttpRequest, rows: QuerySet[OutgoingSMS]) -> None:
        """Look up again."""
        self._do(request, rows, look_up, "looked up, or queued to be")

    @method_decorator(transaction.non_atomic_requests)  # the journal commits each of its steps
    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The list, and the actions."""
        return super().changelist_view(request, extra_context)

    def _do(
        self, request: HttpRequest, rows: QuerySet[OutgoingSMS], act: Callable[[OutgoingSMS], str], done: str
    ) -> None:
        count = 0
        for row in rows:
            if why_not := act(row):
                self.message_user(request, f"{row.to}: {why_not}", messages.WARNING)
            else:
                count += 1
        if count:
            self.message_user(request, f"{count} message(s) {done}.", messages.SUCCESS)


@admin.register(IncomingMessage)
class IncomingMessageAdmin(_ReadOnlyAdmin):
    """SMS and WhatsApp messages that came in."""

    list_display = ("sender", "name", "beginning", "channel", "received_at", "created_at")
    list_filter = ("channel", "created_at")
    search_fields = ("sender", "name", "message", "guid")


class _SuppressedNumberForm(NumberForm):
    class Meta:
        model = SuppressedNumber
        fields = ("number", "source")
        widgets = {"source": TextInput}  # noqa: RUF012 - as Django reads it

    def clean_number(self) -> str:
        """The number as the table has it, however it was written."""
        try:
            return as_stored(self.cleaned_data["number"])
        except InvalidRequestError as error:
            raise ValidationError(str(error)) from None


@admin.register(SuppressedNumber)
class SuppressedNumberAdmin(ModelAdmin):
    """Numbers that get no more messages. They are added and deleted, and never changed."""

    form = _SuppressedNumberForm
    date_hierarchy = "created_at"
    ordering = ("-created_at", "number")
    list_display = ("number", "source", "created_at")
    search_fields = ("number", "source")

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:  # noqa: ARG002
        """Nobody: another number is another row."""
        return False
