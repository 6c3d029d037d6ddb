"""`record_opt_out`: who is put on the list and taken off it, and who gets an answer."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from smsmobile import ConfigurationError, ConnectionFailed, InvalidRequestError, SMSMobileClient, StorageError
from smsmobile.channels.sms import ReceivedSMS
from smsmobile.delivery import (
    MemoryJournal,
    MemorySuppression,
    SendStatus,
    SQLiteSuppression,
    Suppression,
    record_opt_out,
    send_once,
)
from smsmobile.webhooks import SMSReceived, parse_v1

from .scripted_service import ScriptedService

NUMBER, OTHER_NUMBER = "33639980011", "12025550123"
REPLY = "You get no more messages from us."
Message = SMSReceived | ReceivedSMS

_guids = map("SMS-GUID-{}".format, count())


def event(text: str, sender: str = f"+{NUMBER}", guid: str | None = "") -> SMSReceived:
    """What a webhook or an inbox gives. The GUID is a new one unless it is given."""
    row = {"number": sender, "message": text, "guid": next(_guids) if guid == "" else guid}
    return parse_v1(json.dumps({**row, "timestamp_unix": 1_796_000_000}))


def row(text: str, sender: str | None = f"+{NUMBER}", guid: str | None = "") -> ReceivedSMS:
    """What the inbox of the service has."""
    guid = next(_guids) if guid == "" else guid
    return ReceivedSMS.from_wire({"number": sender, "message": text, "guid": guid, "timestamp_unix": 1_796_000_000})


@pytest.fixture(params=[event, row])
def received(request: pytest.FixtureRequest) -> Callable[..., Message]:
    make: Callable[..., Message] = request.param
    return make


@pytest.fixture
def suppression() -> MemorySuppression:
    return MemorySuppression()


@pytest.fixture
def service() -> ScriptedService:
    return ScriptedService()


@pytest.fixture
def answering(service: ScriptedService) -> dict[str, Any]:
    """The arguments with which an opt-out is answered."""
    return {"reply": REPLY, "client": service.client, "journal": MemoryJournal()}


# --- the list -----------------------------------------------------------------------------------------------


def test_who_writes_stop_is_on_the_list(received: Callable[..., Message], suppression: MemorySuppression) -> None:
    assert record_opt_out(received("Stop."), suppression) is True
    assert list(suppression) == [NUMBER]


def test_who_writes_start_is_not_on_it_any_more(
    received: Callable[..., Message], suppression: MemorySuppression
) -> None:
    suppression.add(NUMBER)
    suppression.add(OTHER_NUMBER)
    assert record_opt_out(received("START"), suppression) is True
    assert list(suppression) == [OTHER_NUMBER]
    assert record_opt_out(received("START"), suppression) is True


@pytest.mark.parametrize("text", ["", "stop by at ten", "Yes", "START?"])
def test_any_other_text_changes_nothing(
    received: Callable[..., Message], suppression: MemorySuppression, text: str
) -> None:
    suppression.add(OTHER_NUMBER)
    assert record_opt_out(received(text), suppression) is False
    assert record_opt_out(received(text, f"+{OTHER_NUMBER}"), suppression) is False
    assert list(suppression) == [OTHER_NUMBER]


@pytest.mark.parametrize("languages", [["en", "fr"], ("en", "fr"), iter(["en", "fr"])], ids=["list", "tuple", "once"])
def test_the_words_of_the_chosen_languages_count(suppression: MemorySuppression, languages: Any) -> None:
    assert record_opt_out(event("Désabonner"), suppression, languages=languages) is True
    assert record_opt_out(event("Abmelden", f"+{OTHER_NUMBER}"), suppression, languages=["en", "fr"]) is False
    assert list(suppression) == [NUMBER]
    assert record_opt_out(event("S'abonner"), suppression, languages=["en"]) is False
    assert record_opt_out(event("M'abonner"), suppression, languages=["en", "fr"]) is True


def test_an_opt_in_is_found_when_the_languages_can_be_read_once(suppression: MemorySuppression) -> None:
    suppression.add(NUMBER)
    assert record_opt_out(event("M'abonner"), suppression, languages=iter(["fr"])) is True
    assert list(suppression) == []


# --- who writes ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sender", ["+33 6 39 98 00 11", "0033639980011", NUMBER])
def test_a_sender_is_recorded_however_the_network_writes_it(suppression: MemorySuppression, sender: str) -> None:
    record_opt_out(event("STOP", sender), suppression)
    assert list(suppression) == [NUMBER]


@pytest.mark.parametrize("text", ["STOP", "START"])
@pytest.mark.parametrize("sender", ["MPESA", "unknown", "0639980011", "06 39 98 00 11"])
def test_a_sender_that_is_no_international_number_is_told_without_showing_it(
    received: Callable[..., Message],
    suppression: MemorySuppression,
    caplog: pytest.LogCaptureFixture,
    sender: str,
    text: str,
) -> None:
    assert record_opt_out(received(text, sender), suppression) is False
    assert list(suppression) == []
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert f"An opt-{'out' if text == 'STOP' else 'in'} was not recorded" in record.message
    assert "default_region" in record.message
    assert sender not in record.message


def test_a_row_without_a_sender_is_not_recorded(suppression: MemorySuppression) -> None:
    assert record_opt_out(row("STOP", None), suppression) is False


@pytest.mark.parametrize(
    ("sender", "listed"),
    [
        ("0639980011", NUMBER),
        ("06 39 98 00 11", NUMBER),
        (f"+{OTHER_NUMBER}", OTHER_NUMBER),
        (OTHER_NUMBER, OTHER_NUMBER),
        ("36111", "36111"),
    ],
)
def test_the_region_of_the_client_says_of_which_country_a_sender_is(
    suppression: MemorySuppression, sender: str, listed: str
) -> None:
    with SMSMobileClient(api_key="k" * 48, default_region="FR") as client:
        assert record_opt_out(event("STOP", sender), suppression, client=client) is True
        assert list(suppression) == [listed]
        assert record_opt_out(event("START", sender), suppression, client=client) is True
        assert list(suppression) == []


def test_digits_that_are_a_number_of_the_region_are_that_number(suppression: MemorySuppression) -> None:
    with SMSMobileClient(api_key="k" * 48, default_region="US") as client:
        record_opt_out(event("STOP", OTHER_NUMBER[1:]), suppression, client=client)
    assert list(suppression) == [OTHER_NUMBER]


# --- the answer ---------------------------------------------------------------------------------------------


def test_an_opt_out_is_answered(
    received: Callable[..., Message],
    suppression: MemorySuppression,
    service: ScriptedService,
    answering: dict[str, Any],
) -> None:
    assert record_opt_out(received("STOP"), suppression, **answering) is True
    assert service.phone == [(f"+{NUMBER}", REPLY)]


@pytest.mark.parametrize("guid", ["SMS-GUID-OF-STOP", None], ids=["guid", "no guid"])
def test_a_message_that_is_handled_twice_is_answered_once(
    received: Callable[..., Message],
    suppression: MemorySuppression,
    service: ScriptedService,
    answering: dict[str, Any],
    guid: str | None,
) -> None:
    for _ in range(3):
        assert record_opt_out(received("STOP", guid=guid), suppression, **answering) is True
    assert service.phone == [(f"+{NUMBER}", REPLY)]


def test_the_events_of_a_message_and_its_row_are_one_message(
    suppression: MemorySuppression, service: ScriptedService, answering: dict[str, Any]
) -> None:
    service.script.append("unreachable")
    of_version_1 = event("STOP", guid="SMS-GUID-OF-STOP")
    of_version_2 = of_version_1.model_copy(update={"id": "018f6d2e-7c1a-7b6e-9d3f-2a4c5e6f7081"})
    with pytest.raises(ConnectionFailed):
        record_opt_out(of_version_2, suppression, **answering)
    for message in (row("STOP", guid="SMS-GUID-OF-STOP"), of_version_1):
        record_opt_out(message, suppression, **answering)
    assert service.phone == [(f"+{NUMBER}", REPLY)]


def test_three_opt_outs_of_one_person_get_one_answer(
    received: Callable[..., Message],
    suppression: MemorySuppression,
    service: ScriptedService,
    answering: dict[str, Any],
) -> None:
    for text in ("STOP", "Stop!", "UNSUBSCRIBE"):
        assert record_opt_out(received(text), suppression, **answering) is True
    assert service.phone == [(f"+{NUMBER}", REPLY)]


def test_whoever_comes_back_and_leaves_again_is_answered_again(
    suppression: MemorySuppression, service: ScriptedService, answering: dict[str, Any]
) -> None:
    for text in ("STOP", "START", "STOP"):
        record_opt_out(event(text), suppression, **answering)
    assert service.phone == [(f"+{NUMBER}", REPLY)] * 2
    assert list(suppression) == [NUMBER]


def test_two_people_are_answered_even_if_their_messages_have_one_guid(
    suppression: MemorySuppression, service: ScriptedService, answering: dict[str, Any]
) -> None:
    for number in (NUMBER, OTHER_NUMBER):
        record_opt_out(event("STOP", f"+{number}", "SMS-GUID-OF-BOTH"), suppression, **answering)
    assert [to for to, _ in service.phone] == [f"+{NUMBER}", f"+{OTHER_NUMBER}"]


@pytest.mark.parametrize("text", ["START", "Hello"])
def test_nothing_else_is_answered(
    suppression: MemorySuppression, service: ScriptedService, answering: dict[str, Any], text: str
) -> None:
    record_opt_out(event(text), suppression, **answering)
    assert service.attempts == []


def test_whoever_was_on_the_list_before_is_not_answered(
    suppression: MemorySuppression, service: ScriptedService, answering: dict[str, Any]
) -> None:
    suppression.add(NUMBER)
    assert record_opt_out(event("STOP"), suppression, **answering) is True
    assert service.attempts == []


def test_a_short_code_is_put_on_the_list_and_not_answered(
    suppression: MemorySuppression, service: ScriptedService, answering: dict[str, Any]
) -> None:
    assert record_opt_out(event("STOP", "36111"), suppression, **answering) is True
    assert list(suppression) == ["36111"]
    assert service.attempts == []


def test_an_answer_that_could_not_be_sent_is_sent_when_the_message_is_handled_again(
    suppression: MemorySuppression, service: ScriptedService, answering: dict[str, Any]
) -> None:
    service.script.append("unreachable")
    message = event("STOP")
    with pytest.raises(ConnectionFailed):
        record_opt_out(message, suppression, **answering)
    assert list(suppression) == [NUMBER], "the person gets no more messages in any case"
    assert record_opt_out(message, suppression, **answering) is True
    assert service.phone == [(f"+{NUMBER}", REPLY)]


def test_the_journal_has_no_number_and_no_guid_in_the_key_of_an_answer(
    suppression: MemorySuppression, answering: dict[str, Any]
) -> None:
    record_opt_out(event("STOP", guid="a GUID\nof two lines"), suppression, **answering)
    (entry,) = answering["journal"].entries()
    assert entry.key.startswith("opt-out-")
    assert entry.outcome is SendStatus.SENT
    assert NUMBER not in entry.key
    assert "GUID" not in entry.key


def test_a_campaign_does_not_reach_whom_the_answer_reached(
    suppression: MemorySuppression, service: ScriptedService, answering: dict[str, Any]
) -> None:
    record_opt_out(event("STOP"), suppression, **answering)
    outcome = send_once(
        service.client, answering["journal"], key="offer", to=f"+{NUMBER}", text="An offer", suppression=suppression
    )
    assert outcome.status is SendStatus.SUPPRESSED
    assert service.phone == [(f"+{NUMBER}", REPLY)]


# --- what is wrong ------------------------------------------------------------------------------------------


def test_a_list_that_cannot_be_written_is_an_error_so_that_the_message_comes_again(
    tmp_path: Path, service: ScriptedService, answering: dict[str, Any]
) -> None:
    suppression = SQLiteSuppression(tmp_path / "suppressed.sqlite")
    suppression.close()
    for text in ("STOP", "START"):
        with pytest.raises(StorageError):
            record_opt_out(event(text), suppression, **answering)
    assert service.attempts == [], "nobody is told what was not recorded"


@pytest.mark.parametrize("text", ["STOP", "Hello"])
@pytest.mark.parametrize("missing", ["client", "journal"])
def test_a_reply_without_what_it_needs_is_refused_with_the_first_message(
    suppression: MemorySuppression, answering: dict[str, Any], missing: str, text: str
) -> None:
    with pytest.raises(ConfigurationError, match="A reply needs client, which sends it, and journal"):
        record_opt_out(event(text), suppression, **{**answering, missing: None})
    assert list(suppression) == []


@pytest.mark.parametrize("text", ["STOP", "Hello"])
@pytest.mark.parametrize(
    ("wrong", "error", "words"),
    [
        ({"reply": " "}, InvalidRequestError, "reply is empty"),
        ({"reply": 7}, InvalidRequestError, "reply is of type int"),
        ({"client": "key"}, ConfigurationError, "client is of type str"),
        ({"journal": 7}, ConfigurationError, "journal is of type int"),
        ({"languages": "en"}, InvalidRequestError, "languages is one text"),
        ({"languages": ["xx"]}, InvalidRequestError, "languages contains 'xx'"),
    ],
)
def test_wrong_arguments_are_refused_whatever_the_message_says(
    suppression: MemorySuppression,
    answering: dict[str, Any],
    wrong: dict[str, Any],
    error: type[Exception],
    words: str,
    text: str,
) -> None:
    with pytest.raises(error, match=words):
        record_opt_out(event(text), suppression, **{**answering, **wrong})
    assert list(suppression) == []


@pytest.mark.parametrize("wrong", [None, {NUMBER}, [NUMBER], MemorySuppression, "suppressed.sqlite"], ids=repr)
def test_what_is_no_list_is_refused(wrong: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"suppression is of type .*; expected a Suppression, such as"):
        record_opt_out(event("Hello"), wrong)


@pytest.mark.parametrize("wrong", [None, "STOP", {"from": f"+{NUMBER}"}], ids=repr)
def test_what_is_no_received_sms_is_refused_without_showing_it(suppression: Suppression, wrong: Any) -> None:
    with pytest.raises(InvalidRequestError, match=r"message is of type .*; expected an SMSReceived event") as caught:
        record_opt_out(wrong, suppression)
    assert NUMBER not in str(caught.value)
