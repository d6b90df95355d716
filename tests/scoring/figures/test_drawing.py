"""Pictures: valid, the same every time, legible in both themes, and untouched by what they show."""

import re
import struct
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from xml.etree import ElementTree

import fivesigma_frontend
import matplotlib as mpl
import numpy as np
import pytest
from fivesigma_scoring.drawing import THEMES, draw, draw_sheet
from fivesigma_scoring.drawing.style import contrast, more_legible
from fivesigma_scoring.figures import Figure
from fivesigma_scoring.layers import (
    DIFFERENCE,
    LARGEST,
    Curve,
    Layer,
    Mark,
    Mask,
    Matrix,
    Points,
    Steps,
)

STYLESHEET = Path(fivesigma_frontend.__file__).parent / "static" / "style.css"
X = [1.0, 2.0, 4.0]
MASK = Mask(9, 9, [1, 2], [3, 4], [1, 2], ["nothing", "shower", "track"], "Truth")


def figure_of(*layers: Layer, **further: bool) -> Figure:
    return Figure("a", "A title", "x (GeV)", "Events / 2", layers, "A note.", **further)


ALL_KINDS = {
    "steps": figure_of(Steps([0, 1, 3], [2, 5], [1, 1], "Signal"), Mark(x=1, label="Your cut")),
    "log steps": figure_of(Steps([0, 1, 3], [0, 5], [1, 6]), y_log=True),
    "curve": figure_of(Curve(X, X, [0, 1, 2], [2, 3, 6], "± 1σ"), Mark(1, 2, "Your cut")),
    "reference": figure_of(Curve([0, 1], [0, 1], reference=True, label="By chance")),
    "points": figure_of(Points(X, X, [1, 1, 1], [1, 2, 1], "Mean"), Mark(y=0)),
    "matrix": figure_of(Matrix(["a", "b"], ["a", "b"], [[0.9, 0.1], [0.4, 0.6]])),
    "large matrix": figure_of(Matrix(["c"] * 20, ["d"] * 20, np.eye(20))),
    "mask": figure_of(MASK, MASK, Mask(9, 9, [1], [3], [1], DIFFERENCE, "Difference")),
    "empty mask": figure_of(Mask(9, 9, [], [], [], ["nothing"], "Prediction")),
}
EXTREMES = {
    "large": figure_of(Curve([-LARGEST, LARGEST], [LARGEST, -LARGEST])),
    "large steps": figure_of(Steps([-LARGEST, LARGEST], [LARGEST], [LARGEST], "x"), y_log=True),
    "small": figure_of(Curve([0, 5e-324], [0, 5e-324]), x_log=True, y_log=True),
    "all zero": figure_of(Steps([0, 1], [0], [0], "x"), y_log=True),
    "negative": figure_of(Steps([0, 1, 2], [-3, -1], [-1, 1], "x"), y_log=True),
    "below zero": figure_of(Curve([-1, -2], [-1, -2], [-2, -3], [0, 0]), x_log=True, y_log=True),
    "one point": figure_of(Points([1], [1])),
    "points on a log axis": figure_of(Points([1, 0], [0, -1], [1, 1], [1, 1]), y_log=True),
    "marks alone": figure_of(Mark(x=1), Mark(y=1), Mark(1, 1, "Your cut")),
    "many names": figure_of(*(Curve(X, X, label="n" * 200) for _ in range(12))),
    "formula": figure_of(Curve(X, X, label=r"$\frac{1}{$ and $x^2$ and \$")),
    "matrix with a curve": figure_of(Matrix(["a"], ["b"], [[1]]), Curve(X, X)),
    "mask with a curve": figure_of(MASK, Curve(X, X)),
    "wide mask": figure_of(Mask(100_000, 100_000, [0, 99_999], [0, 99_999], [1, 0], ["a", "b"])),
    "letters of no font": Figure(
        "a", "顶夸克 🎉", "ξ ∈ ℝ", "ŷ − y", [Curve(X, X, label="−5 ≤ ε ± 1σ")], "“note”"
    ),
    "no words": Figure("a", "", "", "", [Curve(X, X)]),
    "long words": Figure("a", "t" * 200, "x" * 200, "y" * 200, [Curve(X, X)], "n" * 200),
}


def png_size(data: bytes) -> tuple[int, int]:
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", data[16:24])
    return int(width), int(height)


@cache
def drawn(name: str, theme: str, form: str) -> bytes:
    return draw(ALL_KINDS[name], theme, form)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", ALL_KINDS)
def test_every_layer_is_drawn(name: str, theme: str) -> None:
    svg, png = drawn(name, theme, "svg"), drawn(name, theme, "png")
    root = ElementTree.fromstring(svg)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert not root.findall(".//{http://www.w3.org/2000/svg}text"), "texts are paths"
    assert len(root.findall(".//{http://www.w3.org/2000/svg}path")) > 10
    assert THEMES[theme].surface in svg.decode()
    assert b"<dc:date>" not in svg
    assert png_size(png)[0] == 1440
    assert len(png) > 5000


@pytest.mark.parametrize("name", ALL_KINDS)
def test_the_same_figure_gives_the_same_bytes_and_themes_differ(name: str) -> None:
    again = Figure.from_json(ALL_KINDS[name].as_json())
    for form in ("svg", "png"):
        assert drawn(name, "light", form) == draw(again, "light", form)
        assert drawn(name, "light", form) != drawn(name, "dark", form)


def test_what_a_layer_holds_is_seen() -> None:
    cut = Mark(x=1, label="Your cut")
    others = [
        figure_of(Steps([0, 1, 3], [2, 4], [1, 1], "Signal"), cut),
        figure_of(Steps([0, 2, 3], [2, 5], [1, 1], "Signal"), cut),
        figure_of(Steps([0, 1, 3], [2, 5], [1, 2], "Signal"), cut),
        figure_of(Steps([0, 1, 3], [2, 5], [1, 1], "Signal"), cut, y_log=True),
        figure_of(Steps([0, 1, 3], [2, 5], [1, 1], "Signal")),
    ]
    assert len({drawn("steps", "light", "svg"), *map(draw, others)}) == len(others) + 1


@pytest.mark.filterwarnings("ignore:.*Glyph.*missing:UserWarning")
@pytest.mark.parametrize("name", EXTREMES)
def test_whatever_is_valid_can_be_drawn(name: str) -> None:
    figure = EXTREMES[name]
    assert Figure.from_json(figure.as_json()) == figure
    ElementTree.fromstring(draw(figure, "light", "svg"))


def test_a_sheet_holds_several_figures() -> None:
    figures = list(ALL_KINDS.values())[:3]
    one, sheet = (png_size(draw_sheet(some, "light", "png")) for some in (figures[:1], figures))
    assert sheet == (2 * one[0], 2 * one[1])
    ElementTree.fromstring(draw_sheet([*figures, ALL_KINDS["mask"]], "dark", "svg"))


def test_drawing_leaves_the_settings_of_the_process_alone() -> None:
    before = dict(mpl.rcParams)
    draw(ALL_KINDS["curve"], "dark", "png")
    assert dict(mpl.rcParams) == before


def test_threads_do_not_disturb_each_other() -> None:
    jobs = [(name, theme, "svg") for name in ("steps", "matrix", "mask") for theme in THEMES]
    with ThreadPoolExecutor(len(jobs)) as pool:
        together = list(pool.map(lambda job: draw(ALL_KINDS[job[0]], job[1], job[2]), jobs))
    assert together == [drawn(*job) for job in jobs]


def test_the_colours_are_those_of_the_pages() -> None:
    style = STYLESHEET.read_text()
    for token in ("surface", "ink", "muted", "edge"):
        found = re.search(rf"--{token}: light-dark\((#\w+), (#\w+)\)", style)
        assert found is not None
        assert found.groups() == tuple(getattr(THEMES[one], token) for one in ("light", "dark"))
    found = re.search(r"--signal: light-dark\((#\w+), (#\w+)\)", style)
    assert found is not None
    assert found.groups() == (THEMES["light"].mark, THEMES["dark"].mark)


@pytest.mark.parametrize("name", ["light", "dark"])
def test_everything_stands_out_from_its_ground(name: str) -> None:
    theme = THEMES[name]
    for words in (theme.ink, theme.muted):
        assert contrast(words, theme.surface) >= 4.5
    for line in (*theme.series, theme.mark, theme.edge):
        assert contrast(line, theme.surface) >= 3
    for share in np.linspace(0, 1, 21):
        ground = share * _rgb(theme.series[0]) + (1 - share) * _rgb(theme.surface)
        words = more_legible((theme.surface, theme.ink), ground)
        assert contrast(words, ground) >= 3.5


def _rgb(colour: str) -> np.ndarray:
    return np.array(mpl.colors.to_rgb(colour))


def test_contrast_is_that_of_the_guidelines() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
