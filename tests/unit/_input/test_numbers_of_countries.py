"""Numbers of thirty countries as people, spreadsheets and address books write them: sent as meant, or refused."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from smsmobile import InvalidRequestError
from smsmobile._input.phone_numbers import clean_recipient, clean_whatsapp_number

# Region, country code, number after it, trunk prefix, prefix for other countries, and how it is written at home. Where
# there is a range that belongs to nobody (GB, US, FR, AU …), the number is from it; the others are the examples of
# phonenumbers.
COUNTRIES = """
    FR  33   639980011    0   00    06 39 98 00 11
    GB  44   7700900123   0   00    07700 900 123
    US  1    2025550123   1   011   (202) 555-0123
    CA  1    6135550123   1   011   613-555-0123
    DE  49   15123456789  0   00    0151/23456789
    AT  43   664123456    0   00    0664 123456
    CH  41   781234567    0   00    078 123 45 67
    BE  32   470123456    0   00    0470 12 34 56
    NL  31   612345678    0   00    06-12345678
    IT  39   3123456789   -   00    312 345 6789
    IT  39   0612345678   -   00    06 12345678
    ES  34   612345678    -   00    612 34 56 78
    PT  351  912345678    -   00    912 345 678
    IE  353  850123456    0   00    085 012 3456
    DK  45   34412345     -   00    34 41 23 45
    NO  47   40612345     -   00    40 61 23 45
    SE  46   701740605    0   00    070-174 06 05
    FI  358  412345678    0   00    041 2345678
    PL  48   512345678    -   00    512 345 678
    CZ  420  601123456    -   00    601 123 456
    HU  36   201234567    06  00    06 20 123 4567
    LT  370  61234567     8   00    8 612 34567
    RU  7    9123456789   8   810   8 (912) 345-67-89
    TR  90   5012345678   0   00    0501 234 56 78
    IL  972  502345678    0   00    050-234-5678
    CI  225  0123456789   -   00    01 23 45 67 89
    KE  254  712123456    0   000   0712 123456
    ZA  27   711234567    0   00    071 123 4567
    IN  91   8123456789   0   00    081234 56789
    CN  86   13123456789  -   00    131 2345 6789
    JP  81   9012345678   0   010   090-1234-5678
    HK  852  51234567     -   001   5123 4567
    SG  65   81234567     -   001   8123 4567
    AU  61   491570156    0   0011  0491 570 156
    BR  55   11961234567  0   0021  (11) 96123-4567
    AR  54   91123456789  0   00    011 15-2345-6789
    MX  52   2221234567   -   00    222 123 4567
"""
ROWS = [line.split(maxsplit=5) for line in COUNTRIES.strip().splitlines()]

ARABIC_INDIC = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")
PERSIAN = str.maketrans("0123456789", "۰۱۲۳۴۵۶۷۸۹")
FULL_WIDTH = str.maketrans("+0123456789", "＋０１２３４５６７８９")  # noqa: RUF001


def right(code: str, number: str) -> Iterator[str]:
    """Spellings that are understood, with a region and without one."""
    whole = f"{code}{number}"
    groups = f"{number[:3]} {number[3:6]} {number[6:]}"
    yield f"+{whole}"
    yield f"+{code} {groups}"
    yield f"+{code}-{groups.replace(' ', '-')}"
    yield f"+{code}.{groups.replace(' ', '.')}"
    yield f"(+{code}) {number}"
    yield f"+{code} ({number[:3]}) {number[3:]}" if not number.startswith("0") else f"+{whole}"
    yield f"+{code}\N{NO-BREAK SPACE}{groups}".replace(" ", "\N{NARROW NO-BREAK SPACE}")
    yield f"+{code}\N{EN DASH}{groups}"
    yield f"\N{LEFT-TO-RIGHT EMBEDDING}+{whole}\N{POP DIRECTIONAL FORMATTING}"
    yield f"\N{LEFT-TO-RIGHT ISOLATE}+{code} {groups}\N{POP DIRECTIONAL ISOLATE}"
    yield f"\N{RIGHT-TO-LEFT MARK}+{whole}\N{ZERO WIDTH SPACE}"
    yield f"  +{whole}\r\n"
    for digits in (ARABIC_INDIC, PERSIAN, FULL_WIDTH):
        yield f"+{whole}".translate(digits)


def doubtful(code: str, number: str, trunk: str, home: str) -> Iterator[str]:
    """Spellings that may be understood or refused, but must not lead to another number."""
    trunk = trunk.replace("-", "0")
    whole = f"{code}{number}"
    yield from (home, home.replace(" ", "\N{NO-BREAK SPACE}"), home.translate(ARABIC_INDIC), home.translate(FULL_WIDTH))
    yield from (f"00{whole}", f"00 {code} ({trunk}) {number}")
    yield from (whole, number, f"{whole}.0", f"{number}.0", f"+{whole}.00", f"{whole}.00")  # what a spreadsheet leaves
    yield from (f"{whole},0", f"{int(number):,}", f"{float(whole):e}", f"'{whole}", f'="+{whole}"')
    for prefix in (f"+{code}", f"00{code}", code):
        yield from (f"{prefix} {trunk}{number}", f"{prefix}-{trunk}-{number}", f"{prefix} ({trunk}) {number}")
        yield from (f"{prefix} ({trunk}){number}", f"({prefix}) {trunk}{number}", f"{prefix}{trunk}{number}")
    yield f"+({code}){trunk}{number}"
    yield from (f"tel:+{whole}", f"tel:{number};phone-context=+{code}", f"sms:+{whole}", f"+{whole};ext=12")
    yield from (f"+{whole} ext. 12", f"+{whole}x12", f"+{whole}#12", f"+{whole},,12", f"+{whole}p12", f"+{whole}*12")
    yield from (f"+{whole}/{number[-2:]}", f"+{whole} / {number}", f"+{whole}\n+{whole}", f"+{whole} {whole}")
    yield from (
        f"+{whole}\N{SUPERSCRIPT TWO}",
        f"+{whole[:-1]}\N{CIRCLED DIGIT ONE}",
        f"+{whole[:-1]}O",
        f"+{whole[:-1]}l",
    )
    yield from (
        f"+{code} 800 FLOWERS",
        f"\N{RIGHT-TO-LEFT OVERRIDE}+{whole}",
        f"+{whole}\N{COMBINING ENCLOSING KEYCAP}",
    )


def outcome(written: str, region: str | None) -> str | None:
    """What is sent; None for a refusal."""
    try:
        return clean_recipient(written, region)
    except InvalidRequestError:
        return None


def test_an_international_number_is_understood_however_it_is_written() -> None:
    for region, code, number, *_ in ROWS:
        for written in right(code, number):
            assert clean_recipient(written) == f"+{code}{number}", ascii(written)
            assert clean_recipient(written, region) == f"+{code}{number}", ascii(written)
            assert clean_whatsapp_number(written) == f"{code}{number}", ascii(written)


def test_every_other_spelling_leads_to_the_meant_number_or_nowhere() -> None:
    for region, code, number, trunk, _, home in ROWS:
        for written in doubtful(code, number, trunk, home):
            assert outcome(written, region) in (f"+{code}{number}", None), (region, ascii(written))
            assert outcome(written, None) in (f"+{code}{number}", None), ascii(written)


def test_without_the_library_every_other_spelling_leads_to_the_meant_number_or_nowhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "phonenumbers", None)
    for _, code, number, trunk, _, home in ROWS:
        for written in doubtful(code, number, trunk, home):
            assert outcome(written, None) in (f"+{code}{number}", None), ascii(written)


def test_with_the_region_a_number_is_understood_as_it_is_written_at_home() -> None:
    for region, code, number, _, abroad, home in ROWS:
        assert clean_recipient(home, region) == f"+{code}{number}", (region, home)
        assert clean_recipient(f"{abroad} {code} {number}", region) == f"+{code}{number}", (region, abroad)
