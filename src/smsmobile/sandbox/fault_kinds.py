"""The kinds of faults: what each is called, and what it does unless told otherwise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Group = Literal["request", "account", "webhook"]


@dataclass(frozen=True)
class FaultKind:
    """One way to go wrong."""

    title: str
    """With the usual status, where there is one."""
    description: str
    group: Group = "request"
    seconds: float | None = None
    """How long unless told otherwise; None where it takes no time."""
    status: int | None = None
    """The HTTP status unless told otherwise; None where it has none."""

    def titled(self, status: int | None) -> str:
        """The title, with the status that was chosen."""
        return self.title.replace(str(self.status), str(status))


KINDS = {
    "latency": FaultKind("Latency", "The answer comes late; what was asked is done at once.", seconds=2.0),
    "rate_limited": FaultKind("429", "Too fast: nothing is done, and Retry-After says how long to wait.", seconds=1.0),
    "error_before": FaultKind("500 before processing", "A server error; nothing is done.", status=500),
    "error_after": FaultKind("500 after processing", "A server error, after everything was done.", status=500),
    "reset_before": FaultKind("Reset before processing", "The connection is reset; nothing is done."),
    "reset_after": FaultKind("Reset after processing", "The connection is reset, after everything was done."),
    "half_answer": FaultKind("Half an answer", "Everything is done; the connection ends in the middle of the answer."),
    "slow_drip": FaultKind("Slow drip", "Everything is done; the answer comes in small pieces.", seconds=5.0),
    "php_warning": FaultKind("PHP warning", "Everything is done; a PHP warning stands before the JSON."),
    "html_page": FaultKind("HTML page", "Everything is done; an HTML page stands in place of the JSON."),
    "no_guid": FaultKind("No GUID", "A message is accepted, and the answer is the short one that names no GUID."),
    "phone_offline": FaultKind("Phone offline", "A send is told that the phone is offline.", "account"),
    "subscription_over": FaultKind("Subscription over", "The subscription has ended.", "account"),
    "webhook_duplicate": FaultKind("Duplicate", "A webhook is delivered twice.", "webhook"),
    "webhook_reordered": FaultKind("Reordered", "A webhook arrives after the one that followed it.", "webhook"),
    "webhook_late": FaultKind("Late", "A webhook is delivered late.", "webhook", seconds=5.0),
    "webhook_forged": FaultKind("Wrongly signed", "A webhook has the signature of another secret.", "webhook"),
}
"""All kinds by their names."""
