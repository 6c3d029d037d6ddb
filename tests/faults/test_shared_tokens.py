"""One token for many processes: their store is a file, and its lock keeps them from fetching one token each."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from smsmobile.sandbox import Sandbox

pytest.importorskip("fcntl", reason="the lock of this store is fcntl's, which Windows does not have")

PROCESSES, FEW = 4, 3
PROGRAM = """
import fcntl, os, sys
from contextlib import contextmanager
from pathlib import Path
from smsmobile import OAuth2ClientCredentials, SMSMobileClient, Token

class FileTokenStore:
    def __init__(self, file):
        self.file = file

    def get(self, key):
        try:
            return Token.model_validate_json(self.file.read_bytes())
        except FileNotFoundError:
            return None

    def set(self, key, token):
        new = self.file.with_suffix(f".{os.getpid()}")
        new.write_text(token.model_dump_json())
        new.replace(self.file)

    def delete(self, key):
        self.file.unlink(missing_ok=True)

class LockedTokenStore(FileTokenStore):
    @contextmanager
    def lock(self, key):
        with open(self.file.with_suffix(".lock"), "w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

kind, file, url, client_id, client_secret = sys.argv[1:]
auth = OAuth2ClientCredentials(client_id, client_secret, store=globals()[kind](Path(file)))
with SMSMobileClient(auth, base_url=url) as client:
    print("ready", flush=True)
    for text in sys.stdin:
        client.sms.send("+33639981234", text.strip())
        print("sent", flush=True)
"""


class Programs:
    """The processes. Each sends a message whenever it is told to."""

    def __init__(self, box: Sandbox, file: Path, kind: str, count: int) -> None:
        arguments = [kind, str(file), box.url, box.client_id, box.client_secret]
        self.running = [
            subprocess.Popen(
                [sys.executable, "-c", PROGRAM, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
            for _ in range(count)
        ]
        self.expect("ready")

    def send(self, text: str) -> None:
        """Let all send at once, and wait for them."""
        for program in self.running:
            assert program.stdin is not None
            program.stdin.write(f"{text}\n")
            program.stdin.flush()
        self.expect("sent")

    def expect(self, line: str) -> None:
        for program in self.running:
            assert program.stdout is not None
            assert program.stdout.readline() == f"{line}\n"

    def stop(self) -> None:
        for program in self.running:
            program.kill()
            program.communicate()


@contextmanager
def programs(box: Sandbox, file: Path, kind: str, count: int = PROCESSES) -> Iterator[Programs]:
    running = Programs(box, file, kind, count)
    try:
        yield running
    finally:
        running.stop()


@pytest.fixture
def box() -> Iterator[Sandbox]:
    with Sandbox() as box:
        box.faults.add("latency", path="/oauth2/token", seconds=1.0)  # time for all to find that there is no token
        yield box


@pytest.mark.long
def test_processes_that_start_at_once_fetch_one_token_and_after_its_refusal_another_one(
    box: Sandbox, tmp_path: Path
) -> None:
    with programs(box, tmp_path / "token.json", "LockedTokenStore") as running:
        running.send("Bonjour")
        assert box.tokens_issued == 1
        box.revoke_tokens()
        running.send("Bonsoir")
        assert box.tokens_issued == 2
    assert len(box.phone.outbox) == 2 * PROCESSES


@pytest.mark.long
def test_a_process_that_is_killed_with_the_lock_keeps_no_other_from_sending(box: Sandbox, tmp_path: Path) -> None:
    with programs(box, tmp_path / "token.json", "LockedTokenStore", FEW) as running:
        first = running.running.pop()
        assert first.stdin is not None
        first.stdin.write("Adieu\n")
        first.stdin.flush()
        box.wait_for(lambda: box.tokens_issued == 1, timeout=60)  # it holds the lock, and waits for the answer
        first.kill()
        first.communicate()
        running.send("Bonjour")
    assert box.tokens_issued == 2
    assert len(box.phone.outbox) == FEW - 1


@pytest.mark.long
def test_a_store_without_a_lock_still_serves_all_processes(box: Sandbox, tmp_path: Path) -> None:
    with programs(box, tmp_path / "token.json", "FileTokenStore", FEW) as running:
        running.send("Bonjour")
    assert len(box.phone.outbox) == FEW
    assert box.tokens_issued > 1, "the processes did not start at once: the other tests show nothing"
