"""Faults, from the page: what is to go wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import serializers
from .context import PageContext
from .parsing import Refused, refusing
from .routing import Answer, PageRoute

if TYPE_CHECKING:
    from . import bodies


def faults(context: PageContext) -> Answer:
    """What is to go wrong, the first one first."""
    with context.store.lock:
        return {"faults": [serializers.fault(row) for row in context.store.faults]}


def add_fault(context: PageContext, body: bodies.NewFault) -> Answer:
    """Let something go wrong from now on."""
    with refusing(ValueError):
        return serializers.fault(context.box.faults.add(**body.model_dump()))


def switch_on(context: PageContext, body: bodies.NewFault) -> Answer:
    """See to it that a fault of this kind is on; where there is one, it stays as it is."""
    faults = context.box.faults
    with context.store.lock, refusing(ValueError):
        first = next((fault for fault in faults if fault.kind == body.kind), None)
        return serializers.fault(first or faults.add(**body.model_dump()))


def change_fault(context: PageContext, body: bodies.FaultChange, number: int) -> Answer:
    """Go on with other parameters."""
    with refusing(LookupError, status=404), refusing(ValueError):
        return serializers.fault(context.box.faults.change(number, **body.model_dump(exclude_unset=True)))


def remove_fault(context: PageContext, number: int) -> Answer:
    """Switch one off."""
    with context.store.lock:
        if str(number) not in context.store.faults:
            raise Refused(404, f"There is no fault {number}, or it is over.")
        context.box.faults.remove(number)
        return {}


def remove_faults(context: PageContext) -> Answer:
    """Switch all off."""
    context.box.faults.clear()
    return {}


ROUTES = (
    PageRoute("GET", "/faults", faults),
    PageRoute("POST", "/faults", add_fault, body="NewFault", status=201),
    PageRoute("PUT", "/faults", switch_on, body="NewFault"),
    PageRoute("POST", "/faults/<int:number>", change_fault, body="FaultChange"),
    PageRoute("DELETE", "/faults/<int:number>", remove_fault),
    PageRoute("DELETE", "/faults", remove_faults),
)
