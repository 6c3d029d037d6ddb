"""What every token store promises, and what those promise in addition that have a lock.

A test module derives a class from `TokenRules` or `TokenLockRules` for its store, and gives it a fixture `tokens`.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime, timedelta, timezone
from typing import Protocol

import pytest

from smsmobile.auth import Token, TokenStore

KEY, OTHER_KEY = (
    "https://api.smsmobileapi.com/oauth2/token client-1",
    "https://api.smsmobileapi.com/oauth2/token client-2",
)
NOW = datetime(2026, 11, 30, 12, 0, 0, 123456, tzinfo=timezone.utc)
TOKENS = (
    Token(access_token="plain"),
    Token(access_token="with-expiry", refresh_at=NOW, expires_at=NOW + timedelta(hours=1)),
    Token(access_token="quotes'\"\\{}%s", expires_at=NOW),
    Token(access_token="t" * 5000, refresh_at=NOW),
)
PATIENCE = 30.0
"""Seconds that a test waits for what has to happen."""


class LockingTokenStore(TokenStore, Protocol):
    """A store with a lock for each key."""

    def lock(self, key: str) -> AbstractContextManager[object]:
        """One holder at a time has it."""
        ...


class Tokens(Protocol):
    """What the fixture `tokens` gives to `TokenRules`: an empty place for tokens, which several share."""

    def store(self) -> TokenStore:
        """A store on this place: another object each time, if that is possible."""
        ...


class LockedTokens(Protocol):
    """What the fixture `tokens` gives to `TokenLockRules`."""

    def store(self) -> LockingTokenStore:
        """A store on this place: another object each time, if that is possible."""
        ...

    def die_with_the_lock(self, key: str) -> None:
        """Let somebody take the lock of this key and die before giving it back, and let the time pass until it is free.

        Where its lock has a lease, make the recorded time earlier, rather than to wait.
        """
        ...


class TokenRules:
    """Derive from it, and give it a fixture `tokens`."""

    def test_it_is_a_store(self, tokens: Tokens) -> None:
        assert isinstance(tokens.store(), TokenStore)

    def test_what_was_never_saved_is_none(self, tokens: Tokens) -> None:
        assert tokens.store().get(KEY) is None

    @pytest.mark.parametrize("token", TOKENS, ids=["plain", "expiry", "quotes", "long"])
    def test_a_saved_token_is_there_for_all(self, tokens: Tokens, token: Token) -> None:
        tokens.store().set(KEY, token)
        found = tokens.store().get(KEY)
        assert found is not None
        assert found == token
        assert (found.access_token, found.refresh_at, found.expires_at) == (
            token.access_token,
            token.refresh_at,
            token.expires_at,
        )

    def test_a_later_token_takes_its_place(self, tokens: Tokens) -> None:
        store = tokens.store()
        for token in TOKENS:
            store.set(KEY, token)
        assert store.get(KEY) == TOKENS[-1]
        assert tokens.store().get(KEY) == TOKENS[-1]

    def test_a_deleted_token_is_gone_for_all(self, tokens: Tokens) -> None:
        store, other = tokens.store(), tokens.store()
        store.set(KEY, TOKENS[0])
        other.delete(KEY)
        assert store.get(KEY) is None
        other.delete(KEY)
        store.set(KEY, TOKENS[1])
        assert other.get(KEY) == TOKENS[1]

    def test_each_key_has_its_own_token(self, tokens: Tokens, subtests: pytest.Subtests) -> None:
        store = tokens.store()
        names = (KEY, OTHER_KEY, KEY.upper(), KEY + " ", "café ☎ \U0001f642", 'it\'s "quoted" * ? %', "k" * 500)
        for number, key in enumerate(names):
            store.set(key, Token(access_token=f"token-{number}"))
        store.delete(OTHER_KEY)
        for number, key in enumerate(names):
            with subtests.test(key=key):
                found = tokens.store().get(key)
                assert (found and found.access_token) == (None if key == OTHER_KEY else f"token-{number}")

    def test_its_repr_shows_no_token(self, tokens: Tokens) -> None:
        store = tokens.store()
        store.set(KEY, Token(access_token="not-to-be-seen"))
        assert "not-to-be-seen" not in repr(store)

    def test_threads_share_it(self, tokens: Tokens) -> None:
        users = [tokens.store() for _ in range(4)]

        def use(number: int) -> Token | None:
            store, key = users[number % 4], f"client {number}"
            for step in range(5):
                store.set(key, Token(access_token=f"{number}-{step}"))
                store.get(KEY)
            return store.get(key)

        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(use, range(8)))
        assert [token and token.access_token for token in found] == [f"{number}-4" for number in range(8)]


class TokenLockRules(TokenRules):
    """Derive from it, and give it a fixture `tokens`."""

    def test_one_holder_at_a_time(self, tokens: LockedTokens) -> None:
        """Eight threads with four stores: what each adds to a count is never lost."""
        users = [tokens.store() for _ in range(4)]
        inside: list[int] = []
        most: list[int] = []

        def use(number: int) -> None:
            for _ in range(3):
                with users[number % 4].lock(KEY):
                    inside.append(number)
                    most.append(len(inside))
                    threading.Event().wait(0.002)  # long enough for others to come in, if they could
                    inside.remove(number)

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(use, range(8)))
        assert most == [1] * 24

    def test_who_waits_gets_the_token_that_the_holder_saved(self, tokens: LockedTokens) -> None:
        requests: list[int] = []

        def use(number: int) -> str:
            store = tokens.store()
            with store.lock(KEY):
                token = store.get(KEY)
                if token is None:
                    requests.append(number)
                    token = Token(access_token=f"token-{number}")
                    store.set(KEY, token)
                return token.access_token

        with ThreadPoolExecutor(8) as pool:
            found = set(pool.map(use, range(8)))
        assert found == {f"token-{requests[0]}"}
        assert len(requests) == 1

    def test_the_lock_of_one_key_does_not_lock_another(self, tokens: LockedTokens) -> None:
        with held_elsewhere(tokens.store(), KEY), held_elsewhere(tokens.store(), OTHER_KEY):
            pass

    def test_a_locked_token_can_be_read_and_written(self, tokens: LockedTokens) -> None:
        store, other = tokens.store(), tokens.store()
        with held_elsewhere(store, KEY):
            other.set(KEY, TOKENS[0])
            assert store.get(KEY) == TOKENS[0]
            store.delete(KEY)
            assert other.get(KEY) is None

    def test_an_exception_passes_and_ends_it(self, tokens: LockedTokens) -> None:
        store = tokens.store()
        for _ in range(2):
            with pytest.raises(ZeroDivisionError), store.lock(KEY):
                raise ZeroDivisionError
        with held_elsewhere(tokens.store(), KEY):
            pass

    def test_it_can_be_taken_again_and_again(self, tokens: LockedTokens) -> None:
        store = tokens.store()
        for _ in range(3):
            with store.lock(KEY):
                pass

    def test_one_who_died_with_it_does_not_keep_it(self, tokens: LockedTokens) -> None:
        tokens.die_with_the_lock(KEY)
        with held_elsewhere(tokens.store(), KEY):
            pass


@contextmanager
def held_elsewhere(store: LockingTokenStore, key: str) -> Iterator[None]:
    """Another thread has the lock during the block. Fails if it does not get it."""
    taken, given_back = threading.Event(), threading.Event()

    def hold() -> None:
        with store.lock(key):
            taken.set()
            given_back.wait(PATIENCE)

    with ThreadPoolExecutor(1) as pool:
        holder = pool.submit(hold)
        try:
            assert taken.wait(PATIENCE), "nobody else holds the lock, and yet it cannot be had"
            yield
        finally:
            given_back.set()
        holder.result(PATIENCE)
