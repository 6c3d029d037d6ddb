"""What the page's endpoints work with: the sandbox, and what is kept about it for the page."""

from __future__ import annotations

from typing import Any

from flask import Request

from ..phone import Phone
from .live import Live
from .newest import Newest
from .reading import Refused
from .tallies import Tallies
from .threads import Threads


class Desk:
    """One sandbox, seen from its page."""

    def __init__(self, box: Any) -> None:
        """`box` is a Sandbox. Its module makes the page, so it is not imported here."""
        ledger = box._ledger
        self.box = box
        self.ledger = ledger
        self.threads = Threads(ledger)
        self.tallies = Tallies(ledger)
        self.requests = Newest(ledger, ledger.requests)
        self.deliveries = Newest(ledger, ledger.deliveries)
        self.live = Live(ledger)

    def is_served(self, request: Request) -> bool:
        """Whether this request came in through the sandbox's own server."""
        server = self.box._server
        return server is not None and request.environ.get("SERVER_PORT") == str(server.port)

    def phone(self, sid: str) -> Phone:
        """The phone with this SID, or the 404."""
        phones: list[Phone] = self.box.phones
        for phone in phones:
            if phone.sid == sid:
                return phone
        raise Refused(404, "No phone has this SID: GET /_sandbox/phones lists them.")
