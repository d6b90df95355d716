"""Events for live pages: ids, states and board versions, never values.

They travel through Valkey's publish/subscribe. A lost event is harmless: a page that reconnects
reads the present state again.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncGenerator
from typing import Any

import redis
import redis.asyncio
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)
RECONNECT_SECONDS = 1.0


class Events:
    """Publishes and follows the events of challenges."""

    def __init__(self, broker_url: str) -> None:
        self._url = broker_url
        self._client = redis.Redis.from_url(broker_url, socket_connect_timeout=2, socket_timeout=2)

    def publish(self, challenge_id: str, event: dict[str, Any]) -> None:
        """Tell everyone who follows the challenge; never raises."""
        try:
            self._client.publish(_channel(challenge_id), json.dumps(event))
        except (RedisError, OSError) as error:
            logger.warning("an event could not be published: %s", error)

    async def follow(self, challenge_id: str) -> AsyncGenerator[dict[str, Any] | None]:
        """Events of the challenge as they come; None whenever one may have been missed."""
        while True:
            client = redis.asyncio.Redis.from_url(self._url, socket_connect_timeout=2)
            try:
                async with client.pubsub() as channel:
                    await channel.subscribe(_channel(challenge_id))
                    yield None
                    async for message in channel.listen():
                        if message["type"] == "message":
                            yield json.loads(message["data"])
            except (RedisError, OSError) as error:
                logger.warning("the event stream lost its broker: %s", error)
                yield None
                await asyncio.sleep(RECONNECT_SECONDS)
            finally:
                await client.aclose()

    def reachable(self) -> bool:
        """Whether the broker answers."""
        try:
            return bool(self._client.ping())
        except (RedisError, OSError):
            return False

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


def _channel(challenge_id: str) -> str:
    return f"fivesigma:events:{challenge_id}"
