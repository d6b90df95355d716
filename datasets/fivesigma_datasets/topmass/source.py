"""Top pairs of given masses for the generator.

A quark and an antiquark annihilate into a colour singlet that becomes t and tbar, each with a mass
and direction of its own. Drawing the generator's own top mass anew instead costs an
initialisation for every value, and gives a table with far fewer masses than jets.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from fivesigma_datasets.jets.kinematics import Floats
from fivesigma_datasets.topmass.settings import BEAMS, SHOT_ETA, SHOT_POWER, SHOT_PT

UP, TOP, PROTON = 2, 6, 2212
PROCESS = 9999
"""The number of the process, free in the Les Houches accord (hep-ph/0109068)."""

UNPOLARISED = 9.0


@dataclass(frozen=True)
class Pairs:
    """n pairs back to back: ``mass`` and ``eta`` (n, 2) of t and tbar, ``pt`` and ``phi`` (n,)."""

    mass: Floats
    eta: Floats
    pt: Floats
    phi: Floats


def drawn(mass: Floats, rng: np.random.Generator) -> Pairs:
    """Pairs with the masses (n, 2); nothing else depends on them."""
    n, power = len(mass), 1.0 - SHOT_POWER
    low, high = (edge**power for edge in SHOT_PT)
    pt = (low + (high - low) * rng.random(n)) ** (1.0 / power)
    eta = rng.uniform(-SHOT_ETA, SHOT_ETA, (n, 2))
    return Pairs(mass, eta, pt, rng.uniform(-np.pi, np.pi, n))


def make_source() -> Any:
    """A source of hard processes that takes pairs from its ``queue``, a list of rows.

    A row is (mass, mass, eta, eta, pt, phi). An empty queue ends the run.
    """
    import pythia8mc

    class Source(pythia8mc.LHAup):  # type: ignore[misc]  # the extension has no types
        """Hard processes in the order of the queue."""

        def __init__(self) -> None:
            pythia8mc.LHAup.__init__(self)
            self.queue: list[tuple[float, ...]] = []

        def setInit(self) -> bool:  # noqa: N802  # the generator's name
            self.setBeamA(PROTON, BEAMS / 2)
            self.setBeamB(PROTON, BEAMS / 2)
            self.setStrategy(3)  # events have weight 1
            self.addProcess(PROCESS, 1.0, 0.0, 1.0)
            return True

        def setEvent(self, _process: int = 0) -> bool:  # noqa: N802  # the generator's name
            if not self.queue:
                return False
            _fill(self, *self.queue.pop(0))
            return True

    return Source()


def rows(pairs: Pairs) -> list[tuple[float, ...]]:
    """Pairs as the queue of a source holds them."""
    table = np.column_stack([pairs.mass, pairs.eta, pairs.pt, pairs.phi])
    return [tuple(row) for row in table.tolist()]


def _fill(
    source: Any, m1: float, m2: float, eta1: float, eta2: float, pt: float, phi: float
) -> None:
    """One event: q qbar → t tbar with colour 101 for the quarks, 102 for the tops."""
    px, py = pt * float(np.cos(phi)), pt * float(np.sin(phi))
    pz = [pt * float(np.sinh(eta)) for eta in (eta1, eta2)]
    energy = [float(np.sqrt(m * m + pt * pt + z * z)) for m, z in zip((m1, m2), pz, strict=True)]
    total, along = sum(energy), sum(pz)
    plus, minus = (total + along) / 2, (total - along) / 2
    source.setProcess(PROCESS, 1.0, float(np.sqrt(total**2 - along**2)))
    source.addParticle(UP, -1, 0, 0, 101, 0, 0.0, 0.0, plus, plus, 0.0, 0.0, UNPOLARISED)
    source.addParticle(-UP, -1, 0, 0, 0, 101, 0.0, 0.0, -minus, minus, 0.0, 0.0, UNPOLARISED)
    source.addParticle(TOP, 1, 1, 2, 102, 0, px, py, pz[0], energy[0], m1, 0.0, UNPOLARISED)
    source.addParticle(-TOP, 1, 1, 2, 0, 102, -px, -py, pz[1], energy[1], m2, 0.0, UNPOLARISED)
