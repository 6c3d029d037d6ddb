"""Webhook events in the message of a task: `hand_over` puts one in, `event_of` takes it out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

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
        task.apply_async((_payload_of(event),), **HIDDEN)

    return handler


def event_of(payload: Mapping[str, Any]) -> AnyEvent:
    """The event that a task was given.

    payload: the argument of the task.

    Raises MalformedPayload, without the contents, if it is no event.
    """
    event: AnyEvent | None = None
    try:
        model: type[AnyEvent] = EVENT_TYPES.get(payload["event"]["type"], UnknownEvent)
        event = model.model_validate({**payload["event"], "data": payload["data"]})
        for read, more in ((event, payload["more"]), (event.data, payload["more_data"])):
            read.__pydantic_extra__.update(more)  # type: ignore[union-attr]  # there is always one
    except (ValidationError, LookupError, TypeError, ValueError):
        event = None
    if event is not None:
        return event
    raise MalformedPayload("The argument of the task is not an event that hand_over has put there.")


def _payload_of(event: AnyEvent) -> dict[str, Any]:
    """The event as JSON. What it has besides its fields stays apart: its keys can be other spellings of a field."""
    return {
        "event": {name: value for name, value in _fields_of(event).items() if name != "data"},
        "data": _fields_of(event.data),
        "more": event.model_extra,
        "more_data": event.data.model_extra,
    }


def _fields_of(model: BaseModel) -> dict[str, Any]:
    return type(model).model_construct(**vars(model)).model_dump(mode="json")
