"""`python -m fivesigma_worker.drawing`: the process that draws figures, apart from the worker.

    {"name": "0", "figure": {…}}                     a line of standard input for each figure
    {"name": "0", "images": {"light.svg": "0.light.svg", …}}   and for each a line of the answer
    {"name": "0", "error": "…"}                      or this, where it can't be drawn

Pictures are files in the current directory. Standard input stays open while there is something to
do: its end means that the worker is gone, and this process goes with it.
"""

from __future__ import annotations

import dataclasses
import json
import os
import queue
import resource
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

NICENESS = 19
# Many times what a figure takes; the system's own last line against one that never ends.
CPU_SECONDS = 600
ADDRESS_SPACE = 4 * 2**30


def main() -> None:
    """Draw what comes in until nothing more does."""
    os.nice(NICENESS)
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    # What a library prints must not get between the answers.
    answers, sys.stdout = sys.stdout, sys.stderr
    for line in _lines():
        request = json.loads(line)
        print(json.dumps({"name": request["name"], **_draw(request)}), file=answers, flush=True)


def _lines() -> Iterator[str]:
    """The lines as they come, read by a thread that ends the process with the last one."""
    waiting: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(sys.stdin, waiting), daemon=True).start()
    while True:
        yield waiting.get()


def _read(source: IO[str], waiting: queue.SimpleQueue[str]) -> None:
    for line in source:
        waiting.put(line)
    os._exit(0)


def _draw(request: dict[str, Any]) -> dict[str, Any]:
    try:
        return {"images": _pictures(request["name"], request["figure"])}
    except Exception as error:  # noqa: BLE001 - whatever a drawing library raises: the next one may do
        return {"error": f"{type(error).__name__}: {error}"[:500]}


def _pictures(name: str, document: object) -> dict[str, str]:
    # Here, so that a broken drawing library is an error of each figure with its reason.
    from fivesigma_scoring.drawing import draw
    from fivesigma_scoring.figures import Figure

    figure, images = Figure.from_json(document), {}
    bare = dataclasses.replace(figure, note="")
    for theme in ("light", "dark"):
        for form in ("svg", "png"):
            file = Path(f"{name}.{theme}.{form}")
            # The page writes the note under its SVG; a PNG is carried elsewhere and keeps it.
            file.write_bytes(draw(figure if form == "png" else bare, theme, form))
            images[f"{theme}.{form}"] = file.name
    return images


if __name__ == "__main__":
    main()
