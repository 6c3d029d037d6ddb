"""An address of a server in a place where it does not belong: the error does not show its password."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from pathlib import Path

import pytest

from smsmobile import ConfigurationError, SMSMobileClient, StorageError
from smsmobile.delivery import BulkSender, MemoryJournal, send_once
from smsmobile.webhooks import SQLiteEventStore

PASSWORD = "password-of-the-tests"
ADDRESSES = [f"redis://:{PASSWORD}@localhost:6379/0", f"postgresql+psycopg://user:{PASSWORD}@localhost/database"]
TO = "+33639980011"


@pytest.mark.parametrize("address", [*ADDRESSES, Path(ADDRESSES[0])])
@pytest.mark.parametrize(
    "use",
    [
        lambda client, given: send_once(client, given, key="one", to=TO, text="Hello"),
        lambda client, given: list(BulkSender(client, given).send([(TO, "Hello")])),
        lambda client, given: BulkSender(client, given).unknown(),
        lambda _, given: SQLiteEventStore(given),
    ],
    ids=["send_once", "send", "unknown", "SQLiteEventStore"],
)
def test_an_address_is_no_name_of_a_file_and_its_password_is_not_shown(
    use: Callable[[SMSMobileClient, object], object], address: str | Path
) -> None:
    client = SMSMobileClient(api_key="k" * 48)
    with pytest.raises(StorageError, match="address of a server") as caught:
        use(client, address)
    assert PASSWORD not in "".join(traceback.format_exception(caught.value))


def test_no_frame_of_the_library_shows_the_address_of_an_unusable_rate_storage() -> None:
    client = SMSMobileClient(api_key="k" * 48)
    with pytest.raises(ConfigurationError, match="rate_storage") as caught:
        BulkSender(client, MemoryJournal(), rate="5/second", rate_storage=f"nothing://:{PASSWORD}@localhost")
    shown = "".join(traceback.TracebackException.from_exception(caught.value, capture_locals=True).format())
    assert PASSWORD not in shown
