"""The immutable models that all answers, rows and events are made of, and how a row becomes one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias, TypeVar

from pydantic import AliasChoices, BaseModel, ConfigDict

from .values import is_empty

if TYPE_CHECKING:
    from typing_extensions import Self

DayAndHour: TypeAlias = Mapping[str, tuple[str, ...]]
"""Fields, with the key of a day and the possible keys of its hour."""

_EMPTY = (None, "", ())
"""What a field holds when nothing was found for it, or nothing that can be read."""


class FrozenModel(BaseModel):
    """Immutable, and keeps what it does not know in `model_extra`."""

    model_config = ConfigDict(frozen=True, extra="allow", populate_by_name=True, defer_build=True, cache_strings="keys")


class WireModel(FrozenModel):
    """What the service sent: a field can come under several keys, and an empty value means a missing one."""

    _day_and_hour: ClassVar[DayAndHour] = {}
    """Fields that may also come as a day and an hour: the key of the day, then the possible keys of the hour."""
    _row_key: ClassVar[str] = ""
    """The field that rows in an object have as their key; "" if the keys mean nothing."""
    _spellings: ClassVar[dict[str, tuple[str, ...]]] = {}
    """The keys of each field that has several, best first. Computed for each subclass."""
    _other_keys: ClassVar[frozenset[str]] = frozenset()
    """All of these keys, and those of the days."""

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        """Compute `_spellings` and `_other_keys` once per class."""
        super().__pydantic_init_subclass__(**kwargs)
        cls._spellings = {}
        for name, field in cls.model_fields.items():
            alias = field.validation_alias
            choices = map(str, alias.choices) if isinstance(alias, AliasChoices) else ()
            keys = tuple(dict.fromkeys((*choices, name)))
            if len(keys) > 1 or name in cls._day_and_hour:
                cls._spellings[name] = keys
        days = {keys[0] for keys in cls._day_and_hour.values()}
        cls._other_keys = frozenset(days.union(*cls._spellings.values()))

    @classmethod
    def from_wire(cls, row: object) -> Self:
        """Read one row. Raises ValueError, without the content, for anything but an object."""
        return cls.all_from_wire([row])[0]

    @classmethod
    def all_from_wire(cls, rows: Sequence[Any]) -> list[Self]:
        """Read many rows. Raises ValueError as `from_wire` does."""
        if strange := set(map(type, rows)) - {dict}:
            raise ValueError(f"one is of type {strange.pop().__name__}, not an object")
        validate = cls.__pydantic_validator__.validate_python  # model_validate takes twice as long
        models: list[Self] = list(map(validate, rows))
        is_complete = cls._other_keys.isdisjoint
        for model in models:
            if (extra := model.__pydantic_extra__) and not is_complete(extra):
                read_other_spellings(model)
        return models


Model = TypeVar("Model", bound=WireModel)


def read_other_spellings(model: WireModel) -> None:
    """Fill in the fields that are still empty and have another spelling that can be read.

    pydantic reads a field from the first of its keys that is present, even if its value is empty or unreadable. It
    leaves the other keys in `model_extra`, where this function looks for the first value that can be read.
    """
    fields, extra = vars(model), model.__pydantic_extra__ or {}
    if all(map(fields.get, model._spellings)):
        return
    for name in model._spellings:
        if fields[name] not in _EMPTY:
            continue
        for value in _other_values(model, name, extra):
            # The other fields come along since some are required.
            found = model.__pydantic_validator__.validate_python({**fields, name: value}).__dict__[name]
            if found not in _EMPTY:
                fields[name] = found
                model.__pydantic_fields_set__.add(name)
                break


def _other_values(model: WireModel, name: str, extra: dict[str, Any]) -> Iterator[Any]:
    """The values of a field's other keys, best first. Each one is removed from `extra` as it is read."""
    for key in model._spellings[name]:
        if key in extra:
            if key != name:
                model.__pydantic_fields_set__.discard(key)
            yield extra.pop(key)
    if name in model._day_and_hour:
        day_key, *hour_keys = model._day_and_hour[name]
        if not is_empty(day := extra.get(day_key)):
            hour = next(filter(None, map(extra.get, hour_keys)), "")
            yield f"{day} {hour}".strip()
            yield day  # it may already contain the time, or the hour is unreadable
