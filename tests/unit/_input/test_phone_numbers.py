"""A number is cleaned and sent, or refused with a reason."""

from __future__ import annotations

import itertools
import re
import sys

import phonenumbers
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from smsmobile import ConfigurationError, InvalidRequestError, SMSMobileClient, normalize_number
from smsmobile._input.country_codes import country_code
from smsmobile._input.phone_numbers import clean_recipient, clean_whatsapp_number, digits_of

E164 = phonenumbers.PhoneNumberFormat.E164


def refusal(to: object, default_region: str | None = None) -> str:
    with pytest.raises(InvalidRequestError) as refused:
        clean_recipient(to, default_region)
    return str(refused.value)


def is_sent(to: str) -> bool:
    try:
        return clean_recipient(to) == to
    except InvalidRequestError:
        return False


def test_a_number_is_cleaned_of_what_people_write_into_it(subtests: pytest.Subtests) -> None:
    for written, sent in [
        ("+33612345678", "+33612345678"),
        ("+33 6 12 34 56 78", "+33612345678"),
        ("+33.6.12.34.56.78", "+33612345678"),
        ("+1 (555) 123-4567", "+15551234567"),
        ("+49/170/1234567", "+491701234567"),
        ("(+33) 612345678", "+33612345678"),
        ("(+33) (612345678)", "+33612345678"),
        ("(+33612345678)", "+33612345678"),
        ("+1.2025550123", "+12025550123"),
        ("  +33612345678\n", "+33612345678"),
        ("0033612345678", "+33612345678"),
        ("00 33 6 12 34 56 78", "+33612345678"),
        ("(00)33612345678", "+33612345678"),
        ("+33.6.39.98.00.00", "+33639980000"),
        ("+39 06 1234 5678", "+390612345678"),
        ("36180", "36180"),
        ("361-80", "36180"),
        ("115", "115"),
        ("361801", "361801"),
        ("+6834000", "+6834000"),
        ("+491234567890123", "+491234567890123"),
        ("+33\N{NO-BREAK SPACE}6\N{NARROW NO-BREAK SPACE}12345678", "+33612345678"),
        ("+33\N{EN DASH}612\N{NON-BREAKING HYPHEN}345678", "+33612345678"),
        ("\N{LEFT-TO-RIGHT EMBEDDING}+33612345678\N{POP DIRECTIONAL FORMATTING}", "+33612345678"),
        ("\N{LEFT-TO-RIGHT OVERRIDE}+33 612345678\N{POP DIRECTIONAL FORMATTING}", "+33612345678"),
        ("\N{FULLWIDTH PLUS SIGN}33612345678", "+33612345678"),
        ("\N{FULLWIDTH LEFT PARENTHESIS}+33\N{FULLWIDTH RIGHT PARENTHESIS}612345678", "+33612345678"),
        ("+\N{ARABIC-INDIC DIGIT THREE}\N{ARABIC-INDIC DIGIT THREE}612345678", "+33612345678"),
        ("+\N{FULLWIDTH DIGIT THREE}\N{FULLWIDTH DIGIT THREE}612345678", "+33612345678"),
    ]:
        with subtests.test(written=written):
            assert clean_recipient(written) == sent


def test_each_kind_of_bad_number_is_refused_with_its_own_sentence(subtests: pytest.Subtests) -> None:
    for to, reason in [
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
        ("+33 06 12 34 56 78", "has a 0 after its country code"),
        ("0033 06 12 34 56 78", "has a 0 after its country code"),
        ("+33-0-612345678", "has a 0 after its country code"),
        ("+(33)0612345678", "has a 0 after its country code"),
        ("+44 07700 900123", "has a 0 after its country code"),
        ("+1 0202 555 0123", "has a 0 after its country code"),
        ("+1 1 202 555 0123", "is no number of the country whose code it begins with"),
        ("+1 202 555 01234", "is no number of the country whose code it begins with"),
        ("0011 44 7700 900123", "is no number of the country whose code it begins with"),
        ("+7 8 912 345 67 89", "is no number of the country whose code it begins with"),
        ("+370 8 612 34567", "is no number of the country whose code it begins with"),
        ("+378 886377", "is no number of the country whose code it begins with"),
        ("+89 12345678", "is no number of the country whose code it begins with"),
        ("33612345678.0", "ends like a decimal number, as a spreadsheet writes it"),
        ("+33612345678.0", "ends like a decimal number"),
        ("33612345678.00", "ends like a decimal number"),
        ("+33 612345678.00", "ends like a decimal number"),
        ("(+33612345678.0)", "ends like a decimal number"),
        ("36180.0", "ends like a decimal number"),
        ("+33612345678. 0", "ends like a decimal number"),
        ("+33612345678.5", "ends like a decimal number"),
        ("33 612 345 678,00", "a message has one recipient"),
        ("612345678", "has no '+', so its country is not known"),
        ("2025550123", "has no '+', so its country is not known"),
        ("33612345678", "has no '+', so its country is not known"),
        ("1234567", "has no '+', so its country is not known"),
        ("+33612345678/79", "has a '/' or '(' where an extension or another number may begin"),
        ("+1 202 555 0123/0124", "has a '/' or '(' where an extension or another number may begin"),
        ("+44 7700/9", "has a '/' or '(' where an extension or another number may begin"),
        ("+33612345678 (2)", "where an extension or another number may begin"),
        ("+33 6 12 34 56 78(79)", "where an extension or another number may begin"),
        ("\N{LEFT-TO-RIGHT MARK}", "has no digits"),
        ("+33612345678\N{SUPERSCRIPT TWO}", "has the character '\N{SUPERSCRIPT TWO}'"),
        ("+3361234567\N{CIRCLED DIGIT EIGHT}", "has the character"),
        ("+33612345678\N{VULGAR FRACTION ONE HALF}", "has the character"),
        ("\N{RIGHT-TO-LEFT OVERRIDE}+33612345678", "has the character"),
        ("+123456", "has 6 digits"),
        ("+1234567890123456", "has 16 digits"),
        ("1234567890123456", "has 16 digits"),
        ("12", "has 2 digits"),
        ("+", "has no digits"),
        ("---", "has no digits"),
        ("00", "has 0 digits"),
        ("+33612345678" + " " * 60 + "9", "has 73 characters"),
    ]:
        with subtests.test(to=to):
            assert reason in refusal(to)


def test_a_text_of_any_length_is_refused_without_being_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("smsmobile._input.phone_numbers._read_char", lambda char: pytest.fail("it was read"))
    assert "has 78000 characters; expected a phone number of at most 64" in refusal("+3" * 39_000)


def test_a_refusal_is_also_a_value_error() -> None:
    with pytest.raises(ValueError, match="empty"):
        clean_recipient("")


@pytest.mark.parametrize("to", ["+0698765432", "000698765432"])
def test_with_a_default_region_no_country_code_begins_with_0_either(to: str) -> None:
    assert "no country code starts with 0" in refusal(to, "FR")


def test_a_refusal_does_not_show_the_whole_number(subtests: pytest.Subtests) -> None:
    for to in [
        *("0698765432", "+0698765432", "+33698765432901234", "98765432109876543210", "33698765432", "+330698765432"),
        *("+33698765432.0", "+33(0)698765432", "+33698765432/33", "+7898765432109"),
    ]:
        with subtests.test(to=to):
            assert "•••" in refusal(to)
            assert "876" not in refusal(to)


def test_a_trunk_zero_in_parentheses_is_refused_rather_than_dialled(subtests: pytest.Subtests) -> None:
    for to in [
        "+33 (0)6 12 34 56 78",
        "+33(0)612345678",
        "0033 (0) 6 12 34 56 78",
        "(+33) (0)6 12 34 56 78",
        "+(33)(0)612345678",
        "+33 ( 0 ) 612345678",
        "\N{LEFT-TO-RIGHT EMBEDDING}+33 (0)612345678",
        "+33\N{FULLWIDTH LEFT PARENTHESIS}0\N{FULLWIDTH RIGHT PARENTHESIS}612345678",
    ]:
        with subtests.test(to=to):
            assert "has a '(0)' inside" in refusal(to)


def test_the_advice_about_a_trunk_zero_is_right_for_italy_too() -> None:
    assert "a few, such as Italy, keep it" in refusal("+39 (0)6 12345678")


def test_a_national_number_says_how_to_be_understood() -> None:
    reason = refusal("06 12 34 56 78")
    assert "add the country code" in reason
    assert "default_region='FR'" in reason


# --- default_region ---------------------------------------------------------------------------------------


def test_with_a_default_region_a_national_number_gets_its_country_code(subtests: pytest.Subtests) -> None:
    for region, written, sent in [
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
        ("FR", "33612345678", "+33612345678"),
        # Of a range that phonenumbers calls invalid, since nobody has it; but the 0 says what is meant.
        ("FR", "06 39 98 00 11", "+33639980011"),
        ("GB", "07700 900123", "+447700900123"),
        ("US", "011 33 6 39 98 00 11", "+33639980011"),
        ("IT", "06 1234 5678", "+390612345678"),
        ("DE", "0151 23456789", "+4915123456789"),
        ("US", "361-234-5678", "+13612345678"),
        ("SG", "001 44 7911 123456", "+447911123456"),
        ("US", "(202) 555-0123", "+12025550123"),
        ("US", "011 33 6 12 34 56 78", "+33612345678"),
        ("GB", "07911 123456", "+447911123456"),
    ]:
        with subtests.test(region=region):
            assert clean_recipient(written, region) == sent


@pytest.mark.parametrize("to", ["06 12", "061234567890"])
def test_with_a_default_region_a_wrong_national_number_is_refused_by_name_of_the_region(to: str) -> None:
    assert "is not a valid number in FR" in refusal(to, "FR")


def test_a_region_that_does_not_exist_is_said_not_to() -> None:
    assert "The region is 'UK', which is not a country" in refusal("0612345678", "UK")


def test_digits_of_two_countries_are_refused_and_both_are_spelled_out(subtests: pytest.Subtests) -> None:
    for region, to in [
        ("DE", "4915123456789"),
        ("DE", "49 151 23456789"),
        ("US", "3612345678"),  # 361 is in Texas, and +36 1 in Budapest
        ("US", "36 1 234 5678"),
        ("SG", "0033612345678"),  # 003 is a prefix for other countries there, and +36 1 in Budapest
        ("HK", "0085251234567"),
        # With a 0 after the country code these are dialled nowhere, but people write them.
        ("DE", "49 030 123456"),
        ("KR", "0082 010-2000-0000"),  # 008 is a prefix for other countries there, and +20 is Egypt
        ("TH", "0066 081 234 5678"),
    ]:
        with subtests.test(region=region):
            reason = refusal(to, region)
            assert (
                f"can be a number in {region} or dialled from there, or one of another country whose '+' is missing"
                in reason
            )
            assert re.search(r"write '\+(49|1|65|852|82|66)' before it for the first, and '\+' for the second", reason)


@pytest.mark.parametrize("to", ["15551234567", "639980011", "12025550123", "61234567"])
def test_with_a_default_region_bare_digits_that_are_no_number_there_are_refused(to: str) -> None:
    assert "is not a valid number in FR" in refusal(to, "FR")


def test_digits_that_are_a_short_code_or_a_whole_number_of_a_small_country_are_refused() -> None:
    assert "can be a short code, or in FK a whole number" in refusal("51234", "FK")


def test_a_trunk_zero_in_parentheses_is_refused_in_every_region() -> None:
    assert "has a '(0)' inside" in refusal("49 (0)151 23456789", "DE")


@pytest.fixture
def without_phonenumbers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "phonenumbers", None)


@pytest.mark.usefixtures("without_phonenumbers")
def test_without_the_phonenumbers_library_a_client_with_a_region_is_not_built() -> None:
    with pytest.raises(ConfigurationError, match="pip install phonenumbers"):
        SMSMobileClient(api_key="a-key-of-the-tests", default_region="FR")


@pytest.mark.usefixtures("without_phonenumbers")
def test_without_the_phonenumbers_library_a_client_without_a_region_is_built() -> None:
    SMSMobileClient(api_key="a-key-of-the-tests")


def test_a_client_with_a_region_that_does_not_exist_is_not_built(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMSMOBILEAPI_DEFAULT_REGION", "UK")
    with pytest.raises(ConfigurationError, match="SMSMOBILEAPI_DEFAULT_REGION is 'UK', which is not a country"):
        SMSMobileClient.from_env(api_key="a-key-of-the-tests")


@pytest.mark.usefixtures("without_phonenumbers")
def test_without_the_phonenumbers_library_international_numbers_still_go() -> None:
    assert clean_recipient("00 33 612345678", "FR") == "+33612345678"


def test_the_clients_default_region_is_used_for_a_send(network) -> None:  # type: ignore[no-untyped-def]
    with SMSMobileClient(api_key="a-key-of-the-tests", default_region="fr") as client:
        network.will_accept()
        client.sms.send("06 12 34 56 78", "hi")
    assert "recipients=%2B33612345678&" in network.requests[0][2]


# --- WhatsApp ---------------------------------------------------------------------------------------------


def test_for_whatsapp_digits_without_plus_are_international_in_every_region(subtests: pytest.Subtests) -> None:
    for region, written, sent in [
        (None, "+33 6 39 98 00 11", "33639980011"),
        (None, "0033639980011", "33639980011"),
        (None, "33639980011", "33639980011"),
        ("DE", "4915123456789", "4915123456789"),
        ("DE", "0151 23456789", "4915123456789"),
        ("US", "3612345678", "3612345678"),
        ("US", "011 33 6 39 98 00 11", "33639980011"),
        ("MX", "5215512345678", "5215512345678"),  # WhatsApp's own spelling of +52 55 1234 5678
    ]:
        with subtests.test(region=region):
            assert clean_whatsapp_number(written, region) == sent


@pytest.mark.parametrize(
    ("region", "written", "reason"),
    [
        (None, "36180", "A short code has 3 to 6 digits and no '+', and is for SMS only."),
        (None, "4407700900123", "has a 0 after its country code"),
        (None, "0639980011", "is a national number"),
        ("US", "2025550123", "is a number in US without its country code, which WhatsApp needs"),
        ("FR", "612345678", "is a number in FR without its country code"),
        # After a '+' the next two would be numbers in Egypt.
        ("US", "201-555-0123", "is a number in US without its country code"),
        (None, "(201) 555-0123", "begins with '(', as an area code does"),
        (None, "\u202a(201) 555-0123\u202c", "begins with '(', as an area code does"),
    ],
)
def test_for_whatsapp_a_number_without_its_country_code_is_refused(
    region: str | None, written: str, reason: str
) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        clean_whatsapp_number(written, region)
    assert reason in str(refused.value)


# --- normalize_number -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "region", "number"),
    [
        ("+33 6 39 98 00 11", None, "+33639980011"),
        ("0033639980011", None, "+33639980011"),
        ("06 39 98 00 11", "FR", "+33639980011"),
        ("(202) 555-0123", "US", "+12025550123"),
        ("+33639980011", "US", "+33639980011"),
    ],
)
def test_every_spelling_of_a_number_is_normalized_to_the_same_text(text: str, region: str | None, number: str) -> None:
    assert normalize_number(text, region) == number


def test_what_has_no_international_form_is_not_normalized(subtests: pytest.Subtests) -> None:
    for text, region, reason in [
        ("MPESA", None, "has letters in it"),
        ("36180", None, "is a short code, which has no international form"),
        ("36180", "FR", "is a short code, which has no international form"),
        ("33639980011", None, "has no '+'"),
        ("06 39 98 00 11", None, "is a national number"),
        ("06 39 98 00 11", "fr", "The region is 'fr', which is not a country"),
        ("06 39 98 00 11", 33, "The region is of type int"),
        (None, None, "is None"),
    ]:
        with subtests.test(text=text):
            with pytest.raises(InvalidRequestError) as refused:
                normalize_number(text, region)
            assert reason in str(refused.value)


@pytest.mark.usefixtures("without_phonenumbers")
def test_without_the_library_international_numbers_are_normalized_and_others_name_the_extra() -> None:
    assert normalize_number("+33 6 39 98 00 11", "FR") == "+33639980011"
    with pytest.raises(ConfigurationError, match="pip install phonenumbers"):
        normalize_number("06 39 98 00 11", "FR")


# --- properties -------------------------------------------------------------------------------------------

EXAMPLES = st.sampled_from(sorted(phonenumbers.SUPPORTED_REGIONS)).map(
    lambda region: phonenumbers.example_number_for_type(region, phonenumbers.PhoneNumberType.MOBILE)
)
"""A mobile number of any country."""
NUMBERS = EXAMPLES.filter(bool).map(lambda number: phonenumbers.format_number(number, E164)).filter(is_sent)


@given(st.text())
def test_whatever_is_typed_only_a_plain_number_comes_out(typed: str) -> None:
    try:
        sent = clean_recipient(typed)
    except InvalidRequestError:
        return
    assert re.fullmatch(r"\+[1-9][0-9]{6,14}|[1-9][0-9]{2,5}", sent)


@given(st.text(alphabet="+0123456789 .-/()\t\u00a0\u0663\uff15", max_size=24))
def test_whatever_is_typed_on_a_keypad_only_a_plain_number_comes_out(typed: str) -> None:
    try:
        sent = clean_recipient(typed)
    except InvalidRequestError:
        return
    assert re.fullmatch(r"\+[1-9][0-9]{6,14}|[1-9][0-9]{2,5}", sent)


def read_by_phonenumbers(text: str, region: str | None) -> str | None:
    """The number that the library reads, if it can exist."""
    try:
        parsed = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    return phonenumbers.format_number(parsed, E164) if phonenumbers.is_valid_number(parsed) else None


@given(
    prefix=st.sampled_from(["+", "00", ""]),
    code=st.sampled_from(sorted(phonenumbers.COUNTRY_CODE_TO_REGION_CODE)),
    # A trunk prefix or a carrier code, as the country itself has it.
    between=st.sampled_from(["", "0", "8", "1", "06", "90", "15", "(0)", " ", "-"]),
    digits=st.text(alphabet="0123456789", min_size=3, max_size=12),
    region=st.sampled_from([None, "FR", "US", "DE", "IT", "HU", "RU", "BR", "AU", "SG", "FK", "CI"]),
)
@example("+", 7, "8", "9123456789", None)
@example("+", 378, "", "886377", None)
@example("", 49, "", "15123456789", "DE")
def test_no_spelling_leads_to_another_number_than_phonenumbers_reads(
    prefix: str, code: int, between: str, digits: str, region: str | None
) -> None:
    written = f"{prefix}{code}{between}{digits}"
    read = read_by_phonenumbers(written.replace("00", "+", 1) if prefix == "00" and not region else written, region)
    try:
        sent = clean_recipient(written, region)
    except InvalidRequestError:
        return
    assert read in (None, sent)


@given(number=NUMBERS, data=st.data())
def test_separators_anywhere_change_nothing(number: str, data: st.DataObject) -> None:
    separators = st.text(alphabet=" .-)\u00a0\u2013", max_size=2)
    written = "".join(data.draw(separators) + char for char in number) + data.draw(separators)
    assume(written.count(".") != 1)  # which may be a decimal point
    assert clean_recipient(written) == number


@given(NUMBERS)
def test_a_clean_number_stays_as_it_is(number: str) -> None:
    assert clean_recipient(number) == clean_recipient(number, "DE") == number


def test_every_country_code_is_known() -> None:
    codes = [str(code) for code in phonenumbers.COUNTRY_CODE_TO_REGION_CODE]
    assert [code for code in codes if country_code(f"+{code}999999") != code] == []


def test_numbers_that_begin_with_0_abroad_are_those_that_phonenumbers_knows() -> None:
    """An example that begins with 0 is sent: of all countries, but for their free numbers and Norway's shortest."""
    kinds = (phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE)
    for region, kind in itertools.product(phonenumbers.SUPPORTED_REGIONS, kinds):
        if number := phonenumbers.example_number_for_type(region, kind):
            assert is_sent(phonenumbers.format_number(number, E164)), region


@pytest.mark.parametrize(
    ("one", "other"),
    [("+33612345678", "33612345678"), ("0033612345678", "+33 6 12 34 56 78"), ("115", "115")],
)
def test_two_spellings_of_one_number_are_the_same(one: str, other: str) -> None:
    assert digits_of(one) == digits_of(other)


@pytest.mark.parametrize("text", [None, "", "MPESA"])
def test_what_is_no_number_has_no_digits(text: str | None) -> None:
    assert digits_of(text) == ""
