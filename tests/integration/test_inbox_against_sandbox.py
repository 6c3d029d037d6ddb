"""`Inbox` against the sandbox: what the phone receives comes out once, whatever happens in between."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from smsmobile import AuthenticationError, SMSMobileClient, StorageError, SubscriptionExpired
from smsmobile.delivery import Inbox
from smsmobile.sandbox import Sandbox, events
from smsmobile.webhooks import SMSReceived, WebhookReceiver, parse_v1, sign

SENDER = "+33639985432"


@pytest.fixture
def client(box: Sandbox) -> Iterator[SMSMobileClient]:
    with SMSMobileClient(api_key=box.api_key, session=box.session(), max_retries=0) as client:
        yield client


@pytest.fixture
def inbox(client: SMSMobileClient) -> Inbox:
    return Inbox(client, "inbox.sqlite")


def take(inbox: Inbox, count: int) -> list[SMSReceived]:
    """So many messages, all of them handled."""
    taken: list[SMSReceived] = []
    for event in inbox.poll(interval=0):
        taken.append(event)
        if len(taken) == count:
            inbox.stop()
    return taken


def looks_once(inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What a single look brings."""
    with monkeypatch.context() as patched:
        patched.setattr(Inbox, "_wait", lambda self, seconds: self.stop())
        return [event.data.message for event in inbox.poll()]


def test_one_handler_serves_webhooks_of_both_kinds_and_the_inbox(inbox: Inbox, box: Sandbox) -> None:
    box.phone.receive("MPESA", "20.00 received")
    (polled,) = take(inbox, 1)
    (row,) = box._store.received
    first, second = events.received(row).body(1), events.received(row).body(2)
    assert first is not None
    assert second is not None

    pushed = parse_v1(first)
    now = int(box.clock.now().timestamp())
    headers = {"X-SMSMobileAPI-Timestamp": str(now), "X-SMSMobileAPI-Signature": sign(second, "whsec", now)}
    signed = WebhookReceiver(secrets=["whsec"]).receive(second, headers)

    assert type(polled) is type(pushed) is type(signed) is SMSReceived
    assert polled.id == pushed.id
    assert {**(polled.data.model_extra or {}), "id": None} == {**(pushed.data.model_extra or {}), "id": None}
    for event in (pushed, signed):
        assert (event.data.guid, event.data.sender, event.data.message) == (  # type: ignore[attr-defined]
            polled.data.guid,
            polled.data.sender,
            polled.data.message,
        )
    assert (polled.signed, polled.data.device, polled.data.alias) == (False, box.phone.sid, None)
    assert polled.data.received_at == row.received_at.replace(microsecond=row.received_at.microsecond // 1000 * 1000)
    assert polled.created_at == row.added_at.replace(microsecond=0)


def test_messages_come_in_the_order_in_which_the_phone_got_them(inbox: Inbox, box: Sandbox) -> None:
    now = box.clock.now().replace(microsecond=0) + timedelta(seconds=5)
    for number in (3, 1, 2):
        box.phone.receive(SENDER, f"second {number}", at=now + timedelta(seconds=number))
    for number in range(5):
        box.phone.receive(SENDER, f"first {number}", at=now)
    messages = [event.data.message for event in take(inbox, 8)]
    assert messages == [*(f"first {number}" for number in range(5)), "second 1", "second 2", "second 3"]


def test_a_restart_goes_on_where_the_last_one_ended(
    inbox: Inbox, client: SMSMobileClient, box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    box.phone.receive(SENDER, "one")
    assert len(take(inbox, 1)) == 1
    box.clock.forward(timedelta(days=3))
    box.phone.receive(SENDER, "two")
    again = Inbox(client, "inbox.sqlite")
    assert [event.data.message for event in take(again, 1)] == ["two"]
    assert looks_once(again, monkeypatch) == []


def test_what_comes_late_from_another_phone_is_not_missed(
    inbox: Inbox, box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = box.add_phone("Other")
    begin = box.clock.now()
    box.clock.forward(timedelta(hours=20))
    box.phone.receive(SENDER, "new")
    take(inbox, 1)
    other.receive(SENDER, "late", at=begin + timedelta(minutes=1))
    assert looks_once(inbox, monkeypatch) == ["late"]


def test_one_phone_of_several_can_be_listened_to(client: SMSMobileClient, box: Sandbox) -> None:
    other = box.add_phone("Other")
    inbox = Inbox(client, "other.sqlite", device=other.sid)
    box.phone.receive(SENDER, "not for us")
    other.receive(SENDER, "for us")
    assert [event.data.message for event in take(inbox, 1)] == ["for us"]


def test_faults_on_the_way_lose_and_double_nothing(inbox: Inbox, box: Sandbox) -> None:
    for kind in ("error_before", "error_after", "reset_after", "half_answer", "php_warning", "html_page"):
        box.faults.add(kind, probability=0.2, seed=11, path="/getsms/")
    expected = []
    seen: list[str] = []
    for number in range(40):
        box.phone.receive(SENDER, str(number))
        expected.append(str(number))
        if number % 5 == 4:
            seen += [event.data.message for event in take(inbox, 5)]
    assert seen == expected


def test_a_wrong_subscription_ends_the_poll_and_loses_nothing(inbox: Inbox, box: Sandbox) -> None:
    box.phone.receive(SENDER, "one")
    box.subscription_active = False
    with pytest.raises(SubscriptionExpired):
        take(inbox, 1)
    box.subscription_active = True
    assert [event.data.message for event in take(inbox, 1)] == ["one"]


def test_a_wrong_key_ends_the_poll_though_it_looks_like_an_empty_inbox(
    client: SMSMobileClient, box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    box.phone.receive(SENDER, "old", at=box.clock.now() - timedelta(hours=1))
    with SMSMobileClient(api_key="f" * 48, session=box.session()) as wrong, pytest.raises(AuthenticationError):
        take(Inbox(wrong), 1)
    assert looks_once(Inbox(client), monkeypatch) == []


def test_a_refused_token_ends_the_poll(box: Sandbox) -> None:
    with (
        SMSMobileClient(client_id=box.client_id, client_secret="wrong", session=box.session()) as client,
        pytest.raises(AuthenticationError),
    ):
        take(Inbox(client), 1)


def test_it_runs_in_a_thread_until_it_is_stopped(inbox: Inbox, box: Sandbox) -> None:
    seen: list[str] = []
    thread = threading.Thread(target=lambda: seen.extend(e.data.message for e in inbox.poll(interval=0.01)))
    thread.start()
    box.phone.receive(SENDER, "one")
    box.wait_for(lambda: seen)
    inbox.stop()
    thread.join(5)
    assert not thread.is_alive()
    assert seen == ["one"]


PROGRAM = """
import sys
from smsmobile import SMSMobileClient
from smsmobile.delivery import Inbox

with SMSMobileClient(api_key=sys.argv[1], base_url=sys.argv[2]) as client:
    print("ready", flush=True)
    for event in Inbox(client, "inbox.sqlite").poll(interval=float(sys.argv[3]), signals=True):
        print(event.data.message, flush=True)
print("the end", flush=True)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_program_ends_cleanly_on_a_signal_while_it_waits(number: signal.Signals, tmp_path: Path) -> None:
    with Sandbox() as box:
        command = [sys.executable, "-c", PROGRAM, box.api_key, box.url, "3600"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=tmp_path) as program:
            assert program.stdout is not None
            box.wait_for(lambda: any(request.path == "/getsms/" for request in box.requests), timeout=30)
            os.kill(program.pid, number)
            printed, _ = program.communicate(timeout=30)
    assert printed == "ready\nthe end\n"
    assert program.returncode == 0


def test_a_second_process_is_refused(inbox: Inbox, box: Sandbox, tmp_path: Path) -> None:
    box.phone.receive(SENDER, "one")
    polling = inbox.poll()
    next(polling)
    command = [sys.executable, "-W", "error", "-c", PROGRAM, "0" * 48, "http://127.0.0.1:9", "1"]
    second = subprocess.run(command, check=False, capture_output=True, text=True, cwd=tmp_path, timeout=60)
    assert StorageError.__name__ in second.stderr
    assert "in use by another process" in second.stderr
    polling.close()
    assert len(take(inbox, 1)) == 1
