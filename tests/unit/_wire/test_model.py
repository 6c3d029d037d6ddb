"""What is left in `model_extra` when a field is read from another key than the first, or from a day and an hour."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from smsmobile import Call, ListedNotification, LoggedSMS, ReceivedSMS

MOMENT = datetime(2026, 3, 20, 21, 7, 44, tzinfo=timezone.utc)


def test_spellings_that_were_tried_are_gone_and_the_others_are_kept() -> None:
    row = LoggedSMS.from_wire({"guid": "", "guid_message": 0, "id": "G-1", "number": "+1", "phone": "+2"})
    assert (row.guid, row.recipient) == ("G-1", "+1")
    assert row.model_extra == {"phone": "+2"}


def test_a_day_and_an_hour_stay_in_the_extra_keys() -> None:
    row = ReceivedSMS.from_wire({"date": "2026-03-20", "hour": "21:07:44", "time_received": "soon"})
    assert row.received_at == MOMENT
    assert row.model_extra == {"date": "2026-03-20", "hour": "21:07:44"}


@pytest.mark.parametrize("hour", ["hour", "time"])
def test_a_model_with_several_keys_for_the_hour_reads_the_first_that_is_not_empty(hour: str) -> None:
    assert Call.from_wire({"date": "2026-03-20", "hour": "", hour: "21:07:44"}).call_at == MOMENT


def test_each_moment_of_a_row_has_its_own_day_and_hour() -> None:
    row = ListedNotification.from_wire({"sent_date": "2026-03-20", "sent_hour": "21:07:44", "distributed_date": ""})
    assert (row.sent_at, row.distributed_at) == (MOMENT, None)


def test_a_field_read_from_another_spelling_counts_as_set() -> None:
    row = ReceivedSMS.from_wire({"date": "2026-03-20 21:07:44"})
    assert row.model_dump(exclude_unset=True)["received_at"] == MOMENT


def test_a_key_that_was_read_into_a_field_does_not_count_as_set() -> None:
    row = LoggedSMS.from_wire({"guid": "", "guid_message": 0, "id": "G-1"})
    assert row.model_fields_set == {"guid"}
    row = ReceivedSMS.from_wire({"timestamp_unix": "soon", "received_at": True})
    assert row.model_fields_set == {"received_at"}
