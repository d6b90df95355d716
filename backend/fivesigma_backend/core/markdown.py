"""Markdown of organisers, as HTML that can't hurt: rendered, then sanitised."""

from __future__ import annotations

import nh3
from markdown_it import MarkdownIt

_RENDERER = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])


LOWEST_HEADING = 6


def render_markdown(text: str) -> str:
    """Sanitised HTML of `text`; links open nothing but http, https and mailto.

    Headings go one level down, since the page around the text has the first.
    """
    tokens = _RENDERER.parse(text)
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(int(token.tag[1]) + 1, LOWEST_HEADING)}"
    html = _RENDERER.renderer.render(tokens, _RENDERER.options, {})
    return nh3.clean(str(html), url_schemes={"http", "https", "mailto"})
