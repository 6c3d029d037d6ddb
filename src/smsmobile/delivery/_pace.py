"""How fast the workers of a campaign go: their pauses, after failures or for others, and the size of their batches."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Sequence
from heapq import heappop, heappush
from itertools import count
from threading import Lock

from .._http.backoff import LONGEST_RETRY_AFTER, backoff_intervals
from ._failures import may_pass
from ._outcomes import Job

LARGEST_BATCH = 256
"""Messages that are planned in the journal at a time, at most."""
BATCH_SECONDS = 0.5
"""Seconds that the messages of a batch should keep the workers busy: each batch waits for the disk once."""
BATCH_GROWTH = 16
"""How much larger than the batch before it a batch may be."""
MAX_ATTEMPTS = 20
"""Attempts in a row that may fail without anything sent, with growing intervals, before the campaign stops."""
FIRST_INTERVAL = 1.0
LONGEST_INTERVAL = 60.0
FIRST_PARKING, LONGEST_PARKING = 0.05, 2.0
"""Seconds after which messages that are in flight elsewhere are claimed again."""
LONGEST_DELAY = 60.0
"""Seconds after which the time is read again at the latest: clocks are set, and machines sleep."""
MOST_PARKED = 1024
"""So many messages that are in flight elsewhere are kept in memory, while others are read and sent."""
MOST_DELAYED = 10_000
"""The same for messages that wait for a rule: those of a phone that is offline do not keep others from being sent."""


class Backoff:
    """How long all workers wait after an attempt with which nothing was sent."""

    def __init__(self) -> None:
        self.generation = 0
        """Grows with each failure that counts. Failures of one generation, of several workers, count once."""
        self._lock = Lock()
        self._failures = 0
        """How many in a row."""
        self._intervals = backoff_intervals(FIRST_INTERVAL, LONGEST_INTERVAL)
        self._interval = 0.0

    def succeeded(self) -> None:
        """The service has answered a request."""
        if self._failures:
            with self._lock:
                self.generation += 1
                self._failures = 0
                self._intervals = backoff_intervals(FIRST_INTERVAL, LONGEST_INTERVAL)

    def interval_after(self, failure: Exception, generation: int) -> float | None:
        """Seconds until the next attempt; None if there should be none.

        `generation` is what it was when the request left. After the first failure in a row, the service's
        `Retry-After` takes the place of our interval, even if it is shorter.
        """
        asked = getattr(failure, "retry_after", None)
        if not may_pass(failure) or (asked or 0.0) > LONGEST_RETRY_AFTER:
            return None
        with self._lock:
            if generation == self.generation:
                self.generation += 1
                self._failures += 1
                self._interval = next(self._intervals)
            if self._failures >= MAX_ATTEMPTS:
                return None
            return asked if asked is not None and self._failures <= 1 else max(self._interval, asked or 0.0)


class Batches:
    """How many messages to claim at a time, so that those of them which are new last about `BATCH_SECONDS`.

    The others have an outcome or are in flight elsewhere, and take next to no time. They must not make a batch of new
    messages larger than what is sent soon: no other sender of the campaign can send these meanwhile.
    """

    def __init__(self) -> None:
        self.size = 1
        """Of the last batch, if there were enough messages for it."""
        self._taken = 1
        self._new = 1
        self._most_new = 1
        self._taken_at = self._began = -math.inf

    def take(self, queue: deque[Job]) -> list[Job]:
        """Begin a batch with the next messages of the queue."""
        self._taken_at = time.monotonic()
        if self._new:
            growth = BATCH_SECONDS / max(self._taken_at - self._began, BATCH_SECONDS / BATCH_GROWTH)
            self._most_new = _batch(growth * min(self._new, self._most_new))
            self.size = _batch(self._most_new * self._taken / self._new)
        else:
            self.size = _batch(self.size * BATCH_GROWTH)
        return [queue.popleft() for _ in range(min(self.size, len(queue)))]

    def keep(self, new: Sequence[Job], taken: int) -> Sequence[Job]:
        """The new messages of a batch of `taken` that are not too many to keep."""
        self._new, self._taken = len(new), taken
        if new:
            self._began = self._taken_at
        return new[: self._most_new]


def _batch(size: float) -> int:
    return max(min(int(size), LARGEST_BATCH), 1)


class Parking:
    """Messages that cannot leave yet, until they are claimed again: in flight elsewhere, or kept waiting by a rule."""

    def __init__(self) -> None:
        self._jobs: list[Job] = []
        self._intervals = backoff_intervals(FIRST_PARKING, LONGEST_PARKING)
        self._due_at = math.inf
        self._later: list[tuple[float, int, Job]] = []
        """A heap of messages that a rule lets leave later: when each is due (Unix seconds), and its number."""
        self._numbers = count()

    @property
    def allowed(self) -> int:
        """How many of them may wait here without keeping others from being read."""
        return min(len(self._jobs), MOST_PARKED) + min(len(self._later), MOST_DELAYED)

    def delay(self, job: Job, seconds: float) -> None:
        """Keep a message that a rule lets leave after so many seconds. Rules follow the clock, which may be set."""
        heappush(self._later, (time.time() + seconds, next(self._numbers), job))

    def take_delayed(self) -> list[Job]:
        """All that wait for a rule: nobody asks again."""
        jobs, self._later = [job for _, _, job in self._later], []
        return jobs

    def park(self, jobs: Sequence[tuple[Job, float]], *, made_progress: bool) -> None:
        """Keep messages, each with the seconds that it is in flight at most.

        `made_progress`: others of the batch were not in flight elsewhere, so a next try may help soon.
        """
        if made_progress:
            self._intervals = backoff_intervals(FIRST_PARKING, LONGEST_PARKING)
        if jobs:
            self._jobs += [job for job, _ in jobs]
            interval = min(next(self._intervals), *(seconds for _, seconds in jobs))
            self._due_at = min(self._due_at, time.monotonic() + interval)

    def is_due(self) -> bool:
        """Whether it is time to claim them again."""
        return self.seconds_left() == 0

    def seconds_left(self) -> float | None:
        """Seconds until then, or until somebody has to ask again; None if there are none."""
        left = self._due_at - time.monotonic()
        if self._later:
            left = min(left, self._later[0][0] - time.time(), LONGEST_DELAY)
        return None if math.isinf(left) else max(left, 0.0)

    def take(self) -> list[Job]:
        """Those to claim again now, the last one first."""
        now = time.time()
        jobs: list[Job] = []
        while self._later and self._later[0][0] <= now:
            jobs.append(heappop(self._later)[2])
        if self._due_at <= time.monotonic():
            jobs += self._jobs
            self._jobs, self._due_at = [], math.inf
        return jobs[::-1]
