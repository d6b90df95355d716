"""The web process: uvicorn over the application, with a quick and clean end.

Open event streams would keep uvicorn waiting for ever. So the moment a signal asks for the end,
`app.state.stopping` is set, which streams and long waits look at; whatever still runs after
`GRACE_SECONDS` is cancelled.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import threading
from types import FrameType

import uvicorn
from fastapi import FastAPI

from .app import create_app
from .core.platform import platform
from .core.settings import Settings

GRACE_SECONDS = 3
UNFINISHED = "returned without completing response"


class Server(uvicorn.Server):
    """A uvicorn that tells the application when the end has begun."""

    def __init__(self, config: uvicorn.Config, stopping: threading.Event) -> None:
        super().__init__(config)
        self._stopping = stopping

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """A signal asked this process to end."""
        self._stopping.set()
        super().handle_exit(sig, frame)

    def leave(self, _signal: int, _frame: FrameType | None) -> None:
        """The same before uvicorn listens to signals and after it stopped to.

        uvicorn raises a handled signal once more at its end; with this handler in place that does
        no harm, and a requested end is exit code 0.
        """
        self._stopping.set()
        self.should_exit = True


class CutAtTheEnd(logging.Filter):
    """Drops what uvicorn says of connections that the end of the process has cut."""

    def __init__(self, stopping: threading.Event) -> None:
        super().__init__()
        self._stopping = stopping

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether to keep the record."""
        error = record.exc_info[1] if record.exc_info else None
        cut = isinstance(error, asyncio.CancelledError) or UNFINISHED in record.getMessage()
        return not (cut and self._stopping.is_set())


def create_server(app: FastAPI, settings: Settings, *, access_log: bool) -> Server:
    """The server over `app`, without sockets yet."""
    app.state.stopping = threading.Event()
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=access_log,
        server_header=False,
        ws="none",
        proxy_headers=True,
        forwarded_allow_ips=settings.forwarded_allow_ips,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    logging.getLogger("uvicorn.error").addFilter(CutAtTheEnd(app.state.stopping))
    return Server(config, app.state.stopping)


def serve(settings: Settings, listener: socket.socket, *, access_log: bool) -> None:
    """Answer requests on `listener` until a signal asks for the end."""
    with platform(settings) as opened:
        server = create_server(create_app(opened), settings, access_log=access_log)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, server.leave)
        server.run(sockets=[listener])
