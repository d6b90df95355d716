"""Figures as JSON: what goes in comes out, and what a stranger made up is refused."""

import json
from typing import Any

import numpy as np
import pytest
from fivesigma_scoring.figures import MOST_LAYERS, Figure, finished
from fivesigma_scoring.layers import (
    LAYERS,
    MOST_NUMBERS,
    MOST_POINTS,
    Curve,
    Mark,
    Mask,
    Matrix,
    Points,
    Steps,
)
from hypothesis import given, settings
from hypothesis import strategies as st

EVERYTHING = Figure(
    "all_of_it",
    "Everything",
    "x (GeV)",
    "y",
    [
        Steps([0, 1, 2.5], [3, 4], [0.5, 0.25], "steps"),
        Curve([0, 1], [1, 2], [0.5, 1.5], [1.5, 2.5], "curve", reference=True),
        Points(np.arange(3), np.ones(3), None, np.full(3, 0.1), "points"),
        Mark(x=1.5, label="Your cut"),
        Mark(y=2),
        Matrix(["a"], ["b", "c"], [[0.25, 0.75]]),
        Mask(4, 5, [0, 3], [4, 1], np.array([1, 0]), ["nothing", "track"], "Truth"),
    ],
    note="A note.",
    x_log=True,
)

NUMBERS: Any = [0.0, 1.0]
CHANGES: list[tuple[str, dict[str, Any]]] = [
    ("name", {"name": "../../etc/passwd"}),
    ("name of another type", {"name": 5}),
    ("long name", {"name": "a" * 41}),
    ("title", {"title": "x" * 201}),
    ("no text", {"note": None}),
    ("line break", {"x_label": "a\nb"}),
    ("lone surrogate", {"y_label": "\ud800"}),
    ("flag", {"y_log": 1}),
    ("no layers", {"layers": []}),
    ("layers of another type", {"layers": {"0": {}}}),
    ("too many layers", {"layers": [Mark(x=1).as_json()] * (MOST_LAYERS + 1)}),
    ("unknown member", {"script": "alert(1)"}),
    ("layer of no type", {"layers": [{}]}),
    ("layer of unknown type", {"layers": [{"type": "pickle"}]}),
    ("layer of unhashable type", {"layers": [{"type": []}]}),
    ("layer is a list", {"layers": [[1]]}),
]
LAYER_CHANGES: list[tuple[str, str, dict[str, Any]]] = [
    ("NaN", "steps", {"values": [1.0, float("nan")]}),
    ("infinity", "steps", {"errors": [1.0, float("inf")]}),
    ("huge", "curve", {"y": [0.0, 1e31]}),
    ("huge integer", "curve", {"y": [0, 10**400]}),
    ("huge integer for a pixel", "mask", {"code": [0, 10**400]}),
    ("text for a number", "curve", {"y": [0.0, "1"]}),
    ("boolean for a number", "curve", {"y": [0.0, True]}),
    ("null for a number", "points", {"x": [None, 1.0, 2.0]}),
    ("null for edges", "steps", {"edges": None}),
    ("null for heights", "steps", {"values": None}),
    ("null for a line", "curve", {"y": None}),
    ("null for points", "points", {"y": None}),
    ("null for a row", "matrix", {"values": [None]}),
    ("null for rows", "matrix", {"rows": None}),
    ("null for cells", "matrix", {"values": None}),
    ("null for pixels", "mask", {"row": None}),
    ("null for classes of pixels", "mask", {"code": None}),
    ("text for an array", "points", {"x": "012"}),
    ("nested", "points", {"x": [[0.0], 1.0, 2.0]}),
    ("edges that fall", "steps", {"edges": [0, 2, 1]}),
    ("edges that stay", "steps", {"edges": [0, 0, 1]}),
    ("too few edges", "steps", {"edges": [0, 1]}),
    ("no bins", "steps", {"edges": [0], "values": [], "errors": []}),
    ("unequal", "curve", {"x": [0.0]}),
    ("nothing", "curve", {"x": [], "y": [], "low": [], "high": []}),
    ("half a band", "curve", {"low": None}),
    ("reference", "curve", {"reference": "yes"}),
    ("too long", "curve", {name: [0.0] * 501 for name in ("x", "y", "low", "high")}),
    ("long label", "curve", {"label": "x" * 201}),
    ("no place", "mark", {"x": None, "y": None}),
    ("a place that is text", "mark", {"x": "1"}),
    ("unequal rows", "matrix", {"rows": ["a", "b"]}),
    ("unequal columns", "matrix", {"columns": ["a"]}),
    ("no share", "matrix", {"values": [[0.5, 1.5]]}),
    ("names that are no list", "matrix", {"columns": "ab"}),
    ("too many cells", "matrix", {"columns": ["a"] * 2001, "values": [[0.0] * 2001]}),
    ("pixel outside", "mask", {"row": [0, 4]}),
    ("pixel below", "mask", {"column": [-1, 1]}),
    ("half a pixel", "mask", {"row": [0, 0.5]}),
    ("unknown class", "mask", {"code": [0, 2]}),
    ("endless side", "mask", {"height": 10**9}),
    ("side is no number", "mask", {"width": True}),
    ("too many pixels", "mask", {name: [0] * 5001 for name in ("row", "column", "code")}),
]


def document(figure: Figure = EVERYTHING) -> dict[str, Any]:
    written: dict[str, Any] = json.loads(json.dumps(figure.as_json(), allow_nan=False))
    return written


def with_layer(kind: str, changes: dict[str, Any]) -> dict[str, Any]:
    layer = next(one for one in document()["layers"] if one["type"] == kind)
    return {**document(), "layers": [{**layer, **changes}]}


def test_every_layer_survives_json() -> None:
    assert {layer.type for layer in EVERYTHING.layers} == set(LAYERS)
    assert Figure.from_json(document()) == EVERYTHING
    assert document(Figure.from_json(document())) == document()


def test_numbers_become_plain() -> None:
    assert document()["layers"][2]["x"] == [0.0, 1.0, 2.0]
    assert document()["layers"][6]["code"] == [1, 0]


@pytest.mark.parametrize("changes", [c for _, c in CHANGES], ids=[name for name, _ in CHANGES])
def test_a_made_up_figure_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"."):
        Figure.from_json({**document(), **changes})


@pytest.mark.parametrize(
    ("kind", "changes"),
    [(kind, changes) for _, kind, changes in LAYER_CHANGES],
    ids=[name for name, _, _ in LAYER_CHANGES],
)
def test_a_made_up_layer_is_refused(kind: str, changes: dict[str, Any]) -> None:
    assert Figure.from_json(with_layer(kind, {}))
    with pytest.raises(ValueError, match=r"."):
        Figure.from_json(with_layer(kind, changes))


@pytest.mark.parametrize("kind", sorted(LAYERS))
def test_a_layer_has_exactly_its_members(kind: str) -> None:
    layer = with_layer(kind, {})["layers"][0]
    for name in set(layer) - {"type"}:
        less = {key: value for key, value in layer.items() if key != name}
        with pytest.raises(ValueError, match="exactly"):
            Figure.from_json({**document(), "layers": [less]})
    with pytest.raises(ValueError, match="exactly"):
        Figure.from_json({**document(), "layers": [{**layer, "extra": 1}]})


def test_the_limits_themselves_are_allowed() -> None:
    quarter = [float(x) for x in range(MOST_NUMBERS // 4)]
    Curve(quarter, quarter, quarter, quarter)
    pixels = [0] * MOST_POINTS
    Mask(1, 1, pixels, pixels, pixels, ["nothing"])
    Figure("a" * 40, "x" * 200, "", "", [Mark(x=1)] * MOST_LAYERS)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["type", "x", "y", "layers", "edges", "values", "label"]), inner
        )
    ),
    max_leaves=12,
)


@given(junk=JSON, at=st.sampled_from(sorted(document())))
def test_junk_is_refused_or_a_figure(junk: Any, at: str) -> None:
    for candidate in (junk, {**document(), at: junk}, {**document(), "layers": [junk]}):
        try:
            figure = Figure.from_json(candidate)
        except ValueError:
            continue
        assert Figure.from_json(document(figure)) == figure


@settings(max_examples=400)
@given(
    junk=JSON,
    at=st.integers(0, len(EVERYTHING.layers) - 1),
    member=st.integers(0, 8),
)
def test_junk_in_a_layer_is_refused_or_a_figure(junk: Any, at: int, member: int) -> None:
    layer = document()["layers"][at]
    names = sorted(layer)
    changed = {**layer, names[member % len(names)]: junk}
    try:
        figure = Figure.from_json({**document(), "layers": [changed]})
    except ValueError:
        return
    assert Figure.from_json(document(figure)) == figure


def test_what_cannot_be_drawn_is_left_out() -> None:
    def fine() -> Figure:
        return EVERYTHING

    def too_large() -> Figure:
        return Figure("a", "", "", "", [Curve([0, 1], [0, 1e300])])

    def wrong() -> Figure:
        raise ValueError("a mistake in the code")

    assert finished([too_large, fine, lambda: None]) == [EVERYTHING]
    with pytest.raises(ValueError, match="mistake"):
        finished([wrong])
