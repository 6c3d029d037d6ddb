"""Connections to the server: many that say nothing, what is no HTTP, and bodies that come in chunks."""

import errno
import resource
import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from smsmobile.sandbox import server

LOG = "/log/sent/sms/"
PHONE = "+33639985678"


@pytest.fixture
def connect(box):
    opened = []

    def one(said=b""):
        opened.append(socket.create_connection(("127.0.0.1", int(box.url.rpartition(":")[2])), timeout=10))
        opened[-1].sendall(said)
        return opened[-1]

    yield one
    for each in opened:
        each.close()


@pytest.fixture
def _many_files():
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, before[1]), before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def status_of(connection):
    return int(connection.recv(1000).split()[1])


# Many


@pytest.mark.usefixtures("_many_files")
def test_a_thousand_idle_connections_keep_nobody_out(box, api, connect):
    first = connect()
    for said in (b"", b"GET / HTT", b"GET / HTTP/1.1\r\nHost:", b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nx") * 250:
        connect(said)

    assert api.send()["sent"] == "1"
    assert first.recv(1) == b""


def test_the_connection_that_is_idle_for_longest_makes_room(box, connect, monkeypatch, eventually):
    monkeypatch.setattr(server, "MOST_CONNECTIONS", 3)
    request = f"GET {LOG}?apikey={box.api_key} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
    others = set(threading.enumerate())
    first, idle, third = connect(), connect(), connect()
    eventually(lambda: len(set(threading.enumerate()) - others) == 3)
    for used in (first, third):
        used.sendall(request)
        assert status_of(used) == 200

    last = connect(request)

    assert idle.recv(1) == b""
    for kept in (first, third, last):
        kept.sendall(request)
        assert status_of(kept) == 200


def test_a_request_that_is_being_answered_never_makes_room(box, connect, monkeypatch, eventually):
    monkeypatch.setattr(server, "MOST_CONNECTIONS", 2)
    box.faults.add("latency", seconds=600, times=2)
    with ThreadPoolExecutor(2) as threads:
        waiting = [threads.submit(requests.get, box.url + LOG, timeout=60) for _ in range(2)]
        eventually(lambda: len(box.requests) == 2)

        for _ in range(5):
            connect()
        assert requests.get(box.url + LOG, timeout=10).status_code == 400

        box.close()
        assert [request.result(10).status_code for request in waiting] == [400, 400]


def test_where_no_more_files_may_be_opened_idle_connections_make_room(api, connect, monkeypatch):
    accept = socket.socket.accept
    refused = []

    def refuse_twice(listening):
        if len(refused) < 2:
            refused.append(1)
            raise OSError(errno.EMFILE, "Too many open files")
        return accept(listening)

    first, second, third = connect(), connect(), connect()
    assert api.send()["sent"] == "1"
    monkeypatch.setattr(socket.socket, "accept", refuse_twice)
    api.session.close()  # the next request needs a connection of its own

    assert api.send()["sent"] == "1"
    assert (first.recv(1), second.recv(1)) == (b"", b"")
    third.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert status_of(third) == 200


# What is said


@pytest.mark.parametrize(
    ("said", "status"),
    [
        (b"POST /sendsms/ HTTP/1.1\r\nContent-Length: many\r\n\r\n", 400),
        (b"POST /sendsms/ HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400),
        (b"POST /sendsms/ HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n", 400),
        (b"POST /sendsms/ HTTP/1.1\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n", 400),
        (b"POST /sendsms/ HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 0\r\n\r\n", 400),
        (b"POST /sendsms/ HTTP/1.1\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (b"POST /sendsms/ HTTP/1.1\r\nContent-Length : 0\r\n\r\n", 400),
        (b"POST /sendsms/ HTTP/1.1\r\nno colon\r\nContent-Length: 0\r\n\r\n", 400),
        (b"GET http://[/ HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/2.0\r\n\r\n", 505),
        (b"\x16\x03\x01\x02\n", 400),
        (b"POST /sendsms/ HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n", 400),
        (b"POST /sendsms/ HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\n", 400),
        (b"POST /sendsms/ HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFF\r\n", 400),
        (b"GET /" + b"x" * 70_000 + b" HTTP/1.1\r\n\r\n", 414),
        (b"BREW / HTTP/1.1\r\n\r\n", 501),
    ],
)
def test_what_is_no_request_is_refused_and_the_connection_closed(box, connect, said, status):
    connection = connect(said)

    assert status_of(connection) == status
    received = b"x"
    while received:
        received = connection.recv(1000)
    assert box.requests == []


def test_bytes_that_nobody_has_quoted_are_read_as_if_they_were(box, connect):
    said = "recipients=%2B33639985678&message=é".encode() + b"\xff&apikey=" + box.api_key.encode()

    assert status_of(connect(b"GET /sendsms/?" + said + b" HTTP/1.1\r\nHost: localhost\r\n\r\n")) == 200
    assert status_of(connect("GET /é HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())) == 404

    assert box.phone.outbox[0].message == "é%FF"
    assert box.requests[-1].path == "/é"


def test_a_body_can_come_in_chunks_and_the_connection_stays(box, connect):
    head = b"POST /sendsms/ HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    pieces = [f"apikey={box.api_key}&recipients=%2B336399".encode(), b"85678&message=in+chunks"]
    chunks = b"".join(b"%x;why=not\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
    connection = connect()

    for _ in range(2):
        connection.sendall(head + b"Transfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\nTrailer: x\r\n\r\n")
        assert status_of(connection) == 200

    assert [message.message for message in box.phone.outbox] == ["in chunks"] * 2


def test_requests_can_come_before_the_answers(box, connect):
    request = f"GET {LOG}?apikey={box.api_key} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
    connection = connect(request * 2 + request.replace(b"Host", b"Connection: close\r\nHost"))

    received = b""
    while piece := connection.recv(65536):
        received += piece

    assert received.count(b"HTTP/1.1 200 OK\r\n") == 3


def test_a_client_that_asks_as_of_a_proxy_is_answered(box, connect):
    request = f"GET http://localhost{LOG}?apikey={box.api_key} HTTP/1.1\r\nHost: localhost\r\n\r\n"
    assert status_of(connect(request.encode())) == 200


def test_a_client_that_waits_for_leave_to_send_its_body_gets_it(box, connect):
    connection = connect(
        b"POST /sendsms/ HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n"
    )
    assert status_of(connection) == 100
    connection.sendall(b"x")
    assert status_of(connection) == 400


def test_a_client_that_hangs_up_in_its_body_is_not_answered(box, connect, eventually):
    connection = connect(b"POST /sendsms/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nx")
    connection.shutdown(socket.SHUT_WR)

    assert connection.recv(1) == b""
    assert box.requests == []
