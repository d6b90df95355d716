"""Simulated particles against real LArTPC images and Geant4 segments, in their own terms.

The real images are of energy, not of charge: no recombination, no diffusion, no noise; voxels with
less than 50 keV are dark, those above 4 MeV say 4 MeV, in units of 10 keV (the sums of the three
projections are equal, and 400 is their most frequent large value). The size of their voxels is not
recorded: 4.5 mm gives the charge per pixel of the protons.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
import pytest
from conftest import SHARED_DATA
from fivesigma_datasets.lartpc import argon, losses
from fivesigma_datasets.lartpc.particles import (
    ELECTRON,
    MUON_PLUS,
    PROTON,
    Particles,
    isotropic,
)
from fivesigma_datasets.lartpc.transport import walk

IMAGES = SHARED_DATA / "lartpc-larcv-images" / "particles_256_3planes.npz"
SEGMENTS = SHARED_DATA / "lartpc-geant4-segments"
VOXEL, EDGE, UNIT, DARK, FULL = 0.45, 256, 0.01, 5.0, 400.0
PLANES = ((0, 1), (1, 2), (0, 2))
Planes = np.ndarray

with_images = pytest.mark.skipif(not IMAGES.is_file(), reason="the real images are not here")
with_segments = pytest.mark.skipif(not SEGMENTS.is_dir(), reason="Geant4 segments are not here")


@dataclass(frozen=True)
class Both:
    """Real and simulated projections of one kind of particle, (events, 3, 256, 256)."""

    real: Planes
    made: Planes


def images_of(kind: int, energy: np.ndarray, seed: int) -> Planes:
    """Projections of one particle an event, towards the middle of the volume."""
    rng = np.random.default_rng(seed)
    count, size = len(energy), EDGE * VOXEL
    towards = isotropic(rng, count)
    start = size / 2 - towards * size * 0.3
    particles = Particles(np.arange(count), np.full(count, kind), energy, start, towards)
    left = walk(particles, size, rng)
    place = np.floor(left.position / VOXEL).astype(np.int64)
    inside = ((place >= 0) & (place < EDGE)).all(axis=1)
    keys = ((left.event * EDGE + place[:, 0]) * EDGE + place[:, 1]) * EDGE + place[:, 2]
    voxels, where = np.unique(keys[inside], return_inverse=True)
    value = np.bincount(where, left.energy[inside]) / UNIT
    voxels, value = voxels[value > DARK], np.minimum(value[value > DARK], FULL)
    event, *at = np.unravel_index(voxels, (count, EDGE, EDGE, EDGE))
    made = np.zeros((count, 3, EDGE, EDGE), np.float32)
    for plane, (down, across) in enumerate(PLANES):
        np.add.at(made[:, plane], (event, at[down], at[across]), value)
    return made


@pytest.fixture(scope="module")
def kinds() -> dict[int, Both]:
    """The ten real events of each kind, and thirty with the energies that they show."""
    with np.load(IMAGES) as file:
        image, pdg = file["image"], file["pdg"]
    found = {}
    for kind, code, hidden in ((ELECTRON, 11, 1.08), (PROTON, 2212, 1.25)):
        real = image[pdg == code]
        # What is seen falls short of the energy: dark and full voxels.
        energy = real[:, 0].reshape(len(real), -1).sum(axis=1) * UNIT * hidden
        found[kind] = Both(real, images_of(kind, np.tile(energy.astype(np.float64), 3), 4))
    return found


def lit(planes: Planes) -> np.ndarray:
    return planes[planes > 0]


@with_images
@pytest.mark.parametrize("kind", [ELECTRON, PROTON])
def test_visible_energy_is_that_of_the_real_images(kinds: dict[int, Both], kind: int) -> None:
    both = kinds[kind]
    assert both.made.sum() / 3 == pytest.approx(both.real.sum(), rel=0.12)


@with_images
def test_lit_charge_of_protons_and_electrons_has_the_real_ratio(kinds: dict[int, Both]) -> None:
    """5.6 in the real images; within a quarter of it."""
    ratios = [
        np.median(lit(planes[PROTON])) / np.median(lit(planes[ELECTRON]))
        for planes in (
            {kind: both.real for kind, both in kinds.items()},
            {kind: both.made for kind, both in kinds.items()},
        )
    ]
    assert ratios[0] == pytest.approx(5.6, abs=0.1)
    assert ratios[1] == pytest.approx(ratios[0], rel=0.25)


@with_images
@pytest.mark.parametrize(
    ("kind", "low", "high", "tolerance"),
    [(ELECTRON, 150, 1000, 0.15), (PROTON, 3, 130, 0.20)],
)
def test_occupancy_is_that_of_the_real_images(
    kinds: dict[int, Both], kind: int, low: int, high: int, tolerance: float
) -> None:
    """Lit pixels per visible energy, and the span of nineteen in twenty planes."""
    both = kinds[kind]
    per_energy = [np.count_nonzero(one) / one.sum() for one in (both.real, both.made)]
    assert per_energy[1] == pytest.approx(per_energy[0], rel=tolerance)
    counts = np.count_nonzero(both.made, axis=(2, 3))
    assert low <= np.percentile(counts, 2.5)
    assert np.percentile(counts, 97.5) <= high


@with_images
@pytest.mark.parametrize(
    ("kind", "percents"), [(ELECTRON, (10, 75, 90, 95)), (PROTON, (50, 75, 90, 95))]
)
def test_charge_spectrum_is_that_of_the_real_images(
    kinds: dict[int, Both], kind: int, percents: tuple[int, ...]
) -> None:
    """Percentiles of lit pixels within 20 %; an electron's lie flat between 15 and 60 units, where
    a quarter of the pixels makes a factor; among ten protons, one that met a nucleus decides the
    low charges.
    """
    real, made = (np.percentile(lit(one), percents) for one in (kinds[kind].real, kinds[kind].made))
    assert made == pytest.approx(real, rel=0.20)


def widths(planes: Planes) -> np.ndarray:
    """Distances from the main axis within which 68 and 90 % of the charge lie, (planes, 2)."""
    found = []
    for plane in planes.reshape(-1, EDGE, EDGE):
        at = np.argwhere(plane > 0)
        charge = plane[plane > 0].astype(np.float64)
        away = at - np.average(at, axis=0, weights=charge)
        axis = np.linalg.eigh((away * charge[:, None]).T @ away)[1][:, 0]
        distance = np.abs(away @ axis)
        order = np.argsort(distance)
        share = charge[order].cumsum() / charge.sum()
        found.append(distance[order][np.searchsorted(share, [0.68, 0.9])])
    return np.array(found)


@with_images
def test_showers_are_as_wide_as_the_real_ones(kinds: dict[int, Both]) -> None:
    both = kinds[ELECTRON]
    real, made = (np.median(widths(one), axis=0) for one in (both.real, both.made))
    assert made == pytest.approx(real, rel=0.3)


@with_segments
def test_protons_of_geant4_slow_down_as_ours() -> None:
    """dE/dx of a stopping track's segments by the energy still to come; keV in this file."""
    table = argon.range_table(argon.PROTON_MASS)
    protons = pl.read_parquet(SEGMENTS / "argoncube_segments.parquet").filter(pl.col("pdg") == 2212)
    ratios = []
    for _, track in protons.group_by("track_id"):
        energy, length = (track[name].to_numpy().astype(float) for name in ("dE", "dx"))
        energy = energy / 1000
        path = table.range_of(np.array([energy.sum()]))[0]
        if len(energy) < 5 or abs(length.sum() / path - 1) > 0.05:
            continue  # it left the box or met a nucleus
        rest = energy[::-1].cumsum()[::-1] - energy / 2
        use = (rest > 5) & (length > 0.02)
        ratios.append(np.median(energy[use] / length[use] / table.loss_at(rest[use])))
    assert len(ratios) >= 6
    assert np.median(ratios) == pytest.approx(1.0, abs=0.03)


@with_segments
def test_muons_of_geant4_lose_as_much_as_ours() -> None:
    """Median dE/dx of segments above 1 cm of cosmic muons, without their knocked-on electrons."""
    table = pl.read_parquet(SEGMENTS / "qc_tpc_10k_segments.parquet")
    theirs = table.filter((pl.col("pdg") == -13) & (pl.col("dx") > 1))["dEdx"].median()
    count = 4000
    rng = np.random.default_rng(5)
    muons = Particles(
        np.arange(count),
        np.full(count, MUON_PLUS),
        np.full(count, 3000.0),
        np.zeros((count, 3)),
        isotropic(rng, count),
    )
    lost = np.zeros(count)
    for _ in range(27):  # their median length is 2.7 cm
        length, mean = losses.step_and_loss(muons)
        knocked = losses.knocked_on(muons, length, rng)[0]
        lost += losses.straggled(muons, length, mean - knocked, rng)
    assert np.median(lost) / 2.7 == pytest.approx(theirs, rel=0.08)
