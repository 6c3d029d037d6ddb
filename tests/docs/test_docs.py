"""The documentation is true: its snippets run against the sandbox, its links resolve, and no public name is missing.

Every ```python block of a page is executed as it stands, in order, in one namespace per page. The credentials that the
pages show (`your-api-key` …) are the sandbox's, and the sandbox is the default base URL. What a page needs and a
reader does not, it may carry in an HTML comment, `<!-- setup: … -->`.
"""

from __future__ import annotations

import json
import re
import sys
import textwrap
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from importlib.util import find_spec
from itertools import chain
from pathlib import Path
from threading import Timer
from types import ModuleType
from typing import Any, NamedTuple
from urllib.parse import unquote

import pytest

import smsmobile
import smsmobile.delivery
import smsmobile.sandbox
import smsmobile.webhooks
from smsmobile import SMSMobileClient
from smsmobile._wire.endpoints import ENDPOINTS
from smsmobile.config import _VARIABLES, PREFIX
from smsmobile.sandbox import Sandbox

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md", *sorted(DOCS.glob("*.md"))]
LANGUAGES = {"python", "console", "text", "ini", "json"}
SECRET = "a-webhook-secret-of-the-documentation"

_FENCE = re.compile(r"^ *```(?P<language>\S*)\s*$")
_SETUP = re.compile(r"<!-- setup:(?P<code>.*?)-->", re.DOTALL)
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\((?P<target>[^)\s]+)\)")
_HEADING = re.compile(r"^#{1,6} +(?P<title>.+?) *#*$", re.MULTILINE)


class Block(NamedTuple):
    language: str
    line: int
    code: str


every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


def blocks_of(text: str) -> Iterator[Block]:
    """The fenced blocks, with the number of their first line. A fence that is never closed is an error."""
    opened: tuple[str, int] | None = None
    lines: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        fence = _FENCE.match(line)
        if opened is None:
            if fence:
                opened, lines = (fence["language"], number + 1), []
        elif fence and not fence["language"]:
            yield Block(*opened, textwrap.dedent("\n".join(lines)))
            opened = None
        else:
            lines.append(line)
    assert opened is None, f"the block that begins in line {opened and opened[1]} has no end"


def code_of(text: str) -> list[Block]:
    """What is to be executed: the python blocks and the hidden set-up, in the order of the page."""
    hidden = (
        Block("python", text.count("\n", 0, setup.start("code")) + 1, textwrap.dedent(setup["code"]))
        for setup in _SETUP.finditer(text)
    )
    shown = (block for block in blocks_of(text) if block.language == "python")
    return sorted(chain(hidden, shown), key=lambda block: block.line)


def prose_of(text: str) -> str:
    """The page without its blocks and inline code, in which nothing is a link or a heading."""
    kept, inside = [], False
    for line in text.splitlines():
        fence = _FENCE.match(line)
        if not fence and not inside:
            kept.append(line)
        inside = inside != bool(fence)
    return "\n".join(kept)


def anchors_of(page: Path) -> tuple[set[str], set[str]]:
    """The anchors that a code host makes of the headings, and those that mkdocs makes."""
    titles = [
        re.sub(r"[`*]|\]\([^)]*\)|\[", "", title) for title in _HEADING.findall(prose_of(page.read_text("utf-8")))
    ]
    words = [re.sub(r"[^\w\s-]", "", title.lower()).strip() for title in titles]
    return {re.sub(r"\s", "-", word) for word in words}, {re.sub(r"[-\s]+", "-", word) for word in words}


@pytest.fixture
def box(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """The sandbox that the snippets reach by default, with the credentials that the pages show and something in it."""
    credentials = {name: "your-" + name.replace("_", "-") for name in ("api_key", "client_id", "client_secret")}
    with Sandbox(**credentials) as box:
        monkeypatch.setitem(SMSMobileClient.__init__.__kwdefaults__, "base_url", box.url)
        monkeypatch.setenv("SMSMOBILEAPI_BASE_URL", box.url)
        monkeypatch.setenv("SMSMOBILEAPI_API_KEY", box.api_key)
        monkeypatch.setenv("SMSMOBILEAPI_WEBHOOK_SECRET", SECRET)
        monkeypatch.setenv("SMSMOBILEAPI_MAILBOX_KEY", box.mailbox.key)
        a_minute_ago = datetime.now(timezone.utc) - timedelta(minutes=1)
        box.phone.receive("+33639985678", "Are you there?", at=a_minute_ago)
        box.phone.receive_whatsapp("+33639985678", "Is it ready?", name="Jordan")
        box.phone.call("+33639985678")
        box.phone.call("+33639985678", "Jordan", kind="incoming", seconds=42)
        box.phone.send_by_hand("+33639985678", "I call you later.")
        box.mailbox.receive("ann@example.com", "Re: Order 7", "Thanks")
        box.phone.fail("+33639980000")
        with SMSMobileClient.from_env() as client:
            client.sms.send("+33639980000", "This one fails on the phone.")
        yield box


@pytest.fixture
def run(box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], dict[str, Any]]:
    """Executes a page and gives its names. The blocks that need Django are left out where it is not installed."""

    def run(page: Path) -> dict[str, Any]:
        module = ModuleType("a_page_of_the_documentation")
        monkeypatch.setitem(sys.modules, module.__name__, module)
        for block in code_of(page.read_text("utf-8")):
            if needs_django(block):
                if find_spec("django") is None:
                    continue
                _configure_django()
            # The empty lines in front give a failure the line number of the page.
            exec(compile("\n" * (block.line - 1) + block.code, str(page), "exec"), module.__dict__)
        return module.__dict__

    return run


def needs_django(block: Block) -> bool:
    return bool(re.search(r"^(from|import) django\b", block.code, re.MULTILINE))


@every_page
def test_the_snippets_run(page: Path, run: Callable[[Path], dict[str, Any]]) -> None:
    run(page)
    lines = [block.line for block in code_of(page.read_text("utf-8")) if needs_django(block)]
    if lines and find_spec("django") is None:
        pytest.skip(f"Django is not installed: the blocks in lines {lines} were left out, all others ran")


def test_the_doubt_on_the_page_about_sending_is_settled(
    run: Callable[[Path], dict[str, Any]], box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = run(DOCS / "sending.md")
    serve, pauses = box.app.wsgi_app, []

    def lose_the_answers_to_sends(environ: Any, start_response: Any) -> Any:
        if environ["PATH_INFO"] != "/sendsms/":
            return serve(environ, start_response)
        list(serve(environ, lambda *_: None))
        start_response("502 Bad Gateway", [("Content-Length", "0")])
        return []

    monkeypatch.setattr(box.app, "wsgi_app", lose_the_answers_to_sends)
    monkeypatch.setattr(page["time"], "sleep", pauses.append)
    before = len(box.phone.outbox)
    guid = page["send_and_settle"]("+33639981234", "This one is in doubt.")
    assert [message.guid for message in box.phone.outbox[before:]] == [guid]
    assert pauses == [2]


def test_the_webhook_of_version_1_on_the_page_about_receiving(run: Callable[[Path], dict[str, Any]]) -> None:
    page = run(DOCS / "receiving.md")
    (address,) = [str(rule) for rule in page["app"].url_map.iter_rules() if "v1" in str(rule)]
    payload = {"message": "Hello", "number": "+12025550123", "guid": "abcde12345"}
    assert page["browser"].post(address, json=payload).status_code == 200
    assert page["browser"].post(address, json={}).status_code == 400
    assert page["seen"].add("abcde12345") is False

    event = page["parse_v1"](json.dumps(payload))
    assert page["key_of"](event) == "sms.received abcde12345"
    assert page["key_of"](event.model_copy(update={"data": event.data.model_copy(update={"guid": None})})) == event.id


def test_the_inbox_on_the_page_about_it_hands_over_what_comes_in(
    run: Callable[[Path], dict[str, Any]], box: Sandbox
) -> None:
    page = run(DOCS / "inbox.md")
    box.phone.receive("+33639985678", "Is it ready?")
    handled = []

    def handle(event: Any) -> None:
        handled.append(event.data.message)
        page["inbox"].stop()

    page["handle"] = handle
    in_the_end = Timer(30, page["inbox"].stop)  # else it would wait for ever where nothing comes
    in_the_end.start()
    page["main"]()
    in_the_end.cancel()
    assert handled == ["Is it ready?"]


def _configure_django() -> None:
    import django
    from django.conf import settings

    if not settings.configured:
        settings.configure(SECRET_KEY=SECRET, ALLOWED_HOSTS=["testserver"], USE_TZ=True, LOGGING_CONFIG=None)
        django.setup()


@every_page
def test_every_block_says_what_it_is(page: Path) -> None:
    """Else a `py` block would look like Python and never be executed; and mkdocs knows no blocks inside of lists."""
    text = page.read_text("utf-8")
    assert [block for block in blocks_of(text) if block.language not in LANGUAGES] == []
    assert re.findall(r"^ +```.*", text, re.MULTILINE) == []


@every_page
def test_the_links_resolve(page: Path) -> None:
    broken = []
    for target in _LINK.findall(re.sub(r"`[^`\n]*`", "", prose_of(page.read_text("utf-8")))):
        if target.startswith(("https://", "http://", "mailto:")):
            continue
        path, _, anchor = unquote(target).partition("#")
        other = (page.parent / path).resolve() if path else page
        outside = page.parent == DOCS and DOCS not in other.parents  # mkdocs knows nothing outside
        if outside or not other.exists() or (anchor and not all(anchor in known for known in anchors_of(other))):
            broken.append(target)
    assert broken == []


@pytest.mark.parametrize(
    "package",
    [smsmobile, smsmobile.delivery, smsmobile.webhooks, smsmobile.sandbox],
    ids=lambda package: package.__name__,
)
def test_every_public_name_is_documented(package: ModuleType) -> None:
    documentation = "\n".join(page.read_text("utf-8") for page in DOCS.glob("*.md"))
    assert [name for name in package.__all__ if not re.search(rf"(?<!\w){name}(?!\w)", documentation)] == []


def test_every_variable_is_documented() -> None:
    documentation = (DOCS / "authentication.md").read_text("utf-8")
    assert [name for name in _VARIABLES.values() if f"`{PREFIX}{name}`" not in documentation] == []


def test_every_endpoint_that_can_be_overridden_is_documented() -> None:
    documentation = (DOCS / "service-facts.md").read_text("utf-8")
    missing = [name for name, endpoint in ENDPOINTS.items() if f"`{name}`" not in documentation]
    assert missing == []
    assert [name for name, endpoint in ENDPOINTS.items() if f"`{endpoint.path}`" not in documentation] == []


def test_every_page_is_in_the_table_of_pages() -> None:
    index = (DOCS / "index.md").read_text("utf-8")
    assert [page.name for page in DOCS.glob("*.md") if page.name != "index.md" and f"({page.name})" not in index] == []
