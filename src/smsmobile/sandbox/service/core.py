"""What all operations share: the memory, the phones, and the checks that come before anything else."""

from __future__ import annotations

from collections.abc import Callable

from ..errors import api_expired, invalid_param, phone_offline, subscription_expire
from ..events import Event
from ..phones import Phones
from ..store import Store


class Service:
    """One account. Every operation is atomic: it holds the store's lock from beginning to end (see app.py)."""

    def __init__(self, store: Store, phones: Phones, publish: Callable[[Event], None]) -> None:
        self.store = store
        self.phones = phones
        self.publish = publish
        """Hands an event to the webhooks, without waiting."""
        self.handled: tuple[str, ...] = ()
        """The GUIDs of the messages that the present operation made or sends again."""

    def check_subscription(self) -> None:
        """Raise what everything but a send is told once the subscription is over."""
        if not self.store.account.subscription_active:
            raise api_expired()

    def check_device(self, sid: str | None, parameter: str) -> None:
        """Raise the 400 for a SID that no phone of the account has."""
        if sid is not None and sid not in self.store.phones:
            raise invalid_param(parameter)

    def check_online(self) -> None:
        """Raise what is told where no phone is connected that could be asked."""
        if not any(phone.is_on for phone in self.store.phones):
            raise phone_offline()

    def check_subscription_to_send(self) -> None:
        """Raise what a send is told once the subscription is over."""
        if not self.store.account.subscription_active:
            raise subscription_expire()

    def choose_phone(self, sid: str | None = None) -> str:
        """The SID of the phone that is to send: the wanted one, or else the first that is on.

        Raises what a send is told where the subscription is over, there is no such phone, or it is off.
        """
        self.check_subscription_to_send()
        self.check_device(sid, "sIdentifiant")
        for phone in self.store.phones:
            if phone.is_on and sid in (None, phone.sid):
                return phone.sid
        raise phone_offline()
