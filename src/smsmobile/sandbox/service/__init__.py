"""The service's operations, one file a channel: each reads its parameters, does its work and spells its answer.

This file joins their addresses. HTTP lives in app.py, errors in errors.py.
"""

from __future__ import annotations

from . import calls, conversations, devices, email, notifications, sending, sms, whatsapp
from .core import Service

ROUTES = (
    *sending.ROUTES,
    *sms.ROUTES,
    *conversations.ROUTES,
    *devices.ROUTES,
    *calls.ROUTES,
    *notifications.ROUTES,
    *whatsapp.ROUTES,
    *email.ROUTES,
)

__all__ = ["ROUTES", "Service"]
