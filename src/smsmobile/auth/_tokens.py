"""OAuth2 tokens and their stores."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from threading import Thread
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeVar, runtime_checkable

from pydantic import ConfigDict

from .._confidential import Unpicklable, without_frames
from .._locks import ForkSafeLock
from .._wire.model import FrozenModel
from .._wire.values import Timestamp
from ..errors import ConfigurationError, SMSMobileError, StorageError
from ._store_lock import LockedWork

Result = TypeVar("Result")


class _SecretModel(Unpicklable, FrozenModel):
    """A model whose validation errors show neither the input nor frames with it."""

    model_config = ConfigDict(hide_input_in_errors=True)

    if not TYPE_CHECKING:  # pydantic's own signatures are kept for type checkers
        __init__ = without_frames(FrozenModel.__init__)
        model_validate = classmethod(without_frames(FrozenModel.model_validate.__func__))
        model_validate_json = classmethod(without_frames(FrozenModel.model_validate_json.__func__))


class Token(_SecretModel):
    """An OAuth2 access token. The repr hides its text; `model_dump_json()` contains it, so that a store can save it.

    It cannot be pickled, since a pickle would carry the text along unnoticed.
    """

    _instead: ClassVar[str] = "a store saves model_dump_json()"

    access_token: str
    """The text after `Bearer` in the `Authorization` header."""
    refresh_at: Timestamp = None
    """When to fetch another token, as an aware UTC datetime; this one is used while none can be fetched. None to use
    it until it expires."""
    expires_at: Timestamp = None
    """When the token is no longer valid, as an aware UTC datetime. None if the service did not say (A): the token is
    then used until a 401."""

    def __repr_args__(self) -> list[tuple[str | None, Any]]:
        return [("expires_at", vars(self).get("expires_at"))]  # also for one that failed its validation

    __str__ = FrozenModel.__repr__


@runtime_checkable
class TokenStore(Protocol):
    """Keeps tokens, so that threads or processes can share them. Implementations must be thread-safe.

    A `key` contains the address of the service and the client id: a store can keep the tokens of several accounts.
    What a store raises reaches the caller of a send as a StorageError, and nothing was sent.

    A store may have a lock as well: see LockingTokenStore.
    """

    def get(self, key: str) -> Token | None:
        """Return the token with this key, or None."""
        ...

    def set(self, key: str, token: Token) -> None:
        """Save the token under this key, in place of an earlier one."""
        ...

    def delete(self, key: str) -> None:
        """Delete the token, if there is one."""
        ...


@runtime_checkable
class LockingTokenStore(TokenStore, Protocol):
    """A TokenStore with a lock: all who share it and need a token at the same time make one token request together.

    The lock only saves requests. If it is not free within 30 seconds, or raises an exception, a warning is logged, and
    the token is fetched without it.
    """

    def lock(self, key: str) -> AbstractContextManager[object]:
        """Return a context manager that only one of all users of the store can be in, for this key.

        Within it the token is looked up, fetched and saved, all in the same thread: `get`, `set` and `delete` must not
        wait for this lock there. It has to become free when the process that holds it dies.
        """
        ...


class MemoryTokenStore(Unpicklable):
    """Keeps tokens in the memory of this process. The default store. It is a LockingTokenStore."""

    def __init__(self) -> None:
        self._tokens: dict[str, Token] = {}
        self._locks: dict[str, ForkSafeLock] = {}

    def get(self, key: str) -> Token | None:
        """Return the token with this key, or None."""
        return self._tokens.get(key)

    def set(self, key: str, token: Token) -> None:
        """Save the token."""
        self._tokens[key] = token

    def delete(self, key: str) -> None:
        """Delete the token, if there is one."""
        self._tokens.pop(key, None)

    def lock(self, key: str) -> AbstractContextManager[object]:
        """Return the lock of this key. It is free in a forked child."""
        return self._locks.setdefault(key, ForkSafeLock())


class CheckedStore:
    """A user's store. What it raises becomes a StorageError, without its text: that may contain the token."""

    def __init__(self, store: object | None) -> None:
        """Without a store, a MemoryTokenStore of its own. Raises ConfigurationError if this is not a store."""
        # Nobody else uses a store of its own. Other stores may have a `lock` of another kind, such as a threading.Lock.
        take = getattr(store, "lock", None)
        self._take_lock: Callable[[str], Any] | None = take if callable(take) else None
        store = MemoryTokenStore() if store is None else store
        if not isinstance(store, TokenStore) or isinstance(store, type):
            raise ConfigurationError(
                f"store is of type {type(store).__name__}; expected an object with the methods get, set and delete."
            )
        self._store = store
        self._lock_thread: Thread | None = None

    def locked(self, key: str, work: Callable[[], Result]) -> Result:
        """Do this work under the store's lock, if it has one, and return its result."""
        take = self._take_lock
        if take is None or (self._lock_thread is not None and self._lock_thread.is_alive()):  # it still hangs
            return work()
        locked = LockedWork(type(self._store).__name__, lambda: take(key), work)
        self._lock_thread = locked.thread
        return locked.result()

    def get(self, key: str) -> Token | None:
        """Return the token with this key, or None."""
        token = self._ask("get", key)
        if token is None or isinstance(token, Token):
            return token
        raise StorageError(
            f"get() of the token store {type(self._store).__name__} returned an object of type {type(token).__name__}; "
            "expected a Token or None. Nothing was sent."
        )

    def set(self, key: str, token: Token) -> None:
        """Save the token."""
        self._ask("set", key, token)

    def delete(self, key: str) -> None:
        """Delete the token, if there is one."""
        self._ask("delete", key)

    def _ask(self, method: str, *arguments: object) -> object:
        try:
            return getattr(self._store, method)(*arguments)
        except SMSMobileError:
            raise
        except Exception as error:  # noqa: BLE001 - each store has its own
            failure = type(error).__name__
        raise StorageError(
            f"{method}() of the token store {type(self._store).__name__} raised {failure}. Nothing was sent: there is "
            "no token without its store."
        )
