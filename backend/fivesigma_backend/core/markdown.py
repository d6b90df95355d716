"""Markdown of organisers, as HTML that can't hurt: rendered, then sanitised."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from urllib.parse import unquote

import nh3
from markdown_it import MarkdownIt
from markdown_it.token import Token

_RENDERER = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
_ATTRIBUTES = nh3.ALLOWED_ATTRIBUTES | {"img": {"src", "alt", "width", "height", "loading"}}

LOWEST_HEADING = 6


@dataclass(frozen=True)
class Image:
    """A picture of ours that a text may show: its address, and its size in CSS pixels."""

    address: str
    width: int
    height: int


def render_markdown(text: str, pictures: Mapping[str, Image] | None = None) -> str:
    """Sanitised HTML of `text`; links open nothing but http, https and mailto.

    Headings go one level down, since the page around the text has the first. An image is shown if
    its source is one of `pictures`; of any other its description is left.
    """
    known = pictures or {}
    tokens = _RENDERER.parse(text)
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(int(token.tag[1]) + 1, LOWEST_HEADING)}"
        if token.children:
            token.children = [_pictured(child, known) for child in token.children]
    html = _RENDERER.renderer.render(tokens, _RENDERER.options, {})
    return nh3.clean(str(html), attributes=_ATTRIBUTES, url_schemes={"http", "https", "mailto"})


def _pictured(token: Token, pictures: Mapping[str, Image]) -> Token:
    """The token of an image with its address, or with its description in its place."""
    if token.type != "image":
        return token
    image = pictures.get(str(PurePosixPath(unquote(str(token.attrs["src"])))))
    if image is None:
        return Token("text", "", 0, content=_words(token.children or []))
    token.attrs = {
        "src": image.address,
        "alt": "",
        "width": image.width,
        "height": image.height,
        "loading": "lazy",
    }
    return token


def _words(tokens: Sequence[Token]) -> str:
    """The plain text of a description."""
    return "".join(one.content + _words(one.children or []) for one in tokens)
