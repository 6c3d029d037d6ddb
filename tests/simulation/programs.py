"""Runs an owner's code from one question to the world to the next: `Process` lives, `Moment` can be gone on from twice.

An owner's code is deterministic: what it asks next follows from the answers it got. So a search does not have to copy
running code. It keeps the answers, and runs the code again only for a list of answers that it has never seen.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import partial
from typing import Any, ClassVar, NamedTuple, Protocol

from greenlet import GreenletExit, getcurrent, greenlet


class Question(NamedTuple):
    """What an owner wants of the world: to read a clock, to claim a message, that a request leaves …"""

    kind: str
    about: str
    """The key of the message, for stories."""
    arguments: tuple[Hashable, ...] = ()


class Raised(NamedTuple):
    """An answer that is an exception."""

    error: type[BaseException]
    text: str


class Point(Protocol):
    """Where an owner's code stands."""

    @property
    def question(self) -> Question | None:
        """What it asks; None if it has ended."""
        ...

    def after(self, answer: Hashable) -> Point:
        """Where it stands after this answer."""
        ...


class Process:
    """Code that runs. It stops at each question, until the world answers; or for ever, if its owner is killed."""

    current: ClassVar[Process | None] = None

    def __init__(self, name: str, script: Callable[[Process], None]) -> None:
        self.name = name
        self.question: Question | None = None
        self.memory: dict[str, Any] = {}
        """What stands for the variables of a process, such as its count of tokens."""
        self._is_killed = False
        self._greenlet = greenlet(partial(script, self))
        self._run(self._greenlet.switch)

    def after(self, answer: Hashable) -> Process:
        """Go on with this answer, to the next question."""
        self._run(self._greenlet.switch, answer)
        return self

    def kill(self) -> None:
        """End it. Its `finally` blocks run, as nothing else frees its memory, but the world hears nothing of them."""
        self._is_killed = True
        self._run(self._greenlet.throw, GreenletExit)

    def _run(self, switch: Callable[..., object], *arguments: object) -> None:
        previous, Process.current = Process.current, self
        self.question = None
        try:
            switch(*arguments)
        finally:
            Process.current = previous

    # Called by the code that runs in it.

    def ask(self, kind: str, *arguments: Hashable, about: str = "") -> Any:
        """Ask the world, and return its answer or raise it."""
        if self._is_killed or getcurrent() is not self._greenlet:
            raise GreenletExit
        self.question = Question(kind, about, arguments)
        try:
            answer = self._greenlet.parent.switch()
        except GreenletExit:
            self._is_killed = True
            raise
        if isinstance(answer, Raised):
            raise answer.error(answer.text)
        return answer


def ask(kind: str, *arguments: Hashable, about: str = "") -> Any:
    """Ask the world in the name of the process that runs."""
    return this_process().ask(kind, *arguments, about=about)


def this_process() -> Process:
    """The process that runs."""
    if Process.current is None:
        raise GreenletExit  # the code of one that was thrown away tidies up
    return Process.current


class Moment:
    """Where an owner's code stands after certain answers. The same answers lead to the same moment."""

    def __init__(
        self, program: Callable[[], Process], process: Process | None = None, path: tuple[Any, ...] = ()
    ) -> None:
        self._program = program
        self._process: Process | None = process or program()
        self._path = path
        self._next: dict[Hashable, Moment] = {}
        self.question = self._process.question

    def after(self, answer: Hashable) -> Moment:
        """The moment after this answer."""
        moment = self._next.get(answer)
        if moment is None:
            process, self._process = self._process or self._run_again(), None
            moment = Moment(self._program, process.after(answer), (*self._path, answer))
            self._next[answer] = moment
        return moment

    def _run_again(self) -> Process:
        process = self._program()
        for answer in self._path:
            process.after(answer)
        assert process.question == self.question, "An owner's code is not deterministic."
        return process
