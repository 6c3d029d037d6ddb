"""Webhooks and faults, from the page: who is told of events, and what is to go wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..rows import Destination
from . import spelling
from .desk import Desk
from .reading import Refused, refusing
from .routing import Answer, PageRoute

if TYPE_CHECKING:
    from ..webhooks import Webhook
    from . import bodies


def webhooks(desk: Desk) -> Answer:
    """Where webhooks are posted, the first one first."""
    with desk.ledger.lock:
        return {"destinations": [_shown(desk, row) for row in desk.ledger.destinations]}


def add_webhook(desk: Desk, body: bodies.NewWebhook) -> Answer:
    """One more address that events are pushed to."""
    with desk.ledger.lock, refusing(ValueError):
        added = desk.box.add_webhook(body.url, secret=body.secret, version=body.version, types=body.types)
        return _after(desk, added)


def remove_webhook(desk: Desk, number: int) -> Answer:
    """Push nothing more there."""
    with desk.ledger.lock:
        _webhook(desk, number).remove()
        return {}


def resume(desk: Desk, body: bodies.Nothing, number: int) -> Answer:  # noqa: ARG001
    """End a pause before its time."""
    with desk.ledger.lock:
        webhook = _webhook(desk, number)
        webhook.resume()
        return _after(desk, webhook)


def rotate(desk: Desk, body: bodies.Rotation, number: int) -> Answer:
    """Sign with a next secret too."""
    with desk.ledger.lock, refusing(ValueError, status=409):
        webhook = _webhook(desk, number)
        webhook.rotate_secret(body.next_secret)
        return _after(desk, webhook)


def finish_rotation(desk: Desk, body: bodies.Nothing, number: int) -> Answer:  # noqa: ARG001
    """Sign with the next secret alone."""
    with desk.ledger.lock, refusing(ValueError, status=409):
        webhook = _webhook(desk, number)
        webhook.finish_rotation()
        return _after(desk, webhook)


def send_again(desk: Desk, body: bodies.Nothing, number: int) -> Answer:  # noqa: ARG001
    """Deliver the event of a delivery once more."""
    with desk.ledger.lock:
        if str(number) not in desk.ledger.deliveries:
            raise Refused(404, f"There is no delivery {number}, or it was forgotten.")
        with refusing(LookupError, status=409):
            return spelling.delivery(desk.webhooks.send_again(number))


def faults(desk: Desk) -> Answer:
    """What is to go wrong, the first one first."""
    with desk.ledger.lock:
        return {"faults": [spelling.fault(row) for row in desk.ledger.faults]}


def add_fault(desk: Desk, body: bodies.NewFault) -> Answer:
    """Let something go wrong from now on."""
    with refusing(ValueError):
        return spelling.fault(desk.box.faults.add(**body.model_dump()))


def change_fault(desk: Desk, body: bodies.FaultChange, number: int) -> Answer:
    """Go on with other parameters."""
    with refusing(LookupError, status=404), refusing(ValueError):
        return spelling.fault(desk.box.faults.change(number, **body.model_dump(exclude_unset=True)))


def remove_fault(desk: Desk, number: int) -> Answer:
    """Switch one off."""
    with desk.ledger.lock:
        if str(number) not in desk.ledger.faults:
            raise Refused(404, f"There is no fault {number}, or it is over.")
        desk.box.faults.remove(number)
        return {}


def remove_faults(desk: Desk) -> Answer:
    """Switch all off."""
    desk.box.faults.clear()
    return {}


def _webhook(desk: Desk, number: int) -> Webhook:
    webhooks: list[Webhook] = desk.box.webhooks
    for webhook in webhooks:
        if webhook.id == number:
            return webhook
    raise Refused(404, f"There is no webhook {number}, or it was removed.")


def _after(desk: Desk, webhook: Webhook) -> Answer:
    row = desk.ledger.destinations.get(str(webhook.id))
    if row is None:
        raise Refused(404, f"There is no webhook {webhook.id}, or it was removed.")
    return _shown(desk, row)


def _shown(desk: Desk, row: Destination) -> Answer:
    return spelling.destination(row, desk.webhooks.paused_until(row))


ROUTES = (
    PageRoute("GET", "/webhooks", webhooks),
    PageRoute("POST", "/webhooks", add_webhook, body="NewWebhook", status=201),
    PageRoute("DELETE", "/webhooks/<int:number>", remove_webhook),
    PageRoute("POST", "/webhooks/<int:number>/resume", resume, body="Nothing"),
    PageRoute("POST", "/webhooks/<int:number>/rotate", rotate, body="Rotation"),
    PageRoute("POST", "/webhooks/<int:number>/finish-rotation", finish_rotation, body="Nothing"),
    PageRoute("POST", "/deliveries/<int:number>/again", send_again, body="Nothing", status=201),
    PageRoute("GET", "/faults", faults),
    PageRoute("POST", "/faults", add_fault, body="NewFault", status=201),
    PageRoute("POST", "/faults/<int:number>", change_fault, body="FaultChange"),
    PageRoute("DELETE", "/faults/<int:number>", remove_fault),
    PageRoute("DELETE", "/faults", remove_faults),
)
