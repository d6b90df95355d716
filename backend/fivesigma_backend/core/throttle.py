"""Rate limits. They live outside transactions, so that a refusal does not undo them."""

from __future__ import annotations

import logging

from limits import RateLimitItem, parse
from limits.storage import MemoryStorage, storage_from_string
from limits.strategies import MovingWindowRateLimiter

from .errors import TooMany

logger = logging.getLogger(__name__)


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
        if not self._counted(item, key):
            seconds = item.get_expiry()
            raise TooMany(
                f"Too many attempts: {item.amount} in {_words(seconds)} are allowed; wait a bit.",
                headers={"Retry-After": str(seconds)},
            )

    def reset(self) -> None:
        """Forget every count."""
        self._shared.storage.reset()
        self._own.storage.reset()

    def _counted(self, item: RateLimitItem, key: tuple[str, ...]) -> bool:
        try:
            return self._shared.hit(item, *key)
        except Exception as error:  # noqa: BLE001 - whatever the client of the store raises
            logger.warning("the shared rate limits are away, counting here: %s", error)
            return self._own.hit(item, *key)


def _words(seconds: int) -> str:
    return f"{seconds} seconds" if seconds < 120 else f"{seconds // 60} minutes"
