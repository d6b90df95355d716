"""Anti-kt jets with their constituents, soft drop and N-subjettiness, all by FastJet.

M. Cacciari, G. Salam, G. Soyez, arXiv:0802.1189 (anti-kt) and arXiv:1111.6097 (FastJet).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fivesigma_datasets.jets.kinematics import (
    Floats,
    Integers,
    momenta,
    padded,
    pairs,
    sums,
    transverse,
)

SOFT_DROP = (0.1, 0.0)
"""z_cut and beta of soft drop (A. Larkoski et al., arXiv:1402.2657), as CMS uses it."""

EVERYTHING = 10.0
"""A radius beyond all distances inside a jet."""


@dataclass(frozen=True)
class Jets:
    """n jets, hardest first within their event.

    ``event`` (n,), ``p4`` (n, 4); the constituents of jet i are the rows
    ``member[first[i]:first[i + 1]]`` of the clustered momenta, hardest first.
    """

    event: Integers
    p4: Floats
    first: Integers
    member: Integers

    def __len__(self) -> int:
        return len(self.event)

    def take(self, rows: npt.NDArray[Any]) -> "Jets":
        """The jets of an index or mask."""
        rows = np.arange(len(self))[rows]
        _owner, index = pairs(self.first[rows], self.first[rows + 1])
        sizes = self.first[rows + 1] - self.first[rows]
        first = np.concatenate([[0], np.cumsum(sizes)])
        return Jets(self.event[rows], self.p4[rows], first, self.member[index])


def anti_kt(event: Integers, p4: Floats, n_events: int, *, radius: float, min_pt: float) -> Jets:
    """Jets above ``min_pt`` of momenta (n, 4) that are in the order of their events."""
    import awkward as ak
    import fastjet

    if not len(event):
        nothing = np.zeros(0, dtype=np.int64)
        return Jets(nothing, np.zeros((0, 4)), np.zeros(1, dtype=np.int64), nothing)
    definition = fastjet.JetDefinition(fastjet.antikt_algorithm, radius)
    sequence = fastjet.ClusterSequence(_grouped(event, p4, n_events), definition)
    index = sequence.constituent_index(min_pt=min_pt)
    jet_event = np.repeat(np.arange(n_events), to_numpy(ak.num(index)).astype(np.int64))
    sizes = to_numpy(ak.flatten(ak.num(index, axis=2))).astype(np.int64)
    owner = np.repeat(np.arange(len(sizes)), sizes)
    begin = np.searchsorted(event, jet_event)[owner]
    member = to_numpy(ak.flatten(index, axis=None)).astype(np.int64) + begin
    return _hardest_first(jet_event, owner, member, p4)


def _hardest_first(jet_event: Integers, owner: Integers, member: Integers, p4: Floats) -> Jets:
    """Jets by event and falling pt, their constituents by falling pt."""
    total = sums(owner, p4[member], len(jet_event))
    order = np.lexsort((-transverse(total), jet_event))
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    rows = np.lexsort((-transverse(p4[member]), rank[owner]))
    first = np.concatenate([[0], np.cumsum(np.bincount(owner, minlength=len(order))[order])])
    return Jets(jet_event[order], total[order], first, member[rows])


def constituents(jets: Jets, p4: Floats, keep: int) -> Floats:
    """The hardest constituents as (n, keep, 4), E first: (E, px, py, pz); zeros behind them."""
    owner = np.repeat(np.arange(len(jets)), np.diff(jets.first))
    return padded(owner, p4[jets.member][:, [3, 0, 1, 2]], len(jets), keep)


def soft_drop(jets: Jets, p4: Floats) -> Floats:
    """Groomed momenta (n, 4): soft wide-angle radiation removed, by declustering of C/A."""
    zcut, beta = SOFT_DROP
    groomed = _reclustered(jets, p4).exclusive_jets_softdrop_grooming(
        njets=1, beta=beta, symmetry_cut=zcut
    )
    pt, eta, phi = (to_numpy(groomed[f"{name}softdrop"]) for name in ("pt", "eta", "phi"))
    return momenta(pt, eta, phi, to_numpy(groomed["msoftdrop"]))


def n_subjettiness(jets: Jets, p4: Floats, *, radius: float, axes: int = 3) -> Floats:
    """tau_1 … tau_axes, shape (n, axes), beta = 1, k_t axes.

    J. Thaler, K. Van Tilburg, arXiv:1011.2268; normalised to the jet's pt times ``radius``.
    """
    found = _reclustered(jets, p4).njettiness(
        njets=list(range(1, axes + 1)), R0=radius, axes_definition="KT_Axes"
    )
    return to_numpy(found).reshape(len(jets), axes)


def _reclustered(jets: Jets, p4: Floats) -> Any:
    """The Cambridge/Aachen sequence of each jet's constituents, all in one jet."""
    import fastjet

    owner = np.repeat(np.arange(len(jets)), np.diff(jets.first))
    definition = fastjet.JetDefinition(fastjet.cambridge_algorithm, EVERYTHING)
    return fastjet.ClusterSequence(_grouped(owner, p4[jets.member], len(jets)), definition)


def _grouped(owner: Integers, p4: Floats, size: int) -> Any:
    """Momenta as FastJet takes them: a list for each owner, who ascend."""
    import awkward as ak
    import vector

    vector.register_awkward()
    names = ("px", "py", "pz", "E")
    record = {name: np.ascontiguousarray(p4[:, k]) for k, name in enumerate(names)}
    flat = ak.zip(record, with_name="Momentum4D")
    return ak.unflatten(flat, np.bincount(owner, minlength=size))


def to_numpy(values: Any) -> npt.NDArray[Any]:
    """An awkward array without gaps."""
    import awkward as ak

    array: npt.NDArray[Any] = ak.to_numpy(values)
    return array
