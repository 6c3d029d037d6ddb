"""How a command that polls goes on after a message that could not be handled."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from smsmobile.contrib._polling import handle_received
from smsmobile.webhooks import WebhookAnswer


class OneMessage:
    """An inbox whose message is new until the next one is asked for, as that of the library."""

    handled = False

    def poll(self, interval: float, *, signals: bool) -> Iterator[str]:
        assert signals
        if not self.handled:
            yield "message"
            self.handled = True


def test_a_message_that_could_not_be_handled_comes_again_after_a_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    answers, pauses, inbox = iter([500, 503, 202]), list[float](), OneMessage()
    monkeypatch.setattr(time, "sleep", pauses.append)
    given: Any = inbox
    handle_received(given, 0, lambda _: WebhookAnswer(next(answers), ""))
    assert (pauses, inbox.handled, list(answers)) == ([0.1, 0.1], True, [])


def test_ctrl_c_in_the_pause_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(time, "sleep", interrupt)
    inbox: Any = OneMessage()
    handle_received(inbox, 5, lambda _: WebhookAnswer(500, ""))
    assert not inbox.handled
