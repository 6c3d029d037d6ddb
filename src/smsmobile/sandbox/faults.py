"""Fault injection: which faults are switched on, and whether one is injected now.

Which kinds there are is in fault_kinds.py, what they may be told in fault_parameters.py. How each is carried out lives
where it happens: those of requests in fault_injection.py, those of webhooks in webhooks.py.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from .fault_kinds import KINDS
from .rows import Fault
from .store import Store

OAUTH2_PATH = "/oauth2/token"
"""Only faults that name it concern it, so that "the next three requests" are three calls of the API."""


class Faults:
    """The faults that are switched on.

    box.faults.add("rate_limited", times=2)                       # the next two requests
    box.faults.add("reset_after", probability=0.1, seed=7)        # every tenth, the same ones each time
    box.faults.add("error_after", status=502, path="/sendsms/")   # every send, until it is removed
    box.faults.clear()
    """

    def __init__(self, store: Store, paths: Iterable[str]) -> None:
        """`paths`: the service's, each with its final slash."""
        self._store = store
        self.paths = (*paths, OAUTH2_PATH)
        """What a fault can be limited to."""

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
        checked = self._checked(
            kind=kind, times=times, probability=probability, seed=seed, path=path, seconds=seconds, status=status
        )
        with self._store.lock:
            return self._store.faults.put(Fault(self._store.new_id(), **checked))

    def change(self, fault: Fault | int, **parameters: Any) -> Fault:
        """Go on with other parameters; returns the fault as it is now, with the same `id` and counts.

        `fault` is the fault or its `id`, `parameters` are those of `add` except `kind`; what is left out stays. `times`
        counts from now on.

        Raises LookupError where the fault is gone, and ValueError as `add` does: the fault is then as it was.
        """
        with self._store.lock:
            old = self._store.faults.get(_key(fault))
            if old is None:
                raise LookupError(f"There is no fault {_key(fault)}, or it is over.")
            kind = KINDS[old.kind]
            kept = {"times": old.times, "probability": old.probability, "seed": old.seed, "path": old.path}
            kept |= {"seconds": None if kind.seconds is None else old.seconds, "status": old.status}
            return self._store.faults.put(replace(old, **self._checked(kind=old.kind, **{**kept, **parameters})))

    def remove(self, fault: Fault | int) -> None:
        """Switch one off, by itself or by its `id`. One that is already gone is no error."""
        self._store.faults.remove(_key(fault))

    def clear(self) -> None:
        """Switch all off."""
        self._store.faults.clear()

    def __iter__(self) -> Iterator[Fault]:
        with self._store.lock:
            return iter(list(self._store.faults))

    def __len__(self) -> int:
        return len(self._store.faults)

    def inject(self, kind: str, path: str | None = None) -> Fault | None:
        """The fault of this kind that is injected now into a request to this path, and counted; None for none."""
        faults = self._store.faults
        if not len(faults):
            return None
        with self._store.lock:
            for fault in list(faults):
                if fault.kind != kind or not _concerns(fault, path):
                    continue
                fault = replace(fault, matched=fault.matched + 1)  # noqa: PLW2901
                is_injected = _is_drawn(fault)
                if is_injected:
                    times = None if fault.times is None else fault.times - 1
                    fault = replace(fault, injected=fault.injected + 1, times=times)  # noqa: PLW2901
                if fault.times == 0:
                    faults.remove(fault.key)
                else:
                    faults.put(fault)
                if is_injected:
                    return fault
        return None

    def _checked(self, **given: Any) -> dict[str, Any]:
        from .fault_parameters import check  # with pydantic, which takes its time, and most sandboxes have no fault

        return check(given, self.paths)


def _key(fault: Fault | int) -> str:
    return str(fault.id if isinstance(fault, Fault) else fault)


def _concerns(fault: Fault, path: str | None) -> bool:
    return path != OAUTH2_PATH if fault.path is None else path == fault.path


def _is_drawn(fault: Fault) -> bool:
    # From the seed and the count alone, so that a fault that was kept in a file goes on as it would have.
    source = random if fault.seed is None else random.Random(f"{fault.seed} {fault.matched}")  # noqa: S311
    return source.random() < fault.probability
