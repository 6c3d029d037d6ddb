"""The first tables."""

import uuid

import django.utils.timezone
from django.db import migrations, models

import smsmobile.contrib.django.models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="HandledEvent",
            fields=[
                ("id", models.CharField(max_length=255, primary_key=True, serialize=False)),
                ("type", models.CharField(blank=True, max_length=64)),
                ("guid", models.CharField(blank=True, db_index=True, max_length=255, verbose_name="GUID")),
                ("handled_at", models.DateTimeField(null=True)),
                ("expires_at", models.DateTimeField(db_index=True)),
            ],
        ),
        migrations.CreateModel(
            name="IncomingMessage",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("channel", models.CharField(default="sms", help_text='"sms" or "whatsapp"', max_length=16)),
                ("sender", models.CharField(db_index=True, max_length=255)),
                ("name", models.CharField(blank=True, max_length=255)),
                ("message", models.TextField(blank=True)),
                ("guid", models.CharField(blank=True, db_index=True, max_length=255, verbose_name="GUID")),
                ("device", models.CharField(blank=True, max_length=255)),
                ("received_at", models.DateTimeField(blank=True, null=True)),
                ("created_at", models.DateTimeField(db_index=True, default=django.utils.timezone.now)),
            ],
            options={
                "verbose_name": "incoming message",
            },
        ),
        migrations.CreateModel(
            name="JournalMessage",
            fields=[
                (
                    "id",
                    models.CharField(
                        help_text="made of the key, as `journal.id_of` does",
                        max_length=255,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("key", smsmobile.contrib.django.models.ExactText()),
                (
                    "state",
                    models.CharField(help_text="planned, started; or an outcome, a value of SendStatus", max_length=16),
                ),
                ("number", models.CharField(db_index=True, max_length=64)),
                ("fingerprint", smsmobile.contrib.django.models.ExactText()),
                ("precision", models.CharField(max_length=32)),
                ("look", smsmobile.contrib.django.models.ExactText()),
                ("attempted_at", models.FloatField(help_text="Unix seconds of the sender's clock")),
                ("until", models.FloatField(help_text="Unix seconds of the sender's clock")),
                ("token", smsmobile.contrib.django.models.ExactText()),
                ("guid", smsmobile.contrib.django.models.ExactText(null=True)),
                ("reason", smsmobile.contrib.django.models.ExactText(null=True)),
                ("leased_at", models.FloatField(help_text="Unix seconds of the database's clock")),
                ("lease_end", models.FloatField(help_text="Unix seconds of the database's clock")),
            ],
            options={
                "indexes": [models.Index(fields=["state", "lease_end"], name="smsmobile_journal_lease")],
            },
        ),
        migrations.CreateModel(
            name="OutgoingSMS",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "key",
                    models.CharField(
                        default=smsmobile.contrib.django.models.new_key,
                        help_text="One message is sent for a key.",
                        max_length=255,
                        unique=True,
                    ),
                ),
                ("to", models.CharField(max_length=64)),
                ("message", models.TextField()),
                ("sim", models.PositiveSmallIntegerField(blank=True, null=True)),
                (
                    "device",
                    models.CharField(
                        blank=True, help_text="The SID of the phone; empty for the default.", max_length=255
                    ),
                ),
                ("schedule_at", models.DateTimeField(blank=True, null=True)),
                (
                    "expires_at",
                    models.DateTimeField(blank=True, help_text="It is not sent from then on.", null=True),
                ),
                ("shorten_urls", models.BooleanField(default=False)),
                ("encrypt", models.BooleanField(default=False)),
                ("whatsapp", models.BooleanField(default=False, help_text="Also send it by WhatsApp.")),
                ("urgent", models.BooleanField(default=False, help_text="It does not wait for the send window.")),
                (
                    "confirms_opt_out",
                    models.BooleanField(default=False, help_text="It is sent to a suppressed number as well."),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("queued", "queued"),
                            ("accepted", "accepted by the service"),
                            ("sent", "sent by the phone"),
                            ("failed", "failed on the phone"),
                            ("refused", "refused"),
                            ("unknown", "unknown"),
                            ("suppressed", "suppressed"),
                            ("expired", "expired"),
                        ],
                        default="queued",
                        max_length=16,
                    ),
                ),
                ("guid", models.CharField(blank=True, db_index=True, max_length=255, verbose_name="GUID")),
                ("attempts", models.PositiveIntegerField(default=0)),
                ("reason", models.TextField(blank=True, help_text="Why it is not sent, or not yet.")),
                ("created_at", models.DateTimeField(db_index=True, default=django.utils.timezone.now)),
                (
                    "due_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now, help_text="The worker does not try it earlier."
                    ),
                ),
                (
                    "claimed_until",
                    models.DateTimeField(blank=True, help_text="A worker is sending it until then.", null=True),
                ),
                ("attempted_at", models.DateTimeField(blank=True, null=True)),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "verbose_name": "outgoing SMS",
                "verbose_name_plural": "outgoing SMS",
                "indexes": [models.Index(fields=["state", "due_at"], name="smsmobile_outgoing_due")],
            },
        ),
        migrations.CreateModel(
            name="SuppressedNumber",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("number", models.CharField(help_text="With + and country code.", max_length=64, unique=True)),
                (
                    "source",
                    models.TextField(blank=True, help_text="What asked for it, such as the GUID of a message."),
                ),
                ("created_at", models.DateTimeField(db_index=True, default=django.utils.timezone.now)),
            ],
            options={
                "verbose_name": "suppressed number",
            },
        ),
    ]
