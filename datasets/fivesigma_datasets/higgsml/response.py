"""The numbers of the detector response, near ATLAS's published 8 TeV performance.

Round values, set once against the table of 2014 and the same for every process: what differs
between processes is what the generator makes of them.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Response:
    """Settings of the response, GeV where not a pure number; they go into the manifest.

    - Leptons: threshold, acceptance, veto of a second one, barrel–endcap gap of electrons, plateau
      of trigger and identification, and what is missing of it at the threshold.
    - Bottom tag: jets recognised as bottom quarks' veto the event, as in the search for H → ττ.
    - Taus: threshold, acceptance, visible energy's scale, identification efficiency.
    - Jets taken for taus: rate at threshold, falling with ``fake_slope`` to ``fake_floor`` of it;
      a narrow jet's energy is ``fake_response`` of the jet's, with a width.
    - Jets: threshold, acceptance; ``terms`` are noise N, stochastic S, constant C of the relative
      resolution N/pt + S/sqrt(pt) + C. Central jets below ``vertex_pt`` are lost with the
      probability ``vertex_loss``, their tracks taken for another vertex's.
    - Missing momentum: jets from ``met_jet_pt`` on; of the soft rest a share survives that is drawn
      from an exponential with mean ``soft_kept``; noise has a width per component that differs from
      event to event (log-normal). ``soft_sum_et``: scale and width of the rest's transverse energy.
    - Pile-up: the chance of each of two jets, and their exponential slope in pt.
    - Mass estimate: assumed resolution of the missing momentum, constant and per root of the
      jets' sum; ``mmc_spread`` stands for angles of the taus' products and the scan's sampling.
    """

    lepton_pt: float = 26.0
    lepton_eta: float = 2.47
    veto_lepton_pt: float = 15.0
    crack: tuple[float, float] = (1.37, 1.52)
    lepton_efficiency: float = 0.80
    lepton_turn_on: float = 0.10
    b_tag: float = 0.70
    b_tag_eta: float = 2.5
    tau_pt: float = 20.0
    tau_eta: float = 2.47
    tau_scale: float = 0.98
    tau_efficiency: float = 0.42
    fake_rate: float = 0.026
    fake_floor: float = 0.15
    fake_slope: float = 14.0
    fake_response: float = 0.8
    fake_width: float = 0.12
    jet_pt: float = 30.0
    jet_eta: float = 4.5
    jet_terms: tuple[float, float, float] = (7.0, 0.8, 0.05)
    tau_terms: tuple[float, float, float] = (1.0, 0.5, 0.03)
    vertex_pt: float = 50.0
    vertex_eta: float = 2.4
    vertex_loss: float = 0.20
    met_jet_pt: float = 20.0
    soft_kept: float = 0.10
    soft_noise: float = 1.6
    soft_noise_spread: float = 0.7
    soft_sum_et: tuple[float, float] = (0.35, 35.0)
    pile_up_jets: tuple[float, float] = (0.10, 5.0)
    mmc_resolution: tuple[float, float] = (9.0, 0.4)
    mmc_spread: float = 0.10


RESPONSE = Response()
