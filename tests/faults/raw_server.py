"""A server on raw sockets that follows a script for each request: it can break HTTP in any way.

A script is a tuple of steps. Bytes are sent as they are; any other step is a function that takes the `Connection`, such
as `reset` or `stall`. If the connection is still open after the last step, the server reads the next request on it.
"""

from __future__ import annotations

import json
import select
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from itertools import cycle
from typing import Any, TypeAlias
from urllib.parse import parse_qsl, urlsplit

import pytest

from smsmobile import SMSMobileClient

API_KEY = "4f1d2c3b5a69788796a5b4c3d2e1f00112233445566778a9"
CLIENT_ID = "client-of-the-fault-tests"
CLIENT_SECRET = "oauth-secret-0a1b2c3d4e5f"
TOKENS = ("access-token-one-77aa", "access-token-two-88bb")
PROXY_PASSWORD = "proxy-password-5ec2e7"
TO = "+33639985678"
TEXT = "Your appointment is on Friday"
GUID = "c319d3b35e8f8712cde20dae39ac3c19f86eda25"

QUICK = 0.2
"""Timeout in seconds for tests that expect it to expire."""
PATIENT = 10.0
"""Timeout in seconds for everything else."""


class Connection:
    """One connection of a client."""

    def __init__(self, server: RawServer, sock: socket.socket) -> None:
        self.server = server
        self.sock = sock
        self.request = b""
        self.open = True

    def read_request(self) -> bool:
        """Wait for a whole request with its body. False if the client hung up."""
        received = b""
        while b"\r\n\r\n" not in received:
            if not (piece := self.sock.recv(65536)):
                return False
            received += piece
        head, _, body = received.partition(b"\r\n\r\n")
        fields = dict(connection.lower().split(b": ", 1) for connection in head.split(b"\r\n")[1:])
        while len(body) < int(fields.get(b"content-length", 0)):
            if not (piece := self.sock.recv(65536)):
                return False
            body += piece
        self.request = head + b"\r\n\r\n" + body
        return True

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def close(self) -> None:
        self.open = False
        self.sock.close()
        self.server.hung_up.release()

    def client_left(self, within: float) -> bool:
        """Wait for the client to hang up or for the server to stop."""
        if self.server.stopping.wait(0) or not select.select([self.sock], [], [], within)[0]:
            return self.server.stopping.is_set()
        return self.sock.recv(65536) == b""


Step: TypeAlias = bytes | Callable[[Connection], object]
Script: TypeAlias = tuple[Step, ...]


def close(connection: Connection) -> None:
    """Close the socket: a FIN, over TLS without close_notify."""
    connection.close()


def say_goodbye(connection: Connection) -> None:
    """Close the connection, over TLS with close_notify."""
    if isinstance(connection.sock, ssl.SSLSocket):
        with suppress(OSError):
            connection.sock.settimeout(0.05)
            connection.sock.unwrap()
    connection.close()


def reset(connection: Connection) -> None:
    """Abort the connection with a RST."""
    connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def stall(connection: Connection) -> None:
    """Send nothing more until the client hangs up."""
    for _ in range(200):
        if connection.client_left(within=0.05):
            break
    connection.close()


def drip(data: bytes) -> Step:
    """Send byte by byte, which takes much longer than QUICK."""

    def dripping(connection: Connection) -> None:
        for byte in data:
            connection.send(bytes([byte]))
            if connection.client_left(within=0.02):
                return connection.close()
        return None

    return dripping


def trickle(data: bytes, pieces: int) -> Step:
    """Send in many pieces without a pause."""

    def trickling(connection: Connection) -> None:
        size = max(len(data) // pieces, 1)
        for start in range(0, len(data), size):
            connection.send(data[start : start + size])

    return trickling


def flood(piece: bytes, times: int = 1 << 20) -> Step:
    """Send the same bytes until the client hangs up."""

    def flooding(connection: Connection) -> None:
        for _ in range(times):
            if connection.server.stopping.is_set():
                break
            connection.send(piece)
        connection.close()

    return flooding


def acknowledge(connection: Connection) -> None:
    """Accept the message, with its text as the GUID."""
    connection.send(answer(accepted(Request.of(connection.request).form["message"])))


def echo(connection: Connection) -> None:
    """Send the request back with credentials, phone number and message."""
    connection.send(connection.request)


def upgrade(connection: Connection) -> None:
    """Start TLS: the proxy is also the server behind it."""
    assert connection.server.tls is not None
    connection.sock = connection.server.tls.wrap_socket(connection.sock, server_side=True)


def head(status: str = "200 OK", *fields: str) -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status}", *fields, "", ""]).encode("latin-1")


def answer(body: bytes | dict[str, Any] | list[Any], status: str = "200 OK", *fields: str) -> bytes:
    """A complete answer with Content-Length."""
    if not isinstance(body, bytes):
        body = json.dumps(body).encode()
    return head(status, "Content-Type: application/json", f"Content-Length: {len(body)}", *fields) + body


def accepted(guid: str = GUID) -> dict[str, Any]:
    """The service's answer when it queues a message (contract, section 4)."""
    return {
        "result": {
            "error": 0,
            "sent": "1",
            "id": guid,
            "note": "sent by mobile",
            "datetime": "2026-03-20T21:07:44Z",
            "port": None,
            "send_with_whatsapp": "0",
            "encrypted": {"status": "0"},
            "trial_account": {"status": "0", "sms_sent": 0},
        }
    }


def token(number: int) -> Script:
    """The answer to a token request (RFC 6749, section 5.1)."""
    return (answer({"access_token": TOKENS[number], "token_type": "Bearer", "expires_in": 3600}),)


def on_alternate_wires(scripts: dict[str, Script]) -> list[Any]:
    """Parameters for `raw_server` and `script`: each script once, over HTTP and HTTPS in turn."""
    return [
        pytest.param(wire, script, id=f"{wire}-{name}")
        for wire, (name, script) in zip(cycle(("https", "http")), scripts.items(), strict=False)
    ]


SUCCESS = answer(accepted())
LOG = answer({"result": {"error": 0, "sms": [{"guid": GUID, "number": TO, "message": TEXT, "send_from_mobile": "1"}]}})


@dataclass(frozen=True)
class Request:
    """A request that arrived in full."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes

    @classmethod
    def of(cls, data: bytes) -> Request:
        top, _, body = data.partition(b"\r\n\r\n")
        first, *fields = top.decode("latin-1").split("\r\n")
        method, target, _ = first.split(" ")
        path, query = (target, "") if method == "CONNECT" else urlsplit(target)[2:4]
        headers = {name.lower(): value for name, value in (field.split(": ", 1) for field in fields)}
        return cls(method, path, query, headers, body)

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode()))

    @property
    def is_message(self) -> bool:
        return self.method == "POST" and self.path in ("/sendsms/", "/resend/")


class RawServer:
    """Serves until the `with` block ends. Request n gets script n, and the last script serves all further requests.

    With `proxy`, TLS begins at the step `upgrade`. With `late`, connections are refused until `listen()` is called.
    """

    def __init__(
        self, *scripts: Script, tls: ssl.SSLContext | None = None, proxy: bool = False, late: bool = False
    ) -> None:
        self.tls = tls
        self.requests: list[Request] = []
        self.connections = 0
        self.stopping = threading.Event()
        self.hung_up = threading.Semaphore(0)
        """Released each time a script closes its connection."""
        self._late = late
        self._scripts = scripts
        self._tls_at_once = tls is not None and not proxy
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._clients: list[SMSMobileClient] = []
        self._accepted: list[socket.socket] = []
        self._listener = socket.socket()
        self._listener.bind(("127.0.0.1", 0))
        self._listener.settimeout(0.05)
        self.port: int = self._listener.getsockname()[1]

    @property
    def url(self) -> str:
        return f"{'https' if self._tls_at_once else 'http'}://127.0.0.1:{self.port}"

    @property
    def messages(self) -> int:
        """The number of messages: requests to send or to resend that arrived in full."""
        return sum(request.is_message for request in self.requests)

    @property
    def paths(self) -> list[str]:
        return [request.path for request in self.requests]

    def client(self, timeout: float | tuple[float, float] = PATIENT, **options: Any) -> SMSMobileClient:
        """A client of this server; it is closed with the server."""
        if not {"auth", "client_id"} & set(options):
            options["api_key"] = API_KEY
        if not isinstance(timeout, tuple):
            timeout = (PATIENT, timeout)
        client = SMSMobileClient(**{"base_url": self.url, "timeout": timeout, **options})
        self._clients.append(client)
        return client

    def has_no_connection(self, within: float) -> bool:
        """Wait until the clients have hung up."""
        for thread in self._threads[1:]:  # the first one accepts connections
            thread.join(within)
        return not any(thread.is_alive() for thread in self._threads[1:])

    def listen(self) -> None:
        self._listener.listen()
        self._start(self._accept)

    def __enter__(self) -> RawServer:
        if not self._late:
            self.listen()
        return self

    def __exit__(self, *_: object) -> None:
        for client in self._clients:
            client.close()
        self.stopping.set()
        for sock in (self._listener, *self._accepted):
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)  # where the system can do this, accept() and recv() end at once
        # The first thread starts the others, and has ended before they are looked at.
        for thread in self._threads:
            thread.join(PATIENT * 2)
            assert not thread.is_alive(), "the raw server hangs"
        self._listener.close()

    def _start(self, target: Callable[..., object], *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self.stopping.is_set():
            with suppress(OSError):
                sock, _ = self._listener.accept()
                self.connections += 1
                self._accepted.append(sock)
                self._start(self._serve, sock)

    def _serve(self, sock: socket.socket) -> None:
        sock.settimeout(PATIENT)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # send each step at once
        connection = Connection(self, sock)
        # The client may hang up, reset, or speak neither TLS nor HTTP.
        with suppress(OSError, ValueError):
            if self._tls_at_once:
                upgrade(connection)
            while connection.open and connection.read_request():
                for step in self._script_for(connection):
                    if isinstance(step, bytes):
                        connection.send(step)
                    else:
                        step(connection)
        connection.sock.close()

    def _script_for(self, connection: Connection) -> Iterable[Step]:
        with self._lock:
            number = len(self.requests)
            self.requests.append(Request.of(connection.request))
        return self._scripts[min(number, len(self._scripts) - 1)]
