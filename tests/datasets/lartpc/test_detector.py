"""From energy to lit pixels: charge, diffusion, overlap, noise, thresholds and dead wires."""

from __future__ import annotations

import numpy as np
import pytest
from fivesigma_datasets.lartpc import argon, detector
from fivesigma_datasets.lartpc.detector import gathered, ionisation, read_out
from fivesigma_datasets.lartpc.events import EASY, HARD, primaries
from fivesigma_datasets.lartpc.layout import IMAGES, PIXEL, VOXELS, Layout
from fivesigma_datasets.lartpc.particles import (
    CLASS_OF,
    NOTHING,
    PROTONS,
    SHOWER,
    TRACK,
    Deposits,
)
from fivesigma_datasets.lartpc.simulate import is_taken, labels_of

BOTH = pytest.mark.parametrize("layout", [IMAGES, VOXELS])


def rng() -> np.random.Generator:
    return np.random.default_rng(31)


def deposits(
    place: list[tuple[float, float, float]],
    energy: list[float],
    label: list[int],
    length: float = 0.1,
) -> Deposits:
    """Deposits of event 0 at places in cm."""
    count = len(place)
    return Deposits(
        np.zeros(count, np.int64),
        np.array(label),
        np.array(place, float),
        np.array(energy),
        np.full(count, length),
    )


def at(layout: Layout, drift: int, height: int, wire: int) -> int:
    if len(layout.shape) == 2:
        return drift * 256 + wire
    return (drift * 192 + height) * 192 + wire


def middle(drift: int, height: int, wire: int) -> tuple[float, float, float]:
    return (drift + 0.5) * PIXEL, (height + 0.5) * PIXEL, (wire + 0.5) * PIXEL


def test_a_minimum_ionising_track_gives_its_known_charge() -> None:
    """2.1 MeV/cm over a pixel of 3 mm: 0.63 MeV / 23.6 eV, of which 70 % escape: 18,800."""
    charge = ionisation(deposits([middle(1, 1, 1)], [0.63], [TRACK], length=0.3))
    assert charge[0] == pytest.approx(18.8, rel=0.01)


@BOTH
def test_charge_lands_in_its_pixel_and_its_neighbours(layout: Layout) -> None:
    """Near the wires all of it in one pixel; nothing is lost on the way from further away."""
    near = deposits([middle(1, 40, 30)], [1.0], [TRACK])
    pixel, charge, label = gathered(near, layout)
    assert pixel[charge.argmax()] == at(layout, 1, 40, 30)
    assert label[charge.argmax()] == TRACK
    assert charge.max() / charge.sum() > 0.95
    far = deposits([middle(180, 40, 30)], [1.0], [TRACK])
    pixel, spread, _ = gathered(far, layout)
    assert pixel[spread.argmax()] == at(layout, 180, 40, 30)
    assert spread.sum() == pytest.approx(charge.sum(), rel=0.01)
    assert spread.max() / spread.sum() < 0.9


def test_diffusion_grows_with_the_root_of_the_drift() -> None:
    """σ = sqrt(2 D t): 0.8 mm along and 1.25 mm across after 77 cm (0.5 kV/cm)."""
    time = 76.8 / detector.DRIFT_SPEED
    widths = {name: np.sqrt(2 * value * time) for name, value in detector.DIFFUSION.items()}
    assert widths["along"] == pytest.approx(0.077, abs=0.003)
    assert widths["across"] == pytest.approx(0.125, abs=0.003)
    for drift, axis in ((60, 1), (240, 1), (240, 0)):
        generator = rng()
        width = np.sqrt(
            2
            * detector.DIFFUSION["across" if axis else "along"]
            * drift
            * PIXEL
            / detector.DRIFT_SPEED
        )
        place = np.tile(middle(drift, 100, 100), (4000, 1))
        place[:, 2 * axis] += generator.uniform(-PIXEL / 2, PIXEL / 2, 4000)
        many = deposits([tuple(one) for one in place.tolist()], [0.2] * 4000, [TRACK] * 4000)
        pixel, charge, _ = gathered(many, IMAGES)
        position = np.divmod(pixel, 256)[axis]
        found = np.average((position - np.average(position, weights=charge)) ** 2, weights=charge)
        # charge that is even over a pixel, spread and cut into pixels again
        expected = np.sqrt(2 / np.pi) * width / PIXEL
        assert found == pytest.approx(expected, rel=0.25)


@BOTH
def test_the_largest_charge_of_a_pixel_gives_its_class(layout: Layout) -> None:
    place = middle(1, 40, 30)
    mixed = deposits(
        [place] * 4, [0.30, 0.25, 0.25, 0.40], [SHOWER, TRACK, TRACK, PROTONS], length=0.3
    )
    pixel, charge, label = gathered(mixed, layout)
    shown = label[pixel == at(layout, 1, 40, 30)]
    assert shown.tolist() == [TRACK]  # two deposits together have the most
    assert charge.max() == pytest.approx(ionisation(mixed).sum(), rel=0.05)


@BOTH
def test_noise_and_pixels_below_threshold_have_no_class(layout: Layout) -> None:
    threshold = layout.threshold * detector.NOISE
    per_electron = argon.WORK_FUNCTION * 1e3 / argon.survival(np.array([2.1]))[0]
    energies = [0.8 * threshold * per_electron, 6 * threshold * per_electron]
    two = deposits([middle(1, 40, 30), middle(1, 80, 90)], energies, [TRACK, SHOWER], length=0.3)
    seen = []
    for seed in range(40):
        lit = read_out(two, 1, layout, np.random.default_rng(seed), gaps=False)
        assert (lit.charge >= threshold - 0.05).all()
        assert set(lit.voxel[lit.label > 0].tolist()) == {at(layout, 1, 80, 90)}
        assert (np.diff(lit.voxel) > 0).all()
        seen.append((at(layout, 1, 40, 30) in lit.voxel, int((lit.label == 0).sum())))
    assert any(weak for weak, _ in seen)  # noise lifts it above the threshold, and it stays noise
    assert np.mean([weak for weak, _ in seen]) < 0.9


def test_noise_is_as_frequent_as_its_threshold_says() -> None:
    nothing = deposits([middle(1, 1, 1)], [1e-6], [TRACK])
    lit = read_out(nothing, 100, IMAGES, rng(), gaps=False)
    assert len(lit.voxel) / 100 == pytest.approx(65_536 * 2.326e-4, rel=0.1)  # 3.5 σ, one-sided
    assert not lit.label.any()
    excess = lit.charge - 1.75
    assert excess.mean() == pytest.approx(0.5 * 0.265, rel=0.15)  # tail of a Gaussian beyond 3.5 σ


def test_dead_wires_are_dark_and_others_in_each_event() -> None:
    count = 256 * 20
    every = Deposits(
        np.repeat(np.arange(20), 256),
        np.full(count, TRACK),
        np.stack(
            [
                np.full(count, 0.45),
                np.full(count, 30.0),
                np.tile((np.arange(256) + 0.5) * PIXEL, 20),
            ],
            axis=1,
        ),
        np.full(count, 2.0),
        np.full(count, 0.3),
    )
    whole = read_out(every, 20, IMAGES, rng(), gaps=False)
    cut = read_out(every, 20, IMAGES, rng(), gaps=True)
    dark = []
    for event in range(20):
        wires = [set((one.voxel[one.event == event] % 256).tolist()) for one in (whole, cut)]
        assert len(wires[0]) == 256
        dark.append(tuple(sorted(wires[0] - wires[1])))
    assert min(map(len, dark)) >= detector.DEAD_WIDTH[0]
    assert max(map(len, dark)) <= detector.DEAD_BANDS[1] * detector.DEAD_WIDTH[1]
    assert len(set(dark)) == 20


def test_charge_beyond_full_scale_is_cut() -> None:
    bright = deposits([middle(1, 1, 50)] * 20, [30.0] * 20, [PROTONS] * 20, length=1.0)
    assert read_out(bright, 1, IMAGES, rng(), gaps=False).charge.max() == detector.LIMIT


def test_what_leaves_the_volume_is_gone() -> None:
    outside = deposits([(-0.1, 1.0, 1.0), (1.0, 1.0, 77.0), (1.0, 400.0, 1.0)], [5.0] * 3, [2] * 3)
    assert len(gathered(outside, VOXELS)[0]) == 0
    pixel = gathered(outside, IMAGES)[0]
    assert set((pixel // 256).tolist()) <= {2, 3, 4}  # an image has no height


@pytest.mark.parametrize("mix", [EASY, HARD])
def test_events_have_two_to_four_particles_of_both_sorts(mix: object) -> None:
    particles = primaries(2000, VOXELS, EASY if mix is EASY else HARD, rng())
    numbers = np.bincount(particles.event)
    assert set(numbers.tolist()) == {2, 3, 4}
    showers = np.bincount(particles.event, CLASS_OF[particles.kind] == SHOWER)
    assert (showers >= 1).all()
    assert (showers < numbers).all()
    assert np.linalg.norm(particles.direction, axis=1) == pytest.approx(np.ones(len(particles)))
    assert particles.position.min() > 0.19 * VOXELS.size


def test_an_event_is_taken_if_no_constant_scores_well() -> None:
    def taken(*counts: int) -> bool:
        label = np.repeat(np.arange(len(counts)), counts)
        return bool(is_taken(np.zeros(len(label), np.int64), label, 1, 0.65)[0])

    assert taken(500, 40, 40)
    assert not taken(500, 24, 25)  # fewer than 50
    assert not taken(0, 66, 34)  # one has more than its share
    assert not taken(0, 60, 4, 0)  # hardly a second class
    assert taken(0, 40, 30, 30)


def test_protons_are_other_in_the_first_stage() -> None:
    label = np.array([NOTHING, SHOWER, TRACK, PROTONS])
    lit = detector.Lit(label * 0, label, label * 1.0, label)
    assert labels_of(lit, 1).tolist() == [0, 1, 2, 2]
    assert labels_of(lit, 2).tolist() == [0, 1, 2, 3]
