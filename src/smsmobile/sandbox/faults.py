"""What is to go wrong, and whether it does now. How each fault is carried out lives where it happens.

Those of requests in breakage.py, those of webhooks in webhooks.py.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from .ledger import Ledger
from .rows import Fault

Group = Literal["request", "account", "webhook"]


@dataclass(frozen=True)
class FaultKind:
    """One way to go wrong."""

    title: str
    description: str
    group: Group = "request"
    seconds: float | None = None
    """How long unless told otherwise; None where it takes no time."""
    status: int | None = None
    """The HTTP status unless told otherwise; None where it has none."""


KINDS = {
    "latency": FaultKind("Latency", "The answer comes late; what was asked is done at once.", seconds=2.0),
    "rate_limited": FaultKind("429", "Too fast: nothing is done, and Retry-After says how long to wait.", seconds=1.0),
    "error_before": FaultKind("5xx before", "A server error; nothing is done.", status=500),
    "error_after": FaultKind("5xx after", "A server error, after everything was done.", status=500),
    "reset_before": FaultKind("Reset before", "The connection is reset; nothing is done."),
    "reset_after": FaultKind("Reset after", "The connection is reset, after everything was done."),
    "half_answer": FaultKind("Half an answer", "Everything is done; the connection ends in the middle of the answer."),
    "slow_drip": FaultKind("Slow drip", "Everything is done; the answer comes byte by byte.", seconds=5.0),
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
"""All kinds by their names, in the order in which they strike a request."""


class Faults:
    """The faults that are switched on.

    box.faults.add("rate_limited", times=2)                       # the next two requests
    box.faults.add("reset_after", probability=0.1, seed=7)        # every tenth, the same ones each time
    box.faults.add("error_after", status=502, path="/sendsms/")   # every send, until it is removed
    box.faults.clear()
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def add(
        self,
        kind: str,
        *,
        times: int | None = None,
        probability: float = 1.0,
        seed: int | None = None,
        path: str | None = None,
        seconds: float | None = None,
        status: int | None = None,
    ) -> Fault:
        """Let something go wrong from now on.

        `kind` is one of KINDS. `times`: only so many times, then it is gone; by default until it is removed.
        `probability` (0 to 1) and `seed`: only now and then, and with the same seed for the same ones. `path`: only
        for requests to it. `seconds` is how long a latency, a drip, a late webhook or Retry-After is, `status` which
        5xx is answered.

        Raises ValueError for a kind, a number or a path that cannot be.
        """
        about = KINDS.get(kind)
        if about is None:
            raise ValueError(f"There is no fault {kind!r}. There are: {', '.join(KINDS)}.")
        if times is not None and times < 1:
            raise ValueError("A fault strikes at least once: times must be 1 or more, or None.")
        if not 0 <= probability <= 1:
            raise ValueError("A probability lies between 0 and 1.")
        if seconds is not None and (about.seconds is None or not 0 <= seconds <= 3600):
            raise ValueError("seconds must lie between 0 and 3600, and is for faults that take time.")
        if status is not None and (about.status is None or not 500 <= status <= 599):
            raise ValueError("status must lie between 500 and 599, and is for error_before and error_after.")
        if path is not None and (about.group == "webhook" or not path.startswith("/")):
            raise ValueError("path begins with '/', as in '/sendsms/', and is for faults of requests.")
        ledger = self._ledger
        with ledger.lock:
            return ledger.faults.put(
                Fault(
                    ledger.new_id(),
                    kind,
                    times,
                    float(probability),
                    seed,
                    path,
                    seconds if seconds is not None else about.seconds or 0.0,
                    status if status is not None else about.status,
                )
            )

    def remove(self, fault: Fault | int) -> None:
        """Switch one off, by itself or by its `id`. One that is already gone is no error."""
        self._ledger.faults.remove(str(fault.id if isinstance(fault, Fault) else fault))

    def clear(self) -> None:
        """Switch all off."""
        self._ledger.faults.clear()

    def __iter__(self) -> Iterator[Fault]:
        with self._ledger.lock:
            return iter(list(self._ledger.faults))

    def __len__(self) -> int:
        return len(self._ledger.faults)

    def strike(self, kind: str, path: str | None = None) -> Fault | None:
        """The fault of this kind that strikes now, and is counted; None where none does."""
        ledger = self._ledger
        if not len(ledger.faults):
            return None
        with ledger.lock:
            for fault in list(ledger.faults):
                if fault.kind != kind or fault.path not in (None, path):
                    continue
                fault = replace(fault, met=fault.met + 1)  # noqa: PLW2901
                if not _strikes(fault):
                    ledger.faults.put(fault)
                    continue
                fault = replace(  # noqa: PLW2901
                    fault, struck=fault.struck + 1, times=None if fault.times is None else fault.times - 1
                )
                if fault.times == 0:
                    ledger.faults.remove(fault.key)
                else:
                    ledger.faults.put(fault)
                return fault
        return None


def _strikes(fault: Fault) -> bool:
    # Drawn from the seed and the count alone, so that a fault that was kept in a file goes on as it would have.
    draw = random.random() if fault.seed is None else random.Random(f"{fault.seed} {fault.met}").random()  # noqa: S311
    return draw < fault.probability
