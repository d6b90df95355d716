"""The fixtures of tests/live_site.py for every browser journey."""

from __future__ import annotations

from live_site import chromium, plain_visitor, running, visitor

__all__ = ["chromium", "plain_visitor", "running", "visitor"]
