"""`ConfidentialTask`: a task whose arguments are in the body of its message, and nowhere else."""

from __future__ import annotations

import logging
from typing import Any, ClassVar, NoReturn

from celery import Task

from ...errors import InvalidRequestError

ARGUMENTS, KEYWORDS = "(hidden)", "{hidden}"
HIDDEN = {"argsrepr": ARGUMENTS, "kwargsrepr": KEYWORDS}
"""Options of a message. Without them, its headers show the arguments, and so do events, logs and monitors."""

_names: set[str] = set()
"""Those of all confidential tasks."""


class _PoolFilter(logging.Filter):
    """At the level DEBUG, a worker's pool logs the whole message that it passes on."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            shown = " ".join(map(str, record.args[1:]))
            if any(repr(name) in shown for name in _names):
                record.args = (*record.args[:1], *[ARGUMENTS] * (len(record.args) - 1))
        return True


_filter = _PoolFilter()


class ConfidentialTask(Task):  # type: ignore[misc]
    """The base of a task whose arguments are nobody's business: `@app.task(base=ConfidentialTask)`.

    They are not shown by the headers of its message, by events, by `celery inspect`, by Flower, or by the log of a
    worker, and are not stored with its result (`result_extended`). They are in the body of the message: protect the
    broker. `app.send_task` does not know the task, and shows them; pass it `argsrepr` and `kwargsrepr`.
    """

    abstract = True
    Request: ClassVar[str] = "smsmobile.contrib.celery._request:ConfidentialRequest"
    """What a worker knows of a message."""
    track_started = False
    """Its record would be written before the arguments can be removed from it."""

    @classmethod
    def on_bound(cls, app: Any) -> None:
        """Celery calls it when the task is bound to an app."""
        _names.add(str(cls.name))
        logging.getLogger("celery.pool").addFilter(_filter)
        super().on_bound(app)

    def apply_async(self, args: Any = None, kwargs: Any = None, *more: Any, **options: Any) -> Any:
        """Send the message of a task. All ways to do that lead here: `delay`, signatures, `retry` …

        args, kwargs, more, options: those of Celery.
        """
        return super().apply_async(args, kwargs, *more, **{**options, **HIDDEN})

    def signature_from_request(
        self, request: Any = None, args: Any = None, kwargs: Any = None, queue: Any = None, **more: Any
    ) -> Any:
        """The next message of a task. With `retry_on_worker_lost`, a worker makes it from a request that hides them.

        request, args, kwargs, queue, more: those of Celery.
        """
        if args is None and kwargs is None:
            args, kwargs = getattr(request, "smsmobile_arguments", (None, None))
        return super().signature_from_request(request, args, kwargs, queue, **more)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the task. Its arguments are then removed from what is stored with its result."""
        request = self.request
        if request.called_directly:
            return super().__call__(*args, **kwargs)
        try:
            return self.run(*args, **kwargs)
        finally:
            request.args, request.kwargs = ARGUMENTS, KEYWORDS

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        """Refuse what wraps arguments into a message of another task, which is neither confidential nor sent once.

        Raises InvalidRequestError.
        """
        raise InvalidRequestError(
            f"map, starmap and chunks put the arguments of {self.name} into a task of Celery, which shows them. Use a "
            "group of signatures."
        )

    map = starmap = chunks = _refuse
