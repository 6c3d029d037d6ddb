"""SMS in Django: settings, a client, an outbox with its worker, webhooks with signals, and an admin.

Add `"smsmobile.contrib.django"` to `INSTALLED_APPS`. This file holds the public names, which are imported on first use:
Django imports this package before models can be.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..._lazy import lazy_names

try:
    import django as _django
except ImportError:
    raise ImportError('smsmobile.contrib.django needs Django: pip install "smsmobile[django]".') from None
del _django

if TYPE_CHECKING:
    from .conf import get_client
    from .opt_out import record_opt_out
    from .sending import queue_sms, send_sms
else:
    __getattr__, __dir__ = lazy_names(
        __name__, {"conf": ["get_client"], "opt_out": ["record_opt_out"], "sending": ["queue_sms", "send_sms"]}
    )

__all__ = ["get_client", "queue_sms", "record_opt_out", "send_sms"]
