"""What is to go wrong, and whether it does now. How each fault is carried out lives where it happens.

Those of requests in breakage.py, those of webhooks in webhooks.py.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

from .ledger import Ledger
from .limits import is_number, is_whole
from .rows import Fault

Group = Literal["request", "account", "webhook"]
OAUTH2_PATH = "/oauth2/token"
"""Struck only by faults that name it, so that "the next three requests" are three calls of the API."""
LONGEST = 3600
"""Seconds."""


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


class Faults:
    """The faults that are switched on.

    box.faults.add("rate_limited", times=2)                       # the next two requests
    box.faults.add("reset_after", probability=0.1, seed=7)        # every tenth, the same ones each time
    box.faults.add("error_after", status=502, path="/sendsms/")   # every send, until it is removed
    box.faults.clear()
    """

    def __init__(self, ledger: Ledger, paths: Iterable[str]) -> None:
        """`paths`: the service's, each with its final slash."""
        self._ledger = ledger
        self._paths = [*paths, OAUTH2_PATH]

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
        for requests to it; without one, all calls of the API, but not `/oauth2/token`. `seconds` is how long a
        latency, a drip, a late webhook or Retry-After is, `status` which 5xx is answered.

        Raises ValueError for a kind, a number or a path that cannot be.
        """
        about = _about(kind)
        if times is not None and not (is_whole(times) and times >= 1):
            raise ValueError(f"times is {times!r}; expected a whole number from 1, or None for as long as it is there.")
        if not (is_number(probability) and 0 <= probability <= 1):
            raise ValueError(f"probability is {probability!r}; expected a number between 0 and 1.")
        if seed is not None and not is_whole(seed):
            raise ValueError(f"seed is {seed!r}; expected a whole number, or None for another course each time.")
        if seconds is not None:
            if about.seconds is None:
                raise ValueError(f"{kind} takes no time: leave seconds out.")
            if not (is_number(seconds) and 0 <= seconds <= LONGEST):
                raise ValueError(f"seconds is {seconds!r}; expected a number between 0 and {LONGEST}.")
        if status is not None:
            if about.status is None:
                raise ValueError(f"{kind} has no status to choose: leave status out.")
            if not (is_whole(status) and 500 <= status <= 599):
                raise ValueError(f"status is {status!r}; expected a whole number between 500 and 599.")
        if path is not None:
            if about.group == "webhook":
                raise ValueError(f"{kind} is about webhooks, not about a path of the service: leave path out.")
            path = self._known_path(path)
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
                    float(about.seconds or 0 if seconds is None else seconds),
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
        """The fault of this kind that strikes a request to this path now, and is counted; None where none does."""
        ledger = self._ledger
        if not len(ledger.faults):
            return None
        with ledger.lock:
            for fault in list(ledger.faults):
                if fault.kind != kind or not _concerns(fault, path):
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

    def _known_path(self, path: Any) -> str:
        """The path as the service has it; a missing final slash is added."""
        for known in (path, f"{path}/"):
            if known in self._paths:
                return str(known)
        raise ValueError(f"The service has no path {path!r}. It has: {', '.join(self._paths)}.")


def _concerns(fault: Fault, path: str | None) -> bool:
    return path != OAUTH2_PATH if fault.path is None else path == fault.path


def _strikes(fault: Fault) -> bool:
    # Drawn from the seed and the count alone, so that a fault that was kept in a file goes on as it would have.
    draw = random.random() if fault.seed is None else random.Random(f"{fault.seed} {fault.met}").random()  # noqa: S311
    return draw < fault.probability


def _about(kind: Any) -> FaultKind:
    about = KINDS.get(kind) if isinstance(kind, str) else None
    if about is None:
        raise ValueError(f"There is no fault {kind!r}. There are: {', '.join(KINDS)}.")
    return about
