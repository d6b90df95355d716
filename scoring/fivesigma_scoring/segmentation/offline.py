"""The events of a truth of one's own: its scored pixels stand for the lit ones."""

from pathlib import Path

import numpy as np

from fivesigma_scoring.segmentation.columns import EVENT
from fivesigma_scoring.segmentation.organiser import MASK, Arrays, format_of
from fivesigma_scoring.segmentation.sample import (
    distinct,
    find_shape,
    mask_format,
    universe_of_ids,
    with_lit,
)
from fivesigma_scoring.segmentation.solution import event_table, scored_pixels
from fivesigma_scoring.segmentation.universe import MaskUniverse
from fivesigma_scoring.settings import TestSetSpec
from fivesigma_scoring.solution_files import Source


def universe_of_truth(truth: Path, test_set: TestSetSpec) -> MaskUniverse:
    """The events of a solution; where nothing names them, they are numbered from 0.

    Raises
    ------
    SolutionError
        The truth is wrong, or nothing says the shape of an event.

    """
    form = mask_format(test_set, find_shape([truth], test_set))
    events = event_table(truth, test_set, [])
    ids = events.ids
    if ids is None:
        arrays = Arrays(truth, format_of(truth))
        if MASK in arrays:
            ids = np.arange(len(arrays[MASK]))
        else:
            column = Source(truth, arrays.names, None).need(EVENT)
            ids = distinct(arrays.column(column))
    universe = universe_of_ids(truth, ids, form)
    return with_lit(universe, scored_pixels(truth, universe, events)[0])
