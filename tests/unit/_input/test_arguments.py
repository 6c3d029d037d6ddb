"""Argument checks that hold for every method of every channel. The methods are found by their signatures."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from enum import Enum, IntEnum
from pathlib import Path
from typing import Any

import pytest
import responses
from hypothesis import given
from hypothesis import strategies as st

from smsmobile import InvalidRequestError, NotFound, SMSMobileClient, SMSMobileError
from smsmobile._input.arguments import check_bool
from smsmobile._redaction import mask_numbers
from smsmobile.delivery import BulkSender, Inbox, OutgoingSMS, SendStatus

from ..cases import each_once

DIGITS = "33639985678"
CHANNELS = ("sms", "whatsapp", "devices", "calls", "notifications", "email", "conversations")
WAITING = {"track", "track_all"}  # delivery/ has their arguments, and their tests
GOOD: dict[str, Any] = {
    "to": "+12025550167",
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


def run(client: SMSMobileClient, channel: str, method: str, name: str, value: object, **others: object) -> None:
    function: Callable[..., object] = getattr(getattr(client, channel), method)
    parameters = inspect.signature(function).parameters
    given = {each: GOOD_FOR.get((channel, method, each), GOOD.get(each)) for each in parameters if each in GOOD}
    result = function(**{**given, **others, name: value})
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


def test_a_switch_takes_true_and_false_and_nothing_that_python_takes_for_them(
    subtests: pytest.Subtests, service: responses.RequestsMock, client: SMSMobileClient
) -> None:
    for switch, value in each_once(SWITCHES, ["no", "yes", "", "0", 0, 1, 2, [], 0.0]):
        with subtests.test(switch=switch):
            channel, method, name = switch
            with pytest.raises(
                InvalidRequestError, match=f"{name} is of type {type(value).__name__}; expected True or False"
            ):
                run(client, channel, method, name, value)
            assert len(service.calls) == 0


def test_every_switch_can_be_on_and_off(service: responses.RequestsMock, client: SMSMobileClient) -> None:
    for switch in SWITCHES:
        for value in (True, False):
            asked = len(service.calls)
            run(client, *switch, value)
            assert len(service.calls) > asked, switch


def test_no_bool_is_none() -> None:
    with pytest.raises(InvalidRequestError, match="encrypt is of type NoneType; expected True or False"):
        check_bool("encrypt", None)


# --- classes derived from str and int ---------------------------------------------------------------------

HELD = {
    "to": "+12025550167",
    "origin": "sent",
    "kind": "text",
    "before": "guid-1",
    "media_url": GOOD["media_url"],
    **dict.fromkeys(("day", "first_day", "last_day"), "2026-03-20"),
    "sender_email": "team@example.org",
    "reply_email": "team@example.org",
    "charset": "utf-8",
}
"""Texts for arguments that do not take every word."""
NEEDS: dict[str, dict[str, Any]] = {
    "attachment_name": {"attachment": b"x"},
    "reply_name": {"reply_email": "team@example.org"},
}
OF_TEXT = [argument[:3] for argument in every_argument() if re.search(r"\b(str|Literal)\b", argument[3])]
OF_NUMBER = [argument[:3] for argument in every_argument() if re.search(r"\bint\b", argument[3])]
OF_TEXT = [argument for argument in OF_TEXT if argument[2] not in ("attachment", "cc")]  # a path, and a list


class Number(int, Enum):
    ONE = 1


class IntNumber(IntEnum):
    ONE = 1


class Loud(str):
    """A text that prints as something else."""

    __slots__ = ()

    def __str__(self) -> str:
        return "loud"


def member(value: str) -> str:
    """A member of `class M(str, Enum)`."""
    return Enum("M", {"HI": value}, type=str).HI  # type: ignore[attr-defined, no-any-return]


def sent_with(
    service: responses.RequestsMock, client: SMSMobileClient, argument: tuple[str, str, str], value: object
) -> tuple[str | None, object]:
    """The address and the body of the first request that is made with this argument."""
    before = len(service.calls)
    with suppress(NotFound):
        run(client, *argument, value, **NEEDS.get(argument[2], {}))
    request = service.calls[before].request
    return request.url, request.body


def test_what_a_text_of_another_class_holds_is_sent(service: responses.RequestsMock, client: SMSMobileClient) -> None:
    for argument in OF_TEXT:
        held = "ann@example.com" if argument == ("email", "send", "to") else HELD.get(argument[2], "word")
        for derived in (member(held), Loud(held)):
            sent = sent_with(service, client, argument, derived)
            assert sent == sent_with(service, client, argument, held), argument


def test_what_a_number_of_another_class_holds_is_sent(service: responses.RequestsMock, client: SMSMobileClient) -> None:
    for argument in OF_NUMBER:
        for derived in (Number.ONE, IntNumber.ONE):
            sent = sent_with(service, client, argument, derived)
            assert sent == sent_with(service, client, argument, 1), argument


def test_what_a_text_of_another_class_holds_is_the_credential(service: responses.RequestsMock) -> None:
    for derived in (member("k" * 48), Loud("k" * 48)):
        SMSMobileClient(api_key=derived, device=member("SID-1")).sms.send("+12025550167", "hi")
        body = str(service.calls[-1].request.body)
        assert "k" * 48 in body
        assert "sIdentifiant=SID-1" in body


# --- sizes ------------------------------------------------------------------------------------------------


def test_a_text_of_any_size_is_refused_before_it_is_looked_at(
    service: responses.RequestsMock, client: SMSMobileClient
) -> None:
    for argument in OF_TEXT:
        if argument[2] != "mailbox_key":  # a credential, which no other party chooses
            with pytest.raises(InvalidRequestError):
                run(client, *argument, "9" * 1_000_001, **NEEDS.get(argument[2], {}))
            assert len(service.calls) == 0, argument


@pytest.mark.parametrize(
    "value", [10**400, -(10**400), 10**5000, float("inf"), float("nan")], ids=["huge", "low", "longest", "inf", "nan"]
)
def test_a_number_of_any_size_is_refused(
    service: responses.RequestsMock, client: SMSMobileClient, value: float
) -> None:
    for argument in dict.fromkeys([*OF_NUMBER, *((c, m, n) for c, m, n, k in every_argument() if "float" in k)]):
        with pytest.raises(InvalidRequestError):
            run(client, *argument, value)
    for name in ("timeout", "poll"):
        with pytest.raises(InvalidRequestError):
            client.sms.track("guid-1", **{name: value})
    assert len(service.calls) == 0


# --- moments ----------------------------------------------------------------------------------------------


class Pendulum(datetime):
    """As pendulum's DateTime: a difference is of a class that cannot be divided by a timedelta."""

    def __sub__(self, other: Any) -> Any:
        raise AttributeError("'datetime.timedelta' object has no attribute '_to_microseconds'")

    __rsub__ = __sub__


class NaT(datetime):
    """As pandas.NaT, which is a datetime, and nothing works with it."""

    year = property(lambda self: float("nan"))  # type: ignore[assignment]

    def utcoffset(self) -> Any:
        raise ValueError("NaTType does not support utcoffset")

    def timestamp(self) -> Any:
        raise ValueError("NaTType does not support timestamp")


MOMENT = datetime(2026, 3, 20, 22, 7, 44, 500_000, tzinfo=timezone(timedelta(hours=1)))
OF_MOMENT = [argument[:3] for argument in every_argument() if re.search(r"\bdatetime\b", argument[3])]


def derived_moment(kind: type[datetime], zone: timezone | None = MOMENT.tzinfo) -> datetime:  # type: ignore[assignment]
    return kind(2026, 3, 20, 22, 7, 44, 500_000, tzinfo=zone)


def test_the_moments_that_the_tests_know_of_are_found() -> None:
    assert {name for _, _, name in OF_MOMENT} == {"schedule_at", "before", "around", "after", "since", "until"}


def test_a_moment_of_another_class_is_the_same_moment(service: responses.RequestsMock, client: SMSMobileClient) -> None:
    derived, plain = derived_moment(Pendulum), MOMENT
    for argument in OF_MOMENT:
        sent = sent_with(service, client, argument, derived)
        assert sent == sent_with(service, client, argument, plain), argument


@pytest.mark.parametrize(
    ("moment", "reason"),
    [
        (derived_moment(NaT), "is of type NaT, but is no moment in UTC; expected an aware datetime"),
        (datetime.min.replace(tzinfo=timezone(timedelta(hours=14))), "is of type datetime, but is no moment in UTC"),
        (derived_moment(Pendulum, None), "is a naive datetime"),
    ],
)
def test_an_unusable_moment_is_refused(
    service: responses.RequestsMock, client: SMSMobileClient, moment: datetime, reason: str
) -> None:
    for argument in OF_MOMENT:
        with pytest.raises(InvalidRequestError, match=f"{argument[2]} {reason}"):
            run(client, *argument, moment)
    with pytest.raises(InvalidRequestError, match=f"since {reason}"):
        Inbox(client, since=moment)
    assert len(service.calls) == 0


def test_an_unusable_moment_refuses_one_message_of_a_bulk_run(
    service: responses.RequestsMock, client: SMSMobileClient, tmp_path: Path
) -> None:
    messages = [OutgoingSMS("+12025550167", f"hi {at}", schedule_at=at) for at in (derived_moment(NaT), MOMENT)]
    outcomes = list(BulkSender(client, tmp_path / "journal.sqlite", workers=1).send(messages))
    assert [outcome.status for outcome in outcomes] == [SendStatus.REFUSED, SendStatus.SENT]


# --- what is shown ----------------------------------------------------------------------------------------

TEXTS = [f"+{DIGITS}", DIGITS, f"tel:+{DIGITS}", f"a{DIGITS}:x"]
COUNTS = [sign * number for sign in (1, -1) for number in (int(DIGITS), float(DIGITS), int(DIGITS) * 10)]


def test_no_error_shows_a_phone_number_that_went_into_the_wrong_argument(
    subtests: pytest.Subtests, service: responses.RequestsMock, client: SMSMobileClient
) -> None:
    for value in [*TEXTS, *COUNTS]:
        with subtests.test(value=value):
            for argument in ARGUMENTS:  # every check has words of its own
                said = ""
                try:
                    run(client, *argument, value)
                except SMSMobileError as refused:
                    said = f"{refused} {refused!r} {vars(refused)}"
                assert DIGITS not in said, argument


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
