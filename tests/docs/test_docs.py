"""The documentation is true: its snippets run against the sandbox, its links resolve, and no public name is missing.

Every ```python block of a page is executed as it stands, twice. A block that imports anything runs alone, as a reader
pastes it. And all blocks of a page run in order, in one namespace, since a block without imports continues the page.
The credentials that the pages show (`your-api-key` …) are the sandbox's, and the sandbox is the default base URL. The
databases that they show (`db.example`, `redis.example`) are servers of the tests' own.
"""

from __future__ import annotations

import builtins
import inspect
import os
import re
import sqlite3
import sys
import textwrap
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress
from datetime import datetime, timedelta, timezone
from dis import get_instructions
from pathlib import Path
from threading import Timer
from types import CodeType, ModuleType
from typing import Any, NamedTuple
from urllib.parse import unquote

import pytest
import redis
import sqlalchemy

import smsmobile
import smsmobile.auth
import smsmobile.contrib.celery
import smsmobile.contrib.flask
import smsmobile.contrib.redis
import smsmobile.contrib.sqlalchemy
import smsmobile.contrib.starlette
import smsmobile.delivery
import smsmobile.sandbox
import smsmobile.testing
import smsmobile.webhooks
from smsmobile import SMSMobileClient
from smsmobile._wire.endpoints import ENDPOINTS
from smsmobile.config import _VARIABLES, PREFIX
from smsmobile.sandbox import Sandbox

from ..stores.postgresql import PostgreSQLServer
from ..stores.redis_server import RedisServer

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md", *sorted(DOCS.glob("*.md"))]
LANGUAGES = {"python", "console", "text", "ini", "json"}

_FENCE = re.compile(r"^ *```(?P<language>\S*)\s*$")
_IMPORT = re.compile(r"^ *(?:from [\w.]+ )?import ", re.MULTILINE)
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


def code_of(page: Path) -> list[Block]:
    """The python blocks of a page. Those about Django and queues are files of a project, which their own tests run."""
    if page.name in {"django.md", "queues.md"}:
        return []
    return [block for block in blocks_of(page.read_text("utf-8")) if block.language == "python"]


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
        monkeypatch.setitem(inspect.unwrap(SMSMobileClient.__init__).__kwdefaults__, "base_url", box.url)
        monkeypatch.setenv("SMSMOBILEAPI_BASE_URL", box.url)
        monkeypatch.setenv("SMSMOBILEAPI_API_KEY", box.api_key)
        monkeypatch.setenv("SMSMOBILEAPI_WEBHOOK_SECRET", "your-webhook-secret")
        monkeypatch.setenv("WEBHOOK_URL_TOKEN", smsmobile.webhooks.new_url_token())
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


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQLServer]:
    server = PostgreSQLServer()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    yield server
    server.stop()


@pytest.fixture(autouse=True)
def _databases(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Empty databases at the addresses that the pages show. The servers are started when a block connects to them.

    A block is skipped if its server is not installed.
    """
    create_engine, from_url = sqlalchemy.create_engine, redis.Redis.from_url
    with ExitStack() as opened:

        def engine_of(address: str, **options: Any) -> sqlalchemy.Engine:
            if address == "postgresql+psycopg://app@db.example/app":
                server: PostgreSQLServer = request.getfixturevalue("postgresql")
                address = server.url(server.new_schema())
            engine = create_engine(address, **options)
            opened.callback(engine.dispose)
            return engine

        def client_of(address: str, **options: Any) -> redis.Redis:
            assert address == "redis://redis.example:6379/0"
            client = from_url(request.getfixturevalue("redis_server").url, **options)
            opened.callback(client.close)
            client.flushdb()
            return client

        monkeypatch.setattr(sqlalchemy, "create_engine", engine_of)
        monkeypatch.setattr(redis.Redis, "from_url", client_of)
        yield


def global_names(code: CodeType) -> set[str]:
    """The global names that the functions of this code use, also those that nothing has called."""
    used = {step.argval for step in get_instructions(code) if step.opname == "LOAD_GLOBAL"}
    return used.union(*(global_names(inner) for inner in code.co_consts if isinstance(inner, CodeType)))


class Page:
    """The namespace of a page, or of one of its blocks."""

    def __init__(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._path = path
        module = ModuleType("app")  # as the tests of an application import it
        monkeypatch.setitem(sys.modules, module.__name__, module)
        self.names: dict[str, Any] = module.__dict__

    def run(self, block: Block) -> None:
        # The empty lines in front give a failure the line number of the page.
        code = compile("\n" * (block.line - 1) + block.code, str(self._path), "exec", dont_inherit=True)
        exec(code, self.names)
        assert global_names(code) - set(self.names) - set(dir(builtins)) == set()


@pytest.fixture
def run(box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], dict[str, Any]]:
    """Executes a page and gives its names.

    A block whose server is not installed is left out. The test that runs it alone is skipped, with the reason.
    """

    def run(path: Path) -> dict[str, Any]:
        page = Page(path, monkeypatch)
        for block in code_of(path):
            with suppress(pytest.skip.Exception):
                page.run(block)
        return page.names

    return run


@pytest.mark.filterwarnings("ignore:Using `httpx` with")  # of Starlette's TestClient
@every_page
def test_the_blocks_of_a_page_run_in_order(page: Path, run: Callable[[Path], dict[str, Any]]) -> None:
    run(page)


@pytest.mark.parametrize(
    ("page", "block"),
    [
        pytest.param(page, block, id=f"{page.name}:{block.line}")
        for page in PAGES
        for block in code_of(page)
        if _IMPORT.search(block.code) and "from app import" not in block.code
    ],
)
def test_a_block_that_imports_anything_runs_alone(
    page: Path, block: Block, box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    Page(page, monkeypatch).run(block)


def test_the_example_in_the_docstring_of_the_package_runs_alone(box: Sandbox) -> None:
    example = "\n".join(re.findall(r"^    .*", str(smsmobile.__doc__), re.MULTILINE))
    exec(compile(textwrap.dedent(example), "smsmobile", "exec", dont_inherit=True), {})
    assert box.phone.outbox[-1].message == "Bonjour"


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


def test_the_page_about_many_machines_prints_what_it_says(
    run: Callable[[Path], dict[str, Any]],
    box: Sandbox,
    postgresql: PostgreSQLServer,
    redis_server: RedisServer,
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = len(box.phone.outbox)
    run(DOCS / "many-machines.md")
    printed = ["sent", "duplicate sent", "sent", "sent", "appointment-17 sent"]
    assert capsys.readouterr().out.splitlines() == printed
    assert len(box.phone.outbox) - before == 4


def test_the_page_about_campaigns_prints_what_it_says(
    run: Callable[[Path], dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    page = DOCS / "campaigns.md"
    run(page)
    said = re.findall(r"^print\(.*\) +# (.*)$", page.read_text("utf-8"), re.MULTILINE)
    table = re.search(r"^\| messages \|(.*\n\|)+.*$", page.read_text("utf-8"), re.MULTILINE)
    assert table is not None
    *outcomes, printed = capsys.readouterr().out.split("\n", 2)
    assert sorted(outcomes) == ["code-18 sent", "reminder-17 sent"]  # outcomes come in any order
    assert printed.splitlines() == [*said, *table[0].splitlines()]


def test_the_route_on_the_page_about_many_machines_sends_once(
    run: Callable[[Path], dict[str, Any]], box: Sandbox
) -> None:
    browser = run(DOCS / "many-machines.md")["app"].test_client()
    before = len(box.phone.outbox)

    def ask(order: str, phone: str) -> tuple[int, dict[str, Any]]:
        answer = browser.post(f"/orders/{order}/confirmation", data={"phone": phone})
        return answer.status_code, answer.get_json()

    assert ask("17", "+33639981234") == (200, {"status": "sent", "recorded": None, "reason": None})
    assert ask("17", "+33639981234") == (200, {"status": "duplicate", "recorded": "sent", "reason": None})
    assert ask("18", "06 39 98 12 34")[0] == 400
    box.phone.switch_off()
    assert ask("18", "+33639981234")[0] == 503
    box.phone.switch_on()
    assert ask("18", "+33639981234")[0] == 200
    assert len(box.phone.outbox) - before == 2


@pytest.mark.usefixtures("postgresql", "redis_server")
def test_the_page_about_opt_out_prints_what_it_says(
    run: Callable[[Path], dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    page = run(DOCS / "opt-out.md")
    sent, suppressed, in_sql, in_redis, row, end, words = capsys.readouterr().out.splitlines()
    assert [sent, suppressed, in_sql, in_redis] == ["sent", "True", "True", "True"]
    assert row.startswith("row 4: ")
    assert [end, words] == ["3 True False", "True False True"]
    assert Path("export.txt").read_text().split() == ["12025550123", "33639981234", "33639985678"]
    assert [path for path in ("replies.sqlite", "sms-events.sqlite") if Path(path).exists()] == []
    assert page["create_app"]().test_client().get("/sms/webhook").status_code == 405


def test_the_webhook_of_version_1_on_the_page_about_receiving(
    run: Callable[[Path], dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    page = run(DOCS / "receiving.md")
    address = "/webhooks/sms-v1/" + os.environ["WEBHOOK_URL_TOKEN"]
    browser = page["app_v1"].test_client()
    payload = {"message": "Hello", "number": "+12025550123", "guid": "abcde12345"}
    assert [browser.post(address, json=payload).status_code for _ in range(2)] == [202, 200]
    assert browser.post(address, json={}).status_code == 400
    assert browser.post(address + "x", json=payload).status_code == 401
    assert capsys.readouterr().out.count("+12025550123 Hello False") == 1


def test_what_is_stored_on_the_page_about_receiving_is_stored_once_and_never_goes_back(
    run: Callable[[Path], dict[str, Any]],
) -> None:
    page = run(DOCS / "receiving.md")
    now = "2026-09-23T12:00:00Z"
    envelope = {"id": "an-event", "api_version": None, "created_at": now, "occurred_at": now}
    received = page["SMSReceived"].model_validate(
        {**envelope, "data": {"guid": "a", "from": "MPESA", "message": "yes"}}
    )
    for _ in range(2):
        page["store_answer"](received)
    for name in ("SMSSent", "SMSSubmitted", "SMSFailed"):
        page["store_state"](page[name].model_validate({**envelope, "data": {"guid": "a"}}))
    with closing(sqlite3.connect("orders.sqlite")) as database:
        assert database.execute("SELECT * FROM answers").fetchall() == [("a", "MPESA", "yes")]
        assert database.execute("SELECT * FROM states").fetchall() == [("a", 3, "sms.sent")]


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
    box.phone.receive("+33639985678", "And now?")
    page["look"]()
    page["look"]()
    assert handled == ["Is it ready?", "And now?"]


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
    [
        smsmobile,
        smsmobile.auth,
        smsmobile.contrib.celery,
        smsmobile.contrib.flask,
        smsmobile.contrib.redis,
        smsmobile.contrib.sqlalchemy,
        smsmobile.contrib.starlette,
        smsmobile.delivery,
        smsmobile.sandbox,
        smsmobile.testing,
        smsmobile.webhooks,
    ],
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
