"""Handlers of events: what can be registered for which types, and how they are called. An endpoint has them."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, TypeVar, overload

from .._locks import ForkSafeLock
from ..errors import ConfigurationError
from .events import AnyEvent, WebhookEvent

One = TypeVar("One", bound=WebhookEvent)
Two = TypeVar("Two", bound=WebhookEvent)
Three = TypeVar("Three", bound=WebhookEvent)
Result = TypeVar("Result")
Handler = Callable[[Any], object]


class EventHandlers:
    """Functions that are registered for types of events."""

    def __init__(self) -> None:
        self._lock = ForkSafeLock()
        self._handlers: tuple[tuple[tuple[type[WebhookEvent], ...], Handler], ...] = ()

    @overload
    def on(self, one: type[One], /) -> Callable[[Callable[[One], Result]], Callable[[One], Result]]: ...
    @overload
    def on(
        self, one: type[One], two: type[Two], /
    ) -> Callable[[Callable[[One | Two], Result]], Callable[[One | Two], Result]]: ...
    @overload
    def on(
        self, one: type[One], two: type[Two], three: type[Three], /
    ) -> Callable[[Callable[[One | Two | Three], Result]], Callable[[One | Two | Three], Result]]: ...
    @overload
    def on(
        self, *types: type[WebhookEvent]
    ) -> Callable[[Callable[[WebhookEvent], Result]], Callable[[WebhookEvent], Result]]: ...
    def on(self, *types: Any) -> Callable[[Callable[[Any], Result]], Callable[[Any], Result]]:
        """Register a handler for events of these types and their subclasses: `@endpoint.on(SMSReceived, CallMissed)`.

        types: event classes, such as SMSReceived; WebhookEvent for all events.

        An event can have several handlers. They are called in the order of their registration, one after the other.
        If one raises, those after it are not called, and the next delivery calls all of them again.

        Raises ConfigurationError for anything but event classes, and for a handler that is not a plain function.
        """
        if not types:
            raise ConfigurationError(
                "@endpoint.on() names no type of event: write @endpoint.on(SMSReceived), or pass handler=… for all."
            )
        for each in types:
            if not isinstance(each, type) or not issubclass(each, WebhookEvent):
                raise ConfigurationError(
                    f"An argument of @endpoint.on is {described(each)}; expected classes of events, as in "
                    "@endpoint.on(SMSReceived, CallMissed). All events: WebhookEvent."
                )

        def register(handler: Callable[[Any], Result]) -> Callable[[Any], Result]:
            self._register(types, handler)
            return handler

        return register

    def _register(self, types: tuple[type[WebhookEvent], ...], handler: Handler) -> None:
        if not callable(handler):
            raise ConfigurationError(f"A handler is {described(handler)}; expected a function of one event.")
        handler = self._adapt(handler)
        with self._lock:
            self._handlers = (*self._handlers, (types, handler))

    def _adapt(self, handler: Handler) -> Handler:
        """The function that is called for a handler. An endpoint of an asynchronous framework replaces this."""
        if _runs_later(handler) or _runs_later(getattr(handler, "__call__", None)):  # noqa: B004
            raise ConfigurationError(
                "A handler is async or a generator, which would not run before the event is acknowledged; expected a "
                "plain function, which can start a task or put the event into a queue. In FastAPI and Starlette, use "
                "the WebhookEndpoint of smsmobile.contrib.starlette, which awaits coroutine functions."
            )
        return handler

    def _call_handlers(self, event: AnyEvent) -> None:
        """Call those for this type of event, in the order of their registration. Raises what one of them raises."""
        for types, handler in self._handlers:
            if isinstance(event, types):
                _call(handler, event)


def _call(handler: Handler, event: AnyEvent) -> None:
    result = handler(event)
    if inspect.isawaitable(result):
        close = getattr(result, "close", None)
        if close is not None:  # else Python warns of it as well
            close()
        raise TypeError("A handler returned something to await, which nobody does; expected a plain function.")


def _runs_later(function: object) -> bool:
    return (
        inspect.iscoroutinefunction(function)
        or inspect.isgeneratorfunction(function)
        or inspect.isasyncgenfunction(function)
    )


def described(value: object) -> str:
    """What was given in place of something else, for an error text."""
    return f"the class {value.__name__}" if isinstance(value, type) else f"of type {type(value).__name__}"
