"""Reads what the page's endpoints are given: the query, and a JSON body as one of the models of bodies.py."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from flask import request

if TYPE_CHECKING:
    from pydantic import ValidationError

NUMBER = re.compile(r"[0-9]{1,18}")


class Refused(Exception):
    """The answer is an error: a status and a sentence."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(status, sentence)
        self.status = status
        self.sentence = sentence


@contextmanager
def refusing(*errors: type[Exception], status: int = 400) -> Iterator[None]:
    """What is refused inside with one of these errors is answered with their text."""
    try:
        yield
    except errors as error:
        raise Refused(status, str(error)) from None


def check_query(names: tuple[str, ...]) -> None:
    """Refuse a parameter that is none of these, or stands there twice."""
    for name, values in request.args.lists():
        if name not in names:
            there_are = f"There are: {', '.join(names)}." if names else "There are none here."
            raise Refused(400, f"There is no parameter {_shown(name)}. {there_are}")
        if len(values) > 1:
            raise Refused(400, f"The parameter {name} stands there {len(values)} times: once is enough.")


def number(name: str, default: int | None = None, *, least: int = 0, most: int | None = None) -> int | None:
    """A parameter of the query that is a whole number."""
    value = request.args.get(name)
    if not value:
        return default
    if not NUMBER.fullmatch(value) or not least <= int(value) <= (int(value) if most is None else most):
        limits = f"of {least} or more" if most is None else f"from {least} to {most}"
        raise Refused(400, f"{name} must be a whole number {limits}, not {_shown(value)}.")
    return int(value)


def paging(default: int = 50) -> tuple[int | None, int]:
    """`before` and `limit`."""
    return number("before"), number("limit", default, least=1, most=200) or default


def text(name: str) -> str:
    """A parameter of the query that must be there."""
    value = request.args.get(name, "")
    if not value.strip():
        raise Refused(400, f"The parameter {name} is missing.")
    return value


def body(name: str) -> Any:
    """The body as the model of this name."""
    given = request.get_data()
    if given and request.mimetype != "application/json":
        raise Refused(415, "Send a JSON object, with Content-Type: application/json.")
    from pydantic import ValidationError

    from . import bodies  # imported here because most sandboxes never show their page, and pydantic takes its time

    model = getattr(bodies, name)
    try:
        return model.model_validate_json(given or b"{}")
    except ValidationError as error:
        raise Refused(400, _sentence(error, tuple(model.model_fields))) from None


def _sentence(error: ValidationError, names: tuple[str, ...]) -> str:
    problem = error.errors(include_url=False, include_context=False, include_input=False)[0]
    where = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        there_are = f"There are: {', '.join(names)}." if names else "There are none here."
        return f"There is no field {_shown(where)}. {there_are}"
    if problem["type"] == "missing":
        return f"The field {where!r} is missing."
    if problem["type"] == "json_invalid":
        return f"The body is no JSON that can be read: {problem['msg'].removeprefix('Invalid JSON: ')}."
    if not where:
        return problem["msg"].removeprefix("Value error, ").replace("Input ", "The body ", 1)
    said = re.sub(r"^(Input|String|Value error,|Tuple) ", "", problem["msg"])
    return f"The field {_shown(where)} {said}."


def _shown(value: str) -> str:
    return repr(value if len(value) <= 100 else value[:100] + "…")
