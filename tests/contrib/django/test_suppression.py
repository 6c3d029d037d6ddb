"""`DjangoSuppression` passes the tests that every list passes, and takes part in the transactions of its callers."""

from __future__ import annotations

from contextlib import nullcontext

import pytest
from django.db import OperationalError, connections, transaction

from smsmobile import ConfigurationError, StorageError
from smsmobile.contrib.django.models import SuppressedNumber
from smsmobile.contrib.django.suppression import DjangoSuppression

from ...stores.suppression_rules import SuppressionRules
from .databases import Database

NUMBER, DIGITS, OTHER_NUMBER = "+33639980001", "33639980001", "+447700900123"


class DjangoSuppressions:
    def __init__(self, database: Database) -> None:
        self._database = database

    def suppression(self) -> DjangoSuppression:
        return DjangoSuppression()

    def clear(self) -> None:
        self._database.clear()


class TestDjangoSuppression(SuppressionRules):
    @pytest.fixture
    def suppressions(self, database: Database) -> DjangoSuppressions:
        return DjangoSuppressions(database)


def test_an_opt_out_is_committed_or_rolled_back_with_the_transaction_that_it_is_in(database: Database) -> None:
    suppression = DjangoSuppression()
    with transaction.atomic(using=database.alias):
        assert suppression.add(NUMBER) is True
        transaction.set_rollback(True, using=database.alias)
    assert NUMBER not in suppression
    with transaction.atomic(using=database.alias):
        assert suppression.add(NUMBER) is True
        assert NUMBER in suppression
    with transaction.atomic(using=database.alias):
        assert suppression.remove(NUMBER) is True
        transaction.set_rollback(True, using=database.alias)
    assert list(suppression) == [DIGITS]


def test_without_autocommit_it_waits_for_the_commit_of_the_caller(database: Database) -> None:
    transaction.set_autocommit(False, using=database.alias)
    try:
        DjangoSuppression().add(NUMBER)
        transaction.rollback(using=database.alias)
    finally:
        transaction.set_autocommit(True, using=database.alias)
    assert NUMBER not in DjangoSuppression()


def test_a_number_that_is_there_already_does_not_break_the_transaction(database: Database) -> None:
    suppression = DjangoSuppression()
    suppression.add(NUMBER)
    with transaction.atomic(using=database.alias):
        assert suppression.add(NUMBER) is False
        assert suppression.add(OTHER_NUMBER) is True
    assert OTHER_NUMBER in suppression


def test_numbers_are_stored_as_messages_are_sent_to_them(database: Database) -> None:
    for number in (DIGITS, "36111"):
        DjangoSuppression().add(number)
    assert set(SuppressedNumber.objects.values_list("number", flat=True)) == {NUMBER, "36111"}


def test_long_lists_are_read_a_little_at_a_time(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("smsmobile.contrib.django.suppression._READ_AT_ONCE", 2)
    numbers = [f"3363998000{number}" for number in range(5)]
    for number in numbers:
        DjangoSuppression().add(number)
    assert list(DjangoSuppression()) == numbers


def test_it_uses_the_database_that_it_is_given(database: Database, settings: object) -> None:
    assert repr(DjangoSuppression("other")) == "<DjangoSuppression: database 'other'>"
    assert repr(DjangoSuppression()) == f"<DjangoSuppression: database {database.alias!r}>"


def test_another_kind_of_database_is_refused(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(connections[database.alias]), "vendor", "oracle")
    with pytest.raises(ConfigurationError, match="PostgreSQL or SQLite"):
        DjangoSuppression().add(NUMBER)


def test_the_transaction_of_the_caller_waits_for_the_disk_whatever_the_settings_say(database: Database) -> None:
    connection = connections[database.alias]
    if connection.vendor != "postgresql":
        pytest.skip("of PostgreSQL")

    def setting() -> object:
        with connection.cursor() as cursor:
            cursor.execute("SHOW synchronous_commit")
            return cursor.fetchone()[0]

    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit = off")
    with transaction.atomic(using=database.alias):
        DjangoSuppression().add(NUMBER)
        inside = setting()
    afterwards = setting()
    connection.close()
    assert (inside, afterwards) == ("on", "off")


@pytest.mark.parametrize("inside", [False, True], ids=["alone", "in a transaction"])
def test_a_database_that_cannot_be_used_is_a_storage_error(
    database: Database, inside: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OperationalError(NUMBER)

    monkeypatch.setattr("django.db.models.query.QuerySet.bulk_create", fail)
    with transaction.atomic(using=database.alias) if inside else nullcontext():
        with pytest.raises(StorageError, match="check that it runs") as caught:
            DjangoSuppression().add(NUMBER)
        assert NUMBER not in DjangoSuppression(), "the transaction goes on"
    assert NUMBER not in str(caught.value)
    assert caught.value.__context__ is None
