"""How the progress of a transfer is watched, without knowing how it is shown."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

Seen = Callable[[int], None]
Watch = Callable[[str, int], AbstractContextManager[Seen]]


@contextmanager
def unwatched(_name: str, _size: int) -> Iterator[Seen]:
    """Watch nothing. Others yield a function that is told how many bytes are done in all."""
    yield lambda _done: None
