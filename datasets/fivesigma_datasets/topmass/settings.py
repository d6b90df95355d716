"""What the simulated tables of topmass are made of; everything here goes into the manifest."""

from fivesigma_datasets.jets.images import Grid

MASS_RANGE = (85.0, 500.0)
"""Generated masses in GeV, flat; 85 is just above the W boson and the b quark."""

PT_RANGE = (500.0, 1400.0)
"""Transverse momenta of accepted jets in GeV."""

SHOT_PT = (490.0, 1550.0)
"""Transverse momenta of generated tops in GeV: wider, since jets lose and gain."""

SHOT_POWER = 0.5
"""Tops are shot with a density of pt to the power of minus this.

A power law keeps its shape where every jet has some fraction of its top's pt, so the accepted
jets' pt has the same spectrum at every mass, although heavy tops lose more.
"""

THINNING = 0.6
"""Heavy tops with a large pt fit into their jet more often than others, so jets of mass m are kept
with probability (500 GeV / pt)^(0.6 (m - 85) / 415): pt and mass are then independent."""

MAX_ETA = 1.3
"""Accepted jets: their whole window lies inside the tracker."""

SHOT_ETA = 1.4

RADIUS = 1.1
"""Of the anti-kt jets: the half-width of the images, so that both hold the same particles."""

MATCH = 0.6
"""Greatest distance in eta and phi between a jet and its top."""

BEAMS = 13_000.0
"""Centre-of-mass energy in GeV."""

STEP = 0.25
"""Pixels are numbers of steps of so many GeV."""

SMALL_GRID = Grid(pixels=64, cells=2)
FULL_GRID = Grid(pixels=125, cells=1)
SMALL_LIMIT = 50_000
"""Tables up to so many jets come in 64x64 pixels, larger ones in 125x125."""

GENERATOR = (
    "Beams:frameType = 5",
    "24:onMode = off",
    "24:onIfAny = 1 2 3 4 5",
    "PartonLevel:MPI = on",
    "ParticleDecays:limitTau0 = on",
    "ParticleDecays:tau0Max = 10.",
)
"""Hard processes from outside; W bosons to quarks; underlying event; long-lived hadrons fly."""


def grid_of(events: int) -> Grid:
    """The images of a table of so many jets."""
    return SMALL_GRID if events <= SMALL_LIMIT else FULL_GRID
