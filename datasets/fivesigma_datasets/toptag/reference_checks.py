"""What must hold in files of the reference set; what doesn't is told with its column and row."""

from typing import Any

import numpy as np
import numpy.typing as npt

from fivesigma_datasets.errors import DataError
from fivesigma_datasets.toptag.reference_layout import COMPONENTS, TRUTH, Batch, Floats

TOLERANCE = 2e-3
"""Relative, on energies against momenta and on the order of constituents: rounding in the files."""

FLOOR = 0.01
"""In GeV: below it rounding may turn anything around."""

USUAL_PT = (300.0, 1000.0)
"""Medians of the jets' pt in GeV; those of the reference set lie around 590."""

TOP_MASSES = (150.0, 195.0)
"""Medians of the true tops' mass in GeV."""


def check(file: str, batch: Batch) -> None:
    """Check the jets of a batch. Raises ``DataError`` for the first rule that is broken."""
    _flags(file, batch)
    _finite(file, batch)
    energy = batch.momenta[..., 0].astype(np.float64)
    p3 = batch.momenta[..., 1:].astype(np.float64)
    momentum = np.sqrt((p3**2).sum(axis=2))
    _padding(file, batch, energy)
    _units(file, p3)
    slow = energy >= momentum * (1 - TOLERANCE) - FLOOR
    _refuse(file, batch, ~slow, 0, "energies of at least the momentum; are the columns shifted?")
    pt = np.hypot(p3[..., 0], p3[..., 1])
    rises = np.zeros(pt.shape, dtype=bool)
    rises[:, 1:] = pt[:, 1:] > pt[:, :-1] * (1 + TOLERANCE) + FLOOR
    _refuse(
        file, batch, rises, 1, "constituents by falling transverse momentum; are columns shifted?"
    )
    _truth(file, batch)


def _flags(file: str, batch: Batch) -> None:
    for name, values, known in (
        ("is_signal_new", batch.label, (0, 1)),
        ("ttv", batch.ttv, (0, 1, 2)),
    ):
        bad = np.flatnonzero(~np.isin(values, known))
        if bad.size:
            words = ", ".join(map(str, known[:-1]))
            raise DataError(
                f"{_place(file, batch, bad[0])}: the column {name} has {values[bad[0]]:g}; "
                f"expected: {words} or {known[-1]}. Are the columns shifted?"
            )


def _finite(file: str, batch: Batch) -> None:
    for component in range(len(COMPONENTS)):
        broken = ~np.isfinite(batch.momenta[..., component])
        _refuse(file, batch, broken, component, "finite numbers, and 0 where there is no particle")
    bad = np.argwhere(~np.isfinite(batch.truth))
    if bad.size:
        raise DataError(
            f"{_place(file, batch, bad[0, 0])}: the column {TRUTH[bad[0, 1]]} has no finite number."
        )


def _padding(file: str, batch: Batch, energy: npt.NDArray[Any]) -> None:
    """Zeros, and nothing else, behind the last constituent."""
    _refuse(file, batch, energy < 0, 0, "energies of 0 or more; is another sentinel used than 0?")
    empty = energy == 0
    first = np.zeros(empty.shape, dtype=bool)
    first[:, 0] = empty[:, 0]
    _refuse(file, batch, first, 0, "at least one constituent in a jet; are the columns shifted?")
    after = ~empty & (np.cumsum(empty, axis=1) > 0)
    _refuse(file, batch, after, 0, "no constituent behind the end of a jet; are columns shifted?")
    for component in (1, 2, 3):
        rest = empty & (batch.momenta[..., component] != 0)
        _refuse(file, batch, rest, component, "0 where there is no particle, no other sentinel")


def _units(file: str, p3: npt.NDArray[np.float64]) -> None:
    total = p3[..., :2].sum(axis=1)
    median = float(np.median(np.hypot(total[:, 0], total[:, 1])))
    if USUAL_PT[0] < median < USUAL_PT[1]:
        return
    guess = "MeV" if median > USUAL_PT[1] else "TeV"
    raise DataError(
        f"{file}: the jets of the columns PX_0 to PY_199 have a median transverse momentum of "
        f"{median:.4g}; those of the reference set have about 590 GeV. Are they in {guess}? Write "
        "all momenta in GeV."
    )


def _truth(file: str, batch: Batch) -> None:
    """A true top where the label says so, and nowhere else."""
    top = batch.label == 1
    bad = np.flatnonzero((batch.truth[:, 0] > 0) != top)
    if bad.size:
        row = bad[0]
        raise DataError(
            f"{_place(file, batch, row)}: is_signal_new is {batch.label[row]:g} and truthE "
            f"{batch.truth[row, 0]:g} ({bad.size:,} rows like this): a top has a true energy, and "
            "only a top. Are the columns shifted or the labels of another file?"
        )
    if top.any():
        truth = batch.truth[top].astype(np.float64)
        square = truth[:, 0] ** 2 - (truth[:, 1:] ** 2).sum(axis=1)
        median = float(np.sqrt(max(np.median(square), 0.0)))
        if not TOP_MASSES[0] < median < TOP_MASSES[1]:
            raise DataError(
                f"{file}: the true tops of the columns truthE to truthPZ have a median mass of "
                f"{median:.4g} GeV instead of about 173: are the columns shifted, or not in GeV?"
            )


def _refuse(file: str, batch: Batch, broken: npt.NDArray[Any], component: int, rule: str) -> None:
    """Raise if any constituent (n, 200) breaks a rule, with the column of ``component``."""
    if not broken.any():
        return
    row, particle = np.argwhere(broken)[0]
    value = batch.momenta[row, particle, component]
    rows = int(broken.any(axis=1).sum())
    raise DataError(
        f"{_place(file, batch, row)}: the column {COMPONENTS[component]}_{particle} has {value:g} "
        f"({rows:,} rows like this); expected: {rule}" + ("" if rule.endswith("?") else ".")
    )


def _place(file: str, batch: Batch, row: int) -> str:
    return f"{file} row {batch.first + row}"


def both_classes(label: Floats) -> None:
    """Jets of both classes, over all files."""
    for value, name in ((1, "tops"), (0, "QCD jets")):
        if not (label == value).any():
            raise DataError(f"There are no {name}: import a file with {name} too.")
