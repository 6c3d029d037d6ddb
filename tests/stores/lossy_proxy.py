"""A TCP proxy in front of a Redis that loses answers: the server does what was asked, and the client never hears."""

from __future__ import annotations

import select
import socket
from threading import Event, Thread


class LossyProxy:
    """Passes everything on, until it is told to lose answers."""

    def __init__(self, port: int) -> None:
        """`port`: of the server, on the loopback interface."""
        self._target = ("127.0.0.1", port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._word = b""
        self._times = 0
        self.lost = 0
        """How many answers it has lost."""
        self._stopping = Event()
        self._threads = [Thread(target=self._accept)]
        self._threads[0].start()

    def lose(self, word: str, times: int) -> None:
        """Lose the answers to the next commands that have this word as an argument, and close their connections."""
        self._word, self._times = f"\r\n{word}\r\n".encode(), times

    def stop(self) -> None:
        self._stopping.set()
        for thread in list(self._threads):
            thread.join(10)
        self._listener.close()

    def _accept(self) -> None:
        while not self._stopping.is_set():
            if select.select([self._listener], [], [], 0.05)[0]:
                client, _ = self._listener.accept()
                self._threads.append(Thread(target=self._serve, args=(client,)))
                self._threads[-1].start()

    def _serve(self, client: socket.socket) -> None:
        with client, socket.create_connection(self._target, timeout=10) as server:
            asked = b""
            while not self._stopping.is_set():
                ready = select.select([client, server], [], [], 0.05)[0]
                if client in ready:
                    data = client.recv(65536)
                    server.sendall(data)
                    asked += data
                    if not data:
                        return
                if server in ready:
                    data = server.recv(65536)
                    if self._times and self._word in asked:
                        self._times -= 1
                        self.lost += 1
                        return
                    asked = b""
                    client.sendall(data)
                    if not data:
                        return
