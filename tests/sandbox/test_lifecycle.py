"""Starting, stopping and looking at a sandbox."""

import importlib
import re
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

import smsmobile.sandbox
from smsmobile.sandbox import Sandbox, server


def port_of(box):
    return int(box.url.rpartition(":")[2])


def test_it_listens_on_a_free_port_of_127_0_0_1():
    with Sandbox() as one, Sandbox() as other:
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+", one.url)
        assert one.url != other.url


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="needs /proc")
def test_no_other_address_is_listened_on():
    with Sandbox() as box:
        port = f":{port_of(box):04X} "
        listening = [line for line in Path("/proc/net/tcp").read_text().splitlines() if port in line]
        assert [line.split()[1] for line in listening if line.split()[3] == "0A"] == [f"0100007F{port.strip()}"]


def test_each_sandbox_has_its_own_random_credentials():
    one, other = Sandbox(), Sandbox()

    assert re.fullmatch("[0-9a-f]{48}", one.api_key)
    assert one.api_key != other.api_key
    assert one.client_id != other.client_id
    assert one.client_secret != other.client_secret


def test_closing_frees_the_port_and_ends_every_thread(receiver):
    before = set(threading.enumerate())
    with Sandbox() as box:
        box.add_webhook(receiver.url, secret="whsec")
        box.phone.delay = 60
        requests.get(
            f"{box.url}/sendsms/",
            params={"apikey": box.api_key, "recipients": "+33639985678", "message": "x"},
            timeout=5,
        )
        box.wait_for_deliveries()
        running = {thread.name for thread in set(threading.enumerate()) - before}
        assert {"smsmobile-sandbox-server", "smsmobile-sandbox-ticker", "smsmobile-sandbox-webhook"} <= running

    ours = {thread for thread in set(threading.enumerate()) - before if "smsmobile" in thread.name}
    assert ours == set()
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port_of(box))) != 0


def test_closing_does_not_wait_for_kept_alive_connections(monkeypatch):
    monkeypatch.setattr(server, "PATIENCE", 3600.0)
    with requests.Session() as session, Sandbox() as box:
        session.get(f"{box.url}/getsms/", timeout=5)


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs /proc")
def test_nothing_stays_open_after_many_sandboxes():
    def files():
        return len(list(Path("/proc/self/fd").iterdir()))

    with Sandbox():
        pass
    before = files()
    for _ in range(30):
        with Sandbox() as box, requests.Session() as session:
            session.get(f"{box.url}/getsms/", timeout=5)
    assert files() <= before


def test_start_and_close_do_the_same_as_with():
    box = Sandbox().start()
    try:
        assert requests.get(f"{box.url}/getsms/", timeout=5).status_code == 400
    finally:
        box.close()
    box.close()

    with pytest.raises(requests.ConnectionError):
        requests.get(f"{box.url}/getsms/", timeout=5)


@pytest.mark.parametrize("_", range(10))
def test_several_threads_may_close_it_at_once(_):
    box = Sandbox().start()
    port = port_of(box)
    together = threading.Barrier(4)

    def close():
        together.wait(5)
        box.close()
        with socket.socket() as probe:  # nobody returns before it is closed
            return probe.connect_ex(("127.0.0.1", port))

    with ThreadPoolExecutor(4) as pool:
        closing = [pool.submit(close) for _ in range(4)]
    assert 0 not in [one.result() for one in closing]


def test_it_is_closed_when_the_test_fails():
    box = Sandbox()
    with pytest.raises(ZeroDivisionError), box:
        raise ZeroDivisionError
    assert repr(box) == "<Sandbox closed>"


def test_a_sandbox_that_was_never_started_can_be_closed():
    box = Sandbox()
    box.close()
    with pytest.raises(RuntimeError, match=r"is closed: make a new Sandbox\(\)"):
        box.start()


def test_it_is_not_started_twice():
    with Sandbox() as box, pytest.raises(RuntimeError, match="is running"):
        box.start()


def test_before_the_start_there_is_no_url():
    with pytest.raises(RuntimeError, match=r"with Sandbox\(\) as box"):
        _ = Sandbox().url


def test_it_can_still_be_looked_at_when_closed(receiver):
    with Sandbox() as box:
        box.add_webhook(receiver.url, version=1)
        box.phone.receive("MPESA", "hi")
        box.wait_for_deliveries()
    assert len(box.deliveries) == 1
    assert box.phone.outbox == []


def test_repr_shows_the_url_and_no_secret(box):
    assert repr(box) == f"<Sandbox at {box.url}>"
    assert repr(Sandbox()) == "<Sandbox not started>"


def test_the_second_start_in_a_process_is_a_matter_of_milliseconds():
    with Sandbox():
        pass
    started = time.perf_counter()
    with Sandbox():
        took = time.perf_counter() - started
    assert took < 0.3


def test_the_application_can_be_called_without_a_socket():
    box = Sandbox()
    answer = box.app.test_client().get("/log/sent/sms/", query_string={"apikey": box.api_key})
    assert answer.json == {"result": {"error": 0, "sms": []}}


def run(code):
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, timeout=60, check=False
    )


def test_the_library_itself_does_not_import_flask():
    done = run("import sys, smsmobile; assert not {'flask', 'werkzeug'} & set(sys.modules)")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(("missing", "text"), [("flask", "pip install"), ("werkzeug.wsgi", "werkzeug")])
def test_a_failed_import_names_what_is_missing(monkeypatch, missing, text):
    for name in [name for name in sys.modules if name.startswith("smsmobile.sandbox")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(ImportError, match=text) as caught:
        importlib.import_module("smsmobile.sandbox")
    assert caught.value.name == missing


def test_without_the_extra_the_import_says_what_to_install():
    done = run("import sys; sys.modules['flask'] = None; import smsmobile.sandbox")
    assert "pip install flask" in done.stderr.splitlines()[-1]


def test_another_missing_module_is_not_taken_for_the_extra():
    done = run("import sys; sys.modules['jinja2'] = None; import smsmobile.sandbox")
    assert "No module named" in done.stderr or "import of jinja2 halted" in done.stderr
    assert "pip install" not in done.stderr


def test_the_public_names():
    assert set(smsmobile.sandbox.__all__) == {
        "Clock",
        "DeliveryAttempt",
        "Fault",
        "Faults",
        "OutboxSMS",
        "Phone",
        "RecordedRequest",
        "Sandbox",
        "Webhook",
    }
