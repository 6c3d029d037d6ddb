"""`Campaign`: how far a campaign is, from any process. Its records are in the result backend of the app."""

from __future__ import annotations

from typing import Any, NamedTuple

from celery import current_app
from celery.backends.base import DisabledBackend
from celery.backends.rpc import RPCBackend

from ...errors import ConfigurationError

CAMPAIGN = "smsmobile.campaign"
"""The name of the task."""
_OURS = "SMSMOBILE"
"""The state of our records, which is none of Celery's."""


class CampaignProgress(NamedTuple):
    """How far a campaign is."""

    state: str
    """PENDING: nothing is known of it yet, or any more. RUNNING, PAUSED or DONE. STOPPED: for the `reason`."""
    reason: str | None
    """Why it has stopped."""
    rows: int
    """How many rows were read from the source so far."""
    counts: dict[str, int]
    """How many messages have which outcome, by the values of SendStatus: `{"sent": 950, "unknown": 1}`. A chunk of
    messages is counted when all of them have one. What an earlier campaign has sent counts as sent."""


class Campaign:
    """A campaign, from any process that has the app.

        started = campaign.delay("shop.sms:reminders")
        print(Campaign(started.id).progress())

    id: what `campaign.delay` returned as `id`.
    app: its app; by default the current one.

    Raises ConfigurationError if the app has no result backend that other processes can read.
    """

    def __init__(self, id: str, app: Any = None) -> None:  # noqa: A002 - Celery calls it so
        self.id = id
        self._app = app or current_app._get_current_object()
        self._records = Records(self._app, id)

    def progress(self) -> CampaignProgress:
        """How far it is now."""
        state = self._records.load() or {}
        return CampaignProgress(
            state.get("state", "PENDING"), state.get("reason"), state.get("rows", 0), state.get("counts", {})
        )

    def pause(self) -> None:
        """Let it send nothing more, after the messages that are being sent."""
        self._records.pause()

    def resume(self) -> None:
        """Let it go on after a pause, or after the reason for which it stopped is gone.

        Raises ConfigurationError if its record is lost: start the campaign again, and the journal goes on.
        """
        state = self._records.load()
        if state is None:
            raise ConfigurationError(
                "Nothing is known of this campaign (any more): the result backend forgets after result_expires. "
                "Start it again: what its messages had as an outcome is in the journal."
            )
        self._records.pause(False)
        if state["state"] != "DONE":
            self._app.tasks[CAMPAIGN].apply_async(**state["order"], task_id=self.id)

    def __repr__(self) -> str:
        return f"<Campaign: {self.id}>"


class Records:
    """The records of a campaign: its state, whether it is paused, and the outcome of each chunk."""

    def __init__(self, app: Any, campaign: str) -> None:
        check_backend(app)
        self._backend = app.backend
        self._name = f"smsmobile-{campaign}"

    def load(self) -> dict[str, Any] | None:
        """The state; None if there is none."""
        return self._load("")

    def save(self, state: dict[str, Any]) -> None:
        """Record the state."""
        self._save("", state)

    def pause(self, is_paused: bool = True) -> None:
        """Record whether it is paused."""
        self._save("-pause", {"is_paused": is_paused})

    @property
    def is_paused(self) -> bool:
        """Whether nothing more is sent."""
        return bool((self._load("-pause") or {}).get("is_paused"))

    def chunk(self, start: int) -> dict[str, Any] | None:
        """What became of the chunk that begins with this row; None as long as it is not done."""
        return self._load(f"-{start}")

    def save_chunk(self, start: int, result: dict[str, Any]) -> None:
        """Record what became of a chunk."""
        self._save(f"-{start}", result)

    def _load(self, what: str) -> dict[str, Any] | None:
        meta = self._backend.get_task_meta(self._name + what, cache=False)
        return meta["result"] if meta["status"] == _OURS else None

    def _save(self, what: str, value: dict[str, Any]) -> None:
        self._backend.store_result(self._name + what, value, _OURS)


def check_backend(app: Any) -> None:
    """Raises ConfigurationError if the app has no result backend that other processes can read."""
    if isinstance(app.backend, (DisabledBackend, RPCBackend)):
        raise ConfigurationError(
            "A campaign keeps its progress in the result backend: set result_backend to a Redis or a database, such "
            "as 'redis://localhost:6379/1'. 'rpc://' does not do, since only one process can read it."
        )
