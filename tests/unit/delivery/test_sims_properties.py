"""Whatever happens to a pool, no window has more than its limits allow, and recipients stay with their SIM."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from smsmobile.delivery import OutgoingSMS, Sim, SimPool, SimUsage
from smsmobile.delivery._memory_sim_usage import MemorySimUsage
from smsmobile.delivery._sqlite_sim_usage import SQLiteSimUsage

MINUTE, DAY = 60.0, 86_400.0
MONTH = 31 * DAY
SIMS = [
    Sim("a", 1, per_minute=2, per_day=5, recipients_per_month=3),
    Sim("a", 2, per_minute=1, recipients_per_month=2),
    Sim("b", per_minute=3, per_day=4),
]
KEYS = st.integers(0, 7)
NUMBERS = st.integers(0, 5).map("3363998000{}".format)
STEPS = st.sampled_from([0.25, 20.0, 59.0, 59.0, 60.0, 61.0, 61.0, 61.0, DAY - 60, DAY, 30 * DAY, MONTH])


class Departure(NamedTuple):
    at: float
    """By a clock that nobody sets."""
    sim: Sim
    number: str
    key: str


class Campaign(RuleBasedStateMachine):
    """A pool, the true time, and a clock that is set now and then."""

    def __init__(self) -> None:
        super().__init__()
        self.time = 2_000_000_000.0
        self.ahead = 0.0
        """Of the clock, before the true time."""
        self.times_set = 0
        self.departures: list[Departure] = []
        self.last: dict[str, Departure | None] = {}
        """By key: its last departure; None while it waits for another one."""
        self.waiting: dict[int, str] = {}
        self.homes: dict[str, Sim] = {}
        self.usage = self.new_usage()
        self.pool = SimPool(SIMS, self.usage)

    def new_usage(self) -> SimUsage:
        return MemorySimUsage()

    @rule(seconds=STEPS)
    def wait(self, seconds: float) -> None:
        self.time += seconds

    @precondition(lambda self: self.times_set < 2)
    @rule(seconds=STEPS)
    def set_clock_back(self, seconds: float) -> None:
        self.ahead -= seconds
        self.times_set += 1

    @precondition(lambda self: self.ahead < 0)
    @rule()
    def correct_clock(self) -> None:
        """When a message departed is not known then: it seems to be longer ago."""
        self.ahead = 0.0
        self.times_set += 1
        self.departures.clear()

    @rule(messages=st.lists(st.tuples(KEYS, NUMBERS), min_size=1, max_size=8))
    def ask_for_all(self, messages: list[tuple[int, str]]) -> None:
        for key, number in messages:
            self.ask(key, number)

    @rule()
    def ask_again(self) -> None:
        """Each message that waits."""
        for key, number in list(self.waiting.items()):
            self.ask(key, number)

    def ask(self, key: int, number: str) -> None:
        now = self.time + self.ahead
        device = {0: "a", 1: "b"}.get(key)
        name = f"{key}, the clock set {self.times_set} times"
        slot = self.pool._book(name, number, OutgoingSMS(f"+{number}", "Hello", device=device), now, None)
        assert slot is not None
        assert device in {None, slot.sim.device}
        if device is None:
            assert self.homes.get(number, slot.sim) == slot.sim
        if slot.at > now:
            assert slot.at < now + 12 * MONTH
            self.last[name] = None
            self.waiting[key] = number
            return
        self.waiting.pop(key, None)
        last = self.last.get(name)
        if last in self.departures and last[1:3] == (slot.sim, number) and self.time < last.at + MINUTE:
            self.departures.remove(last)  # it has not left before
        self.last[name] = Departure(self.time, slot.sim, number, name)
        self.departures.append(self.last[name])
        if device is None:
            self.homes.setdefault(number, slot.sim)
        self.check(slot.sim)

    @rule(key=KEYS)
    def cancel(self, key: int) -> None:
        name = f"{key}, the clock set {self.times_set} times"
        self.pool._cancel(name)
        last = self.last.pop(name, None)
        if last is not None:
            self.homes.pop(last.number, None)
            if last in self.departures:
                self.departures.remove(last)

    def check(self, sim: Sim) -> None:
        """The periods that end now. What is sent later does not change those before."""
        sent = [one for one in self.departures if one.sim == sim]
        for limit, period in ((sim.per_minute, MINUTE), (sim.per_day, DAY)):
            assert limit is None or sum(one.at > self.time - period for one in sent) <= limit
        recipients = {one.number for one in sent if one.at > self.time - MONTH}
        assert sim.recipients_per_month is None or len(recipients) <= sim.recipients_per_month


class CampaignWithAFile(Campaign):
    """And programs that are started again."""

    def new_usage(self) -> SimUsage:
        self.folder = TemporaryDirectory()
        return SQLiteSimUsage(Path(self.folder.name) / "sims.sqlite")

    @rule()
    def restart(self) -> None:
        self.pool = SimPool(SIMS, Path(self.folder.name) / "sims.sqlite")

    def teardown(self) -> None:
        del self.pool, self.usage
        self.folder.cleanup()


TestCampaign = Campaign.TestCase
TestCampaign.settings = settings(max_examples=80, stateful_step_count=60, deadline=None)
TestCampaignWithAFile = CampaignWithAFile.TestCase
TestCampaignWithAFile.settings = settings(max_examples=5, stateful_step_count=30, deadline=None)
