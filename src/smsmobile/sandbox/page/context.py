"""What the page's endpoints work with: the sandbox, and what is kept about it for the page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Request

from ..phone import Phone
from ..store import Store
from ..webhooks import Webhooks
from .conversations import Conversations
from .live import Live
from .parsing import Refused


class PageContext:
    """One sandbox, seen from its page."""

    def __init__(
        self,
        box: Any,
        *,
        store: Store,
        webhooks: Webhooks,
        change_account: Callable[..., None],
        port: Callable[[], int | None],
    ) -> None:
        """`box` is a Sandbox. Its module makes the page, so it is not imported here.

        `change_account` takes the account's fields by name; `port` tells where the sandbox listens, once it does.
        """
        self.box = box
        self.store = store
        self.webhooks = webhooks
        self.change_account = change_account
        self.conversations = Conversations(store)
        self.live = Live(store)
        self._port = port

    def is_served(self, request: Request) -> bool:
        """Whether this request came in through the sandbox's own server."""
        return request.environ.get("SERVER_PORT") == str(self._port())

    def phone(self, sid: str) -> Phone:
        """The phone with this SID, or the 404."""
        phones: list[Phone] = self.box.phones
        for phone in phones:
            if phone.sid == sid:
                return phone
        raise Refused(404, "No phone has this SID: GET /_sandbox/phones lists them.")
