"""A service whose sends behave as a script says. What it accepted is in its log.

The channel, the envelopes and the errors are the real ones; there is no network.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timezone
from types import SimpleNamespace
from typing import Any

from smsmobile import (
    AuthenticationError,
    ConnectionFailed,
    DeviceOffline,
    RateLimited,
    SendOutcomeUnknown,
    ServerError,
    SMSMobileError,
    StorageError,
    SubscriptionExpired,
    UnexpectedResponse,
)
from smsmobile._wire.endpoints import ENDPOINTS
from smsmobile._wire.envelope import Answer
from smsmobile._wire.outcome import judge
from smsmobile._wire.refusals import Reply, refusal_for
from smsmobile.channels.sms import SMSChannel

BEHAVIOURS = {
    "accept": (True, None),
    "accept without a guid": (True, None),
    "doubt after": (True, lambda: SendOutcomeUnknown("The connection broke.")),
    "doubt before": (False, lambda: SendOutcomeUnknown("The connection broke.")),
    "refuse": (False, lambda: refusal_for(Reply(200), "bad_number", None)),
    "refuse, in doubt": ("bad_number", lambda: SendOutcomeUnknown("The connection broke.")),
    "unreachable": (False, lambda: ConnectionFailed("Could not reach it. Nothing was sent.")),
    "no token": (False, lambda: ServerError("The service failed.", status=500)),
    "too fast": (False, lambda: RateLimited("Too many requests.", status=429, retry_after=7.0)),
    "far too fast": (False, lambda: RateLimited("Too many requests.", status=429, retry_after=86400.0)),
    "offline": (False, lambda: DeviceOffline("The phone is offline.", code="2")),
    "over": (False, lambda: SubscriptionExpired("The subscription is over.")),
    "wrong key": (False, lambda: AuthenticationError("The service refused the credentials.")),
    "no store": (False, lambda: StorageError("The token store cannot be read.")),
    "no signature": (False, lambda: SMSMobileError("The authentication raised KeyError.")),
    "redirect": (False, lambda: UnexpectedResponse("The service redirected.", code="redirect")),
}
"""Whether the message is accepted (or a word why the log says it was not), and what is raised."""


class ScriptedService:
    """`script` has the behaviour of each send in turn; afterwards all are accepted."""

    auth = None
    base_url = "https://api.example"

    def __init__(self, *script: str) -> None:
        self.script = deque(script)
        self.behave: Callable[[str, str], str | None] = lambda number, text: None
        """Or by number and text: a behaviour in place of the script's."""
        self.rows: list[dict[str, Any]] = []
        """The log, oldest first."""
        self.attempts: list[tuple[str, str]] = []
        self.asked: list[str | None] = []
        """The keywords of the requests to the log."""
        self.looks = 0
        self.log_failures: deque[Exception] = deque()
        """What the next looks into the log raise."""
        self.rows_are_late_by = 0
        """So many looks pass before a row is shown."""
        self.page_size = 100
        self.clock_is_ahead_by: float | None = None
        """Of this machine's clock, in seconds, as the `Date` of its answers says; None if they have none."""
        self.finds_by_number = True
        """Whether a keyword is compared with numbers."""
        self.client: Any = SimpleNamespace(sms=SMSChannel(self))  # type: ignore[arg-type]  # all that it calls is `call`

    @property
    def phone(self) -> list[tuple[str, str]]:
        """What the phone has sent."""
        return [(row["number"], row["message"]) for row in self.rows if row["error_api"] == "0"]

    def call(self, name: str, params: Mapping[str, str | int], **_: Any) -> Answer:
        """In place of the transport's."""
        return self._send(params) if name == "sms.send" else self._log(params)

    def clock_offset(self) -> float | None:
        """In place of the transport's."""
        return self.clock_is_ahead_by

    def _send(self, params: Mapping[str, str | int]) -> Answer:
        number, text = str(params["recipients"]), str(params["message"])
        self.attempts.append((number, text))
        behaviour = self.behave(number, text) or (self.script.popleft() if self.script else "accept")
        accepted, failure = BEHAVIOURS[behaviour]
        guid = f"guid-{len(self.rows) + 1}"
        if accepted:
            self.add(number, text, guid=guid, error_api="0" if accepted is True else accepted)
        if failure is not None:
            raise failure()
        if behaviour == "accept without a guid":
            return answer("sms.send", {"success": True, "message": "SMS sent successfully"})
        return answer("sms.send", {"result": {"error": 0, "sent": "1", "id": guid}})

    def add(self, number: str, text: str, *, at: datetime | None = None, **fields: Any) -> None:
        """Put a row into the log."""
        at = at or datetime.now(timezone.utc)
        guid = f"guid-{len(self.rows) + 1}"
        row = {"guid": guid, "number": number, "message": text, "datetime": at.isoformat(), "error_api": "0", **fields}
        row.setdefault("made", at.timestamp())
        self.rows.append({**row, "visible from": self.looks + self.rows_are_late_by})

    def _log(self, params: Mapping[str, str | int]) -> Answer:
        self.looks += 1
        self.asked.append(params.get("keyword"))  # type: ignore[arg-type]  # it is text
        if self.log_failures:
            raise self.log_failures.popleft()
        rows = [row for row in reversed(self.rows) if row["visible from"] < self.looks]
        if keyword := str(params.get("keyword", "")):
            numbers_too = self.finds_by_number
            rows = [row for row in rows if keyword in row["message"] or (numbers_too and keyword in row["number"])]
        before = params.get("before")
        if isinstance(before, str):
            rows = rows[[row["guid"] for row in rows].index(before) + 1 :]
        elif before is not None:
            rows = [row for row in rows if row["made"] < before]
        return answer("sms.log", {"result": {"error": 0, "sms": rows[: self.page_size]}})


def answer(name: str, content: object) -> Answer:
    """What the transport makes of such an answer."""
    return judge(ENDPOINTS[name].kind, Reply(200), json.dumps(content).encode())


def numbered(count: int, text: str = "hi") -> Iterable[tuple[str, str]]:
    """So many messages, to as many numbers."""
    return [(f"+336{number:08d}", text) for number in range(count)]
