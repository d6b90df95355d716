"""Event displays of a compiled split, for challenges whose truth is public."""

from pathlib import Path

import numpy as np

from fivesigma_scoring.figures import Figure
from fivesigma_scoring.segmentation.counts import Sample
from fivesigma_scoring.segmentation.displays import EventPixels, event_displays
from fivesigma_scoring.segmentation.prediction import Aligned
from fivesigma_scoring.segmentation.split import (
    OTHER_EVENT,
    OTHER_KEYS,
    OTHER_TRUTH,
    PLACES,
    true_classes,
)
from fivesigma_scoring.segmentation.universe import MaskUniverse
from fivesigma_scoring.universe import load_array


def displays(
    folder: Path, sample: Sample, aligned: Aligned, universe: MaskUniverse
) -> list[Figure]:
    """At most four events of the split in `folder`, from the worst to a good one."""
    arrays = {
        name: load_array(folder / f"{name}.npy")
        for name in (PLACES, OTHER_KEYS, OTHER_TRUTH, OTHER_EVENT)
    }
    truth = load_array(true_classes(folder))

    def pixels_of(event: int) -> EventPixels:
        place = int(arrays[PLACES][event])
        lit = slice(*universe.offsets[place : place + 2])
        others = np.flatnonzero(arrays[OTHER_EVENT] == event)
        keys = arrays[OTHER_KEYS][others]
        return EventPixels(
            universe.name(place),
            np.concatenate([universe.lit_of(place), keys % universe.size]),
            np.concatenate([truth[lit], arrays[OTHER_TRUTH][others]]),
            np.concatenate([aligned.lit[lit], aligned.pixels.at(keys)]),
        )

    form = universe.format
    return event_displays(sample.accuracies, form.shape, pixels_of, form.classes)
