"""Markdown of organisers can format, and can't hurt."""

from __future__ import annotations

import pytest
from fivesigma_backend.core.markdown import render_markdown


def test_headings_go_one_level_down_and_tables_and_links_work() -> None:
    html = render_markdown("# A\n\n###### F\n\n| a |\n|---|\n| 1 |\n\n[x](https://example.org)")
    assert "<h2>A</h2>" in html
    assert "<h6>F</h6>" in html
    assert "<td>1</td>" in html
    assert 'href="https://example.org"' in html


@pytest.mark.parametrize(
    "hostile",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "[x](javascript:alert(1))",
        "[x](data:text/html,<script>)",
        "![x](javascript:alert(1))",
        '<a href="https://example.org" style="position:fixed">x</a>',
    ],
)
def test_hostile_markdown_is_harmless(hostile: str) -> None:
    html = render_markdown(hostile)
    for word in (
        "<script",
        "<img",
        'href="javascript',
        'href="data',
        '<a href="https://example.org" style',
    ):
        assert word not in html
