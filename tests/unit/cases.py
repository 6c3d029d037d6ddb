"""What several tests vary: combinations of values, and the spellings that a model knows."""

from __future__ import annotations

from collections.abc import Collection
from itertools import cycle, islice
from typing import Any

from pydantic import BaseModel


def each_once(*axes: Collection[Any]) -> list[tuple[Any, ...]]:
    """Cases in which every value of every axis occurs: as many as the longest axis has; shorter axes start again."""
    return list(islice(zip(*map(cycle, axes), strict=False), max(map(len, axes))))


def known_spellings(model: type[BaseModel]) -> list[str]:
    """The keys that the fields of a model are read from, beside their own names."""
    aliases = [field.validation_alias for field in model.model_fields.values()]
    return [spelling for alias in aliases if alias for spelling in getattr(alias, "choices", [alias])]
