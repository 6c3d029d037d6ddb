"""A number is cleaned and sent, or refused with a reason."""

from __future__ import annotations

import re
import sys

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from smsmobile import InvalidRequestError, SMSMobileClient
from smsmobile._input.phone_numbers import clean_recipient, same_number

SEPARATORS = " .-/()"


def refusal(to: object, default_region: str | None = None) -> str:
    with pytest.raises(InvalidRequestError) as refused:
        clean_recipient(to, default_region)
    return str(refused.value)


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("+33612345678", "+33612345678"),
        ("+33 6 12 34 56 78", "+33612345678"),
        ("+33.6.12.34.56.78", "+33612345678"),
        ("+1 (555) 123-4567", "+15551234567"),
        ("+49/170/1234567", "+491701234567"),
        ("(+33) 612345678", "+33612345678"),
        ("  +33612345678\n", "+33612345678"),
        ("0033612345678", "+33612345678"),
        ("00 33 6 12 34 56 78", "+33612345678"),
        ("(00)33612345678", "+33612345678"),
        ("33612345678", "33612345678"),
        ("36180", "36180"),
        ("115", "115"),
        ("+12345", "+12345"),
        ("+123456789012345", "+123456789012345"),
        ("123456789012345", "123456789012345"),
        ("+33\N{NO-BREAK SPACE}6\N{NARROW NO-BREAK SPACE}12345678", "+33612345678"),
        ("+33\N{EN DASH}612\N{NON-BREAKING HYPHEN}345678", "+33612345678"),
        ("\N{LEFT-TO-RIGHT EMBEDDING}+33612345678\N{POP DIRECTIONAL FORMATTING}", "+33612345678"),
        ("\N{FULLWIDTH PLUS SIGN}33612345678", "+33612345678"),
        ("+\N{ARABIC-INDIC DIGIT THREE}\N{ARABIC-INDIC DIGIT THREE}612345678", "+33612345678"),
        ("+\N{FULLWIDTH DIGIT THREE}\N{FULLWIDTH DIGIT THREE}612345678", "+33612345678"),
    ],
)
def test_a_number_is_cleaned_of_what_people_write_into_it(written: str, sent: str) -> None:
    assert clean_recipient(written) == sent


@pytest.mark.parametrize(
    ("to", "reason"),
    [
        (None, "The recipient is None"),
        (["+33612345678"], "is a collection"),
        (("+33612345678", "+33612345679"), "is a collection"),
        ({"+33612345678"}, "is a collection"),
        (33612345678, "is of type int"),
        (33612345678.0, "is of type float"),
        (b"+33612345678", "is of type bytes"),
        (True, "is of type bool"),
        ("", "is empty"),
        ("  \n", "is empty"),
        ("MPESA", "has letters in it"),
        ("+33 6 12 34 AB 78", "has letters in it"),
        ("+33612345678 ext 4", "has letters in it"),
        ("+33612345678, +33612345679", "a message has one recipient"),
        ("+33612345678;+33612345679", "a message has one recipient"),
        ("33+612345678", "has a '+' inside"),
        ("++33612345678", "has a '+' inside"),
        ("+33 612#345678", "has the character '#'"),
        ("tel:+33612345678", "has letters in it"),
        ("*123", "has the character '*'"),
        ("0612345678", "is a national number"),
        ("06 12 34 56 78", "is a national number"),
        ("+0612345678", "no country code starts with 0"),
        ("+0015551234567", "no country code starts with 0"),
        ("000015551234567", "no country code starts with 0"),
        ("000612345678", "no country code starts with 0"),
        ("+012", "no country code starts with 0"),
        ("+1234", "has 4 digits"),
        ("+1234567890123456", "has 16 digits"),
        ("1234567890123456", "has 16 digits"),
        ("12", "has 2 digits"),
        ("+", "has 0 digits"),
        ("---", "has 0 digits"),
        ("00", "has 0 digits"),
    ],
)
def test_each_kind_of_bad_number_is_refused_with_its_own_sentence(to: object, reason: str) -> None:
    assert reason in refusal(to)


def test_a_refusal_is_also_a_value_error() -> None:
    with pytest.raises(ValueError, match="empty"):
        clean_recipient("")


@pytest.mark.parametrize("to", ["+0698765432", "000698765432"])
def test_with_a_default_region_no_country_code_begins_with_0_either(to: str) -> None:
    assert "no country code starts with 0" in refusal(to, "FR")


@pytest.mark.parametrize("to", ["0698765432", "+0698765432", "+33698765432901234", "98765432109876543210"])
def test_a_refusal_does_not_show_the_whole_number(to: str) -> None:
    assert "•••" in refusal(to)
    assert "876" not in refusal(to)


@pytest.mark.parametrize(
    "to",
    [
        "+33 (0)6 12 34 56 78",
        "+33(0)612345678",
        "0033 (0) 6 12 34 56 78",
        "(+33) (0)6 12 34 56 78",
        "+(33)(0)612345678",
        "+33 ( 0 ) 612345678",
        "\N{LEFT-TO-RIGHT EMBEDDING}+33 (0)612345678",
        "+33\N{FULLWIDTH LEFT PARENTHESIS}0\N{FULLWIDTH RIGHT PARENTHESIS}612345678",
    ],
)
def test_a_trunk_zero_in_parentheses_is_refused_rather_than_dialled(to: str) -> None:
    assert "'(0)' after the country code" in refusal(to)


def test_a_national_number_says_how_to_be_understood() -> None:
    reason = refusal("06 12 34 56 78")
    assert "add the country code" in reason
    assert "default_region='FR'" in reason


# --- default_region ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("region", "written", "sent"),
    [
        ("AU", "0011 44 7911 123456", "+447911123456"),
        ("HK", "001 852 5123 4567", "+85251234567"),
        ("AU", "0033 6 12 34 56 78", "+33612345678"),
        ("US", "0033 6 12 34 56 78", "+33612345678"),
        ("FR", "06 12 34 56 78", "+33612345678"),
        ("FR", "0612345678", "+33612345678"),
        ("FR", "612345678", "+33612345678"),
        ("FR", "+49 170 1234567", "+491701234567"),
        ("FR", "0049 170 1234567", "+491701234567"),
        ("FR", "36180", "36180"),
        ("FR", "15551234567", "15551234567"),
        ("US", "(202) 555-0123", "+12025550123"),
        ("US", "011 33 6 12 34 56 78", "+33612345678"),
        ("GB", "07911 123456", "+447911123456"),
    ],
)
def test_with_a_default_region_a_national_number_gets_its_country_code(region: str, written: str, sent: str) -> None:
    assert clean_recipient(written, region) == sent


@pytest.mark.parametrize("to", ["06 12", "061234567890"])
def test_with_a_default_region_a_wrong_national_number_is_refused_by_name_of_the_region(to: str) -> None:
    assert "is not a valid number in FR" in refusal(to, "FR")


def test_a_region_that_does_not_exist_is_said_not_to() -> None:
    assert "default_region is 'UK', which is not a country" in refusal("0612345678", "UK")


def test_without_the_phonenumbers_library_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "phonenumbers", None)
    assert "pip install 'smsmobile[phone-numbers]'" in refusal("06 12 34 56 78", "FR")


def test_without_the_phonenumbers_library_international_numbers_still_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "phonenumbers", None)
    assert clean_recipient("00 33 612345678", "FR") == "+33612345678"


def test_the_clients_default_region_is_used_for_a_send(network) -> None:  # type: ignore[no-untyped-def]
    with SMSMobileClient(api_key="a-key-of-the-tests", default_region="fr") as client:
        network.will_accept()
        client.sms.send("06 12 34 56 78", "hi")
    assert "recipients=%2B33612345678&" in network.requests[0][2]


# --- properties -------------------------------------------------------------------------------------------


@given(st.text())
def test_whatever_is_typed_only_a_plain_number_comes_out(typed: str) -> None:
    try:
        sent = clean_recipient(typed)
    except InvalidRequestError:
        return
    assert re.fullmatch(r"\+[1-9][0-9]{4,14}|[1-9][0-9]{2,14}", sent)


@given(st.text(alphabet="+0123456789 .-/()\t\u00a0\u0663\uff15", max_size=24))
def test_whatever_is_typed_on_a_keypad_only_a_plain_number_comes_out(typed: str) -> None:
    try:
        sent = clean_recipient(typed)
    except InvalidRequestError:
        return
    assert re.fullmatch(r"\+[1-9][0-9]{4,14}|[1-9][0-9]{2,14}", sent)


@given(st.from_regex(r"\+[1-9][0-9]{4,14}", fullmatch=True), st.data())
def test_separators_anywhere_change_nothing(number: str, data: st.DataObject) -> None:
    separators = st.text(alphabet=SEPARATORS, max_size=2)
    written = "".join(data.draw(separators) + char for char in number) + data.draw(separators)
    assume("(0)" not in re.sub(r"[^0-9()]", "", written))  # which may be refused
    assert clean_recipient(written) == number


@given(st.from_regex(r"\+[1-9][0-9]{4,14}", fullmatch=True))
def test_a_clean_number_stays_as_it_is(number: str) -> None:
    assert clean_recipient(number) == clean_recipient(clean_recipient(number)) == number


@pytest.mark.parametrize(
    ("one", "other"),
    [("+33612345678", "33612345678"), ("0033612345678", "+33 6 12 34 56 78"), ("115", "115")],
)
def test_two_spellings_of_one_number_are_the_same(one: str, other: str) -> None:
    assert same_number(one, other)
    assert same_number(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [("+33612345678", "+33612345679"), (None, None), ("", ""), ("MPESA", "MPESA"), (None, "+33612345678")],
)
def test_no_number_is_the_same_as_none(one: str | None, other: str | None) -> None:
    assert not same_number(one, other)
