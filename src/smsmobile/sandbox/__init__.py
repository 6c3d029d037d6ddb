"""A local SMSMobileAPI with a simulated phone, for development and tests: `Sandbox` and what it hands out.

This file holds the public names, and says what to install where the extra is missing.
"""

from __future__ import annotations

import sys

try:
    from .box import Sandbox
except ModuleNotFoundError as error:
    if (error.name or "").partition(".")[0] != "flask":
        raise
    _NEEDS = "The sandbox needs Flask, which is not installed: pip install flask"
    if sys.argv[:1] == ["-m"] and __name__ in sys.orig_argv:  # `python -m smsmobile.sandbox` has come this far
        sys.exit(_NEEDS)
    raise ImportError(_NEEDS, name=error.name) from None

from .clock import Clock
from .faults import Faults
from .phone import Phone
from .rows import Fault, OutboxSMS, RecordedRequest
from .webhooks import DeliveryAttempt, Webhook

__all__ = ["Clock", "DeliveryAttempt", "Fault", "Faults", "OutboxSMS", "Phone", "RecordedRequest", "Sandbox", "Webhook"]


def __dir__() -> list[str]:
    return __all__
