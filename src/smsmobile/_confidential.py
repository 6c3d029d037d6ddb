"""Keeps secrets out of pickles and of tracebacks, and lets objects that are half built be printed.

Error reporters, and `traceback.TracebackException(capture_locals=True)`, print the variables of every frame.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, ClassVar, NoReturn, TypeVar, cast

Function = TypeVar("Function", bound=Callable[..., Any])
Object = TypeVar("Object")


def without_frames(function: Function) -> Function:
    """Let what this function raises end at the caller's line: the frames below it hold secrets in their variables.

    For every public function that takes a secret.
    """

    @wraps(function)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except BaseException as error:  # noqa: BLE001 - an interrupt has the same frames
            failure: BaseException = error
        _cut_frames(failure)
        args, kwargs = (), {}  # this frame stays
        try:
            raise failure
        finally:
            del failure  # no circle of an exception and the frame that raised it

    return cast("Function", guarded)


def _cut_frames(error: BaseException) -> None:
    """Drop the frames of an exception and of its causes.

    A cause that requests or urllib3 raised is dropped altogether: its text has the whole address.
    """
    link: BaseException | None = error
    seen: list[BaseException] = []
    while link is not None and not any(link is each for each in seen):
        seen.append(link)
        link.__traceback__ = link.__context__ = None
        if link.__cause__ is not None and _has_address(link.__cause__):
            link.__cause__ = None
        link = link.__cause__


def _has_address(error: BaseException) -> bool:
    import requests  # loaded already if it has raised something
    import urllib3

    return isinstance(error, (requests.RequestException, urllib3.exceptions.HTTPError))


def safe_repr(show: Callable[[Object], str]) -> Callable[[Object], str]:
    """A `__repr__` that does not fail for an object whose constructor has."""

    @wraps(show)
    def shown(self: Object) -> str:
        try:
            return show(self)
        except AttributeError:
            return f"<{type(self).__name__}, not built>"

    return shown


class Unpicklable:
    """Cannot be pickled or copied: a pickle would carry the secret into caches, queues and logs."""

    __slots__ = ()

    _instead: ClassVar[str] = "build it where it is needed, for example with SMSMobileClient.from_env()"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError(f"{type(self).__name__} holds secrets and cannot be pickled or copied; {self._instead}.")


class Hidden(Unpicklable):
    """A text that no repr shows. Like pydantic's SecretStr, but the module of that takes long to load."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def get_secret_value(self) -> str:
        """The text."""
        return self._text

    def __repr__(self) -> str:
        return "Hidden('***')"
