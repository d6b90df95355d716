"""A real server on a real socket, with a worker thread, for tests that speak HTTP from outside."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastapi.testclient import TestClient
from fivesigma_backend.app import create_app
from fivesigma_backend.challenges.models import Phase
from fivesigma_backend.core.platform import Platform
from fivesigma_backend.server import Server, create_server
from fivesigma_worker.scoring import drain
from sqlalchemy import select
from stories import Person, Story, begin_story

ROUND = 0.05
LONGEST = 30.0


def eventually(condition: Callable[[], Any], what: str) -> None:
    """Wait until `condition()` is true."""
    deadline = time.monotonic() + LONGEST
    while not condition():
        assert time.monotonic() < deadline, f"never: {what}"
        time.sleep(0.01)


class Web:
    """The web application on a port of 127.0.0.1; it can be stopped and started again."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._server: Server | None = None
        self._thread: threading.Thread | None = None
        self.port = 0
        self.start()

    def start(self) -> None:
        """Answer."""
        listener = socket.create_server(("127.0.0.1", self.port))
        self.port = listener.getsockname()[1]
        app = create_app(self._platform)
        server = create_server(app, self._platform.settings, access_log=False)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        eventually(lambda: server.started, "the server starts")
        self._server, self._thread = server, thread

    def stop(self) -> None:
        """Refuse connections from now on."""
        if self._server is None or self._thread is None:
            return
        self._server.leave(0, None)
        self._thread.join(timeout=LONGEST)
        assert not self._thread.is_alive()
        self._server = self._thread = None


class Worker:
    """A thread that scores what waits. While `busy_elsewhere` is set, the queue grows."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._ending = threading.Event()
        self.busy_elsewhere = threading.Event()
        self._thread = threading.Thread(target=self._work)
        self._thread.start()

    def _work(self) -> None:
        while not self._ending.wait(ROUND):
            if not self.busy_elsewhere.is_set():
                drain(self._platform, self._ending)

    def end(self) -> None:
        """Finish what is being scored, and no more."""
        self._ending.set()
        self._thread.join(timeout=LONGEST)


@dataclass(frozen=True)
class LiveServer:
    """The tiny challenge behind a socket, being worked on."""

    story: Story
    web: Web
    worker: Worker

    @property
    def platform(self) -> Platform:
        return self.story.platform

    @property
    def folder(self) -> Path:
        return self.story.folder

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.web.port}"

    def person(self, username: str = "ada", *, joined: bool = True) -> Person:
        return self.story.person(username, joined=joined)

    def prediction(self, cut: float = 0.0) -> Path:
        """A valid file that selects `x > cut`."""
        self.story.prediction(cut)
        return self.folder / f"cut-{cut}.csv"

    def hide_board(self) -> None:
        """Make the board of the phase one that is shown at the end only."""
        with self.platform.db.transaction() as session:
            phase = session.scalars(select(Phase)).one()
            phase.definition = phase.definition | {"board": "hidden"}


@contextmanager
def live_server(platform: Platform, folder: Path, **toml: Any) -> Iterator[LiveServer]:
    """The tiny challenge (with changes to its toml) on a server that ends with the block."""
    with TestClient(create_app(platform)) as inside:
        story = begin_story(platform, inside, folder, **toml)
        web, worker = Web(platform), Worker(platform)
        try:
            yield LiveServer(story, web, worker)
        finally:
            worker.end()
            web.stop()
