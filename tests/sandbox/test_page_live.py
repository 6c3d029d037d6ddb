"""How the phone page hears of changes: server-sent events, and asking."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from smsmobile.sandbox import Sandbox, server
from smsmobile.sandbox.page import live

PHONE = "+33639985678"
ALL = {
    "accounts",
    "phones",
    "messages",
    "outbox",
    "received",
    "by_hand",
    "calls",
    "notifications",
    "mails",
    "requests",
    "destinations",
    "deliveries",
    "faults",
    "seen",
}


class Stream:
    """Somebody who listens to `/_sandbox/live`."""

    def __init__(self, box: Sandbox) -> None:
        self.session = requests.Session()
        self.session.trust_env = False
        self.response = self.session.get(f"{box.url}/_sandbox/live", stream=True, timeout=5)
        self._lines = self.response.iter_lines(chunk_size=1, decode_unicode=True)

    def event(self) -> dict:
        """The next event."""
        for line in self._lines:
            if line.startswith("data: "):
                return json.loads(line.removeprefix("data: "))
        pytest.fail("the stream ended")

    def until(self, *names: str) -> set[str]:
        """Read until these tables have changed; what has."""
        changed = set()
        while not changed >= set(names):
            changed |= set(self.event()["changed"])
        return changed

    def line(self) -> str:
        """The next line with something in it."""
        return next(line for line in self._lines if line)

    def rest(self) -> list[str]:
        """Everything until the end."""
        return list(self._lines)

    def close(self) -> None:
        self.response.close()
        self.session.close()


@pytest.fixture
def listen(box: Sandbox) -> Iterator[Callable[[], Stream]]:
    streams: list[Stream] = []

    def begin() -> Stream:
        streams.append(Stream(box))
        return streams[-1]

    yield begin
    for stream in streams:
        stream.close()


def test_the_first_event_waits_for_nothing_and_names_every_table(listen, monkeypatch):
    monkeypatch.setattr(live, "GATHER", 3600.0)
    monkeypatch.setattr(live, "HEARTBEAT", 3600.0)
    stream = listen()
    assert stream.response.headers["Content-Type"].startswith("text/event-stream")
    assert stream.line() == "event: change"
    assert set(stream.event()["changed"]) == ALL


def test_a_new_message_is_told_before_the_heartbeat(listen, api, monkeypatch):
    monkeypatch.setattr(live, "HEARTBEAT", 3600.0)
    stream = listen()
    stream.event()
    api.send()
    assert stream.until("messages", "outbox", "requests") == {"messages", "outbox", "requests"}


def test_a_received_message_is_told(listen, box):
    stream = listen()
    stream.event()
    box.phone.receive(PHONE, "yes")
    assert stream.until("received") == {"received"}


def test_what_happens_in_a_moment_is_one_event(listen, box):
    stream = listen()
    stream.event()
    began = time.monotonic()
    for _ in range(500):
        box.phone.receive(PHONE, "yes")
    took = time.monotonic() - began
    box.phone.call(PHONE)
    events = 1
    while "calls" not in stream.event()["changed"]:
        events += 1
    assert events <= took / 0.1 + 2


def test_the_versions_of_events_and_of_changes_are_the_same(listen, page, box):
    stream = listen()
    version = stream.event()["version"]
    assert page.get("/changes", since=version) == {"version": version, "changed": []}
    box.phone.receive(PHONE, "yes")
    assert page.get("/changes", since=version)["changed"] == ["received"]
    assert page.get("/changes", since=version)["version"] == stream.event()["version"] > version


def test_asking_changes_nothing(page):
    version = page.get("/changes")["version"]
    page.get("/overview")
    page.get("/conversations")
    page.ask("GET", "/nonsense")
    assert page.get("/changes", since=version) == {"version": version, "changed": []}


def test_without_a_version_everything_may_have_changed(page):
    assert set(page.get("/changes")["changed"]) == ALL
    assert set(page.get("/changes", since=0)["changed"]) == ALL


def test_the_version_of_another_run_means_that_everything_may_have_changed(page, box):
    for _ in range(50):
        box.phone.receive(PHONE, "yes")
    version = page.get("/changes")["version"]
    with Sandbox() as next_run:
        for _ in range(100):
            next_run.phone.receive(PHONE, "yes")
        caller = next_run.app.test_client()
        assert set(caller.get(f"/_sandbox/changes?since={version}").json["changed"]) == ALL
    assert page.get("/changes", since=version)["changed"] == []
    assert set(page.get("/changes", since=version + 1)["changed"]) == ALL


def test_tokens_are_nobodys_business(page, api):
    version = page.get("/changes")["version"]
    api.token()
    assert page.get("/changes", since=version)["changed"] == ["requests"]


def test_a_stream_is_silent_about_tokens(listen, api, box, monkeypatch):
    monkeypatch.setattr(live, "HEARTBEAT", 0.3)
    api.token()
    stream = listen()
    stream.event()
    box.revoke_tokens()
    assert stream.line().startswith(":")


def test_moving_the_clock_is_told(listen, box):
    stream = listen()
    stream.event()
    box.clock.forward(60)
    assert "accounts" in stream.event()["changed"]


def test_a_silent_stream_shows_that_it_lives(listen, monkeypatch):
    monkeypatch.setattr(live, "HEARTBEAT", 0.05)
    stream = listen()
    stream.event()
    assert stream.line().startswith(":")
    assert stream.line().startswith(":")


def test_four_streams_at_most_and_a_fifth_is_told_what_to_do(listen, page, api):
    streams = [listen() for _ in range(4)]
    assert "/_sandbox/changes" in page.refused(503, "GET", "/live")
    for stream in streams:
        stream.event()
    api.send()
    for stream in streams:
        stream.until("messages")


def test_a_page_that_is_loaded_again_and_again_has_its_stream_each_time(box):
    for _ in range(12):
        stream = Stream(box)
        assert stream.response.status_code == 200
        stream.event()
        stream.close()


def test_a_reader_that_is_gone_is_noticed_by_the_heartbeat(box, monkeypatch, eventually):
    monkeypatch.setattr(live, "HEARTBEAT", 0.2)
    for _ in range(4):
        stream = Stream(box)
        stream.event()
        stream.close()
    eventually(lambda: box._page_context.live._open == 0)


def test_the_service_answers_while_all_streams_are_open(listen, api):
    for _ in range(4):
        listen()
    with ThreadPoolExecutor(12) as threads:
        assert len(list(threads.map(lambda number: api.send(message=str(number)), range(60)))) == 60


@pytest.fixture
def patient(monkeypatch):
    """What would not end by itself is waited for: until the test is over its time."""
    monkeypatch.setattr(live, "HEARTBEAT", 3600.0)
    monkeypatch.setattr(server, "PATIENCE", 3600.0)


def test_closing_the_sandbox_ends_the_streams(box, listen, patient):
    streams = [listen() for _ in range(4)]
    for stream in streams:
        stream.event()
    box.close()
    for stream in streams:
        assert [line for line in stream.rest() if line] == []


def test_closing_the_sandbox_in_the_middle_of_things_ends_the_streams(box, listen, patient):
    streams = [listen() for _ in range(4)]
    done = threading.Event()

    def busy() -> None:
        while not done.is_set():
            box.phone.receive(PHONE, "yes")

    thread = threading.Thread(target=busy)
    thread.start()
    try:
        for stream in streams:
            stream.until("received")
        box.close()
    finally:
        done.set()
        thread.join()


def test_a_closed_sandbox_opens_no_stream(box):
    box.close()
    assert not box._page_context.live.enter()


def test_a_reset_is_told(listen, box):
    box.phone.receive(PHONE, "yes")
    stream = listen()
    stream.event()
    box.reset()
    assert "received" in stream.until("accounts", "received")
