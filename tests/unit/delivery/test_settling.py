"""`settle`: what is looked up, what is recorded, and what is left alone. Nothing is ever sent."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from smsmobile import (
    AuthenticationError,
    ConfigurationError,
    ConnectionFailed,
    InvalidRequestError,
    StorageError,
)
from smsmobile._sent_log.comparison import fingerprint_and_look
from smsmobile.delivery import JournalEntry, MemoryJournal, SendStatus, SQLiteJournal, send_once, settle
from smsmobile.delivery import _lookup as lookup

from .scripted_service import ScriptedService

SENT, REFUSED, UNKNOWN, _, SUPPRESSED, _ = SendStatus
NUMBER, TEXT = "33639985678", "hi"
LONG_AGO = 3600.0

_tokens = map("token {}".format, itertools.count())


@pytest.fixture
def journal() -> MemoryJournal:
    return MemoryJournal()


@pytest.fixture(autouse=True)
def _nobody_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    def intervals(*_: float) -> Iterator[float]:
        yield 0.0
        raise AssertionError("It waits for another look.")

    monkeypatch.setattr(lookup, "backoff_intervals", intervals)


@pytest.fixture
def service() -> Iterator[Any]:
    service = ScriptedService()
    yield service
    assert service.attempts == [], "settle has sent something"


def planned(journal: MemoryJournal, key: str = "a", *, ago: float = LONG_AGO) -> JournalEntry:
    """A message that somebody else is about to send."""
    at = time.time() - ago
    fingerprint, look = fingerprint_and_look(NUMBER, TEXT, "text")
    entry = JournalEntry(key, NUMBER, fingerprint, "text", look, at, at, next(_tokens))
    assert journal.claim([entry])[0].state == "new"
    return entry


def started(journal: MemoryJournal, key: str = "a", *, ago: float = LONG_AGO) -> JournalEntry:
    """One that somebody else is sending."""
    entry = planned(journal, key, ago=ago)
    assert journal.start(entry, entry.attempted_at)
    return entry


def abandoned(journal: MemoryJournal, key: str = "a", *, ago: float = LONG_AGO) -> JournalEntry:
    """One whose sender is gone."""
    entry = started(journal, key, ago=ago)
    journal.release([entry])
    return entry


def unknown(journal: MemoryJournal, key: str = "a", *, ago: float = LONG_AGO) -> JournalEntry:
    entry = started(journal, key, ago=ago)
    assert journal.settle(entry, UNKNOWN, reason="nobody knows")
    return entry


def in_log(service: ScriptedService, entry: JournalEntry, **fields: Any) -> None:
    """The service has accepted it."""
    service.add(f"+{NUMBER}", TEXT, at=lookup.datetime.fromtimestamp(entry.attempted_at).astimezone(), **fields)


DOUBTS = pytest.mark.parametrize("in_doubt", [abandoned, unknown])


@DOUBTS
@pytest.mark.parametrize("ago", [0.0, LONG_AGO])
def test_what_the_log_shows_is_recorded(journal: MemoryJournal, service: Any, in_doubt: Any, ago: float) -> None:
    entry = in_doubt(journal, ago=ago)
    in_log(service, entry, guid="g")
    settled = settle(service.client, journal, "a")
    assert settled == entry._replace(outcome=SENT, guid="g")
    assert journal.get("a") == settled


@DOUBTS
def test_what_the_service_refused_is_recorded(journal: MemoryJournal, service: Any, in_doubt: Any) -> None:
    in_log(service, in_doubt(journal), error_api="bad_number")
    settled = settle(service.client, journal, "a")
    assert settled is not None
    assert (settled.outcome, settled.reason) == (REFUSED, "The service refused the message: bad_number.")


@DOUBTS
def test_what_the_log_does_not_show_is_unknown(journal: MemoryJournal, service: Any, in_doubt: Any) -> None:
    in_doubt(journal)
    settled = settle(service.client, journal, "a")
    assert settled is not None
    assert settled.outcome is UNKNOWN
    assert journal.unknown() == [settled]


def test_it_stays_in_flight_while_its_row_can_still_appear(journal: MemoryJournal, service: Any) -> None:
    entry = abandoned(journal, ago=1.0)
    settled = settle(service.client, journal, "a")
    assert settled is not None
    assert settled.outcome is None
    in_log(service, entry, guid="g")
    found = settle(service.client, journal, "a")
    assert found is not None
    assert found.guid == "g"


def test_an_unknown_message_is_looked_up_each_time(journal: MemoryJournal, service: Any) -> None:
    entry = unknown(journal)
    for _ in range(2):
        settled = settle(service.client, journal, "a")
        assert settled is not None
        assert (settled.outcome, settled.reason) == (UNKNOWN, "nobody knows")
    in_log(service, entry, guid="g")
    found = settle(service.client, journal, "a")
    assert found is not None
    assert found.outcome is SENT


@pytest.mark.parametrize("in_flight", [planned, started])
def test_what_somebody_else_is_sending_is_left_alone(journal: MemoryJournal, service: Any, in_flight: Any) -> None:
    entry = in_flight(journal)
    in_log(service, entry)
    assert settle(service.client, journal, "a") == entry
    assert service.looks == 0
    assert journal.start(entry, entry.attempted_at) is (in_flight is planned)
    assert journal.settle(entry, SENT)


def test_what_did_not_leave_before_its_sender_ended_is_free(journal: MemoryJournal, service: Any) -> None:
    entry = planned(journal)
    journal.release([entry])
    assert settle(service.client, journal, "a") is None
    assert service.looks == 0
    planned(journal)


@pytest.mark.parametrize("outcome", [SENT, REFUSED])
def test_what_has_an_outcome_is_not_looked_up(journal: MemoryJournal, service: Any, outcome: SendStatus) -> None:
    entry = started(journal)
    journal.settle(entry, outcome, guid="g")
    assert settle(service.client, journal, "a") == entry._replace(outcome=outcome, guid="g")
    assert service.looks == 0


def test_what_was_kept_back_stays_so(journal: MemoryJournal, service: Any) -> None:
    journal.keep_back(planned(journal), SUPPRESSED, "why")
    kept = journal.get("a")
    assert settle(service.client, journal, "a") == kept
    assert journal.get("a") == kept


def test_a_key_that_is_not_there_is_none(journal: MemoryJournal, service: Any) -> None:
    assert settle(service.client, journal, "a") is None
    assert list(journal.entries()) == []


def test_a_row_that_may_be_that_of_another_message_is_not_taken(journal: MemoryJournal, service: Any) -> None:
    unknown(journal, "twin")
    entry = abandoned(journal)
    in_log(service, entry, guid="g")
    settled = settle(service.client, journal, "a")
    assert settled is not None
    assert settled.outcome is UNKNOWN


@DOUBTS
@pytest.mark.parametrize("failure", [ConnectionFailed("It broke."), AuthenticationError("The key is wrong.")])
def test_a_log_that_cannot_be_read_is_an_error_and_nothing_is_recorded(
    journal: MemoryJournal, service: Any, in_doubt: Any, failure: Exception
) -> None:
    entry = in_doubt(journal)
    before = journal.get("a")
    service.log_failures.extend([failure] * 3)
    with pytest.raises(type(failure)):
        settle(service.client, journal, "a")
    after = journal.get("a")
    assert before is not None
    assert after is not None
    assert after.outcome is before.outcome
    service.log_failures.clear()
    in_log(service, entry, guid="g")
    found = settle(service.client, journal, "a")  # at once: nobody has to wait for a lease
    assert found is not None
    assert found.guid == "g"


def test_a_key_can_be_a_whole_number(journal: MemoryJournal, service: Any) -> None:
    in_log(service, abandoned(journal, "7"), guid="g")
    settled = settle(service.client, journal, 7)
    assert settled is not None
    assert settled.guid == "g"


def test_wrong_arguments_are_refused(journal: MemoryJournal, service: Any) -> None:
    with pytest.raises(ConfigurationError, match="The client is of type object"):
        settle(object(), journal, "a")  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="The journal is of type NoneType"):
        settle(service.client, None, "a")  # type: ignore[arg-type]
    with pytest.raises(InvalidRequestError, match="key"):
        settle(service.client, journal, "")


def test_a_journal_can_be_the_name_of_its_file(service: Any, tmp_path: Path) -> None:
    journal = SQLiteJournal(tmp_path / "sent.sqlite")
    in_log(service, abandoned(journal), guid="g")  # type: ignore[arg-type]  # one journal is as good as another
    settled = settle(service.client, tmp_path / "sent.sqlite", "a")
    assert settled is not None
    assert settled.outcome is SENT
    journal.close()


def test_a_missing_journal_is_an_error_and_is_not_created(service: Any, tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="There is no journal"):
        settle(service.client, tmp_path / "typo.sqlite", "a")
    assert list(tmp_path.iterdir()) == []


def test_a_message_of_send_once_is_settled_after_its_sender_was_interrupted(journal: MemoryJournal) -> None:
    service = ScriptedService("doubt after")
    service.log_failures.append(AuthenticationError("The key is wrong."))
    with pytest.raises(AuthenticationError):
        send_once(service.client, journal, key="a", to=f"+{NUMBER}", text=TEXT, patience=0)
    settled = settle(service.client, journal, "a")
    assert settled is not None
    assert settled.outcome is SENT
    assert len(service.attempts) == 1
