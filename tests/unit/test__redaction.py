"""Masking of keys and phone numbers in text. test_secrets.py tests the same from outside."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsmobile._redaction import (
    MASK,
    drop_keys,
    mask_number,
    mask_numbers,
    mask_secret_bytes,
    mask_secrets,
)

SECRET = "se/cret+of&the=te sts"


@pytest.mark.parametrize("spelling", [SECRET, "se%2Fcret%2Bof%26the%3Dte%20sts", "se%2Fcret%2Bof%26the%3Dte+sts"])
def test_a_secret_is_masked_however_it_is_quoted(spelling: str) -> None:
    assert mask_secrets(f"before {spelling} after", [SECRET]) == f"before {MASK} after"


@pytest.mark.parametrize("spelling", [SECRET, SECRET.replace("/", "\\/")])
def test_a_secret_in_an_answer_is_masked_as_php_escapes_it(spelling: str) -> None:
    assert mask_secret_bytes(f'{{"apikey": "{spelling}"}}'.encode(), [SECRET]) == b'{"apikey": "***"}'


@pytest.mark.parametrize("secrets", [["app-1234", "app-1234-tail"], ["app-1234-tail", "app-1234"]])
def test_a_secret_that_begins_with_another_leaves_no_tail(secrets: list[str]) -> None:
    assert mask_secrets("app-1234-tail app-1234", secrets) == "*** ***"
    assert mask_secret_bytes(b"app-1234-tail app-1234", secrets) == b"*** ***"


def test_keys_are_dropped_by_name_at_any_depth_and_nothing_else_is() -> None:
    answer = {"apikey": 1, "APIKey": 2, "api-key": 3, "key": 4, "x": [{"apikeybox": 5, "y": {"Api_Key_Box": 6}}, None]}
    assert drop_keys(answer) == {"key": 4, "x": [{"y": {}}, None]}


def test_words_too_short_to_be_secrets_are_left() -> None:
    assert mask_secrets("the one", ["one", "", "the"]) == "the one"
    assert mask_secret_bytes(b"yes, 1234567", ["yes", "1234567", ""]) == b"yes, 1234567"


secrets = st.text(st.characters(exclude_characters="*%+", exclude_categories=["Cs"]), min_size=4)


@given(st.text(), st.lists(secrets, max_size=3))
def test_no_secret_is_left_in_any_text(text: str, secrets: list[str]) -> None:
    masked = mask_secrets(text + "".join(secrets), secrets)
    assert not any(secret in masked for secret in secrets)


@pytest.mark.parametrize(
    ("number", "masked"),
    [
        ("+33639985678", "+33•••••••78"),
        ("33639985678", "33•••••••78"),
        ("+12345", "••••••"),
        ("115", "•••"),
        ("", ""),
    ],
)
def test_of_a_long_number_the_country_and_two_digits_are_shown_and_of_a_short_one_nothing(
    number: str, masked: str
) -> None:
    assert mask_number(number) == masked


@given(st.from_regex(r"\+?[0-9]{1,20}", fullmatch=True))
def test_a_masked_number_keeps_its_length_and_at_most_four_digits(number: str) -> None:
    masked = mask_number(number)
    assert len(masked) == len(number)
    assert sum(map(str.isdigit, masked)) == (4 if len(number) >= 8 else 0)


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("to +33 6 39 98 00 11.", "to +33••••••••••••11."),
        ("on 2026-03-20 21:07:44 to 0639980011", "on 2026-03-20 21:07:44 to 06••••••11"),
        ("until 2026-03-20T21:07:44Z", "until 2026-03-20T21:07:44Z"),
        ("to 2026-03-20-11", "to 20•••••••••11"),
        ("20/03/2026", "20••••••26"),
    ],
)
def test_numbers_in_a_text_are_masked_and_iso_dates_are_not(text: str, masked: str) -> None:
    assert mask_numbers(text) == masked
