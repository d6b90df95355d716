"""Opaque identifiers that sort by creation time."""

from __future__ import annotations

from ulid import ULID


def new_id() -> str:
    """A fresh identifier: 26 lower-case characters, later ones sort later."""
    return str(ULID()).lower()
