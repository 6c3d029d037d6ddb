"""Work under the lock of a token store. A lock that hangs or fails does not stop the work: it is then done without."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import AbstractContextManager
from contextvars import copy_context
from threading import Event, Thread
from typing import Generic, TypeVar

Result = TypeVar("Result")

log = logging.getLogger("smsmobile")

LONGEST_WAIT = 30.0
"""Seconds to wait for a lock: as long as one answer to a token request may take."""
_LONGEST_RELEASE = 5.0
"""Seconds to wait for its release: a program that ends at once should not leave a lock behind."""


class LockedWork(Generic[Result]):
    """One piece of work under a lock, in a thread of its own.

    Nothing else can end the wait for a lock of somebody else's. The whole work is done in that thread, since many locks
    belong to the thread that took them: an RLock, a lock of redis-py, a transaction.
    """

    def __init__(
        self, owner: str, take: Callable[[], AbstractContextManager[object]], work: Callable[[], Result]
    ) -> None:
        self._owner = owner
        self._take = take
        self._work = work
        self._outcome: Future[Result] = Future()
        """Running once the lock is held; cancelled if the work is done without."""
        self._decided = Event()
        """The lock is held, or has failed."""
        self._failure = ""
        self.thread = Thread(target=copy_context().run, args=(self._run,), name="smsmobile-token-lock", daemon=True)
        """Alive while the lock is waited for, held or released."""

    def result(self) -> Result:
        """Do the work and return its result, or raise what it raises."""
        self._wait_for_lock()
        if self._outcome.cancel():
            self._warn(self._failure or f"was not free within {LONGEST_WAIT:g} s", "The token is fetched without it.")
            return self._work()
        try:
            return self._outcome.result()
        finally:
            if self._outcome.done():  # not after an interrupt of this thread
                self.thread.join(_LONGEST_RELEASE)
                if self._failure:
                    self._warn(self._failure, "It may be held for longer than needed.")

    def _wait_for_lock(self) -> None:
        try:
            self.thread.start()
        except RuntimeError:
            self._failure = "needs a thread, and no more can be started"
            return
        try:
            self._decided.wait(LONGEST_WAIT)
        except BaseException:
            self._outcome.cancel()  # an interrupt: nobody needs the work any more
            raise

    def _warn(self, failure: str, consequence: str) -> None:
        log.warning("The lock of the token store %s %s. %s", self._owner, failure, consequence)

    def _run(self) -> None:
        try:
            with self._take():
                is_wanted = self._outcome.set_running_or_notify_cancel()
                self._decided.set()
                if is_wanted:
                    self._do()
        except Exception as error:  # noqa: BLE001 - each store has its own
            self._failure = f"raised {type(error).__name__}"  # without its text: that may hold the client id
        finally:
            self._decided.set()

    def _do(self) -> None:
        try:
            result = self._work()
        except BaseException as error:  # noqa: BLE001 - raised again by the thread that waits
            self._outcome.set_exception(error)
        else:
            self._outcome.set_result(result)
