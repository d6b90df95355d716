"""What a figure shows, as plain numbers and words: made beside the scores, drawn elsewhere."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np

from fivesigma_scoring.layers import (
    LAYERS,
    Layer,
    NotDrawableError,
    checked_text,
    demand,
    members,
)

MOST_LAYERS = 12
NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")

Maker = Callable[[], "Figure | None"]


@dataclass(frozen=True)
class Figure:
    """One figure.

    Attributes
    ----------
    name
        Unique among the figures of a submission, for addresses and files.
    title, note
        A heading, and a sentence that belongs under it.
    x_label, y_label, x_log, y_log
        The axes, with their units.
    layers
        What is drawn, the lowest first.

    """

    name: str
    title: str
    x_label: str
    y_label: str
    layers: Sequence[Layer]
    note: str = ""
    x_log: bool = False
    y_log: bool = False

    def __post_init__(self) -> None:
        demand(isinstance(self.name, str) and NAME.fullmatch(self.name), "A figure has a name.")
        for text in (self.title, self.x_label, self.y_label, self.note):
            checked_text(text)
        for flag in (self.x_log, self.y_log):
            demand(isinstance(flag, bool), "An axis is logarithmic or not.")
        layers = self.layers
        demand(isinstance(layers, list | tuple), "The layers are a list.")
        demand(0 < len(layers) <= MOST_LAYERS, f"A figure has 1 to {MOST_LAYERS} layers.")
        demand(all(isinstance(one, Layer) for one in layers), "Each layer is of a known type.")
        object.__setattr__(self, "layers", tuple(layers))

    def as_json(self) -> dict[str, Any]:
        """The figure as a plain dict that ``json`` can write."""
        return {**members(self), "layers": [layer.as_json() for layer in self.layers]}

    @classmethod
    def from_json(cls, document: object) -> Self:
        """The inverse of `as_json`, for what a stranger may have made.

        Raises
        ------
        NotDrawableError
            A ValueError: the document is no figure, too long, or holds a number that cannot be
            drawn.

        """
        values = _document(document, cls)
        layers = values["layers"]
        demand(isinstance(layers, list), "The layers are a list.")
        demand(len(layers) <= MOST_LAYERS, f"A figure has 1 to {MOST_LAYERS} layers.")
        return cls(**{**values, "layers": [_layer(layer) for layer in layers]})


def finished(makers: Iterable[Maker]) -> list[Figure]:
    """The figures that can be made; those of numbers too large to be drawn are left out."""
    figures = []
    for make in makers:
        try:
            with np.errstate(all="ignore"):
                figure = make()
        except NotDrawableError:
            continue
        if figure is not None:
            figures.append(figure)
    return figures


def _layer(document: object) -> Layer:
    demand(isinstance(document, dict), "A layer is an object.")
    assert isinstance(document, dict)
    kind = document.get("type")
    demand(isinstance(kind, str) and kind in LAYERS, "Each layer is of a known type.")
    cls = LAYERS[str(kind)]
    return cls(**_document({k: v for k, v in document.items() if k != "type"}, cls))


def _document(document: object, cls: type[Figure] | type[Layer]) -> dict[str, Any]:
    demand(isinstance(document, dict), f"A {cls.__name__} is an object.")
    assert isinstance(document, dict)
    known = {one.name for one in fields(cls)}
    demand(set(document) == known, f"A {cls.__name__} has exactly {', '.join(sorted(known))}.")
    return document
