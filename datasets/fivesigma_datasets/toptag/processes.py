"""What is generated: hadronic tops and QCD dijets at 14 TeV, as in the reference set.

G. Kasieczka, T. Plehn et al., SciPost Phys. 7, 014 (arXiv:1902.09914): Pythia 8 at 14 TeV without
multiple interactions and pile-up, anti-kt jets with R = 0.8 of 550 to 650 GeV and |eta| < 2, tops
matched to the jet together with their three quarks.
"""

from dataclasses import dataclass

COMMON = (
    "Beams:eCM = 14000.",
    "PhaseSpace:pTHatMin = 500.",
    "PartonLevel:MPI = off",
    "ParticleDecays:limitTau0 = on",
    "ParticleDecays:tau0Max = 10.",
    "24:onMode = off",
    "24:onIfAny = 1 2 3 4 5",
)
"""The same for both classes, W decays too: a difference here would be a difference to learn."""

RADIUS = 0.8
PT_RANGE = (550.0, 650.0)
"""Measured transverse momentum of the jets in GeV."""

MASS_RANGE = (140.0, 200.0)
"""Measured jet mass in GeV, as classic top taggers ask for it first.

D. Kaplan et al., arXiv:0806.0848, take 145 to 205 GeV. Without it the mass alone has an AUC above
0.9, more than half the way from chance to any tagger: there would be little left to learn.
"""

MAX_ETA = 2.0
MATCHED = 0.8
"""Largest distance of a jet to the top quark, and to each of its three quarks."""


@dataclass(frozen=True)
class Process:
    """One class: ``tops`` are matched to their quarks.

    ``jets_per_event`` (about) says how many events a number of jets takes; it decides how much is
    generated at first, not what is in the tables.
    """

    name: str
    label: str
    settings: tuple[str, ...]
    jets_per_event: float
    tops: bool


QCD = Process("QCD", "b", ("HardQCD:all = on",), 0.055, tops=False)
TOP = Process("top", "s", ("Top:gg2ttbar = on", "Top:qqbar2ttbar = on"), 0.32, tops=True)
PROCESSES = (QCD, TOP)
