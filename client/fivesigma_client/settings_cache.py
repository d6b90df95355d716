"""How a challenge of a site scores, kept so that scoring works without the site afterwards."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from platformdirs import user_cache_path

from .answers import Challenge
from .client import Client
from .errors import BadAnswer, Unreachable
from .reading import read
from .transport import Tell
from .writing import write_whole


def known_challenge(client: Client, slug: str, tell: Tell) -> Challenge:
    """The challenge as the site says, or as it said last while the site can't be reached."""
    path = _path(client.url, slug)
    try:
        challenge = client.challenge(slug)
    except Unreachable:
        kept = _kept(path)
        if kept is None:
            raise
        tell(f"{client.url} can't be reached: scoring as it said when it last could.")
        return kept
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_whole(path, json.dumps(challenge.document), private=True)
    return challenge


def _path(url: str, slug: str) -> Path:
    site = hashlib.sha256(url.encode()).hexdigest()[:16]
    return user_cache_path("fivesigma", appauthor=False) / f"{slug}-{site}.json"


def _kept(path: Path) -> Challenge | None:
    try:
        return read(Challenge, json.loads(path.read_bytes()))
    except (OSError, ValueError, BadAnswer):
        return None
