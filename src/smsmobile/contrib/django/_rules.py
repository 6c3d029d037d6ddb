"""The rules that each message with a key meets: the list of opt-outs, and the window and the SIMs of the settings."""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple, TypedDict

from django.core.signals import setting_changed
from django.dispatch import receiver
from django.utils.module_loading import import_string

from ..._input.arguments import shown
from ...delivery import SendWindow, SimPool, Suppression
from ...delivery._rules import Rules
from ...errors import ConfigurationError, SMSMobileError
from .conf import get_settings
from .suppression import DjangoSuppression


class RuleArguments(TypedDict):
    """Arguments of `send_once`."""

    suppression: Suppression | None
    window: SendWindow | None
    sims: SimPool | None


class RuleSettings(NamedTuple):
    """What SMSMOBILE says."""

    window: SendWindow | None
    sims: SimPool | None


def rules_of(*, confirms_opt_out: bool = False) -> RuleArguments:
    """The rules of a message. Raises ConfigurationError if a setting cannot be used.

    confirms_opt_out: it is sent to a number on the list as well.
    """
    window, sims = get_rule_settings()
    return {"suppression": None if confirms_opt_out else DjangoSuppression(), "window": window, "sims": sims}


@cache
def get_rule_settings() -> RuleSettings:
    """The window and the SIMs. Raises ConfigurationError if they cannot be used."""
    found = RuleSettings(_object("WINDOW", SendWindow), _object("SIMS", SimPool))
    Rules(window=found.window, sims=found.sims)  # which do not always go together
    return found


def _object(name: str, kind: type) -> Any:
    found = given = get_settings().get(name)
    if isinstance(given, str):
        try:
            found = import_string(given)
        except (ImportError, SMSMobileError) as error:
            raise ConfigurationError(
                f"SMSMOBILE[{name!r}] is {shown(given)!r}, which cannot be imported ({error}); expected a "
                f"{kind.__name__}, or the dotted path to one."
            ) from None
    if found is not None and not isinstance(found, kind):
        raise ConfigurationError(
            f"SMSMOBILE[{name!r}] is of type {type(found).__name__}; expected a {kind.__name__}, or the dotted path to "
            "one."
        )
    return found


@receiver(setting_changed)
def _on_change(*, setting: str, **_: Any) -> None:
    if setting == "SMSMOBILE":
        get_rule_settings.cache_clear()
