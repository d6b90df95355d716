"""The drawing process as the worker sees it: figures in, files of pictures out, killed in time."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import selectors
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

logger = logging.getLogger(__name__)
COMMAND = (sys.executable, "-P", "-m", "fivesigma_worker.drawing")
# Generous: it runs with the lowest priority, and the first figure waits for the fonts to be found.
SECONDS_PER_FIGURE = 300.0
LOOK_EVERY = 0.2
CHUNK = 65_536
LARGEST_ANSWER = 2**20

Images = Mapping[str, str]


class Stopped(Exception):
    """Drawing was stopped on request; what was not answered is nobody's fault."""


def draw_all(
    figures: Sequence[Mapping[str, Any]],
    folder: Path,
    fonts: Path,
    stop: Callable[[], bool],
    command: Sequence[str] = COMMAND,
) -> Iterator[tuple[int, Images | None]]:
    """Draw figures into `folder` one after the other, in a process of their own.

    Yields place and pictures (file names by theme and format) of each figure as it is done, None
    for one that can't be drawn. Ends early with None for a figure over which the process died or
    took too long. Raises Stopped once `stop()` is true; it is asked a few times a second. `fonts`
    is where the drawing library keeps what it found out about fonts.
    """
    lines = [
        json.dumps({"name": str(place), "figure": figure}).encode() + b"\n"
        for place, figure in enumerate(figures)
    ]
    with _process(command, folder, fonts) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        conversation = _Conversation(process.stdin, process.stdout, stop)
        for place, line in enumerate(lines):
            answer = conversation.ask(line)
            yield place, _images(place, answer)
            if answer is None:
                return


def _images(place: int, answer: Any) -> Images | None:
    if answer is None:
        logger.warning("the drawing process died or took too long over figure %d", place)
    elif "images" not in answer:
        logger.warning("figure %d can't be drawn: %s", place, answer.get("error"))
    else:
        return {str(form): str(file) for form, file in answer["images"].items()}
    return None


@contextlib.contextmanager
def _process(
    command: Sequence[str], folder: Path, fonts: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """The process, which is gone when the block ends. It inherits nothing of the environment."""
    environment = {"PATH": os.defpath, "HOME": str(folder), "TMPDIR": str(folder)}
    environment |= {"LANG": "C.UTF-8", "MPLBACKEND": "agg", "MPLCONFIGDIR": str(fonts)}
    process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
        command,
        bufsize=0,
        cwd=folder,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        process.kill()
        for pipe in (process.stdin, process.stdout):
            if pipe:
                pipe.close()
        process.wait()


class _Conversation:
    """One line to the process, one line back, without waiting for ever."""

    def __init__(self, inner: IO[bytes], outer: IO[bytes], stop: Callable[[], bool]) -> None:
        self._inner, self._outer, self._stop = inner, outer, stop
        os.set_blocking(inner.fileno(), False)
        os.set_blocking(outer.fileno(), False)

    def ask(self, line: bytes) -> dict[str, Any] | None:
        """The answer to `line`; None if the process died, talks nonsense or takes too long."""
        deadline, answer = time.monotonic() + SECONDS_PER_FIGURE, b""
        with contextlib.suppress(BrokenPipeError), selectors.DefaultSelector() as selector:
            selector.register(self._outer, selectors.EVENT_READ)
            while not answer.endswith(b"\n"):
                if self._stop():
                    raise Stopped
                if time.monotonic() > deadline or len(answer) > LARGEST_ANSWER:
                    return None
                line = self._send(line)
                if selector.select(LOOK_EVERY / 10 if line else LOOK_EVERY):
                    chunk = os.read(self._outer.fileno(), CHUNK)
                    if not chunk:
                        return None
                    answer += chunk
        return _parsed(answer)

    def _send(self, unsent: bytes) -> bytes:
        """What is left to be sent."""
        try:
            return unsent[os.write(self._inner.fileno(), unsent) :] if unsent else unsent
        except BlockingIOError:
            return unsent


def _parsed(answer: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(answer)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
