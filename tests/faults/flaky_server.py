"""A sandbox with faults that tests switch on, and a client of it. Faults below HTTP are in raw_server.py."""

from __future__ import annotations

from dataclasses import dataclass

from smsmobile import SMSMobileClient
from smsmobile.sandbox import Faults, RecordedRequest, Sandbox


@dataclass
class FlakyServer:
    """The sandbox and its client."""

    box: Sandbox
    client: SMSMobileClient
    """Retries up to three times."""

    @property
    def faults(self) -> Faults:
        return self.box.faults

    @property
    def requests(self) -> list[RecordedRequest]:
        return self.box.requests

    @property
    def texts(self) -> list[str]:
        return [message.message for message in self.box.phone.outbox]
