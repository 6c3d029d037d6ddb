"""`python -m smsmobile.sandbox`: what it prints, how it stops, and what it says when it cannot start."""

import os
import re
import signal
import socket
import subprocess
import sys
import threading

import pytest
import requests

from smsmobile import Settings, SMSMobileClient
from smsmobile.sandbox import Sandbox
from smsmobile.sandbox.__main__ import main
from smsmobile.webhooks import WebhookReceiver

PHONE = "+33639985678"
LAST_LINE = "Stop it with Ctrl-C."


class Running:
    """The command in a process of its own."""

    def __init__(self, *words, **env):
        self.process = subprocess.Popen(
            [sys.executable, "-W", "error", "-m", "smsmobile.sandbox", *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **env},
        )
        self.printed = ""
        for line in self.process.stdout:
            self.printed += line
            if line.strip() == LAST_LINE:
                break

    @property
    def settings(self):
        return dict(re.findall(r"^(SMSMOBILEAPI_\w+)=(\S+)$", self.printed, re.MULTILINE))

    @property
    def url(self):
        return self.settings["SMSMOBILEAPI_BASE_URL"]

    def ask(self, path, **body):
        if body:
            return requests.post(f"{self.url}/_sandbox/{path}", json=body, timeout=5).json()
        return requests.get(f"{self.url}/_sandbox/{path}", timeout=5).json()

    def client(self):
        return SMSMobileClient(api_key=self.settings["SMSMOBILEAPI_API_KEY"], base_url=self.url)

    def stop(self, number=signal.SIGTERM):
        """Its exit code, and what it wrote to stderr."""
        self.process.send_signal(number)
        _, errors = self.process.communicate(timeout=20)
        return self.process.returncode, errors


@pytest.fixture
def run():
    running = []

    def start(*words, **env):
        one = Running("--port", "0", *words, **env)
        running.append(one)
        return one

    yield start
    for one in running:
        one.process.kill()
        one.process.communicate(timeout=20)


def refused(*words):
    """The one sentence that it writes where it does not serve."""
    done = subprocess.run(
        [sys.executable, "-m", "smsmobile.sandbox", *words], capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert "Traceback" not in done.stderr
    return done.stderr


def test_it_prints_the_page_and_what_goes_into_the_env_file(run, tmp_path, monkeypatch):
    command = run()
    page = re.search(r"^The phone: +(http://127\.0\.0\.1:\d+/)$", command.printed, re.MULTILINE)[1]
    key = re.search(r"^API key: +([0-9a-f]{48})$", command.printed, re.MULTILINE)[1]

    assert "<html" in requests.get(page, timeout=5).text
    assert list(command.settings) == ["SMSMOBILEAPI_API_KEY", "SMSMOBILEAPI_BASE_URL", "SMSMOBILEAPI_MAILBOX_KEY"]
    assert command.settings["SMSMOBILEAPI_API_KEY"] == key
    assert command.settings["SMSMOBILEAPI_BASE_URL"] == page.rstrip("/")
    assert f"Mailbox key:  {command.settings['SMSMOBILEAPI_MAILBOX_KEY']} (e-mail needs it" in command.printed
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text(command.printed[command.printed.index("SMSMOBILEAPI") :].replace(LAST_LINE, ""))
    with SMSMobileClient.from_env() as client:
        assert client.sms.send(PHONE, "hi").accepted
        client.email.send(
            "somebody@example.com", "Hello", "hi", sender_email="team@example.org", sender_name="Example Team"
        )
        assert client.email.inbox(folder="Sent")[0].subject == "Hello"


def test_the_settings_are_the_same_at_every_start(run):
    one, other = run(), run()
    assert one.settings["SMSMOBILEAPI_API_KEY"] == other.settings["SMSMOBILEAPI_API_KEY"]
    assert one.ask("overview")["client_secret"] == other.ask("overview")["client_secret"]


def test_the_phone_and_the_log_take_their_time(run):
    command = run()
    assert command.ask("phones")["phones"][0]["delay"] == 1.5
    assert command.ask("overview")["log_delay"] == 0.5


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_stops_cleanly(run, number):
    command = run()
    with command.client() as client:
        client.sms.send(PHONE, "still queued")
        assert command.stop(number) == (0, "")


def test_main_serves_until_it_is_interrupted(capsys, eventually, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]

    def is_served():
        with socket.socket() as caller:
            return caller.connect_ex(("127.0.0.1", port)) == 0

    def interrupt():
        eventually(is_served)
        os.kill(os.getpid(), signal.SIGINT)

    def close(box):
        os.kill(os.getpid(), signal.SIGINT)  # a second Ctrl-C changes nothing
        close_it(box)

    close_it = Sandbox.close
    monkeypatch.setattr(Sandbox, "close", close)
    before = signal.getsignal(signal.SIGINT)
    thread = threading.Thread(target=interrupt)
    thread.start()
    assert main(["--port", str(port)]) == 0
    thread.join()

    assert f"SMSMOBILEAPI_BASE_URL=http://127.0.0.1:{port}\n" in capsys.readouterr().out
    assert signal.getsignal(signal.SIGINT) is before


def test_a_busy_port_is_one_sentence():
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert f"Port {port} of 127.0.0.1 is in use" in refused("--port", str(port))


def test_a_missing_extra_is_one_sentence(tmp_path, monkeypatch):
    (tmp_path / "flask.py").write_text("raise ModuleNotFoundError('No module named flask', name='flask')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert "pip install flask" in refused()


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--port", "70000"], "A port lies between"),
        (["--port", "-1"], "A port lies between"),
        (["--host", "0.0.0.0"], "--allow-remote"),
        (["--host", "192.0.2.1", "--allow-remote"], "an address of this machine"),
        (["--host", "no-such-host.invalid", "--allow-remote"], "an address of this machine"),
        (["--webhook", "http://192.0.2.1/"], "this machine only"),
        (["--webhook", "127.0.0.1:5000"], "must begin with http://"),
        (["--webhook-secret", "whsec"], "give both"),
        (["--webhook", "http://127.0.0.1:1/", "--webhook-secret", ""], "empty"),
        (["--webhook-secret-file", "notes.txt"], "give both"),
        (["--webhook", "http://127.0.0.1:1/", "--webhook-secret-file", "empty.txt"], "file is empty"),
        (["--webhook", "http://127.0.0.1:1/", "--webhook-secret-file", "nowhere.txt"], "cannot be read"),
        (["--webhook", "http://127.0.0.1:1/", "--webhook-secret-file", "image.png"], "no text"),
        (["--webhook-secret", "a", "--webhook-secret-file", "notes.txt"], "leave one out"),
        (["--db", "no/such/folder/sandbox.sqlite"], "does not exist: make it first"),
        (["--db", "."], "is a folder"),
        (["--db", "notes.txt"], "is not a file of the sandbox"),
    ],
)
def test_what_cannot_be_is_one_sentence(capsys, tmp_path, monkeypatch, words, text):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "notes.txt").write_text("do not lose these\n" * 100)
    (tmp_path / "empty.txt").write_text("\n")
    (tmp_path / "image.png").write_bytes(b"\x89PNG")

    assert main([*(["--port", "0"] if "--port" not in words else []), *words]) == 1

    printed = capsys.readouterr()
    assert text in printed.err
    assert printed.err.count("\n") == 1


@pytest.mark.parametrize("way", ["option", "file", "variable"])
def test_the_secret_of_a_webhook_stands_in_the_env_file_and_nowhere_else(
    run, receiver, eventually, tmp_path, monkeypatch, way
):
    secret = r"it's a #secret \ of ours"
    (tmp_path / "secret").write_text(f"{secret}\n", encoding="utf-8")
    words = {"option": ["--webhook-secret", secret], "file": ["--webhook-secret-file", str(tmp_path / "secret")]}
    variables = {"SMSMOBILEAPI_WEBHOOK_SECRET": secret if way == "variable" else ""}

    command = run("--webhook", receiver.url, *words.get(way, []), **variables)

    lines = command.printed.splitlines()
    (line,) = [line for line in lines if line.startswith("SMSMOBILEAPI_WEBHOOK_SECRET=")]
    assert [other for other in lines if "secret" in other] == [line]
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text(command.printed[command.printed.index("SMSMOBILEAPI") :].replace(LAST_LINE, ""))
    with SMSMobileClient.from_env() as client:
        sent = client.sms.send(PHONE, "hi")
        eventually(lambda: receiver.requests)
        event = WebhookReceiver(secrets=[Settings.from_env().webhook_secret.get_secret_value()]).receive(
            receiver.requests[0].body, receiver.requests[0].headers
        )
    assert event.data.guid == sent.guid
    assert command.stop() == (0, "")


def test_a_secret_in_the_environment_alone_is_no_mistake(run):
    command = run(SMSMOBILEAPI_WEBHOOK_SECRET="whsec_of_the_application")
    assert "whsec_of_the_application" not in command.printed
    assert command.ask("webhooks")["destinations"] == []


def test_the_help_says_who_can_see_the_secret(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    printed = " ".join(capsys.readouterr().out.split())
    assert "other users of this machine can see it" in printed
    assert "SMSMOBILEAPI_WEBHOOK_SECRET" in printed


def test_the_port_is_8420_unless_told_otherwise(capsys):
    with pytest.raises(SystemExit) as done:
        main(["--help"])
    assert done.value.code == 0
    assert "(8420)" in capsys.readouterr().out


def test_an_address_that_others_reach_needs_consent_and_is_warned_of(run):
    command = run("--host", "0.0.0.0", "--allow-remote")
    assert command.url.startswith("http://127.0.0.1:")
    assert requests.get(f"{command.url}/getsms/", timeout=5).status_code == 400
    assert requests.get(f"{command.url}/getsms/", headers={"Host": "192.168.1.7:8420"}, timeout=5).status_code == 400

    _, errors = command.stop()

    assert errors.startswith("Warning: everybody who reaches this port")


def test_ipv6_works(run):
    command = run("--host", "::1")
    assert command.url.startswith("http://[::1]:")
    with command.client() as client:
        assert client.sms.send(PHONE, "hi").accepted


def test_a_webhook_with_a_secret_gets_every_event_signed(run, receiver, eventually):
    command = run("--webhook", receiver.url, "--webhook-secret", "whsec")
    with command.client() as client:
        sent = client.sms.send(PHONE, "hi")
    eventually(lambda: receiver.requests)

    event = WebhookReceiver(secrets=["whsec"]).receive(receiver.requests[0].body, receiver.requests[0].headers)

    assert (event.type, event.data.guid) == ("sms.api.submitted", sent.guid)


def test_a_webhook_without_a_secret_gets_received_messages_unsigned(run, receiver, eventually):
    command = run("--webhook", receiver.url)
    sid = command.ask("phones")["phones"][0]["sid"]
    command.ask(f"phones/{sid}/messages", sender="MPESA", text="hi")
    eventually(lambda: receiver.requests)
    assert b'"number": "MPESA"' in receiver.requests[0].body
    assert not [name for name in receiver.requests[0].headers if "signature" in name.lower()]


def test_the_file_wins_over_what_a_new_sandbox_would_have(run, tmp_path):
    file = str(tmp_path / "sandbox.sqlite")
    first = run("--db", file)
    sid = first.ask("phones")["phones"][0]["sid"]
    first.ask(f"phones/{sid}", delay=30)
    first.ask("account", log_delay=0)
    with first.client() as client:
        client.sms.send(PHONE, "kept")
    assert first.stop() == (0, "")
    assert [path.name for path in tmp_path.iterdir()] == ["sandbox.sqlite"]

    second = run("--db", file)

    assert second.ask("phones")["phones"][0]["delay"] == 30
    assert second.ask("overview")["log_delay"] == 0
    with second.client() as client:
        assert [row.message for row in client.sms.log()] == ["kept"]


@pytest.mark.long
def test_a_webhook_that_the_file_has_is_not_added_twice(run, receiver, tmp_path):
    words = ["--db", str(tmp_path / "sandbox.sqlite"), "--webhook", receiver.url, "--webhook-secret"]
    run(*words, "whsec").stop()
    assert len(run(*words, "whsec").ask("webhooks")["destinations"]) == 1


@pytest.mark.long
def test_another_secret_replaces_the_one_in_the_file(run, receiver, tmp_path, eventually):
    words = ["--db", str(tmp_path / "sandbox.sqlite"), "--webhook", receiver.url, "--webhook-secret"]
    run(*words, "before").stop()
    second = run(*words, "after")
    assert len(second.ask("webhooks")["destinations"]) == 1
    with second.client() as client:
        client.sms.send(PHONE, "hi")
    eventually(lambda: receiver.requests)
    assert WebhookReceiver(secrets=["after"]).receive(receiver.requests[0].body, receiver.requests[0].headers)


@pytest.mark.long
def test_what_waits_for_the_webhook_is_delivered_after_a_restart(run, receiver, tmp_path, eventually):
    receiver.statuses = [500] * 100
    words = ["--db", str(tmp_path / "sandbox.sqlite"), "--webhook", receiver.url, "--webhook-secret", "whsec"]
    first = run(*words)
    with first.client() as client:
        client.sms.send(PHONE, "hi")
    eventually(lambda: first.ask("deliveries")["deliveries"][0]["tries"])
    first.stop()
    receiver.statuses.clear()

    second = run(*words)

    eventually(lambda: second.ask("deliveries")["deliveries"][-1]["state"] == "delivered")


def test_a_reset_leads_back_to_how_the_command_began(run, receiver):
    command = run("--webhook", receiver.url)
    key = command.ask("overview")["api_key"]
    command.ask("account", log_delay=0, subscription_active=False)

    assert requests.post(f"{command.url}/_sandbox/reset", timeout=5).json() == {}

    overview = command.ask("overview")
    assert (overview["api_key"], overview["log_delay"], overview["subscription_active"]) == (key, 0.5, True)
    assert command.ask("phones")["phones"][0]["delay"] == 1.5
    assert [webhook["url"] for webhook in command.ask("webhooks")["destinations"]] == [receiver.url]
