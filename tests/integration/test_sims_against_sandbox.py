"""A campaign over HTTP against a sandbox with several phones, as a user with three phones runs it."""

from __future__ import annotations

from pathlib import Path

import pytest

from smsmobile import SMSMobileClient
from smsmobile.delivery import BulkSender, SendStatus, Sim, SimPool, sims
from smsmobile.sandbox import Sandbox


def messages(text: str) -> list[tuple[str, str]]:
    return [(f"+336399800{number:02d}", text) for number in range(30)]


@pytest.fixture
def phones(box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The SIDs of three phones; one that is offline is tried again soon."""
    monkeypatch.setattr(sims, "_FIRST_OFFLINE", 0.05)
    monkeypatch.setattr(sims, "_LONGEST_OFFLINE", 0.2)
    box.add_phone("second")
    box.add_phone("third")
    return [phone.sid for phone in box.phones]


def sent(box: Sandbox) -> list[int]:
    """How many messages each phone has sent."""
    return [len(phone.outbox) for phone in box.phones]


def recipients(box: Sandbox) -> list[set[str]]:
    return [{sms.recipient for sms in phone.outbox} for phone in box.phones]


def test_each_phone_sends_its_share_and_the_limits_go_on_in_the_next_campaign(
    client: SMSMobileClient, box: Sandbox, phones: list[str], tmp_path: Path
) -> None:
    def pool() -> SimPool:
        return SimPool(
            [Sim(phones[0], 1, recipients_per_month=5), Sim(phones[1], 2), Sim(phones[2])], tmp_path / "sims.sqlite"
        )

    for name in ("first", "second"):
        bulk = BulkSender(client, tmp_path / f"{name}.sqlite", sims=pool(), workers=4)
        assert {one.status for one in bulk.send(messages(name))} == {SendStatus.SENT}
        if name == "first":
            shares = recipients(box)
    assert recipients(box) == shares
    assert len(shares[0]) == 5
    assert sum(sent(box)) == 60
    asked = {(one.parameters["sIdentifiant"], one.parameters.get("port")) for one in box.requests}
    assert asked == {(phones[0], "1"), (phones[1], "2"), (phones[2], None)}


def test_the_share_of_an_offline_phone_waits_until_it_is_back(
    client: SMSMobileClient, box: Sandbox, phones: list[str], tmp_path: Path
) -> None:
    pool = SimPool([Sim(phone) for phone in phones])
    list(BulkSender(client, tmp_path / "first.sqlite", sims=pool).send(messages("first")))
    shares = recipients(box)
    box.phones[1].switch_off()

    def switch_on(done: int, _: object, __: object) -> None:
        if done == 20:
            assert sent(box) == [20, 10, 20]
            box.phones[1].switch_on()

    bulk = BulkSender(client, tmp_path / "second.sqlite", sims=pool, workers=4)
    outcomes = list(bulk.send(messages("second"), on_progress=switch_on))
    assert {one.status for one in outcomes} == {SendStatus.SENT}
    assert sent(box) == [20, 20, 20]
    assert recipients(box) == shares


def test_the_share_of_an_offline_phone_moves_and_stays(
    client: SMSMobileClient, box: Sandbox, phones: list[str], tmp_path: Path
) -> None:
    pool = SimPool([Sim(phone) for phone in phones], offline="move")
    list(BulkSender(client, tmp_path / "first.sqlite", sims=pool).send(messages("first")))
    box.phones[1].switch_off()
    list(BulkSender(client, tmp_path / "second.sqlite", sims=pool, workers=4).send(messages("second")))
    assert sum(sent(box)) == 60
    box.phones[1].switch_on()
    before = sent(box)
    assert before[1] == 10
    outcomes = list(BulkSender(client, tmp_path / "third.sqlite", sims=pool, workers=4).send(messages("third")))
    assert {one.status for one in outcomes} == {SendStatus.SENT}
    assert sent(box)[1] == 10
