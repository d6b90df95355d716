"""The simulated processes: Pythia settings, cross-sections and shares of the table.

Pythia's own cross-sections are leading order; ``k_factor`` scales them to the published
higher-order ones (LHC Higgs Cross Section Working Group for 8 TeV and m_H = 125 GeV; NNLO
for W, Z and top pairs). Z, W and H each come from one kind of hard process only, so that no
emission is counted twice: W from the 2 → 2 processes W+parton, everything else from the lowest
order with the shower's emissions.
"""

from dataclasses import dataclass

LUMINOSITY = 20_300.0
"""Integrated luminosity in 1/pb: the 8 TeV run of ATLAS."""

TAU_TO_LEPTON = 0.3521
"""Branching fraction of tau → e or mu with neutrinos (PDG)."""

LEP_HAD = 2 * TAU_TO_LEPTON * (1 - TAU_TO_LEPTON)
"""Fraction of tau pairs with one leptonic and one hadronic decay."""

COMMON = (
    "Print:quiet = on",
    "Beams:eCM = 8000.",
    "PartonLevel:MPI = on",
    "TauDecays:mode = 0",
    "ParticleDecays:limitTau0 = on",
    "ParticleDecays:tau0Max = 10.",
)
"""The same for every process: a difference here would be a difference to learn."""

FORCE_LEP_HAD = ("15:onMode = off", "15:onPosIfAny = 11 13", "15:onNegIfAny = 111 211 311 321")
"""One sign of tau decays to a lepton, the other to hadrons; signs are not in the table."""

FILTER_ETA = 3.0

SIGNAL_SHARE = 0.34
"""Signal rows in the table, as in the official one; weights make up for it."""

HIGGS = ("25:m0 = 125.", "25:onMode = off", "25:onIfAny = 15", *FORCE_LEP_HAD)


@dataclass(frozen=True)
class Process:
    """One simulated process.

    ``share`` is its part of the rows of its class, chosen near the official table's. ``factor``
    is the branching fraction that forced tau decays hide from Pythia's cross-section. Before the
    expensive part of an event, a filter asks for ``leptons`` charged leptons (taus included)
    above ``filter_pt`` within ``FILTER_ETA``: looser than the selection by more than showers move.
    """

    name: str
    label: str
    share: float
    settings: tuple[str, ...]
    k_factor: float
    factor: float
    leptons: int
    filter_pt: float


PROCESSES = (
    Process(
        "ggH", "s", 0.42, ("HiggsSM:gg2H = on", *HIGGS), 1.79, LEP_HAD, leptons=2, filter_pt=8.0
    ),
    Process(
        "VBF",
        "s",
        0.58,
        ("HiggsSM:ff2Hff(t:ZZ) = on", "HiggsSM:ff2Hff(t:WW) = on", *HIGGS),
        1.08,
        LEP_HAD,
        leptons=2,
        filter_pt=8.0,
    ),
    Process(
        "Ztautau",
        "b",
        0.22,
        (
            "WeakSingleBoson:ffbar2gmZ = on",
            "PhaseSpace:mHatMin = 60.",
            "23:onMode = off",
            "23:onIfAny = 15",
            *FORCE_LEP_HAD,
        ),
        1.4,
        LEP_HAD,
        leptons=2,
        filter_pt=8.0,
    ),
    Process(
        "ttbar",
        "b",
        0.20,
        (
            "Top:gg2ttbar = on",
            "Top:qqbar2ttbar = on",
            "24:onMode = off",
            "24:onIfAny = 11 13 15",
            "24:onNegIfAny = 1 2 3 4 5",
        ),
        1.58,
        1.0,
        leptons=1,
        filter_pt=18.0,
    ),
    Process(
        "Wjet",
        "b",
        0.58,
        (
            "WeakBosonAndParton:qqbar2Wg = on",
            "WeakBosonAndParton:qg2Wq = on",
            "PhaseSpace:pTHatMin = 15.",
            "24:onMode = off",
            "24:onIfAny = 11 13",
        ),
        1.2,
        1.0,
        leptons=1,
        filter_pt=18.0,
    ),
)
