"""The immutable models that all answers, rows and events are made of, and how a row becomes one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from pydantic import AliasChoices, BaseModel, ConfigDict

from .values import is_empty

if TYPE_CHECKING:
    from typing_extensions import Self


class FrozenModel(BaseModel):
    """Immutable, and keeps what it does not know in `model_extra`."""

    model_config = ConfigDict(frozen=True, extra="allow", populate_by_name=True, defer_build=True)


class WireModel(FrozenModel):
    """A row or an answer of the service: several spellings a field, and empty means missing."""

    _date_and_hour: ClassVar[str | None] = None
    """The field that older rows give in two keys, `date` and `hour`."""
    _spellings: ClassVar[dict[str, list[str]]] = {}
    """The fields that come under several keys, with these."""
    _emptiness: ClassVar[dict[str, Any]] = {}
    """Of these, the fields that are something else than None where there is nothing to read, with what they are."""
    _shared: ClassVar[frozenset[str]] = frozenset()
    """The keys that more than one field reads."""

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        """Note the spellings once, not for each row."""
        super().__pydantic_init_subclass__(**kwargs)
        cls._spellings = {
            name: [str(choice) for choice in field.validation_alias.choices]
            for name, field in cls.model_fields.items()
            if isinstance(field.validation_alias, AliasChoices)
        }
        cls._emptiness = {
            name: field.default
            for name, field in cls.model_fields.items()
            if name in cls._spellings and field.default is not None
        }
        readers = Counter(
            key
            for name, field in cls.model_fields.items()
            for key in {name, *cls._spellings.get(name, [str(field.validation_alias)])}
        )
        cls._shared = frozenset(key for key, fields in readers.items() if fields > 1)

    @classmethod
    def from_wire(cls, row: object) -> Self:
        """Read what the service sent. Raises ValueError, without the content, for what is not an object."""
        return cls.all_from_wire([row])[0]

    @classmethod
    def all_from_wire(cls, rows: Sequence[Any]) -> list[Self]:
        """The same for many rows."""
        if strange := set(map(type, rows)) - {dict}:
            raise ValueError(f"one is of type {strange.pop().__name__}, not an object")
        validate = cls.__pydantic_validator__.validate_python  # model_validate takes twice as long
        models = [validate(row) for row in rows]
        spellings, emptiness = tuple(cls._spellings), cls._emptiness
        for place, model in enumerate(models):
            # pydantic takes the first spelling that is there, even where only the next one can be read.
            if None in map(model.__dict__.get, spellings) or (emptiness and cls._unread(model)):
                models[place] = cls._reread(model, rows[place])
        return models

    @classmethod
    def _unread(cls, model: WireModel) -> list[str]:
        """The fields with several spellings in which nothing was found."""
        return [name for name in cls._spellings if model.__dict__[name] == cls._emptiness.get(name)]

    @classmethod
    def _reread(cls, model: Self, row: dict[str, Any]) -> Self:
        """The model with what other spellings say where the first one says nothing that can be read."""
        validate = cls.__pydantic_validator__.validate_python
        row = dict(row)
        while hiding := {key for name in cls._unread(model) if (key := cls._hiding(name, row))}:
            row = {key: value for key, value in row.items() if key not in hiding}
            model = validate(row)
        field = cls._date_and_hour
        if field and model.__dict__[field] is None and not is_empty(row.get("date")):
            row = {key: value for key, value in row.items() if key not in {field, *cls._spellings[field]} - cls._shared}
            # "date" may well have the time in it, and the "hour" beside it as well.
            for moment in (f"{row['date']} {row.get('hour') or ''}".strip(), row["date"]):
                dated: Self = validate({**row, field: moment})
                if dated.__dict__[field] is not None:
                    return dated
        return model

    @classmethod
    def _hiding(cls, field: str, row: dict[str, Any]) -> str | None:
        """The first spelling of a field in a row, where another one is there too."""
        there = [key for key in dict.fromkeys((*cls._spellings[field], field)) if key in row]
        return there[0] if len(there) > 1 and there[0] not in cls._shared else None


Model = TypeVar("Model", bound=WireModel)
