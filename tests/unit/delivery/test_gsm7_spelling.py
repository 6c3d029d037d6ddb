"""`suggest_gsm7`: what it spells in another way, what it leaves alone, and that it never makes a text dearer."""

# ruff: noqa: RUF001 - characters that look like others are what this is about

from __future__ import annotations

import gsm0338
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from smsmobile.delivery import count_segments, suggest_gsm7
from smsmobile.delivery._segments import BASIC, EXTENSION

CODEC = gsm0338.Codec()
TRICKY = st.sampled_from(
    BASIC + EXTENSION + "…ﷺ½²≠´¨œﬁêçőłжй가😀❤\ufe0f\u0301\u0338\u20e3\u200b\u200d\u00a0\u2028\ud83d"
)
TEXTS = st.one_of(st.text(max_size=300), st.text(TRICKY, max_size=300))


def is_gsm7(text: str) -> bool:
    """By a library that is looked after."""
    try:
        CODEC.encode(text)
    except UnicodeEncodeError:
        return False
    return "\x1b" not in text


@pytest.mark.parametrize(
    ("text", "suggested"),
    [
        ("“Hi”, „hallo‟, «salut», ‘a’ ‚b‛ ‹c›", "\"Hi\", \"hallo\", \"salut\", 'a' 'b' 'c'"),
        ("l’été, l´eau, l`eau, 5′ 6″", "l'été, l'eau, l'eau, 5' 6\""),
        ("9–12 — non‑stop − • ―", "9-12 - non-stop - - -"),
        ("Wait… ‼", "Wait... !!"),
        ("10\u00a0€\u202f! a\u2009b\u3000c\td", "10 € ! a b c d"),
        ("one\u2028two\x85three", "one\ntwo\nthree"),
        ("par\u00adcel\u200b \ufeffhere", "parcel here"),
        ("être à Málaga, ça, Škoda, ÁÈÎ, ẽ ế", "etre à Malaga, ca, Skoda, AEI, e e"),
        ("Łódź, đ, ı, İ, ș, ț, þ, ð, œuvre, Œ, ẞ", "Lodz, d, i, I, s, t, th, d, oeuvre, OE, SS"),
        ("ő Ű ñ", "ö Ü ñ"),
        ("ﬁn, oﬀ, ĳ, ﬂ", "fin, off, ij, fl"),
        ("ＡＢ１！", "AB1!"),
        ("1ᵉʳ 2ª 3º № 4 ™ © ® 2×3", "1er 2a 3o No 4 TM (c) (R) 2x3"),
        ("e\u0301te\u0301 e\u0302 n\u0303 x\u0301", "été e ñ x"),
        ("Press 1\ufe0f\u20e3", "Press 1"),
    ],
)
def test_what_gsm7_lacks_is_spelled_with_what_it_has(text: str, suggested: str) -> None:
    assert suggest_gsm7(text) == suggested
    assert is_gsm7(suggested)


@pytest.mark.parametrize(
    "text",
    [
        "😀 👩\u200d❤\ufe0f\u200d👨 ✔",
        "Привет, й",
        "καλημέρα Ά",
        "10² + 1½ + H₂O + ①",  # not 102, 11/2, H2O and 1
        "a ≠ b ≮ c",  # not a = b
        "¨ ¯ ¸",
        "日本 한국 ｱ",
        "\u0301",
        "\ud83d",
        "\x1b",
    ],
)
def test_what_has_no_sensible_spelling_stays_as_it_is(text: str) -> None:
    assert suggest_gsm7(text) == text


def test_what_stays_does_not_keep_the_rest_from_being_spelled_and_can_be_named() -> None:
    suggested = suggest_gsm7("C’est prêt 😀")
    assert suggested == "C'est pret 😀"
    assert count_segments(suggested).not_gsm7 == ("😀",)


def test_a_spelling_that_would_take_more_segments_is_not_suggested() -> None:
    assert suggest_gsm7("…" * 70) == "…" * 70
    assert suggest_gsm7("…" * 50) == "..." * 50


@given(TEXTS)
@example("…" * 54)
def test_a_suggestion_never_takes_more_segments(text: str) -> None:
    assert count_segments(suggest_gsm7(text)).parts <= count_segments(text).parts


@given(TEXTS)
def test_a_suggestion_has_no_new_character_outside_gsm7(text: str) -> None:
    assert set(count_segments(suggest_gsm7(text)).not_gsm7) <= set(count_segments(text).not_gsm7)


@given(st.text(st.sampled_from(BASIC + EXTENSION), max_size=300))
def test_a_text_in_gsm7_is_returned_as_it_is(text: str) -> None:
    assert is_gsm7(text)
    assert suggest_gsm7(text) == text
