"""A service that misbehaves on purpose: raw sockets on 127.0.0.1, and for each request a script of what to do.

A script is a tuple of steps. Bytes are sent; anything else is a function of the `Line`, such as `reset` or `stall`.
A script that leaves the line open is followed by reading the next request on it.
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
from typing import Any, TypeAlias
from urllib.parse import parse_qsl, urlsplit

from smsmobile import SMSMobileClient

API_KEY = "4f1d2c3b5a69788796a5b4c3d2e1f00112233445566778a9"
CLIENT_ID = "client-of-the-fault-tests"
CLIENT_SECRET = "oauth-secret-0a1b2c3d4e5f"
TOKENS = ("access-token-one-77aa", "access-token-two-88bb")
PROXY_PASSWORD = "proxy-password-5ec2e7"
TO = "+33612345678"
TEXT = "Your appointment is on Friday"
GUID = "c319d3b35e8f8712cde20dae39ac3c19f86eda25"

QUICK = 0.2
"""Seconds: the timeout of a client that is expected to run into it."""
PATIENT = 10.0
"""Seconds: the timeout of a client that is not, and of everything here."""


class Line:
    """One connection, as a script sees it."""

    def __init__(self, server: HostileServer, sock: socket.socket) -> None:
        self.server = server
        self.sock = sock
        self.request = b""
        self.open = True

    def read_request(self) -> bool:
        """Wait for a whole request, body included; False where the client went away instead."""
        received = b""
        while b"\r\n\r\n" not in received:
            if not (piece := self.sock.recv(65536)):
                return False
            received += piece
        head, _, body = received.partition(b"\r\n\r\n")
        fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
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
        """Wait for the client to hang up, or for the server to be stopped."""
        if self.server.stopping.wait(0) or not select.select([self.sock], [], [], within)[0]:
            return self.server.stopping.is_set()
        return self.sock.recv(65536) == b""


Step: TypeAlias = bytes | Callable[[Line], object]
Script: TypeAlias = tuple[Step, ...]


def close(line: Line) -> None:
    """Hang up as a program does that ends: a FIN, and over TLS no goodbye."""
    line.close()


def say_goodbye(line: Line) -> None:
    """Hang up politely: over TLS with close_notify."""
    if isinstance(line.sock, ssl.SSLSocket):
        with suppress(OSError):
            line.sock.settimeout(0.05)
            line.sock.unwrap()
    line.close()


def reset(line: Line) -> None:
    """Hang up as a machine does that crashed: a RST."""
    line.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    line.close()


def stall(line: Line) -> None:
    """Say nothing more, until the client has had enough."""
    for _ in range(200):
        if line.client_left(within=0.05):
            break
    line.close()


def drip(data: bytes) -> Step:
    """Send byte by byte, for much longer than QUICK."""

    def dripping(line: Line) -> None:
        for byte in data:
            line.send(bytes([byte]))
            if line.client_left(within=0.02):
                return line.close()
        return None

    return dripping


def trickle(data: bytes, pieces: int) -> Step:
    """Send in many pieces, without waiting."""

    def trickling(line: Line) -> None:
        size = max(len(data) // pieces, 1)
        for start in range(0, len(data), size):
            line.send(data[start : start + size])

    return trickling


def flood(piece: bytes, times: int = 1 << 20) -> Step:
    """Send the same again and again, until the client has had enough."""

    def flooding(line: Line) -> None:
        for _ in range(times):
            if line.server.stopping.is_set():
                break
            line.send(piece)
        line.close()

    return flooding


def acknowledge(line: Line) -> None:
    """Accept the message, whose text becomes its GUID."""
    line.send(answer(accepted(Request.of(line.request).form["message"])))


def echo(line: Line) -> None:
    """Send the request back, credentials, number, message and all."""
    line.send(line.request)


def upgrade(line: Line) -> None:
    """As a proxy that is its own destination: speak TLS from here on."""
    assert line.server.tls is not None
    line.sock = line.server.tls.wrap_socket(line.sock, server_side=True)


def head(status: str = "200 OK", *fields: str) -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status}", *fields, "", ""]).encode("latin-1")


def answer(body: bytes | dict[str, Any] | list[Any], status: str = "200 OK", *fields: str) -> bytes:
    """A whole answer with Content-Length."""
    if not isinstance(body, bytes):
        body = json.dumps(body).encode()
    return head(status, "Content-Type: application/json", f"Content-Length: {len(body)}", *fields) + body


def accepted(guid: str = GUID) -> dict[str, Any]:
    """What the service says when a message is queued (contract, section 4)."""
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


SUCCESS = answer(accepted())
LOG = answer({"result": {"error": 0, "sms": [{"guid": GUID, "number": TO, "message": TEXT, "send_from_mobile": "1"}]}})


@dataclass(frozen=True)
class Request:
    """What arrived in full."""

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


class HostileServer:
    """Serves until the `with` block ends. The n-th request gets the n-th script; when they are used up, the last.

    With `proxy`, TLS begins where a script says `upgrade`; with `late`, connections are refused until `listen()`.
    """

    def __init__(
        self, *scripts: Script, tls: ssl.SSLContext | None = None, proxy: bool = False, late: bool = False
    ) -> None:
        self.tls = tls
        self.requests: list[Request] = []
        self.connections = 0
        self.stopping = threading.Event()
        self.hung_up = threading.Semaphore(0)
        """Released each time that a script has closed its line."""
        self._late = late
        self._scripts = scripts
        self._tls_at_once = tls is not None and not proxy
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._clients: list[SMSMobileClient] = []
        self._listener = socket.socket()
        self._listener.bind(("127.0.0.1", 0))
        self._listener.settimeout(0.05)
        self.port: int = self._listener.getsockname()[1]

    @property
    def url(self) -> str:
        return f"{'https' if self._tls_at_once else 'http'}://127.0.0.1:{self.port}"

    @property
    def messages(self) -> int:
        """How many messages it accepted: requests to send or to resend of which it has every byte."""
        return sum(request.is_message for request in self.requests)

    @property
    def paths(self) -> list[str]:
        return [request.path for request in self.requests]

    def client(self, timeout: float | tuple[float, float] = PATIENT, **options: Any) -> SMSMobileClient:
        """A client of this server, closed with it."""
        if not {"auth", "client_id"} & set(options):
            options["api_key"] = API_KEY
        if not isinstance(timeout, tuple):
            timeout = (PATIENT, timeout)
        client = SMSMobileClient(**{"base_url": self.url, "timeout": timeout, **options})
        self._clients.append(client)
        return client

    def listen(self) -> None:
        self._listener.listen()
        self._start(self._accept)

    def __enter__(self) -> HostileServer:
        if not self._late:
            self.listen()
        return self

    def __exit__(self, *_: object) -> None:
        for client in self._clients:
            client.close()
        self.stopping.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # where the system can do this, accept() ends at once
        # The first thread starts the others, and has ended before they are looked at.
        for thread in self._threads:
            thread.join(PATIENT * 2)
            assert not thread.is_alive(), "the hostile server hangs"
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
                self._start(self._serve, sock)

    def _serve(self, sock: socket.socket) -> None:
        sock.settimeout(PATIENT)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # what was sent is on its way
        line = Line(self, sock)
        # The client hangs up, resets, or talks something else than TLS or HTTP: all of it is expected here.
        with suppress(OSError, ValueError):
            if self._tls_at_once:
                upgrade(line)
            while line.open and line.read_request():
                for step in self._script_for(line):
                    if isinstance(step, bytes):
                        line.send(step)
                    else:
                        step(line)
        line.sock.close()

    def _script_for(self, line: Line) -> Iterable[Step]:
        with self._lock:
            number = len(self.requests)
            self.requests.append(Request.of(line.request))
        return self._scripts[min(number, len(self._scripts) - 1)]
