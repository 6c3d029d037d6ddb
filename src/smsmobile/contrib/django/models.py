"""The tables: outgoing and incoming messages, handled events, the journal, and the list of opt-outs."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from django.db import models
from django.utils import timezone

from ..._redaction import mask_number
from .._texts import escape, unescape

__all__ = ["HandledEvent", "IncomingMessage", "JournalMessage", "OutgoingSMS", "State", "SuppressedNumber"]


def __dir__() -> list[str]:
    return __all__


def new_key() -> str:
    """The key of a message that was given none."""
    return uuid4().hex


class State(models.TextChoices):
    """What became of a message that was queued."""

    QUEUED = "queued", "queued"
    """It waits for the worker."""
    ACCEPTED = "accepted", "accepted by the service"
    SENT = "sent", "sent by the phone"
    FAILED = "failed", "failed on the phone"
    REFUSED = "refused", "refused"
    """It was not sent, for a reason that concerns this message alone."""
    UNKNOWN = "unknown", "unknown"
    """It may have been sent, and nobody can tell. It is not sent again."""
    SUPPRESSED = "suppressed", "suppressed"
    """It was not sent: its recipient has asked for no more messages."""
    EXPIRED = "expired", "expired"
    """It was not sent: its time was over before it could be."""


class OutgoingSMS(models.Model):
    """A message that `queue_sms` has stored. The worker sends it and records what became of it."""

    key = models.CharField(max_length=255, unique=True, default=new_key, help_text="One message is sent for a key.")
    to = models.CharField(max_length=64)
    message = models.TextField()
    sim = models.PositiveSmallIntegerField(null=True, blank=True)
    device = models.CharField(max_length=255, blank=True, help_text="The SID of the phone; empty for the default.")
    schedule_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True, help_text="It is not sent from then on.")
    shorten_urls = models.BooleanField(default=False)
    encrypt = models.BooleanField(default=False)
    whatsapp = models.BooleanField(default=False, help_text="Also send it by WhatsApp.")
    urgent = models.BooleanField(default=False, help_text="It does not wait for the send window.")
    confirms_opt_out = models.BooleanField(default=False, help_text="It is sent to a suppressed number as well.")

    state = models.CharField(max_length=16, choices=State.choices, default=State.QUEUED)
    guid = models.CharField("GUID", max_length=255, blank=True, db_index=True)
    attempts = models.PositiveIntegerField(default=0)
    reason = models.TextField(blank=True, help_text="Why it is not sent, or not yet.")
    created_at = models.DateTimeField(default=timezone.now, db_index=True)
    due_at = models.DateTimeField(default=timezone.now, help_text="The worker does not try it earlier.")
    claimed_until = models.DateTimeField(null=True, blank=True, help_text="A worker is sending it until then.")
    attempted_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "outgoing SMS"
        verbose_name_plural = "outgoing SMS"
        indexes = [models.Index(fields=["state", "due_at"], name="smsmobile_outgoing_due")]

    def __str__(self) -> str:
        return f"SMS {self.pk} ({self.state})"  # without the number: this text gets into logs


class IncomingMessage(models.Model):
    """An SMS or a WhatsApp message that came in."""

    channel = models.CharField(max_length=16, default="sms", help_text='"sms" or "whatsapp"')
    sender = models.CharField(max_length=255, db_index=True)
    name = models.CharField(max_length=255, blank=True)
    message = models.TextField(blank=True)
    guid = models.CharField("GUID", max_length=255, blank=True, db_index=True)
    device = models.CharField(max_length=255, blank=True)
    received_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        verbose_name = "incoming message"

    def __str__(self) -> str:
        return f"{self.channel} {self.pk}"


class HandledEvent(models.Model):
    """An event that is handled, or that somebody began to handle. `DjangoEventStore` uses it."""

    id = models.CharField(max_length=255, primary_key=True)
    type = models.CharField(max_length=64, blank=True)
    guid = models.CharField("GUID", max_length=255, blank=True, db_index=True)
    handled_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"event {self.pk}"


class ExactText(models.TextField):  # type: ignore[type-arg]  # which Django itself has not
    """A column of any text, also with characters that PostgreSQL does not store."""

    def get_prep_value(self, value: Any) -> Any:
        """To the database."""
        return None if value is None else escape(str(value))

    def from_db_value(self, value: str | None, *_: object) -> str | None:
        """From the database."""
        return None if value is None else unescape(value)


class JournalMessage(models.Model):
    """What the journal keeps of a message. `DjangoJournal` uses it; its fields are those of `JournalEntry`."""

    id = models.CharField(max_length=255, primary_key=True, help_text="made of the key, as `journal.id_of` does")
    key = ExactText()
    state = models.CharField(max_length=16, help_text="planned, started; or an outcome, a value of SendStatus")
    number = models.CharField(max_length=64, db_index=True)
    fingerprint = ExactText()
    precision = models.CharField(max_length=32)
    look = ExactText()
    attempted_at = models.FloatField(help_text="Unix seconds of the sender's clock")
    until = models.FloatField(help_text="Unix seconds of the sender's clock")
    token = ExactText()
    guid = ExactText(null=True)
    reason = ExactText(null=True)
    leased_at = models.FloatField(help_text="Unix seconds of the database's clock")
    lease_end = models.FloatField(help_text="Unix seconds of the database's clock")

    class Meta:
        indexes = [models.Index(fields=["state", "lease_end"], name="smsmobile_journal_lease")]

    def __str__(self) -> str:
        return f"journal entry ({self.state})"


class SuppressedNumber(models.Model):
    """A number that gets no more messages. `DjangoSuppression` uses it."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    number = models.CharField(max_length=64, unique=True, help_text="With + and country code.")
    source = models.TextField(blank=True, help_text="What asked for it, such as the GUID of a message.")
    created_at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        verbose_name = "suppressed number"

    def __str__(self) -> str:
        return mask_number(self.number)  # this text gets into logs
