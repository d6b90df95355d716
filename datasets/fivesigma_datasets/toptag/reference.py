"""Reference submissions that anybody could make from the published files alone."""

from pathlib import Path

import h5py
import numpy as np
import numpy.typing as npt
import polars as pl

from fivesigma_datasets.jets.kinematics import Floats, wrapped
from fivesigma_datasets.toptag.folder import mass_window, to_csv

HARDEST = 50
"""Constituents that are looked at; softer ones hold 1 % of a jet."""

SUBJETS = 3
"""A top quark decays to three quarks."""

NAMES = (
    "mass",
    "constituents",
    "width",
    "dispersion",
    "tau1",
    "tau2 / tau1",
    "tau3 / tau2",
    *("softest share", "middle share", "hardest share"),
    *("mass of lightest pair", "mass of middle pair", "mass of heaviest pair"),
    *("mass of lightest subjet", "mass of middle subjet", "mass of heaviest subjet"),
)
"""Sums over the constituents, how well one, two or three axes describe them (N-subjettiness with
axes of k-means), then three subjets: shares of pt, masses of pairs, masses."""

ROUNDS = 4
BATCH = 2_000


def demo_submissions(folder: Path) -> list[tuple[str, str, bytes]]:
    """File name, message and content of three honest submissions, worst first."""
    train, test = (pl.read_parquet(folder / f"{name}.parquet") for name in ("train", "test"))
    seen, other = (
        features(folder / f"{name}.h5", t) for name, t in (("train", train), ("test", test))
    )
    target = (train["label"] == "s").to_numpy()
    shape = [0, 1, 2]
    tables = (
        ("mass_window.csv", "Jet mass near the top quark's", mass_window(test)),
        (
            "shape.csv",
            "Logistic regression on mass, constituents and width",
            submission(test, logistic(seen[:, shape], target, other[:, shape])),
        ),
        (
            "subjets.csv",
            "Logistic regression on three subjets, with products",
            submission(test, logistic(seen, target, other)),
        ),
    )
    return [(name, message, to_csv(table)) for name, message, table in tables]


def submission(test: pl.DataFrame, probability: Floats) -> pl.DataFrame:
    """Jets that are rather tops than not are called so; five digits rank them."""
    label = np.where(probability > 0.5, "s", "b")
    score = np.round(probability, 5)
    return pl.DataFrame({"id": test["id"], "Class": label, "Score": score})


def features(path: Path, table: pl.DataFrame) -> Floats:
    """The features ``NAMES`` of the jets of a table, (n, 16)."""
    with h5py.File(path) as file:
        data = file["constituents"]
        begins = range(0, len(data), BATCH)
        parts = [features_of(data[at : at + BATCH], table[at : at + BATCH]) for at in begins]
    return np.concatenate(parts)


def features_of(constituents: npt.NDArray[np.float32], table: pl.DataFrame) -> Floats:
    """Of jets (n, 200, 4) with their rows of a table."""
    mass = table["mass"].to_numpy().astype(np.float64)
    return np.column_stack([mass, _features(constituents)])


def _features(constituents: npt.NDArray[np.float32]) -> Floats:
    """Of jets (n, 200, 4): everything but the mass."""
    count = (constituents[..., 0] > 0).sum(axis=1)
    p4 = constituents[:, :HARDEST].astype(np.float64)
    pt = np.hypot(p4[..., 1], p4[..., 2])
    eta = np.arcsinh(p4[..., 3] / np.maximum(pt, 1e-9))
    phi = np.arctan2(p4[..., 2], p4[..., 1])
    share = pt / pt.sum(axis=1, keepdims=True)
    phi = wrapped(phi - phi[:, :1])
    place = np.stack([eta, phi], axis=2)
    place -= (share[..., None] * place).sum(axis=1, keepdims=True)
    width = (share * np.hypot(place[..., 0], place[..., 1])).sum(axis=1)
    columns = [count, width, (share**2).sum(axis=1)]
    taus = []
    for number in (1, 2, SUBJETS):
        owner, distance = _subjets(place, share, number)
        taus.append((share * distance).sum(axis=1))
    columns += [taus[0], taus[1] / (taus[0] + 1e-3), taus[2] / (taus[1] + 1e-3)]
    return np.column_stack([*columns, _of_subjets(p4, owner)])


def _subjets(place: Floats, share: Floats, number: int) -> tuple[npt.NDArray[np.int64], Floats]:
    """Which of ``number`` axes each constituent is nearest to, and how near, each (n, 50).

    Axes begin at the hardest constituent and at those that are hard and far from the others, then
    move to the middle of what is nearest to them.
    """
    rows = np.arange(len(place))
    axes = place[:, :1]
    for _ in range(number - 1):
        far = _distances(place, axes).min(axis=2)
        axes = np.concatenate([axes, place[rows, (share * far).argmax(axis=1)][:, None]], axis=1)
    for _ in range(ROUNDS if number > 1 else 1):
        owner = _distances(place, axes).argmin(axis=2)
        weight = share[..., None] * (owner[..., None] == np.arange(number))
        total = weight.sum(axis=1)
        middle = np.einsum("nik,nid->nkd", weight, place) / np.maximum(total, 1e-9)[..., None]
        axes = np.where(total[..., None] > 0, middle, axes)
    away = _distances(place, axes)
    return away.argmin(axis=2), away.min(axis=2)


def _distances(place: Floats, axes: Floats) -> Floats:
    away = place[:, :, None] - axes[:, None]
    return np.asarray(np.sqrt(away[..., 0] ** 2 + away[..., 1] ** 2))


def _of_subjets(p4: Floats, owner: npt.NDArray[np.int64]) -> Floats:
    """Shares of pt, masses of the three pairs and of the three subjets, each sorted, (n, 9)."""
    mine = owner[..., None] == np.arange(SUBJETS)
    subjets = np.einsum("nik,nid->nkd", mine, p4)
    pt = np.hypot(subjets[..., 1], subjets[..., 2])
    pairs = subjets[:, [0, 0, 1]] + subjets[:, [1, 2, 2]]
    whole = pt.sum(axis=1, keepdims=True)
    return np.concatenate(
        [np.sort(pt / whole), np.sort(_mass(pairs)), np.sort(_mass(subjets))], axis=1
    )


def _mass(p4: Floats) -> Floats:
    square = p4[..., 0] ** 2 - (p4[..., 1:] ** 2).sum(axis=-1)
    return np.asarray(np.sqrt(np.maximum(square, 0.0)))


def logistic(seen: Floats, target: npt.NDArray[np.bool_], other: Floats) -> Floats:
    """Probabilities of ``other`` from a fit to ``seen``: features, squares and products."""
    centre, width = seen.mean(axis=0), np.maximum(seen.std(axis=0), 1e-9)
    terms, others = (_terms(np.clip((part - centre) / width, -4, 4)) for part in (seen, other))
    beta = np.zeros(terms.shape[1])
    ridge = 3.0 * np.eye(len(beta))
    for _ in range(10):  # Newton's method converges long before
        probability = _sigmoid(terms @ beta)
        slope = terms.T @ (target - probability) - ridge @ beta
        curvature = (terms * (probability * (1 - probability))[:, None]).T @ terms
        beta += np.linalg.solve(curvature + ridge, slope)
    return _sigmoid(others @ beta)


def _terms(values: Floats) -> Floats:
    one, two = np.triu_indices(values.shape[1])
    return np.hstack([np.ones((len(values), 1)), values, values[:, one] * values[:, two]])


def _sigmoid(value: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-np.clip(value, -30, 30))))
