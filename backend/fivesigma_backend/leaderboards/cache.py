"""Boards that were read a moment ago, kept by everything they depend on."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import TypeVar

from .schemas import BoardOut
from .service import BoardKey

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")
MOST_BOARDS = 64


class BoardCache:
    """The last boards and their serialised pages; a changed board has another key."""

    def __init__(self) -> None:
        self._boards: OrderedDict[BoardKey, BoardOut] = OrderedDict()
        self._pages: OrderedDict[tuple[BoardKey, str], bytes] = OrderedDict()
        self._lock = threading.Lock()

    def board(self, key: BoardKey, read: Callable[[], BoardOut]) -> BoardOut:
        """The board of `key`, read by `read` if it is not here."""
        return self._get(self._boards, key, read)

    def page(self, key: BoardKey, page: str, make: Callable[[], bytes]) -> bytes:
        """A serialised part of the board of `key`."""
        return self._get(self._pages, (key, page), make)

    def _get(self, kept: OrderedDict[Key, Value], key: Key, make: Callable[[], Value]) -> Value:
        with self._lock:
            if key in kept:
                kept.move_to_end(key)
                return kept[key]
        value = make()
        with self._lock:
            kept[key] = value
            while len(kept) > MOST_BOARDS:
                kept.popitem(last=False)
        return value
