"""Celery tasks: send a message once, settle one in doubt, send a campaign, and hand webhook events to a task.

    app = Celery("shop", broker="redis://localhost:6379/0", include=["smsmobile.contrib.celery"])
    app.conf.smsmobile = {"JOURNAL": "postgresql+psycopg://app@localhost/app"}

    send_sms.delay("+33639981234", "Your order is here.", key="order-4711")

This file holds the public names. Importing it raises ImportError without Celery 5.4 or later.
"""

from importlib.metadata import version

try:
    import celery  # noqa: F401
except ImportError:
    raise ImportError('smsmobile.contrib.celery needs Celery: pip install "smsmobile[celery]".') from None
if tuple(map(int, version("celery").split(".")[:2])) < (5, 4):
    raise ImportError(
        f"smsmobile.contrib.celery needs Celery 5.4 or later, and {version('celery')} is installed: "
        'pip install --upgrade "smsmobile[celery]".'
    )

from ._campaign import campaign
from ._confidential import ConfidentialTask
from ._events import event_of, hand_over
from ._progress import Campaign, CampaignProgress
from ._sending import send_sms, settle_sms

__all__ = [
    "Campaign",
    "CampaignProgress",
    "ConfidentialTask",
    "campaign",
    "event_of",
    "hand_over",
    "send_sms",
    "settle_sms",
]


def __dir__() -> list[str]:
    return __all__
