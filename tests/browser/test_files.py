"""The page's files as they are shipped: no markup made of data, no other host, nothing inline."""

from __future__ import annotations

import re
from importlib.resources import files

STATIC = files("smsmobile.sandbox.page") / "static"
FILES = {file.name: file.read_text(encoding="utf-8") for file in STATIC.iterdir()}
SCRIPTS = [name for name in FILES if name.endswith(".js")]


def test_no_script_makes_markup_of_data() -> None:
    words = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|\beval\b|new Function|setHTML"
    assert [(name, found) for name in SCRIPTS if (found := re.findall(words, FILES[name]))] == []


def test_no_file_names_another_host() -> None:
    allowed = {"http://www.w3.org/2000/svg", "http://localhost:8000/webhooks/sms"}
    addresses = {name: set(re.findall(r"https?://\w[^\"'`\s)]*", text)) for name, text in FILES.items()}
    assert {name: others for name, named in addresses.items() if (others := named - allowed)} == {}


def test_every_script_begins_by_saying_what_lives_there() -> None:
    assert SCRIPTS
    assert [name for name in SCRIPTS if not FILES[name].startswith("// ")] == []


def test_the_page_has_nothing_inline() -> None:
    page = FILES["index.html"]
    assert re.findall(r"\sstyle=|<style|\son\w+=|<script(?![^>]*\ssrc=)", page) == []
