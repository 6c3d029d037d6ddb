"""What is promised of sends, and the ledger with which that is checked: what was accepted, recorded and reported.

It knows nothing of how the engine works. Compare it with a model of your own.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence, Set
from typing import NamedTuple

from smsmobile.delivery import SendStatus


class Message(NamedTuple):
    """A message that an owner sends under a key."""

    key: str
    to: str
    text: str
    shorten_urls: bool = False
    encrypt: bool = False


class Promises:
    """The ledger. It is never changed: each method returns the next one, and the promise that is broken by now.

    - A key is accepted once at most.
    - What is recorded or reported as sent was accepted; what is recorded or reported as refused was not. That holds by
      key, even for messages with the same number and text. What is recorded or reported as suppressed was not accepted
      by then.
    - A decided outcome stays.
    - In the end, each key has an outcome, or is suppressed. It may be unknown only if something went wrong with it, and
      if the log does not tell, or has other messages to that number.
    """

    def __init__(self, messages: Sequence[Message]) -> None:
        self._keys = [message.key for message in messages]
        self._accepted: frozenset[str] = frozenset()
        self._decided: dict[str, SendStatus] = {}
        """What was recorded as sent or refused, by key."""
        self._sent: frozenset[str] = frozenset()
        """Keys that were ever recorded or reported as sent."""
        self._refused: frozenset[str] = frozenset()
        self._doubts: frozenset[str] = frozenset()
        self._told: dict[str, SendStatus] = {}
        """What was reported last, by key."""

    def state(self) -> Hashable:
        """Equal for ledgers with the same content."""
        return (self._accepted, self._sent, self._refused, self._doubts, frozenset(self._told.items()))

    def accepted(self, key: str) -> tuple[Promises, str]:
        """The service has accepted the message of a key."""
        if key in self._accepted:
            return self, f"{key} was accepted twice."
        return self._with(_accepted=self._accepted | {key})._judged(key)

    def recorded(self, key: str, outcome: SendStatus | None) -> tuple[Promises, str]:
        """The journal has this outcome under a key now; None for none."""
        decided = self._decided.get(key)
        if decided is not None and outcome is not decided:
            return self, f"{key} was recorded as {decided}, and is {outcome or 'in flight or gone'} now."
        if outcome is SendStatus.SUPPRESSED:
            return self._called(key, outcome)
        if decided is not None or outcome not in {SendStatus.SENT, SendStatus.REFUSED}:
            return self, ""
        return self._with(_decided={**self._decided, key: outcome})._called(key, outcome)

    def told(self, key: str, status: SendStatus) -> tuple[Promises, str]:
        """An owner was told what became of a key."""
        return self._with(_told={**self._told, key: status})._called(key, status)

    def doubted(self, key: str) -> Promises:
        """A key may end unknown: its owner was killed or delayed, or something of it was lost."""
        return self if not key or key in self._doubts else self._with(_doubts=self._doubts | {key})

    def broken_at_the_end(self, shown: Set[str]) -> str:
        """The promise that is broken, now that everybody has ended.

        shown: keys whose row is in the log, and is the only one to its number.
        """
        for key in self._keys:
            status = self._told.get(key)
            if status not in {SendStatus.SENT, SendStatus.REFUSED, SendStatus.UNKNOWN, SendStatus.SUPPRESSED}:
                return f"{key} has no outcome in the end."
            if status is SendStatus.UNKNOWN and key not in self._doubts:
                return f"{key} is unknown in the end, though nothing went wrong with it."
            if status is SendStatus.UNKNOWN and key in shown:
                return f"{key} is unknown in the end, though the log shows what became of it."
        return ""

    def _called(self, key: str, status: SendStatus) -> tuple[Promises, str]:
        if status is SendStatus.SENT and key not in self._sent:
            return self._with(_sent=self._sent | {key})._judged(key)
        if status is SendStatus.REFUSED and key not in self._refused:
            return self._with(_refused=self._refused | {key})._judged(key)
        if status is SendStatus.SUPPRESSED and key in self._accepted:
            return self, f"{key} is called suppressed, and was accepted."
        return self, ""

    def _judged(self, key: str) -> tuple[Promises, str]:
        if key in self._sent and key not in self._accepted:
            return self, f"{key} is called sent, and was not accepted."
        if key in self._refused and key in self._accepted:
            return self, f"{key} is called refused, and was accepted."
        return self, ""

    def _with(self, **changes: object) -> Promises:
        twin = object.__new__(Promises)
        twin.__dict__.update(self.__dict__, **changes)
        return twin
