"""The page's files as they are shipped: no markup made of data, no other host, nothing inline."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest

STATIC = files("smsmobile.sandbox.page") / "static"
FILES = {file.name: file.read_text(encoding="utf-8") for file in STATIC.iterdir()}
SCRIPTS = [name for name in FILES if name.endswith(".js")]


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_makes_no_markup_of_data(name: str) -> None:
    words = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|\beval\b|new Function|setHTML"
    assert re.findall(words, FILES[name]) == []


@pytest.mark.parametrize("name", FILES)
def test_a_file_names_no_other_host(name: str) -> None:
    addresses = re.findall(r"https?://[^\"'`\s)]+", FILES[name])
    allowed = ("http://www.w3.org/2000/svg", "http://localhost:8000/webhooks/sms")
    assert [address for address in addresses if address not in allowed] == []


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_begins_by_saying_what_lives_there(name: str) -> None:
    assert FILES[name].startswith("// ")


def test_the_page_has_nothing_inline() -> None:
    page = FILES["index.html"]
    assert re.findall(r"\sstyle=|<style|\son\w+=|<script(?![^>]*\ssrc=)", page) == []
