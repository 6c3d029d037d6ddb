"""Stores in Redis or Valkey, for any number of processes and machines: journal, events, tokens, suppression list.

They need redis-py: `pip install "smsmobile[redis]"`.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

from ..._lazy import lazy_names

if find_spec("redis") is None:
    raise ImportError('smsmobile.contrib.redis needs redis-py: pip install "smsmobile[redis]".')

if TYPE_CHECKING:
    from ._events import RedisEventStore
    from ._journal import RedisJournal
    from ._suppression import RedisSuppression
    from ._tokens import RedisTokenStore

__all__ = ["RedisEventStore", "RedisJournal", "RedisSuppression", "RedisTokenStore"]

if not TYPE_CHECKING:
    __getattr__, __dir__ = lazy_names(
        __name__,
        {
            "_events": ["RedisEventStore"],
            "_journal": ["RedisJournal"],
            "_suppression": ["RedisSuppression"],
            "_tokens": ["RedisTokenStore"],
        },
    )
