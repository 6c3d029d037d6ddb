"""The Django application."""

from __future__ import annotations

from importlib import import_module

from django.apps import AppConfig

__all__ = ["SMSMobileConfig"]


def __dir__() -> list[str]:
    return __all__


class SMSMobileConfig(AppConfig):
    """What `"smsmobile.contrib.django"` in INSTALLED_APPS stands for."""

    name = "smsmobile.contrib.django"
    label = "smsmobile"
    verbose_name = "SMS"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the system checks, and forget the client when a test changes the settings."""
        import_module(".checks", __package__)
        import_module(".conf", __package__)
