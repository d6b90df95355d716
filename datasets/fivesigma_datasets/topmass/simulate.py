"""Jets with flat masses, in chunks: same seed, same jets, whatever the number of processes.

Every mass of a chunk is drawn flat before anything else and shot again until its jet is accepted.
The masses of the table are therefore flat whatever the acceptance, and none occurs twice.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fivesigma_datasets.chunks import Arrays
from fivesigma_datasets.jets.cells import TOWER, numbers
from fivesigma_datasets.jets.clustering import Jets, anti_kt
from fivesigma_datasets.jets.detector import Measured, measure
from fivesigma_datasets.jets.images import Grid, channels, images, quantised
from fivesigma_datasets.jets.kinematics import (
    Floats,
    Integers,
    azimuth,
    mass,
    pairs,
    pseudorapidity,
    transverse,
    wrapped,
)
from fivesigma_datasets.jets.particles import column, visible
from fivesigma_datasets.pythia import started
from fivesigma_datasets.topmass.settings import (
    GENERATOR,
    MASS_RANGE,
    MATCH,
    MAX_ETA,
    PT_RANGE,
    RADIUS,
    STEP,
    THINNING,
)
from fivesigma_datasets.topmass.source import TOP, drawn, make_source, rows

BATCH = 250
"""Events generated together."""

LOST_EVENTS = 20
"""Further pairs in the queue, for events that the generator gives up."""

AFTER_SHOWERS = -62
"""Pythia's status of a particle of the hard process after showers and recoil."""

TOLERANCE = 1e-5
"""In GeV: how well the mass of a recorded top gives the drawn one back."""


@dataclass(frozen=True)
class Chunk:
    """``jets`` jets with number ``index``, seeds from ``seed``, pixels of ``grid``.

    ``masses``: the range in GeV that they are drawn from.
    """

    index: int
    jets: int
    seed: int
    grid: Grid
    masses: tuple[float, float] = MASS_RANGE


@dataclass(frozen=True)
class Batch:
    """Tops of generated events, and what was measured: (n,) tops with event, mass, eta, phi."""

    event: Integers
    top_mass: Floats
    eta: Floats
    phi: Floats
    measured: Measured


def make_chunk(task: Chunk) -> Arrays:
    """Jets of a chunk: ``mass``, ``pt``, ``ieta``, ``iphi``, ``event`` (n,), sparse images.

    ``lit`` (n,) lit pixels per image, ``pixel`` their numbers in a flat image, ``value`` their
    steps. ``event`` is the number of the event within the chunk; two jets may share one.
    """
    generator_seed, detector_seed = np.random.SeedSequence([task.seed, task.index]).spawn(2)
    rng = np.random.default_rng(detector_seed)
    source = make_source()
    pythia = started(GENERATOR, int(generator_seed.generate_state(1)[0]), source=source)
    pending = rng.uniform(*task.masses, task.jets)
    parts: list[Arrays] = []
    shot = 0
    while len(pending):
        batch = _shoot(pythia, source, pending[: 2 * BATCH], task.masses, rng)
        found = _accepted(batch, task.grid, pending, rng)
        found["event"] = found["event"] + shot
        parts.append(found)
        shot += batch.measured.n_events
        pending = pending[~np.isin(pending, found["mass"])]
    together = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    return {**together, "shot": np.array([shot])}


def _shoot(
    pythia: Any, source: Any, wanted: Floats, masses: tuple[float, float], rng: np.random.Generator
) -> Batch:
    """Generate and measure pairs with the wanted masses; further ones fill the queue."""
    n = (len(wanted) + 1) // 2
    further = rng.uniform(*masses, 2 * (n + LOST_EVENTS) - len(wanted))
    shots = drawn(np.concatenate([wanted, further]).reshape(-1, 2), rng)
    source.queue[:] = rows(shots)
    record = pythia.nextBatch(n)
    return _batch(record, shots.mass, measure(visible(record), rng))


def _batch(record: Any, masses: Floats, measured: Measured) -> Batch:
    """The tops of a record after all showers, with the masses that were drawn for them."""
    import awkward as ak

    particles = record.prt
    tops = particles[(abs(particles.id) == TOP) & (particles.status == AFTER_SHOWERS)]
    p4 = np.stack([column(tops.p[name], np.float64) for name in ("px", "py", "pz", "e")], axis=1)
    counts = ak.to_numpy(ak.num(tops.id)).astype(np.int64)
    return Batch(
        event=np.repeat(np.arange(len(counts)), counts),
        top_mass=_as_drawn(mass(p4), np.sort(masses.ravel())),
        eta=pseudorapidity(p4),
        phi=azimuth(p4),
        measured=measured,
    )


def _as_drawn(recorded: Floats, masses: Floats) -> Floats:
    """The drawn masses (sorted) that the recorded ones are but for rounding."""
    above = np.clip(np.searchsorted(masses, recorded), 1, len(masses) - 1)
    lower, upper = masses[above - 1], masses[above]
    nearest = np.where(recorded - lower < upper - recorded, lower, upper)
    if np.abs(nearest - recorded).max(initial=0.0) > TOLERANCE:
        raise RuntimeError("The generator changed the mass of a top: this version can't be used.")
    return np.asarray(nearest)


def _accepted(batch: Batch, grid: Grid, pending: Floats, rng: np.random.Generator) -> Arrays:
    """The accepted jets of the masses that are still wanted."""
    seen = batch.measured
    jets = anti_kt(seen.flow_event, seen.flow, seen.n_events, radius=RADIUS, min_pt=PT_RANGE[0])
    top, jet = _matched(batch, jets)
    pt, eta = transverse(jets.p4[jet]), pseudorapidity(jets.p4[jet])
    keep = (pt < PT_RANGE[1]) & (np.abs(eta) < MAX_ETA) & np.isin(batch.top_mass[top], pending)
    keep &= rng.random(len(top)) < _chance(batch.top_mass[top], pt)
    top, jet, eta = top[keep], jet[keep], eta[keep]
    phi = azimuth(jets.p4[jet])
    ieta, iphi = numbers(eta, phi, TOWER)
    pictures = quantised(images(grid, batch.event[top], eta, phi, channels(seen)), STEP)
    return {
        "mass": batch.top_mass[top],
        "pt": pt[keep].astype(np.float32),
        "ieta": ieta.astype(np.int16),
        "iphi": iphi.astype(np.int16),
        "event": batch.event[top],
        **sparse(pictures),
    }


def _chance(top_mass: Floats, pt: Floats) -> Floats:
    """Of a jet to be kept, so that pt tells nothing about the mass."""
    low, high = MASS_RANGE
    power = THINNING * (top_mass - low) / (high - low)
    return np.asarray((PT_RANGE[0] / pt) ** power)


def _matched(batch: Batch, jets: Jets) -> tuple[Integers, Integers]:
    """Numbers of tops and of the nearest jets within ``MATCH`` of them."""
    first = np.searchsorted(jets.event, batch.event, side="left")
    last = np.searchsorted(jets.event, batch.event, side="right")
    top, jet = pairs(first, last)
    away = np.hypot(
        batch.eta[top] - pseudorapidity(jets.p4[jet]),
        wrapped(batch.phi[top] - azimuth(jets.p4[jet])),
    )
    order = np.lexsort((away, top))
    order = order[away[order] < MATCH]
    nearest = order[np.unique(top[order], return_index=True)[1]]
    return top[nearest], jet[nearest]


def sparse(pictures: npt.NDArray[np.uint16]) -> Arrays:
    """Images (n, …) as their lit pixels: numbers per image, places in it, values."""
    flat = pictures.reshape(len(pictures), int(np.prod(pictures.shape[1:])))
    image, pixel = np.nonzero(flat)
    return {
        "lit": np.bincount(image, minlength=len(flat)).astype(np.int32),
        "pixel": pixel.astype(np.int32),
        "value": flat[image, pixel],
    }
