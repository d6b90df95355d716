"""The compiled events of a split: what is scored of them, and how a mask is counted against it."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fivesigma_scoring.segmentation.counts import Sample
from fivesigma_scoring.segmentation.prediction import Aligned
from fivesigma_scoring.segmentation.tally import known, tally
from fivesigma_scoring.universe import load_array
from fivesigma_scoring.wording import shorten

SPLIT_FILE, GROUP_FILE = "split.json", "group.npy"
PLACES, TRUTHS = "places", "truths"
OTHER_KEYS, OTHER_TRUTH, OTHER_EVENT = "other_keys", "other_truth", "other_event"
LIT_FILE = "lit.npy"
"""True class of each lit pixel, of all phases and splits."""


def load(folder: Path, aligned: Aligned) -> Sample:
    """The events of a split with a prediction."""
    places, truths, keys, true, event = (
        np.load(folder / f"{name}.npy", allow_pickle=False)  # too small to be worth a map
        for name in (PLACES, TRUTHS, OTHER_KEYS, OTHER_TRUTH, OTHER_EVENT)
    )
    number = truths.shape[1]
    counts = _counted(true_classes(folder), aligned, number)[places]
    counts[:, 1:, 0] = truths[:, 1:] - counts[:, 1:, 1:].sum(axis=2)
    if keys.size:
        np.add.at(counts, (event, true, known(aligned.pixels.at(keys), number)), 1)
    group = folder / GROUP_FILE
    skipped = json.loads((folder / SPLIT_FILE).read_text())["skipped"]
    return Sample(counts, load_array(group) if group.exists() else None, skipped)


def true_classes(folder: Path) -> Path:
    """The file `LIT_FILE` above the folder of a split, or of a variant in it."""
    return next(file for above in folder.parents if (file := above / LIT_FILE).is_file())


def _counted(truth: Path, aligned: Aligned, number: int) -> NDArray[np.int64]:
    """Lit pixels of all events, int64 (events, K, K): counting all of them once is the fastest."""
    if truth not in aligned.counted:
        aligned.counted[truth] = tally(load_array(truth), aligned.lit, aligned.offsets, number)
    return aligned.counted[truth]


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
