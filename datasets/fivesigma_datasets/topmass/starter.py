"""Boosted trees on masses in growing windows of the image: trains, checks itself, submits.

Run it in the folder of the downloaded files: python starter.py
Needs numpy, h5py, polars and scikit-learn; takes about a minute on two cores.
"""

import sys

import h5py
import numpy as np
import polars as pl
from sklearn.ensemble import HistGradientBoostingRegressor

RADII = (0.15, 0.3, 0.45, 0.6, 0.8, 1.0, 2.0)  # distances from the jet axis


def features(name: str) -> np.ndarray:
    """Sum and mass of the pixels of each layer within each radius, (n, 42)."""
    file = h5py.File(name)["images"]
    side, width = file.shape[-1], file.attrs["pixel_width"]
    place = (np.arange(side) - (side - 1) / 2) * width
    eta, phi = (grid.ravel() for grid in np.meshgrid(place, place, indexing="ij"))
    inside = np.stack([np.hypot(eta, phi) < radius for radius in RADII], axis=1)
    # a massless particle of pt 1 in each pixel: E, px, py, pz beside the jet axis
    p4 = np.stack([np.cosh(eta), np.cos(phi), np.sin(phi), np.sinh(eta)], axis=1)
    weights = (p4[:, :, None] * inside[:, None, :]).reshape(side * side, -1).astype(np.float32)
    blocks = []
    for begin in range(0, len(file), 500):
        images = file[begin : begin + 500] * np.float32(file.attrs["step_gev"])
        tracks, ecal, hcal = images.reshape(len(images), 3, -1).swapaxes(0, 1)
        layers = np.stack([tracks, tracks + ecal, ecal + hcal])  # what measures charged, all, ...
        e, px, py, pz = np.moveaxis((layers @ weights).reshape(3, -1, 4, len(RADII)), 2, 0)
        mass = np.sqrt(np.maximum(e**2 - px**2 - py**2 - pz**2, 0))
        both = np.concatenate([np.hypot(px, py), mass], axis=2)
        blocks.append(np.moveaxis(both, 0, 1).reshape(len(images), -1))
    return np.concatenate(blocks)


train, test = pl.read_parquet("train.parquet"), pl.read_parquet("test.parquet")
inputs = np.column_stack([features("train_images.h5"), train["pt"].to_numpy()])
mass = train["mass"].to_numpy()
held_out = np.arange(len(mass)) % 5 == 0
model = HistGradientBoostingRegressor(
    loss="absolute_error", max_iter=300, learning_rate=0.06, max_leaf_nodes=15, random_state=1
)
model.fit(inputs[~held_out], mass[~held_out])
error = np.abs(model.predict(inputs[held_out]) - mass[held_out]).mean()
sys.stdout.write(f"mean absolute error on held-out jets: {error:.1f} GeV (a constant: 103.75)\n")
other = np.column_stack([features("test_images.h5"), test["pt"].to_numpy()])
prediction = test.select("id").with_columns(mass=pl.Series(model.predict(other)))
prediction.write_csv("prediction.csv")
sys.stdout.write("fivesigma submit topmass -f prediction.csv -m starter\n")
