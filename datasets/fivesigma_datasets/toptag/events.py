"""One chunk of generated events, measured, clustered and selected: jets with all their inputs."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fivesigma_datasets.chunks import Arrays
from fivesigma_datasets.jets import clustering, detector, images, kinematics, particles
from fivesigma_datasets.jets.detector import Response
from fivesigma_datasets.jets.kinematics import Booleans, Floats, Integers
from fivesigma_datasets.pythia import started
from fivesigma_datasets.toptag.processes import (
    COMMON,
    MASS_RANGE,
    MATCHED,
    MAX_ETA,
    PT_RANGE,
    RADIUS,
    Process,
)

BATCH = 100
GRID = images.Grid(pixels=40, cells=2)
"""±0.70 around the jet's axis in steps of 0.035."""

PIXELS = len(images.CHANNELS) * GRID.pixels**2

STEP = 0.25
"""Unit of a pixel in GeV: less than half of it is nothing."""

PARTICLES = 200
"""Constituents kept, hardest first."""

MOMENTUM_BITS, ENERGY_BITS = 11, 15


@dataclass(frozen=True)
class Task:
    """``events`` events of a process with a detector response, from seeds of their own."""

    process: Process
    response: Response
    seed: tuple[int, ...]
    events: int


def make(task: Task) -> Arrays:
    """Jets of a chunk: see ``_inputs``; ``event`` counts from 0 in the chunk."""
    source = np.random.SeedSequence(task.seed)
    generator_seed, detector_seed = source.spawn(2)
    rng = np.random.default_rng(detector_seed)
    seed = int(generator_seed.generate_state(1, np.uint64)[0])
    pythia = started((*COMMON, *task.process.settings), seed)
    parts = []
    for begin in range(0, task.events, BATCH):
        batch = pythia.nextBatch(min(BATCH, task.events - begin))
        parts.append(_jets(batch, task, rng, begin))
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _jets(batch: Any, task: Task, rng: np.random.Generator, begin: int) -> Arrays:
    measured = detector.measure(particles.visible(batch), rng, task.response)
    jets = clustering.anti_kt(
        measured.flow_event, measured.flow, measured.n_events, radius=RADIUS, min_pt=PT_RANGE[0]
    )
    jets = jets.take(_selected(jets))
    if task.process.tops:
        jets = jets.take(_top_matched(batch, jets))
    return _inputs(jets, measured) | {"event": jets.event + begin}


def _selected(jets: clustering.Jets) -> Booleans:
    """Among the two hardest of an event, in the ranges of pt, eta and mass."""
    rank = np.arange(len(jets)) - np.searchsorted(jets.event, jets.event, side="left")
    pt, eta = kinematics.transverse(jets.p4), kinematics.pseudorapidity(jets.p4)
    mass = kinematics.mass(jets.p4)
    inside = (pt >= PT_RANGE[0]) & (pt < PT_RANGE[1]) & (np.abs(eta) < MAX_ETA)
    inside &= (mass >= MASS_RANGE[0]) & (mass < MASS_RANGE[1])
    return np.asarray((rank < 2) & inside)


def _top_matched(batch: Any, jets: clustering.Jets) -> Booleans:
    """Whether a top quark and its three quarks are in the jet."""
    event, quarks = _decayed_tops(batch)
    matched = np.zeros(len(jets), dtype=bool)
    first = np.searchsorted(event, jets.event, side="left")
    last = np.searchsorted(event, jets.event, side="right")
    jet, top = kinematics.pairs(first, last)
    eta, phi = kinematics.pseudorapidity(jets.p4)[jet], kinematics.azimuth(jets.p4)[jet]
    far = np.zeros(len(jet))
    for quark in (quarks[top, k] for k in range(quarks.shape[1])):
        away = kinematics.wrapped(kinematics.azimuth(quark) - phi)
        far = np.maximum(far, np.hypot(kinematics.pseudorapidity(quark) - eta, away))
    matched[jet[far < MATCHED]] = True
    return matched


def _decayed_tops(batch: Any) -> tuple[Integers, Floats]:
    """Events and momenta (n, 4, 4) of all tops at their decay, and of their quarks b, q, q'.

    Every event has one top and one antitop, which decay to hadrons.
    """
    import awkward as ak

    record = batch.prt
    counts = ak.to_numpy(ak.num(record.id)).astype(np.int64)
    event = np.repeat(np.arange(len(counts)), counts)
    start = np.repeat(np.concatenate([[0], np.cumsum(counts)[:-1]]), counts)
    pdg = particles.column(record.id, np.int64)
    mother = particles.column(record.mother1, np.int64) + start
    p4 = np.stack(
        [particles.column(record.p[name], np.float64) for name in ("px", "py", "pz", "e")], axis=1
    )
    quark = np.abs(pdg) <= 5
    events, momenta = [], []
    for sign in (1, -1):
        bottom = np.flatnonzero(quark & (pdg[mother] == 6 * sign))
        light = np.flatnonzero(quark & (pdg[mother] == 24 * sign)).reshape(-1, 2)
        rows = np.column_stack([mother[bottom], bottom, light])
        events.append(event[bottom])
        momenta.append(p4[rows])
    order = np.argsort(np.concatenate(events), kind="stable")
    return np.concatenate(events)[order], np.concatenate(momenta)[order]


def _inputs(jets: clustering.Jets, measured: detector.Measured) -> Arrays:
    """What is kept of each jet, in the shape that ``ragged`` describes.

    ``p4`` are the constituents' E, px, py, pz in GeV, ``pixel`` the numbers of lit pixels in the
    flat image and ``energy`` what they hold, in units of ``STEP``.
    """
    owner = np.repeat(np.arange(len(jets)), np.diff(jets.first))
    kept = np.arange(len(owner)) - jets.first[:-1][owner] < PARTICLES
    eta, phi = kinematics.pseudorapidity(jets.p4), kinematics.azimuth(jets.p4)
    flat = images.images(GRID, jets.event, eta, phi, images.channels(measured))
    counts = images.quantised(flat, STEP).reshape(len(jets), PIXELS)
    jet, pixel = np.nonzero(counts)
    return {
        "pt": kinematics.transverse(jets.p4),
        "eta": eta,
        "mass": kinematics.mass(jets.p4),
        "count": np.bincount(owner[kept], minlength=len(jets)),
        "p4": stored(measured.flow[jets.member[kept], :3]),
        "lit": np.bincount(jet, minlength=len(jets)),
        "pixel": pixel.astype(np.uint16),
        "energy": counts[jet, pixel],
    }


def stored(p3: Floats) -> npt.NDArray[np.float32]:
    """Massless four-momenta (n, 4), E first, with as many digits as a measurement deserves.

    Momenta keep ``MOMENTUM_BITS`` binary digits (5e-4), energies ``ENERGY_BITS``, rounded up so
    that no particle is faster than light; jet masses move by 0.1 GeV, the worst by 1 GeV. What is
    left out is noise that would fill most of a file.
    """
    p3 = _rounded(p3, MOMENTUM_BITS, np.rint)
    energy = _rounded(np.sqrt((p3**2).sum(axis=1)), ENERGY_BITS, np.ceil)
    return np.column_stack([energy, p3]).astype(np.float32)


def _rounded(values: Floats, bits: int, how: np.ufunc) -> Floats:
    mantissa, exponent = np.frexp(values)
    return np.asarray(np.ldexp(how(mantissa * 2.0**bits) / 2.0**bits, exponent))
