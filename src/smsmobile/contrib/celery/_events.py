"""Webhook events in the message of a task: `hand_over` puts one in, `event_of` takes it out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import ValidationError

from ...errors import MalformedPayload
from ...webhooks.events import EVENT_TYPES, AnyEvent, UnknownEvent
from ._confidential import HIDDEN


def hand_over(task: Any) -> Callable[[AnyEvent], None]:
    """A handler for a `WebhookEndpoint` that leaves each event to a task, and returns at once.

        endpoint = WebhookEndpoint(receiver, store, handler=hand_over(on_event))

    task: a task with one argument, which gets the event as JSON. Read it with `event_of`. Let its base be a
        ConfidentialTask, so that its own retries hide the event too.

    If the broker does not take the message, the handler raises, and the service delivers the event again.
    """

    def handler(event: AnyEvent) -> None:
        task.apply_async((event.model_dump(mode="json"),), **HIDDEN)

    return handler


def event_of(payload: Mapping[str, Any]) -> AnyEvent:
    """The event that a task was given.

    payload: the argument of the task.

    Raises MalformedPayload, without the contents, if it is no event.
    """
    if isinstance(payload, Mapping):
        model: type[AnyEvent] = EVENT_TYPES.get(str(payload.get("type")), UnknownEvent)
        try:
            return model.model_validate(dict(payload))
        except ValidationError:
            pass
    raise MalformedPayload("The argument of the task is not an event that hand_over has put there.")
