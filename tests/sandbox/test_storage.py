"""`Sandbox(db=…)`: what is kept over a restart, what a kill leaves, and files that cannot be used."""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import requests

from smsmobile import SMSMobileClient
from smsmobile.sandbox import Sandbox
from smsmobile.sandbox.database import VERSION
from smsmobile.sandbox.rows import Notification

PHONE = "+33639985678"


@pytest.fixture
def file(tmp_path):
    return tmp_path / "sandbox.sqlite"


@pytest.fixture
def kept(file):
    """A sandbox with the file, each time it is called; the one before is closed."""
    boxes = []

    def make(**more):
        close()
        boxes.append(Sandbox(db=file, **more).start())
        return boxes[-1]

    def close():
        while boxes:
            boxes.pop().close()

    yield make
    close()


def client(box):
    return SMSMobileClient(api_key=box.api_key, base_url=box.url)


def rows(box):
    with box._store.lock:
        return {table.name: list(table) for table in box._store.tables}


def send(box, text="hi", to=PHONE, **more):
    with client(box) as sms:
        return sms.sms.send(to, text, **more).guid


def change(file, statement, *values):
    with sqlite3.connect(file) as connection:
        connection.execute(statement, values)
    connection.close()


# What is kept


def test_everything_is_there_again(kept, receiver):
    box = kept()
    box.add_webhook(receiver.url, secret="whsec", types=["sms.received"]).rotate_secret("next")
    box.faults.add("latency", seconds=0, probability=0.5, seed=7)
    second = box.add_phone("Second")
    second.battery = 3
    second.switch_off()
    box.phone.fail("+33639980000")
    for recipient in (PHONE, "+33639980000", "+12025550103"):
        send(box, "Grüße 👋\n\t\"'\\", recipient)
    box.phone.receive("MPESA", "hi")
    box.phone.receive_whatsapp(PHONE, "spoken", name="Taylor", voice_seconds=2.5)
    box.phone.send_by_hand(PHONE, "by hand")
    box.phone.call(PHONE, "Taylor", kind="incoming", seconds=30)
    with requests.Session() as session:
        session.get(
            f"{box.url}/notification/send",
            params={"apikey": box.api_key, "sid": box.phone.sid, "message": "hi"},
            timeout=5,
        )
        shown = {"peer": "MPESA", "up_to": 1000}
        session.post(f"{box.url}/_sandbox/phones/{box.phone.sid}/seen", json=shown, timeout=5).raise_for_status()
    with SMSMobileClient(client_id=box.client_id, client_secret=box.client_secret, base_url=box.url) as by_token:
        by_token.sms.log()
    box.mailbox.receive("someone@example.org", "Subject", "Text")
    box.page_size = 7
    box.token_lifetime = None
    box.wait_for_deliveries()
    before = rows(box)
    assert [name for name, of_kind in before.items() if not of_kind] == []

    assert rows(kept()) == before


def test_what_was_deleted_stays_deleted(kept):
    box = kept()
    guid = send(box)
    with client(box) as sms:
        sms.sms.delete(guid)
    with client(kept()) as sms:
        assert sms.sms.log() == []


def test_what_was_forgotten_stays_forgotten(kept, monkeypatch):
    box = kept()
    box._store.requests._most = 3
    for _ in range(5):
        send(box)
    last = [request.id for request in box.requests]
    assert [request.id for request in kept().requests] == last


def test_forgetting_one_row_does_not_read_all_of_them():
    box = Sandbox()
    store = box._store
    store.notifications._most = 1000

    def steps_of_one_more():
        counted = []
        store.database._memory.set_progress_handler(lambda: counted.append(1), 100)
        store.notifications.put(Notification(store.new_id(), box.phone.sid, "title", "message", "type", store.now()))
        store.database._memory.set_progress_handler(None, 0)
        return len(counted)

    one_of_few = steps_of_one_more()
    for _ in range(1000):
        steps_of_one_more()
    assert steps_of_one_more() < one_of_few + 10
    assert len(store.notifications) == 1000


def test_a_reset_is_kept(kept):
    box = kept()
    send(box)
    box.add_phone("Second")
    box.reset()
    before = rows(box)
    assert rows(kept()) == before


def test_a_row_that_changed_keeps_its_place(kept):
    box = kept()
    box.phone.delay = 60
    texts = ["one", "two", "three"]
    for text in texts:
        send(box, text)
    box.phone.delay = 0
    with client(kept()) as sms:
        assert [row.message for row in sms.sms.log()] == texts[::-1]


def test_new_rows_have_higher_ids_than_those_of_the_file(kept):
    box = kept()
    box.phone.receive(PHONE, "before")
    highest = max(row.id for of_kind in rows(box).values() for row in of_kind if hasattr(row, "id"))
    box = kept()
    box.phone.receive(PHONE, "after")
    assert next(reversed(box._store.received)).id > highest


def test_a_queued_message_goes_out_after_the_restart(kept):
    box = kept()
    box.phone.delay = 60
    guid = send(box)
    box = kept()
    assert box.phone.outbox == []
    box.clock.forward(60)
    assert [sms.guid for sms in box.phone.outbox] == [guid]


@pytest.mark.parametrize("begin", [lambda box: box.start(), lambda box: box.session()], ids=["start", "session"])
def test_after_the_restart_a_queued_message_goes_out_by_itself(kept, file, eventually, begin):
    box = kept()
    box.phone.delay = 60
    guid = send(box)
    box.close()
    change(file, "UPDATE rows SET row = json_set(row, '$.delay', 0.0) WHERE kind = 'phones'")
    box = Sandbox(db=file)
    try:
        begin(box)
        eventually(lambda: [sms.guid for sms in box.phone.outbox] == [guid])
    finally:
        box.close()


def test_a_scheduled_message_waits_on(kept):
    box = kept()
    send(box, schedule_at=box.clock.now() + timedelta(hours=1))
    box = kept()
    box.clock.forward(3500)
    assert box.phone.outbox == []
    box.clock.forward(120)
    assert len(box.phone.outbox) == 1


def test_a_failed_message_can_be_sent_again(kept):
    box = kept()
    box.phone.fail(PHONE)
    guid = send(box)
    box = kept()
    box.phone.recover(PHONE)
    with client(box) as sms:
        sms.sms.resend(guid)
    assert len(box.phone.outbox) == 1


def test_numbers_that_fail_fail_on(kept):
    box = kept()
    for number in ("+33639980001", "+33639980002", "+33639980003"):
        box.phone.fail(number)
    box.phone.recover("+33639980002")
    box = kept()
    for number in ("+33639980001", "+33639980002", "+33639980003"):
        send(box, to=number)
    assert [sms.recipient for sms in box.phone.outbox] == ["+33639980002"]


def test_a_webhook_that_waits_is_delivered_after_the_restart(kept, receiver, eventually):
    receiver.statuses = [500]
    box = kept()
    box.add_webhook(receiver.url, secret="whsec")
    box.phone.receive(PHONE, "hi")
    eventually(lambda: box.deliveries)

    box = kept()
    box.wait_for_deliveries()

    assert [attempt.status for attempt in box.deliveries] == [500, 202]
    assert len({request.headers["X-SMSMobileAPI-Event-ID"] for request in receiver.requests}) == 1


def test_a_fault_goes_on(kept):
    box = kept()
    box.faults.add("error_before", times=2)
    statuses = [requests.get(f"{box.url}/getsms/", timeout=5).status_code]
    box = kept()
    statuses += [requests.get(f"{box.url}/getsms/", timeout=5).status_code for _ in range(2)]
    assert statuses == [500, 500, 400]


def test_a_token_is_still_good(kept):
    box = kept()
    form = {"grant_type": "client_credentials", "client_id": box.client_id, "client_secret": box.client_secret}
    token = requests.post(f"{box.url}/oauth2/token", data=form, timeout=5).json()["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    assert requests.get(f"{kept().url}/log/sent/sms/", headers=headers, timeout=5).status_code == 200


def test_the_clock_goes_on_as_it_was_moved(kept):
    box = kept()
    box.clock.forward(timedelta(days=400))
    send(box)
    moved = box.clock.now()
    box = kept()
    assert timedelta(0) <= box.clock.now() - moved < timedelta(minutes=1)
    with client(box) as sms:
        assert len(sms.sms.log()) == 1


def test_credentials_are_those_of_the_file(kept):
    box = kept()
    before = (box.api_key, box.client_id, box.client_secret)
    box = kept()
    assert (box.api_key, box.client_id, box.client_secret) == before


def test_given_credentials_win_over_those_of_the_file(kept):
    before = kept().client_id
    kept(api_key="given")
    box = kept()
    assert (box.api_key, box.client_id) == ("given", before)


def test_the_page_counts_what_the_file_held(kept):
    send(kept())
    counts = requests.get(f"{kept().url}/_sandbox/overview", timeout=5).json()["counts"]
    assert (counts["messages"], counts["requests"]) == (1, 1)


def test_half_an_emoji_does_not_stop_it(kept):
    box = kept()
    box.phone.receive(PHONE, "half \ud83d")
    with client(kept()) as sms:
        assert [row.message for row in sms.sms.received()] == ["half ?"]


def test_one_file_is_left(kept, file):
    box = kept()
    send(box)
    box.close()
    assert list(file.parent.iterdir()) == [file]


def test_nobody_else_may_read_the_file(kept, file):
    kept()
    assert file.stat().st_mode & 0o077 == 0


def test_the_file_may_be_named_by_text_and_stand_where_the_program_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Sandbox(db="sandbox.sqlite").close()
    assert (tmp_path / "sandbox.sqlite").stat().st_size > 0


def test_an_empty_file_is_a_new_one(kept, file):
    file.touch()
    box = kept()
    send(box)
    assert len(kept().phone.outbox) == 1


def test_closed_it_can_still_be_looked_at_and_writes_nothing(kept, file):
    box = kept()
    send(box)
    box.close()
    box.close()
    before = file.read_bytes()
    box.phone.receive(PHONE, "too late")
    assert len(box.phone.outbox) == 1
    assert file.read_bytes() == before


def test_a_row_that_cannot_be_written_takes_no_other_with_it(kept, file):
    box = kept()
    send(box, "before")
    poison = replace(rows(box)["messages"][0], guid="poison", text=b"no text")

    def put():
        with box._store.lock:
            box.phone.receive(PHONE, "beside it")
            box._store.messages.put(poison)

    with pytest.raises(TypeError):
        put()
    send(box, "after")
    box.close()
    box = kept()
    assert [row.message for row in box.phone.outbox] == ["before", "after"]
    assert [row.text for row in rows(box)["received"]] == ["beside it"]


def test_a_change_that_is_interrupted_is_not_half_done(kept, monkeypatch):
    class Interrupted:
        def __init__(self, connection):
            self.connection = connection

        def execute(self, statement, *values):
            if statement.startswith("INSERT"):
                raise KeyboardInterrupt
            return self.connection.execute(statement, *values)

        def __getattr__(self, name):
            return getattr(self.connection, name)

    box = kept()
    with monkeypatch.context() as patched:
        file = box._store.database._file
        patched.setattr(file, "_connection", Interrupted(file._connection))
        with pytest.raises(KeyboardInterrupt):
            box.phone.receive(PHONE, "one")
    box.phone.receive(PHONE, "two")
    assert [row.text for row in rows(kept())["received"]] == ["two"]


def test_the_file_is_let_go_of_even_where_closing_fails(kept, monkeypatch):
    box = kept()
    send(box)

    def merge():
        raise ZeroDivisionError

    with monkeypatch.context() as patched:
        patched.setattr(box._store.database._file, "merge", merge)
        with pytest.raises(ZeroDivisionError) as caught:  # kept, since what is in its frames is then not let go of
            box.close()
    assert len(kept().phone.outbox) == 1
    assert caught.tb is not None


# What a kill leaves

SERVE = """
import sys
from smsmobile.sandbox import Sandbox
box = Sandbox(db=sys.argv[1]).start()
print(box.url, box.api_key, flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("sent", [40, *(pytest.param(sent, marks=pytest.mark.long) for sent in (1, 150))])
def test_a_killed_sandbox_loses_nothing_that_was_answered(kept, file, sent):
    with subprocess.Popen(
        [sys.executable, "-c", SERVE, str(file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        url, key = process.stdout.readline().split()
        with SMSMobileClient(api_key=key, base_url=url) as sms:
            guids = [sms.sms.send(PHONE, str(number)).guid for number in range(sent)]
        process.send_signal(signal.SIGKILL)
        process.wait(10)

    box = kept()

    assert [message.guid for message in box.phone.outbox] == guids
    assert len(box.requests) == sent
    assert [message.guid for message in box._store.messages if message.is_pending] == []


def test_what_the_phone_does_by_itself_is_in_the_file_at_once(kept, file, tmp_path, eventually):
    box = kept()
    box.phone.delay = 0.05
    send(box)
    copies = tmp_path / "copies"
    copies.mkdir()

    def is_in_the_file():  # as it is now, without asking the sandbox, which would write what is left
        for part in tmp_path.glob("sandbox.sqlite*"):
            shutil.copy(part, copies / part.name)
        copy = Sandbox(db=copies / file.name)
        copy.close()
        return len(copy.phone.outbox) == 1

    eventually(is_in_the_file)


# Files that cannot be used


def unusable(file, text):
    with pytest.raises(OSError, match=text) as caught:
        Sandbox(db=file)
    assert str(file) in str(caught.value)
    return str(caught.value)


def test_a_file_that_is_no_database_is_left_as_it_is(file):
    file.write_text("do not lose these\n" * 100)
    unusable(file, "is not a file of the sandbox.* choose another name")
    assert file.read_text() == "do not lose these\n" * 100
    assert list(file.parent.iterdir()) == [file]


@pytest.mark.parametrize("mode", ["DELETE", "WAL"])
def test_another_programs_database_is_left_as_it_is(file, mode):
    other = sqlite3.connect(file)
    other.execute(f"PRAGMA journal_mode = {mode}")
    other.execute("CREATE TABLE rows (kind, key, row)")
    other.execute("INSERT INTO rows VALUES ('not', 'ours', 1)")
    other.commit()
    before = {path: path.read_bytes() for path in file.parent.iterdir()}

    unusable(file, "is not a file of the sandbox")

    assert {path: path.read_bytes() for path in file.parent.iterdir()} == before
    other.close()


def test_a_file_of_a_newer_version_is_left_as_it_is(kept, file):
    kept().close()
    change(file, f"PRAGMA user_version = {VERSION + 1}")
    before = file.read_bytes()
    unusable(file, "newer version of smsmobile: update smsmobile")
    assert file.read_bytes() == before


@pytest.mark.parametrize("size", [50, 5000, 9000])
def test_a_file_that_was_cut_short_is_left_as_it_is(kept, file, size):
    box = kept()
    for _ in range(30):
        send(box)
    box.close()
    file.write_bytes(file.read_bytes()[:size])
    unusable(file, "damaged|is not a file of the sandbox")
    assert file.stat().st_size == size


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"guid": "x"}', '{"id": "x"}'])
def test_a_row_that_cannot_be_read_is_damage(kept, file, text):
    send(kept())
    kept().close()
    change(file, "UPDATE rows SET row = ? WHERE kind = 'messages'", text)
    assert PHONE not in unusable(file, r"is damaged \(messages.*move it away")


@pytest.fixture
def rewrite(file):
    """Change the stored messages, as if another version of the sandbox had written them."""

    def change_each(how):
        with sqlite3.connect(file) as connection:
            stored = connection.execute("SELECT rowid, row FROM rows WHERE kind = 'messages'").fetchall()
            for number, text in stored:
                row = json.loads(text)
                how(row)
                connection.execute("UPDATE rows SET row = ? WHERE rowid = ?", [json.dumps(row), number])
        connection.close()

    return change_each


def test_a_row_written_before_a_field_was_new_gets_its_default(kept, rewrite):
    send(kept())
    kept().close()

    def without_what_is_new(row):
        del row["media_url"], row["channel"], row["resent"]

    rewrite(without_what_is_new)
    message = rows(kept())["messages"][0]

    assert (message.media_url, message.channel, message.resent) == (None, "sms", False)


def test_a_field_that_is_no_more_is_passed_over(kept, rewrite):
    send(kept())
    kept().close()
    rewrite(lambda row: row.update(of_old=1))
    assert len(rows(kept())["messages"]) == 1


def test_a_file_in_use_is_refused_in_the_same_process(kept, file):
    box = kept()
    unusable(file, "is in use by another process, or open twice in this one: close the other")
    send(box)
    assert len(kept().phone.outbox) == 1


@pytest.mark.long
def test_a_file_in_use_is_refused_in_another_process(kept, file):
    box = kept()
    for _ in range(2):  # a refusal must not take the first one's lock away
        done = subprocess.run(
            [sys.executable, "-m", "smsmobile.sandbox", "--port", "0", "--db", str(file)],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        assert (done.returncode, done.stdout) == (1, "")
        assert "is in use by another process" in done.stderr
        unusable(file, "is in use by another process")
    send(box)
    assert len(kept().phone.outbox) == 1


def test_a_folder_is_no_file(tmp_path):
    unusable(tmp_path, "is a folder")


def test_a_folder_that_is_not_there(tmp_path):
    unusable(tmp_path / "no" / "such", "The folder of .* does not exist: make it first")


# A disk that is full

WITH_LITTLE_ROOM = """
import resource, sys
from smsmobile.sandbox.__main__ import main
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
sys.exit(main(["--port", "0", "--db", sys.argv[1]]))
"""


@pytest.fixture
def no_room(kept):
    """A sandbox whose file cannot grow, and what makes room again, for so many pages."""
    box = kept()
    connection = box._store.database._file._connection

    def make_room(pages=10_000):
        (used,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {used + pages}")

    make_room(0)
    yield box, make_room
    with suppress(sqlite3.ProgrammingError):  # it is closed already
        make_room()


def test_what_cannot_be_written_is_not_answered_as_if_it_were(no_room, caplog):
    box, _ = no_room
    params = {"apikey": box.api_key, "recipients": PHONE, "message": "x" * 10_000}

    answer = requests.get(f"{box.url}/sendsms/", params=params, timeout=5)

    assert answer.status_code == 500
    assert answer.json()["error"] == "server_error"
    assert "cannot be written" in answer.json()["detail"]
    assert "database or disk is full" in caplog.text
    assert box.phone.outbox == []


def test_what_a_test_does_and_cannot_be_written_is_an_error(no_room):
    box, _ = no_room
    with pytest.raises(OSError, match="cannot be written"):
        box.phone.receive(PHONE, "x" * 10_000)


def test_what_was_undone_is_not_counted(no_room):
    box, make_room = no_room

    def do_both():
        with box._store.lock:
            box.faults.add("latency")
            box.phone.receive(PHONE, "x" * 10_000)

    with pytest.raises(OSError, match="cannot be written"):
        do_both()
    make_room()
    box.faults.add("rate_limited")
    assert len(box.faults) == 1


def test_a_phone_that_could_not_be_written_is_not_there(no_room):
    box, make_room = no_room

    def do_both():
        with box._store.lock:
            box.add_phone("Second")
            box.phone.receive(PHONE, "x" * 10_000)

    with pytest.raises(OSError, match="cannot be written"):
        do_both()
    make_room()
    send(box)
    assert box.phones == [box.phone]
    assert len(box.phone.outbox) == 1


def test_when_there_is_room_again_what_was_done_is_written(no_room, kept, caplog):
    box, make_room = no_room
    with pytest.raises(OSError, match="cannot be written"):
        box.phone.receive(PHONE, "x" * 10_000)
    make_room()
    send(box)
    before = rows(box)
    assert "can use its file again" in caplog.text
    assert rows(kept()) == before


def test_what_a_phone_could_not_write_it_does_when_there_is_room(no_room, eventually, caplog):
    box, make_room = no_room
    make_room()
    box.phone.delay = 3600
    send(box, "x" * 10_000)
    make_room(0)
    with box._store.lock:
        box.clock.ahead += timedelta(hours=1)
        box._store.lock.notify_all()
    eventually(lambda: "cannot use its file" in caplog.text)
    assert box.phone.outbox == []
    make_room()
    eventually(lambda: len(box.phone.outbox) == 1)


@pytest.mark.parametrize(
    "move",
    [
        lambda clock: clock.forward(7200),
        lambda clock: clock.move_to(clock.now() + timedelta(hours=2)),
        lambda clock: clock.reset(),
    ],
    ids=["forward", "move_to", "reset"],
)
def test_a_move_of_the_clock_that_cannot_be_written_has_not_happened(no_room, kept, move):
    box, make_room = no_room
    make_room()
    box.clock.move_to(box.clock.now() - timedelta(hours=2))
    box.phone.delay = 3600
    send(box, "x" * 10_000)
    before = box.clock.ahead
    make_room(0)
    with pytest.raises(OSError, match="cannot be written"):
        move(box.clock)
    assert box.clock.ahead == before
    make_room()
    box.phone.wake()
    assert box.phone.outbox == []
    assert kept().clock.ahead == before


def test_a_reset_that_cannot_be_written_has_not_happened(no_room):
    box, make_room = no_room
    make_room()
    office = box.add_phone("Office")
    box.clock.forward(7200)
    for phone in box.phones:
        with client(box) as sms:
            sms.sms.send("+12025550104", "to be echoed", device=phone.sid)
    before = box.clock.ahead
    phones = box.phones

    def do_both():
        with box._store.lock:
            box.reset()
            box.phone.receive(PHONE, "x" * 1_000_000)

    make_room(0)
    with pytest.raises(OSError, match="cannot be written"):
        do_both()
    make_room()

    assert box.phones == phones
    assert box.clock.ahead == before
    box.clock.forward(60)
    assert len(box._store.received) == 2
    office.switch_off()
    assert [phone.is_on for phone in box.phones] == [True, False]


def test_a_file_that_was_removed_is_missed(kept, file):
    box = kept()
    file.unlink()
    answer = requests.get(f"{box.url}/getsms/", timeout=5)
    assert answer.status_code == 500
    assert f"{file} was removed or replaced while it was in use" in answer.json()["detail"]
    with pytest.raises(OSError, match="was removed"):
        box.close()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
def test_the_command_says_that_the_disk_is_full(file):
    with subprocess.Popen(
        [sys.executable, "-c", WITH_LITTLE_ROOM, str(file)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ,
    ) as process:
        url = (
            next(line for line in process.stdout if line.startswith("SMSMOBILEAPI_BASE_URL")).strip().partition("=")[2]
        )
        answers = [requests.get(f"{url}/getsms/", timeout=5).status_code for _ in range(300)]
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=20)

    assert (answers[0], answers[-1]) == (400, 500)
    assert f"The sandbox cannot use its file: {Path(file)}" in errors
    assert "Traceback" not in errors
    assert process.returncode == 0
