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
    "Beams:eCM = 8000.",
    "PartonLevel:MPI = on",
    "SpaceShower:dipoleRecoil = on",
    "SpaceShower:pTdampMatch = 3",
    "SpaceShower:pTdampFudge = 0.6",
    "15:mayDecay = off",
    "ParticleDecays:limitTau0 = on",
    "ParticleDecays:tau0Max = 10.",
)
"""The same for every process: a difference here would be a difference to learn.

Recoil of initial-state emissions is local, else vector-boson fusion has too many central jets;
emissions far above the scale of the hard process are damped. Taus decay in ``tau_decays``.
"""

FILTER_ETA = 3.0

SIGNAL_SHARE = 0.35
"""Signal rows in the table, as in the official one; weights make up for it."""

HIGGS = ("25:m0 = 125.", "25:onMode = off", "25:onIfAny = 15")


@dataclass(frozen=True)
class Process:
    """One simulated process.

    ``share`` is its part of the rows of its class, chosen near the official table's. Before the
    expensive part of an event, a filter asks for ``leptons`` charged leptons (taus included) above
    ``filter_pt`` within ``FILTER_ETA``: looser than the selection by more than showers move.
    ``one_leptonic`` forces one tau of the pair to decay to a lepton and the other to hadrons.
    Events that are selected with a probability below ``thinning`` are thinned out (`detector`).
    """

    name: str
    label: str
    share: float
    settings: tuple[str, ...]
    k_factor: float
    leptons: int
    filter_pt: float
    one_leptonic: bool
    thinning: float


PROCESSES = (
    Process(
        name="ggH",
        label="s",
        share=0.42,
        settings=("HiggsSM:gg2H = on", *HIGGS),
        k_factor=1.79,
        leptons=2,
        filter_pt=12.0,
        one_leptonic=True,
        thinning=0.03,
    ),
    Process(
        name="VBF",
        label="s",
        share=0.58,
        settings=("HiggsSM:ff2Hff(t:ZZ) = on", "HiggsSM:ff2Hff(t:WW) = on", *HIGGS),
        k_factor=1.08,
        leptons=2,
        filter_pt=12.0,
        one_leptonic=True,
        thinning=0.03,
    ),
    Process(
        name="Ztautau",
        label="b",
        share=0.40,
        settings=(
            "WeakBosonAndParton:qqbar2gmZg = on",
            "WeakBosonAndParton:qg2gmZq = on",
            "PhaseSpace:pTHatMin = 20.",
            "PhaseSpace:mHatMin = 60.",
            "23:onMode = off",
            "23:onIfAny = 15",
        ),
        k_factor=1.2,
        leptons=2,
        filter_pt=12.0,
        one_leptonic=True,
        thinning=0.005,
    ),
    Process(
        name="ttbar",
        label="b",
        share=0.05,
        settings=("Top:gg2ttbar = on", "Top:qqbar2ttbar = on"),
        k_factor=1.58,
        leptons=1,
        filter_pt=20.0,
        one_leptonic=False,
        thinning=0.025,
    ),
    Process(
        name="Wjet",
        label="b",
        share=0.55,
        settings=(
            "WeakBosonAndParton:qqbar2Wg = on",
            "WeakBosonAndParton:qg2Wq = on",
            "PhaseSpace:pTHatMin = 15.",
            "24:onMode = off",
            "24:onIfAny = 11 13",
        ),
        k_factor=1.2,
        leptons=1,
        filter_pt=20.0,
        one_leptonic=False,
        thinning=0.0115,
    ),
)


def number_of(process: Process) -> int:
    """A process's place in ``PROCESSES``: part of its seeds."""
    return [other.name for other in PROCESSES].index(process.name)
