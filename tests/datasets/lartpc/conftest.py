"""The two shipped folders, prepared once; beams of particles."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from fivesigma_datasets import prepare
from fivesigma_datasets.lartpc.particles import Particles

Beam = Callable[..., Particles]


@pytest.fixture(scope="session")
def images_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The complete folder of the small images; tests only read it."""
    out = tmp_path_factory.mktemp("lartpc") / "lartpc"
    prepare("lartpc", out)
    return out


@pytest.fixture(scope="session")
def voxels_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The complete folder of the small volumes; tests only read it."""
    out = tmp_path_factory.mktemp("lartpc-3d") / "lartpc-3d"
    prepare("lartpc-3d", out)
    return out


@pytest.fixture(scope="session")
def beam() -> Beam:
    """Particles of one kind and energy, an event each, along the last axis from (x, y, z)."""

    def made(kind: int, energy: float, count: int, start: tuple[float, float, float]) -> Particles:
        return Particles(
            np.arange(count),
            np.full(count, kind),
            np.full(count, float(energy)),
            np.tile(np.array(start), (count, 1)),
            np.tile([0.0, 0.0, 1.0], (count, 1)),
        )

    return made
