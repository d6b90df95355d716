"""Figures of one's own events, as files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import Misused

if TYPE_CHECKING:
    from fivesigma_scoring.figures import Figure
    from fivesigma_scoring.offline import OwnEvents

SUFFIXES = (".png", ".svg")
MISSING = 'Figures need matplotlib: pip install "fivesigma[plot]"'
NOTHING = "There is no figure to draw: a bin holds at least 50 events."
NO_SCORE = "Add a column Score to see the ROC curve, efficiencies and scores against the cut."


def check_target(target: Path) -> None:
    """Refuse early what could not be drawn or written. Raises Misused."""
    if not _is_folder(target) and target.suffix.lower() not in SUFFIXES:
        raise Misused(f"{target}: give a file that ends in .png or .svg, or a folder.")
    if not target.absolute().parent.is_dir():
        raise Misused(f"{target.parent} is no folder; make it first.")
    try:
        import fivesigma_scoring.drawing  # noqa: F401 -- an optional extra, asked for here only
    except ImportError as error:
        raise Misused(MISSING) from error


def draw_events(events: OwnEvents, target: Path, say: Callable[[str], None]) -> None:
    """All figures: in a folder one file for each, else on one sheet."""
    from fivesigma_scoring.binning import Detail
    from fivesigma_scoring.gallery import figures_of

    figures = figures_of(events.format, events.sample, Detail.PARTICIPANT_OPEN, events.metrics)
    if events.format.kind == "selection" and events.sample.score is None:
        say(NO_SCORE)
    if not figures:
        say(NOTHING)
        return
    for path in _drawn(figures, target):
        say(f"Drawn: {path}")


def _drawn(figures: list[Figure], target: Path) -> list[Path]:
    from fivesigma_scoring.drawing import draw, draw_sheet

    if not _is_folder(target):
        is_svg = target.suffix.lower() == ".svg"
        target.write_bytes(draw_sheet(figures, "light", "svg" if is_svg else "png"))
        return [target]
    target.mkdir(exist_ok=True)
    paths = [target / f"{figure.name}.png" for figure in figures]
    for path, figure in zip(paths, figures, strict=True):
        path.write_bytes(draw(figure, "light", "png"))
    return paths


def _is_folder(target: Path) -> bool:
    return target.is_dir() or not (target.exists() or target.suffix)
