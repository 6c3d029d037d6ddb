"""How texts compare with what the log has of them."""

from __future__ import annotations

import html

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsmobile._sent_log.comparison import comparable, fingerprint, fingerprint_and_look

LONG = "&#" + "9" * 4301


@pytest.mark.parametrize(
    ("reference", "char"),
    [("&#65;", "A"), ("&#" + "0" * 5000 + "65;", "A"), (LONG + ";", "\ufffd"), ("&#0000000000;", "\ufffd")],
)
def test_a_reference_to_a_character_may_have_any_length(reference: str, char: str) -> None:
    assert comparable(f"a {reference} b", without_links=False) == f"a {char} b"


@given(st.text(alphabet="&#0123456789xX;ab "))
def test_a_text_is_unescaped_as_html_does(text: str) -> None:
    assert comparable(text, without_links=False) == " ".join(html.unescape(text).split())


def test_links_are_left_out_where_the_service_may_have_shortened_them(subtests: pytest.Subtests) -> None:
    for text, without_links in [
        ("see https://example.org/a?b=c now", "see <link> now"),
        ("(www.example.org)", "(<link>"),
        ("see example.org/a, or b", "see <link> or b"),
        ("wait...example.org/a", "<link>"),
        ("...example.org/a", "...<link>"),
        ("-sub.example.org/a", "-<link>"),
        ("example.org alone, 1/2, a.b/c and x.y/", "example.org alone, 1/2, a.b/c and x.y/"),
    ]:
        with subtests.test(text=text):
            assert comparable(text, without_links=True) == without_links


@pytest.mark.parametrize("text", ["no link", "see example.org/a", "www.example.org", "a &amp; b https://example.org"])
def test_texts_look_the_same_if_they_differ_in_their_links_alone(text: str) -> None:
    look = fingerprint("33639980011", text, "text_without_links")
    assert fingerprint_and_look("33639980011", text, "text") == (fingerprint("33639980011", text, "text"), look)
    assert fingerprint_and_look("33639980011", text, "text_without_links") == (look, look)


def test_an_encrypted_message_has_no_look() -> None:
    expected = fingerprint("33639980011", "a text", "number"), ""
    assert fingerprint_and_look("33639980011", "a text", "number") == expected
