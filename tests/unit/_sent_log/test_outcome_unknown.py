"""`SendOutcomeUnknown`: what it carries, and how `reconcile()` looks the message up."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
import responses

from smsmobile import (
    AuthenticationError,
    ConfigurationError,
    LoggedSMS,
    SendOutcomeUnknown,
    SMSMobileClient,
    SMSStatus,
)

BASE = "https://api.smsmobileapi.com"
LOG = f"{BASE}/log/sent/sms/"
TO = "+33639985678"
TEXT = "The code is 4711\nBye"
NOW = datetime(2026, 3, 20, 21, 7, 44, tzinfo=timezone.utc)


@pytest.fixture
def doubt(
    service: responses.RequestsMock, client: SMSMobileClient, monkeypatch: pytest.MonkeyPatch
) -> SendOutcomeUnknown:
    """A send at NOW that nobody knows the outcome of."""

    class Clock(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return NOW.astimezone(tz)

    service.post(f"{BASE}/sendsms/", status=502)
    with monkeypatch.context() as patched:
        patched.setattr("smsmobile._wire.outcome.datetime", Clock)
        with pytest.raises(SendOutcomeUnknown) as unknown:
            client.sms.send("00 33 639985678", TEXT)
    return unknown.value


@pytest.fixture
def resend_doubt(service: responses.RequestsMock, client: SMSMobileClient) -> SendOutcomeUnknown:
    service.post(f"{BASE}/resend/", status=502)
    with pytest.raises(SendOutcomeUnknown) as unknown:
        client.sms.resend("guid-1")
    return unknown.value


@pytest.fixture
def log_has(service: responses.RequestsMock) -> Callable[..., None]:
    """Pages of the log, in the order they will be asked for; after the last one, nothing."""

    def play(*pages: list[dict[str, object]]) -> None:
        for page in (*pages, []):
            service.get(LOG, json={"result": {"error": 0, "sms": page}})

    return play


LogHas = Callable[..., None]


def row(**differences: object) -> dict[str, object]:
    """The row of the attempt, ten seconds after it, but for the differences."""
    made = int(NOW.timestamp()) + 10
    return {"guid": "g", "number": TO, "message": TEXT, "timestamp_unix": made, **differences}


# --- what it knows ----------------------------------------------------------------------------------------


def test_it_knows_what_was_sent_to_whom_and_when(doubt: SendOutcomeUnknown) -> None:
    assert doubt.to == TO
    assert doubt.message == TEXT
    assert doubt.guid is None
    assert doubt.attempted_at == NOW
    assert doubt.attempted_at is not None
    assert doubt.attempted_at.utcoffset() == timedelta(0)
    assert doubt.reason == "The service failed with HTTP 502 after it had the request."


def test_of_a_resend_it_knows_the_guid(resend_doubt: SendOutcomeUnknown) -> None:
    assert (resend_doubt.guid, resend_doubt.to, resend_doubt.message) == ("guid-1", None, None)
    assert resend_doubt.attempted_at is not None


def test_its_text_tells_what_to_do_without_the_message_or_the_number(doubt: SendOutcomeUnknown) -> None:
    for text in (str(doubt), repr(doubt)):
        assert "4711" not in text
        assert "639985678" not in text
    assert "do not send it again before reconcile()" in str(doubt)


def test_a_pickled_one_keeps_what_it_knows_but_cannot_look_it_up(doubt: SendOutcomeUnknown) -> None:
    again = pickle.loads(pickle.dumps(doubt))
    assert type(again) is SendOutcomeUnknown
    assert (again.to, again.message, again.attempted_at) == (TO, TEXT, NOW)
    assert str(again) == str(doubt)
    with pytest.raises(ConfigurationError) as lost:
        again.reconcile()
    assert str(lost.value) == (
        "This error has no client, because it was pickled or created by hand. If `error` is this error, look the "
        "message up with client.sms.find(error.to, error.message, around=error.attempted_at, **error.options)."
    )


def test_a_pickled_one_of_a_resend_names_the_call_that_finds_it(resend_doubt: SendOutcomeUnknown) -> None:
    again = pickle.loads(pickle.dumps(resend_doubt))
    with pytest.raises(ConfigurationError, match=r"look the message up with client\.sms\.log\(guid=error\.guid\)\."):
        again.reconcile()


def test_it_keeps_the_options_that_change_what_the_row_looks_like(
    service: responses.RequestsMock, client: SMSMobileClient
) -> None:
    service.post(f"{BASE}/sendsms/", status=502)
    later = NOW + timedelta(hours=5)
    for options in ({}, {"schedule_at": later}, {"schedule_at": later, "shorten_urls": True, "encrypt": True}):
        with pytest.raises(SendOutcomeUnknown) as unknown:
            client.sms.send(TO, TEXT, sim=1, whatsapp=True, **options)  # type: ignore[arg-type]
        assert unknown.value.options == options
        assert pickle.loads(pickle.dumps(unknown.value)).options == options


# --- looking it up ----------------------------------------------------------------------------------------


def test_a_message_that_is_in_the_log_is_found(doubt: SendOutcomeUnknown, log_has: LogHas) -> None:
    log_has([row(guid="other", number="+33639980000"), row(send_from_mobile="1")])
    found = doubt.reconcile()
    assert isinstance(found, LoggedSMS)
    assert (found.guid, found.status) == ("g", SMSStatus.SENT)


@pytest.mark.parametrize(
    "spelled",
    [
        {"number": "33639985678"},
        {"number": "0033639985678"},
        {"number": None, "phone": "+33 6 39 98 56 78"},
        {"message": "The code is 4711\r\nBye"},
        {"message": "The code is 4711\nBye\n"},
        {"message": " The code is 4711 Bye"},
        {"timestamp_unix": "20260320210700000"},
    ],
)
def test_it_is_found_however_the_service_spells_it(
    doubt: SendOutcomeUnknown, log_has: LogHas, spelled: dict[str, object]
) -> None:
    log_has([row(**spelled)])
    found = doubt.reconcile()
    assert found is not None
    assert found.guid == "g"


def test_it_is_found_on_a_later_page(doubt: SendOutcomeUnknown, log_has: LogHas) -> None:
    log_has([row(guid="a", message="x")], [row(guid="b", message="y")], [row(guid="c")])
    found = doubt.reconcile()
    assert found is not None
    assert found.guid == "c"


@pytest.mark.parametrize(
    "other",
    [
        {"number": "+33639985679"},
        {"number": None},
        {"message": "The code is 4712\nBye"},
        {"message": ""},
        {"timestamp_unix": int(NOW.timestamp()) + 601},
        {"timestamp_unix": int(NOW.timestamp()) - 601},
    ],
    ids=str,
)
def test_another_message_is_not_taken_for_it(
    doubt: SendOutcomeUnknown, log_has: LogHas, other: dict[str, object]
) -> None:
    log_has([row(**other)])
    assert doubt.reconcile() is None


@pytest.mark.parametrize("seconds", [-600, 600])
def test_the_services_clock_may_be_ten_minutes_off(doubt: SendOutcomeUnknown, log_has: LogHas, seconds: int) -> None:
    log_has([row(timestamp_unix=int(NOW.timestamp()) + seconds)])
    assert doubt.reconcile() is not None


def test_an_empty_log_is_none(doubt: SendOutcomeUnknown, log_has: LogHas) -> None:
    log_has()
    assert doubt.reconcile() is None


def test_the_search_ends_at_rows_older_than_the_attempt(
    doubt: SendOutcomeUnknown, service: responses.RequestsMock
) -> None:
    old = int(NOW.timestamp()) - 3600
    older = [row(guid="a", timestamp_unix=old), row(guid="b", timestamp_unix=old)]
    service.get(LOG, json={"result": {"sms": older}})
    assert doubt.reconcile() is None
    assert len(service.calls) == 2  # the send, and one page


def test_an_old_row_in_front_does_not_hide_the_attempts(
    doubt: SendOutcomeUnknown, service: responses.RequestsMock
) -> None:
    old = int(NOW.timestamp()) - 3600
    service.get(LOG, json={"result": {"sms": [row(guid="a", timestamp_unix=old), row(guid="b")]}})
    found = doubt.reconcile()
    assert found is not None
    assert found.guid == "b"


def test_an_undated_row_is_the_attempts_unless_the_service_calls_it_older(
    doubt: SendOutcomeUnknown, service: responses.RequestsMock
) -> None:
    def answer(request: Any) -> tuple[int, dict[str, str], bytes]:
        same = b'{"guid": "%s", "number": "+33639985678", "message": "The code is 4711\\nBye"}'
        assert "keyword=39985678" in request.url
        rows = b", ".join([same % b"older", same % b"mine"])
        if "before=" in request.url:
            rows = same % b"older" if "before=1774040264" in request.url else b""
        return 200, {}, b'{"result": {"error": 0, "sms": [' + rows + b"]}}"

    service.add_callback("GET", LOG, callback=answer)
    found = doubt.reconcile()
    assert found is not None
    assert found.guid == "mine"


def test_an_undated_row_that_the_service_calls_older_is_not_it(doubt: SendOutcomeUnknown, log_has: LogHas) -> None:
    log_has([row(timestamp_unix=None)], [], [row(timestamp_unix=None)])
    assert doubt.reconcile() is None


def test_a_resend_is_looked_up_by_its_guid(resend_doubt: SendOutcomeUnknown, service: responses.RequestsMock) -> None:
    rows = [row(guid="guid-2"), row(guid="guid-1", send_from_mobile="1")]
    service.get(LOG, json={"result": {"sms": rows}})
    found = resend_doubt.reconcile()
    assert found is not None
    assert (found.guid, found.status) == ("guid-1", SMSStatus.SENT)
    assert "guid_message=guid-1" in (service.calls[-1].request.url or "")


def test_a_resend_that_is_not_in_the_log_is_none(resend_doubt: SendOutcomeUnknown, log_has: LogHas) -> None:
    log_has([row(guid="guid-2")])
    assert resend_doubt.reconcile() is None


def test_it_may_be_asked_again(doubt: SendOutcomeUnknown, log_has: LogHas) -> None:
    log_has()
    assert doubt.reconcile() is None
    log_has([row()])
    assert doubt.reconcile() is not None


def test_a_failure_of_the_lookup_is_told_as_it_is(doubt: SendOutcomeUnknown, service: responses.RequestsMock) -> None:
    service.get(LOG, status=403, json={"success": False, "error": "invalid_apikey"})
    with pytest.raises(AuthenticationError):
        doubt.reconcile()


def test_one_made_by_hand_says_what_it_lacks() -> None:
    with pytest.raises(ConfigurationError, match=r"client\.sms\.find"):
        SendOutcomeUnknown("Nobody knows.").reconcile()


# --- what the options of a send do to its row ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "differences"),
    [
        ({"shorten_urls": True}, {"message": "See https://short.example/x & reply"}),
        ({"shorten_urls": True}, {"message": "See https://short.example/x &amp; reply"}),
        ({"encrypt": True}, {"message": ""}),
        ({"schedule_at": NOW + timedelta(hours=5)}, {"timestamp_unix": int((NOW + timedelta(hours=5)).timestamp())}),
    ],
)
def test_a_row_is_found_although_an_option_made_it_look_different(
    service: responses.RequestsMock,
    client: SMSMobileClient,
    monkeypatch: pytest.MonkeyPatch,
    options: dict[str, Any],
    differences: dict[str, Any],
) -> None:
    text = "See https://shop.example/a/long/path?with=query & reply"
    service.post(f"{BASE}/sendsms/", status=502)
    with pytest.raises(SendOutcomeUnknown) as unknown:
        client.sms.send(TO, text, **options)
    vars(unknown.value)["attempted_at"] = NOW
    service.get(LOG, json={"result": {"sms": [row(**{"message": text, **differences})]}})

    found = unknown.value.reconcile()

    assert found is not None
    assert found.guid == "g"
