"""Whether a Redis keeps what a store must not lose, from what it says of itself."""

from __future__ import annotations

from ...errors import ConfigurationError
from ._server import Server, decoded

# A script, since on a cluster that is executed by the very node that has the key.
_SETTINGS = """
local function read(section, field)
  local info = redis.pcall('INFO', section)
  return type(info) == 'string' and string.match(info, field .. ':([%w-]+)') or ''
end
return {read('persistence', 'aof_enabled'), read('memory', 'maxmemory_policy')}
"""


def check_persistence(server: Server, key: str, *, kept: str, harm: str) -> None:
    """Raises ConfigurationError for a Redis without an append-only file, and for one that evicts keys.

    key: the name of a key of the store. kept: what it holds, such as "entries of the journal". harm: what happens if
    some are lost.
    """
    has_file, policy = map(decoded, server.script(_SETTINGS)(keys=[key], args=[]))
    allow = f"allow_data_loss=True uses it as it is: {harm}."
    if has_file == "0":
        raise ConfigurationError(
            f"This Redis has no append-only file (aof_enabled is 0), so a restart would lose {kept}: {harm}. Set "
            "`appendonly yes` in its configuration, with `appendfsync always` (survives a power failure) or "
            "`appendfsync everysec` (faster; a power failure can lose about a second). Snapshots (RDB) are not enough. "
            f"{allow}"
        )
    if has_file != "1":
        raise ConfigurationError(
            "This Redis does not say whether it has an append-only file: INFO is forbidden or incomplete. If you know "
            f"that it keeps every write, allow INFO to this user, or pass allow_data_loss=True. {allow}"
        )
    if policy.startswith("allkeys-"):
        raise ConfigurationError(
            f"This Redis evicts keys when its memory is full (maxmemory-policy {policy}), and would lose {kept}: "
            f"{harm}. Set `maxmemory-policy noeviction`. {allow}"
        )


def check_allowed(allow_data_loss: object) -> bool:
    """Raises ConfigurationError unless this is True or False."""
    if isinstance(allow_data_loss, bool):
        return allow_data_loss
    raise ConfigurationError(f"allow_data_loss is of type {type(allow_data_loss).__name__}; expected True or False.")
