"""The figures of one scored file, each with who may see it: made apart, so that no score waits."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fivesigma_scoring.binning import Detail
from fivesigma_scoring.compiled import PHASE_FILE, SPLITS
from fivesigma_scoring.figures import Figure
from fivesigma_scoring.gallery import figures_of
from fivesigma_scoring.phases import with_options
from fivesigma_scoring.registry import METRICS
from fivesigma_scoring.run import open_universe, read_and_align
from fivesigma_scoring.segmentation.shown import displays
from fivesigma_scoring.segmentation.universe import MaskUniverse
from fivesigma_scoring.uncertainty import Chosen

DETAILS = {
    "public": (Detail.PARTICIPANT_BLIND, Detail.PARTICIPANT_OPEN, Detail.ORGANISER),
    "private": (Detail.PARTICIPANT_OPEN, Detail.ORGANISER),
}
"""Nothing of the private split is made for participants before unblinding."""


@dataclass(frozen=True)
class Exhibit:
    """A figure of one split, made for who looks with `detail`."""

    split: str
    detail: Detail
    figure: Figure

    def as_json(self) -> dict[str, Any]:
        """The exhibit as a plain dict that ``json`` can write."""
        return {"split": self.split, "detail": self.detail, "figure": self.figure.as_json()}


def exhibit_file(
    file: Path, filename: str, compiled: Path, phase: str, *, truth_public: bool = False
) -> list[Exhibit]:
    """All figures of a prediction, for all who may ever see one; none for a refused file.

    Parameters
    ----------
    file, filename, compiled, phase
        As for `run.score_file`.
    truth_public
        Whether events of the test set may be displayed with their truth.

    """
    folder = Path(compiled) / "truth" / phase
    kind, universe = open_universe(Path(compiled) / "universe")
    settings = json.loads((folder / PHASE_FILE).read_text())
    metrics = with_options([METRICS[name] for name in settings["metrics"]], settings["options"])
    _, aligned = read_and_align(Path(file), filename, universe)
    if aligned is None:
        return []
    found: list[Exhibit] = []
    for split in SPLITS:
        sample = kind.load(folder / split, aligned)
        found += _of_split(split, universe.format, sample, aligned, metrics)
        if truth_public and isinstance(universe, MaskUniverse):
            shown = displays(folder / split, sample, aligned, universe)
            found += [Exhibit(split, detail, one) for detail in DETAILS[split] for one in shown]
    return found


def _of_split(
    split: str, form: Any, sample: Any, aligned: Any, metrics: list[Chosen]
) -> Iterator[Exhibit]:
    submitted = getattr(aligned, "score", None)
    for detail in DETAILS[split]:
        for figure in figures_of(form, sample, detail, metrics, submitted):
            yield Exhibit(split, detail, figure)


def figures_job(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """`exhibit_file` for a child.

    ``{"file", "filename", "compiled", "phase", "truth_public"}`` in, ``{"figures": […]}`` out.
    """
    exhibits = exhibit_file(
        Path(arguments["file"]),
        arguments["filename"],
        Path(arguments["compiled"]),
        arguments["phase"],
        truth_public=bool(arguments["truth_public"]),
    )
    return {"figures": [one.as_json() for one in exhibits]}
