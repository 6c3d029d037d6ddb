"""`ConfidentialRequest`: what a worker tells of the message of a confidential task. Only workers import it."""

from __future__ import annotations

from typing import Any

from celery.worker.request import Request
from kombu.utils.objects import cached_property

from ._confidential import ARGUMENTS, KEYWORDS


class ConfidentialRequest(Request):  # type: ignore[misc]
    """Its arguments are for the task alone."""

    def info(self, safe: bool = False) -> Any:  # noqa: ARG002
        """What `celery inspect` shows: what the headers of the message have in the place of its arguments."""
        return super().info(safe=True)

    @cached_property
    def _context(self) -> Any:
        """What is stored with the result of a task that a worker has revoked, or that did not end by itself."""
        context = super()._context
        context.smsmobile_arguments = self.args, self.kwargs
        context.args, context.kwargs = ARGUMENTS, KEYWORDS
        return context
