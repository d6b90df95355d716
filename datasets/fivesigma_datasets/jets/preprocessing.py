"""Preparing images for a network without losing what they measure.

A scale for each image would destroy the mass and the energy; one scale per channel, taken from the
training set, keeps both.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

OUTLIER = 1e-4
"""Share of the lit training pixels of a channel that lie above its scale."""

FLOOR = 1e-5


def channel_scales(training: npt.NDArray[Any], outlier: float = OUTLIER) -> npt.NDArray[np.float64]:
    """One scale per channel of images (n, channels, …): a high quantile of the lit pixels.

    1 where a channel has no lit pixel.
    """
    scales = np.ones(training.shape[1])
    for channel in range(training.shape[1]):
        values = training[:, channel]
        lit = values[values > 0]
        if lit.size:
            scales[channel] = np.quantile(lit, 1 - outlier)
    return scales


def scaled(images: npt.NDArray[Any], scales: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    """Images in 0 … 1: divided by the channels' scales, below 1e-5 → 0, outliers → 1."""
    shape = (1, len(scales), *(1,) * (images.ndim - 2))
    divided = images.astype(np.float32) / scales.astype(np.float32).reshape(shape)
    return np.where(divided < FLOOR, np.float32(0), np.minimum(divided, np.float32(1)))
