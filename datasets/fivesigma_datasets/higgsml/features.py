"""The thirty features of the 2014 table, computed from reconstructed objects.

Definitions: C. Adam-Bourdarios et al., "Learning to discover: the Higgs boson machine learning
challenge" (2014), appendix B. Verified against real rows: every derived feature follows from
the primitive ones except the two masses that need more (MMC and the jets' own masses).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fivesigma_datasets.higgsml.truth import wrap

Floats = npt.NDArray[np.float64]

UNDEFINED = -999.0

DERIVED = (
    "DER_mass_MMC",
    "DER_mass_transverse_met_lep",
    "DER_mass_vis",
    "DER_pt_h",
    "DER_deltaeta_jet_jet",
    "DER_mass_jet_jet",
    "DER_prodeta_jet_jet",
    "DER_deltar_tau_lep",
    "DER_pt_tot",
    "DER_sum_pt",
    "DER_pt_ratio_lep_tau",
    "DER_met_phi_centrality",
    "DER_lep_eta_centrality",
)
PRIMITIVE = (
    "PRI_tau_pt",
    "PRI_tau_eta",
    "PRI_tau_phi",
    "PRI_lep_pt",
    "PRI_lep_eta",
    "PRI_lep_phi",
    "PRI_met",
    "PRI_met_phi",
    "PRI_met_sumet",
    "PRI_jet_num",
    "PRI_jet_leading_pt",
    "PRI_jet_leading_eta",
    "PRI_jet_leading_phi",
    "PRI_jet_subleading_pt",
    "PRI_jet_subleading_eta",
    "PRI_jet_subleading_phi",
    "PRI_jet_all_pt",
)
FEATURES = DERIVED + PRIMITIVE

NEEDS_ONE_JET = ("PRI_jet_leading_pt", "PRI_jet_leading_eta", "PRI_jet_leading_phi")
NEEDS_TWO_JETS = (
    "DER_deltaeta_jet_jet",
    "DER_mass_jet_jet",
    "DER_prodeta_jet_jet",
    "DER_lep_eta_centrality",
    "PRI_jet_subleading_pt",
    "PRI_jet_subleading_eta",
    "PRI_jet_subleading_phi",
)
DECIMALS = 3


@dataclass(frozen=True)
class Reconstructed:
    """Objects of n selected events: momenta (pt, eta, phi, mass) in GeV, absent ones pt = 0.

    ``tau``, ``lep`` (n, 4); ``jets`` (n, k, 4) hardest first, all above threshold; ``met``
    (n, 2) as px and py; ``sum_et`` and ``mmc`` (n,), the latter NaN where it has no solution.
    """

    tau: Floats
    lep: Floats
    jets: Floats
    met: Floats
    sum_et: Floats
    mmc: Floats


def features(events: Reconstructed) -> dict[str, Floats]:
    """The table's columns; values are rounded as published, -999.0 where undefined."""
    first, second = (_momentum(events.jets[:, number]) for number in (0, 1))
    return completed(_primitive(events), mass_mmc=events.mmc, mass_jet_jet=_mass(first + second))


def completed(
    primitive: dict[str, Floats], *, mass_mmc: Floats, mass_jet_jet: Floats
) -> dict[str, Floats]:
    """All columns from the primitive ones and the two masses that do not follow from them.

    ``mass_mmc`` is NaN where it has no solution; jet columns are 0 where there is no jet.
    """
    derived = _derived(primitive)
    derived |= {"DER_mass_MMC": mass_mmc, "DER_mass_jet_jet": mass_jet_jet}
    columns = {name: np.round((derived | primitive)[name], DECIMALS) for name in FEATURES}
    jet_number = primitive["PRI_jet_num"]
    for names, least in ((NEEDS_ONE_JET, 1), (NEEDS_TWO_JETS, 2)):
        for name in names:
            columns[name] = np.where(jet_number >= least, columns[name], UNDEFINED)
    columns["DER_mass_MMC"] = np.nan_to_num(columns["DER_mass_MMC"], nan=UNDEFINED)
    return {name: values + 0.0 for name, values in columns.items()}  # no negative zeros


def _primitive(events: Reconstructed) -> dict[str, Floats]:
    columns: dict[str, Floats] = {}
    objects = {
        "PRI_tau": events.tau,
        "PRI_lep": events.lep,
        "PRI_jet_leading": events.jets[:, 0],
        "PRI_jet_subleading": events.jets[:, 1],
    }
    for prefix, momentum in objects.items():
        for axis, suffix in enumerate(("pt", "eta", "phi")):
            columns[f"{prefix}_{suffix}"] = np.round(momentum[:, axis], DECIMALS)
    met_x, met_y = events.met.T
    columns["PRI_met"] = np.asarray(np.round(np.hypot(met_x, met_y), DECIMALS))
    columns["PRI_met_phi"] = np.asarray(np.round(np.arctan2(met_y, met_x), DECIMALS))
    columns["PRI_met_sumet"] = np.round(events.sum_et, DECIMALS)
    columns["PRI_jet_num"] = np.minimum((events.jets[:, :, 0] > 0).sum(axis=1), 3).astype(float)
    all_pt = np.round(events.jets[:, :, 0], DECIMALS).sum(axis=1)
    columns["PRI_jet_all_pt"] = np.asarray(np.round(all_pt, DECIMALS))
    return columns


def _derived(columns: dict[str, Floats]) -> dict[str, Floats]:
    tau, lep, first, second = (
        _vector(columns, f"PRI_{name}") for name in ("tau", "lep", "jet_leading", "jet_subleading")
    )
    met = np.zeros_like(tau)
    met[:, 1] = columns["PRI_met"] * np.cos(columns["PRI_met_phi"])
    met[:, 2] = columns["PRI_met"] * np.sin(columns["PRI_met_phi"])
    eta_1, eta_2 = columns["PRI_jet_leading_eta"], columns["PRI_jet_subleading_eta"]
    opening = wrap(columns["PRI_lep_phi"] - columns["PRI_met_phi"])
    return {
        "DER_mass_transverse_met_lep": np.sqrt(
            2 * columns["PRI_lep_pt"] * columns["PRI_met"] * (1 - np.cos(opening))
        ),
        "DER_mass_vis": _mass(tau + lep),
        "DER_pt_h": _transverse(tau + lep + met),
        "DER_deltaeta_jet_jet": np.abs(eta_1 - eta_2),
        "DER_prodeta_jet_jet": eta_1 * eta_2,
        "DER_deltar_tau_lep": np.hypot(
            columns["PRI_tau_eta"] - columns["PRI_lep_eta"],
            wrap(columns["PRI_tau_phi"] - columns["PRI_lep_phi"]),
        ),
        "DER_pt_tot": _transverse(tau + lep + met + first + second),
        "DER_sum_pt": columns["PRI_tau_pt"] + columns["PRI_lep_pt"] + columns["PRI_jet_all_pt"],
        "DER_pt_ratio_lep_tau": columns["PRI_lep_pt"] / columns["PRI_tau_pt"],
        "DER_met_phi_centrality": _met_centrality(columns),
        "DER_lep_eta_centrality": _eta_centrality(columns["PRI_lep_eta"], eta_1, eta_2),
    }


def _vector(columns: dict[str, Floats], prefix: str) -> Floats:
    """(e, px, py, pz), shape (n, 4), of a massless object."""
    pt, eta, phi = (columns[f"{prefix}_{name}"] for name in ("pt", "eta", "phi"))
    return _momentum(np.stack([pt, eta, phi, np.zeros_like(pt)], axis=1))


def _momentum(cylindrical: Floats) -> Floats:
    """(pt, eta, phi, mass) → (e, px, py, pz), rounded as published but for the mass."""
    pt, eta, phi = np.round(cylindrical[:, :3], DECIMALS).T
    pz = pt * np.sinh(eta)
    energy = np.sqrt((pt * np.cosh(eta)) ** 2 + cylindrical[:, 3] ** 2)
    return np.stack([energy, pt * np.cos(phi), pt * np.sin(phi), pz], axis=1)


def _mass(vector: Floats) -> Floats:
    squared = vector[:, 0] ** 2 - (vector[:, 1:] ** 2).sum(axis=1)
    return np.asarray(np.sqrt(np.maximum(squared, 0.0)))


def _transverse(vector: Floats) -> Floats:
    return np.asarray(np.hypot(vector[:, 1], vector[:, 2]))


def _met_centrality(columns: dict[str, Floats]) -> Floats:
    """+sqrt(2) with the missing momentum midway between tau and lepton, -sqrt(2) opposite."""
    tau, lep, met = (columns[name] for name in ("PRI_tau_phi", "PRI_lep_phi", "PRI_met_phi"))
    side = np.sign(np.sin(tau - lep))
    a, b = np.sin(met - lep) * side, np.sin(tau - met) * side
    length = np.hypot(a, b)
    ratio: Floats = np.divide(a + b, length, out=np.zeros_like(a), where=length > 0)
    return ratio


def _eta_centrality(lep: Floats, eta_1: Floats, eta_2: Floats) -> Floats:
    """1 where the lepton is midway between the two jets, 1/e at a jet, towards 0 outside."""
    gap = np.maximum(np.abs(eta_1 - eta_2), 1e-6)
    return np.asarray(np.exp(-4.0 * ((lep - (eta_1 + eta_2) / 2) / gap) ** 2))
