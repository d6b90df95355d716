"""Images on whole cells, and their preparation."""

import numpy as np
import pytest
from fivesigma_datasets import DataError
from fivesigma_datasets.jets.cells import CELL, TOWER, summed
from fivesigma_datasets.jets.images import (
    Grid,
    Hits,
    hits_of_deposits,
    hits_of_momenta,
    images,
    quantised,
)
from fivesigma_datasets.jets.kinematics import momenta
from fivesigma_datasets.jets.preprocessing import channel_scales, scaled

GRIDS = [Grid(40, 2), Grid(64, 2), Grid(125, 1)]


def hits_at(eta: float, phi: float, pt: float = 7.0) -> Hits:
    return hits_of_momenta(np.array([0]), momenta(*np.array([[pt], [eta], [phi]])))


def image(grid: Grid, axis: tuple[float, float], *layers: Hits) -> np.ndarray:
    return images(grid, np.array([0]), np.array([axis[0]]), np.array([axis[1]]), layers)[0]


def test_topmass_windows_hold_a_heavy_top() -> None:
    assert Grid(125, 1).half_width == pytest.approx(1.09, abs=0.002)
    assert Grid(64, 2).half_width == pytest.approx(1.117, abs=0.001)


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("phi", [0.0, 3.14, -3.14])
def test_what_lies_on_the_axis_is_in_the_middle_also_at_pi(grid: Grid, phi: float) -> None:
    lit = np.argwhere(image(grid, (0.4, phi), hits_at(0.4, phi))[0])
    assert np.abs(lit[0] - (grid.pixels - 1) / 2).max() <= 0.5


@pytest.mark.parametrize("grid", GRIDS)
def test_rows_are_eta_columns_are_phi_and_phi_wraps(grid: Grid) -> None:
    pixel = grid.cells * CELL
    reference = image(grid, (0.4, 0.0), hits_at(0.4 + 5 * pixel, -9 * pixel))
    row, column = np.argwhere(reference[0])[0]
    assert abs(row - (grid.pixels - 1) / 2 - 5) <= 1
    assert abs(column - (grid.pixels - 1) / 2 + 9) <= 1
    for turn in (179 * CELL, 180 * CELL, 181 * CELL):
        turned = image(grid, (0.4, turn), hits_at(0.4 + 5 * pixel, turn - 9 * pixel))
        assert np.array_equal(turned, reference)


def test_nothing_is_lost_inside_and_nothing_comes_from_outside() -> None:
    rng = np.random.default_rng(2)
    pt, eta, phi = rng.uniform(1, 9, 500), rng.uniform(-2, 2, 500), rng.uniform(-np.pi, np.pi, 500)
    hits = hits_of_momenta(np.zeros(500, dtype=np.int64), momenta(pt, eta, phi))
    grid = Grid(64, 2)
    total = image(grid, (0.0, 3.0), hits).sum()
    distance = np.abs((phi - 3.0 + np.pi) % (2 * np.pi) - np.pi)
    surely = (np.abs(eta) < grid.half_width - CELL) & (distance < grid.half_width - CELL)
    perhaps = (np.abs(eta) < grid.half_width + CELL) & (distance < grid.half_width + CELL)
    assert pt[surely].sum() - 1e-3 <= total <= pt[perhaps].sum() + 1e-3


def test_layers_are_channels_and_events_are_kept_apart() -> None:
    track = hits_of_momenta(np.array([0, 1, 1]), momenta(np.array([1.0, 2, 4]), *np.zeros((2, 3))))
    tower = hits_of_deposits(summed(np.array([1]), *np.full((2, 1), 0.01), np.array([8.0]), TOWER))
    seen = images(Grid(5, 2), np.array([0, 1, 1, 2]), np.zeros(4), np.zeros(4), (track, tower))
    assert seen.shape == (4, 2, 5, 5)
    totals = seen.sum(axis=(2, 3))
    assert totals[:, 0].tolist() == [1.0, 6.0, 6.0, 0.0]
    assert totals[:, 1] == pytest.approx([0.0, 8.0, 8.0, 0.0], rel=0.01)


def test_a_tower_stands_in_its_middle_cell_with_its_transverse_energy() -> None:
    deposits = summed(np.array([0]), np.array([1.0]), np.array([-2.0]), np.array([50.0]), TOWER)
    hits = hits_of_deposits(deposits)
    assert hits.ieta % TOWER == 2
    assert hits.iphi % TOWER == 2
    assert hits.value == pytest.approx(50.0 / np.cosh(deposits.eta))


@pytest.mark.parametrize("grid", [*GRIDS, Grid(43, 3)])
def test_every_pixel_has_the_same_number_of_cells_so_no_moire(grid: Grid) -> None:
    cells = 360
    ieta, iphi = np.meshgrid(np.arange(-180, 180), np.arange(cells), indexing="ij")
    full = Hits(np.zeros(360 * cells, dtype=np.int64), ieta.ravel(), iphi.ravel(), np.ones(360**2))
    for axis in ((0.0, 0.0), (0.7123, 3.05), (-0.333, -1.77)):
        assert (image(grid, axis, full) == grid.cells**2).all()


@pytest.mark.parametrize(("pixels", "cells"), [(0, 1), (10, 0), (360, 1), (64, 6)])
def test_impossible_grids_are_refused(pixels: int, cells: int) -> None:
    with pytest.raises(DataError, match="at least one pixel"):
        Grid(pixels, cells)


def test_quantised_rounds_and_never_overflows() -> None:
    values = np.array([0.0, 0.12, 0.13, 0.9, 1e9], dtype=np.float32)
    assert quantised(values, 0.25).tolist() == [0, 0, 1, 4, 65535]


def test_one_scale_per_channel_never_per_image() -> None:
    training = np.zeros((100, 2, 4, 4), dtype=np.uint16)
    training[:, 0, 0, 0] = np.arange(100)
    scales = channel_scales(training, outlier=0.1)
    assert scales == pytest.approx([np.quantile(np.arange(1, 100), 0.9), 1.0])
    after = scaled(training, scales)
    assert after.dtype == np.float32
    assert after[20, 0, 0, 0] == pytest.approx(2 * after[10, 0, 0, 0])  # energies stay comparable
    assert after[99, 0, 0, 0] == 1.0  # an outlier
    assert after.min() == 0.0


def test_what_is_below_the_floor_is_nothing() -> None:
    tiny = scaled(np.array([[[[9e-6, 2e-5]]]]), np.array([1.0]))
    assert tiny[0, 0, 0].tolist() == pytest.approx([0.0, 2e-5])
