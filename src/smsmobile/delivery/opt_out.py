"""`is_opt_out` and `is_opt_in` tell whether a received SMS asks for no more messages, or for messages again."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable
from functools import lru_cache

from .._input.arguments import shown
from ..errors import InvalidRequestError

__all__ = ["is_opt_in", "is_opt_out"]


def __dir__() -> list[str]:
    return __all__


# Without accents, in lower case, with a space for punctuation, as `_plain` makes them. A word that is a common answer
# in another of the languages is left out: "fine" (Italian for "end"), "dur" (Turkish for "stop", French for "hard").
_OPT_OUT = {
    "cs": ["stop", "odhlasit", "odhlasit se", "zrusit", "konec"],
    "da": ["stop", "stopp", "afmeld", "afmelding", "frameld", "framelding"],
    "de": ["stop", "stopp", "abmelden", "abmeldung", "abbestellen"],
    "en": ["stop", "stopall", "stop all", "unsubscribe", "end", "quit", "cancel", "revoke", "opt out", "optout"],
    "es": ["stop", "baja", "alto", "cancelar", "detener", "parar", "dar de baja", "darme de baja"],
    "fi": ["stop", "lopeta", "peruuta", "peru tilaus"],
    "fr": [
        *("stop", "arret", "arreter", "arretez", "desabonnement", "desabonner", "me desabonner"),
        *("desinscrire", "me desinscrire", "desinscription"),
    ],
    "it": ["stop", "basta", "annulla", "cancella", "cancellami", "disiscrivi", "disiscrivimi"],
    "nl": ["stop", "stoppen", "afmelden", "uitschrijven", "opzeggen"],
    "no": ["stop", "stopp", "avslutt", "avmeld", "meld av"],
    "pl": ["stop", "wypisz", "wypisz mnie", "rezygnuje", "rezygnacja", "anuluj", "koniec"],
    "pt": ["stop", "parar", "pare", "sair", "cancelar", "descadastrar", "remover"],
    "sv": ["stop", "stopp", "avsluta", "avregistrera", "avanmal", "avanmalan"],
    "tr": ["stop", "ret", "iptal", "cik", "cikis"],
}
_OPT_IN = {
    "cs": ["start", "prihlasit", "prihlasit se", "odebirat"],
    "da": ["start", "tilmeld"],
    "de": ["start", "anmelden", "abonnieren"],
    "en": ["start", "unstop", "subscribe", "opt in", "optin"],
    "es": ["start", "alta", "suscribir", "suscribirme", "darme de alta"],
    "fi": ["start", "aloita", "tilaa"],
    "fr": ["start", "abonner", "m abonner", "inscrire", "m inscrire", "inscription"],
    "it": ["start", "iscrivi", "iscrivimi"],
    "nl": ["start", "aanmelden", "inschrijven"],
    "no": ["start", "abonner", "meld pa"],
    "pl": ["start", "zapisz", "zapisz mnie", "subskrybuj"],
    "pt": ["start", "assinar", "inscrever", "subscrever"],
    "sv": ["start", "starta", "prenumerera", "anmal"],
    "tr": ["start", "basla", "abone ol"],
}
_POLITE = [
    *("please", "pls", "plz", "thanks", "thank you", "svp", "stp", "s il vous plait", "s il te plait", "merci"),
    *("bitte", "danke", "por favor", "gracias", "obrigado", "obrigada", "per favore", "grazie", "alstublieft", "aub"),
    *("prosze", "tack", "tak", "takk", "kiitos", "prosim", "dekuji", "lutfen"),
]


def is_opt_out(text: str, languages: Iterable[str] | None = None) -> bool:
    """Whether a received text is the word by which people ask for no more messages, such as STOP, ARRÊT or BAJA.

    text: the whole text of the SMS. Case, accents, width, punctuation, emoji, a repetition and a "please" make no
        difference: "Stop.", "ARRÊT !" and "STOP STOP" are opt-outs. With any other word it is none: "stop by at ten".
    languages: codes of the languages whose words count: cs, da, de, en, es, fi, fr, it, nl, no, pl, pt, sv and tr. All
        of them without it. STOP counts in every language.

    Raises InvalidRequestError for what is no text, and for a language that is not known.
    """
    return _consists_of(_phrases(_OPT_OUT, languages), _plain(text))


def is_opt_in(text: str, languages: Iterable[str] | None = None) -> bool:
    """Whether a received text is the word by which people ask for messages again, such as START, UNSTOP or SUBSCRIBE.

    text: the whole text of the SMS, read as by `is_opt_out`. "Yes" is no opt-in, since it can answer anything, and
        neither is a question: "START?".
    languages: codes of the languages whose words count, as for `is_opt_out`. START counts in every language.

    Raises InvalidRequestError for what is no text, and for a language that is not known.
    """
    phrases, plain = _phrases(_OPT_IN, languages), _plain(text)
    return "?" not in unicodedata.normalize("NFKC", text) and _consists_of(phrases, plain)


def _plain(text: object) -> str:
    """The words of a text, without accents, in lower case, with one space between them."""
    if not isinstance(text, str):
        raise InvalidRequestError(f"The text is of type {type(text).__name__}; expected that of an SMS (str).")
    plain = []
    for char in unicodedata.normalize("NFKD", text).casefold().replace("\u0131", "i"):  # the Turkish i without a dot
        if char.isalnum():
            plain.append(char)
        elif unicodedata.category(char) not in ("Mn", "Me", "Cf"):  # accents, and characters without a width
            plain.append(" ")
    return " ".join("".join(plain).split())


def _phrases(table: dict[str, list[str]], languages: object) -> frozenset[str]:
    if isinstance(languages, str) or not isinstance(languages, Iterable | None):
        what = "one text (str)" if isinstance(languages, str) else f"of type {type(languages).__name__}"
        raise InvalidRequestError(f'languages is {what}; expected several codes, such as ["en", "fr"].')
    codes = list(table) if languages is None else list(languages)
    unknown = [code for code in codes if not isinstance(code, str) or code not in table]
    if unknown or not codes:
        problem = f"languages contains {shown(str(unknown[0]))!r}" if unknown else "languages is empty"
        raise InvalidRequestError(f"{problem}; expected codes of {', '.join(sorted(table))}, or None for all.")
    return frozenset(phrase for code in codes for phrase in table[code])


def _consists_of(phrases: Collection[str], plain: str) -> bool:
    rest = _any_of(frozenset(phrases)).sub("", plain)
    return rest != plain and not _any_of(frozenset(_POLITE)).sub("", rest).strip()


@lru_cache(maxsize=64)
def _any_of(phrases: frozenset[str]) -> re.Pattern[str]:
    """The longest first, so that nothing is left of "stop all"."""
    longest_first = sorted(phrases, key=lambda phrase: (-len(phrase), phrase))
    return re.compile(rf"(?<!\S)(?:{'|'.join(longest_first)})(?!\S)")
