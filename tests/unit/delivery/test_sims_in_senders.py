"""Campaigns and single messages that a pool of SIMs sends."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from itertools import islice
from types import SimpleNamespace
from typing import Any

import pytest

from smsmobile import BulkPaused, DeviceOffline, InvalidRequestError, SendPostponed
from smsmobile._wire.envelope import Answer
from smsmobile.delivery import (
    BulkSender,
    MemoryJournal,
    MemorySuppression,
    OutgoingSMS,
    SendStatus,
    Sim,
    SimPool,
    send_once,
    sims,
)

from .scripted_service import ScriptedService, numbered

ANN, BOB = "+33639980011", "+33639980012"

with_one_and_four_workers = pytest.mark.parametrize("workers", [1, 4])


class Phones(ScriptedService):
    """A service with many phones, some of which are offline."""

    def __init__(self, *script: str, offline: Mapping[str, float] | None = None) -> None:
        super().__init__(*script)
        self.offline = dict(offline or {})
        """By device: after how many attempts it is online again."""
        self.requests: list[tuple[Any, Any, str]] = []
        """Phone, slot and recipient of each message."""
        self.refused = 0
        self._lock = threading.Lock()

    def _send(self, params: Mapping[str, str | int]) -> Answer:
        device = str(params.get("sIdentifiant"))
        with self._lock:
            if self.offline.get(device, 0) > 0:
                self.offline[device] -= 1
                self.refused += 1
                raise DeviceOffline("The phone is offline.", code="2")
            self.requests.append((params.get("sIdentifiant"), params.get("port"), str(params["recipients"])))
            return super()._send(params)

    @property
    def recipients(self) -> Counter[Any]:
        """How many messages each phone has sent."""
        return Counter(device for device, _, _ in self.requests)


def bulk(service: ScriptedService, pool: SimPool, **options: Any) -> BulkSender:
    return BulkSender(service.client, MemoryJournal(), sims=pool, **{"workers": 1, "patience": 0, **options})


@pytest.fixture
def _tried_again_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sims, "_FIRST_OFFLINE", 0.05)
    monkeypatch.setattr(sims, "_LONGEST_OFFLINE", 0.2)


@with_one_and_four_workers
def test_each_request_names_the_sim_of_its_recipient(workers: int) -> None:
    service, pool = Phones(), SimPool([Sim("a", 1), Sim("a", 2), Sim("b")])
    for text in ("one", "two"):
        outcomes = list(bulk(service, pool, workers=workers).send(numbered(30, text)))
        assert {one.status for one in outcomes} == {SendStatus.SENT}
    assert Counter(request[:2] for request in service.requests) == {("a", 1): 20, ("a", 2): 20, ("b", None): 20}
    assert len(set(service.requests)) == 30


def test_a_message_keeps_the_slot_that_it_names_on_a_phone_of_the_pool() -> None:
    service = Phones()
    messages = [OutgoingSMS(ANN, "one", sim=2), OutgoingSMS(ANN, "two", device="c", sim=1)]
    list(bulk(service, SimPool([Sim("a")])).send(messages))
    assert service.requests == [("a", 2, ANN), ("c", 1, ANN)]


@with_one_and_four_workers
def test_while_recipients_of_a_full_sim_wait_the_others_go_on(workers: int) -> None:
    service, pool = Phones(), SimPool([Sim("a", per_day=1), Sim("b")])
    assert [one.status for one in bulk(service, pool).send([(ANN, "first")])] == [SendStatus.SENT]
    messages = [(ANN, "second"), *numbered(40)]
    with closing(bulk(service, pool, workers=workers).send(messages)) as outcomes:
        assert {one.status for one in islice(outcomes, 40)} == {SendStatus.SENT}
    assert service.recipients == {"a": 1, "b": 40}


@pytest.mark.usefixtures("_tried_again_soon")
@with_one_and_four_workers
def test_the_recipients_of_an_offline_phone_wait_for_it(workers: int) -> None:
    service, pool = Phones(), SimPool([Sim("a"), Sim("b")])
    list(bulk(service, pool).send(numbered(20, "one")))
    service.offline["a"] = 3
    outcomes = list(bulk(service, pool, workers=workers).send(numbered(20, "two")))
    assert {one.status for one in outcomes} == {SendStatus.SENT}
    assert service.recipients == {"a": 20, "b": 20}
    assert len(set(service.requests)) == 20


def test_many_messages_for_an_offline_phone_do_not_keep_others_from_being_sent() -> None:
    service, pool = Phones(), SimPool([Sim("a"), Sim("b")])
    pool._note_offline({"sIdentifiant": "a"})
    many = [OutgoingSMS(number, text, device="a") for number, text in numbered(1500)]
    with closing(bulk(service, pool).send([*many, (ANN, "Hello")])) as outcomes:
        assert next(outcomes).status is SendStatus.SENT
    assert service.requests == [("b", None, ANN)]


@with_one_and_four_workers
def test_the_recipients_of_an_offline_phone_move_to_others(workers: int) -> None:
    service, pool = Phones(), SimPool([Sim("a", 1), Sim("b")], offline="move")
    list(bulk(service, pool).send(numbered(20, "one")))
    service.offline["a"] = float("inf")
    outcomes = list(bulk(service, pool, workers=workers).send(numbered(20, "two")))
    assert {one.status for one in outcomes} == {SendStatus.SENT}
    assert Counter(request[:2] for request in service.requests) == {("a", 1): 10, ("b", None): 30}
    assert service.refused <= workers


@pytest.mark.usefixtures("_tried_again_soon")
@pytest.mark.parametrize("offline", ["wait", "move"])
def test_if_all_phones_are_offline_the_campaign_waits_and_tries_them_now_and_then(offline: Any) -> None:
    service, pool = Phones(offline={"a": 3, "b": 3}), SimPool([Sim("a"), Sim("b")], offline=offline)
    outcomes = list(bulk(service, pool).send(numbered(20)))
    assert {one.status for one in outcomes} == {SendStatus.SENT}
    assert service.refused <= 6


def test_a_phone_that_is_not_in_the_pool_pauses_the_campaign() -> None:
    service = Phones(offline={"c": float("inf")})
    with pytest.raises(BulkPaused) as paused:
        list(bulk(service, SimPool([Sim("a")])).send([OutgoingSMS(ANN, "Hello", device="c")]))
    assert isinstance(paused.value.__cause__, DeviceOffline)


def test_a_message_that_the_service_refuses_does_not_count() -> None:
    service, pool = Phones("refuse"), SimPool([Sim("a", per_day=1, recipients_per_month=1)])
    with closing(bulk(service, pool).send([(ANN, "Hello"), (BOB, "Hello")])) as outcomes:
        assert [one.status for one in islice(outcomes, 2)] == [SendStatus.REFUSED, SendStatus.SENT]


def test_a_message_that_the_client_refuses_when_it_leaves_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    service, pool = Phones(), SimPool([Sim("a", per_day=1)])
    send = service._send

    def refuse_ann(params: Mapping[str, str | int]) -> Answer:
        if params["recipients"] == ANN:
            raise InvalidRequestError("No.")
        return send(params)

    monkeypatch.setattr(service, "_send", refuse_ann)
    with closing(bulk(service, pool).send([(ANN, "Hello"), (BOB, "Hello")])) as outcomes:
        assert [one.status for one in islice(outcomes, 2)] == [SendStatus.REFUSED, SendStatus.SENT]


def test_a_message_that_waits_for_the_rate_when_the_campaign_is_stopped_does_not_count() -> None:
    service, pool = Phones(), SimPool([Sim("a", per_day=2)])
    stopped = bulk(service, pool, workers=2, rate="1/hour")
    with closing(stopped.send([(ANN, "Hello"), (BOB, "Hello")])) as outcomes:
        next(outcomes)
        deadline = time.monotonic() + 30
        while len(pool._usage.run(lambda records: list(records.places()))) < 2:
            assert time.monotonic() < deadline
    assert [one.status for one in bulk(service, pool).send([(ANN, "Hello again")])] == [SendStatus.SENT]


def test_a_single_message_that_a_sim_may_send_only_later_is_postponed() -> None:
    service, pool = Phones(), SimPool([Sim("a", 1, per_minute=1)])
    journal = MemoryJournal()
    assert send_once(service.client, journal, key=1, to=ANN, text="Hello", sims=pool).status is SendStatus.SENT
    with pytest.raises(SendPostponed) as postponed:
        send_once(service.client, journal, key=2, to=ANN, text="Hello", sims=pool)
    assert 50 < postponed.value.retry_after <= 60
    assert service.requests == [("a", 1, ANN)]


def test_a_single_message_is_postponed_if_its_phone_is_offline_and_moves_if_it_may() -> None:
    service = Phones(offline={"a": float("inf")})
    options: dict[str, Any] = {"key": 1, "to": ANN, "text": "Hello"}
    with pytest.raises(SendPostponed):
        send_once(service.client, MemoryJournal(), **options, sims=SimPool([Sim("a")]))
    pool = SimPool([Sim("a", 1), Sim("b")], offline="move")
    assert send_once(service.client, MemoryJournal(), **options, sims=pool).status is SendStatus.SENT
    assert service.requests == [("b", None, ANN)]


def test_campaigns_with_the_same_keys_share_the_limits_of_a_sim() -> None:
    service, pool = Phones(), SimPool([Sim("a", per_minute=1)])
    assert [one.status for one in bulk(service, pool).send([OutgoingSMS(ANN, "one", 17)])] == [SendStatus.SENT]
    with pytest.raises(SendPostponed):
        send_once(service.client, MemoryJournal(), key=17, to=ANN, text="two", sims=pool)
    assert len(service.requests) == 1


@pytest.mark.long
def test_a_message_that_waits_for_the_rate_counts_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("smsmobile.delivery._workers.ADMITTED_SECONDS", 0)
    service, pool = Phones(), SimPool([Sim("a", per_day=4)])
    outcomes = list(bulk(service, pool, rate="1/second").send(numbered(4)))
    assert [one.status for one in outcomes] == [SendStatus.SENT] * 4


@pytest.mark.parametrize("behaviour", ["accept", "doubt after"])
def test_a_message_whose_request_was_repeated_for_long_counts_from_when_it_has_left(
    monkeypatch: pytest.MonkeyPatch, behaviour: str
) -> None:
    now = time.time()
    monkeypatch.setattr("smsmobile.delivery._sender.time", SimpleNamespace(time=lambda: now))
    service, pool = ScriptedService(), SimPool([Sim("a", per_minute=1)])

    def behave(number: str, text: str) -> str:
        nonlocal now
        now += 40
        return behaviour

    service.behave = behave
    journal = MemoryJournal()
    send_once(service.client, journal, key=1, to=ANN, text="one", sims=pool, patience=0)
    with pytest.raises(SendPostponed) as postponed:
        send_once(service.client, journal, key=2, to=BOB, text="two", sims=pool, patience=0)
    assert postponed.value.retry_after == 60


@with_one_and_four_workers
def test_a_run_that_is_stopped_leaves_its_slots_to_others(workers: int) -> None:
    service, pool = Phones(), SimPool([Sim("a", per_day=2)])
    last = OutgoingSMS(BOB, "by a phone of another pool", device="b")
    with closing(bulk(service, pool, workers=workers).send([*numbered(50), last])) as outcomes:
        assert {one.status for one in islice(outcomes, 3)} == {SendStatus.SENT}
    with pytest.raises(SendPostponed) as postponed:
        send_once(service.client, MemoryJournal(), key=1, to=ANN, text="alert", sims=pool)
    assert postponed.value.retry_after <= 86_400


class SuppressedMeanwhile(MemorySuppression):
    """Everybody is on it from the second question on."""

    asked = 0

    def __contains__(self, number: object) -> bool:
        self.asked += 1
        return self.asked > 1


def test_a_message_that_is_kept_back_while_it_waits_for_the_rate_counts_no_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("smsmobile.delivery._workers.ADMITTED_SECONDS", -1)
    service, pool = Phones(), SimPool([Sim("a", per_day=1)])
    outcomes = bulk(service, pool, suppression=SuppressedMeanwhile()).send([(BOB, "Hello")])
    assert [one.status for one in outcomes] == [SendStatus.SUPPRESSED]
    next_one = send_once(service.client, MemoryJournal(), key=1, to=ANN, text="Hello", sims=pool)
    assert next_one.status is SendStatus.SENT
