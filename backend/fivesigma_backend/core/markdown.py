"""Markdown of organisers, as HTML that can't hurt: rendered, then sanitised."""

from __future__ import annotations

import nh3
from markdown_it import MarkdownIt

_RENDERER = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])


def render_markdown(text: str) -> str:
    """Sanitised HTML of `text`; links open nothing but http, https and mailto."""
    return nh3.clean(_RENDERER.render(text), url_schemes={"http", "https", "mailto"})
