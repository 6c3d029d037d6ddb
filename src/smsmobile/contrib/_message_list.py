"""`MessageList`: a read-only list of messages that is as long as there are messages, for the outboxes of tests."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import TypeVar, overload

Message = TypeVar("Message")


class MessageList(Sequence[Message]):
    """Shows what `_messages` returns at each moment, and is equal to a list of the same."""

    @abstractmethod
    def _messages(self) -> list[Message]: ...

    @overload
    def __getitem__(self, index: int) -> Message: ...
    @overload
    def __getitem__(self, index: slice) -> list[Message]: ...
    def __getitem__(self, index: int | slice) -> Message | list[Message]:
        return self._messages()[index]

    def __len__(self) -> int:
        return len(self._messages())

    def __eq__(self, other: object) -> bool:
        return self._messages() == (other._messages() if isinstance(other, MessageList) else other)

    __hash__ = None  # type: ignore[assignment]  # as a list

    def __repr__(self) -> str:
        return repr(self._messages())
