"""The owners that send: the code that ships, `send_once` and `BulkSender` with all beneath them, asks the world.

The wire is cut at the transport: what it returns and raises is made of bytes by the same table as ever (`judge`). Left
out are requests and urllib3, authentication, and the transport's own retries; tests/faults/ has these.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timezone
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest

from smsmobile._wire.endpoints import ENDPOINTS
from smsmobile._wire.envelope import Answer
from smsmobile._wire.outcome import judge
from smsmobile._wire.refusals import Reply
from smsmobile.channels.sms import SMSChannel
from smsmobile.delivery import (
    BulkSender,
    MemorySuppression,
    OutgoingSMS,
    SendOutcome,
    SendStatus,
    Suppression,
    send_once,
)
from smsmobile.delivery.journals import JournalEntry, MessageClaim
from smsmobile.errors import SendInFlight, SendOutcomeUnknown, SMSMobileError

from .programs import Process, ask, this_process
from .promises import Message
from .sends import Row

OK = Reply(200)
ANSWERS = {
    "refused": b'{"result": {"error": 0, "sent": "api_error"}}',
    "offline": b'{"result": {"error": 2, "sent": "0"}}',
    "nameless": b'{"success": true, "message": "SMS sent successfully"}',
}


class Wire:
    """What stands in for `Transport`."""

    auth = None
    base_url = "https://api.smsmobileapi.com"

    def __init__(self) -> None:
        self._clock_offset: float | None = None

    def call(self, name: str, params: dict[str, str | int], *, repeat: bool = True) -> Answer:
        body = self._send(params) if name == "sms.send" else self._log(params)
        return judge(ENDPOINTS[name].kind, OK, body)

    def clock_offset(self) -> float | None:
        return self._clock_offset

    def _send(self, params: dict[str, str | int]) -> bytes:
        process = this_process()
        key = process.memory["key"]
        process.memory["requests"] = number = process.memory.get("requests", 0) + 1
        name = f"{process.name}{number}"
        marks = ("shorturl" in params, "encrypt_message" in params)
        ask("leave", name, str(params["recipients"]), str(params["message"]), *marks, about=key)
        try:
            self._clock_offset, state = ask("answer", name, about=key)
        except InterruptedError as error:  # the time limit of a task queue, for example
            raise SendOutcomeUnknown("The call was interrupted.") from error
        if state in ANSWERS:
            return ANSWERS[state]
        return json.dumps({"result": {"error": 0, "sent": "1", "id": name}}).encode()

    def _log(self, params: dict[str, str | int]) -> bytes:
        key = this_process().memory["key"]
        self._clock_offset, *rows = ask("log", params.get("keyword", ""), params.get("before", ""), about=key)
        return json.dumps({"result": {"error": 0, "sms": list(map(_as_the_log_has_it, rows))}}).encode()


def _as_the_log_has_it(row: Row) -> dict[str, str]:
    at = datetime.fromtimestamp(row.at, timezone.utc).isoformat()
    error = "blocked" if row.is_refused else ""
    return {"guid": row.guid, "number": row.number, "message": row.text, "datetime": at, "error_api": error}


class SharedJournal:
    """The journal as an owner sees it."""

    def claim(self, entries: Sequence[JournalEntry]) -> list[MessageClaim]:
        return list(self._ask("claim", tuple(entries)))

    def start(self, entry: JournalEntry, at: float) -> bool:
        this_process().memory["key"] = entry.key  # of a campaign, it is the message at hand from now on
        return bool(self._ask("start", entry, at))

    def settle(
        self, entry: JournalEntry, outcome: SendStatus, *, guid: str | None = None, reason: str | None = None
    ) -> bool:
        return bool(self._ask("settle", entry, outcome, guid, reason))

    def keep_back(self, entry: JournalEntry, outcome: SendStatus, reason: str) -> bool:
        return bool(self._ask("keep_back", entry, outcome, reason))

    def withdraw(self, entries: Iterable[JournalEntry]) -> None:
        self._ask("withdraw", tuple(entries))

    def renew(self, entries: Iterable[JournalEntry]) -> None:
        self._ask("renew", tuple(entries))

    def release(self, entries: Iterable[JournalEntry]) -> None:
        self._ask("release", tuple(entries))

    def abandoned(self, limit: int) -> list[JournalEntry]:
        return list(self._ask("abandoned", limit))

    def unknown(self, since: float = 0.0) -> list[JournalEntry]:
        return list(self._ask("unknown", since))

    def get(self, key: str) -> JournalEntry | None:
        return self._ask("get", key)  # type: ignore[no-any-return]

    def entries(self) -> Iterator[JournalEntry]:
        return iter(self._ask("entries"))

    def forget(self, key: str) -> bool:
        return bool(self._ask("forget", key))

    def has(self, number: str, guid: str) -> bool:
        return bool(self._ask("has", number, guid))

    def without_guid(self, number: str, since: float) -> list[JournalEntry]:
        return list(self._ask("without_guid", number, since))

    @staticmethod
    def _ask(kind: str, *arguments: Any) -> Any:
        return ask(kind, *arguments, about=this_process().memory["key"])


class SharedList(MemorySuppression):
    """The list of those who asked for no more messages: at any time the world may have put a number on it."""

    def __contains__(self, number: object) -> bool:
        return bool(ask("listed", about=this_process().memory["key"]))


def sends(
    messages: Sequence[Message], *, calls: int, patience: float = 0.0, suppression: Suppression | None = None
) -> Callable[[Process], None]:
    """An owner that sends messages one after the other, and calls again, so often, if one is in flight elsewhere."""

    def run(process: Process) -> None:
        client: Any = SimpleNamespace(sms=SMSChannel(Wire()))  # type: ignore[arg-type]
        for message in messages:
            process.memory["key"] = message.key
            for _ in range(calls):
                if _is_decided(client, message, patience, suppression):
                    break

    return run


def campaigns(messages: Sequence[Message], *, calls: int, patience: float = 0.0) -> Callable[[Process], None]:
    """An owner that sends messages as a campaign with one worker, and begins it again, so often, if it stops."""

    def run(process: Process) -> None:
        client: Any = SimpleNamespace(sms=SMSChannel(Wire()))  # type: ignore[arg-type]
        process.memory["key"] = ""
        for _ in range(calls):
            sender = BulkSender(client, journal=SharedJournal(), workers=1, patience=patience)
            try:
                for outcome in sender.send(OutgoingSMS(**message._asdict()) for message in messages):
                    _say(outcome)
            except (SMSMobileError, InterruptedError):
                ask("sleep", 10.0)
            else:
                return

    return run


def _say(outcome: SendOutcome) -> None:
    status = outcome.recorded if outcome.status is SendStatus.DUPLICATE else outcome.status
    ask("say", status, about=outcome.key or "")


def _is_decided(client: Any, message: Message, patience: float, suppression: Suppression | None) -> bool:
    key = message.key
    try:
        outcome = send_once(client, SharedJournal(), **message._asdict(), suppression=suppression, patience=patience)
    except SendInFlight as error:
        ask("sleep", error.retry_after, about=key)
        return False
    except SMSMobileError:
        return False
    _say(outcome)
    return True


# --- what the code asks the machine ----------------------------------------------------------------------------


class _Event:
    """An Event that nobody sets while somebody waits for it: waiting takes its time."""

    def __init__(self) -> None:
        self._is_set = False

    def set(self) -> None:
        self._is_set = True

    def is_set(self) -> bool:
        return self._is_set

    def wait(self, seconds: float) -> bool:
        if not self._is_set:
            ask("sleep", seconds, about=this_process().memory["key"])
        return self._is_set


def _new_uuid() -> SimpleNamespace:
    process = this_process()
    process.memory["tokens"] = number = process.memory.get("tokens", 0) + 1
    return SimpleNamespace(hex=f"{process.name}{number}")


@contextmanager
def simulated_machine() -> Iterator[None]:
    """Clocks, waits, tokens and dice of the code that ships are the world's."""
    clock = SimpleNamespace(time=partial(ask, "time"), monotonic=partial(ask, "monotonic"))
    with pytest.MonkeyPatch.context() as patch:
        for module in ("once", "_sender", "_lookup", "_outcomes", "_campaign", "_workers", "_pace", "_rate_limit"):
            patch.setattr(f"smsmobile.delivery.{module}.time", clock)
        for module in ("once", "_campaign", "_workers"):
            patch.setattr(f"smsmobile.delivery.{module}.Event", _Event)
        patch.setattr("smsmobile.delivery._workers.atexit", SimpleNamespace(register=id, unregister=id))
        patch.setattr("smsmobile.delivery._sender.uuid4", _new_uuid)
        patch.setattr("smsmobile._http.backoff.random", SimpleNamespace(uniform=lambda _least, most: most))
        yield
