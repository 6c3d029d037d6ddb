"""`is_opt_out` and `is_opt_in`: the words of each language, how people type them, and what is none of them."""

# ruff: noqa: RUF001 - characters that look like others are what this is about

from __future__ import annotations

import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsmobile import InvalidRequestError
from smsmobile.delivery import is_opt_in, is_opt_out
from smsmobile.delivery.opt_out import _OPT_IN, _OPT_OUT, _POLITE, _plain

LANGUAGES = {
    "cs": (["STOP", "Odhlásit", "zrušit", "Konec"], ["START", "Přihlásit"], ["odhlásit zítra", "konec týdne", "ano"]),
    "da": (["STOP", "Afmeld", "FRAMELD"], ["START", "Tilmeld"], ["stop ved stationen", "afmeld mødet", "ja"]),
    "de": (
        ["STOP", "STOPP", "Abmelden", "ABBESTELLEN"],
        ["START", "Anmelden"],
        ["Stopp die Lieferung", "Wo kann ich mich abmelden", "nicht abmelden", "Ende", "ja"],
    ),
    "en": (
        [
            "STOP",
            "STOPALL",
            "STOP ALL",
            "UNSUBSCRIBE",
            "END",
            "QUIT",
            "CANCEL",
            "opt-out",
            "Stop please",
            "stop, thanks",
        ],
        ["START", "UNSTOP", "Subscribe", "opt in"],
        [
            *(
                "stop by at ten",
                "don't stop",
                "end of the week",
                "cancel my order",
                "nonstop",
                "non-stop",
                "stop2",
                "all",
            ),
            *("bus stop", "The end", "stopped", "fine", "please", "thank you", "stop you", "STOP 36180", "yes", "ok"),
        ],
    ),
    "es": (
        ["STOP", "BAJA", "Alto", "CANCELAR", "darme de baja", "Baja, por favor"],
        ["START", "ALTA", "suscribirme"],
        ["en voz baja", "cancelar la cita", "muy alto", "sí"],
    ),
    "fi": (["STOP", "Lopeta", "PERUUTA"], ["START", "Tilaa"], ["lopeta jo tämä", "peru", "kyllä"]),
    "fr": (
        ["STOP", "ARRET", "Arrêt", "DESABONNEMENT", "Désabonnement", "désinscrire", "Stop svp", "STOP s'il vous plaît"],
        ["START", "M'abonner", "inscription"],
        ["arrêt de bus", "stop ou encore", "sans arrêt", "dur", "fin", "oui", "d'accord", "STOP au 36180"],
    ),
    "it": (
        ["STOP", "Basta", "ANNULLA", "disiscrivimi", "Stop, grazie"],
        ["START", "Iscrivimi"],
        ["basta così", "annulla l'appuntamento", "fine", "sì"],
    ),
    "nl": (
        ["STOP", "Afmelden", "UITSCHRIJVEN"],
        ["START", "Aanmelden"],
        ["stop maar bij mij", "niet afmelden", "einde", "ja"],
    ),
    "no": (["STOP", "STOPP", "Avslutt", "meld av"], ["START", "Meld på"], ["stopp der", "slutt på uka", "ja"]),
    "pl": (["STOP", "Wypisz", "REZYGNUJĘ", "koniec"], ["START", "Zapisz"], ["koniec tygodnia", "nie rezygnuję", "tak"]),
    "pt": (["STOP", "PARAR", "Sair", "cancelar"], ["START", "Inscrever"], ["vou sair agora", "não parar", "sim"]),
    "sv": (["STOPP", "STOP", "Avsluta", "avanmäl"], ["START", "Prenumerera"], ["stopp där", "avsluta inte", "ja"]),
    "tr": (
        ["STOP", "RET", "İPTAL", "iptal", "IPTAL", "ÇIKIŞ", "çıkış"],
        ["START", "BAŞLA", "abone ol"],
        ["iptal etme", "dur", "evet"],
    ),
}
"""What opts out, what opts in, and what does neither, whatever languages count."""


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_words_of_a_language_and_what_only_looks_like_them(language: str, subtests: pytest.Subtests) -> None:
    outs, ins, neither = LANGUAGES[language]
    for expected, texts in (((True, False), outs), ((False, True), ins), ((False, False), neither)):
        for text in texts:
            for languages in (None, [language]):
                with subtests.test(text=text, languages=languages):
                    assert (is_opt_out(text, languages), is_opt_in(text, languages)) == expected


def test_every_language_is_tested_and_has_words_of_both_kinds() -> None:
    assert LANGUAGES.keys() == _OPT_OUT.keys() == _OPT_IN.keys()


@pytest.mark.parametrize(
    "text",
    [
        *("Stop.", "ARRÊT !", "arre\u0302t", "STOP STOP", "stop, stop, STOP!!!", "« stop »", '"Stop"', "(stop)"),
        *(
            "STOP 😡",
            "🛑 Stop ✋🏽",
            "STOP❗\ufe0f",
            "\u200bSTOP\ufeff",
            "st\u00adop",
            "ＳＴＯＰ",
            "\n stop\r\n",
            "*stop*",
        ),
        *("STOP\nunsubscribe", "Please STOP", "stop - stop all", "Unsubscribe!", "stop?", "Stop\u00a0!"),
    ],
)
def test_an_opt_out_counts_however_it_is_typed(text: str) -> None:
    assert is_opt_out(text)


@pytest.mark.parametrize("text", ["", " ", "!", "🛑", "STOP START", "UNSTOP", "un-stop", "stop 1", "s top", "stop не"])
def test_whatever_else_is_said_makes_it_no_opt_out(text: str) -> None:
    assert not is_opt_out(text)


@pytest.mark.parametrize(
    "text", ["yes", "Y", "ok", "START?", "Start ？", "STOP START", "don't start", "start at ten", ""]
)
def test_consent_is_not_read_into_a_text(text: str) -> None:
    assert not is_opt_in(text)


def test_only_the_languages_asked_for_count() -> None:
    assert is_opt_out("Baja")
    assert is_opt_out("Baja", ["en", "es"])
    assert is_opt_out("Baja", {"es"})
    assert not is_opt_out("Baja", ["en", "fr"])
    assert is_opt_in("Alta", iter(["es"]))
    assert not is_opt_in("Alta", ("it",))


@pytest.mark.parametrize("asks", [is_opt_out, is_opt_in])
@pytest.mark.parametrize(
    ("languages", "problem"),
    [
        (["en", "xx"], r"'xx'; expected codes of cs, da, de, en, .*, tr, or None for all"),
        (["EN"], "'EN'"),
        ([None], "'None'"),
        ("en", r'expected several codes, such as \["en", "fr"\]'),
        ([], "empty"),
        (7, r'of type int; expected several codes, such as \["en", "fr"\]'),
    ],
)
def test_a_language_that_is_not_known_is_an_error(asks: Any, languages: Any, problem: str) -> None:
    with pytest.raises(InvalidRequestError, match=problem):
        asks("STOP", languages)


def test_the_tables_are_written_as_texts_are_read() -> None:
    phrases = [phrase for table in (_OPT_OUT, _OPT_IN) for words in table.values() for phrase in words] + _POLITE
    assert [phrase for phrase in phrases if _plain(phrase) != phrase] == []


def test_no_word_means_two_things() -> None:
    outs, ins = (set().union(*table.values()) for table in (_OPT_OUT, _OPT_IN))
    assert outs & ins == (outs | ins) & set(_POLITE) == set()


def widened(text: str) -> str:
    return "".join(chr(ord(char) + 0xFEE0) if "!" <= char <= "~" else char for char in text)


PHRASES = st.sampled_from([word for outs, _, _ in LANGUAGES.values() for word in outs])
SPELLINGS = st.sampled_from(
    [
        str.upper,
        str.lower,
        str.title,
        widened,
        lambda text: unicodedata.normalize("NFD", text),
        lambda text: unicodedata.normalize("NFC", text),
        lambda text: text.replace(" ", "\u00a0"),
    ]
)
AROUND = st.text(st.sampled_from(" .,!?;:…-–*«»“”'\"()\n\t\u00a0\u200b😀🛑✋🏽❤\ufe0f\u200d"), max_size=5)


@given(st.lists(PHRASES, min_size=1, max_size=4), st.lists(SPELLINGS, max_size=3), st.data())
def test_case_width_punctuation_emoji_and_repetition_make_no_difference(
    phrases: list[str], spellings: list[Any], data: st.DataObject
) -> None:
    text = data.draw(AROUND) + "".join(f"{phrase} {data.draw(AROUND)}" for phrase in phrases)
    for spelled in spellings:
        text = spelled(text)
    assert is_opt_out(text)
    assert not is_opt_in(text)


@given(PHRASES, st.sampled_from(["not", "by", "my order", "36180", "ж", "nicht", "x"]), st.booleans())
def test_any_other_word_makes_it_none(phrase: str, other: str, is_first: bool) -> None:
    assert not is_opt_out(f"{other} {phrase}" if is_first else f"{phrase} {other}")


@given(st.text())
def test_any_text_can_be_asked_about_and_is_never_both(text: str) -> None:
    assert not (is_opt_out(text) and is_opt_in(text))


@pytest.mark.parametrize("asks", [is_opt_out, is_opt_in])
@pytest.mark.parametrize("wrong", [None, b"STOP", 7])
def test_what_is_no_text_is_an_error(asks: Any, wrong: Any) -> None:
    with pytest.raises(InvalidRequestError, match=r"The text is of type .*; expected"):
        asks(wrong)
