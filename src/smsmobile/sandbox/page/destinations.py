"""Webhooks, from the page: where events are posted, and what became of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..rows import Destination
from . import serializers
from .context import PageContext
from .parsing import Refused, refusing
from .routing import Answer, PageRoute

if TYPE_CHECKING:
    from ..webhooks import Webhook
    from . import bodies


def webhooks(context: PageContext) -> Answer:
    """Where webhooks are posted, the first one first."""
    with context.store.lock:
        return {"destinations": [_shown(context, row) for row in context.store.destinations]}


def add_webhook(context: PageContext, body: bodies.NewWebhook) -> Answer:
    """One more address that events are pushed to."""
    with context.store.lock, refusing(ValueError):
        added = context.box.add_webhook(body.url, secret=body.secret, version=body.version, types=body.types)
        return _after(context, added)


def remove_webhook(context: PageContext, number: int) -> Answer:
    """Push nothing more there."""
    with context.store.lock:
        _webhook(context, number).remove()
        return {}


def resume(context: PageContext, body: bodies.Nothing, number: int) -> Answer:  # noqa: ARG001
    """End a pause before its time."""
    with context.store.lock:
        webhook = _webhook(context, number)
        webhook.resume()
        return _after(context, webhook)


def rotate(context: PageContext, body: bodies.Rotation, number: int) -> Answer:
    """Sign with a next secret too."""
    with context.store.lock, refusing(ValueError, status=409):
        webhook = _webhook(context, number)
        webhook.rotate_secret(body.next_secret)
        return _after(context, webhook)


def finish_rotation(context: PageContext, body: bodies.Nothing, number: int) -> Answer:  # noqa: ARG001
    """Sign with the next secret alone."""
    with context.store.lock, refusing(ValueError, status=409):
        webhook = _webhook(context, number)
        webhook.finish_rotation()
        return _after(context, webhook)


def send_test(context: PageContext, body: bodies.SampleEvent, number: int) -> Answer:
    """Deliver a made-up event."""
    with context.store.lock, refusing(ValueError):
        return serializers.delivery(context.webhooks.send_test(_webhook(context, number), body.type))


def send_again(context: PageContext, body: bodies.Nothing, number: int) -> Answer:  # noqa: ARG001
    """Deliver the event of a delivery once more."""
    with context.store.lock:
        status = 409 if str(number) in context.store.deliveries else 404
        with refusing(LookupError, status=status):
            return serializers.delivery(context.webhooks.send_again(number))


def _webhook(context: PageContext, number: int) -> Webhook:
    webhooks: list[Webhook] = context.box.webhooks
    for webhook in webhooks:
        if webhook.id == number:
            return webhook
    raise Refused(404, f"There is no webhook {number}, or it was removed.")


def _after(context: PageContext, webhook: Webhook) -> Answer:
    return _shown(context, context.webhooks.destination(webhook))


def _shown(context: PageContext, row: Destination) -> Answer:
    return serializers.destination(row, context.webhooks.paused_until(row))


ROUTES = (
    PageRoute("GET", "/webhooks", webhooks),
    PageRoute("POST", "/webhooks", add_webhook, body="NewWebhook", status=201),
    PageRoute("DELETE", "/webhooks/<int:number>", remove_webhook),
    PageRoute("POST", "/webhooks/<int:number>/resume", resume, body="Nothing"),
    PageRoute("POST", "/webhooks/<int:number>/rotate", rotate, body="Rotation"),
    PageRoute("POST", "/webhooks/<int:number>/finish-rotation", finish_rotation, body="Nothing"),
    PageRoute("POST", "/webhooks/<int:number>/test", send_test, body="SampleEvent", status=201),
    PageRoute("POST", "/deliveries/<int:number>/again", send_again, body="Nothing", status=201),
)
