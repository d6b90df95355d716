"""The compiled events of a split: what is scored of them, and how a mask is counted against it."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fivesigma_scoring.segmentation.counts import Sample
from fivesigma_scoring.segmentation.prediction import Aligned
from fivesigma_scoring.segmentation.tally import tally
from fivesigma_scoring.universe import load_array
from fivesigma_scoring.wording import shorten

SPLIT_FILE, GROUP_FILE = "split.json", "group.npy"
PLACES, RUNS = "places", "runs"
TRUTH, OFFSETS, TRUTHS = "truth", "offsets", "truths"
OTHER_KEYS, OTHER_TRUTH, OTHER_EVENT = "other_keys", "other_truth", "other_event"


def load(folder: Path, aligned: Aligned) -> Sample:
    """The events of a split with a prediction."""
    truth = load_array(folder / f"{TRUTH}.npy")
    runs, offsets, truths, keys, true, event = (
        np.load(folder / f"{name}.npy", allow_pickle=False)  # too small to be worth a map
        for name in (RUNS, OFFSETS, TRUTHS, OTHER_KEYS, OTHER_TRUTH, OTHER_EVENT)
    )
    number = truths.shape[1]
    counts = tally(truth, _known(cut(aligned.lit, runs), number), offsets, truths)
    if keys.size:
        np.add.at(counts, (event, true, _known(aligned.pixels.at(keys), number)), 1)
    group = folder / GROUP_FILE
    skipped = json.loads((folder / SPLIT_FILE).read_text())["skipped"]
    return Sample(counts, load_array(group) if group.exists() else None, skipped)


def _known(classes: NDArray[np.uint8], number: int) -> NDArray[np.uint8]:
    """Classes that the truth has not, which only one's own truth lets pass, count as 0."""
    if classes.max(initial=0) < number:
        return classes
    return np.where(classes < number, classes, np.uint8(0))


def merged(starts: NDArray[np.int64], stops: NDArray[np.int64]) -> NDArray[np.int64]:
    """Ranges (r, 2) where those that touch are one."""
    first = np.concatenate([[True], starts[1:] != stops[:-1]])
    return np.stack([starts[first], stops[np.append(first[1:], True)]], axis=1)


def cut(values: NDArray[Any], runs: NDArray[np.int64]) -> NDArray[Any]:
    """The parts of `values` in some ranges, one after the other."""
    parts = [values[start:stop] for start, stop in runs.tolist()]
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def facts_of(pixels: NDArray[np.int64], skipped: int) -> dict[str, float]:
    """Numbers of events, of scored pixels, and of those of each class."""
    facts = {
        "n": float(len(pixels)),
        "n_skipped": float(skipped),
        "n_pixels": float(pixels.sum()),
    }
    totals = enumerate(pixels.sum(axis=0).tolist())
    return facts | {f"n_pixels_{one}": float(total) for one, total in totals if one}


def describe(facts: Mapping[str, float], classes: Sequence[str]) -> str:
    """The facts of a split in words."""
    total = facts["n_pixels"]
    shares, at = [], 1
    while f"n_pixels_{at}" in facts:
        name = f"{at} {shorten(classes[at])}" if at < len(classes) else f"{at}"
        shares.append(f"{name} {facts[f'n_pixels_{at}'] / total:.1%}")
        at += 1
    text = f"{facts['n']:,.0f} events with {total:,.0f} scored pixels ({', '.join(shares)})"
    skipped = int(facts["n_skipped"])
    return f"{text}; {skipped:,} without any {'is' if skipped == 1 else 'are'} skipped"
