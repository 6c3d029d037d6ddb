"""A minimal HTTP(S) service in a process of its own, so that what is measured is the client.

`python -m benchmarks.server [CERTIFICATE_AND_KEY]` prints its port. It accepts every message, and has a sent log of
100,000 rows in pages of 100.
"""

from __future__ import annotations

import json
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import parse_qs, urlsplit

from .decoding import rows

PAGE = 100
PAGES = 1000
ANSWER = json.dumps(
    {
        "result": {
            "error": 0,
            "sent": "1",
            "id": "c319d3b35e8f8712cde20dae39ac3c19f86eda25",
            "note": "sent by mobile",
            "datetime": "2026-03-20T21:07:44Z",
            "datetimeLocal": "2026-03-20T22:07:44+01:00",
            "port": None,
            "iac_control": "1",
            "iac_authorized": "1",
            "send_with_whatsapp": "0",
            "encrypted": {"status": "0"},
            "trial_account": {"status": "0", "sms_sent": 0},
        }
    }
).encode()


@contextmanager
def serve(certificate: str | None = None) -> Iterator[str]:
    """The address of a running service."""
    command = [sys.executable, "-m", "benchmarks.server", *([certificate] if certificate else [])]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            port = int(process.stdout.readline())
            yield f"https://localhost:{port}" if certificate else f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def _serve_one(connection: socket.socket, tls: ssl.SSLContext | None) -> None:
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if tls:
        connection = tls.wrap_socket(connection, server_side=True)
    with connection:
        buffer = b""
        while True:
            while b"\r\n\r\n" not in buffer:
                piece = connection.recv(65536)
                if not piece:
                    return
                buffer += piece
            head, _, buffer = buffer.partition(b"\r\n\r\n")
            lines = head.lower().split(b"\r\n")
            length = next((int(line[15:]) for line in lines if line.startswith(b"content-length:")), 0)
            while len(buffer) < length:
                buffer += connection.recv(65536)
            buffer = buffer[length:]
            connection.sendall(_answer(head.split(b" ")[1].decode()))


def _answer(target: str) -> bytes:
    path, query = urlsplit(target).path, urlsplit(target).query
    if not path.endswith("/"):  # as the real service does, and as the vendor's package is used to
        location = f"{path}/?{query}".encode()
        return b"HTTP/1.1 301 Moved Permanently\r\nLocation: " + location + b"\r\nContent-Length: 0\r\n\r\n"
    body = _log_page(parse_qs(query).get("before")) if path == "/log/sent/sms/" else ANSWER
    head = "HTTP/1.1 200 OK\r\nServer: Apache\r\nContent-Type: application/json; charset=utf-8\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def _log_page(before: list[str] | None) -> bytes:
    start = int(before[0][-8:], 16) + 1 if before else 0
    page = rows(PAGE, start) if start < PAGE * PAGES else []
    return json.dumps({"result": {"error": 0, "sms": page}}).encode()


def main(certificate: str | None = None) -> None:
    """Serve until terminated."""
    tls = None
    if certificate:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(certificate)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        print(listener.getsockname()[1], flush=True)
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=_serve_one, args=(connection, tls), daemon=True).start()


if __name__ == "__main__":
    main(*sys.argv[1:])
