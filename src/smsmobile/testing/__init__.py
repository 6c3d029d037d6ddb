"""For the tests of applications: pytest fixtures, `activate` for unittest, a network guard, and assertions.

    def test_a_reminder_is_sent(sms_outbox):
        remind("+33639981234")
        assert_sent(sms_outbox, to="+33639981234", contains="10:00")

pytest finds the fixtures by itself: sms_sandbox, sms_client, sms_phone, sms_outbox and sms_webhook. They need the extra
`[sandbox]`, except for sms_webhook. This file holds the public names; each is imported on first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._http.guard import NetworkBlocked
from .._lazy import lazy_names

if TYPE_CHECKING:
    from ._active import activate
    from ._assertions import assert_nothing_sent, assert_sent
    from ._outbox import Outbox
    from ._webhooks import post_webhook

__all__ = ["NetworkBlocked", "Outbox", "activate", "assert_nothing_sent", "assert_sent", "post_webhook"]

if not TYPE_CHECKING:
    __getattr__, __dir__ = lazy_names(
        __name__,
        {
            "_active": ["activate"],
            "_assertions": ["assert_nothing_sent", "assert_sent"],
            "_outbox": ["Outbox"],
            "_webhooks": ["post_webhook"],
        },
    )
