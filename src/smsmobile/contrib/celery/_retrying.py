"""When a task is tried again: after growing pauses, which a broker survives."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable
from itertools import islice
from typing import Any, NoReturn, TypeVar

from celery.exceptions import Reject, Retry
from kombu.exceptions import OperationalError

from ..._http.backoff import backoff_intervals, is_temporary, respecting_retry_after
from ...errors import DeviceOffline, SendInFlight, SendPostponed, SMSMobileError, StorageError

log = logging.getLogger("smsmobile")
Result = TypeVar("Result")

FIRST_PAUSE = 1.0
"""Seconds."""
_VISIBILITY_TIMEOUT = 3600.0
"""Seconds after which Redis delivers a message again that is not acknowledged, unless the app says otherwise."""
_PART_OF_IT = 4
_GROWN = 50
"""After so many pauses they do not grow any more."""


def visibility_timeout(app: Any) -> float:
    """Seconds after which the broker delivers a message again that a worker holds."""
    options = app.conf.broker_transport_options or {}
    return float(options.get("visibility_timeout") or _VISIBILITY_TIMEOUT)


def longest_pause(app: Any) -> float:
    """Seconds that a task may wait or work: then the broker does not think that its worker is gone."""
    return min(visibility_timeout(app), _VISIBILITY_TIMEOUT) / _PART_OF_IT


def deadline_of(task: Any, longest: float = math.inf) -> float:
    """When an attempt ends and the task lets itself be tried again, by the monotonic clock. Never in eager mode.

    longest: seconds that an attempt takes at most, besides `longest_pause`.
    """
    return math.inf if task.request.is_eager else time.monotonic() + min(longest, longest_pause(task.app))


def pause_after(app: Any, failures: int, failure: SMSMobileError | None = None, first: float = FIRST_PAUSE) -> float:
    """Seconds until the next attempt, after so many in a row that failed. It grows, or is what the service asks for."""
    longest = longest_pause(app)
    grown = next(islice(backoff_intervals(min(first, longest), longest), min(failures, _GROWN), None))
    if isinstance(failure, SendInFlight):  # which says how long it can take at most; most messages leave much earlier
        return min(grown, max(failure.retry_after, FIRST_PAUSE), longest)
    return min(respecting_retry_after(grown, failure), longest)


def may_pass(failure: SMSMobileError) -> bool:
    """Whether `send_once` and `settle` may succeed later: nothing was sent, or it stays in flight for the next look."""
    return is_temporary(failure) or isinstance(failure, (SendInFlight, SendPostponed, StorageError, DeviceOffline))


def try_again(task: Any, seconds: float, failure: BaseException | None = None, **changed: Any) -> NoReturn:
    """End this attempt of a task, and let it be tried again, with some keyword arguments changed.

    In eager mode nobody can wait: there the failure is raised, if there is one.
    """
    request = task.request
    if failure is not None and (request.is_eager or request.called_directly):
        raise failure
    with requeued_without_broker():
        try:
            task.retry(exc=failure, countdown=seconds, kwargs={**request.kwargs, **changed}, args=request.args)
        except Reject as lost:  # the broker did not take the message, and Celery would drop this one
            raise Reject(lost.reason, requeue=True) from None
    raise AssertionError("Celery has not ended the task")


def coming_back(task: Any, step: Callable[[], Result]) -> Result:
    """Do a step of a campaign. A task that fails, as without a result backend, is tried again: nobody else does it."""
    try:
        return step()
    except (Retry, Reject):
        raise
    except Exception as error:
        is_final = isinstance(error, SMSMobileError) and not may_pass(error)
        if is_final or task.request.is_eager or task.request.called_directly:
            raise
        log.exception("A step of a campaign has failed, and is tried again.")
    try_again(task, longest_pause(task.app) / _PART_OF_IT)


class requeued_without_broker:  # noqa: N801 - reads as a function
    """Inside of it a task that cannot send a message goes back into its queue, and is not lost."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: Any, error: BaseException | None, traceback: Any) -> None:
        if isinstance(error, OperationalError):
            raise Reject(type(error).__name__, requeue=True) from None
