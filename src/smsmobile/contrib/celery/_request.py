"""`ConfidentialRequest`: what a worker tells of the message of a confidential task. Only workers import it."""

from __future__ import annotations

from typing import Any

from celery.worker.request import Request


class ConfidentialRequest(Request):  # type: ignore[misc]
    """`celery inspect` asks it."""

    def info(self, safe: bool = False) -> Any:  # noqa: ARG002
        """What is known of the message, with what its headers show in the place of its arguments."""
        return super().info(safe=True)
