"""Small differences between training and test data, drawn for each split of the test data alone.

In 2018 the public and the private test data had the same shifts, and the winners had trained on the
part of the test data that was given out. Here what the public jets teach about their shift is not
true of the private ones.
"""

from dataclasses import asdict, replace
from typing import Any

import numpy as np

from fivesigma_datasets.jets.detector import RESPONSE, Response

NOMINAL, ENERGY_SCALE, SMEARING = VARIANTS = ("nominal", "energy-scale", "smearing")
USAGES = ("train", "public", "private")
STREAM = 1
"""Keeps the seeds of the draws apart from those of the events."""

ECAL_SCALE, HCAL_SCALE = (0.01, 0.03), (0.03, 0.10)
"""Smallest and largest relative shift of either calorimeter's energy, up or down."""

WIDENING = (1.2, 1.6)
"""Smallest and largest factor on all resolutions."""


def response_of(usage: str, variant: str, seed: int) -> Response:
    """The detector that measures the jets of a variant of a split."""
    if usage == "train" or variant == NOMINAL:
        return RESPONSE
    source = (seed, STREAM, USAGES.index(usage), VARIANTS.index(variant))
    rng = np.random.default_rng(np.random.SeedSequence(source))
    if variant == SMEARING:
        return replace(RESPONSE, widening=float(rng.uniform(*WIDENING)))
    ecal, hcal = (
        1 + float(rng.choice((-1, 1)) * rng.uniform(*size)) for size in (ECAL_SCALE, HCAL_SCALE)
    )
    return replace(RESPONSE, scales=(1.0, ecal, hcal))


def described(seed: int) -> dict[str, Any]:
    """The response, and what differs from it where, for the manifest."""
    shifts = {
        usage: {
            variant: {"scales": list(response.scales), "widening": response.widening}
            for variant in VARIANTS
            for response in (response_of(usage, variant, seed),)
        }
        for usage in USAGES[1:]
    }
    return {"response": asdict(RESPONSE), "shifts": shifts}
