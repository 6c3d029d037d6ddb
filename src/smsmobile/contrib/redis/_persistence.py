"""Whether a Redis keeps a journal, from what it says of itself."""

from __future__ import annotations

from ...errors import ConfigurationError
from ._server import decoded

_ALLOW = "allow_data_loss=True uses it as it is: what it forgets will be sent again."


def check_persistence(aof_enabled: str | bytes, maxmemory_policy: str | bytes) -> None:
    """Raises ConfigurationError for a Redis without an append-only file, and for one that evicts entries.

    aof_enabled, maxmemory_policy: as in its INFO; empty where the server does not tell.
    """
    has_file, policy = decoded(aof_enabled), decoded(maxmemory_policy)
    if has_file == "0":
        raise ConfigurationError(
            "This Redis has no append-only file (aof_enabled is 0), so a restart would lose entries of the journal, "
            "and their messages would be sent again. Set `appendonly yes` in its configuration, with `appendfsync "
            "always` (survives a power failure) or `appendfsync everysec` (faster; a power failure can lose about a "
            "second). "
            f"Snapshots (RDB) are not enough. {_ALLOW}"
        )
    if has_file != "1":
        raise ConfigurationError(
            "This Redis does not say whether it has an append-only file: INFO is forbidden or incomplete. If you know "
            f"that it keeps every write, allow INFO to this user, or pass allow_data_loss=True. {_ALLOW}"
        )
    if policy.startswith("allkeys-"):
        raise ConfigurationError(
            f"This Redis evicts entries of the journal when its memory is full (maxmemory-policy {policy}"
            f"), and their messages would be sent again. Set `maxmemory-policy noeviction`. {_ALLOW}"
        )
