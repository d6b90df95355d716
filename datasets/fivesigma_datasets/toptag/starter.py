"""Boosted trees on what three subjets say: trains, checks itself, writes a submission.

Run it in the folder of the downloaded files: python starter.py
Needs numpy, h5py, polars and scikit-learn; takes about a minute on two cores.
"""

import sys

import h5py
import numpy as np
import polars as pl
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score


def features(name: str) -> np.ndarray:
    """How one, two and three axes describe each jet, and masses of subjets, (n, 14)."""
    # Images of all jets come as simply: h5py.File(name)["images"][:], (n, 3, 40, 40) in GeV.
    jets = h5py.File(name)["constituents"]
    return np.concatenate([subjets(jets[at : at + 1000]) for at in range(0, len(jets), 1000)])


def subjets(jets: np.ndarray) -> np.ndarray:
    """Features of constituents (n, 200, 4): E, px, py, pz in GeV, hardest first."""
    count = (jets[:, :, 0] > 0).sum(axis=1)
    p4 = jets[:, :50].astype(float)
    pt = np.hypot(p4[..., 1], p4[..., 2])
    eta = np.arcsinh(p4[..., 3] / np.maximum(pt, 1e-9))
    phi = np.arctan2(p4[..., 2], p4[..., 1])
    phi = (phi - phi[:, :1] + np.pi) % (2 * np.pi) - np.pi
    place, share = np.stack([eta, phi], axis=2), pt / pt.sum(axis=1, keepdims=True)
    rows, axes = np.arange(len(jets)), place[:, :1]
    columns = [count, np.sqrt((share**2).sum(axis=1))]
    for number in (1, 2, 3):
        if number > 1:  # a new axis where much is far from the others
            far = share * distances(place, axes).min(axis=2)
            axes = np.concatenate([axes, place[rows, far.argmax(axis=1)][:, None]], axis=1)
        for _ in range(4):  # each moves to the middle of what is nearest to it
            near = distances(place, axes).argmin(axis=2)[..., None] == np.arange(number)
            weight = share[..., None] * near
            middle = np.einsum("nik,nid->nkd", weight, place)
            axes = middle / np.maximum(weight.sum(axis=1), 1e-9)[..., None]
        columns.append((share * distances(place, axes).min(axis=2)).sum(axis=1))
    parts = np.einsum("nik,nid->nkd", near, p4)
    pairs = parts[:, [0, 0, 1]] + parts[:, [1, 2, 2]]
    ratios = np.array(columns[3:]) / (np.array(columns[2:-1]) + 1e-3)
    parts_pt = np.hypot(parts[..., 1], parts[..., 2]) / pt.sum(axis=1, keepdims=True)
    three = [np.sort(values, axis=1) for values in (mass(parts), mass(pairs), parts_pt)]
    return np.column_stack([*columns[:3], *ratios, *three])


def distances(place: np.ndarray, axes: np.ndarray) -> np.ndarray:
    """Between constituents (n, i, 2) and axes (n, k, 2)."""
    return np.asarray(np.linalg.norm(place[:, :, None] - axes[:, None], axis=3))


def mass(p4: np.ndarray) -> np.ndarray:
    """Invariant masses in GeV."""
    square = p4[..., 0] ** 2 - (p4[..., 1:] ** 2).sum(axis=-1)
    return np.asarray(np.sqrt(np.maximum(square, 0)))


train, test = pl.read_parquet("train.parquet"), pl.read_parquet("test.parquet")
inputs = np.column_stack([features("train.h5"), train["mass"].to_numpy()])
top = (train["label"] == "s").to_numpy()
held_out = train["event"].to_numpy() % 5 == 0  # both jets of an event on the same side
model = HistGradientBoostingClassifier(max_iter=150, learning_rate=0.06, max_leaf_nodes=8)
model.fit(inputs[~held_out], top[~held_out])
value = roc_auc_score(top[held_out], model.predict_proba(inputs[held_out])[:, 1])
sys.stdout.write(f"AUC on held-out training jets: {value:.3f}\n")
other = np.column_stack([features("test.h5"), test["mass"].to_numpy()])
score = model.predict_proba(other)[:, 1]
label = np.where(score > 0.5, "s", "b")
pl.DataFrame({"id": test["id"], "Class": label, "Score": score}).write_csv("prediction.csv")
sys.stdout.write("fivesigma submit toptag -f prediction.csv -m 'boosted trees on subjets'\n")
