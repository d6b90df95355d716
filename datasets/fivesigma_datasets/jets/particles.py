"""The visible final particles of a batch of generated events, as flat arrays."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fivesigma_datasets.jets.kinematics import Floats, Integers, pseudorapidity

ACCEPTANCE = 3.0
"""Coverage of the barrel and endcap calorimeters in |eta|."""

INVISIBLE = (12, 14, 16)
POSITIVE = (211, 321, 2212, 3222)
"""Charged long-lived hadrons whose particle (not antiparticle) is positive."""

NEGATIVE = (11, 13, 3112, 3312, 3334)


@dataclass(frozen=True)
class Particles:
    """n particles of ``n_events`` events, in the order of events.

    ``event`` (n,) counts from 0, ``pdg`` (n,), ``p4`` (n, 4) as px, py, pz, E in GeV.
    """

    event: Integers
    pdg: Integers
    p4: Floats
    n_events: int

    @property
    def charge(self) -> Integers:
        """Electric charge in units of the proton's."""
        kind = np.abs(self.pdg)
        size = np.isin(kind, POSITIVE).astype(np.int64) - np.isin(kind, NEGATIVE)
        return np.asarray(size * np.sign(self.pdg))


def visible(batch: Any) -> Particles:
    """Particles of a batch as ``pythia8mc.Pythia.nextBatch`` returns it.

    Neutrinos and what is outside the calorimeters are left out.
    """
    import awkward as ak

    record = batch.prt
    counts = ak.to_numpy(ak.num(record.id)).astype(np.int64)
    event = np.repeat(np.arange(len(counts)), counts)
    pdg, status = column(record.id, np.int64), column(record.status, np.int64)
    final = np.flatnonzero((status > 0) & ~np.isin(np.abs(pdg), INVISIBLE))
    parts = [column(record.p[name], np.float64)[final] for name in ("px", "py", "pz", "e")]
    p4 = np.stack(parts, axis=1)
    seen = np.abs(pseudorapidity(p4)) < ACCEPTANCE
    chosen = final[seen]
    return Particles(event=event[chosen], pdg=pdg[chosen], p4=p4[seen], n_events=len(counts))


def column(values: Any, dtype: type) -> npt.NDArray[Any]:
    """One field of all particles of a batch, flat."""
    import awkward as ak

    flat: npt.NDArray[Any] = ak.to_numpy(ak.flatten(values)).astype(dtype)
    return flat
