"""What is done from the page: the other person writes and calls, phones are switched, time passes, rows are cleared."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..numbers import peer_of
from . import serializers
from .context import PageContext
from .conversations import asked_for
from .parsing import refusing, text
from .routing import Answer, PageRoute

if TYPE_CHECKING:
    from . import bodies


def change_account(context: PageContext, body: bodies.AccountChange) -> Answer:
    """The subscription, the delay of the log, the lifetime of tokens."""
    box = context.box
    with context.store.lock:
        changes = body.model_dump(exclude_unset=True)
        if changes:
            context.change_account(**changes)
        return {
            "subscription_active": box.subscription_active,
            "log_delay": box.log_delay,
            "token_lifetime": box.token_lifetime,
        }


def revoke_tokens(context: PageContext, body: bodies.Nothing) -> Answer:  # noqa: ARG001
    """No OAuth2 token that was issued so far is valid any more."""
    context.box.revoke_tokens()
    return {}


def add_phone(context: PageContext, body: bodies.NewPhone) -> Answer:
    """One more phone."""
    with context.store.lock:
        return serializers.phone(context.box.add_phone(body.label).state, context.store)


def change_phone(context: PageContext, body: bodies.PhoneChange, sid: str) -> Answer:
    """Its name, its battery, its delay, and whether it is on."""
    with context.store.lock, refusing(ValueError):
        phone = context.phone(sid)
        wanted = body.model_fields_set
        if "label" in wanted:
            phone.label = body.label
        if "battery" in wanted:
            phone.battery = body.battery
        if "delay" in wanted:
            phone.delay = body.delay
        if "is_on" in wanted and body.is_on:
            phone.switch_on()
        elif "is_on" in wanted:
            phone.switch_off()
        return serializers.phone(phone.state, context.store)


def remove_phone(context: PageContext, sid: str) -> Answer:
    """Take a phone from the account, with its conversations."""
    with context.store.lock, refusing(ValueError, status=409):
        context.phone(sid).remove()
        return {}


def receive(context: PageContext, body: bodies.Incoming, sid: str) -> Answer:
    """The other person writes."""
    with context.store.lock, refusing(ValueError):
        phone = context.phone(sid)
        if body.channel == "whatsapp":
            return {"guid": phone.receive_whatsapp(peer_of(body.sender), body.text)}  # it spells numbers without "+"
        return {"guid": phone.receive(body.sender, body.text)}


def call(context: PageContext, body: bodies.NewCall, sid: str) -> Answer:
    """A call that the phone misses, takes or makes."""
    with context.store.lock, refusing(ValueError):
        phone = context.phone(sid)
        return {"guid": phone.call(body.number, body.name, kind=body.kind, seconds=body.seconds)}


def send_by_hand(context: PageContext, body: bodies.ByHand, sid: str) -> Answer:
    """The phone's owner writes an SMS on the phone itself."""
    with context.store.lock, refusing(ValueError):
        phone = context.phone(sid)
        return {"guid": phone.send_by_hand(body.recipient, body.text)}


def see(context: PageContext, body: bodies.Shown, sid: str) -> Answer:
    """Somebody at the page was shown a conversation up to an entry."""
    with context.store.lock:
        context.phone(sid)
        context.conversations.see(sid, body.peer, body.up_to)
        return {}


def clear_thread(context: PageContext) -> Answer:
    """Forget a conversation."""
    sid, peer = text("phone"), asked_for(text("peer"))
    with context.store.lock:
        context.phone(sid)
        context.conversations.clear(sid, peer)
        return {}


def clear_requests(context: PageContext) -> Answer:
    """Forget what was asked so far."""
    context.store.requests.clear()
    return {}


def move_clock(context: PageContext, body: bodies.ClockMove) -> Answer:
    """Let time pass, choose a moment, or go by this machine's clock again."""
    clock = context.box.clock
    with context.store.lock, refusing(ValueError):
        if body.forward is not None:
            clock.forward(body.forward)
        elif body.move_to is not None:
            clock.move_to(body.move_to)
        else:
            clock.reset()
        return {"now": serializers.moment(clock.now())}


def reset(context: PageContext, body: bodies.Nothing) -> Answer:  # noqa: ARG001
    """Everything as at the start; the credentials and the address stay."""
    context.box.reset()
    return {}


ROUTES = (
    PageRoute("POST", "/account", change_account, body="AccountChange"),
    PageRoute("POST", "/account/revoke-tokens", revoke_tokens, body="Nothing"),
    PageRoute("POST", "/phones", add_phone, body="NewPhone", status=201),
    PageRoute("POST", "/phones/<sid>", change_phone, body="PhoneChange"),
    PageRoute("DELETE", "/phones/<sid>", remove_phone),
    PageRoute("POST", "/phones/<sid>/messages", receive, body="Incoming", status=201),
    PageRoute("POST", "/phones/<sid>/calls", call, body="NewCall", status=201),
    PageRoute("POST", "/phones/<sid>/sent", send_by_hand, body="ByHand", status=201),
    PageRoute("POST", "/phones/<sid>/seen", see, body="Shown"),
    PageRoute("DELETE", "/thread", clear_thread, query=("phone", "peer")),
    PageRoute("DELETE", "/requests", clear_requests),
    PageRoute("POST", "/clock", move_clock, body="ClockMove"),
    PageRoute("POST", "/reset", reset, body="Nothing"),
)
