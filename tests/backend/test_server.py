"""The web process ends quickly, whatever is still open."""

from __future__ import annotations

import signal
import socket
import sys
from contextlib import ExitStack
from pathlib import Path

from server_processes import Process, eventually

# A stream that heeds the end says goodbye; one that doesn't is cut off after the grace.
APP = """
import asyncio, sys
from pathlib import Path
from fastapi import FastAPI, Request
from starlette.responses import StreamingResponse
from fivesigma_backend.core.settings import load_settings
from fivesigma_backend.logs import configure_logging
from fivesigma_backend.core.listening import listen
from fivesigma_backend.server import create_server

app = FastAPI()

@app.get("/heeds")
def heeds(request: Request):
    async def lines():
        yield b"hello"
        while not request.app.state.stopping.is_set():
            await asyncio.sleep(0.01)
        yield b"goodbye"
    return StreamingResponse(lines())

@app.get("/deaf")
def deaf():
    async def lines():
        yield b"hello"
        await asyncio.Event().wait()
    return StreamingResponse(lines())

settings = load_settings({}, data_dir=Path(sys.argv[1]))
configure_logging(settings)
listener = listen("127.0.0.1", 0)
print("port", listener.getsockname()[1], flush=True)
create_server(app, settings, access_log=False).run(sockets=[listener])
"""


def read_until(stream: socket.socket, expected: bytes) -> bytes:
    got = b""
    while expected not in got:
        chunk = stream.recv(4096)
        assert chunk, got
        got += chunk
    return got


def read_to_the_end(stream: socket.socket) -> bytes:
    got = b""
    while chunk := stream.recv(4096):
        got += chunk
    return got


def test_streams_hear_of_the_end_and_deaf_ones_are_cut(tmp_path: Path) -> None:
    process = Process([sys.executable, "-P", "-c", APP, str(tmp_path)], {})
    with ExitStack() as stack:
        stack.callback(process.end)
        eventually(lambda: process.printed.startswith("port "))
        port = int(process.printed.split()[1])
        streams = {}
        for path in ("heeds", "deaf"):
            stream = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=60))
            stream.sendall(f"GET /{path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            read_until(stream, b"hello")
            streams[path] = stream
        process.send(signal.SIGTERM)
        assert b"goodbye" in read_to_the_end(streams["heeds"])
        assert read_to_the_end(streams["deaf"]) == b""
        process.wait()
        assert "Traceback" not in process.printed, process.printed
