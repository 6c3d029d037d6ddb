"""Opt-out from end to end: a person writes STOP to the phone, a webhook records it, and the next campaign obeys."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from smsmobile import SMSMobileClient
from smsmobile.delivery import BulkSender, Inbox, MemorySuppression, SendStatus, SQLiteSuppression, record_opt_out
from smsmobile.sandbox import Sandbox
from smsmobile.webhooks import MemoryEventStore, SMSReceived, WebhookEndpoint, WebhookReceiver

SECRET = "whsec_of_the_tests_0123456789"
NUMBER, OTHER_NUMBER = "+33639980011", "+12025550123"
REPLY = "You get no more messages from us."
SENT, SUPPRESSED, DUPLICATE = SendStatus.SENT, SendStatus.SUPPRESSED, SendStatus.DUPLICATE
PATIENCE = 60.0
"""Seconds after which a test fails that waits for something."""


@contextmanager
def served(endpoint: WebhookEndpoint) -> Iterator[str]:
    """Serve an endpoint over HTTP. Yields its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            answer = endpoint.answer("POST", body, dict(self.headers.items()))
            self.send_response(answer.status)
            self.end_headers()
            self.wfile.write(answer.text.encode())

        def log_message(self, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def texts_to(box: Sandbox, number: str) -> list[str]:
    """What the service accepted for a number."""
    with SMSMobileClient(api_key=box.api_key, base_url=box.url) as client:
        return [row.message for row in client.sms.log() if row.recipient == number]


def test_who_writes_stop_gets_no_campaign_until_they_write_start(
    box: Sandbox, client: SMSMobileClient, tmp_path: Path
) -> None:
    suppression = SQLiteSuppression(tmp_path / "suppressed.sqlite")
    endpoint = WebhookEndpoint(WebhookReceiver(SECRET), MemoryEventStore())
    replies = tmp_path / "replies.sqlite"

    @endpoint.on(SMSReceived)
    def handle(event: SMSReceived) -> None:
        record_opt_out(event, suppression, reply=REPLY, client=client, journal=replies)

    def campaign(name: str) -> list[SendStatus]:
        bulk = BulkSender(client, journal=tmp_path / "campaigns.sqlite", suppression=suppression)
        rows = [{"to": to, "text": f"Offer {name}", "key": f"{name} {to}"} for to in (NUMBER, OTHER_NUMBER)]
        statuses = {outcome.key: outcome.status for outcome in bulk.send(rows)}
        return [statuses[str(row["key"])] for row in rows]

    with served(endpoint) as url:
        box.add_webhook(url, secret=SECRET)
        assert campaign("1") == [SENT, SENT]
        for text in ("Stop.", "STOP", "stop!"):
            box.phone.receive(NUMBER, text)
        box.wait_for_deliveries(PATIENCE)
        assert campaign("2") == [SUPPRESSED, SENT]
        box.phone.receive(NUMBER, "START")
        box.wait_for_deliveries(PATIENCE)
        assert campaign("3") == [SENT, SENT]
        assert campaign("2") == [SENT, DUPLICATE], "what was kept back is sent when its campaign is run again"
    assert sorted(texts_to(box, NUMBER)) == sorted(["Offer 1", REPLY, "Offer 3", "Offer 2"])
    assert sorted(texts_to(box, OTHER_NUMBER)) == ["Offer 1", "Offer 2", "Offer 3"]


def test_an_inbox_records_it_as_well(box: Sandbox, client: SMSMobileClient, tmp_path: Path) -> None:
    suppression = MemorySuppression()
    inbox = Inbox(client, tmp_path / "inbox.sqlite")
    box.phone.receive(NUMBER, "STOP")
    box.phone.receive(OTHER_NUMBER, "When do you open?")
    others = [event.data.message for event in inbox.poll_once() if not record_opt_out(event, suppression)]
    assert others == ["When do you open?"]
    assert list(suppression) == [NUMBER.removeprefix("+")]


# --- killed at the worst moment -----------------------------------------------------------------------------

APPLICATION = """
    import os, signal, socket, sys
    from http.server import BaseHTTPRequestHandler, HTTPServer
    from pathlib import Path
    from smsmobile import SMSMobileClient
    from smsmobile.delivery import SQLiteSuppression, opt_out_recording, record_opt_out
    from smsmobile.webhooks import SMSReceived, SQLiteEventStore, WebhookEndpoint, WebhookReceiver

    listening, folder, url, api_key, secret, reply, dies = sys.argv[1:]
    folder = Path(folder)
    client = SMSMobileClient(api_key=api_key, base_url=url)
    suppression = SQLiteSuppression(folder / "suppressed.sqlite")
    endpoint = WebhookEndpoint(WebhookReceiver(secret), SQLiteEventStore(folder / "events.sqlite", lease=0.5))

    def die():
        os.kill(os.getpid(), signal.SIGKILL)

    def die_instead(*args, **options):
        die()

    if dies == "before the answer":
        opt_out_recording.send_once = die_instead

    @endpoint.on(SMSReceived)
    def handle(event):
        if dies == "before the list":
            die()
        record_opt_out(event, suppression, reply=reply, client=client, journal=folder / "replies.sqlite")
        if dies == "after the answer":
            die()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            answer = endpoint.answer("POST", body, dict(self.headers.items()))
            self.send_response(answer.status)
            self.end_headers()

        def log_message(self, *args):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler, bind_and_activate=False)
    server.socket.close()
    server.socket = socket.socket(fileno=int(listening))
    server.serve_forever()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
@pytest.mark.parametrize(
    "dies",
    [
        pytest.param("before the list", marks=pytest.mark.long),
        "before the answer",
        pytest.param("after the answer", marks=pytest.mark.long),
    ],
)
def test_whenever_the_handler_is_killed_the_person_is_on_the_list_and_answered_once(
    box: Sandbox, tmp_path: Path, dies: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listening = listener.fileno()
        command = [sys.executable, "-c", textwrap.dedent(APPLICATION), str(listening), str(tmp_path)]
        command += [box.url, box.api_key, SECRET, REPLY]
        box.add_webhook(f"http://127.0.0.1:{listener.getsockname()[1]}", secret=SECRET)
        box.phone.receive(NUMBER, "STOP")
        dead = subprocess.run([*command, dies], pass_fds=[listening], timeout=PATIENCE, check=False)
        assert dead.returncode == -signal.SIGKILL
        living = subprocess.Popen([*command, "never"], pass_fds=[listening])
        try:
            box.phone.receive(NUMBER, "STOP")
            box.wait_for_deliveries(PATIENCE)
        finally:
            living.kill()
            living.wait(PATIENCE)
    statuses = [attempt.status for attempt in box.deliveries]
    assert (statuses[0], statuses[-1]) == (None, 202)
    assert list(SQLiteSuppression(tmp_path / "suppressed.sqlite")) == [NUMBER.removeprefix("+")]
    assert texts_to(box, NUMBER) == [REPLY]
