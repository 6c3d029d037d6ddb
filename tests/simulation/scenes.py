"""Who sends what in the searches and in the long random plays."""

from __future__ import annotations

from collections.abc import Sequence

from smsmobile.delivery import MemoryJournal

from .owners import SharedList, campaigns, sends
from .programs import Moment, Point, Process
from .promises import Message
from .scheduler import LAST, LEASE, Owner
from .sends import SendWorld

TO, ELSEWHERE = "+33639980011", "+33639980022"
K1 = Message("k1", TO, "Hello")
OTHER = Message("k2", ELSEWHERE, "Other")
TWIN = Message("k2", TO, "Hello")
LINKS = (
    Message("k1", TO, "See https://a.example/1", shorten_urls=True),
    Message("k2", TO, "See https://a.example/2", shorten_urls=True),
)
HIDDEN = Message("k1", TO, "Hello", encrypt=True)

Scene = dict[str, tuple[Message, ...]]
"""What each owner sends, by its name."""

SAME_KEY: Scene = {"A": (K1,), "B": (K1,)}
TWINS: Scene = {"A": (K1,), "B": (TWIN,)}
TWINS_WITH_LINKS: Scene = {"A": (LINKS[0],), "B": (LINKS[1],)}
TWINS_ENCRYPTED: Scene = {"A": (HIDDEN,), "B": (TWIN,)}
TWO_EACH: Scene = {"A": (K1, OTHER), "B": (OTHER, K1)}
TWINS_EACH: Scene = {"A": (K1, TWIN), "B": (TWIN, K1)}


def searched(
    scene: Scene,
    budget: dict[str, int],
    *,
    calls: int = 2,
    patience: float = 0.0,
    journal: MemoryJournal | None = None,
    service_clock: float = 0.0,
    clocks: dict[str, float] | None = None,
) -> SendWorld:
    """A world to explore. Each owner calls at most so often for each message."""

    suppression = SharedList() if "suppressions" in budget else None

    def moment(name: str, messages: Sequence[Message], calls: int) -> Moment:
        script = sends(messages, calls=calls, patience=patience, suppression=suppression)
        return Moment(lambda: Process(name, script))

    messages = list(dict.fromkeys(message for given in scene.values() for message in given))
    last = moment(LAST, messages, 4)
    owners = [Owner(name, moment(name, given, calls), (clocks or {}).get(name, 0.0)) for name, given in scene.items()]
    return SendWorld(
        owners,
        budget,
        lambda: last,
        messages=messages,
        journal=journal or MemoryJournal(LEASE),
        service_clock=service_clock,
    )


def played(
    scene: Scene,
    keys: Sequence[str],
    budget: dict[str, int],
    *,
    calls: int,
    patience: float,
    clocks: dict[str, float],
    service_clock: float,
    bulk: str = "",
) -> SendWorld:
    """A world to play once: only these keys are sent.

    bulk: the owners that send their messages as a campaign.
    """
    wanted = set(keys)
    chosen = {name: [message for message in given if message.key in wanted] for name, given in scene.items()}
    messages = list(dict.fromkeys(message for given in chosen.values() for message in given))

    def process(name: str, messages: Sequence[Message], calls: int) -> Point:
        script = campaigns if name in bulk else sends
        return Process(name, script(messages, calls=calls, patience=patience))

    owners = [Owner(name, process(name, given, calls), clocks[name]) for name, given in chosen.items() if given]
    return SendWorld(owners, budget, lambda: process(LAST, messages, 4), messages=messages, service_clock=service_clock)
