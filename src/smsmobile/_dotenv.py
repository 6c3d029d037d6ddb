"""The `.env` file: where it is, what is in it, and what an error says about it. Variables are merged in config.py."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from dotenv import dotenv_values, find_dotenv

from .errors import ConfigurationError

is_off = False
"""Whether no file is read. `smsmobile.testing` sets it, so that tests do not use the account of the developer."""

_AS_CLOSE = 0.8
"""How similar a variable's name must be to count as a misspelling."""


class DotEnv(NamedTuple):
    """A file that was read, or why none was."""

    values: Mapping[str, str | None]
    path: str = ""
    problem: str = ""
    """Why the file or its folder cannot be read, as a sentence."""

    def hint(self, variables: Iterable[str], others: Iterable[str]) -> str:
        """Say what was read, and what is nearly one of these variables, for a reader who misses them.

        The others are variables too, and so are no misspelling of these.
        """
        from difflib import get_close_matches

        expected, right = list(variables), set(others)
        said = [self.problem or (f"It read the file {self.path!r}." if self.path else _no_file())]
        for name in dict.fromkeys([*self.values, *os.environ]):
            if name in expected:
                said.append(f"{name} is there, but empty.")
            elif (
                name not in right
                and "SMS" in name.upper()
                and (close := get_close_matches(name.upper(), expected, 1, _AS_CLOSE))
            ):
                said.append(f"{name!r} is set; did you mean {close[0]}?")
        return " ".join(said)


def read_dotenv(dotenv_path: str | os.PathLike[str] | None) -> DotEnv:
    """Read this file, or the first `.env` from the working directory upwards.

    Raises ConfigurationError if `dotenv_path` is not a file that can be read. A file that was not named is not needed.
    """
    if is_off:
        return DotEnv({})
    path = _find() if dotenv_path is None else _check_path(dotenv_path)
    if path is None:
        return DotEnv({}, problem="The working directory does not exist any more, so no .env was looked for.")
    try:
        return DotEnv(dotenv_values(path, encoding="utf-8-sig") if path else {}, path)
    except UnicodeDecodeError:
        problem = f"The file {path!r} cannot be read: it is not UTF-8; save it as UTF-8."
    except OSError as error:
        problem = f"The file {path!r} cannot be read: {error.strerror or type(error).__name__}."
    if dotenv_path is not None:
        raise ConfigurationError(problem)
    return DotEnv({}, path, problem)


def _find() -> str | None:
    try:
        return find_dotenv(usecwd=True)
    except OSError:
        return None


def _check_path(dotenv_path: object) -> str:
    if not isinstance(dotenv_path, str | os.PathLike):
        raise ConfigurationError(f"dotenv_path is of type {type(dotenv_path).__name__}; expected the path of a file.")
    path = os.fsdecode(dotenv_path)
    if os.path.isfile(path):  # noqa: PTH113 - a path with a NUL byte is no error here
        return path
    # from_env("the key") is a mistake that is easily made, and must not print the key.
    shown = f" {path!r}" if isinstance(dotenv_path, os.PathLike) or ".env" in path else ""
    raise ConfigurationError(
        f"The file{shown} does not exist, or is a folder; check dotenv_path. (The argument is the path of a .env file; "
        "a key is passed as api_key=.)"
    )


def _no_file() -> str:
    return f"It found no .env in {os.getcwd()!r} or above."  # noqa: PTH109 - as find_dotenv asks
