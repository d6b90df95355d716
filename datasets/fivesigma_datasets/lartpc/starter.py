"""Boosted trees on what surrounds each lit pixel: trains, checks itself, writes a submission.

Run it in the folder of the downloaded files: python starter.py [stage]
Needs numpy, polars and scikit-learn; takes about a minute on two cores.
"""

import sys
from pathlib import Path

import numpy as np
import polars as pl
from sklearn.ensemble import HistGradientBoostingClassifier

CHALLENGE = "lartpc"
STAGE = sys.argv[1] if len(sys.argv) > 1 else "1"
SHAPES = {"lartpc": (256, 256), "lartpc-3d": (192, 192, 192)}
RADII = (1.5, 3, 6, 12, 24)  # pixels


def features(event: pl.DataFrame) -> np.ndarray:
    """Of each lit pixel: its charge; around it number, charge, shape and lopsidedness, (n, k)."""
    place = np.stack(np.unravel_index(event["voxel"].to_numpy(), SHAPES[CHALLENGE]), axis=1)
    place = (place - place.mean(axis=0)).astype(np.float32)
    charge = event["charge"].to_numpy().astype(np.float32)
    square = (place**2).sum(axis=1)
    distance = square[:, None] + square - 2 * place @ place.T
    first, second = np.triu_indices(place.shape[1])
    products = place[:, first] * place[:, second]
    values = np.column_stack([np.ones_like(charge), charge, charge**2, place, products])
    columns = [charge]
    for radius in RADII:
        sums = (distance <= radius**2).astype(np.float32) @ values
        number, mean = sums[:, 0], sums[:, 1:] / sums[:, :1]
        middle = mean[:, 2 : 2 + place.shape[1]]
        spread = mean[:, -len(first) :] - middle[:, first] * middle[:, second]
        matrix = np.empty((len(event), place.shape[1], place.shape[1]), np.float32)
        matrix[:, first, second] = matrix[:, second, first] = spread
        widths = np.linalg.eigvalsh(matrix).astype(
            np.float32
        )  # a track is long and thin, a shower isn't
        thin = widths[:, -2] / (widths[:, -1] + 1e-3)
        away = ((middle - place) ** 2).sum(axis=1)
        columns += [number, mean[:, 0], mean[:, 1], widths[:, -1], thin, away]
    return np.column_stack(columns)


def all_features(table: pl.DataFrame) -> np.ndarray:
    """The same for every event of a table, in its order."""
    return np.concatenate(
        [features(one) for one in table.partition_by("event", maintain_order=True)]
    )


def p80(table: pl.DataFrame, predicted: np.ndarray) -> float:
    """The ranking metric: 80th percentile of the shares of right pixels, class 0 left out."""
    right = table.with_columns(right=pl.Series(predicted) == pl.col("class"))
    scored = right.filter(pl.col("class") > 0).group_by("event").agg(pl.col("right").mean())
    return float(np.percentile(scored["right"].to_numpy(), 80))


train = pl.read_parquet(f"train_stage-{STAGE}.parquet")
test = pl.read_parquet(f"test_stage-{STAGE}.parquet")
held_out = train["event"].rank("dense") % 5 == 0  # whole events, never single pixels
model = HistGradientBoostingClassifier(max_iter=80, learning_rate=0.15, random_state=1)
inputs, label = all_features(train), train["class"].to_numpy()
mine = (~held_out & (train["class"] > 0)).to_numpy()
model.fit(inputs[mine], label[mine])
found = p80(train.filter(held_out), model.predict(inputs[held_out]))
sys.stdout.write(f"P80 on held-out events: {found:.3f}\n")
name = Path(f"prediction_stage-{STAGE}.parquet")
prediction = pl.Series("class", model.predict(all_features(test)).astype(np.uint8))
test.select("event", "voxel", prediction).write_parquet(name)
sys.stdout.write(f"fivesigma submit {CHALLENGE} -f {name} -m starter --phase phase-{STAGE}\n")
