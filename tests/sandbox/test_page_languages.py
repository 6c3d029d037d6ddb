"""The page's texts: the same in both languages, each used, and none left in the page itself. No browser is needed."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from importlib.resources import files

import pytest

from smsmobile.sandbox.fault_kinds import KINDS
from smsmobile.sandbox.recipients import MAGIC

STATIC = files("smsmobile.sandbox.page") / "static"
PAGE = (STATIC / "index.html").read_text(encoding="utf-8")
SCRIPTS = {
    file.name: file.read_text(encoding="utf-8")
    for file in STATIC.iterdir()
    if file.name.endswith(".js") and not file.name.startswith("strings-")
}
NAMES = ("smsmobile", "smsmobile sandbox", "sandbox", "SID", "SMS", "WhatsApp")
"""What is called so in every language."""
KEYS = ("Enter", "Home", "End", "Escape", "English", "Français")
"""What may stand in a script: names of keys, and what a language calls itself. In connect.js there is code to copy."""
SAID = {f"fault.{kind}" for kind in KINDS} | {f"fault.{kind}.about" for kind in KINDS} | {f"magic.{to}" for to in MAGIC}
"""What the sandbox itself says in English, under keys of its own."""
SENTENCE = "said."
"""The beginning of a key that is a whole sentence of it."""


def strings(language: str) -> dict[str, str]:
    """A strings file: JSON but for its comments, and what makes a module of it."""
    lines = (STATIC / f"strings-{language}.js").read_text(encoding="utf-8").splitlines()
    text = "\n".join(line for line in lines if not line.lstrip().startswith("//"))
    pairs = json.loads(text.strip().removeprefix("export default").removesuffix(",\n};") + "}", object_pairs_hook=list)
    assert len({key for key, _ in pairs}) == len(pairs), "a key stands there twice"
    return dict(pairs)


EN, FR = strings("en"), strings("fr")


def used() -> tuple[set[str], set[str]]:
    """The keys in the page and in its scripts, and the beginnings of those that a script puts together."""
    parts = "|".join(sorted({key.partition(".")[0] for key in (*EN, *FR)}))
    keys = set(re.findall(r'data-t(?:-[a-z-]+)?="([^"]*)"', PAGE))
    beginnings = set()
    for text in SCRIPTS.values():
        keys |= set(re.findall(rf'"((?:{parts})\.\w+)"', text))
        beginnings |= set(re.findall(rf"`((?:{parts})\.\w*)\$\{{", text))
    return keys, beginnings


def test_both_languages_have_the_same_keys_in_the_same_order():
    assert [key for key in FR if key not in SAID and not key.startswith(SENTENCE)] == list(EN)


def test_what_the_sandbox_says_is_there_in_french():
    assert {key for key in FR if key not in EN and not key.startswith(SENTENCE)} == SAID


REFUSED = [
    ("/phones/<sid>", {"battery": 101}),
    ("/phones/<sid>", {"battery": -1}),
    ("/phones/<sid>", {"battery": None}),
    ("/phones/<sid>", {"delay": None}),
    ("/phones/<sid>/messages", {"sender": "A" * 101, "text": ""}),
    ("/phones", {"label": " "}),
    ("/phones/none", {}),
    ("/webhooks", {"url": "http://example.org/", "secret": "a secret"}),
    ("/webhooks/99/resume", {}),
    ("/deliveries/99/again", {}),
    ("/clock", {"forward": 1e12}),
]
"""What a form, or a button that comes too late, is refused with."""


def test_what_the_forms_are_refused_with_is_there_in_french(page, box):
    webhook = box.add_webhook("http://localhost:9/", secret="a secret")
    delivery = page.post(f"/webhooks/{webhook.id}/test", type="sms.received")["id"]
    webhook.remove()
    answers = [page.ask("POST", path.replace("<sid>", box.phone.sid), json=body) for path, body in REFUSED]
    answers.append(page.ask("POST", f"/deliveries/{delivery}/again", json={}))
    answers.append(page.ask("GET", "/entries/none"))
    answers.append(page.ask("DELETE", "/faults/99"))
    answers.append(page.ask("DELETE", f"/phones/{box.phone.sid}"))
    told = [answer.json()["error"] for answer in answers]
    patterns = [
        re.sub(r"\\{\w+\\}", ".+", re.escape(key.removeprefix(SENTENCE))) for key in FR if key.startswith(SENTENCE)
    ]
    assert [one for one in told if not any(re.fullmatch(pattern, one) for pattern in patterns)] == []
    assert [pattern for pattern in patterns if not any(re.fullmatch(pattern, one) for one in told)] == []


@pytest.mark.parametrize("part", [r"\{\w+\}", r"`[^`]+`", r"^ ", r" $"], ids=["values", "code", "start", "end"])
def test_both_texts_of_a_key_have_the_same(part):
    assert [key for key in EN if sorted(re.findall(part, FR[key])) != sorted(re.findall(part, EN[key]))] == []


def test_a_text_that_depends_on_a_number_has_both_forms():
    forms = {key.removesuffix(".one") for key in EN if key.endswith(".one")}
    assert forms
    assert forms == {key.removesuffix(".other") for key in EN if key.endswith(".other")}


def test_every_key_that_is_used_exists():
    keys, beginnings = used()
    assert {key for key in keys if key not in EN and f"{key}.other" not in EN} == set()
    assert {start for start in beginnings if not any(key.startswith(start) for key in FR)} == set()


def test_every_key_is_used():
    keys, beginnings = used()
    assert {
        key for key in EN if re.sub(r"\.(one|other)$", "", key) not in keys and not key.startswith(tuple(beginnings))
    } == set()


def test_the_page_itself_has_no_text():
    found: list[str] = []

    class Texts(HTMLParser):
        def handle_starttag(self, tag, attrs):
            found.extend(value for name, value in attrs if name in ("title", "aria-label", "alt") and value)

        def handle_data(self, data):
            if (
                re.search(r"\w", data) and "JavaScript" not in data
            ):  # which is told in both languages, since no script can
                found.append(data.strip())

    Texts().feed(PAGE)
    assert [text for text in found if text not in NAMES] == []


def test_no_script_has_a_text_of_its_own():
    literals = r"""["`]([A-Z][a-z]+(?:[ .,:…][^"`]*)?)["`]"""
    code = {name: re.sub(r"(?m)^\s*(//|/?\*).*|\s// .*", "", text) for name, text in SCRIPTS.items()}
    found = {(name, text) for name, script in code.items() for text in re.findall(literals, script)}
    assert {(name, text) for name, text in found if text not in KEYS and name != "connect.js"} == set()


def test_french_has_its_own_signs_and_spaces():
    wrong = r"'|\.\.\.|[“”]|[^\u202f][;!?]|[^\u00a0][:»]|«[^\u00a0]"
    assert {
        key: found for key, text in FR.items() if (found := re.findall(wrong, re.sub(r"https?://|::1", "", text)))
    } == {}


def test_no_text_is_empty():
    assert [key for key, text in (*EN.items(), *FR.items()) if not text.strip()] == []
