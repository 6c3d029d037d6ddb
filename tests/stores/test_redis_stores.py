"""The stores in Redis, on a server that the tests start, kill and start again."""

from __future__ import annotations

import itertools
import random
import subprocess
import sys
import textwrap
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from smsmobile import ConfigurationError, StorageError
from smsmobile.auth import Token
from smsmobile.delivery.journals import ClaimState, Journal, JournalEntry, MessageClaim, SendStatus
from smsmobile.webhooks.stores import Claim, EventStore

from . import event_rules, journal_rules, token_rules
from .lossy_proxy import LossyProxy
from .redis_server import RedisServer

redis = pytest.importorskip("redis", reason="redis-py is not installed: pip install 'smsmobile[redis]'")

from redis.backoff import NoBackoff  # noqa: E402
from redis.retry import Retry  # noqa: E402

from smsmobile.contrib.redis import RedisEventStore, RedisJournal, RedisTokenStore, _journal, _tokens  # noqa: E402

NUMBER = "33639980001"
PASSWORD = "hidden-password"
ODD = "\ud800\x00 é\r\n\\n😀 " + "x" * 70_000
"""Half of a surrogate pair, NUL, accents, line breaks, an emoji, and a lot."""
SHORT, LONG = 0.05, 60.0
"""Leases, in seconds."""


@pytest.fixture(autouse=True)
def _connections_end_with_their_test(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Closed by the garbage collector, a connection warns in whatever test runs at that moment."""
    pools: list[redis.ConnectionPool] = []
    make = redis.ConnectionPool.__init__

    def noted(self: redis.ConnectionPool, *args: Any, **options: Any) -> None:
        make(self, *args, **options)
        pools.append(self)

    monkeypatch.setattr(redis.ConnectionPool, "__init__", noted)
    yield
    for pool in pools:
        pool.disconnect()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A Redis with an append-only file, for the tests that do not kill it."""
    running = RedisServer(tmp_path_factory.mktemp("redis"))
    yield running
    running.stop()


@pytest.fixture
def client(server: RedisServer) -> Iterator[Any]:
    """A client of a server without keys."""
    with redis.Redis.from_url(server.url) as client:
        client.flushall()
        yield client


@pytest.fixture
def journal(client: Any) -> RedisJournal:
    return RedisJournal(client)


@pytest.fixture
def proxy(server: RedisServer, client: Any) -> Iterator[LossyProxy]:
    running = LossyProxy(server.port)
    yield running
    running.stop()


def message(key: str = "order-1", *, look: str = "look", token: str = "token", at: float = 100.0) -> JournalEntry:
    return JournalEntry(key, NUMBER, "print", "text", look, at, at, token)


def claimed(journal: Journal, entry: JournalEntry) -> ClaimState:
    return journal.claim([entry])[0].state


# The rules of all stores.


class Place:
    """One Redis, and clients of both kinds in turn."""

    def __init__(self, client: Any) -> None:
        self.client = client
        port = client.get_connection_kwargs()["port"]
        self._clients = itertools.cycle([client, redis.Redis(port=port, decode_responses=True)])
        self._locks: list[object] = []

    def journal(self) -> RedisJournal:
        return RedisJournal(next(self._clients), lease=journal_rules.LEASE)

    def clear(self) -> None:
        self.client.flushall()

    def let_pass(self, seconds: float) -> None:
        for name in ("{smsmobile}:planned", "{smsmobile}:started"):
            for key in self.client.zrange(name, 0, -1):
                self.client.zincrby(name, -seconds, key)
        for name in self.client.scan_iter("smsmobile:*"):
            self.client.pexpire(name, max(0, round(self.client.pttl(name) - seconds * 1000)))


class TestRedisJournal(journal_rules.JournalRules):
    @pytest.fixture
    def journals(self, client: Any) -> Place:
        return Place(client)


class EventPlace(Place):
    def store(self) -> RedisEventStore:
        return RedisEventStore(next(self._clients), lease=event_rules.LEASE, ttl=event_rules.TTL)


class TestRedisEventStore(event_rules.EventRules):
    @pytest.fixture
    def events(self, client: Any) -> EventPlace:
        return EventPlace(client)


class TokenPlace(Place):
    def store(self) -> RedisTokenStore:
        return RedisTokenStore(next(self._clients))

    def die_with_the_lock(self, key: str) -> None:
        lock = self.store().lock(key)
        lock.__enter__()
        self._locks.append(lock)  # else it is given back when it is collected
        self.let_pass(30)


class TestRedisTokenStore(token_rules.TokenLockRules):
    @pytest.fixture
    def tokens(self, client: Any) -> TokenPlace:
        return TokenPlace(client)


# Clients, addresses and texts.


@pytest.mark.parametrize("options", [{}, {"decode_responses": True}, {"protocol": 3}])
def test_every_client_keeps_every_text(server: RedisServer, client: Any, options: dict[str, Any]) -> None:
    journal = RedisJournal(redis.Redis(port=server.port, **options))
    entry = JournalEntry(ODD, NUMBER, ODD, "text_without_links", ODD, 1.1, 1796000000.123456, ODD)
    assert claimed(journal, entry) is ClaimState.NEW
    assert journal.start(entry, 2.2)
    assert journal.settle(entry, SendStatus.UNKNOWN, guid=ODD, reason=ODD)
    expected = entry._replace(attempted_at=2.2, outcome=SendStatus.UNKNOWN, guid=ODD, reason=ODD)
    assert journal.unknown() == [expected]
    assert journal.claim([entry])[0] == (ClaimState.DONE, expected, 0.0)
    assert journal.has(NUMBER, ODD)

    events = RedisEventStore(redis.Redis(port=server.port, **options))
    assert [events.claim(ODD), events.claim(ODD)] == [Claim.NEW, Claim.BUSY]

    tokens = RedisTokenStore(redis.Redis(port=server.port, **options))
    tokens.set(ODD, Token(access_token="é token"))
    assert tokens.get(ODD) == Token(access_token="é token")


def test_an_address_is_as_good_as_a_client(server: RedisServer, client: Any) -> None:
    assert claimed(RedisJournal(server.url), message()) is ClaimState.NEW
    assert claimed(RedisJournal(client), message(token="other")) is ClaimState.BUSY


WRONG_ADDRESSES = (
    f"redis://:{PASSWORD}@host:port/0",
    f"http://user:{PASSWORD}@host/",
    f"redis://:{PASSWORD}@[::1/0",
    f"redis://:{PASSWORD}@host/0?socket_timeout=soon",
    f"redis://:{PASSWORD}@host/0?unknown=1",
    f"{PASSWORD}@host",
)


@pytest.mark.parametrize("store", [RedisJournal, RedisEventStore, RedisTokenStore])
def test_wrong_arguments_are_refused_without_showing_them(store: Any, subtests: Any) -> None:
    for address in WRONG_ADDRESSES:
        with subtests.test(address=address), pytest.raises(ConfigurationError, match="no address") as caught:
            store(address)
        assert PASSWORD not in everything_about(caught.value)
    for client in (None, 1, object(), redis.asyncio.Redis()):
        with subtests.test(client=type(client)), pytest.raises(ConfigurationError, match="expected a client of redis"):
            store(client)
    for prefix in (None, "", "a{b}", "a b", "é"):
        with subtests.test(prefix=prefix), pytest.raises(ConfigurationError, match="prefix"):
            store("redis://localhost", prefix=prefix)


def test_other_arguments_are_checked(subtests: Any) -> None:
    for name, make in {
        "lease": lambda: RedisJournal("redis://localhost", lease=0),
        "allow_data_loss": lambda: RedisJournal("redis://localhost", allow_data_loss="no"),  # type: ignore[arg-type]
        "ttl": lambda: RedisEventStore("redis://localhost", ttl=-1),
    }.items():
        with subtests.test(name), pytest.raises(ConfigurationError, match=name):
            make()


def everything_about(error: BaseException) -> str:
    """What an error reporter shows: the chain of errors, and the variables of every frame below the test's own."""
    assert error.__traceback__ is not None
    frames = error.__traceback__.tb_next
    lines = traceback.TracebackException(type(error), error, frames, capture_locals=True).format()
    return "".join(lines) + repr(error.__context__) + repr(error.__cause__)


def test_no_password_is_shown_by_a_store_or_its_errors(start: Callable[..., RedisServer]) -> None:
    port = start(options=("--requirepass", "another one")).port
    address = f"redis://:{PASSWORD}@127.0.0.1:{port}/0"
    tokens = RedisTokenStore(address)
    secret = Token(access_token="hidden-token")
    stores = {
        RedisJournal(address): lambda store: store.claim([message()]),
        RedisEventStore(address): lambda store: store.claim("event"),
        tokens: lambda store: store.set("key", secret),
    }
    for store, use in stores.items():
        with pytest.raises(StorageError, match=r"cannot be used \(AuthenticationError\)") as caught:
            use(store)
        shown = everything_about(caught.value) + repr(store)
        assert PASSWORD not in shown
        assert "hidden-token" not in shown
        assert "127.0.0.1" not in shown
        with pytest.raises(TypeError, match="cannot be pickled"):
            store.__reduce_ex__(2)


def test_without_redis_py_the_error_says_what_to_install() -> None:
    script = "import sys; sys.modules['redis'] = None; import smsmobile.contrib.redis"
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert 'pip install "smsmobile[redis]"' in ended.stderr.splitlines()[-1]


# A Redis that forgets.


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"persistence": False}, "aof_enabled is 0.*appendonly yes"),
        ({"persistence": False, "options": ("--save", "1 1")}, "RDB.* not enough"),
        ({"options": ("--maxmemory-policy", "allkeys-lru")}, "maxmemory-policy allkeys-lru.*noeviction"),
        ({"options": ("--user", "default", "on", "nopass", "~*", "&*", "+@all", "-info")}, "does not say"),
    ],
)
def test_a_redis_that_may_forget_is_refused_unless_allowed(
    start: Callable[..., RedisServer], options: dict[str, Any], reason: str
) -> None:
    url = start(**options).url
    journal = RedisJournal(url)
    for _ in range(2):
        with pytest.raises(ConfigurationError, match=f"(?s){reason}.*allow_data_loss=True"):
            journal.claim([message()])
    assert claimed(RedisJournal(url, allow_data_loss=True), message()) is ClaimState.NEW


def test_keys_of_a_journal_do_not_expire_and_forgotten_messages_leave_none(client: Any, journal: RedisJournal) -> None:
    entries = [message(str(n), look=str(n), token=f"token {n}") for n in range(6)]
    assert {claim.state for claim in journal.claim(entries)} == {ClaimState.NEW}
    for entry in entries[:5]:
        journal.start(entry, 1.0)
    for entry, outcome in zip(entries, (SendStatus.SENT, SendStatus.REFUSED, SendStatus.UNKNOWN), strict=False):
        journal.settle(entry, outcome, guid="guid" if outcome is SendStatus.SENT else None, reason="reason")
    assert [name for name in client.scan_iter() if client.ttl(name) != -1] == []
    assert [name for name in client.scan_iter() if not name.startswith(b"{smsmobile}:")] == []
    assert journal.keep_back(entries[5], SendStatus.EXPIRED, "reason")
    assert [journal.forget(entry.key) for entry in entries[:4]] == [True, True, True, False]
    journal.withdraw(entries[3:])
    assert [entry.key for entry in journal.entries()] == ["5"]
    assert journal.forget("5")
    assert client.keys() == []


def test_prefixes_separate_journals(client: Any, journal: RedisJournal) -> None:
    assert claimed(journal, message()) is ClaimState.NEW
    assert claimed(RedisJournal(client, prefix="other"), message()) is ClaimState.NEW


def test_a_batch_of_thousands_is_claimed(journal: RedisJournal) -> None:
    claims = journal.claim([message(str(n), look=str(n), token=str(n))._replace(number=str(n)) for n in range(3000)])
    assert {claim.state for claim in claims} == {ClaimState.NEW}
    journal.renew([claim.entry for claim in claims])


def test_all_works_on_a_cluster(start: Callable[..., RedisServer]) -> None:
    server = start(options=("--cluster-enabled", "yes"))
    with redis.Redis(port=server.port) as node:
        node.execute_command("CLUSTER ADDSLOTSRANGE", 0, 16383)
        for _ in range(200):
            if node.execute_command("CLUSTER INFO")["cluster_state"] == "ok":
                break
            time.sleep(0.02)
    client = redis.RedisCluster(host="127.0.0.1", port=server.port)
    journal = RedisJournal(client)
    assert claimed(journal, message()) is ClaimState.NEW
    assert claimed(journal, message("order-2")) is ClaimState.BUSY
    assert journal.start(message(), 1.0)
    assert journal.settle(message(), SendStatus.SENT, guid="guid")
    assert [entry.key for entry in journal.entries()] == ["order-1"]
    assert journal.forget("order-1")
    assert claimed(journal, message()) is ClaimState.NEW
    assert journal.keep_back(message(), SendStatus.EXPIRED, "reason")
    assert claimed(journal, message()) is ClaimState.NEW
    events = RedisEventStore(client)
    assert events.claim("event") is Claim.NEW
    events.release("event")
    assert events.claim("event") is Claim.NEW
    tokens = RedisTokenStore(client)
    with tokens.lock("key"):
        tokens.set("key", Token(access_token="text"))
    assert tokens.get("key") == Token(access_token="text")
    client.close()


# Leases, by the clock of the server.


def wait_until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline, "it did not happen within 10 s"
        time.sleep(0.01)


def test_the_clock_of_the_machine_does_not_matter(
    client: Any, journal: RedisJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert claimed(journal, message()) is ClaimState.NEW
    assert RedisEventStore(client).claim("event") is Claim.NEW
    now = time.time()
    for wrong in (now + 90, now - 90):
        monkeypatch.setattr("time.time", lambda wrong=wrong: wrong)
        busy = journal.claim([message(token="other")])[0]
        assert busy.state is ClaimState.BUSY
        assert 0 < busy.retry_after <= LONG
        assert RedisEventStore(client).claim("event") is Claim.BUSY


def test_a_lease_is_as_long_as_its_owner_said(client: Any) -> None:
    patient, hasty = RedisJournal(client, lease=LONG), RedisJournal(client, lease=SHORT)
    assert claimed(patient, message()) is ClaimState.NEW
    assert claimed(hasty, message(token="other")) is ClaimState.BUSY
    assert patient.start(message(), 1.0)
    assert hasty.abandoned(10) == []


def test_a_message_of_a_dead_owner_is_handed_to_one(client: Any, journal: RedisJournal) -> None:
    dead = RedisJournal(client, lease=SHORT)
    claimed(dead, message())
    dead.start(message(), 1.0)
    wait_until(lambda: (found := journal.abandoned(10)) and found[0].key == "order-1")
    assert journal.abandoned(10) == []
    assert claimed(journal, message(token="other")) is ClaimState.BUSY


def test_a_clock_that_is_set_back_ends_the_leases_of_before(client: Any, journal: RedisJournal) -> None:
    claimed(journal, message())
    journal.start(message(), 1.0)
    client.zincrby("{smsmobile}:started", 0.5, "order-1")  # as if it were set back by half a second
    assert journal.abandoned(10) == []
    assert claimed(journal, message(token="other")) is ClaimState.BUSY
    client.zincrby("{smsmobile}:started", 3600, "order-1")
    assert [entry.key for entry in journal.abandoned(10)] == ["order-1"]
    client.zincrby("{smsmobile}:started", 3600, "order-1")
    assert claimed(journal, message(token="other")) is ClaimState.ABANDONED
    assert claimed(journal, message(token="other")) is ClaimState.BUSY


# Answers that are lost. redis-py may repeat such a command by itself.


def test_a_step_that_redis_py_repeats_gets_the_same_answer(proxy: LossyProxy) -> None:
    # By default from redis-py 6 on.
    client = redis.Redis(port=proxy.port, retry=Retry(NoBackoff(), 3), retry_on_error=[redis.ConnectionError])
    journal = RedisJournal(client)
    entry = message()
    proxy.lose("claim", 2)
    assert claimed(journal, entry) is ClaimState.NEW
    proxy.lose("start", 2)
    assert journal.start(entry, 1.0)
    assert not journal.start(entry, 1.0), "a second start is not a repeated one"
    for outcome in (SendStatus.UNKNOWN, SendStatus.SENT):
        proxy.lose("settle", 2)
        assert journal.settle(entry, outcome)
        assert not journal.settle(entry, outcome), "a second outcome is not a repeated one"
    proxy.lose("forget", 2)
    assert journal.forget(entry.key)
    assert not journal.forget(entry.key)
    proxy.lose("claim", 2)
    assert claimed(journal, entry) is ClaimState.NEW
    proxy.lose("keep_back", 2)
    assert journal.keep_back(entry, SendStatus.EXPIRED, "reason")
    assert not journal.keep_back(entry, SendStatus.EXPIRED, "reason"), "a second outcome is not a repeated one"
    proxy.lose("claim", 2)
    assert claimed(journal, entry._replace(token="another")) is ClaimState.NEW

    events = RedisEventStore(client)
    proxy.lose("smsmobile:event:id", 2)
    assert events.claim("id") is Claim.NEW
    assert events.claim("id") is Claim.BUSY
    assert proxy.lost == 18


def test_a_lost_answer_is_an_error_and_the_claim_ends_by_itself(proxy: LossyProxy, client: Any) -> None:
    hasty = RedisJournal(redis.Redis(port=proxy.port, retry=Retry(NoBackoff(), 0)), lease=SHORT)
    proxy.lose("claim", 1)
    with pytest.raises(StorageError, match="ConnectionError"):
        hasty.claim([message()])
    wait_until(lambda: claimed(hasty, message(token="second")) is ClaimState.NEW)
    proxy.lose("start", 1)
    with pytest.raises(StorageError, match="ConnectionError"):
        hasty.start(message(token="second"), 1.0)
    assert not hasty.start(message(token="second"), 1.0)
    wait_until(lambda: claimed(RedisJournal(client), message(token="third")) is ClaimState.ABANDONED)


@pytest.fixture
def repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every call of a step counts as a repetition of the one before."""
    monkeypatch.setattr(_journal, "_nonce", lambda: "once")


@pytest.mark.usefixtures("repeated")
def test_a_start_that_is_repeated_too_late_does_not_succeed(client: Any, journal: RedisJournal) -> None:
    hasty = RedisJournal(client, lease=SHORT)
    claimed(hasty, message())
    assert hasty.start(message(), 1.0)
    assert hasty.start(message(), 1.0), "it is repeated in time"
    wait_until(lambda: journal.abandoned(1))
    assert not hasty.start(message(), 1.0), "somebody looks it up by now"


@pytest.mark.usefixtures("repeated")
def test_a_claim_that_is_repeated_does_not_take_a_started_message(journal: RedisJournal) -> None:
    claimed(journal, message())
    assert claimed(journal, message()) is ClaimState.NEW
    journal.start(message(), 1.0)
    assert claimed(journal, message()) is ClaimState.BUSY


@pytest.mark.usefixtures("repeated")
def test_what_is_repeated_too_late_does_not_keep_back_a_later_claim(journal: RedisJournal) -> None:
    claimed(journal, message())
    assert journal.keep_back(message(), SendStatus.EXPIRED, "reason")
    assert journal.keep_back(message(), SendStatus.EXPIRED, "reason"), "it is repeated in time"
    assert claimed(journal, message(token="second")) is ClaimState.NEW
    assert not journal.keep_back(message(), SendStatus.EXPIRED, "reason"), "somebody else has the claim by now"
    assert journal.start(message(token="second"), 1.0)


def test_a_forget_that_is_repeated_does_not_remove_a_later_message(journal: RedisJournal) -> None:
    for token in ("first", "second"):
        assert claimed(journal, message(token=token)) is ClaimState.NEW
        journal.start(message(token=token), 1.0)
        journal.settle(message(token=token), SendStatus.SENT)
        if token == "first":
            journal.forget("order-1")
    journal._do("forget", "order-1", "first")
    assert claimed(journal, message()) is ClaimState.DONE


# A server that dies.


def test_what_is_recorded_survives_a_kill_of_the_server(start: Callable[..., RedisServer]) -> None:
    server = start()
    journal, other = RedisJournal(server.url), RedisJournal(server.url)

    def kill() -> None:
        server.kill()
        server.start_again()

    assert claimed(journal, message()) is ClaimState.NEW
    kill()
    assert claimed(other, message(token="other")) is ClaimState.BUSY
    assert journal.start(message(), 1.0)
    kill()
    assert claimed(other, message(token="other")) is ClaimState.BUSY
    assert journal.settle(message(), SendStatus.SENT, guid="guid")
    kill()
    assert other.claim([message(token="other")])[0].entry.guid == "guid"
    assert other.has(NUMBER, "guid")


def test_without_persistence_a_killed_server_ends_claims_and_nothing_leaves(start: Callable[..., RedisServer]) -> None:
    server = start(persistence=False)
    journal = RedisJournal(server.url, allow_data_loss=True)
    for is_started in (False, True):
        assert claimed(journal, message()) is ClaimState.NEW
        assert not is_started or journal.start(message(), 1.0)
        server.kill()
        server.start_again()
        assert not journal.start(message(), 1.0)
        assert not journal.settle(message(), SendStatus.SENT)
        assert journal.abandoned(10) == []


@pytest.mark.long
def test_while_the_server_is_killed_again_and_again_nothing_is_sent_twice(start: Callable[..., RedisServer]) -> None:
    server = start()
    keys = [f"order-{number}" for number in range(200)]
    sent: list[str] = []
    tokens = map("token {}".format, itertools.count())
    deadline = time.monotonic() + 60

    def attempt(journal: RedisJournal, key: str) -> bool:
        """Whether the key has an outcome now."""
        (answer,) = journal.claim([message(key, look=key, token=next(tokens))])
        if answer.state is ClaimState.NEW and journal.start(answer.entry, 1.0):
            sent.append(key)
            time.sleep(0.001)
            journal.settle(answer.entry, SendStatus.SENT, guid=key)
        elif answer.state is ClaimState.ABANDONED:
            journal.settle(answer.entry, SendStatus.UNKNOWN)
        return answer.state is ClaimState.DONE

    def send_all(number: int) -> None:
        client = redis.Redis(port=server.port, retry=Retry(NoBackoff(), 1))
        journal, left = RedisJournal(client, lease=0.5), random.Random(number).sample(keys, len(keys))
        while left and time.monotonic() < deadline:
            try:
                left = [key for key in left if not attempt(journal, key)]
            except StorageError:
                time.sleep(0.01)  # it is being started again

    with ThreadPoolExecutor(6) as pool:
        senders = [pool.submit(send_all, number) for number in range(6)]
        for _ in range(10):
            time.sleep(0.2)
            server.kill()
            server.start_again()
        for sender in senders:
            sender.result()
    assert sorted(set(sent)) == sorted(sent)
    outcomes = {key: claim.entry.outcome for key, claim in zip(keys, decided(server, keys), strict=True)}
    assert {outcomes[key] for key in sent} <= {SendStatus.SENT, SendStatus.UNKNOWN}
    assert {key for key, outcome in outcomes.items() if outcome is SendStatus.SENT} <= set(sent)


def decided(server: RedisServer, keys: list[str]) -> list[MessageClaim]:
    claims = RedisJournal(server.url).claim([message(key, look=key) for key in keys])
    assert {claim.state for claim in claims} == {ClaimState.DONE}
    return claims


def test_while_the_server_is_away_every_step_is_a_storage_error(
    start: Callable[..., RedisServer], subtests: Any
) -> None:
    server = start()
    client = redis.Redis(port=server.port, retry=Retry(NoBackoff(), 1))
    journal, events, tokens = RedisJournal(client), RedisEventStore(client), RedisTokenStore(client)
    assert claimed(journal, message()) is ClaimState.NEW
    assert events.claim("claimed") is Claim.NEW
    server.kill()
    for name, step in {
        "claim": lambda: journal.claim([message()]),
        "start": lambda: journal.start(message(), 1.0),
        "settle": lambda: journal.settle(message(), SendStatus.SENT),
        "keep_back": lambda: journal.keep_back(message(), SendStatus.EXPIRED, "reason"),
        "get": lambda: journal.get("order-1"),
        "entries": lambda: list(journal.entries()),
        "withdraw": lambda: journal.withdraw([message()]),
        "renew": lambda: journal.renew([message()]),
        "release": lambda: journal.release([message()]),
        "abandoned": lambda: journal.abandoned(1),
        "unknown": journal.unknown,
        "forget": lambda: journal.forget("order-1"),
        "has": lambda: journal.has(NUMBER, "guid"),
        "without_guid": lambda: journal.without_guid(NUMBER, 0.0),
        "events.claim": lambda: events.claim("id"),
        "events.done": lambda: events.done("id"),
        "events.release": lambda: events.release("claimed"),
        "tokens.get": lambda: tokens.get("key"),
        "tokens.set": lambda: tokens.set("key", Token(access_token="text")),
        "tokens.delete": lambda: tokens.delete("key"),
    }.items():
        with subtests.test(name), pytest.raises(StorageError, match=r"cannot be used \(ConnectionError\)"):
            step()
    with tokens.lock("key"):
        pass  # it is entered without the lock


def test_a_full_server_is_named(client: Any, journal: RedisJournal) -> None:
    journal.unknown()
    client.config_set("maxmemory", 1)
    try:
        with pytest.raises(StorageError, match=r"OutOfMemoryError|OOM"):
            journal.claim([message()])
    finally:
        client.config_set("maxmemory", 0)


# Many processes.

RACE = """
    import os, sys, time
    from smsmobile.contrib.redis import RedisEventStore, RedisJournal
    from smsmobile.delivery.journals import JournalEntry
    rounds, kinds = int(sys.argv[2]), ("key", "look", "event")
    journal, events = RedisJournal(sys.argv[1]), RedisEventStore(sys.argv[1])
    journal.unknown()  # the children inherit an open connection
    begin = time.time() + 0.3
    children = []
    for child in range(8):
        reading, writing = os.pipe()
        if os.fork() == 0:
            time.sleep(max(0, begin - time.time()))
            for n in range(rounds):
                one = JournalEntry(f"key {n}", "33639980001", "", "text", f"one {n}", 1.0, 1.0, f"{child}")
                alike = JournalEntry(f"{n} {child}", "33639980002", "", "text", f"look {n}", 1.0, 1.0, f"{child}")
                states = (journal.claim([one])[0].state, journal.claim([alike])[0].state, events.claim(f"event {n}"))
                os.write(writing, "".join(f"{kind} {n}\\n" for kind, s in zip(kinds, states) if s == "new").encode())
            os._exit(0)
        os.close(writing)
        children.append(reading)
    winners = "".join(open(reading).read() for reading in children).split("\\n")[:-1]
    for _ in children:
        assert os.wait()[1] == 0
    assert sorted(winners) == sorted(f"{kind} {n}" for kind in kinds for n in range(rounds)), winners
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no fork")
def test_of_eight_forked_processes_exactly_one_gets_a_key_a_look_an_event(server: RedisServer, client: Any) -> None:
    script = [sys.executable, "-c", textwrap.dedent(RACE), server.url, "25"]
    ended = subprocess.run(script, capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")


# Events and tokens.


def test_a_claim_of_an_event_ends_with_its_lease_and_a_late_release_ends_no_other(client: Any) -> None:
    dead, other = RedisEventStore(client, lease=SHORT), RedisEventStore(client)
    assert dead.claim("id") is Claim.NEW
    wait_until(lambda: other.claim("id") is Claim.NEW)
    dead.release("id")
    assert other.claim("id") is Claim.BUSY
    other.release("id")
    assert other.claim("id") is Claim.NEW
    other.done("id")
    other.release("id")
    assert dead.claim("id") is Claim.DONE


def test_a_handled_event_is_forgotten_after_its_ttl(client: Any) -> None:
    events = RedisEventStore(client, ttl=SHORT)
    events.claim("id")
    events.done("id")
    wait_until(lambda: events.claim("id") is Claim.NEW)


@pytest.mark.parametrize("event_id", ["", None, b"id"])
def test_what_is_no_event_id_is_a_type_error(client: Any, event_id: Any) -> None:
    with pytest.raises(TypeError, match=r"event\.id"):
        RedisEventStore(client).claim(event_id)


def test_a_token_is_kept_until_it_expires(client: Any) -> None:
    tokens = RedisTokenStore(client)
    soon = Token(access_token="text", expires_at=datetime.now(timezone.utc) + timedelta(seconds=100))
    tokens.set("key", soon)
    assert tokens.get("key") == soon
    assert 390_000 < client.pttl("smsmobile:token:key") <= 400_000, "clocks differ by some minutes at most"
    tokens.set("key", Token(access_token="text"))
    assert client.pttl("smsmobile:token:key") == -1
    tokens.set("key", Token(access_token="text", expires_at=datetime.now(timezone.utc) - timedelta(days=1)))
    assert 290_000 < client.pttl("smsmobile:token:key") <= 300_000


def test_what_is_no_token_counts_as_none(client: Any) -> None:
    client.set("smsmobile:token:key", "{}")
    assert RedisTokenStore(client).get("key") is None


def test_the_lock_of_a_token_is_for_one_at_a_time_and_does_not_block_for_ever(
    client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_tokens, "_LOCK_PATIENCE", SHORT)
    tokens = RedisTokenStore(client)
    with tokens.lock("key"):
        held = client.get("smsmobile:lock:key")
        assert 0 < client.pttl("smsmobile:lock:key") <= 30_000
        with tokens.lock("other key"), tokens.lock("key"):
            assert client.get("smsmobile:lock:key") == held, "the second one is here without the lock"
        assert client.get("smsmobile:lock:key") == held, "which it does not end"
    assert client.get("smsmobile:lock:key") is None


def test_a_lock_that_has_expired_is_left_without_an_error(client: Any) -> None:
    with RedisTokenStore(client).lock("key"):
        client.set("smsmobile:lock:key", "of somebody else")
    assert client.get("smsmobile:lock:key") == b"of somebody else"


def test_an_error_inside_the_lock_comes_out_and_frees_it(client: Any) -> None:
    with pytest.raises(LookupError, match="inside"), RedisTokenStore(client).lock("key"):
        raise LookupError("inside")
    assert client.get("smsmobile:lock:key") is None


def test_the_stores_are_what_the_protocols_say(client: Any) -> None:
    assert isinstance(RedisJournal(client), Journal)
    assert isinstance(RedisEventStore(client), EventStore)
