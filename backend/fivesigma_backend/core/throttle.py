"""Rate limits. They live outside transactions, so that a refusal does not undo them."""

from __future__ import annotations

import logging
from typing import Literal

from limits import RateLimitItem, parse
from limits.storage import MemoryStorage, storage_from_string
from limits.strategies import MovingWindowRateLimiter

from .errors import TooMany

logger = logging.getLogger(__name__)
Ask = Literal["hit", "test", "clear"]


class Throttle:
    """Moving-window limits, shared through Valkey; in this process alone while that is away."""

    def __init__(self, broker_url: str) -> None:
        uri = broker_url.replace("unix://", "redis+unix://", 1)
        self._shared = MovingWindowRateLimiter(storage_from_string(uri))
        self._own = MovingWindowRateLimiter(MemoryStorage())

    def hit(self, limit: str, *key: str) -> None:
        """Count one event of `key` against `limit` (such as "10/minute").

        Raises TooMany with the seconds to wait when there were too many.
        """
        item = parse(limit)
        _require(self._asked("hit", item, key), item)

    def check(self, limit: str, *key: str) -> None:
        """Raise TooMany where `hit` would, but count nothing."""
        item = parse(limit)
        _require(self._asked("test", item, key), item)

    def forget(self, limit: str, *key: str) -> None:
        """Start the count of `key` again, as after a log-in that succeeded."""
        self._asked("clear", parse(limit), key)

    def reset(self) -> None:
        """Forget every count."""
        self._shared.storage.reset()
        self._own.storage.reset()

    def _asked(self, what: Ask, item: RateLimitItem, key: tuple[str, ...]) -> bool:
        try:
            return bool(getattr(self._shared, what)(item, *key))
        except Exception as error:  # noqa: BLE001 - whatever the client of the store raises
            logger.warning("the shared rate limits are away, counting here: %s", error)
            return bool(getattr(self._own, what)(item, *key))


def _require(allowed: bool, item: RateLimitItem) -> None:
    if not allowed:
        seconds = item.get_expiry()
        raise TooMany(
            f"Too many attempts: {item.amount} in {_words(seconds)} are allowed; wait a bit.",
            headers={"Retry-After": str(seconds)},
        )


def _words(seconds: int) -> str:
    return f"{seconds} seconds" if seconds < 120 else f"{seconds // 60} minutes"
