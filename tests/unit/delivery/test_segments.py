"""How many segments a text takes."""

from __future__ import annotations

import unicodedata

import gsm0338
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsmobile.delivery import Segments, count_segments
from smsmobile.delivery._segments import BASIC, EXTENSION

CODEC = gsm0338.Codec()
EVERYTHING = [chr(code) for code in range(0x3000) if unicodedata.category(chr(code)) != "Cs"]


def septets(char: str) -> int | None:
    """How many septets a library that is looked after makes of it; None where there is no such character."""
    try:
        return len(CODEC.encode(char)[0])
    except UnicodeEncodeError:
        return None


def test_the_tables_are_those_of_the_standard() -> None:
    ours = {**dict.fromkeys(BASIC, 1), **dict.fromkeys(EXTENSION, 2)}
    theirs = {char: count for char in EVERYTHING if (count := septets(char)) is not None and char != "\x1b"}
    assert ours == theirs
    assert len(BASIC) == len(set(BASIC)) == 127  # and the escape
    assert len(EXTENSION) == len(set(EXTENSION)) == 10


def test_a_text_is_counted_as_a_phone_sends_it(subtests: pytest.Subtests) -> None:
    for text, expected in [
        ("", ("GSM-7", 0, 1)),
        ("Bonjour à tous, voilà", ("GSM-7", 21, 1)),
        ("x" * 160, ("GSM-7", 160, 1)),
        ("x" * 161, ("GSM-7", 161, 2)),
        ("x" * 306, ("GSM-7", 306, 2)),
        ("x" * 307, ("GSM-7", 307, 3)),
        ("€" * 80, ("GSM-7", 160, 1)),
        ("€" * 81, ("GSM-7", 162, 2)),
        ("x" + "€" * 152, ("GSM-7", 305, 2)),
        # 153 septets in a part: the 77th euro does not fit behind 76, and begins the next part.
        ("€" * 153, ("GSM-7", 306, 3)),
        ("façade", ("UCS-2", 6, 1)),  # only the capital is in GSM-7
        ("ж" * 70, ("UCS-2", 70, 1)),
        ("ж" * 71, ("UCS-2", 71, 2)),
        ("ж" * 134, ("UCS-2", 134, 2)),
        ("ж" * 135, ("UCS-2", 135, 3)),
        ("😀" * 35, ("UCS-2", 70, 1)),
        ("😀" * 36, ("UCS-2", 72, 2)),
        # 67 units in a part: an emoji is not cut in half.
        ("😀" * 67, ("UCS-2", 134, 3)),
        ("\ud83d", ("UCS-2", 1, 1)),
    ]:
        with subtests.test(text=text):
            assert count_segments(text)[:3] == expected


@given(st.text(alphabet=st.sampled_from(BASIC + EXTENSION + "ж😀"), max_size=500))
def test_no_part_is_too_long_and_no_character_is_lost(text: str) -> None:
    counted = count_segments(text)

    assert isinstance(counted, Segments)
    alone, each = (160, 153) if counted.encoding == "GSM-7" else (70, 67)
    assert (counted.parts == 1) == (counted.units <= alone)
    assert counted.units <= counted.parts * max(each, alone if counted.parts == 1 else 0)
    # A part is left with one unit free at most.
    assert counted.parts == 1 or counted.units > (counted.parts - 1) * (each - 1)


@given(st.text(max_size=300))
def test_gsm_is_used_exactly_where_every_character_has_septets(text: str) -> None:
    counts = [None if char == "\x1b" else septets(char) for char in text]
    counted = count_segments(text)
    if None in counts:
        assert counted.encoding == "UCS-2"
    else:
        assert (counted.encoding, counted.units) == ("GSM-7", sum(filter(None, counts)))


def test_it_says_which_characters_make_a_text_ucs2_each_once_in_their_order() -> None:
    assert count_segments("Ça va, c’est l’été… 😀 ça").not_gsm7 == ("’", "…", "😀", "ç")  # noqa: RUF001
    assert count_segments("1 € is [fine]").not_gsm7 == ()


@given(st.text(max_size=100))
def test_a_text_is_ucs2_exactly_because_of_the_characters_named(text: str) -> None:
    counted = count_segments(text)
    assert list(counted.not_gsm7) == list(dict.fromkeys(c for c in text if c == "\x1b" or septets(c) is None))
    assert (counted.encoding == "UCS-2") == bool(counted.not_gsm7)
