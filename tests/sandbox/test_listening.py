"""Where a sandbox listens: the chosen address, and what is said where it cannot be had."""

import errno
import socket

import pytest
import requests

from smsmobile.sandbox import Sandbox


def port_of(box):
    return int(box.url.rpartition(":")[2])


def is_answered(box):
    return requests.get(f"{box.url}/getsms/", timeout=5).status_code == 400


def test_it_listens_on_the_chosen_port():
    with Sandbox() as first:
        port = port_of(first)
    with Sandbox(port=port) as box:
        assert box.url == f"http://127.0.0.1:{port}"
        assert is_answered(box)


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:"),
        ("127.0.0.2", "http://127.0.0.2:"),
        ("localhost", "http://127.0.0.1:"),
        ("::1", "http://[::1]:"),
        ("[::1]", "http://[::1]:"),
    ],
)
def test_it_listens_on_the_chosen_loopback_address(host, url):
    with Sandbox(host=host) as box:
        assert box.url.startswith(url)
        assert is_answered(box)


@pytest.mark.parametrize(("host", "url"), [("0.0.0.0", "http://127.0.0.1:"), ("::", "http://[::1]:")])
def test_on_all_addresses_the_url_is_one_that_works_here(host, url):
    with Sandbox(host=host, allow_remote=True) as box:
        assert box.url.startswith(url)
        assert is_answered(box)


def test_an_address_that_others_reach_needs_consent(subtests: pytest.Subtests) -> None:
    for host in ["0.0.0.0", "::", "192.168.1.7", "example.org", "", "localhost.example.org"]:
        with subtests.test(host=host), pytest.raises(ValueError, match="allow_remote=True"):
            Sandbox(host=host)


@pytest.mark.parametrize("port", [-1, 65536])
def test_a_port_that_cannot_be(port):
    with pytest.raises(ValueError, match="between 1 and 65535"):
        Sandbox(port=port)


def test_a_port_in_use(box):
    other = Sandbox(port=port_of(box))
    with pytest.raises(OSError, match=rf"^Port {port_of(box)} of 127\.0\.0\.1 is in use.*0 takes a free one"):
        other.start()
    other.close()
    assert is_answered(box)


def test_it_can_be_started_once_the_port_is_free():
    with socket.create_server(("127.0.0.1", 0)) as program:
        box = Sandbox(port=program.getsockname()[1])
        with pytest.raises(OSError, match="in use"):
            box.start()
    with box:
        assert is_answered(box)


def test_a_port_that_needs_more_rights(monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(socket, "create_server", refuse)
    with pytest.raises(OSError, match="needs more rights than you have: choose one above 1023"), Sandbox(port=80):
        pass


@pytest.mark.parametrize("host", ["192.0.2.1", "no-such-host.invalid", "a..b", "\ud83d"])
def test_an_address_that_this_machine_does_not_have(host):
    with pytest.raises(OSError, match="expected an address of this machine"):
        Sandbox(host=host, allow_remote=True).start()


def test_a_file_is_let_go_where_the_port_is_in_use(box, tmp_path):
    file = tmp_path / "sandbox.sqlite"
    with pytest.raises(OSError, match="in use"), Sandbox(port=port_of(box), db=file):
        pass
    Sandbox(db=file).close()
