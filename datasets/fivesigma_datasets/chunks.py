"""Long generation in chunks: resumable, and the same bytes whatever the number of processes.

Each chunk has seeds of its own and is kept in a file as soon as it is made. A run that was killed
finds its chunks and goes on; which process made which chunk does not matter.
"""

import json
import os
import shutil
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from fivesigma_datasets.errors import DataError

Arrays = dict[str, npt.NDArray[Any]]
Task = TypeVar("Task")

FINGERPRINT = "fingerprint.json"
OWNER_ONLY = 0o700  # chunks hold the truth of a challenge to come


def chunk_folder(out: Path) -> Path:
    """Where the chunks of the folder ``out`` are kept until it is complete."""
    return out.parent / f".{out.name}.chunks"


def forget(kept: Path) -> None:
    """Remove the chunks, once what they are for has been written."""
    shutil.rmtree(kept, ignore_errors=True)


def made_in_order(
    make: Callable[[Task], Arrays],
    tasks: Iterable[Task],
    *,
    kept: Path,
    fingerprint: Mapping[str, Any],
    processes: int,
) -> Iterator[Arrays]:
    """``make(task)`` for each task, in order; who asks no further ends the making.

    ``make`` and the tasks are sent to other processes, so they are picklable; ``tasks`` may be
    without end. ``fingerprint`` is JSON and names everything that the chunks depend on: those kept
    under another one are thrown away. Raises ``DataError`` where a process was killed.
    """
    _open(kept, fingerprint)
    numbered = ((kept / f"{number:06}.npz", task) for number, task in enumerate(tasks))
    if processes > 1:
        yield from _in_processes(make, numbered, processes)
        return
    for path, task in numbered:
        if not path.exists():
            _keep(make, task, path)
        yield _read(path)


def _open(kept: Path, fingerprint: Mapping[str, Any]) -> None:
    """The folder of the chunks, emptied of those that belong to something else."""
    text = json.dumps(fingerprint, sort_keys=True)
    known = kept / FINGERPRINT
    if known.exists() and known.read_text() == text:
        return
    forget(kept)
    kept.mkdir(parents=True, mode=OWNER_ONLY)
    known.write_text(text)


def _in_processes(
    make: Callable[[Task], Arrays], numbered: Iterator[tuple[Path, Task]], processes: int
) -> Iterator[Arrays]:
    """As many chunks in the making as there are processes; results in order."""
    pool = ProcessPoolExecutor(processes, mp_context=get_context("spawn"))
    waiting: deque[tuple[Path, Future[None] | None]] = deque()
    try:
        for path, task in numbered:
            made = path.exists()
            waiting.append((path, None if made else pool.submit(_keep, make, task, path)))
            if len(waiting) >= processes:
                yield _result(*waiting.popleft())
        while waiting:
            yield _result(*waiting.popleft())
    except BrokenProcessPool:
        raise DataError(
            "A generating process was ended from outside, perhaps for want of memory: try again "
            "with fewer processes. What was made until now is kept and will be used."
        ) from None
    finally:
        pool.shutdown(cancel_futures=True)


def _keep(make: Callable[[Task], Arrays], task: Task, path: Path) -> None:
    """Make a chunk and write it whole: a file with its final name is complete."""
    partial = path.with_suffix(f".{os.getpid()}.partial")
    with partial.open("wb") as file:
        np.savez(file, **make(task))  # type: ignore[arg-type]  # numpy types its own keyword only
    partial.replace(path)


def _result(path: Path, future: "Future[None] | None") -> Arrays:
    if future:
        future.result()
    return _read(path)


def _read(path: Path) -> Arrays:
    with np.load(path, allow_pickle=False) as file:
        return dict(file)
