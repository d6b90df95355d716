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

MIN_JET_PT = 12.0
"""In GeV; low enough that smearing over 20 (tau candidates) and 30 (jets) loses nothing."""

BOSONS = (23, 24, 25)


@dataclass(frozen=True)
class Truth:
    """Particle-level objects of n events; momenta as (pt, eta, phi, mass) in GeV.

    Absent objects have pt = 0. ``leptons`` (n, 2, 4) and ``is_muon`` (n, 2), ``taus`` (n, 2, 4)
    the visible part of hadronic decays, ``jets`` (n, MAX_JETS, 4), ``invisible`` (n, 2) px and py
    of everything not seen, ``sum_et`` (n,) of visible particles. Taus are among the jets:
    overlaps are removed by distance, as in an experiment.
    """

    leptons: Floats
    is_muon: Booleans
    taus: Floats
    jets: Floats
    invisible: Floats
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
    pt, eta = particles.pt, particles.eta
    invisible_kind = np.isin(np.abs(particles.pdg), (12, 14, 16))
    seen = particles.final & ~invisible_kind & (np.abs(eta) < ACCEPTANCE)
    lepton = _prompt_leptons(particles)
    lepton_p4, dressing = _dress(particles, lepton, seen)
    order = np.lexsort((-np.hypot(lepton_p4[:, 0], lepton_p4[:, 1]), particles.event[lepton]))
    tau_event, tau_p4 = _hadronic_taus(particles)
    leptons = _pad(particles.event[lepton][order], lepton_p4[order], particles.n_events, 2)
    muon = np.abs(particles.pdg[lepton]) == 13
    taus_order = np.lexsort((-np.hypot(tau_p4[:, 0], tau_p4[:, 1]), tau_event))
    jets_in = seen & ~dressing & (np.abs(particles.pdg) != 13)
    return Truth(
        leptons=_cylindrical(leptons),
        is_muon=_pad(
            particles.event[lepton][order], muon[order][:, None], particles.n_events, 2
        ).astype(bool)[..., 0],
        taus=_cylindrical(_pad(tau_event[taus_order], tau_p4[taus_order], particles.n_events, 2)),
        jets=_cluster(particles, jets_in),
        invisible=-_sum_by_event(particles, seen, particles.p4[:, :2]),
        sum_et=_sum_by_event(particles, seen & (pt > 0.5), pt[:, None])[:, 0],
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


def _from_boson(particles: _Particles, index: Integers) -> Booleans:
    return np.isin(np.abs(particles.pdg[_source(particles, index)]), BOSONS)


def _prompt_leptons(particles: _Particles) -> Integers:
    """Electrons and muons from W, Z, H or from a tau of theirs; not from hadrons."""
    index = np.flatnonzero(particles.final & np.isin(np.abs(particles.pdg), (11, 13)))
    source = _source(particles, index)
    from_tau = np.abs(particles.pdg[source]) == 15
    through_tau = from_tau & _from_boson(particles, source)
    keep = through_tau | np.isin(np.abs(particles.pdg[source]), BOSONS)
    keep &= (particles.pt[index] > 15.0) & (np.abs(particles.eta[index]) < 2.7)
    return np.asarray(index[keep])


def _hadronic_taus(particles: _Particles) -> tuple[Integers, Floats]:
    """Event and visible momentum: the tau minus its neutrino, unless it made a lepton."""
    mother_kind = np.abs(particles.pdg[particles.mother])
    neutrino = np.flatnonzero((np.abs(particles.pdg) == 16) & (mother_kind == 15))
    tau = particles.mother[neutrino]
    lepton = np.isin(np.abs(particles.pdg), (11, 13)) & (mother_kind == 15)
    keep = ~np.isin(tau, particles.mother[lepton]) & _from_boson(particles, tau)
    visible = particles.p4[tau[keep]] - particles.p4[neutrino[keep]]
    return particles.event[tau[keep]], visible


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
    a, b = _cylindrical(one[None, :]), _cylindrical(many)
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
    order = np.lexsort((-np.hypot(jets[:, 0], jets[:, 1]), event))
    return _cylindrical(_pad(event[order], jets[order], particles.n_events, MAX_JETS))


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


def _cylindrical(p4: Floats) -> Floats:
    """(px, py, pz, e) → (pt, eta, phi, mass) along the last axis."""
    px, py, pz, energy = np.moveaxis(p4, -1, 0)
    pt = np.hypot(px, py)
    eta = np.arcsinh(pz / np.maximum(pt, 1e-12))
    mass = np.sqrt(np.maximum(energy**2 - pt**2 - pz**2, 0.0))
    return np.stack([pt, eta, np.arctan2(py, px), mass], axis=-1)


def wrap(angle: Floats) -> Floats:
    """Angle differences into [-pi, pi)."""
    return (angle + np.pi) % (2 * np.pi) - np.pi
