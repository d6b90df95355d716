"""From generator records to the particles a detector would see, before any resolution.

Works on flat arrays over all events of a batch: particles have the event they belong to and
the absolute index of their mother, so that ancestry is followed by indexing alone.
"""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Booleans = npt.NDArray[np.bool_]

ACCEPTANCE = 4.9
"""Calorimeter coverage in |eta|."""

MAX_JETS = 10
"""Jets kept per event, hardest first; a further one above threshold is rarer than 1e-4."""

MIN_JET_PT = 8.0
"""In GeV; low enough that smearing over 20 GeV loses nothing."""

BOSONS = (23, 24, 25)


@dataclass(frozen=True)
class Truth:
    """Particle-level objects of n events; momenta as (pt, eta, phi, mass) in GeV.

    Absent objects have pt = 0. ``leptons`` (n, 2, 4) and ``is_muon`` (n, 2) come from W or Z;
    ``taus`` (n, 2, 4) from W, Z or H have not decayed yet. ``jets`` (n, MAX_JETS, 4) hold neither;
    ``is_b`` (n, MAX_JETS) where one holds a bottom hadron.
    ``seen`` (n, 2) is px and py of all visible particles but taus, ``sum_et`` (n,) their
    transverse momenta's sum.
    """

    leptons: Floats
    is_muon: Booleans
    taus: Floats
    jets: Floats
    is_b: Booleans
    seen: Floats
    sum_et: Floats

    def __len__(self) -> int:
        return len(self.sum_et)

    def take(self, rows: npt.NDArray[Any]) -> "Truth":
        """The events of an index or mask."""
        return Truth(**{field.name: getattr(self, field.name)[rows] for field in fields(self)})


def concatenate(parts: list[Truth]) -> Truth:
    """One table out of several batches."""
    names = [field.name for field in fields(Truth)]
    return Truth(**{n: np.concatenate([getattr(part, n) for part in parts]) for n in names})


@dataclass(frozen=True)
class _Particles:
    """The event records of a batch, flattened."""

    event: Integers
    mother: Integers
    pdg: Integers
    final: Booleans
    p4: Floats  # px, py, pz, e
    n_events: int

    @property
    def pt(self) -> Floats:
        return np.hypot(self.p4[:, 0], self.p4[:, 1])

    @property
    def eta(self) -> Floats:
        return np.arcsinh(self.p4[:, 2] / np.maximum(self.pt, 1e-12))


def extract(batch: Any) -> Truth:
    """Truth objects of a batch as ``pythia8mc.Pythia.nextBatch`` returns it."""
    particles = _flatten(batch)
    kind = np.abs(particles.pdg)
    tau = _of_bosons(particles, 15)
    seen = particles.final & ~np.isin(kind, (12, 14, 16))
    seen &= np.abs(particles.eta) < ACCEPTANCE
    seen[tau] = False
    lepton = _prompt_leptons(particles)
    lepton_p4, dressing = _dress(particles, lepton, seen)
    n, order = particles.n_events, _hardest_first(particles.event[lepton], lepton_p4)
    event, muon = particles.event[lepton][order], kind[lepton][order] == 13
    tau = tau[_hardest_first(particles.event[tau], particles.p4[tau])]
    visible_pt = particles.pt[:, None]
    jets = _cluster(particles, seen & ~dressing & (kind != 13))
    return Truth(
        leptons=cylindrical(_pad(event, lepton_p4[order], n, 2)),
        is_muon=_pad(event, muon[:, None], n, 2).astype(bool)[..., 0],
        taus=cylindrical(_pad(particles.event[tau], particles.p4[tau], n, 2)),
        jets=jets,
        is_b=_near_bottom(particles, jets),
        seen=_sum_by_event(particles, seen, particles.p4[:, :2]),
        sum_et=_sum_by_event(particles, seen & (visible_pt[:, 0] > 0.5), visible_pt)[:, 0],
    )


def _flatten(batch: Any) -> _Particles:
    import awkward as ak

    record = batch.prt
    counts = ak.to_numpy(ak.num(record.id)).astype(np.int64)
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    event = np.repeat(np.arange(len(counts)), counts)

    def column(values: Any, dtype: type) -> npt.NDArray[Any]:
        flat: npt.NDArray[Any] = ak.to_numpy(ak.flatten(values)).astype(dtype)
        return flat

    p4 = [column(record.p[name], np.float64) for name in ("px", "py", "pz", "e")]
    return _Particles(
        event=event,
        mother=column(record.mother1, np.int64) + starts[event],
        pdg=column(record.id, np.int64),
        final=column(record.status, np.int64) > 0,
        p4=np.stack(p4, axis=1),
        n_events=len(counts),
    )


def _source(particles: _Particles, index: Integers) -> Integers:
    """The first ancestor that is another kind of particle (photon radiation leaves copies)."""
    ancestor = particles.mother[index]
    for _ in range(100):
        same = particles.pdg[ancestor] == particles.pdg[index]
        if not same.any():
            break
        ancestor = np.where(same, particles.mother[ancestor], ancestor)
    return ancestor


def _of_bosons(particles: _Particles, *kinds: int) -> Integers:
    """Final particles of these kinds from W, Z or H."""
    index = np.flatnonzero(particles.final & np.isin(np.abs(particles.pdg), kinds))
    source = np.abs(particles.pdg[_source(particles, index)])
    return np.asarray(index[np.isin(source, BOSONS)])


def _prompt_leptons(particles: _Particles) -> Integers:
    """Electrons and muons from W or Z near the acceptance; not from hadrons."""
    index = _of_bosons(particles, 11, 13)
    keep = (particles.pt[index] > 15.0) & (np.abs(particles.eta[index]) < 2.7)
    return np.asarray(index[keep])


def _hardest_first(event: Integers, p4: Floats) -> Integers:
    return np.asarray(np.lexsort((-np.hypot(p4[:, 0], p4[:, 1]), event)))


def _dress(particles: _Particles, lepton: Integers, seen: Booleans) -> tuple[Floats, Booleans]:
    """Leptons with the photons within 0.1, and the mask of all that was used."""
    used = np.zeros(len(particles.pdg), dtype=bool)
    used[lepton] = True
    p4 = particles.p4[lepton].copy()
    photon = np.flatnonzero(seen & (particles.pdg == 22))
    first = np.searchsorted(particles.event[photon], particles.event[lepton], side="left")
    last = np.searchsorted(particles.event[photon], particles.event[lepton], side="right")
    for row, (begin, end) in enumerate(zip(first, last, strict=True)):
        near = photon[begin:end]
        cone = near[_distance(particles.p4[lepton[row]], particles.p4[near]) < 0.1]
        cone = cone[~used[cone]]
        p4[row] += particles.p4[cone].sum(axis=0)
        used[cone] = True
    return p4, used


def _distance(one: Floats, many: Floats) -> Floats:
    a, b = cylindrical(one[None, :]), cylindrical(many)
    return np.hypot(a[:, 1] - b[:, 1], wrap(a[:, 2] - b[:, 2]))


def _cluster(particles: _Particles, chosen: Booleans) -> Floats:
    """Anti-kt jets with R = 0.4, shape (n, MAX_JETS, 4)."""
    import awkward as ak
    import fastjet
    import vector

    vector.register_awkward()
    counts = np.bincount(particles.event[chosen], minlength=particles.n_events)
    p4 = particles.p4[chosen]
    flat = ak.zip(
        {"px": p4[:, 0], "py": p4[:, 1], "pz": p4[:, 2], "E": p4[:, 3]}, with_name="Momentum4D"
    )
    definition = fastjet.JetDefinition(fastjet.antikt_algorithm, 0.4)
    found = fastjet.ClusterSequence(ak.unflatten(flat, counts), definition).inclusive_jets(
        min_pt=MIN_JET_PT
    )
    jets_per_event = ak.to_numpy(ak.num(found.px))
    event = np.repeat(np.arange(particles.n_events), jets_per_event)
    jets = np.stack([ak.to_numpy(ak.flatten(found[k])) for k in ("px", "py", "pz", "E")], axis=1)
    order = _hardest_first(event, jets)
    return cylindrical(_pad(event[order], jets[order], particles.n_events, MAX_JETS))


def _near_bottom(particles: _Particles, jets: Floats) -> Booleans:
    """Jets with a bottom hadron above 5 GeV within 0.4."""
    kind = np.abs(particles.pdg)
    bottom = ((kind // 100) % 10 == 5) | ((kind // 1000) % 10 == 5)
    index = np.flatnonzero(bottom & (kind < 10_000) & (particles.pt > 5.0))
    hadron, near = cylindrical(particles.p4[index]), np.zeros(jets.shape[:2], dtype=bool)
    of_event = jets[particles.event[index]]
    distance = np.hypot(
        of_event[..., 1] - hadron[:, None, 1], wrap(of_event[..., 2] - hadron[:, None, 2])
    )
    row, jet = np.nonzero((distance < 0.4) & (of_event[..., 0] > 0))
    near[particles.event[index][row], jet] = True
    return near


def _pad(event: Integers, values: npt.NDArray[Any], n_events: int, size: int) -> Floats:
    """Values sorted by event into (n_events, size, k), zeros where there are fewer."""
    first = np.searchsorted(event, np.arange(n_events))
    position = np.arange(len(event)) - first[event]
    keep = position < size
    padded = np.zeros((n_events, size, values.shape[1]))
    padded[event[keep], position[keep]] = values[keep]
    return padded


def _sum_by_event(particles: _Particles, chosen: Booleans, values: Floats) -> Floats:
    event = particles.event[chosen]
    return np.stack(
        [
            np.bincount(event, weights=column, minlength=particles.n_events)
            for column in values[chosen].T
        ],
        axis=1,
    )


def cylindrical(p4: Floats) -> Floats:
    """(px, py, pz, e) → (pt, eta, phi, mass) along the last axis."""
    px, py, pz, energy = np.moveaxis(p4, -1, 0)
    pt = np.hypot(px, py)
    eta = np.arcsinh(pz / np.maximum(pt, 1e-12))
    mass = np.sqrt(np.maximum(energy**2 - pt**2 - pz**2, 0.0))
    return np.stack([pt, eta, np.arctan2(py, px), mass], axis=-1)


def wrap(angle: Floats) -> Floats:
    """Angle differences into [-pi, pi)."""
    return (angle + np.pi) % (2 * np.pi) - np.pi
