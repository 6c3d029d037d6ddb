"""Argument checks that hold for every method of every channel. The methods are found by their signatures."""

from __future__ import annotations

import inspect
import itertools
import re
from collections.abc import Callable, Iterator
from datetime import datetime, timezone

import pytest
import responses
from hypothesis import given
from hypothesis import strategies as st

from smsmobile import InvalidRequestError, SMSMobileClient, SMSMobileError
from smsmobile._input.arguments import check_bool
from smsmobile._input.phone_numbers import mask_numbers

from ..cases import each_once

DIGITS = "33612345678"
CHANNELS = ("sms", "whatsapp", "devices", "calls", "notifications", "email", "conversations")
WAITING = {"track", "track_all"}  # delivery/ has their arguments, and their tests
GOOD = {
    "to": "+15551234567",
    "message": "hi",
    "guid": "g",
    "device": "SID-1",
    "sid": "SID-1",
    "origin": "sent",
    "subject": "s",
    "body": "b",
    "sender_email": "team@example.org",
    "sender_name": "The Team",
    "pdf_preview": False,
    "media_url": "https://files.example/a.pdf",
    "around": datetime(2026, 3, 20, 21, 7, 44, tzinfo=timezone.utc),
}
GOOD_FOR = {("email", "send", "to"): "ann@example.com"}


@pytest.fixture
def service() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        for method in ("GET", "POST"):
            mock.add(method, re.compile(".*"), json={"success": True, "sent": "1", "id": "a", "items": [{"sid": "a"}]})
        yield mock


@pytest.fixture
def client() -> SMSMobileClient:
    return SMSMobileClient(api_key="k" * 48, mailbox_key="m" * 16)


def every_argument() -> Iterator[tuple[str, str, str, str]]:
    client = SMSMobileClient(api_key="k" * 48)
    for channel in CHANNELS:
        for method, function in inspect.getmembers(getattr(client, channel), inspect.ismethod):
            if not method.startswith("_") and method not in WAITING:
                for parameter in inspect.signature(function).parameters.values():
                    yield channel, method, parameter.name, str(parameter.annotation)


ARGUMENTS = [(channel, method, name) for channel, method, name, _ in every_argument()]
SWITCHES = [(channel, method, name) for channel, method, name, kind in every_argument() if kind.startswith("bool")]


def run(client: SMSMobileClient, channel: str, method: str, name: str, value: object) -> None:
    function: Callable[..., object] = getattr(getattr(client, channel), method)
    parameters = inspect.signature(function).parameters
    given = {each: GOOD_FOR.get((channel, method, each), GOOD.get(each)) for each in parameters if each in GOOD}
    result = function(**{**given, name: value})
    if isinstance(result, Iterator):
        next(result, None)


def test_the_switches_that_the_tests_know_of_are_found() -> None:
    assert len(ARGUMENTS) > 80
    assert {("sms", "send", "encrypt"), ("sms", "iter_log", "api_errors"), ("sms", "received", "unread_only")} < set(
        SWITCHES
    )
    assert {name for _, _, name in SWITCHES} == {
        *("shorten_urls", "encrypt", "whatsapp", "api_errors", "phone_errors", "unread_only"),
        *("pdf_preview", "short_media_url", "ascending", "distributed", "unsubscribe", "allow_self_signed"),
        "oldest_first",
    }


@pytest.mark.parametrize(("switch", "value"), each_once(SWITCHES, ["no", "yes", "", "0", 0, 1, 2, [], 0.0]))
def test_a_switch_takes_true_and_false_and_nothing_that_python_takes_for_them(
    service: responses.RequestsMock, client: SMSMobileClient, switch: tuple[str, str, str], value: object
) -> None:
    channel, method, name = switch
    with pytest.raises(InvalidRequestError, match=f"{name} is of type {type(value).__name__}; expected True or False"):
        run(client, channel, method, name, value)
    assert len(service.calls) == 0


@pytest.mark.parametrize(("channel", "method", "name"), SWITCHES)
def test_every_switch_can_be_on_and_off(
    service: responses.RequestsMock, client: SMSMobileClient, channel: str, method: str, name: str
) -> None:
    run(client, channel, method, name, True)
    asked_with_it_on = len(service.calls)
    run(client, channel, method, name, False)
    assert 0 < asked_with_it_on < len(service.calls)


def test_no_bool_is_none() -> None:
    with pytest.raises(InvalidRequestError, match="encrypt is of type NoneType; expected True or False"):
        check_bool("encrypt", None)


TEXTS = [f"+{DIGITS}", DIGITS, f"tel:+{DIGITS}", f"a{DIGITS}:x"]
COUNTS = [sign * number for sign in (1, -1) for number in (int(DIGITS), float(DIGITS), int(DIGITS) * 10)]


METHODS = list(dict.fromkeys((channel, method) for channel, method, _ in ARGUMENTS))


@pytest.mark.parametrize(("channel", "method"), METHODS)
def test_no_error_shows_a_phone_number_that_went_into_the_wrong_argument(
    service: responses.RequestsMock, client: SMSMobileClient, channel: str, method: str
) -> None:
    names = [name for *called, name in ARGUMENTS if called == [channel, method]]
    for name, value in itertools.product(names, [*TEXTS, *COUNTS]):  # every check has words of its own
        said = ""
        try:
            run(client, channel, method, name, value)
        except SMSMobileError as refused:
            said = f"{refused} {refused!r} {vars(refused)}"
        assert DIGITS not in said


@given(
    start=st.sampled_from(["", "+", "00", "it is "]),
    digits=st.from_regex(r"[1-9][0-9]{6,14}", fullmatch=True),
    between=st.sampled_from(["", " ", ".", "-", "/", "\N{NO-BREAK SPACE}", "\N{EN DASH}"]),
)
def test_a_number_in_a_text_is_masked_however_it_is_written(start: str, digits: str, between: str) -> None:
    shown = mask_numbers(f"{start}{between.join(digits)} please")
    assert sum(map(str.isdigit, shown)) <= 4
    assert shown.endswith(" please")


@pytest.mark.parametrize("text", ["", "video", "invoice-7.pdf", "2026", "no number: 1, or 2"])
def test_a_text_without_a_number_stays_as_it_is(text: str) -> None:
    assert mask_numbers(text) == text
