"""Sending in bulk over HTTP against the sandbox: what a user does with ten thousand reminders, in small."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from smsmobile import BulkPaused, DeviceOffline, SMSMobileClient, SubscriptionExpired
from smsmobile.delivery import BulkSender, OutgoingSMS, SendStatus, _pace
from smsmobile.sandbox import Sandbox

REFUSED_RECIPIENT = "+12025550101"


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    return tmp_path / "campaign.sqlite"


def rows(count: int) -> list[dict[str, str]]:
    return [{"to": f"+336{number:08d}", "name": f"n° {number}"} for number in range(count)]


def texts(box: Sandbox) -> Counter[tuple[str, str]]:
    return Counter((sms.recipient, sms.message) for sms in box.phone.outbox)


def wanted(count: int) -> Counter[tuple[str, str]]:
    return Counter((row["to"], f"Bonjour {row['name']}") for row in rows(count))


WANTED = wanted(60)


@pytest.mark.parametrize("workers", [1, 4])
def test_a_campaign_reaches_everybody_once(client: SMSMobileClient, box: Sandbox, journal: Path, workers: int) -> None:
    bulk = BulkSender(client, journal, workers=workers)
    outcomes = list(bulk.send(iter(rows(60)), template="Bonjour {name}"))

    assert texts(box) == WANTED
    assert {one.status for one in outcomes} == {SendStatus.SENT}
    assert {one.guid for one in outcomes} == {sms.guid for sms in box.phone.outbox}


def test_what_goes_wrong_is_found_out_although_the_services_clock_is_set_during_the_run(
    client: SMSMobileClient, box: Sandbox, journal: Path
) -> None:
    box.faults.add("reset_after", probability=0.2, seed=1, path="/sendsms/")
    outcomes = []
    for number, outcome in enumerate(BulkSender(client, journal, patience=5).send(rows(60), template="Bonjour {name}")):
        outcomes.append(outcome)
        if number == 20:
            box.clock.ahead = timedelta(hours=3)
        if number == 40:
            box.clock.ahead = timedelta(hours=-3)

    assert {one.status for one in outcomes} == {SendStatus.SENT}
    box.clock.forward(timedelta(hours=6))  # what the phone had not sent when the clock was set back is due again
    box.wait_for(lambda: len(box.phone.outbox) >= len(outcomes))
    assert texts(box) == WANTED


def test_what_goes_wrong_on_the_way_is_found_out_from_the_log(
    client: SMSMobileClient, box: Sandbox, journal: Path
) -> None:
    for number, kind in enumerate(("reset_after", "error_after", "half_answer", "html_page", "php_warning")):
        box.faults.add(kind, probability=0.2, seed=number, path="/sendsms/")
    outcomes = list(BulkSender(client, journal, patience=5).send(rows(60), template="Bonjour {name}"))

    assert texts(box) == WANTED
    assert {one.status for one in outcomes} == {SendStatus.SENT}


@pytest.mark.parametrize("workers", [1, 4])
def test_a_service_that_says_too_fast_gets_everything_all_the_same(
    client: SMSMobileClient, box: Sandbox, journal: Path, workers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_pace, "FIRST_INTERVAL", 0.01)
    box.faults.add("rate_limited", probability=0.2, seed=9, seconds=0)
    outcomes = list(BulkSender(client, journal, workers=workers).send(rows(60), template="Bonjour {name}"))

    assert texts(box) == WANTED
    assert {one.status for one in outcomes} == {SendStatus.SENT}


def test_what_never_arrived_is_unknown_and_reported(client: SMSMobileClient, box: Sandbox, journal: Path) -> None:
    box.faults.add("reset_before", times=2, path="/sendsms/")
    bulk = BulkSender(client, journal, workers=1, patience=0)
    outcomes = list(bulk.send(rows(60), template="Bonjour {name}"))

    unknown = [one for one in outcomes if one.status is SendStatus.UNKNOWN]
    assert len(unknown) == 2
    assert {entry.key for entry in bulk.unknown()} == {one.key for one in unknown}
    assert texts(box).total() == 58

    # Who has made sure that they were not sent can have them sent.
    for one in unknown:
        assert one.key
        bulk.forget(one.key)
    assert Counter(one.status for one in bulk.send(rows(60), template="Bonjour {name}")) == {
        SendStatus.DUPLICATE: 58,
        SendStatus.SENT: 2,
    }
    assert texts(box) == WANTED


def test_a_phone_that_goes_offline_pauses_the_campaign(client: SMSMobileClient, box: Sandbox, journal: Path) -> None:
    bulk = BulkSender(client, journal)

    def switch_off(done: int, _: object, __: object) -> None:
        if done == 20:
            box.phone.switch_off()

    with pytest.raises(BulkPaused, match="battery") as paused:
        list(bulk.send(rows(60), template="Bonjour {name}", on_progress=switch_off))
    assert isinstance(paused.value.__cause__, DeviceOffline)
    assert paused.value.done + (paused.value.left or 0) == 60

    box.phone.switch_on()
    list(bulk.send(rows(60), template="Bonjour {name}"))
    assert texts(box) == WANTED


def test_a_subscription_that_ends_pauses_the_campaign(client: SMSMobileClient, box: Sandbox, journal: Path) -> None:
    box.faults.add("subscription_over", times=1)
    bulk = BulkSender(client, journal, workers=1)
    with pytest.raises(BulkPaused) as paused:
        list(bulk.send(rows(60), template="Bonjour {name}"))
    assert isinstance(paused.value.__cause__, SubscriptionExpired)
    assert texts(box) == {}

    list(bulk.send(rows(60), template="Bonjour {name}"))
    assert texts(box) == WANTED


def test_a_number_that_is_refused_does_not_stop_the_others(
    client: SMSMobileClient, box: Sandbox, journal: Path
) -> None:
    outcomes = list(BulkSender(client, journal).send([(REFUSED_RECIPIENT, "hi"), ("+33639985678", "hi")]))
    assert Counter(one.status for one in outcomes) == {SendStatus.REFUSED: 1, SendStatus.SENT: 1}
    assert texts(box) == {("+33639985678", "hi"): 1}


def test_a_refusal_that_got_lost_is_found_in_the_log(client: SMSMobileClient, box: Sandbox, journal: Path) -> None:
    box.faults.add("reset_after", times=1, path="/sendsms/")
    (outcome,) = BulkSender(client, journal, workers=1).send([(REFUSED_RECIPIENT, "hi")])
    assert outcome.status is SendStatus.REFUSED
    assert "recipient_refused" in (outcome.reason or "")


def test_encrypted_shortened_and_scheduled_messages_are_found_too(
    client: SMSMobileClient, box: Sandbox, journal: Path
) -> None:
    box.faults.add("reset_after", times=2, path="/sendsms/")
    messages = [
        OutgoingSMS("+33639985678", "secret", encrypt=True),
        OutgoingSMS("+33639985432", "see https://example.com/a", shorten_urls=True),
    ]
    outcomes = list(BulkSender(client, journal, patience=5).send(messages))
    assert [one.status for one in outcomes] == [SendStatus.SENT] * 2


def test_two_processes_share_a_journal_and_nothing_is_doubled(
    client: SMSMobileClient, box: Sandbox, journal: Path
) -> None:
    script = f"""
        from smsmobile import SMSMobileClient
        from smsmobile.delivery import BulkSender
        with SMSMobileClient(api_key={box.api_key!r}, base_url={box.url!r}) as client:
            print([one.status.value for one in BulkSender(client, {str(journal)!r}).send([("+33639980000", "hi")])])
    """

    def second() -> str:
        command = [sys.executable, "-c", textwrap.dedent(script)]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    first = BulkSender(client, journal).send([("+33639980000", "hi"), ("+33639980001", "hi")])
    next(first)
    assert second() == "['duplicate']\n"
    list(first)

    assert texts(box) == {("+33639980000", "hi"): 1, ("+33639980001", "hi"): 1}


MORE = 300
"""More messages than are read ahead."""


def run_script(box: Sandbox, journal: Path, rest: str) -> subprocess.CompletedProcess[str]:
    script = f"""
        import signal
        from smsmobile import SMSMobileClient
        from smsmobile.delivery import BulkSender
        client = SMSMobileClient(api_key={box.api_key!r}, base_url={box.url!r})
        outcomes = BulkSender(client, {str(journal)!r}, workers=4).send(
            (f"+336{{number:08d}}", f"Bonjour n° {{number}}") for number in range({MORE})
        )
    """
    command = [sys.executable, "-c", textwrap.dedent(script) + textwrap.dedent(rest)]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize(
    "rest",
    [
        pytest.param("next(outcomes)", marks=pytest.mark.long),  # the program ends while the run is open
        pytest.param("import sys; next(outcomes); sys.exit()", marks=pytest.mark.long),
        "next(outcomes); signal.raise_signal(signal.SIGINT); list(outcomes)",
    ],
)
def test_a_program_that_ends_in_the_middle_of_a_run_ends_it_properly(box: Sandbox, journal: Path, rest: str) -> None:
    ended = run_script(box, journal, rest)
    assert "KeyboardInterrupt" in ended.stderr or (ended.returncode, ended.stderr) == (0, "")
    assert 1 <= texts(box).total() < MORE

    with SMSMobileClient(api_key=box.api_key, base_url=box.url) as client:
        bulk = BulkSender(client, journal, patience=0)
        outcomes = Counter(one.status for one in bulk.send(rows(MORE), template="Bonjour {name}"))
    assert outcomes.keys() == {SendStatus.SENT, SendStatus.DUPLICATE}  # nothing was left in flight
    assert texts(box) == wanted(MORE)


def test_a_dry_run_asks_the_service_nothing(client: SMSMobileClient, box: Sandbox, journal: Path) -> None:
    found = BulkSender(client, journal).check(rows(60), template="Bonjour {name}")
    # The degree sign is not in GSM-7.
    assert (found.messages, found.invalid, found.segments, found.unicode) == (60, 0, 60, 60)
    assert box.requests == []
    assert not journal.exists()
