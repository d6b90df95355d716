"""What a figure is made of: histograms, curves, points, marks, matrices and masks.

A figure comes out of a sandbox that read a stranger's file, so every layer checks itself when it is
made, whoever makes it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

MOST_NUMBERS = 2_000
MOST_TEXT = 200
MOST_POINTS = 5_000
LONGEST_SIDE = 100_000
LARGEST = 1e30
"""Nothing in physics that is worth a figure is larger, and drawing does not survive 1e308."""

DIFFERENCE = ("Right", "Wrong")
"""Classes of a mask that shows where two others differ."""

Numbers = Sequence[float] | NDArray[Any]
Texts = Sequence[str]


class NotDrawableError(ValueError):
    """What was given makes no figure."""


class _Checked:
    """A layer that turns what it is given into tuples of floats, or refuses it."""

    type: ClassVar[str]

    def as_json(self) -> dict[str, Any]:
        """The layer as a plain dict with its ``type``."""
        return {"type": self.type, **members(self)}

    def _set(self, **values: Any) -> None:
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def _take(self, *names: str, of: int, optional: Texts = ()) -> None:
        """Arrays of `of` numbers each; those that are `optional` may be None."""
        for name in (*names, *optional):
            value = getattr(self, name)
            if value is not None or name not in optional:
                value = _numbers(value, name)
                demand(len(value) == of, f"{name} has {len(value)} numbers instead of {of}.")
                self._set(**{name: value})

    def _limit(self, *names: str) -> None:
        total = sum(_length(getattr(self, name)) for name in names)
        demand(total <= MOST_NUMBERS, f"A layer has at most {MOST_NUMBERS} numbers, not {total}.")


@dataclass(frozen=True)
class Steps(_Checked):
    """A histogram.

    Attributes
    ----------
    edges
        Increasing, (m + 1,), in the unit of the x-axis.
    values, errors
        Height of each bin and one standard deviation of it, (m,).
    label
        What it shows, for the legend.

    """

    type: ClassVar[str] = "steps"
    edges: Numbers
    values: Numbers
    errors: Numbers | None = None
    label: str = ""

    def __post_init__(self) -> None:
        checked_text(self.label)
        self._limit("edges", "values", "errors")
        bins = _length(self.values)
        demand(bins > 0, "A histogram has at least one bin.")
        self._take("edges", of=bins + 1)
        self._take("values", of=bins, optional=["errors"])
        edges = np.array(self.edges)
        demand(bool((np.diff(edges) > 0).all()), "The edges of a histogram increase.")


@dataclass(frozen=True)
class Curve(_Checked):
    """A line through points (x, y), each (m,), with a band from `low` to `high`.

    One to compare with, a `reference`, is drawn thin.
    """

    type: ClassVar[str] = "curve"
    x: Numbers
    y: Numbers
    low: Numbers | None = None
    high: Numbers | None = None
    label: str = ""
    reference: bool = False

    def __post_init__(self) -> None:
        checked_text(self.label)
        self._limit("x", "y", "low", "high")
        demand(isinstance(self.reference, bool), "A curve is a reference or not.")
        demand((self.low is None) == (self.high is None), "A band has two sides.")
        demand(_length(self.x) > 0, "A curve has at least one point.")
        self._take("x", "y", of=_length(self.x), optional=["low", "high"])


@dataclass(frozen=True)
class Points(_Checked):
    """Points (x, y) with one standard deviation of each, all (m,)."""

    type: ClassVar[str] = "points"
    x: Numbers
    y: Numbers
    x_errors: Numbers | None = None
    y_errors: Numbers | None = None
    label: str = ""

    def __post_init__(self) -> None:
        checked_text(self.label)
        self._limit("x", "y", "x_errors", "y_errors")
        demand(_length(self.x) > 0, "There is at least one point.")
        self._take("x", "y", of=_length(self.x), optional=["x_errors", "y_errors"])


@dataclass(frozen=True)
class Mark(_Checked):
    """A place that stands out, such as "your cut": upright at `x`, level at `y`, a dot at both."""

    type: ClassVar[str] = "mark"
    x: float | None = None
    y: float | None = None
    label: str = ""

    def __post_init__(self) -> None:
        checked_text(self.label)
        demand(self.x is not None or self.y is not None, "A mark has a place.")
        places = {name: getattr(self, name) for name in ("x", "y")}
        self._set(**{name: _number(at, name) for name, at in places.items() if at is not None})


@dataclass(frozen=True)
class Matrix(_Checked):
    """Numbers (rows, columns) in the cells of a table, between 0 and 1."""

    type: ClassVar[str] = "matrix"
    rows: Texts
    columns: Texts
    values: Sequence[Numbers] | NDArray[Any]
    label: str = ""

    def __post_init__(self) -> None:
        checked_text(self.label)
        self._set(rows=_texts(self.rows), columns=_texts(self.columns))
        demand(_length(self.values) == len(self.rows) > 0, "Each row of a matrix has a name.")
        cells = len(self.rows) * len(self.columns)
        demand(0 < cells <= MOST_NUMBERS, f"A matrix has at most {MOST_NUMBERS} cells.")
        values = tuple(_numbers(row, "values") for row in self.values)
        demand(all(len(row) == len(self.columns) for row in values), "Each cell has one number.")
        demand(all(0 <= x <= 1 for row in values for x in row), "The cells hold shares, 0 to 1.")
        self._set(values=values)


@dataclass(frozen=True)
class Mask(_Checked):
    """Pixels of one event that have a class.

    Attributes
    ----------
    height, width
        Pixels along both axes.
    row, column, code
        Place and class of each pixel, (m,), whole numbers.
    classes
        Name of each class, by its number.
    label
        What it shows.

    """

    type: ClassVar[str] = "mask"
    height: int
    width: int
    row: Numbers
    column: Numbers
    code: Numbers
    classes: Texts
    label: str = ""

    def __post_init__(self) -> None:
        checked_text(self.label)
        points = _length(self.row)
        demand(points <= MOST_POINTS, f"A mask has at most {MOST_POINTS} points.")
        self._set(classes=_texts(self.classes), height=_side(self.height), width=_side(self.width))
        self._take("row", "column", "code", of=points)
        bounds = {"row": self.height, "column": self.width, "code": len(self.classes)}
        for name, bound in bounds.items():
            values = np.array(getattr(self, name))
            inside = (values == np.floor(values)) & (values >= 0) & (values < bound)
            demand(bool(inside.all()), f"{name} is a whole number below {bound}.")
            self._set(**{name: tuple(values.astype(int).tolist())})


Layer = Steps | Curve | Points | Mark | Matrix | Mask
LAYERS: Mapping[str, type[Layer]] = {
    one.type: one for one in (Curve, Mark, Mask, Matrix, Points, Steps)
}


def members(value: Any) -> dict[str, Any]:
    """The fields of a layer or figure, tuples as lists."""
    return {one.name: _plain(getattr(value, one.name)) for one in fields(value)}


def _plain(value: Any) -> Any:
    return [_plain(one) for one in value] if isinstance(value, tuple) else value


def _length(values: Any) -> int:
    if values is None:
        return 0
    demand(isinstance(values, list | tuple | np.ndarray), "Numbers come as a list.")
    return len(values)


def _numbers(values: Any, what: str) -> tuple[float, ...]:
    demand(values is not None, f"{what} is missing.")
    demand(_length(values) <= MOST_POINTS, f"{what} is too long.")
    plain = values.tolist() if isinstance(values, np.ndarray) else values
    return tuple(_number(value, what) for value in plain)


def _number(value: Any, what: str) -> float:
    sound = isinstance(value, int | float) and not isinstance(value, bool)
    demand(sound and abs(value) <= LARGEST, f"{what} holds what is no number up to {LARGEST:g}.")
    return float(value)


def _side(value: Any) -> int:
    sound = isinstance(value, int) and not isinstance(value, bool) and 0 < value <= LONGEST_SIDE
    demand(sound, f"A mask has 1 to {LONGEST_SIDE} pixels along each axis.")
    return int(value)


def checked_text(value: Any) -> str:
    """The text, where it can be shown."""
    sound = isinstance(value, str) and len(value) <= MOST_TEXT and value.isprintable()
    demand(sound, f"A text has at most {MOST_TEXT} characters that can be printed.")
    return str(value)


def _texts(values: Any) -> tuple[str, ...]:
    demand(isinstance(values, list | tuple) and len(values) <= MOST_NUMBERS, "Names are a list.")
    return tuple(checked_text(value) for value in values)


def demand(holds: Any, message: str) -> None:
    """Raise NotDrawableError with the message unless the condition holds."""
    if not holds:
        raise NotDrawableError(message)
