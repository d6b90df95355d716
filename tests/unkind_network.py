"""A relay in front of a server that loses, cuts and invents answers, one fate per connection."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

BLOCK = 65536


@dataclass(frozen=True)
class Cut:
    """The connection ends once the server has answered so many bytes; none of it arrives for 0."""

    after: int


@dataclass
class Relay:
    """Passes connections on to `port`; the next ones meet `fates` (a `Cut`, or a whole answer)."""

    upstream: int
    port: int
    fates: list[Cut | bytes] = field(default_factory=list)
    requests: list[bytes] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def heads(self) -> list[str]:
        """The requests that came through, as far as their headers go."""
        return [one.split(b"\r\n\r\n")[0].decode() for one in self.requests]

    def serve(self, client: socket.socket) -> None:
        fate = self.fates.pop(0) if self.fates else None
        # Whoever asked may hang up in the middle.
        with client, contextlib.suppress(OSError):
            if isinstance(fate, bytes):
                self.requests.append(_whole_request(client))
                client.sendall(fate)
            else:
                self._pass_on(client, fate)

    def _pass_on(self, client: socket.socket, cut: Cut | None) -> None:
        with socket.create_connection(("127.0.0.1", self.upstream)) as server:
            sender = threading.Thread(target=self._forward, args=(client, server))
            sender.start()
            try:
                _answer(client, server, cut)
            finally:
                for end in (client, server):
                    with contextlib.suppress(OSError):
                        end.shutdown(socket.SHUT_RDWR)
                sender.join()

    def _forward(self, client: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := client.recv(BLOCK):
                if data.split(b" ", 1)[0] in (b"GET", b"POST", b"PATCH"):
                    self.requests.append(data)
                server.sendall(data)
            server.shutdown(socket.SHUT_WR)


def _answer(client: socket.socket, server: socket.socket, cut: Cut | None) -> None:
    left = None if cut is None else cut.after
    while data := server.recv(BLOCK):
        client.sendall(data if left is None else data[:left])
        if left is not None:
            left -= len(data)
            if left <= 0:
                return


def _whole_request(client: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        if not (more := client.recv(BLOCK)):
            raise ConnectionResetError
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    length = int(lengths[0].split(b":")[1]) if lengths else 0
    while len(body) < length:
        if not (more := client.recv(BLOCK)):
            raise ConnectionResetError
        body += more
    return head + b"\r\n\r\n" + body


@contextlib.contextmanager
def relay(upstream: int = 0) -> Iterator[Relay]:
    """A relay to a port of this machine, or to none: then every connection needs an answer."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        opened = Relay(upstream, listener.getsockname()[1])
        threads: list[threading.Thread] = []

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    client, _ = listener.accept()
                    threads.append(threading.Thread(target=opened.serve, args=(client,)))
                    threads[-1].start()

        acceptor = threading.Thread(target=accept)
        acceptor.start()
        try:
            yield opened
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            acceptor.join()
            for thread in threads:
                thread.join()


def answer(status: int, body: Any, **headers: str) -> bytes:
    """A whole HTTP answer: `body` as it is if bytes, else as JSON."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [
        f"HTTP/1.1 {status} Told",
        f"Content-Length: {len(content)}",
        "Connection: close",
        *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items()),
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + content
