"""The range of the published training file, outside of which a prediction is odd."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from fivesigma_scoring.solution_files import SolutionError, Source, floats_of


def training_ranges(path: Path | None, targets: Sequence[str]) -> dict[str, tuple[float, float]]:
    """Target to its lowest and highest finite value in the training file.

    Nothing where there is no such file, or where it is no table with all targets: a warning is then
    not given, and nobody is bothered.
    """
    try:
        source = None if path is None else Source.open(path)
        if source is None:
            return {}
        columns = {name: source.need(name) for name in targets}
        frame = source.read(list(columns.values()))
    except SolutionError:
        return {}
    ranges = {}
    for name, column in columns.items():
        values = floats_of(frame, column)
        values = values[np.isfinite(values)]
        if values.size:
            ranges[name] = (float(values.min()), float(values.max()))
    return ranges
