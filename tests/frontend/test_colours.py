"""Contrast of the colours in both themes, computed from the custom properties of the stylesheet.

WCAG 2.2 AA: 4.5 for text (success criterion 1.4.3), 3 for the edges of fields and the focus ring
(1.4.11).
"""

from __future__ import annotations

import re

import pytest
from fivesigma_frontend import STATIC

STYLE = re.sub(r"/\*.*?\*/", "", (STATIC / "style.css").read_text(), flags=re.DOTALL)
TOKENS = dict(re.findall(r"--([\w-]+):\s*light-dark\(([^)]*)\)", STYLE))
THEMES = ("light", "dark")
GROUNDS = ("paper", "surface", "sunken")
TEXT = [
    *((ink, ground) for ink in ("ink", "muted", "accent", "accent-strong") for ground in GROUNDS),
    *((ink, "paper") for ink in ("signal", "success", "warning", "danger")),
    *((ink, "surface") for ink in ("success", "warning", "danger")),
    *(("ink", f"{kind}-soft") for kind in ("accent", "success", "warning", "danger")),
    *(("muted", f"{kind}-soft") for kind in ("accent", "warning", "danger")),
    *((kind, f"{kind}-soft") for kind in ("accent", "success", "warning", "danger")),
    ("accent-strong", "accent-soft"),
    ("on-accent", "accent"),
    ("on-accent", "accent-strong"),
    ("on-danger", "danger"),
]
EDGES = [
    *(("edge", ground) for ground in GROUNDS),
    *(("focus", ground) for ground in GROUNDS),
    *((kind, "paper") for kind in ("accent", "signal", "danger", "success", "warning")),
    ("signal", "surface"),
]


def luminance(colour: str) -> float:
    """Relative luminance of `#rrggbb`."""
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(ink: str, ground: str, theme: str) -> float:
    """The WCAG contrast of two tokens in a theme."""
    position = THEMES.index(theme)
    colours = [TOKENS[name].split(",")[position].strip() for name in (ink, ground)]
    light, dark = sorted((luminance(colour) for colour in colours), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_the_formula_gives_the_known_extremes() -> None:
    assert luminance("#ffffff") == pytest.approx(1)
    assert luminance("#777777") == pytest.approx(0.1845, abs=1e-4)


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize(("ink", "ground"), TEXT)
def test_text_can_be_read(ink: str, ground: str, theme: str) -> None:
    assert contrast(ink, ground, theme) >= 4.5


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize(("ink", "ground"), EDGES)
def test_fields_and_focus_can_be_seen(ink: str, ground: str, theme: str) -> None:
    assert contrast(ink, ground, theme) >= 3


def test_every_colour_is_a_token_with_both_themes() -> None:
    assert all(re.fullmatch(r"#[0-9a-f]{6}, #[0-9a-f]{6}", pair) for pair in TOKENS.values())
    rest = re.sub(r"light-dark\([^)]*\)", "", STYLE)
    assert re.findall(r"#[0-9a-fA-F]{3,8}\b(?=[;\s,)])", rest) == []


def test_every_token_that_is_used_is_defined_and_the_other_way_round() -> None:
    defined = set(re.findall(r"^\s*--([\w-]+):", STYLE, re.MULTILINE))
    used = set(re.findall(r"var\(--([\w-]+)\)", STYLE))
    assert used == defined
